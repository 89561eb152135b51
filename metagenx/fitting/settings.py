"""The settings of one DE run: GenX's options in GenX's names, its hidden constants, and our stop rules.

Every field carries its description, range and origin; the command line, the YAML search spaces and the
documentation are made from them (:func:`describe`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np

from metagenx.errors import ConfigError, Mistake
from metagenx.fitting.schemes import ALL_SCHEMES, OWN_SCHEMES, SCHEMES

POLISHES = ("none", "greedy", "aside", "alternate")
SMALLEST_POPULATION = 4  # rand_1_bin needs three different members besides the target


@dataclass(frozen=True)
class Option:
    """What there is to know about one setting.

    ``low`` and ``high`` are the legal range, both included. ``origin`` is ``genx`` for an option of GenX's
    solver section, ``constant`` for a number fixed inside GenX, ``metagenx`` for ours. ``schemes`` are the
    values of ``create_trial`` under which it matters.
    """

    name: str
    kind: type
    default: Any
    description: str
    origin: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] | None = None
    schemes: tuple[str, ...] = ALL_SCHEMES

    def counts_for(self, settings: Settings) -> bool:
        """Whether it means anything to the scheme of these settings."""
        return settings.create_trial in self.schemes


def _setting(
    default: Any,
    description: str,
    *,
    origin: str = "genx",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    schemes: tuple[str, ...] = ALL_SCHEMES,
) -> Any:
    return field(
        default=default,
        metadata={
            "description": description,
            "origin": origin,
            "low": low,
            "high": high,
            "choices": choices,
            "schemes": schemes,
        },
    )


_EITHER_OR = ("best_either_or", "rand_either_or")
_JADE = ("jade_best",)
_SIMPLEX = ("simplex_best_1_bin",)
_L_SHADE, _JSO, _CMA = ("l_shade",), ("jso",), ("cma_es",)
_SHRINKING = ("l_shade", "jso")  # always; GenX's own if population_reduction says so


@dataclass(frozen=True)
class Settings:
    """Settings of differential evolution; the defaults are GenX's own.

    Raises
    ------
    ConfigError : a value of the wrong type or outside its range; all mistakes are listed.
    """

    create_trial: str = _setting(
        "best_1_bin",
        "How trial vectors are made: the scheme of differential evolution. l_shade, jso and cma_es are not GenX's.",
        choices=ALL_SCHEMES,
    )
    km: float = _setting(
        0.7,
        "Mutation constant F: how far the difference of two members moves a trial.",
        low=0.0,
        high=10.0,
        schemes=SCHEMES,
    )
    kr: float = _setting(
        0.7,
        "Crossover constant C: probability of taking a parameter from the mutant; in the either_or schemes "
        "the second mutation constant.",
        low=0.0,
        high=10.0,
        schemes=SCHEMES,
    )
    use_pop_mult: bool = _setting(True, "Population is pop_mult times the fitted parameters, not pop_size.")
    pop_mult: float = _setting(3.0, "Population per fitted parameter.", low=0.01, high=10_000.0)
    pop_size: int = _setting(50, "Population, if use_pop_mult is off.", low=SMALLEST_POPULATION, high=1_000_000)
    use_max_generations: bool = _setting(
        False, "The limit is max_generations, not max_generation_mult times parameters times population."
    )
    max_generations: int = _setting(
        500, "Limit of generations, if use_max_generations is on.", low=0, high=1_000_000_000
    )
    max_generation_mult: float = _setting(
        6.0, "Limit of generations per fitted parameter and member of the population.", low=0.0, high=1e6
    )
    min_parameter_spread: float = _setting(
        0.0,
        "Stop when no parameter spreads over more than this percentage of its bounds; 0 never stops.",
        low=0.0,
        high=100.0,
    )
    use_start_guess: bool = _setting(True, "The first member of the initial population is the start guess.")
    use_boundaries: bool = _setting(
        True,
        "Parameters that leave their bounds are drawn again inside them; off: they may leave.",
    )
    allowed_fom_discrepancy: float = _setting(
        1e-10,
        "The fit stops when simulating its best vector again changes the FOM by more than this.",
        low=0.0,
        high=math.inf,
    )
    max_log_elements: int = _setting(
        100_000,
        "Number of evaluated vectors that are remembered, for error bars and for the archive of jade_best.",
        low=1,
        high=100_000_000,
    )
    errorbar_level: float = _setting(
        1.05,
        "Error bars span the remembered vectors with a FOM below this times the best.",
        low=1.0,
        high=1e6,
    )
    pf: float = _setting(
        0.5,
        "Probability of mutation, against recombination, in the either_or schemes.",
        origin="constant",
        low=0.0,
        high=1.0,
        schemes=_EITHER_OR,
    )
    c: float = _setting(
        0.07,
        "How fast jade_best moves km and kr towards the values that won.",
        origin="constant",
        low=0.0,
        high=1.0,
        schemes=_JADE,
    )
    simplex_interval: int = _setting(
        5,
        "Generations from one simplex polish of the best member to the next.",
        origin="constant",
        low=1,
        high=1_000_000,
        schemes=_SIMPLEX,
    )
    simplex_step: float = _setting(
        0.05,
        "First steps of the simplex, as a fraction of what the last trial vectors span.",
        origin="constant",
        low=0.0,
        high=10.0,
        schemes=_SIMPLEX,
    )
    simplex_rel_epsilon: float = _setting(
        1000.0,
        "The simplex stops when its FOMs spread by less than the best FOM divided by this.",
        origin="constant",
        low=1.0,
        high=1e15,
        schemes=_SIMPLEX,
    )
    simplex_max_iter: int = _setting(
        100, "Limit of iterations of one simplex.", origin="constant", low=1, high=1_000_000, schemes=_SIMPLEX
    )
    check_interval: int = _setting(
        1,
        "Generations between two simulations of the best vector for allowed_fom_discrepancy; 0 never.",
        origin="constant",
        low=0,
        high=1_000_000_000,
    )
    use_stagnation: bool = _setting(
        False, "Stop a run that has stagnated, by any of the three rules below.", origin="metagenx"
    )
    stagnation_fom_spread: float = _setting(
        1e-5,
        "Stagnated: the FOMs of the population span less than this fraction of the best; 0: rule off.",
        origin="metagenx",
        low=0.0,
        high=1.0,
    )
    stagnation_parameter_spread: float = _setting(
        0.1,
        "Stagnated: every parameter spans less than this percentage of its bounds; 0: rule off.",
        origin="metagenx",
        low=0.0,
        high=100.0,
    )
    stagnation_improvement: float = _setting(
        1e-4,
        "Stagnated: the best FOM has not improved by this fraction in stagnation_generations.",
        origin="metagenx",
        low=0.0,
        high=1.0,
    )
    stagnation_generations: int = _setting(
        20,
        "Generations without stagnation_improvement after which a run has stagnated; 0: rule off.",
        origin="metagenx",
        low=0,
        high=1_000_000_000,
    )
    max_evaluations: int = _setting(
        0,
        "Cutoff: FOM evaluations of one run, every one counted; 0 is no cutoff.",
        origin="metagenx",
        low=0,
        high=1_000_000_000_000,
    )
    max_evaluation_mult: float = _setting(
        0.0,
        "Cutoff: FOM evaluations of one run per (fitted parameters)³; 0 is no cutoff.",
        origin="metagenx",
        low=0.0,
        high=1e9,
    )

    population_reduction: bool = _setting(
        False,
        "The population shrinks linearly from its first size to min_pop_size while the evaluations are used up.",
        origin="metagenx",
        schemes=SCHEMES,
    )
    min_pop_size: int = _setting(
        SMALLEST_POPULATION,
        "Population at the end of a run in which it shrinks.",
        origin="metagenx",
        low=SMALLEST_POPULATION,
        high=1_000_000,
        schemes=(*SCHEMES, *_SHRINKING),
    )
    use_paper_population: bool = _setting(
        True,
        "First population as in the papers, not by pop_mult or pop_size: 18 n for l_shade, 25 ln(n) √n for jso, "
        "4 + 3 ln n for cma_es.",
        origin="metagenx",
        schemes=OWN_SCHEMES,
    )
    l_shade_memory: int = _setting(
        6, "Slots of the memory of km and kr that won.", origin="metagenx", low=1, high=10_000, schemes=_L_SHADE
    )
    l_shade_p_best: float = _setting(
        0.11,
        "Share of the population that trials are drawn to.",
        origin="metagenx",
        low=0.0,
        high=1.0,
        schemes=_L_SHADE,
    )
    l_shade_archive: float = _setting(
        2.6, "Displaced parents that are kept, per member.", origin="metagenx", low=0.0, high=1000.0, schemes=_L_SHADE
    )
    jso_memory: int = _setting(
        5, "Slots of the memory of km and kr that won.", origin="metagenx", low=2, high=10_000, schemes=_JSO
    )
    jso_p_best: float = _setting(
        0.25,
        "Share of the population that trials are drawn to at the beginning; half of it at the end.",
        origin="metagenx",
        low=0.0,
        high=1.0,
        schemes=_JSO,
    )
    jso_archive: float = _setting(
        1.0, "Displaced parents that are kept, per member.", origin="metagenx", low=0.0, high=1000.0, schemes=_JSO
    )
    cma_sigma: float = _setting(
        0.3,
        "First standard deviation, as a fraction of the width of the bounds.",
        origin="metagenx",
        low=1e-6,
        high=10.0,
        schemes=_CMA,
    )
    cma_restarts: int = _setting(
        3,
        "Restarts within a run, each with a larger population, when the search has converged or stagnated.",
        origin="metagenx",
        low=0,
        high=30,
        schemes=_CMA,
    )
    cma_growth: float = _setting(
        2.0, "Factor of the population at each restart.", origin="metagenx", low=1.0, high=10.0, schemes=_CMA
    )

    polish: str = _setting(
        "none",
        "The best member goes down to its minimum by Levenberg-Marquardt now and then: greedy: it stays in the "
        "population; aside: it is kept aside until the run is over; alternate: the shortest runs of the Luby sequence "
        "are greedy, the others not; none: never (the strategy auto of a single fit has its own, alternate).",
        origin="metagenx",
        choices=POLISHES,
    )
    polish_interval: int = _setting(
        5, "Generations from one polish to the next; 0: only at the end of a run.", origin="metagenx", low=0, high=10**6
    )
    polish_improvement: float = _setting(
        1e-3,
        "A polish ends when a step lowers the FOM by less than this fraction.",
        origin="metagenx",
        low=0.0,
        high=1.0,
    )
    jumps: int = _setting(
        0,
        "A polished run that is over jumps so often at most to a minimum with other thicknesses, if that is lower.",
        origin="metagenx",
        low=0,
        high=1000,
    )
    use_luby: bool = _setting(
        False,
        "Runs 1, 2, 3 … of a restarted fit are 1 1 2 1 1 2 4 … times as patient, in stagnation_generations and cutoff.",
        origin="metagenx",
    )

    def __post_init__(self) -> None:
        values, mistakes = _checked({option.name: getattr(self, option.name) for option in describe()})
        if mistakes:
            raise ConfigError("the settings", mistakes)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], **overrides: Any) -> Settings:
        """Settings of a GenX solver section, given in attribute names (``km``, ``use_boundaries``, …).

        Options that are not about differential evolution (the figure of merit, parallel processes, autosave)
        are left out; what the section lacks has GenX's default. ``overrides`` win; a population among them stands
        instead of that of a scheme's paper.

        Raises
        ------
        ConfigError : values out of range, unknown names among the overrides, overrides that mean nothing to the scheme;
            all are listed.
        """
        known = {option.name for option in describe() if option.origin == "genx"}
        chosen = {name: value for name, value in options.items() if name in known}
        if overrides.get("create_trial", chosen.get("create_trial")) in OWN_SCHEMES and _POPULATION & overrides.keys():
            chosen["use_paper_population"] = False
        settings = cls.from_values({**chosen, **overrides})
        meaningless = [option for option in describe() if option.name in overrides and not option.counts_for(settings)]
        if meaningless:
            text = f"has no meaning with {settings.create_trial}"
            raise ConfigError(
                "the settings", [Mistake(o.name, f"{text}; it is for {', '.join(o.schemes)}") for o in meaningless]
            )
        return settings

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from a mapping, e.g. of a YAML file; raises ConfigError listing all mistakes."""
        mistakes = mistakes_in(values)
        if mistakes:
            raise ConfigError("the settings", mistakes)
        return cls(**values)

    def replace(self, **changes: Any) -> Settings:
        """A copy with other values; raises ConfigError for unknown names and bad values."""
        return type(self).from_values({**dataclasses.asdict(self), **changes})

    def to_options(self, n_dim: int) -> dict[str, Any]:
        """What to write into GenX's solver section to run these settings there.

        GenX counts population and generations in whole multiples; other multiples become the plain numbers
        that they mean for ``n_dim`` parameters. Our own settings and GenX's fixed constants have no place in
        the file; instead of a scheme that GenX does not know there stands its best_1_bin.
        """
        values = {option.name: getattr(self, option.name) for option in describe() if option.origin == "genx"}
        if self.create_trial in OWN_SCHEMES:
            values["create_trial"] = Settings.create_trial
        for name in ("pop_mult", "max_generation_mult"):
            values[name] = max(1, int(values[name]))  # GenX reads an integer here
        size, limit = self.population_size(n_dim), self.generation_limit(n_dim)
        if size != (values["pop_mult"] * n_dim if self.use_pop_mult else self.pop_size):
            values["use_pop_mult"], values["pop_size"] = False, size
        if not self.use_max_generations and limit != values["max_generation_mult"] * n_dim * size:
            values["use_max_generations"], values["max_generations"] = True, min(limit, 1_000_000_000)
        return values

    def population_size(self, n_dim: int) -> int:
        """Members of the first population for ``n_dim`` fitted parameters; at least 4."""
        if self.use_paper_population and self.create_trial in OWN_SCHEMES:
            return max(SMALLEST_POPULATION, _PAPER_POPULATION[self.create_trial](n_dim))
        return self._genx_population(n_dim)

    def _genx_population(self, n_dim: int) -> int:
        wanted = round(self.pop_mult * n_dim) if self.use_pop_mult else self.pop_size
        return max(SMALLEST_POPULATION, wanted)

    def generation_limit(self, n_dim: int) -> int:
        """Generations of the first population after which a run ends at the latest.

        The relative limit means the same evaluations for all schemes: where the paper of a scheme sets the population,
        as many generations as make those of the population that pop_mult or pop_size mean.
        """
        if self.use_max_generations:
            return self.max_generations
        size, own = self._genx_population(n_dim), self.population_size(n_dim)
        generations = self.max_generation_mult * n_dim * size
        return round(generations if own == size else generations * size / own)

    @property
    def shrinks(self) -> bool:
        """Whether the population shrinks in the course of a run."""
        return self.create_trial in _SHRINKING or (self.population_reduction and self.create_trial in SCHEMES)

    @property
    def counts_evaluations(self) -> bool:
        """Whether generations differ in size, so that their limit is counted in the evaluations that it means."""
        return self.shrinks or self.create_trial in OWN_SCHEMES

    def evaluation_limit(self, n_dim: int) -> int | None:
        """Evaluations that a run must not exceed, or None."""
        limits = [self.max_evaluations, math.ceil(self.max_evaluation_mult * n_dim**3)]
        return min((limit for limit in limits if limit > 0), default=None)

    def evaluation_budget(self, n_dim: int) -> int:
        """Evaluations over which a population shrinks: those of the limit of generations, or a lower cutoff.

        The checks of the best vector are included.
        """
        generations = self.generation_limit(n_dim)
        checks = generations // self.check_interval if self.check_interval else 0
        full = self.population_size(n_dim) * (generations + 1) + checks
        return min(full, self.evaluation_limit(n_dim) or full)

    def key(self) -> str:
        """Canonical JSON of all values that differ from the defaults: equal keys mean equal settings.

        Defaults are GenX's, or switch a rule of ours off, and never change; so a setting that a later version
        adds does not alter the key, and with it the random streams, of older settings.
        """
        values = {o.name: getattr(self, o.name) for o in describe() if getattr(self, o.name) != o.default}
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    @cached_property
    def _hash(self) -> str:
        return hashlib.sha256(self.key().encode("ascii")).hexdigest()[:16]

    def hash(self) -> str:
        """Sixteen hexadecimal digits of the SHA-256 of :meth:`key`."""
        return self._hash


