"""Conditions of a search space: ``when`` a parameter is active, which combinations are forbidden."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metagenx.meta.parameters import Value

_COMPARISON = re.compile(r"^\s*(<=|>=|!=|<|>)\s*(\S.*?)\s*$")
_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Condition:
    """``name`` against one value (``<``, ``<=``, ``>``, ``>=``, ``!=``) or among several (``=``)."""

    name: str
    comparison: str
    values: tuple[Value, ...]

    def holds(self, point: Mapping[str, Any]) -> bool:
        """Whether a point fulfils it; never, if the point lacks the parameter."""
        if self.name not in point:
            return False
        value = point[self.name]
        if self.comparison == "=":
            return value in self.values
        if self.comparison == "!=":
            return value not in self.values
        return bool(_OPERATORS[self.comparison](value, self.values[0]))

    @property
    def is_order(self) -> bool:
        """Whether it asks for more or less, which only numbers have."""
        return self.comparison in _OPERATORS

    def to_json(self) -> Any:
        """As in the YAML file."""
        if self.comparison == "=":
            return list(self.values)
        return f"{self.comparison} {self.values[0]}"


def condition(name: str, text: object) -> Condition:
    """Read ``jade_best``, ``[a, b]``, ``"< 0.35"``, ``"!= rand_1_bin"``. Raises ValueError."""
    if isinstance(text, str) and (match := _COMPARISON.match(text)):
        value = _number(match[2])
        if match[1] != "!=" and not isinstance(value, int | float):
            raise ValueError(f'"{text}" compares with something that is not a number')
        return Condition(name, match[1], (value,))
    values = tuple(text) if isinstance(text, list) else (text,)
    if not values or any(not isinstance(value, bool | int | float | str) for value in values):
        raise ValueError('is a value, a list of values, or a comparison such as "< 0.35"')
    return Condition(name, "=", values)


def _number(text: str) -> Value:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text and "e" not in text.lower() else number
