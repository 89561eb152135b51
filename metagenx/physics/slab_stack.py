"""The reflectivity kernel: a population of slab stacks, block of points by block of points.

Every layer is computed once, however often its block repeats, and once for the whole population where no individual
differs. The numbers of an individual do not depend on who else is in the population.
"""

from __future__ import annotations

import numpy as np

from . import transfer, wave_vectors
from .compiled import compiled
from .elementary import LARGEST_ANGLE
from .rows import BLOCK
from .transfer import STATE
from .wave_vectors import Q2, WAVE, WAVELENGTH

# How the optical constants are given.
CONSTANT = 0  # potential and n_M², the same at all points
DISPERSIVE = 1  # n = 1 − aλ² − bλ
GIVEN = 2  # potential and n_M² at every point

_LARGEST_VECTOR = 1e6  # Å⁻¹; beyond it nothing is a reflectivity
_LARGEST_GROWTH = 12.0  # of the exponents of growing waves, per layer: eight layers must not overflow
_STEPS_UNSCALED = 8
_KEEP_ALL = 64  # with more layers than this their rows no longer fit the caches, and are used again


@compiled(inner=True)
def _same_in_all(values: np.ndarray, column: int) -> bool:
    same = True
    for m in range(1, values.shape[0]):
        same = same and values[m, column] == values[0, column]
    return same


@compiled(inner=True)
def _shared_layers(
    q: np.ndarray,
    wavelength: np.ndarray,
    optical: np.ndarray,
    linear: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    mode: int,
) -> np.ndarray:
    """Which layers are the same in all individuals: their waves are computed once."""
    n_layer = optical.shape[1]
    shared = np.zeros(n_layer, np.bool_)
    if q.shape[0] > 1 or wavelength.shape[0] > 1 or not _same_in_all(ambient, 0):
        return shared
    if mode == GIVEN and (optical.shape[0] > 1 or ambient.shape[0] > 1):
        return shared
    if mode == DISPERSIVE and not (
        _same_in_all(optical[:, :, 0], n_layer - 1) and _same_in_all(linear, n_layer - 1)
    ):
        return shared
    for layer in range(n_layer):
        end = layer == 0 or layer == n_layer - 1
        shared[layer] = (
            _same_in_all(optical[:, :, 0], layer)
            and (mode != DISPERSIVE or _same_in_all(linear, layer))
            and (end or _same_in_all(thickness, layer))
        )
    return shared


@compiled(inner=True)
def _load_points(
    work: np.ndarray, q: np.ndarray, wavelength: np.ndarray, start: int, width: int
) -> tuple[float, float]:
    """q² and λ of a block, the last point repeated up to its width; smallest and largest q²."""
    low = high = q[start] * q[start]
    for i in range(width):
        at = min(start + i, q.size - 1)
        q2 = q[at] * q[at]
        work[Q2 + i] = q2
        low, high = min(low, q2), max(high, q2)
        if wavelength.size:
            work[WAVELENGTH + i] = wavelength[at]
    return low, high


@compiled(inner=True)
def _layer(
    work: np.ndarray,
    waves: np.ndarray,
    limits: np.ndarray,
    slot: int,
    layer: int,
    start: int,
    width: int,
    low: float,
    high: float,
    optical: np.ndarray,
    linear: np.ndarray,
    ambient: np.ndarray,
    thickness: float,
    mode: int,
) -> bool:
    """Waves of a layer; its largest \\|Re k\\| and \\|Im k\\| into `limits`. False: out of range."""
    at = slot * WAVE
    if mode == CONSTANT:
        wave_vectors.squares(work, width, optical[layer, 0], ambient[0])
        wave_vectors.wave_vectors(work, waves, at, width)
        re, im, negative = wave_vectors.bounds(optical[layer, 0], ambient[0], low, high)
    else:
        if mode == DISPERSIVE:
            last = linear.size - 1
            wave_vectors.squares_dispersive(
                work, width, optical[layer, 0], linear[layer], optical[last, 0], linear[last]
            )
        else:
            wave_vectors.squares_given(work, width, optical[layer], ambient, start)
        wave_vectors.wave_vectors(work, waves, at, width)
        re, im, negative = wave_vectors.bounds_of_row(waves, at, width)
    if not (re <= _LARGEST_VECTOR and im <= _LARGEST_VECTOR):
        return False
    limits[slot, 0], limits[slot, 1] = re, im
    if layer == 0:
        return True
    if layer == optical.shape[0] - 1:
        wave_vectors.no_phases(waves, at, width)
        return True
    size = abs(thickness)
    if (negative or thickness < 0.0) and not (size * im <= _LARGEST_GROWTH):
        return False
    if not (size * re <= LARGEST_ANGLE):
        return False
    wave_vectors.phases(waves, at, width, thickness, size * im)
    return True


@compiled(inner=True)
def _interface(
    work: np.ndarray,
    waves: np.ndarray,
    limits: np.ndarray,
    below: int,
    above: int,
    width: int,
    sigma: float,
) -> bool:
    """The interface between the layers in two slots. False: out of range."""
    factor = -0.5 * sigma * sigma
    phase = -factor * (limits[below, 0] * limits[above, 1] + limits[below, 1] * limits[above, 0])
    if not (phase <= LARGEST_ANGLE and -factor * limits[below, 1] * limits[above, 1] <= _LARGEST_GROWTH):
        return False
    transfer.interface(work, waves, below * WAVE, above * WAVE, width, factor, phase)
    return True


