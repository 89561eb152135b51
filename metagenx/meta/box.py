"""The part of a search space that is searched now: a box inside a superset that never changes.

Searchers see the superset only, so their history keeps its meaning whatever becomes of the box. What they propose is
moved into the box: :meth:`Box.squeeze` for draws that fill the space, :meth:`Box.draw_inside` for steps from what was
tried.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from metagenx.meta.conditions import Condition
from metagenx.meta.parameters import ChoiceParameter, FloatParameter, IntParameter, Parameter, Value
from metagenx.meta.space import Point, SearchSpace

MOST_DRAWS = 100
_ROUNDING = 1e-3  # of an axis: proposals have four digits, whole numbers stand in the middle of their share


@dataclass(frozen=True)
class Box:
    """A box in a search space, made by :meth:`whole` and changed by the methods that return another.

    Parameters
    ----------
    space : the superset; its ends are the hard bounds.
    ranges : of each number, (low, high) in its unit interval of the superset; equal where it is frozen.
    alive : of each choice, the values that are still searched.
    """

    space: SearchSpace
    ranges: Mapping[str, tuple[float, float]]
    alive: Mapping[str, tuple[Value, ...]]

    @classmethod
    def whole(cls, space: SearchSpace) -> Box:
        """The whole superset."""
        choices = {name: p.values for name, p in space.parameters.items() if isinstance(p, ChoiceParameter)}
        return cls(space, {name: (0.0, 1.0) for name in space.names if name not in choices}, choices)

    def with_range(self, name: str, low: float, high: float) -> Box:
        """A number searched from ``low`` to ``high`` of its unit interval, hard bounds kept."""
        low, high = min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)
        return dataclasses.replace(self, ranges={**self.ranges, name: (low, max(low, high))})

    def with_values(self, name: str, low: Value, high: Value) -> Box:
        """A number searched between two of its values, hard bounds kept."""
        parameter = self.space.parameters[name]
        ends = parameter.decode(0.0), parameter.decode(1.0)
        # A whole number has a share around its place, which at the ends belongs to it wholly.
        place = 0.0 if low <= ends[0] else parameter.encode(low)  # type: ignore[operator]
        return self.with_range(name, place, 1.0 if high >= ends[1] else parameter.encode(high))  # type: ignore[operator]

    def with_alive(self, name: str, values: tuple[Value, ...]) -> Box:
        """A choice among ``values`` only, in the order of the superset."""
        mine = self._choice(name).values
        return dataclasses.replace(self, alive={**self.alive, name: tuple(v for v in mine if v in values)})

    def frozen_at(self, name: str, value: Value) -> Box:
        """A parameter that is not searched any more."""
        if name in self.alive:
            return self.with_alive(name, (value,))
        place = self.space.parameters[name].encode(value)
        return self.with_range(name, place, place)

    def is_frozen(self, name: str) -> bool:
        """Whether there is only one value left."""
        if name in self.alive:
            return len(self.alive[name]) == 1
        low, high = self.ranges[name]
        return low == high

    @property
    def searched(self) -> tuple[str, ...]:
        """Names of the parameters that are not frozen."""
        return tuple(name for name in self.space.names if not self.is_frozen(name))

    def contains(self, point: Mapping[str, Any]) -> bool:
        """Whether every value of a point lies inside."""
        return all(self._has(name, value) for name, value in point.items() if name in self.space.parameters)

    def squeeze(self, point: Point, rng: np.random.Generator) -> Point:
        """A point of the superset moved into the box, every axis by its own scale: an even spread stays even.

        ``rng`` draws what counts only after a choice has changed.
        """
        unit = {name: p.encode(point[name]) if name in point else rng.random() for name, p in self._parameters()}
        return self._decoded({name: self._place(name, unit[name]) for name in unit}, {}, rng)

    def draw_inside(self, point: Point, rng: np.random.Generator) -> Point:
        """A point with the values that lie outside the box drawn anew inside; it stays as it is if none does."""
        kept = {name: value for name, value in point.items() if self._has(name, value)}
        if len(kept) == len(point):
            return point
        return self._decoded({name: self._place(name, rng.random()) for name in self.space.names}, kept, rng)

    def form(self, name: str) -> dict[str, Any]:
        """What is searched of a parameter, in the form of the YAML file; ``{"fixed": value}`` if it is frozen."""
        parameter = self._narrowed(name)
        return {"fixed": parameter} if not hasattr(parameter, "to_json") else parameter.to_json()

    def forms(self) -> dict[str, dict[str, Any]]:
        """The forms of all parameters: the box as plain values."""
        return {name: self.form(name) for name in self.space.names}

    def as_space(self) -> SearchSpace:
        """The box as a search space of its own: what is frozen is fixed, what can never hold is left out."""
        fixed, parameters, when = dict(self.space.fixed), {}, {}
        for name in self.space.names:
            narrowed = self._narrowed(name)
            if not hasattr(narrowed, "to_json"):
                fixed[name] = narrowed
                continue
            conditions = tuple(self._possible(condition) for condition in self.space.when.get(name, ()))
            if all(condition.values for condition in conditions):
                parameters[name], when[name] = narrowed, conditions
        forbid = [tuple(map(self._possible, clause)) for clause in self.space.forbid]
        known = {*parameters, *fixed}
        kept = tuple(c for c in forbid if all(item.values and item.name in known for item in c))
        return SearchSpace(parameters, when, kept, fixed, self.space.name)

    # ------------------------------------------------------------------ inside

    def _parameters(self) -> list[tuple[str, Parameter]]:
        return list(self.space.parameters.items())

    def _choice(self, name: str) -> ChoiceParameter:
        parameter = self.space.parameters[name]
        assert isinstance(parameter, ChoiceParameter)
        return parameter

    def _has(self, name: str, value: Any) -> bool:
        if name in self.alive:
            return value in self.alive[name]
        low, high = self.ranges[name]
        return low - _ROUNDING <= self.space.parameters[name].encode(value) <= high + _ROUNDING

    def _place(self, name: str, unit: float) -> float:
        """Where in the superset a place of the box's own unit interval lies."""
        if name in self.alive:
            alive = self.alive[name]
            return self._choice(name).encode(alive[min(int(unit * len(alive)), len(alive) - 1)])
        low, high = self.ranges[name]
        return low + unit * (high - low)

    def _decoded(self, unit: dict[str, float], kept: Mapping[str, Value], rng: np.random.Generator) -> Point:
        """The point at a place, with values that are known already; drawn again as long as it is forbidden."""
        for _ in range(MOST_DRAWS):
            values = {name: kept.get(name, p.decode(unit[name])) for name, p in self._parameters()}
            point = self.space.active(values)
            if self.space.allowed(point):
                return point
            unit = {name: self._place(name, rng.random()) for name in unit}
        return point

    def _narrowed(self, name: str) -> Any:
        """The parameter of the box, or the one value that is left."""
        parameter = self.space.parameters[name]
        if isinstance(parameter, ChoiceParameter):
            alive = self.alive[name]
            return alive[0] if len(alive) == 1 else dataclasses.replace(parameter, values=alive)
        low, high = (parameter.decode(end) for end in self.ranges[name])
        if low >= high:  # type: ignore[operator]
            return low
        assert isinstance(parameter, FloatParameter | IntParameter)
        return dataclasses.replace(parameter, low=low, high=high)  # type: ignore[arg-type]

    def _possible(self, condition: Condition) -> Condition:
        """A condition without the values that are not alive; with none left it never holds."""
        if condition.name not in self.alive or condition.is_order or condition.comparison != "=":
            return condition
        alive = self.alive[condition.name]
        return dataclasses.replace(condition, values=tuple(value for value in condition.values if value in alive))
