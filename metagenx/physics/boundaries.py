"""Which layers meet in a stack: the boundaries that differ, and in which order they come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .blocks import Blocks
from .parratt import order_of_layers
from .tables import table


@dataclass(frozen=True)
class Walk:
    """The way through the stack of some individuals, from the substrate upwards.

    members : int64 (n_member,), the individuals.
    pairs : int64 (n_pair, 2), every pair of layers that meet: the upper one, the lower one.
    steps : int64 (n_step,), the pairs in the order of the way.
    """

    members: np.ndarray
    pairs: np.ndarray
    steps: np.ndarray


def walks(blocks: Blocks, n_layer: int, n_population: int) -> Iterator[Walk]:
    """The ways of all individuals; those whose blocks repeat as often go together."""
    repetitions = table(blocks.repetitions, np.int64)
    distinct, which = np.unique(repetitions, axis=0, return_inverse=True)
    of_individual = np.broadcast_to(which.reshape(-1), (n_population,))
    for i, times in enumerate(distinct):
        order = order_of_layers(blocks, times, n_layer)
        meeting = np.stack([order[1:], order[:-1]], axis=1)
        pairs, steps = np.unique(meeting, axis=0, return_inverse=True)
        members = np.flatnonzero(of_individual == i)
        yield Walk(members.astype(np.int64), np.ascontiguousarray(pairs), steps.reshape(-1).astype(np.int64))
