"""Expected running times from few runs of many settings on the same samples.

A table has too few successes in each of its cells to divide by them: most bad settings have none at all. But what a
setting is worth on one sample tells much about the next, and how hard a sample is about all settings. So successes per
evaluation are estimated as (setting) × (sample), and each cell is drawn towards that product by the weight of one
success (an empirical Bayes estimate under Poisson counts). Every setting has had the same evaluations, so failing fast
earns nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PRIOR_HITS = 1.0  # weight of what the other samples say about a cell
UNSEEN_HITS = 0.5  # of a setting without any success; its running time is then about twice all that it spent
ROUNDS = 30


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
