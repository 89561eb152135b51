"""Numbers with units, as people write them: ``10 %``, ``40k``, ``40_000``, ``2 h``."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"^\s*([-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([^\d\s]*)\s*$")
_COUNTS = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_HOURS = {"": 1.0, "h": 1.0, "hour": 1.0, "hours": 1.0, "min": 1 / 60, "minutes": 1 / 60, "m": 1 / 60,
          "s": 1 / 3600, "seconds": 1 / 3600, "d": 24.0, "days": 24.0}  # fmt: skip


def count(value: object) -> int:
    """A whole number: ``40_000``, ``"40k"``, ``"2 M"``, ``4e4``. Raises ValueError."""
    number, unit = _split(value, "a whole number, such as 40_000 or 40k")
    if unit not in _COUNTS:
        raise ValueError(f'"{value}" has an unknown unit; use k, M or G')
    number *= _COUNTS[unit]
    if number != int(number):
        raise ValueError(f'"{value}" is not a whole number')
    return int(number)


def fraction(value: object) -> float:
    """A share: ``0.1`` or ``"10 %"``. Raises ValueError."""
    number, unit = _split(value, "a share, such as 10 % or 0.1")
    if unit not in ("", "%"):
        raise ValueError(f'"{value}" has an unknown unit; use %')
    return number / 100 if unit else number


def hours(value: object) -> float:
    """A time in hours: ``2``, ``"2 h"``, ``"90 min"``, ``"45 s"``. Raises ValueError."""
    number, unit = _split(value, "a time, such as 2 h or 30 min")
    if unit not in _HOURS:
        raise ValueError(f'"{value}" has an unknown unit; use h, min or s')
    return number * _HOURS[unit]


def flag(value: object) -> bool:
    """A switch: true and false, or yes, no, on and off as text. Raises ValueError."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("yes", "on", "true", "no", "off", "false"):
        return value.lower() in ("yes", "on", "true")
    raise ValueError(f'"{value}" is not true or false')


def _split(value: object, wanted: str) -> tuple[float, str]:
    """Number and unit; raises ValueError that says what is wanted."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        number, unit = value, ""
    elif isinstance(value, str) and (match := _NUMBER.match(value)):
        number, unit = float(match[1].replace("_", "")), match[2]
    else:
        raise ValueError(f'"{value}" is not {wanted}')
    if not math.isfinite(number):
        raise ValueError(f'"{value}" is not {wanted}')
    return number, unit
