"""Numbers as people read them: counts, shares, intervals, times."""

from __future__ import annotations

import math

from metagenx.meta.intervals import Interval


def count(value: float) -> str:
    """Three digits with k, M or G: ``9.41k``; ``?`` for what is not a number."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "?"
    for limit, factor, unit in ((1e3, 1.0, ""), (1e6, 1e3, "k"), (1e9, 1e6, "M")):
        if abs(value) < 0.9995 * limit:
            return f"{value / factor:.3g}{unit}"
    return f"{value / 1e9:.3g}G"


def whole(value: float) -> str:
    """A whole number with thin groups: ``1 200 000``."""
    return f"{round(value):,}".replace(",", " ")


def percent(value: float) -> str:
    """``97 %``; a small share with one more digit."""
    if not math.isfinite(value):
        return "?"
    return f"{100 * value:.1f} %" if 0 < abs(value) < 0.00995 else f"{100 * value:.0f} %"


def times(value: float) -> str:
    """A factor: ``3.6``, ``67``, ``1.2k``, ``∞``."""
    return f"{value:.2g}" if abs(value) < 10 else count(float(f"{value:.0f}"))


def rate_text(rate: Interval) -> str:
    """A success rate with its interval: ``97 % (92–99)``."""
    if not math.isfinite(rate.estimate):
        return "not measured"
    return f"{percent(rate.estimate)} ({100 * rate.low:.0f}–{100 * rate.high:.0f})"


def time_text(time: Interval) -> str:
    """An expected running time with its interval: ``9.4k (8.1k–10.9k)``; a bound says so."""
    if not math.isfinite(time.estimate):
        return "not measured"
    if time.censored:
        return f"more than {count(time.low)}, no success seen"
    return f"{count(time.estimate)} ({count(time.low)}–{count(time.high)})"


def ratio_text(ratio: Interval) -> str:
    """A ratio with its interval: ``3.6× (2.6–4.7)``."""
    if not math.isfinite(ratio.estimate):
        return "not measured"
    return f"{times(ratio.estimate)}× ({times(ratio.low)}–{times(ratio.high)})"


def worse_by(part: float) -> str:
    """How much larger a number is: ``1.6 %``, or ``4.1 times`` from twice on."""
    return f"{100 * part:.2g} %" if part < 1 else f"{times(1 + part)} times"


def duration(seconds: float) -> str:
    """``0.3 s``, ``45 s``, ``12 min``, ``3.4 h``."""
    if seconds < 9.5:
        return f"{seconds:.1g} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def with_error(value: float, error: float) -> str:
    """A value to the digits that its error leaves; six where there is none."""
    if not (math.isfinite(error) and error > 0 and math.isfinite(value)):
        return f"{value:.6g}"
    digits = min(12, max(0, 1 - math.floor(math.log10(error))))
    return f"{value:.{digits}f}" if abs(value) < 1e6 and digits <= 6 else f"{value:.6g}"
