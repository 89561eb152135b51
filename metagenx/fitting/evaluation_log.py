"""The last candidates that were evaluated: JADE's archive and the base of the error bars."""

from __future__ import annotations

import numpy as np

from metagenx.fitting.problem import FloatArray

_FIRST_ROOM = 1024


class EvaluationLog:
    """A circular buffer of (vector, FOM), at most ``limit`` long; its memory grows with what it holds."""

    def __init__(self, n_dim: int, limit: int) -> None:
        self.limit = limit
        self.written = 0
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

    def restore(self, vectors: FloatArray, foms: FloatArray, written: int) -> None:
        """Take over the content of another log of the same limit."""
        self._vectors, self._foms, self.written = vectors.copy(), foms.copy(), written
        if len(foms) == 0:
            self._grow(min(self.limit, _FIRST_ROOM))

    def _grow(self, room: int) -> None:
        held = len(self)
        vectors, foms = np.empty((room, self._vectors.shape[1])), np.empty(room)
        vectors[:held], foms[:held] = self._vectors[:held], self._foms[:held]
        self._vectors, self._foms = vectors, foms
