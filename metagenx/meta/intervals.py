"""An estimate with its confidence interval, and Wilson's interval of a success rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from metagenx.meta.records import number_to_json


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    ``censored`` marks an estimate that is only a bound, because nothing was reached: print it as such.
    ``over`` says what varies if the measurement is made again: ``"runs"`` (the same samples, fresh runs) or
    ``"instances and runs"`` (other samples of the same kind too).
    """

    estimate: float
    low: float
    high: float
    confidence: float = 0.95
    censored: bool = False
    over: str = "runs"

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings; infinity as ``"inf"``."""
        return {
            "estimate": number_to_json(self.estimate),
            "low": number_to_json(self.low),
            "high": number_to_json(self.high),
            "confidence": self.confidence,
            "censored": self.censored,
            "over": self.over,
        }


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Success rate with Wilson's score interval (E. B. Wilson, J. Am. Stat. Assoc. 22, 209, 1927).

    No trials: the estimate is nan and the interval [0, 1].
    """
    from scipy.special import ndtri

    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials")
    if trials == 0:
        return Interval(math.nan, 0.0, 1.0, confidence)
    rate = successes / trials
    z = float(ndtri(0.5 + confidence / 2))
    centre = (rate + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return Interval(rate, low, high, confidence)
