"""The tuner's own settings: everything in which one tuner differs from another, in one place.

The race (:mod:`~metagenx.meta.race`), the proposals and the searchers read them; a tuner profile
(:mod:`~metagenx.meta.profile`) is a YAML file of them, and ``metagenx metatune`` searches over them. What makes an
answer trustworthy is not among them: the fresh repeats of the validation, its test and its level are the same for all.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from metagenx.errors import ConfigError, Mistake
from metagenx.fitting.settings import Option
from metagenx.meta.space_changes import SpacePolicy

SEARCHERS = (
    "random", "sobol", "tpe", "racing", "de", "lus", "grid", "ray:ax", "ray:bayesopt", "ray:bohb", "ray:hebo",
    "ray:hyperopt", "ray:nevergrad", "ray:optuna", "ray:zoopt",
)  # fmt: skip
SAMPLE_ORDERS = ("given", "hardest", "easiest")


def _setting(
    default: Any,
    description: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    return field(default=default, metadata={"description": description, "low": low, "high": high, "choices": choices})


@dataclass(frozen=True)
class TunerSettings:
    """Settings of the tuner; the defaults are those that were set by hand.

    Raises
    ------
    ConfigError : a value of the wrong type or outside its range; all mistakes are listed.
    """

    searcher: str = _setting("random", "Who proposes settings.", choices=SEARCHERS)
    trials: int = _setting(60, "Most settings proposed in a run.", 1, 100_000)
    cohorts: int = _setting(3, "Rounds of proposals; a later one knows how the earlier ones did.", 1, 10_000)

    search_share: float = _setting(0.45, "Share of the budget for the search.", 0.05, 0.8)
    confirmation_share: float = _setting(0.20, "Share of the budget for the confirmation.", 0.02, 0.6)
    finalists: int = _setting(3, "Settings confirmed.", 1, 20)
    confirm_level: float = _setting(0.5, "Who is less likely than this to be better by chance passes.", 0.01, 1.0)

    reference_fits: int = _setting(12, "Fits of each pinned setting at the very beginning.", 2, 1000)
    rungs: int = _setting(3, "Looks at a setting, each after more evaluations.", 1, 12)
    first_successes: float = _setting(
        2.0, "Evaluations of the first rung: what brings the baseline so many successes on each sample.", 0.25, 100.0
    )
    growth: float = _setting(2.0, "Evaluations of a rung, in those of the one before.", 1.1, 8.0)
    survivors: float = _setting(0.5, "Share of the settings on a rung that goes on to the next.", 0.05, 1.0)
    most_repeats: int = _setting(
        0,
        "Most fits of a setting on a sample in the search; 0: test.repeats, which goes before this if it is written.",
        0,
        100_000,
    )

    drop_level: float = _setting(
        0.10, "Chance that a setting as good as the incumbent is dropped by the test, over all rungs; 0: no test.", 0, 1
    )
    capping_slack: float = _setting(
        0.0,
        "Drop who takes so many times longer than the incumbent, doubts of both granted; 0: nobody is capped.",
        0.0,
        100.0,
    )

    first_samples: float = _setting(1.0, "Share of the samples that the first rung sees; the last sees all.", 0.01, 1.0)
    sample_order: str = _setting(
        "given", "Which samples come first: as given, hardest or easiest for the baseline.", choices=SAMPLE_ORDERS
    )

    whole_share: float = _setting(
        0.5, "Share of a later cohort that comes from the whole space, with random and sobol.", 0.0, 1.0
    )
    first_near: float = _setting(
        0.0, "Share of the first cohort that lies near what races anyway, with random and sobol.", 0.0, 1.0
    )
    near_elites: int = _setting(4, "How many of the best the others lie near.", 1, 100)
    near_width: float = _setting(0.2, "Standard deviation of their steps, in widths of the space.", 0.001, 2.0)
    near_shrink: float = _setting(0.5, "What becomes of that width with every cohort.", 0.05, 1.0)
    cutoff_proposals: int = _setting(2, "How many of the best come again with the cutoff of their traces.", 0, 20)
    cutoff_margin: float = _setting(1.15, "That cutoff, in the hit time that it follows from.", 1.0, 10.0)

    space_elite: float = _setting(0.15, "Automatic space: share of the settings that are the elite.", 0.02, 0.5)
    space_trim: float = _setting(
        0.10, "Automatic space: share of the elite left out at either end of a parameter, before it is boxed.", 0.0, 0.4
    )
    space_inflate: float = _setting(
        0.30, "Automatic space: by how much the elite's box is inflated before it is searched.", 0.0, 3.0
    )
    space_matters: float = _setting(
        0.05, "Automatic space: share of the importance below which a parameter is frozen.", 0.0, 1.0
    )
    space_edge: float = _setting(
        0.05, "Automatic space: what still counts as sitting at a bound, in widths of the box.", 0.0, 0.5
    )
    space_widen: float = _setting(0.50, "Automatic space: by how much such a bound moves.", 0.0, 3.0)
    space_fewest: int = _setting(3, "Automatic space: settings of a choice before it may be dropped.", 1, 1000)
    space_whole: float = _setting(
        0.15, "Automatic space: share of the proposals that come from all that is allowed, whatever the box.", 0.0, 1.0
    )

    tpe_startup: int = _setting(10, "TPE: random settings at first.", 1, 1000)
    racing_iteration: int = _setting(12, "Racing: settings after which the elites are chosen anew.", 2, 1000)
    racing_width: float = _setting(
        0.5, "Racing: standard deviation of the first steps, in widths of the space.", 0.01, 2
    )
    de_population: int = _setting(12, "DE on DE: population.", 4, 1000)
    de_f: float = _setting(0.6, "DE on DE: weight of the difference.", 0.0, 2.0)
    de_cr: float = _setting(0.9, "DE on DE: share of the parameters that is crossed.", 0.0, 1.0)
    de_other_choice: float = _setting(0.25, "DE on DE: how often a choice is drawn anew.", 0.0, 1.0)
    lus_gamma: float = _setting(3.0, "LUS: failures that halve the box, per parameter.", 0.05, 100.0)
    lus_width: float = _setting(1.0, "LUS: half-width of the first box, in widths of the space.", 0.01, 1.0)

    def __post_init__(self) -> None:
        mistakes = mistakes_in(dataclasses.asdict(self))
        if mistakes:
            raise ConfigError("settings of the tuner", mistakes)
        for option in describe():
            if option.kind is not str:
                object.__setattr__(self, option.name, option.kind(getattr(self, option.name)))

    @property
    def space_policy(self) -> SpacePolicy:
        """The rules by which an automatic space is defined and refined."""
        return SpacePolicy(**{rule.name: getattr(self, f"space_{rule.name}") for rule in fields(SpacePolicy)})

    def replace(self, **changes: Any) -> TunerSettings:
        """A copy with some settings changed."""
        return dataclasses.replace(self, **changes)

    def changes(self, other: TunerSettings | None = None) -> dict[str, Any]:
        """The settings in which these differ from others; default: those set by hand."""
        base = other or TunerSettings()
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != getattr(base, f.name)}


def describe() -> tuple[Option, ...]:
    """All settings with their kind, default, range and description, in a sensible order."""
    return _OPTIONS


def mistakes_in(values: Mapping[str, Any]) -> list[Mistake]:
    """Everything wrong with these settings: unknown names, wrong types, values out of range."""
    options = {option.name: option for option in describe()}
    found = []
    for name, value in values.items():
        if name not in options:
            close = get_close_matches(str(name), options, n=1)
            found.append(Mistake(str(name), "is not a setting of the tuner", suggestion=close[0] if close else None))
        elif mistake := _mistake(options[name], value):
            found.append(mistake)
    return found


def _mistake(option: Option, value: Any) -> Mistake | None:
    if option.choices is not None:
        if value in option.choices:
            return None
        close = get_close_matches(str(value), option.choices, n=1, cutoff=0.4)
        message = f"is {value!r}, it must be one of {', '.join(option.choices)}"
        return Mistake(option.name, message, suggestion=close[0] if close else None)
    what = "a whole number" if option.kind is int else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return Mistake(option.name, f"is {value!r}, it must be {what}")
    assert option.low is not None
    assert option.high is not None
    if not option.low <= value <= option.high:
        return Mistake(option.name, f"is {value!r}, it must be between {option.low:g} and {option.high:g}")
    if option.kind is int and value != int(value):
        return Mistake(option.name, f"is {value!r}, it must be a whole number")
    return None


_KINDS: dict[str, type] = {"str": str, "float": float, "int": int}
_OPTIONS = tuple(
    Option(name=f.name, kind=_KINDS[str(f.type)], default=f.default, origin="metagenx", **f.metadata)
    for f in fields(TunerSettings)
)
