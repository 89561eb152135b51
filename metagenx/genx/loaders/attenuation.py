"""Absorbers in the beam: are the stored counts already corrected for them? Formats disagree, the curve decides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def corrected(counts: Floats, factors: Floats) -> tuple[Floats, str]:
    """`counts` on one scale, ``(n_points,)``, and a sentence that says what was done.

    Where the absorber changes, a curve on one scale goes on smoothly and one that is not jumps by the factor. Of the
    two possibilities the smoother one is taken; if nothing tells them apart, the factors are applied, because a
    factor written beside raw counts is there to be applied.
    """
    if not np.isfinite(factors).all() or (factors <= 0.0).any():
        return counts, "the absorber factors are not usable and were left out"
    if np.ptp(factors) == 0.0:
        if factors[0] == 1.0:
            return counts, ""
        return counts * factors, f"counts multiplied by the absorber factor {factors[0]:g}"
    applied = counts * factors
    jump_applied, jump_stored = _jumps(applied, factors), _jumps(counts, factors)
    listed = f"{np.min(factors):g} to {np.max(factors):g}"
    if jump_stored < jump_applied:
        return counts, f"absorber factors {listed} are in the stored counts already: the curve is smooth without them"
    return applied, f"counts multiplied by the absorber factors, {listed}"


def _jumps(values: Floats, factors: Floats) -> float:
    """How far the logarithm of a curve jumps where the factors change, beyond its slope before and after."""
    total = 0.0
    logarithm = np.log(np.maximum(values, np.min(values[values > 0.0], initial=1.0)))
    for k in np.flatnonzero(np.diff(factors) != 0.0):
        slopes = []
        if k >= 1 and factors[k - 1] == factors[k]:
            slopes.append(logarithm[k] - logarithm[k - 1])
        if k + 2 < len(factors) and factors[k + 2] == factors[k + 1]:
            slopes.append(logarithm[k + 2] - logarithm[k + 1])
        total += abs(logarithm[k + 1] - logarithm[k] - (float(np.mean(slopes)) if slopes else 0.0))
    return total


def counting_error(counts: Floats) -> Floats:
    """Standard deviation of counts: their square root, 1 for none (Poisson; a point without counts is not exact)."""
    return np.sqrt(np.maximum(np.nan_to_num(counts, nan=0.0), 1.0))
