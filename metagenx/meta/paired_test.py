"""Is the challenger's expected running time lower? A permutation test on common (instance, repeat) pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metagenx.meta.statistics import Runs, in_pairs

N_PERMUTATIONS = 9999


def paired_ert_test(
    pairs: Sequence[tuple[Runs, Runs]], rng: np.random.Generator, *, n_permutations: int = N_PERMUTATIONS
) -> float:
    """One-sided p value of the mean over instances of ln ERT(baseline) − ln ERT(challenger), above 0 by
    chance.

    If both settings are alike, the two fits of a pair (same instance, same repeat, same initial population)
    may be swapped; the test swaps each pair at random and counts how often the ratio gets as large as the one
    seen. It is exact for settings that do not differ at all and, since both have equally many fits, valid to
    leading order for settings of equal ERT whose fits differ in kind (Janssen, Stat. Probab. Lett. 36, 9,
    1997).

    A setting without a success counts as having half of one, so a challenger that never succeeds cannot win
    by being cheap unless the baseline does worse.

    Parameters
    ----------
    pairs : one (baseline, challenger) per instance; fits that only one of them has are left out.
    """
    observed, permuted, instances = 0.0, np.zeros(n_permutations), 0
    for baseline, challenger in (in_pairs(*pair) for pair in pairs):
        if len(baseline.costs) == 0:
            continue
        instances += 1
        swap = rng.random((n_permutations, len(baseline.costs))) < 0.5
        cost = challenger.costs - baseline.costs
        hit = challenger.hits.astype(float) - baseline.hits
        observed += float(_log_ratio(baseline, challenger, 0.0, 0.0))
        permuted += _log_ratio(baseline, challenger, swap @ cost, swap @ hit)
    if instances == 0 or not any(challenger.successes for _, challenger in pairs):
        return 1.0
    # Rounding must not make a permutation that changes nothing look smaller than what was seen.
    return float((1 + np.count_nonzero(permuted >= observed - 1e-12)) / (1 + n_permutations))


def _log_ratio(baseline: Runs, challenger: Runs, cost: np.ndarray | float, hit: np.ndarray | float) -> np.ndarray:
    """ln of the ratio of ERTs when ``cost`` evaluations and ``hit`` successes have changed sides."""
    ours = (baseline.evaluations + cost) / np.maximum(baseline.successes + hit, 0.5)
    theirs = (challenger.evaluations - cost) / np.maximum(challenger.successes - hit, 0.5)
    return np.asarray(np.log(np.maximum(ours, 1.0)) - np.log(np.maximum(theirs, 1.0)))
