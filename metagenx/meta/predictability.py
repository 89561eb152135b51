"""Whether the scores of settings follow from the settings, or from luck."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metagenx.fitting.streams import stream
from metagenx.meta.parameters import ChoiceParameter
from metagenx.meta.space import SearchSpace
from metagenx.meta.space_changes import Trial
from metagenx.meta.surrogate import Forest, rank_correlation

LEAST_CORRELATION = 0.7
"""Of scores with what trees say that have not seen them; below, there are too few runs to learn from."""

N_TREES = 60
NOT_COUNTING = -0.5  # place of a parameter that does not count, beside its unit interval


def predictability(space: SearchSpace, trials: Sequence[Trial]) -> float:
    """Spearman correlation of the ranks of trials with a forest out of bag; 0 where it cannot be told.

    Every setting must be there once: of one that is there twice a tree has seen the other.
    """
    if len(trials) < 2:
        return 0.0
    ordered = sorted(trials, key=lambda trial: (trial.censored, trial.score, repr(sorted(trial.point.items()))))
    x = np.array([_place(space, trial) for trial in ordered])
    y = np.arange(len(ordered), dtype=float)
    ties = np.array([trial.censored for trial in ordered])
    y[ties] = y[ties].mean() if ties.any() else 0.0  # what never succeeded has no order
    forest = Forest(x, y[:, None], stream(0, "predictability"), n_trees=N_TREES)
    found = rank_correlation(forest.out_of_bag[:, 0], y)
    return found if np.isfinite(found) else 0.0


def _place(space: SearchSpace, trial: Trial) -> list[float]:
    place: list[float] = []
    for name, parameter in space.parameters.items():
        value = trial.point.get(name)
        if isinstance(parameter, ChoiceParameter):
            place += [float(value == other) for other in parameter.values]
        else:
            place.append(NOT_COUNTING if value is None else parameter.encode(value))
    return place
