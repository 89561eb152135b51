"""The spin-flip kernel: a population of magnetic slab stacks, block of points by block of points."""

from __future__ import annotations

import cmath
import math

import numpy as np

from . import spin_transfer as transfer
from . import wave_vectors
from .blocks import Blocks
from .compiled import compiled
from .elementary import LARGEST_ANGLE
from .instructions import BLOCK
from .spin_transfer import INTERFACE, MINUS, SPIN_WAVE, SQUARES
from .wave_vectors import Q2

_LARGEST_VECTOR = 1e6  # Å⁻¹
_LARGEST_GROWTH = 12.0  # of the exponents of growing waves, per layer
_LARGEST_DECAY = 150.0  # of the exponents of the roughness: its exponential is used to the power of four
_KEEP_ALL = 32


def workspace(n_layer: int, blocks: Blocks) -> tuple[np.ndarray, ...]:
    """Memory for the kernel: work, waves, interfaces, limits (n_slot, 2), slots (n_layer,); see `slab_stack`."""
    longest = max((last - first for first, last in zip(blocks.first, blocks.last, strict=True)), default=0)
    n_slot = n_layer if n_layer <= _KEEP_ALL else min(n_layer, longest + 2)
    return (
        np.empty(transfer.END),
        np.empty(n_slot * SPIN_WAVE),
        np.empty(n_slot * INTERFACE),
        np.empty((n_slot, 2)),
        np.empty(n_layer, dtype=np.int64),
    )


@compiled(inner=True)
def _layer(
    work: np.ndarray,
    waves: np.ndarray,
    limits: np.ndarray,
    slot: int,
    n: int,
    low: float,
    high: float,
    plus: complex,
    minus: complex,
    thickness: float,
) -> bool:
    """Waves of a layer, both spins; the larger \\|Re k\\| and \\|Im k\\| into `limits`. False: out of range."""
    limits[slot, 0] = limits[slot, 1] = 0.0
    size = abs(thickness)
    fine = True
    for spin in range(2):
        at = slot * SPIN_WAVE + spin * MINUS
        potential = -minus if spin else -plus
        wave_vectors.squares(work, n, potential, 0.25 + 0j)
        wave_vectors.wave_vectors(work, waves, at, n)
        re, im, negative = wave_vectors.bounds(potential, 0.25 + 0j, low, high)
        limits[slot, 0] = re if re > limits[slot, 0] else limits[slot, 0]
        limits[slot, 1] = im if im > limits[slot, 1] else limits[slot, 1]
        growing = negative or thickness < 0.0
        fine = fine and re <= _LARGEST_VECTOR and im <= _LARGEST_VECTOR and size * re <= LARGEST_ANGLE
        fine = fine and (size * im <= _LARGEST_GROWTH or not growing)
        if fine:
            wave_vectors.phases(waves, at, n, thickness, size * im)
    transfer.mixed_factors(waves, slot * SPIN_WAVE, n)
    return fine


@compiled(inner=True)
def _interface(
    waves: np.ndarray,
    interfaces: np.ndarray,
    limits: np.ndarray,
    below: int,
    above: int,
    n: int,
    sigma: float,
    turn: float,
) -> bool:
    """The interface between the layers in two slots, kept at that of the lower. False: out of range."""
    square = sigma * sigma
    phase = square * (limits[below, 0] * limits[above, 1] + limits[below, 1] * limits[above, 0])
    decay = square * limits[below, 0] * limits[above, 0]
    growth = square * limits[below, 1] * limits[above, 1]
    fine = (
        phase <= LARGEST_ANGLE and decay <= _LARGEST_DECAY and growth <= _LARGEST_GROWTH and abs(turn) <= LARGEST_ANGLE
    )
    if fine:
        c, s = math.cos(0.5 * turn), math.sin(0.5 * turn)
        transfer.interface(
            interfaces, waves, below * INTERFACE, below * SPIN_WAVE, above * SPIN_WAVE, n, square, c, s, phase
        )
    return fine


