"""Numbers for browsers: JSON that JavaScript reads, short, and never more points than a screen can show."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

MOST_POINTS = 4000
_DIGITS = 7


def numbers(values: ArrayLike) -> list[float | None]:
    """An array as a list, seven digits; None where it is not finite."""
    flat = np.asarray(values, dtype=float).ravel()
    return [float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None for value in flat.tolist()]


def shown(n_points: int) -> slice:
    """Which of so many points are shown: all, or every second, third …"""
    return slice(None, None, max(1, -(-n_points // MOST_POINTS)))


def plain(value: Any) -> Any:
    """A value made of what JSON has; numbers that are not finite become None."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return str(value)


def to_json(value: Any) -> str:
    """Strict JSON in one line."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
