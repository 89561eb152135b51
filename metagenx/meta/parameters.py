"""One dimension of a search space: the four value forms ``float``, ``int``, ``choice``, ``grid``.

Each maps the unit interval onto its values, so that uniform draws are uniform over the values (over their
logarithms with ``log``), and back to the middle of the value's share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Value = bool | int | float | str


class Parameter(Protocol):
    """What a search space asks of a dimension."""

    def decode(self, unit: float) -> Value:
        """The value at ``unit`` in [0, 1]."""

    def encode(self, value: Value) -> float:
        """The place of a value in [0, 1]; values outside are moved to the nearest first."""

    def contains(self, value: object) -> bool:
        """Whether the value is one of this dimension's."""

    def clip(self, value: Value) -> Value:
        """The nearest value of this dimension."""

    def grid(self) -> Sequence[Value] | None:
        """All values, or None for a continuum."""

    def to_json(self) -> dict[str, Any]:
        """The form as in the YAML file."""


@dataclass(frozen=True)
class FloatParameter:
    """A number in [low, high], continuous (proposed with four digits) or in steps from ``low``."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def decode(self, unit: float) -> float:
        """See :class:`Parameter`."""
        unit = min(max(unit, 0.0), 1.0)
        if self.step is not None:
            values = self._values(self.step)
            return values[min(int(unit * len(values)), len(values) - 1)]
        if self.log:
            value = math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + unit * (self.high - self.low)
        # Four digits: what is proposed is what a person can type into GenX.
        return min(max(float(f"{value:.4g}"), self.low), self.high)

    def encode(self, value: Value) -> float:
        """See :class:`Parameter`."""
        value = self.clip(value)
        if self.step is not None:
            return (round((value - self.low) / self.step) + 0.5) / len(self._values(self.step))
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def contains(self, value: object) -> bool:
        """See :class:`Parameter`."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        return self.step is None or math.isclose(self.clip(value), value, rel_tol=1e-9, abs_tol=1e-12)

    def clip(self, value: Value) -> float:
        """See :class:`Parameter`; what is not a number becomes the lower end."""
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            return self.low
        inside = min(max(float(value), self.low), self.high)
        if self.step is None:
            return inside
        values = self._values(self.step)
        return values[min(round((inside - self.low) / self.step), len(values) - 1)]

    def grid(self) -> Sequence[float] | None:
        """See :class:`Parameter`."""
        return None if self.step is None else self._values(self.step)

    def to_json(self) -> dict[str, Any]:
        """See :class:`Parameter`."""
        return {"float": [self.low, self.high], **_extras(self.log, self.step)}

    def _values(self, step: float) -> list[float]:
        n = int((self.high - self.low) / step + 1e-9) + 1
        return [min(float(f"{self.low + index * step:.12g}"), self.high) for index in range(n)]


@dataclass(frozen=True)
class IntParameter:
    """A whole number from low to high, both included, in steps from ``low``."""

    low: int
    high: int
    log: bool = False
    step: int = 1

    def decode(self, unit: float) -> int:
        """See :class:`Parameter`."""
        unit = min(max(unit, 0.0), 1.0)
        if self.log:
            value = math.exp(math.log(self.low - 0.5) + unit * math.log((self.high + 0.5) / (self.low - 0.5)))
            return self.clip(value)
        n = (self.high - self.low) // self.step + 1
        return self.low + self.step * min(int(unit * n), n - 1)

    def encode(self, value: Value) -> float:
        """See :class:`Parameter`."""
        value = self.clip(value)
        if self.log:
            return math.log(value / (self.low - 0.5)) / math.log((self.high + 0.5) / (self.low - 0.5))
        return ((value - self.low) // self.step + 0.5) / ((self.high - self.low) // self.step + 1)

    def contains(self, value: object) -> bool:
        """See :class:`Parameter`."""
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and self.low <= value <= self.high
            and (value - self.low) % self.step == 0
        )

    def clip(self, value: Value) -> int:
        """See :class:`Parameter`; what is not a number becomes the lower end."""
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            return self.low
        inside = min(max(value, self.low), self.high)
        return min(self.low + self.step * round((inside - self.low) / self.step),
                   self.low + (self.high - self.low) // self.step * self.step)  # fmt: skip

    def grid(self) -> Sequence[int]:
        """See :class:`Parameter`."""
        return range(self.low, self.high + 1, self.step)

    def to_json(self) -> dict[str, Any]:
        """See :class:`Parameter`."""
        return {"int": [self.low, self.high], **_extras(self.log, self.step if self.step != 1 else None)}


@dataclass(frozen=True)
class ChoiceParameter:
    """One of several values without an order; ``is_grid``: each of them is to be tried."""

    values: tuple[Value, ...]
    is_grid: bool = False

    def decode(self, unit: float) -> Value:
        """See :class:`Parameter`."""
        return self.values[min(int(min(max(unit, 0.0), 1.0) * len(self.values)), len(self.values) - 1)]

    def encode(self, value: Value) -> float:
        """See :class:`Parameter`."""
        return (self.values.index(self.clip(value)) + 0.5) / len(self.values)

    def contains(self, value: object) -> bool:
        """See :class:`Parameter`."""
        return any(value == mine and isinstance(value, bool) == isinstance(mine, bool) for mine in self.values)

    def clip(self, value: Value) -> Value:
        """See :class:`Parameter`; a value that is not among them becomes the first."""
        return value if self.contains(value) else self.values[0]

    def grid(self) -> Sequence[Value]:
        """See :class:`Parameter`."""
        return self.values

    def to_json(self) -> dict[str, Any]:
        """See :class:`Parameter`."""
        return {"grid" if self.is_grid else "choice": list(self.values)}


def _extras(log: bool, step: float | None) -> dict[str, Any]:
    return ({"log": True} if log else {}) | ({"step": step} if step is not None else {})
