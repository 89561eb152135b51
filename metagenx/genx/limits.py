"""When a value counts as being at one of its limits."""

from __future__ import annotations

# Nearer to the limit than this part of the range, and than this part of the limit itself: of a scale factor between
# 0.001 and 1000 the value 1 is at none.
_OF_RANGE = 0.01
_OF_LIMIT = 0.05


def at_limit(value: float, minimum: float, maximum: float) -> str:
    """``min`` or ``max``, or nothing if the value is at neither limit (or the limits leave no room)."""
    width = maximum - minimum
    if not width > 0:
        return ""
    for name, limit, distance in (("min", minimum, value - minimum), ("max", maximum, maximum - value)):
        if distance <= _OF_RANGE * width and (limit == 0 or distance <= _OF_LIMIT * abs(limit)):
            return name
    return ""
