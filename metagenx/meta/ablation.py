"""Which changes made the gain: the path from one setting to another, the change that gains most first.

After C. Fawcett & H. Hoos, J. Heuristics 22 (2016) 431, with a forest instead of runs as A. Biedenkapp et al.,
AAAI 2017, do: the steps cost no fits, and are as good as the forest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metagenx.meta.importance import TREES, columns_of
from metagenx.meta.surrogate import Forest


@dataclass(frozen=True)
class Step:
    """One change: what is set from ``before`` to ``after``; ``gain``: by what factor the forest sees the cost fall."""

    name: str
    before: Any
    after: Any
    gain: float

    def to_json(self) -> dict[str, Any]:
        """Plain values; what does not count is None."""
        values = {"before": self.before, "after": self.after}
        return {
            "parameter": self.name,
            **{key: None if value != value else value for key, value in values.items()},
            "predicted_gain": self.gain,
        }


def ablation(
    values: Mapping[str, Sequence[Any]], scores: Sequence[float], begin: int, end: int, rng: np.random.Generator
) -> tuple[Step, ...]:
    """The steps from setting number ``begin`` to ``end``.

    Parameters
    ----------
    values : parameter → its value in each setting, as for :func:`~metagenx.meta.importance.importance`.
    scores : log10 of the cost of each setting.
    """
    columns = {name: columns_of(found) for name, found in values.items()}
    places = np.concatenate(list(columns.values()), axis=1)
    forest = Forest(places, np.asarray(scores, dtype=float)[:, None], rng, n_trees=TREES)
    ends = np.cumsum([found.shape[1] for found in columns.values()])
    where = {name: slice(stop - columns[name].shape[1], stop) for name, stop in zip(columns, ends, strict=True)}
    here = places[begin].copy()
    left = [name for name in columns if not np.array_equal(places[begin][where[name]], places[end][where[name]])]
    now, steps = float(forest.predict(here)[0, 0]), []
    while left:
        trials = np.repeat(here[None], len(left), axis=0)
        for row, name in zip(trials, left, strict=True):
            row[where[name]] = places[end][where[name]]
        found = forest.predict(trials)[:, 0]
        chosen = int(np.argmin(found))
        name = left.pop(chosen)
        steps.append(Step(name, values[name][begin], values[name][end], float(10.0 ** (now - found[chosen]))))
        here, now = trials[chosen], float(found[chosen])
    return tuple(steps)
