"""A forest of extremely randomised trees for tables of a few hundred rows, with several outputs at once.

After P. Geurts, D. Ernst & L. Wehenkel, Mach. Learn. 63 (2006) 3: at each node one random cut per input, the best of
them is taken. Different from there each tree grows on a bootstrap sample, so every row has trees that have not seen it,
and what those predict is an honest test. Written here, because it is needed at run time and a machine learning library
would be a heavy dependency for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

LEAST_IN_LEAF = 2


@dataclass
class _Tree:
    """Nodes in the order of their making; ``feature`` is -1 in a leaf."""

    feature: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    value: list[FloatArray] = field(default_factory=list)

    def grow(self, x: FloatArray, y: FloatArray, rng: np.random.Generator) -> int:
        node = len(self.value)
        self.feature.append(-1)
        self.threshold.append(0.0)
        self.left.append(node)
        self.right.append(node)
        self.value.append(y.mean(axis=0))
        cut = _best_cut(x, y, rng) if len(y) >= 2 * LEAST_IN_LEAF else None
        if cut is not None:
            feature, threshold = cut
            low = x[:, feature] <= threshold
            self.feature[node], self.threshold[node] = feature, threshold
            self.left[node] = self.grow(x[low], y[low], rng)
            self.right[node] = self.grow(x[~low], y[~low], rng)
        return node


def _best_cut(x: FloatArray, y: FloatArray, rng: np.random.Generator) -> tuple[int, float] | None:
    """Of one random cut per input the one that leaves the least variance; None where nothing can be cut."""
    low, high = x.min(axis=0), x.max(axis=0)
    thresholds = low + rng.random(x.shape[1]) * (high - low)
    sides = x <= thresholds
    counts = sides.sum(axis=0)
    allowed = (high > low) & (counts >= LEAST_IN_LEAF) & (len(x) - counts >= LEAST_IN_LEAF)
    if not allowed.any():
        return None
    total = y.sum(axis=0)
    lower = sides.T.astype(float) @ y
    squares = (lower**2).sum(axis=1) / np.maximum(counts, 1)
    squares += ((total - lower) ** 2).sum(axis=1) / np.maximum(len(x) - counts, 1)
    feature = int(np.argmax(np.where(allowed, squares, -np.inf)))
    return feature, float(thresholds[feature])


class Forest:
    """Trees grown on ``x (n, n_input)`` and ``y (n, n_output)``; deterministic in ``rng``.

    Attributes
    ----------
    out_of_bag : ``(n, n_output)``, for each row the mean of the trees that have not seen it.
    """

    def __init__(self, x: FloatArray, y: FloatArray, rng: np.random.Generator, *, n_trees: int = 150) -> None:
        trees, seen = [], np.zeros((n_trees, len(x)), dtype=bool)
        centred = y - y.mean(axis=0)
        for number in range(n_trees):
            chosen = rng.integers(0, len(x), len(x))
            seen[number, chosen] = True
            tree = _Tree()
            tree.grow(x[chosen], centred[chosen], rng)
            trees.append(tree)
        offsets = np.cumsum([0, *(len(tree.value) for tree in trees)])
        self._roots = offsets[:-1]
        self._feature = np.concatenate([tree.feature for tree in trees]).astype(np.int64)
        self._threshold = np.concatenate([tree.threshold for tree in trees])
        self._left = np.concatenate([np.array(t.left) + o for t, o in zip(trees, offsets, strict=False)])
        self._right = np.concatenate([np.array(t.right) + o for t, o in zip(trees, offsets, strict=False)])
        self._value = np.concatenate([np.array(tree.value) for tree in trees]) + y.mean(axis=0)
        leaves = self._leaves(x)
        unseen = (~seen).astype(float)
        told = np.maximum(unseen.sum(axis=0), 1.0)[:, None]
        self.out_of_bag: FloatArray = np.einsum("tn,nto->no", unseen, self._value[leaves]) / told

    def predict(self, x: FloatArray) -> FloatArray:
        """``(n, n_output)`` at the places ``x (n, n_input)``."""
        x = np.atleast_2d(x)
        parts = [self._value[self._leaves(x[i : i + 500])].mean(axis=1) for i in range(0, len(x), 500)]
        return np.concatenate(parts)

    def _leaves(self, x: FloatArray) -> NDArray[np.int64]:
        """Number of the leaf ``(n, n_trees)`` in which each row ends."""
        node = np.broadcast_to(self._roots, (len(x), len(self._roots))).copy()
        rows = np.arange(len(x))[:, None]
        while (inner := self._feature[node] >= 0).any():
            lower = x[rows, np.maximum(self._feature[node], 0)] <= self._threshold[node]
            node = np.where(inner, np.where(lower, self._left[node], self._right[node]), node)
        return node


def rank_correlation(one: FloatArray, other: FloatArray) -> float:
    """Spearman's, of two columns ``(n,)``."""
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic)
