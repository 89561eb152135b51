"""How the layers of a sample repeat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Blocks:
    """How the layers between substrate and ambient repeat, bottom → top.

    first : index of the first layer of each block, 1 … n_layer-2.
    last : one past the last layer of each block; blocks are contiguous and cover 1 … n_layer-2.
    repetitions : int64 ``(n_population | 1, n_block)``, ≥ 0; 0 takes the block out of the sample.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    repetitions: np.ndarray

    @classmethod
    def once(cls, n_layer: int) -> Blocks:
        """All layers between substrate and ambient, each once; `n_layer` counts substrate and ambient too."""
        if n_layer <= 2:
            return cls((), (), np.zeros((1, 0), dtype=np.int64))
        return cls((1,), (n_layer - 1,), np.ones((1, 1), dtype=np.int64))

    def check(self, n_layer: int) -> None:
        """Raise ValueError unless the blocks are contiguous and cover the layers 1 … n_layer-2."""
        at = 1
        for first, last in zip(self.first, self.last, strict=True):
            if first != at or last < first:
                raise ValueError(f"block {first}…{last} does not continue at layer {at}")
            at = last
        if at != max(n_layer - 1, 1):
            raise ValueError(f"the blocks end at layer {at}, the sample has layers up to {n_layer - 1}")
        if self.repetitions.ndim != 2 or self.repetitions.shape[1] != len(self.first):
            raise ValueError(f"repetitions {self.repetitions.shape} do not match {len(self.first)} blocks")
        if self.repetitions.size and self.repetitions.min() < 0:
            raise ValueError("a block cannot repeat a negative number of times")
