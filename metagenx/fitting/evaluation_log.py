"""The last candidates that were evaluated, JADE's archive; and the outline of all, the base of the error bars.

GenX takes its error bars from the last evaluations alone. After a long run these are all from a population that has
collapsed, and the bars shrink to nothing; so what the log forgets leaves its outline.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metagenx.fitting.problem import FloatArray

_FIRST_ROOM = 1024
_OUTLINE_ROOM = 4096


class EvaluationLog:
    """A circular buffer of (vector, FOM), at most ``limit`` long; its memory grows with what it holds.

    ``level``: of the vectors that gave way, those are kept that reach farthest in any parameter among all with a FOM
    below that many times the best.
    """

    def __init__(self, n_dim: int, limit: int, level: float = 1.05) -> None:
        self.limit, self.level = limit, level
        self.written = 0
        self.outline_vectors, self.outline_foms = np.empty((0, n_dim)), np.empty(0)
        self._lowest = np.inf
        self._vectors = np.empty((min(limit, _FIRST_ROOM), n_dim))
        self._foms = np.empty(min(limit, _FIRST_ROOM))

    def __len__(self) -> int:
        return min(self.written, self.limit)

    @property
    def vectors(self) -> FloatArray:
        """Logged vectors, ``(n, n_dim)``; a view, in the order of the buffer."""
        return self._vectors[: len(self)]

    @property
    def foms(self) -> FloatArray:
        """Logged figures of merit, ``(n,)``; a view."""
        return self._foms[: len(self)]

    def append(self, vectors: FloatArray, foms: FloatArray) -> None:
        """Add candidates ``(n, n_dim)`` and their FOMs ``(n,)``; the oldest give way."""
        count = len(foms)
        self._lowest = min(self._lowest, float(np.min(foms, initial=np.inf)))
        if len(self) + count > self.limit:
            self._outline(vectors, foms)
        first = self.written % self.limit
        end = first + count
        if end > len(self._foms) and len(self._foms) < self.limit:
            self._grow(min(self.limit, max(end, 2 * len(self._foms))))
        if end <= len(self._foms):
            self._vectors[first:end] = vectors
            self._foms[first:end] = foms
        else:
            kept = min(count, self.limit)
            at = (self.written + np.arange(count - kept, count)) % self.limit
            self._vectors[at] = vectors[count - kept :]
            self._foms[at] = foms[count - kept :]
        self.written += count

    def everything(self) -> tuple[FloatArray, FloatArray]:
        """Vectors ``(n, n_dim)`` and FOMs ``(n,)`` of the outline and of the log."""
        if not len(self.outline_foms):
            return self.vectors, self.foms
        return np.concatenate([self.outline_vectors, self.vectors]), np.concatenate([self.outline_foms, self.foms])

    def restore(
        self, vectors: FloatArray, foms: FloatArray, written: int, outline: tuple[FloatArray, FloatArray]
    ) -> None:
        """Take over the content of another log of the same limit."""
        self._vectors, self._foms, self.written = vectors.copy(), foms.copy(), written
        self.outline_vectors, self.outline_foms = outline
        self._lowest = float(np.min(self.everything()[1], initial=np.inf))
        if len(foms) == 0:
            self._grow(min(self.limit, _FIRST_ROOM))

    def _outline(self, vectors: FloatArray, foms: FloatArray) -> None:
        """Keep what matters of the rows that these take the place of, and of those of them that do not fit."""
        held = len(self)
        forgotten = held + len(foms) - self.limit
        oldest = self.written % self.limit if held == self.limit else 0
        given_way = (oldest + np.arange(min(forgotten, held))) % self.limit
        self._keep(self._vectors[given_way], self._foms[given_way])
        self._keep(vectors[: max(0, forgotten - held)], foms[: max(0, forgotten - held)])

    def _keep(self, vectors: FloatArray, foms: FloatArray) -> None:
        near = foms < self.level * self._lowest
        if not near.any():
            return
        self.outline_vectors = np.concatenate([self.outline_vectors, vectors[near]])
        self.outline_foms = np.concatenate([self.outline_foms, foms[near]])
        if len(self.outline_foms) > _OUTLINE_ROOM:
            kept = outline(self.outline_vectors, self.outline_foms, self.level * self._lowest)
            self.outline_vectors, self.outline_foms = self.outline_vectors[kept], self.outline_foms[kept]

    def _grow(self, room: int) -> None:
        held = len(self)
        vectors, foms = np.empty((room, self._vectors.shape[1])), np.empty(room)
        vectors[:held], foms[:held] = self._vectors[:held], self._foms[:held]
        self._vectors, self._foms = vectors, foms


def outline(vectors: FloatArray, foms: FloatArray, below: float) -> NDArray[np.bool_]:
    """Rows that reach farther in some parameter than all rows of a lower FOM: whatever the level, no other matters.

    Parameters
    ----------
    vectors, foms : ``(n, n_dim)`` and ``(n,)``.
    below : rows with a FOM from here on do not count.

    Returns
    -------
    bool ``(n,)``.
    """
    kept = np.zeros(len(foms), dtype=bool)
    order = np.argsort(foms, kind="stable")
    order = order[foms[order] < below]
    for values in (vectors[order], -vectors[order]):
        farthest = np.maximum.accumulate(values, axis=0)
        farther = np.ones_like(values, dtype=bool)
        farther[1:] = values[1:] > farthest[:-1]
        kept[order[farther.any(axis=1)]] = True
    return kept