@compiled(inner=True)
def _raise_period(work: np.ndarray, width: int, power: int) -> None:
    """From the first power of the period to a higher one, bit by bit."""
    bit = 1
    while 2 * bit <= power:
        bit *= 2
    bit //= 2
    while bit > 0:
        transfer.square_power(work, width, (power & bit) != 0)
        bit //= 2


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
    mode: int,
    out: np.ndarray,
) -> np.ndarray:
    """Reflectivities (n_population, 1, n_q) or amplitudes (n_population, 2, n_q: re, im) into `out`.

    q : (n_population | 1, n_q). wavelength : the same, or (1, 0) if `mode` needs none.
    optical : complex (n_population | 1, n_layer, 1 | n_q), potential or a; linear : complex (n_population | 1,
    n_layer), b; ambient : complex (n_population | 1, 1 | n_q), n_M². The others as in `specular.amplitude`.

    Returns which individuals are out of the range of this kernel, (n_population,); their rows are not filled.
    """
    n_population, _, n_q = out.shape
    n_layer = optical.shape[1]
    longest = 0
    for block in range(first.size):
        longest = max(longest, last[block] - first[block])
    n_slot = n_layer if n_layer <= _KEEP_ALL else min(n_layer, longest + 2)
    work = np.zeros(transfer.END)
    waves = np.zeros(n_slot * WAVE)
    limits = np.zeros((n_slot, 2))
    slots = np.zeros(n_layer, np.int64)
    shared = _shared_layers(q, wavelength, optical, linear, ambient, thickness, mode)
    ready = np.zeros(n_layer, np.bool_)
    irregular = np.zeros(n_population, np.bool_)
    n_part = max((n_q + BLOCK - 1) // BLOCK, 1)
    length = ((n_q + n_part - 1) // n_part + 7) // 8 * 8
    low = high = 0.0
    for start in range(0, n_q, max(length, 1)):
        width = (min(length, n_q - start) + 7) // 8 * 8
        ready[:] = False
        for m in range(n_population):
            if m == 0 or q.shape[0] > 1 or wavelength.shape[0] > 1:
                low, high = _load_points(
                    work, q[m % q.shape[0]], wavelength[m % wavelength.shape[0]], start, width
                )
            if irregular[m]:
                continue
            v, b, n2 = optical[m % len(optical)], linear[m % len(linear)], ambient[m % len(ambient)]
            d, s, repeats = (
                thickness[m % len(thickness)],
                sigma[m % len(sigma)],
                repetitions[m % len(repetitions)],
            )
            transfer.start_state(work, width)
            fine = True
            used = 0
            unscaled = 0
            below = -1
            # Substrate, the blocks, ambient.
            for block in range(-1, first.size + 1):
                begin, end, repeat = 0, 1, 1
                if block == first.size:
                    begin, end = n_layer - 1, n_layer
                elif block >= 0:
                    begin, end, repeat = first[block], last[block], repeats[block]
                if repeat == 0 or begin == end:
                    continue
                for layer in range(begin, end):
                    slot = layer if n_slot == n_layer else used % n_slot
                    used += 1
                    slots[layer] = slot
                    if not (ready[layer] and n_slot == n_layer):
                        ready[layer] = shared[layer]
                        fine = fine and _layer(
                            work,
                            waves,
                            limits,
                            slot,
                            layer,
                            start,
                            width,
                            low,
                            high,
                            v,
                            b,
                            n2,
                            d[layer],
                            mode,
                        )
                    if not fine:
                        break
                    if layer > begin and repeat > 1:
                        continue
                    if below >= 0:
                        fine = _interface(work, waves, limits, slots[below], slot, width, s[below])
                        transfer.step(work, waves, slot * WAVE, width)
                        unscaled += 1
                        if unscaled == _STEPS_UNSCALED:
                            transfer.rescale(work, width)
                            unscaled = 0
                    below = layer
                if not fine:
                    break
                if repeat > 1:
                    transfer.start_period(work, width)
                    for layer in range(begin + 1, end):
                        fine = fine and _interface(
                            work, waves, limits, slots[layer - 1], slots[layer], width, s[layer - 1]
                        )
                        transfer.step_period(work, waves, slots[layer] * WAVE, width)
                    below = end - 1
                    fine = fine and _interface(
                        work, waves, limits, slots[below], slots[begin], width, s[below]
                    )
                    transfer.close_period(work, waves, slots[begin] * WAVE, width)
                    _raise_period(work, width, repeat - 1)
                    transfer.apply_power(work, width)
                    unscaled = 0
            if not fine:
                irregular[m] = True
                continue
            transfer.quotient(work, width)
            for i in range(min(width, n_q - start)):
                if out.shape[1] == 1:
                    out[m, 0, start + i] = work[transfer.SUM + i]
                else:
                    out[m, 0, start + i] = work[STATE + i]
                    out[m, 1, start + i] = work[STATE + BLOCK + i]
    return irregular