@compiled(inner=True)
def _stack(
    work: np.ndarray,
    waves: np.ndarray,
    interfaces: np.ndarray,
    limits: np.ndarray,
    slots: np.ndarray,
    n: int,
    low: float,
    high: float,
    plus: np.ndarray,
    minus: np.ndarray,
    angle: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    repetitions: np.ndarray,
) -> bool:
    """Squares of the reflection matrix of one individual and one block of points. False: out of range."""
    n_slot, n_layer = limits.shape[0], plus.size
    used = 0
    below = -1
    rough = 0.0  # σ² of the interface below the layer `below`
    for block in range(-1, first.size + 1):  # substrate, the blocks, ambient
        begin, end, repeat = 0, 1, 1
        if block == first.size:
            begin, end = n_layer - 1, n_layer
        elif block >= 0:
            begin, end, repeat = first[block], last[block], repetitions[block]
        for copy in range(repeat):
            for layer in range(begin, end):
                if copy == 0:
                    slot = layer if n_slot == n_layer else used % n_slot
                    slots[layer] = slot
                    used += 1
                    thick = thickness[layer] if 0 < layer < n_layer - 1 else 0.0
                    if not _layer(work, waves, limits, slot, n, low, high, plus[layer], minus[layer], thick):
                        return False
                if below < 0:
                    transfer.start(work, waves, slots[layer] * SPIN_WAVE, n)
                else:
                    # Between the layers of a block, interfaces are computed in its first copy, and the one from a
                    # copy to the next when it comes first.
                    if (copy == 0 or (copy == 1 and layer == begin)) and not _interface(
                        waves, interfaces, limits, slots[below], slots[layer], n, sigma[below],
                        angle[layer] - angle[below],
                    ):  # fmt: skip
                        return False
                    square = sigma[below] * sigma[below]
                    exponent = -0.5 * (plus[below] - minus[below]) * (rough + square)
                    if not abs(exponent.real) + abs(exponent.imag) <= _LARGEST_GROWTH:
                        return False
                    g = cmath.exp(exponent)
                    at = slots[below]
                    transfer.step(work, waves, interfaces, at * SPIN_WAVE, at * INTERFACE, n, g, 1.0 / g)
                    rough = square
                below = layer
    exponent = -0.5 * (plus[below] - minus[below]) * rough
    if not abs(exponent.real) + abs(exponent.imag) <= _LARGEST_GROWTH:
        return False
    transfer.squares(work, waves, slots[below] * SPIN_WAVE, n, cmath.exp(exponent))
    return True


@compiled()
def reflect_population(
    q: np.ndarray,
    plus: np.ndarray,
    minus: np.ndarray,
    angle: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    repetitions: np.ndarray,
    work: np.ndarray,
    waves: np.ndarray,
    interfaces: np.ndarray,
    limits: np.ndarray,
    slots: np.ndarray,
    irregular: np.ndarray,
    out: np.ndarray,
) -> None:
    """uu, dd, ud, du (n_population, 4, n_q) into `out`; arguments as in `spin_flip.spin_flip`, angles in rad.

    irregular : bool (n_population,), all False; those outside the range of this kernel become True, and their
    rows of `out` mean nothing.
    """
    n_population, _, n_q = out.shape
    n_part = (n_q + BLOCK - 1) // BLOCK
    length = ((n_q + n_part - 1) // n_part + 7) // 8 * 8 if n_q > 0 else 1
    for start in range(0, n_q, length):
        size = length if start + length < n_q else n_q - start
        n = (size + 7) // 8
        low = high = 0.0
        for m in range(n_population):
            if m == 0 or q.shape[0] > 1:
                row = q[m]
                low = high = row[start] * row[start]
                for i in range(8 * n):
                    q2 = row[start + i if i < size else start] ** 2
                    work[Q2 + i] = q2
                    low = q2 if q2 < low else low
                    high = q2 if q2 > high else high
            if irregular[m] or not _stack(
                work, waves, interfaces, limits, slots, n, low, high,
                plus[m * (plus.shape[0] > 1)],
                minus[m * (minus.shape[0] > 1)],
                angle[m * (angle.shape[0] > 1)],
                thickness[m * (thickness.shape[0] > 1)],
                sigma[m * (sigma.shape[0] > 1)],
                first, last,
                repetitions[m * (repetitions.shape[0] > 1)],
            ):  # fmt: skip
                irregular[m] = True
                continue
            for i in range(size):
                out[m, 0, start + i] = work[SQUARES + i]
                out[m, 1, start + i] = work[SQUARES + BLOCK + i]
                out[m, 2, start + i] = work[SQUARES + 2 * BLOCK + i]
                out[m, 3, start + i] = work[SQUARES + 2 * BLOCK + i]
