"""The keys of an experiment file, their types, ranges and defaults; nothing is guessed elsewhere."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

from metagenx.meta import quantities

# About ten minutes on two cores for a film with a dozen parameters (some 40 µs an evaluation).
DEFAULT_EVALUATIONS = 12_000_000
DEFAULT_SEED = 2014
DEFAULT_SPACE = "auto"
DEFAULT_PROFILE = "default"
DEFAULT_TWINS, DEFAULT_HELD_OUT = 2, 2
MOST_TWINS = 10_000

_STRICT = ConfigDict(extra="forbid")


def _text(value: object) -> str:
    """Text; a bare number or switch is meant as it is written."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("must be text")


def _words(value: object) -> str:
    return "" if value == "" else _text(value)


def _name(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(r"[\w][\w .+-]{0,63}", text) or text.endswith((".", " ")):
        raise ValueError(f'"{text}" cannot name a folder; use letters, digits, "-", "_" and "."')
    return text


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of files, such as [a.hgx, b.hgx]")
    return tuple(_text(item) for item in value)


def _names(value: object) -> tuple[str, ...]:
    return (_text(value),) if isinstance(value, str | int | float) else _texts(value)


def _settings(value: object) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("must be a list of settings, such as [{create_trial: jade_best}, {km: 0.5, kr: 0.9}]")
    if not value:
        raise ValueError("has no settings to compare")
    return tuple(value)


def _workers(value: object) -> int | None:
    return None if value == "auto" else quantities.count(value)


Count = Annotated[int, BeforeValidator(quantities.count)]
Share = Annotated[float, BeforeValidator(quantities.fraction)]
Hours = Annotated[float, BeforeValidator(quantities.hours)]
Flag = Annotated[bool, BeforeValidator(quantities.flag)]
Text = Annotated[str, BeforeValidator(_text)]


@dataclass(frozen=True, config=_STRICT)
class ModelSection:
    """What is fitted: one file, or several; ``fom`` is a figure of merit, or ``keep`` for the file's own.

    ``function`` is ``file.py:name`` instead: any Python problem, made by a function of that name. ``data`` are new
    measurements for the data sets of ``file``: a data file, a list, or a mapping from data set (from 0) to file.
    """

    file: Text | None = None
    files: Annotated[tuple[str, ...] | None, BeforeValidator(_texts)] = None
    function: Text | None = None
    fom: Text = "keep"
    data: Any = None


@dataclass(frozen=True, config=_STRICT)
class TwinsSection:
    """Simulated twins of each file: ``search`` that the search sees, ``held_out`` that only the validation does."""

    search: Annotated[Count, Field(ge=0, le=MOST_TWINS)] = DEFAULT_TWINS
    held_out: Annotated[Count, Field(ge=0, le=MOST_TWINS)] = DEFAULT_HELD_OUT


@dataclass(frozen=True, config=_STRICT)
class SamplesSection:
    """On what settings are compared: ``files`` (names or patterns; else those of ``model``), and their twins.

    A name such as ``problem.py:function`` stands for a Python problem, which has no twins.
    """

    files: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    twins: TwinsSection = TwinsSection()


@dataclass(frozen=True, config=_STRICT)
class StartSection:
    """Where a fit starts: the file's values moved by up to ``perturb`` of themselves.

    ``of`` are the rows that move: ``fitted``, or ``all`` as in 2014 (which changes the model too). With
    ``clip`` they stay inside their limits.
    """

    perturb: Annotated[Share, Field(ge=0, le=10)] = 0.1
    of: Literal["fitted", "all"] = "fitted"
    clip: Flag = True


@dataclass(frozen=True, config=_STRICT)
class SuccessSection:
    """Success: within ``fom_within`` of the best FOM known and in its basin; or FOM at ``fom_below``."""

    fom_within: Annotated[Share, Field(gt=0, le=10)] = 0.01
    of: Literal["best_known"] = "best_known"
    fom_below: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


@dataclass(frozen=True, config=_STRICT)
class TestSection:
    """What robust means: independent fits per setting, their start, success, and longest length."""

    repeats: Annotated[Count, Field(ge=2, le=50_000)] = 60
    start: StartSection = StartSection()
    success: SuccessSection = SuccessSection()
    max_evaluations: Annotated[Count, Field(ge=1)] | None = None


@dataclass(frozen=True, config=_STRICT)
class TuneSection:
    """How the search goes: settings tried, in how many cohorts, the race, fresh seeds at the end.

    ``profile`` is a tuner profile: a name, a file, or its keys. It has all settings of the tuner, among them
    ``searcher``, ``trials`` and ``rounds`` (there ``cohorts``); what is written here goes before it.
    """

    goal: Literal["expected_cost", "time", "success_rate", "pareto", "fom_at_budget"] = "expected_cost"
    searcher: Literal[
        "random", "sobol", "tpe", "racing", "de", "lus", "grid", "ray:ax", "ray:bayesopt", "ray:bohb", "ray:hebo",
        "ray:hyperopt", "ray:nevergrad", "ray:optuna", "ray:zoopt",
    ] = "random"  # fmt: skip
    trials: Annotated[Count, Field(ge=1, le=100_000)] = 60
    rounds: Annotated[Count, Field(ge=1, le=10_000)] | None = None
    racing: Flag = True
    profile: Any = DEFAULT_PROFILE
    validate: Annotated[Count, Field(ge=2, le=50_000)] = 200


@dataclass(frozen=True, config=_STRICT)
class BudgetSection:
    """What a run may spend: FOM evaluations, hours, or whichever ends first. Neither given: the default."""

    evaluations: Annotated[Count, Field(ge=1)] | None = None
    hours: Annotated[Hours, Field(gt=0)] | None = None


@dataclass(frozen=True, config=_STRICT)
class RunSection:
    """Where a run happens; it changes no number. ``workers`` None is one for each core."""

    workers: Annotated[Annotated[int, Field(ge=1, le=100_000)] | None, BeforeValidator(_workers)] = None
    where: Literal["local", "auto"] = "local"


@dataclass(frozen=True, config=_STRICT)
class ExperimentFile:
    """A whole experiment file.

    ``settings`` are compared as they are listed, each in GenX's names, instead of a search in ``search_space``.
    """

    model: ModelSection
    samples: SamplesSection = SamplesSection()
    version: Literal[1] = 1
    name: Annotated[str | None, BeforeValidator(_name)] = None
    description: Annotated[str, BeforeValidator(_words)] = ""
    baseline: Literal["file", "genx3"] = "file"
    search_space: Any = DEFAULT_SPACE
    settings: Annotated[tuple[dict[str, Any], ...], BeforeValidator(_settings)] = ()
    test: TestSection = TestSection()
    tune: TuneSection = TuneSection()
    seed: Annotated[Count, Field(ge=0, lt=2**63)] = DEFAULT_SEED
    budget: BudgetSection = BudgetSection()
    run: RunSection = RunSection()
