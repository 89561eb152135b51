"""The search space of a tuning run: which settings may be tried.

A *point* is a proposal: a value for every active parameter, in the names of
:class:`~metagenx.fitting.settings.Settings`. Parameters whose ``when`` is not fulfilled are absent from it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.meta.conditions import Condition
from metagenx.meta.parameters import ChoiceParameter, Parameter, Value

if TYPE_CHECKING:
    from metagenx.fitting.settings import Settings

Point = dict[str, Value]

MOST_TRIES = 1000
LARGEST_GRID = 100_000

# A searched parameter that another option switches on brings that option with it.
SWITCHES: dict[str, tuple[str, bool]] = {
    "pop_mult": ("use_pop_mult", True),
    "pop_size": ("use_pop_mult", False),
    "max_generations": ("use_max_generations", True),
    "max_generation_mult": ("use_max_generations", False),
    "stagnation_fom_spread": ("use_stagnation", True),
    "stagnation_parameter_spread": ("use_stagnation", True),
    "stagnation_improvement": ("use_stagnation", True),
    "stagnation_generations": ("use_stagnation", True),
}


@dataclass(frozen=True)
class SearchSpace:
    """Parameters, when they are active, which combinations are forbidden, and what is fixed.

    Made by :func:`~metagenx.meta.space_file.load_space`, which guarantees that conditions name known
    parameters and do not run in circles, and that something is allowed. An ``automatic`` space is a superset:
    which part of it is searched defines itself and moves (:mod:`~metagenx.meta.automatic_space`).
    """

    parameters: Mapping[str, Parameter]
    when: Mapping[str, tuple[Condition, ...]]
    forbid: tuple[tuple[Condition, ...], ...]
    fixed: Mapping[str, Value]
    name: str = ""
    automatic: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All parameters, active or not: the axes of :meth:`encode`."""
        return tuple(self.parameters)

    @property
    def n_dim(self) -> int:
        """Number of parameters."""
        return len(self.parameters)

    def sample(self, rng: np.random.Generator) -> Point:
        """A uniform draw; forbidden combinations are drawn again, InputError if there is nothing else."""
        return self._first_allowed(rng.random(self.n_dim) for _ in range(MOST_TRIES))

    def sobol(self, n: int, rng: np.random.Generator) -> list[Point]:
        """``n`` points of a scrambled Sobol sequence, without forbidden ones; InputError as for sample."""
        from scipy.stats import qmc

        if n <= 0:
            return []
        sequence = qmc.Sobol(self.n_dim, seed=rng)
        draws: Iterator[NDArray[np.float64]] = itertools.chain.from_iterable(
            sequence.random_base2(m) for m in itertools.chain([0], itertools.count())
        )
        return [self._first_allowed(itertools.islice(draws, MOST_TRIES)) for _ in range(n)]

    def grid(self) -> Iterator[Point]:
        """Every allowed point, each once, the last parameter fastest.

        Raises InputError if a parameter is a continuum (``float`` without ``step``) or the grid is too large.
        """
        axes = []
        for name, parameter in self.parameters.items():
            values = parameter.grid()
            if values is None:
                raise InputError(
                    f"a grid needs values that can be counted, but {name} is a continuum",
                    where=self.name or None,
                    hint='Give it a "step", list its values as "grid: [...]", or use searcher: random.',
                )
            axes.append(values)
        size = 1
        for values in axes:
            size *= len(values)
        if size > LARGEST_GRID:
            raise InputError(
                f"the grid has {size:,} points",
                where=self.name or None,
                hint=f"At most {LARGEST_GRID:,} are allowed; use larger steps, or searcher: random.",
            )
        return self._grid(axes)

    def _grid(self, axes: Iterable[Iterable[Value]]) -> Iterator[Point]:
        seen = set()
        for values in itertools.product(*axes):
            point = self.active(dict(zip(self.parameters, values, strict=True)))
            key = point_key(point)
            if key not in seen and self.allowed(point):
                seen.add(key)
                yield point

    def is_grid(self) -> bool:
        """Whether the file asks for every value: all parameters are given as ``grid``."""
        return all(isinstance(p, ChoiceParameter) and p.is_grid for p in self.parameters.values())

    def allowed(self, point: Mapping[str, Any]) -> bool:
        """Whether no forbidden combination holds, the fixed settings taken into account."""
        everything = {**self.fixed, **point}
        return not any(all(condition.holds(everything) for condition in clause) for clause in self.forbid)

    def contains(self, point: Mapping[str, Any]) -> bool:
        """Whether a point has exactly the active parameters, inside their ranges, and is not forbidden."""
        if set(point) != self._active_names(point):
            return False
        return all(self.parameters[name].contains(value) for name, value in point.items()) and self.allowed(point)

    def clip(self, values: Mapping[str, Any]) -> Point:
        """The nearest point to any settings: values into their ranges, inactive parameters out.

        What is missing or no number takes the lower end or the first choice. The point may be forbidden.
        """
        return self.active({n: p.clip(values.get(n, float("nan"))) for n, p in self.parameters.items()})

    def encode(self, point: Mapping[str, Any]) -> NDArray[np.float64]:
        """Place in the unit cube ``(n_dim,)``; inactive parameters at 0.5."""
        return np.array([p.encode(point[n]) if n in point else 0.5 for n, p in self.parameters.items()])

    def decode(self, unit: NDArray[np.float64]) -> Point | None:
        """The point at a place ``(n_dim,)`` of the unit cube; None where it is forbidden."""
        point = self.active({n: p.decode(float(u)) for (n, p), u in zip(self.parameters.items(), unit, strict=True)})
        return point if self.allowed(point) else None

    def point(self, settings: Settings) -> Point:
        """The active parameters of given settings, as they are: perhaps outside the space."""
        values = {name: getattr(settings, name) for name in self.parameters}
        return {name: values[name] for name in self.parameters if self._is_active(name, {**self.fixed, **values})}

    def counts(self, name: str, point: Mapping[str, Any]) -> bool:
        """Whether a parameter counts beside those of a point; not as long as what it depends on is missing there."""
        return self._is_active(name, {**self.fixed, **point})

    def settings(self, point: Mapping[str, Any], base: Settings) -> Settings:
        """The settings of a point: ``base``, then what is fixed, then the point.

        Options that decide whether a searched parameter counts (``use_pop_mult`` …) follow it, unless they
        are fixed or searched themselves.
        """
        chosen = {**self.fixed, **point}
        for name in point:
            if name in SWITCHES:
                chosen.setdefault(*SWITCHES[name])
        return base.replace(**chosen)

    def to_json(self) -> dict[str, Any]:
        """The space as a plain mapping in the form of the YAML file, everything inherited included."""
        parameters = {}
        for name, parameter in self.parameters.items():
            parameters[name] = parameter.to_json()
            if self.when.get(name):
                parameters[name]["when"] = {c.name: c.to_json() for c in self.when[name]}
        return {
            "algorithm": "de",
            **({"automatic": True} if self.automatic else {}),
            "parameters": parameters,
            "fixed": dict(self.fixed),
            "forbid": [{c.name: c.to_json() for c in clause} for clause in self.forbid],
        }

    def _first_allowed(self, places: Iterable[NDArray[np.float64]]) -> Point:
        for place in places:
            point = self.decode(place)
            if point is not None:
                return point
        raise InputError(
            f"no allowed combination among {MOST_TRIES} draws",
            where=self.name or None,
            hint='The "forbid" list leaves next to nothing of the search space.',
        )

    def active(self, values: Mapping[str, Any]) -> Point:
        """Those of the given values whose parameters count beside each other and beside what is fixed."""
        everything = {**self.fixed, **values}
        return {n: values[n] for n in self.parameters if n in values and self._is_active(n, everything)}

    def _active_names(self, values: Mapping[str, Any]) -> set[str]:
        everything = {**self.fixed, **values}
        return {name for name in self.parameters if self._is_active(name, everything)}

    def _is_active(self, name: str, everything: Mapping[str, Any]) -> bool:
        """A parameter counts if its conditions hold and what they depend on counts itself."""
        return all(
            c.holds(everything) and (c.name not in self.parameters or self._is_active(c.name, everything))
            for c in self.when.get(name, ())
        )


def point_key(point: Mapping[str, Any]) -> str:
    """Canonical text of a point: equal texts mean equal points."""
    return json.dumps(dict(point), sort_keys=True, separators=(",", ":"))
