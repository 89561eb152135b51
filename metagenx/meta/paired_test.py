"""Is the challenger's expected running time lower? A permutation test on common (instance, repeat) pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metagenx.meta.statistics import Runs, in_pairs

N_PERMUTATIONS = 9999

FloatArray = NDArray[np.float64]


def paired_ert_test(
    pairs: Sequence[tuple[Runs, Runs]], rng: np.random.Generator, *, n_permutations: int = N_PERMUTATIONS
) -> float:
    """One-sided p value of the mean over instances of ln ERT(baseline) − ln ERT(challenger), above 0 by chance.

    If both settings are alike, the two fits of a pair (same instance, same repeat, same initial population) may be
    swapped. The test swaps each pair at random and counts how often the difference, divided by its standard error, gets
    as large as the one seen. It is exact for settings that do not differ at all; the division makes it valid to leading
    order for settings of equal ERT whose fits differ in kind, few dear ones against many cheap ones (Janssen, Stat.
    Probab. Lett. 36, 9, 1997), where without it a test at 5 % would reject in 19 %.

    A baseline without a success counts as having half of one. A challenger without any on an instance where the
    baseline has some never wins: settings that fail fast are no bargain.

    Parameters
    ----------
    pairs : one (baseline, challenger) per instance; fits that only one of them has are left out.
    """
    common = [pair for pair in (in_pairs(*pair) for pair in pairs) if len(pair[0].costs)]
    if not common or not any(challenger.successes for _, challenger in common):
        return 1.0
    if any(baseline.successes and not challenger.successes for baseline, challenger in common):
        return 1.0
    difference, variance = np.zeros(n_permutations + 1), np.zeros(n_permutations + 1)
    for baseline, challenger in common:
        swap = np.zeros((n_permutations + 1, len(baseline.costs)))  # row 0: as it was
        swap[1:] = rng.random((n_permutations, len(baseline.costs))) < 0.5
        mine, other = _terms(baseline), _terms(challenger)
        moved = swap @ (other - mine)
        ours, ours_variance = _log_time(mine.sum(axis=0) + moved)
        theirs, theirs_variance = _log_time(other.sum(axis=0) - moved)
        difference += ours - theirs
        variance += ours_variance + theirs_variance
    statistic = difference / np.sqrt(np.maximum(variance, 1e-12))
    # Rounding must not make a permutation that changes nothing look smaller than what was seen.
    return float(np.count_nonzero(statistic >= statistic[0] - 1e-9) / len(statistic))


def _terms(runs: Runs) -> FloatArray:
    """What ERT and its variance are made of, ``(n_fit, 4)``: cost, success, cost², cost·success."""
    hits = runs.hits.astype(float)
    return np.stack([runs.costs, hits, runs.costs**2, runs.costs * hits], axis=1)


def _log_time(sums: FloatArray) -> tuple[FloatArray, FloatArray]:
    """ln ERT and its variance by the delta method, from sums ``(n, 4)`` of the terms."""
    cost, hits = np.maximum(sums[:, 0], 1.0), np.maximum(sums[:, 1], 0.5)
    time = cost / hits
    residual = sums[:, 2] - 2.0 * time * sums[:, 3] + time**2 * hits
    return np.log(time), np.maximum(residual, 0.0) / cost**2
