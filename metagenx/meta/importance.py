"""Which settings mattered: the share of the variance of the score that each explains on its own (fANOVA).

After F. Hutter, H. Hoos & K. Leyton-Brown, ICML 2014: a forest is fitted to the scores of the settings that were tried;
the main effect of a parameter is the variance of the forest's prediction averaged over all other parameters, its share
that variance over the whole. What is left are interactions, and noise that the forest has learned. The averages are
taken over the settings that were tried, not over the whole space: the forest knows nothing of places where none was.

An interval comes from forests on resampled settings. Few settings tell nothing, and are said to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.meta.surrogate import Forest, rank_correlation

FEWEST_SETTINGS = 12
SETTINGS_PER_PARAMETER = 3
TREES, RESAMPLES = 60, 12
MOST_VALUES, MOST_BACKGROUND = 12, 60
LEAST_CORRELATION = 0.3  # between scores and what trees predict that have not seen them

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """One parameter: its share of the variance, with a 95 % interval; all between 0 and 1."""

    name: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Importance:
    """What was found.

    Parameters
    ----------
    shares : of all parameters, the largest first; empty if ``why_not`` says why nothing can be told.
    interactions : what no parameter explains alone.
    correlation : rank correlation of the scores with predictions by trees that have not seen them.
    """

    shares: tuple[Share, ...]
    interactions: float
    correlation: float
    n_settings: int
    why_not: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "shares": {s.name: {"share": s.share, "low": s.low, "high": s.high} for s in self.shares},
            "interactions": self.interactions if self.shares else None,
            "rank_correlation": self.correlation if math.isfinite(self.correlation) else None,
            "settings": self.n_settings,
            "why_not": self.why_not,
        }


def importance(values: Mapping[str, Sequence[Any]], scores: Sequence[float], rng: np.random.Generator) -> Importance:
    """The importance of each parameter.

    Parameters
    ----------
    values : parameter → its value in each setting; numbers (nan where it does not count), words or switches.
    scores : of the settings, on a scale on which differences mean the same everywhere (a logarithm).
    """
    y = np.asarray(scores, dtype=float)
    n, needed = len(y), max(FEWEST_SETTINGS, SETTINGS_PER_PARAMETER * len(values))
    if n < needed or not values:
        return _nothing(n, f"{n} settings are too few to tell what mattered; it takes {needed}")
    if not np.ptp(y) > 0:
        return _nothing(n, "all settings came to the same")
    columns = {name: columns_of(found) for name, found in values.items()}
    x = np.concatenate(list(columns.values()), axis=1)
    ends = np.cumsum([found.shape[1] for found in columns.values()])
    groups = [np.arange(end - found.shape[1], end) for end, found in zip(ends, columns.values(), strict=True)]
    forest = Forest(x, y[:, None], rng, n_trees=TREES)
    correlation = rank_correlation(forest.out_of_bag[:, 0], y)
    if not correlation >= LEAST_CORRELATION:
        return _nothing(
            n, f"the scores of {n} settings do not follow from their parameters (rank correlation {correlation:.2f})",
            correlation,
        )  # fmt: skip
    shares = _main_effects(forest, x, groups)
    again = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, n, n)
        if np.ptp(y[rows]) > 0:
            again.append(_main_effects(Forest(x[rows], y[rows, None], rng, n_trees=TREES // 3), x, groups))
    low, high = np.quantile(again, [0.025, 0.975], axis=0) if again else (0.0 * shares, 0.0 * shares + 1.0)
    found = [
        Share(name, float(s), float(min(a, s)), float(max(b, s)))
        for name, s, a, b in zip(columns, shares, low, high, strict=True)
    ]
    found.sort(key=lambda share: (-share.share, share.name))
    return Importance(tuple(found), float(max(0.0, 1.0 - shares.sum())), correlation, n)


def _nothing(n: int, why: str, correlation: float = math.nan) -> Importance:
    return Importance((), math.nan, correlation, n, why)


def columns_of(values: Sequence[Any]) -> FloatArray:
    """A parameter as columns of numbers ``(n, 1)``, of words one column each; what does not count stands aside."""
    if any(isinstance(value, str | bool) for value in values):
        words = sorted({str(value) for value in values})
        return np.array([[float(str(value) == word) for word in words] for value in values])
    found = np.array([float(value) for value in values])
    known = found[np.isfinite(found)]
    if len(known) and known.min() > 0 and known.max() > 8 * known.min():
        found, known = np.log(found), np.log(known)
    if not len(known):
        return np.zeros((len(found), 1))
    aside = known.min() - 0.5 * max(float(np.ptp(known)), 1e-9)
    return np.where(np.isfinite(found), found, aside)[:, None]


def _main_effects(forest: Forest, x: FloatArray, groups: Sequence[NDArray[np.intp]]) -> FloatArray:
    """Share of each group of columns in the variance of the prediction, ``(n_group,)``."""
    background = x[np.linspace(0, len(x) - 1, min(len(x), MOST_BACKGROUND)).astype(int)]
    total = float(forest.predict(x)[:, 0].var())
    if total <= 0.0:
        return np.zeros(len(groups))
    shares = []
    for group in groups:
        kinds, occurring = np.unique(x[:, group], axis=0, return_counts=True)
        counts = occurring.astype(float)
        if len(kinds) > MOST_VALUES:
            chosen = np.unique(np.linspace(0, len(x) - 1, MOST_VALUES).astype(int))
            kinds = x[np.argsort(x[:, group[0]], kind="stable")[chosen]][:, group]
            counts = np.ones(len(kinds))
        places = np.repeat(background[None], len(kinds), axis=0)
        places[:, :, group] = kinds[:, None, :]
        means = forest.predict(places.reshape(-1, x.shape[1]))[:, 0].reshape(len(kinds), -1).mean(axis=1)
        centre = np.average(means, weights=counts)
        shares.append(float(np.average((means - centre) ** 2, weights=counts)) / total)
    found = np.array(shares)
    return np.asarray(found / max(1.0, found.sum()))
