"""The reflectivity kernel: a population of slab stacks, block of points by block of points.

Every layer is computed once, however often its block repeats, and once for the whole population where no individual
differs. The numbers of an individual do not depend on who else is in the population.
"""

from __future__ import annotations

import numpy as np

from . import transfer, wave_vectors
from .blocks import Blocks
from .compiled import compiled
from .elementary import LARGEST_ANGLE
from .instructions import BLOCK, bits, number
from .transfer import STATE
from .wave_vectors import Q2, WAVE, WAVELENGTH

_LARGEST_VECTOR = 1e6  # Å⁻¹; beyond it nothing is a reflectivity
_LARGEST_GROWTH = 12.0  # of the exponents of growing waves, per layer: eight layers must not overflow
_STEPS_UNSCALED = 8
_KEEP_ALL = 64  # with more layers than this their rows no longer fit the caches, and are used again


def workspace(n_layer: int, blocks: Blocks) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Memory for the kernel: rows of `work`, rows of `waves`, limits (n_slot, 2), slots and ready (n_layer,).

    With many layers there are only as many slots in `waves` as a block has layers, and two.
    """
    longest = max((last - first for first, last in zip(blocks.first, blocks.last, strict=True)), default=0)
    n_slot = n_layer if n_layer <= _KEEP_ALL else min(n_layer, longest + 2)
    return (
        np.empty(transfer.END),
        np.empty(n_slot * WAVE),
        np.empty((n_slot, 2)),
        np.empty(n_layer, dtype=np.int64),
        np.empty(n_layer, dtype=np.bool_),
    )


@compiled(relaxed=True, inner=True)
def _load_points(work: np.ndarray, q: np.ndarray, wavelength: np.ndarray, start: int, n: int) -> tuple[float, float]:
    """q² and λ of a block, the last point repeated up to its width; smallest and largest q² that are numbers.

    The bits of positive numbers are in the order of the numbers.
    """
    part = q[start : start + 8 * n]
    row = work[Q2 : Q2 + 8 * n]
    low, high = bits(np.inf), 0
    for i in range(part.size):
        q2 = part[i] * part[i]
        row[i] = q2
        below, above = bits(q2 if q2 == q2 else np.inf), bits(q2 if q2 == q2 else 0.0)
        low = below if below < low else low
        high = above if above > high else high
    for i in range(part.size, row.size):
        row[i] = row[part.size - 1]
    if wavelength.size > 0:
        lengths = wavelength[start : start + 8 * n]
        row = work[WAVELENGTH : WAVELENGTH + 8 * n]
        for i in range(row.size):
            row[i] = lengths[i if i < lengths.size else lengths.size - 1]
    return number(low), number(high)


@compiled(inner=True)
def _layer(
    work: np.ndarray,
    waves: np.ndarray,
    limits: np.ndarray,
    slot: int,
    layer: int,
    n: int,
    low: float,
    high: float,
    optical: np.ndarray,
    linear: np.ndarray,
    ambient: complex,
    thickness: float,
    dispersive: bool,
) -> bool:
    """Waves of a layer; its largest \\|Re k\\| and \\|Im k\\| into `limits`. False: out of range."""
    at = slot * WAVE
    last = optical.size - 1
    if dispersive:
        wave_vectors.squares_dispersive(work, n, optical[layer], linear[layer], optical[last], linear[last])
        wave_vectors.wave_vectors(work, waves, at, n)
        re, im, negative = wave_vectors.bounds_of_row(waves, at, n)
    else:
        re, im, negative = wave_vectors.bounds(optical[layer], ambient, low, high)
        if im == 0.0:
            wave_vectors.real_wave_vectors(work, waves, at, n, optical[layer].real, ambient.real)
        else:
            wave_vectors.squares(work, n, optical[layer], ambient)
            wave_vectors.wave_vectors(work, waves, at, n)
    limits[slot, 0] = re
    limits[slot, 1] = im
    fine = re <= _LARGEST_VECTOR and im <= _LARGEST_VECTOR
    if 0 < layer < last:
        size = abs(thickness)
        growing = negative or thickness < 0.0
        fine = fine and size * re <= LARGEST_ANGLE and (size * im <= _LARGEST_GROWTH or not growing)
        if fine:
            wave_vectors.phases(waves, at, n, thickness, size * im)
    return fine


@compiled(inner=True)
def _interface(
    work: np.ndarray, waves: np.ndarray, limits: np.ndarray, below: int, above: int, n: int, sigma: float
) -> bool:
    """The interface between the layers in two slots. False: out of range."""
    factor = 0.5 * sigma * sigma
    phase = factor * (limits[below, 0] * limits[above, 1] + limits[below, 1] * limits[above, 0])
    fine: bool = phase <= LARGEST_ANGLE and factor * limits[below, 1] * limits[above, 1] <= _LARGEST_GROWTH
    if fine and limits[below, 1] == 0.0 and limits[above, 1] == 0.0:
        transfer.real_interface(work, waves, below * WAVE, above * WAVE, n, -factor)
    elif fine:
        transfer.interface(work, waves, below * WAVE, above * WAVE, n, -factor, phase)
    return fine


@compiled()
def reflect_population(
    q: np.ndarray,
    wavelength: np.ndarray,
    optical: np.ndarray,
    linear: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    repetitions: np.ndarray,
    dispersive: bool,
    shared: np.ndarray,
    work: np.ndarray,
    waves: np.ndarray,
    limits: np.ndarray,
    slots: np.ndarray,
    ready: np.ndarray,
    irregular: np.ndarray,
    out: np.ndarray,
) -> None:
    """Reflectivities (n_population, 1, n_q) or amplitudes (n_population, 2, n_q: re, im) into `out`.

    q : (n_population | 1, n_q). wavelength : the same if `dispersive`, else (1, 0).
    optical : complex (n_population | 1, n_layer), potential, or a if `dispersive`; linear : the same, b.
    ambient : complex (n_population | 1,), n_M². The others as in `specular.amplitude`.
    shared : bool (n_layer,), which layers and points are the same in all individuals.
    work, waves, limits, slots, ready : `workspace`.
    irregular : bool (n_population,), all False; those outside the range of this kernel become True, and their
    rows of `out` mean nothing.

    One function on purpose: a function between this one and the loops would be optimised twice, at half a
    second each time that the kernel is compiled.
    """
    n_population, parts, n_q = out.shape
    n_slot, n_layer = limits.shape[0], optical.shape[1]
    keep = n_slot == n_layer
    n_part = (n_q + BLOCK - 1) // BLOCK
    length = ((n_q + n_part - 1) // n_part + 7) // 8 * 8 if n_q > 0 else 1
    low = high = 0.0
    for start in range(0, n_q, length):
        size = length if start + length < n_q else n_q - start
        n = (size + 7) // 8
        ready[:] = False
        for m in range(n_population):
            if m == 0 or q.shape[0] > 1 or wavelength.shape[0] > 1:
                low, high = _load_points(
                    work, q[m * (q.shape[0] > 1)], wavelength[m * (wavelength.shape[0] > 1)], start, n
                )
            fine = not irregular[m]
            v, b = optical[m * (optical.shape[0] > 1)], linear[m * (linear.shape[0] > 1)]
            n2 = ambient[m * (ambient.size > 1)]
            d, s = thickness[m * (thickness.shape[0] > 1)], sigma[m * (sigma.shape[0] > 1)]
            times = m * (repetitions.shape[0] > 1)
            used = unscaled = 0
            before = below = -1
            for block in range(-1, first.size + 1):  # substrate, the blocks, ambient
                begin, end, repeat = 0, 1, 1
                if block == first.size:
                    begin, end = n_layer - 1, n_layer
                elif block >= 0:
                    begin, end, repeat = first[block], last[block], repetitions[times, block]
                if repeat == 0:
                    end = begin
                # A block that repeats comes back to its first layer once: the step from one period to the next.
                for at in range(begin, end + (repeat > 1 and begin < end)):
                    if not fine:
                        break
                    layer = at if at < end else begin
                    if at < end:
                        slots[layer] = layer if keep else used % n_slot
                        used += 1
                        if not ready[layer]:
                            fine = _layer(
                                work,
                                waves,
                                limits,
                                slots[layer],
                                layer,
                                n,
                                low,
                                high,
                                v,
                                b,
                                n2,
                                d[layer],
                                dispersive,
                            )
                            ready[layer] = fine and keep and shared[layer]
                    if below >= 0 and fine:
                        fine = _interface(work, waves, limits, slots[below], slots[layer], n, s[below])
                    here = slots[layer] * WAVE
                    if below < 0 or not fine:
                        pass
                    elif below == 0:
                        if layer == n_layer - 1:
                            wave_vectors.phases(waves, here, n, 0.0, 0.0)
                        transfer.first_step(work, waves, here, n)
                    elif at > begin and repeat > 1:
                        transfer.step_period(work, waves, here, n, at == end)
                    elif layer < n_layer - 1:
                        transfer.step(work, waves, here, n)
                        unscaled += 1
                        if unscaled == _STEPS_UNSCALED:
                            transfer.rescale(work, n)
                            unscaled = 0
                    if at == begin and repeat > 1:
                        transfer.start_period(work, n)
                    if at < end:
                        before, below = below, layer
                if repeat > 1 and begin < end and fine:
                    transfer.start_power(work, n)
                    bit = 1
                    while 2 * bit < repeat:
                        bit *= 2
                    while bit > 1:  # the power repeat - 1, from its second highest bit down
                        bit //= 2
                        transfer.square_power(work, n, ((repeat - 1) & bit) != 0)
                    transfer.apply_power(work, n)
                    unscaled = 0
            irregular[m] = not fine
            if fine:
                transfer.quotient(work, n, before == 0, parts == 2)
                for part in range(parts):
                    found = work[STATE + part * BLOCK : STATE + part * BLOCK + size]
                    target = out[m, part, start : start + size]
                    for i in range(size):
                        target[i] = found[i]