def describe() -> tuple[Option, ...]:
    """All settings with their kind, default, range, origin and description, in a sensible order."""
    return _OPTIONS


def mistakes_in(values: Mapping[str, Any]) -> list[Mistake]:
    """Everything wrong with these settings: unknown names, wrong types, values out of range."""
    names = [option.name for option in describe()]
    unknown = [
        Mistake(str(name), "is not a setting", suggestion=next(iter(get_close_matches(str(name), names)), None))
        for name in map(str, values)
        if name not in names
    ]
    return unknown + _checked({name: value for name, value in values.items() if name in names})[1]


def overrides_from_text(texts: Iterable[str]) -> dict[str, Any]:
    """Settings given as ``name=value`` on a command line, e.g. ``["km=0.5", "create_trial=jade_best"]``.

    Raises
    ------
    ConfigError : texts without ``=``, unknown names and bad values; all are listed.
    """
    kinds = {option.name: option.kind for option in describe()}
    values: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        name = name.replace("-", "_")
        if not equals:
            mistakes.append(Mistake(text, "is not of the form name=value"))
        else:
            values[name] = _from_text(value, kinds.get(name, str))
    mistakes += mistakes_in(values)
    if mistakes:
        raise ConfigError("--set", mistakes)
    return values


def _from_text(text: str, kind: type) -> Any:
    """The value that a text stands for; the text itself if it is none of that kind, so that the mistake shows it."""
    if kind is bool:
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(text.lower(), text)
    if kind in (int, float):
        try:
            return float(text.replace("_", ""))
        except ValueError:
            return text
    return text


