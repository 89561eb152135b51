"""Expected running times from few runs of many settings on the same samples.

A table has too few successes in each of its cells to divide by them: most bad settings have none at all. But what a
setting is worth on one sample tells much about the next, and how hard a sample is about all settings. So successes per
evaluation are estimated as (setting) × (sample), and each cell is drawn towards that product by the weight of one
success (an empirical Bayes estimate under Poisson counts). Every setting has had the same evaluations, so failing fast
earns nothing.

A shorter cutoff leaves fewer evaluations of the same runs, and often no success among them. What is then known is only
that it is no better than it looks with a longer one, and the less so the more was spent in vain: each cutoff is drawn
towards the next longer one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PRIOR_HITS = 1.0  # weight of what the other samples say about a cell
CUTOFF_HITS = 0.5  # weight of what the next longer cutoff says about a shorter one
UNSEEN_HITS = 0.5  # of a setting without any success; its running time is then about twice all that it spent
ROUNDS = 30


def log_running_times_by_cutoff(spent: FloatArray, hits: FloatArray) -> FloatArray:
    """log10 ERT ``(n_setting, n_sample, n_cutoff)``, cutoffs rising, from arrays of that shape."""
    found = np.zeros_like(spent)
    found[..., -1] = log_running_times(spent[..., -1], hits[..., -1])
    for k in range(spent.shape[-1] - 2, -1, -1):
        longer = 10.0 ** found[..., k + 1]
        found[..., k] = np.log10(spent[..., k] + CUTOFF_HITS * longer) - np.log10(hits[..., k] + CUTOFF_HITS)
    return found


def log_running_times(spent: FloatArray, hits: FloatArray) -> FloatArray:
    """log10 ERT ``(n_setting, n_sample)`` from evaluations spent and successes, both of that shape."""
    sample = np.ones(spent.shape[1])
    for _ in range(ROUNDS):
        setting = (hits.sum(axis=1) + UNSEEN_HITS) / (spent @ sample)
        sample = (hits.sum(axis=0) + UNSEEN_HITS) / (setting @ spent)
        sample /= np.exp(np.log(sample).mean())
    expected = setting[:, None] * sample
    rate = (hits + PRIOR_HITS) / (spent + PRIOR_HITS / expected)
    return np.asarray(-np.log10(rate))