def _checked(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Mistake]]:
    """Values converted to the declared kinds, and what cannot be."""
    good: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for option in describe():
        if option.name in values:
            result = _converted(option, values[option.name])
            if isinstance(result, Mistake):
                mistakes.append(result)
            else:
                good[option.name] = result
    return good, mistakes


def _converted(option: Option, value: Any) -> Any:
    """The value in the kind of the option, or a Mistake."""
    if isinstance(value, np.generic):
        value = value.item()
    if option.choices is not None:
        if value in option.choices:
            return str(value)
        close = get_close_matches(str(value), option.choices, n=1, cutoff=0.4)
        message = f"is {value!r}, it must be one of {', '.join(option.choices)}"
        return Mistake(option.name, message, suggestion=close[0] if close else None)
    if option.kind is bool:
        return value if isinstance(value, bool) else Mistake(option.name, f"is {value!r}, it must be true or false")
    return _number(option, value)


def _number(option: Option, value: Any) -> Any:
    what = "an integer" if option.kind is int else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return Mistake(option.name, f"is {value!r}, it must be {what}")
    assert option.low is not None
    assert option.high is not None
    if not option.low <= value <= option.high:
        return Mistake(option.name, f"is {value!r}, it must be between {option.low:g} and {option.high:g}")
    if option.kind is int and value != int(value):
        return Mistake(option.name, f"is {value!r}, it must be an integer")
    return option.kind(value)


_POPULATION = frozenset({"pop_mult", "pop_size", "use_pop_mult"})
_PAPER_POPULATION: dict[str, Callable[[int], int]] = {
    "l_shade": lambda n: 18 * n,
    "jso": lambda n: round(25.0 * math.log(n) * math.sqrt(n)),
    "cma_es": lambda n: 4 + math.floor(3.0 * math.log(n)),
}
_KINDS: dict[str, type] = {"str": str, "float": float, "bool": bool, "int": int}
_OPTIONS = tuple(
    Option(name=f.name, kind=_KINDS[str(f.type)], default=f.default, **f.metadata) for f in fields(Settings)
)
