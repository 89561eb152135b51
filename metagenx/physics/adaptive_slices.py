"""Slices of a continuous depth profile, thin where it changes and thick where it does not.

The profile of a quantity of the layers is P(z) = Σ_k (v_k − v_{k+1})·T_k(z) + v_M with the transitions T_k of
:mod:`.transitions`; profiles of several elements add up. From the bottom, a slice grows until the electron density or
the neutron potential of either spin, or across, has changed by more than a limit. As GenX's ``spec_adaptive``.

The numbers of an individual do not depend on who else is in the population.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from metagenx.errors import InputError

from . import transitions
from .compiled import compiled
from .tables import common_length, table

# Rows of the table of layers.
(
    THICKNESS, SIGMA, SIGMA_MAGNETIC, SHAPE, DENSITY, F_REAL, F_IMAGINARY, B_REAL, B_IMAGINARY, ABSORPTION, MOMENT,
    ANGLE, VOID,
) = range(13)  # fmt: skip
N_PROPERTIES = 13
# Those that are amounts of something.
MATERIAL = (F_REAL, F_IMAGINARY, B_REAL, B_IMAGINARY, ABSORPTION, MOMENT)

#: Added to every roughness so that a sharp interface can be computed, Å; GenX's value, and it moves the first z.
LEAST_ROUGHNESS = 1e-7
#: The profile is known at this many points per `minimal_steps`, and no slice is thinner than that many points.
POINTS_PER_SLICE = 5

# Rows of the profile: density times f, b, absorption, and moment along and across the polarisation; voids.
_F_REAL, _F_IMAGINARY, _B_REAL, _B_IMAGINARY, _ABSORPTION, _ALONG, _ACROSS, _VOID = range(8)
_N_PROFILE = 8
# Behind the profiles: a transition, and the windows of the layer below and above an interface.
_TRANSITION, _BELOW, _ABOVE, _N_ROWS = 8, 9, 10, 11

_MOST_POINTS = 2_000_000
_NUMBERS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Slices:
    """Slices of every individual, bottom → top, zeros behind the last.

    Attributes
    ----------
    counts : (n_population,), number of slices.
    thickness : (n_population, n_slice), Å.
    f, b : complex, electrons and fm per Å³. absorption : barn per Å³. moment : Bohr magnetons per Å³, negative where
        the component along the polarisation is. angle : degrees, 0 … 360, of the moment's axis.
    """

    counts: np.ndarray
    thickness: np.ndarray
    f: np.ndarray
    b: np.ndarray
    absorption: np.ndarray
    moment: np.ndarray
    angle: np.ndarray


def slices(
    layers: np.ndarray,
    order: np.ndarray,
    starts: tuple[int, ...],
    minimal_steps: np.ndarray,
    largest_n: np.ndarray,
    largest_x: np.ndarray,
    *,
    crop: bool,
) -> Slices:
    """Slice the profiles of a population.

    Parameters
    ----------
    layers : (n_population | 1, N_PROPERTIES, n_layer), what the layers are made of, in the units of a model script.
    order : int64 (n_population | 1, n), layers of all elements, bottom → top, each with substrate and ambient
        medium; −1 behind the last of an element.
    starts : where in `order` each element begins. The first element determines the range of depths.
    minimal_steps : (n_population | 1,), Å, > 0.
    largest_n, largest_x : (n_population | 1,), changes inside a slice: Re(dens·b) in fm/Å³ plus or minus moments in
        Bohr magnetons per Å³ (not converted, as in GenX), and Re(dens·f) in electrons/Å³.
    crop : keep the roughness of an interface out of the next but one layer (first element only).

    An individual whose depths are not finite, or whose roughness is so negative that none are left, is one slice of
    NaN.

    Raises
    ------
    InputError : the profile would have more than 2 million points.
    """
    materials = np.ascontiguousarray(layers, dtype=np.float64)
    rows = table(order, np.int64)
    spacing = np.asarray(minimal_steps, dtype=np.float64).reshape(-1) / POINTS_PER_SLICE
    limit_n, limit_x = (np.array(limit, dtype=np.float64).reshape(-1) for limit in (largest_n, largest_x))
    n_population = common_length(materials, rows, spacing, limit_n, limit_x)
    ranges = np.empty((n_population, 2))
    _depths(materials, rows, ranges)
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.ceil((ranges[:, 1] - ranges[:, 0]) / spacing)
    lengths[~(np.isfinite(lengths) & (lengths >= 1))] = 0
    n_longest = int(lengths.max())
    if n_longest > _MOST_POINTS:
        raise InputError(
            f"the depth profile has {n_longest} points, more than {_MOST_POINTS}",
            hint="set a larger minimal_steps, or look for a thickness or roughness that is far too large",
        )
    capacity = n_longest // POINTS_PER_SLICE + 2
    at_once = max(1, _NUMBERS_AT_ONCE // (_N_PROFILE * capacity))
    work = np.empty((_N_ROWS, max(n_longest, 1)))
    counts = np.empty(n_population, dtype=np.int64)
    parts = []
    for first in range(0, n_population, at_once):
        last = min(first + at_once, n_population)
        out = np.zeros((last - first, _N_PROFILE, capacity))
        _slice_population(
            first, materials, rows, np.array(starts, dtype=np.int64), ranges[:, 0].copy(), lengths.astype(np.int64),
            spacing, limit_n, limit_x, crop, work, counts, out,
        )  # fmt: skip
        parts.append(out[:, :, : counts[first:last].max()].copy())
    n_slice = int(counts.max())
    result = np.zeros((_N_PROFILE, n_population, n_slice))
    at = 0
    for part in parts:
        result[:, at : at + len(part), : part.shape[2]] = part.transpose(1, 0, 2)
        at += len(part)
    thickness, f_real, f_imaginary, b_real, b_imaginary, absorption, moment, angle = result
    return Slices(
        counts, thickness, _complex(f_real, f_imaginary), _complex(b_real, b_imaginary), absorption, moment, angle
    )


def _complex(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    out = np.empty(real.shape, dtype=np.complex128)
    out.real, out.imag = real, imaginary
    return out


@compiled()
def _depths(layers: np.ndarray, order: np.ndarray, ranges: np.ndarray) -> None:
    """First depth of every individual, and the one that is not reached: 5σ below and above the first element."""
    for m in range(ranges.shape[0]):
        properties, rows = layers[m * (layers.shape[0] > 1)], order[m * (order.shape[0] > 1)]
        position = highest = 0.0
        k = 1
        while rows[k + 1] >= 0:
            position += properties[THICKNESS, rows[k]]
            highest = position if position > highest or position != position else highest
            k += 1
        ranges[m, 0] = -5.0 * (properties[SIGMA, rows[0]] + LEAST_ROUGHNESS)
        ranges[m, 1] = highest + 5.0 * (properties[SIGMA, rows[k - 1]] + LEAST_ROUGHNESS)


@compiled(inner=True)
def _add(row: np.ndarray, transition: np.ndarray, begin: int, end: int, amount: float) -> None:
    for i in range(begin):
        row[i] += amount
    for i in range(begin, end):
        row[i] += amount * transition[i]


@compiled(inner=True)
def _values(properties: np.ndarray, layer: int, out: np.ndarray) -> None:
    """What the layer contributes to the profiles."""
    density = properties[DENSITY, layer]
    out[_F_REAL] = density * properties[F_REAL, layer]
    out[_F_IMAGINARY] = density * properties[F_IMAGINARY, layer]
    out[_B_REAL] = density * properties[B_REAL, layer]
    out[_B_IMAGINARY] = density * properties[B_IMAGINARY, layer]
    out[_ABSORPTION] = density * properties[ABSORPTION, layer]
    moment, angle = density * properties[MOMENT, layer], properties[ANGLE, layer] * math.pi / 180.0
    out[_ALONG] = moment * math.cos(angle)
    out[_ACROSS] = moment * math.sin(angle)
    out[_VOID] = properties[VOID, layer]


@compiled(inner=True)
def _cropped(work: np.ndarray, n: int, begin: int, end: int, lowest: bool, highest: bool) -> None:
    """The transition multiplied with the windows of the layers on both sides."""
    transition, below, above = work[_TRANSITION], work[_BELOW], work[_ABOVE]
    for i in range(n):
        value = transition[i]
        value = 1.0 if i < begin else value
        value = 0.0 if i >= end else value
        if not highest:
            value *= above[i]
        if not lowest:
            value = below[i] + (1.0 - below[i]) * value
        transition[i] = value


@compiled(inner=True)
def _add_element(
    work: np.ndarray,
    n: int,
    start: float,
    step: float,
    properties: np.ndarray,
    rows: np.ndarray,
    crop: bool,
    lower: np.ndarray,
    upper: np.ndarray,
    n_quantities: int,
) -> None:
    """Add the profiles of one element; `lower` and `upper` are room for the values of two layers."""
    position = 0.0
    k = 0
    _values(properties, rows[0], lower)
    while rows[k + 1] >= 0:
        layer, next_layer = rows[k], rows[k + 1]
        _values(properties, next_layer, upper)
        highest = rows[k + 2] < 0
        if k > 0:
            position += properties[THICKNESS, layer]
        sigma = properties[SIGMA, layer] + LEAST_ROUGHNESS
        magnetic = properties[SIGMA_MAGNETIC, layer]
        magnetic = sigma if magnetic == 0.0 else magnetic + LEAST_ROUGHNESS
        if crop and not highest:
            thickness = properties[THICKNESS, next_layer]
            transitions.window(
                work[_ABOVE], n, start, step, position + thickness, thickness,
                sigma, properties[SIGMA, next_layer] + LEAST_ROUGHNESS,
            )  # fmt: skip
        shape = int(properties[SHAPE, layer])
        for kind in range(2):  # what is not magnetic, and what is
            if kind == 1 and lower[_ALONG] == upper[_ALONG] and lower[_ACROSS] == upper[_ACROSS]:
                continue
            if kind == 0 or magnetic != sigma:
                width = sigma if kind == 0 else magnetic
                begin, end = transitions.fill(work[_TRANSITION], n, start, step, shape, position, width)
                if crop:
                    _cropped(work, n, begin, end, k == 0, highest)
                    begin, end = 0, n
            for quantity in range(n_quantities):
                is_magnetic = quantity in (_ALONG, _ACROSS)
                amount = lower[quantity] - upper[quantity]
                if is_magnetic == (kind == 1) and (amount != 0.0 or sigma != sigma):
                    _add(work[quantity], work[_TRANSITION], begin, end, amount)
        work[_BELOW, :n] = work[_ABOVE, :n]
        lower[:] = upper
        k += 1
    for quantity in range(n_quantities):
        if lower[quantity] != 0.0:  # of the ambient medium
            _add(work[quantity], work[_TRANSITION], n, n, lower[quantity])


@compiled(inner=True)
def _end_of_slice(work: np.ndarray, n: int, i: int, largest_n: float, largest_x: float) -> int:
    """Where the slice from point i ends: the first point, at least five further, with too large a change."""
    along = work[_ALONG, i + 1]
    low_x = high_x = work[_F_REAL, i + 1]
    low_up = high_up = work[_B_REAL, i + 1] + along
    low_down = high_down = work[_B_REAL, i + 1] - along
    low_across = high_across = work[_ACROSS, i + 1]
    for t in range(i + 1, n):
        along = work[_ALONG, t]
        x, across = work[_F_REAL, t], work[_ACROSS, t]
        up, down = work[_B_REAL, t] + along, work[_B_REAL, t] - along
        low_x, high_x = min(low_x, x), max(high_x, x)
        low_up, high_up = min(low_up, up), max(high_up, up)
        low_down, high_down = min(low_down, down), max(high_down, down)
        low_across, high_across = min(low_across, across), max(high_across, across)
        if not (
            high_x - low_x < largest_x
            and high_up - low_up < largest_n
            and high_down - low_down < largest_n
            and high_across - low_across < largest_n
        ):
            return min(n - 1, max(t, i + POINTS_PER_SLICE))
    return n - 1


@compiled(inner=True)
def _slice(work: np.ndarray, i: int, j: int, means: np.ndarray, out: np.ndarray, at: int) -> None:
    """Means over the points i … j − 1 into column `at`; the row of the thickness is not touched."""
    means[:] = 0.0
    for point in range(i, j):
        for quantity in range(_N_PROFILE):
            means[quantity] += work[quantity, point]
    for quantity in range(_N_PROFILE):
        means[quantity] /= j - i
    for quantity in range(_ALONG):
        out[1 + quantity, at] = means[quantity]
    filled = 1.0 - means[_VOID]
    along, across = means[_ALONG] * filled, means[_ACROSS] * filled
    size = math.sqrt(along * along + across * across)
    # GenX takes the sign of the component along the polarisation: nothing is left of a moment exactly across.
    out[6, at] = size if along > 0.0 else -size if along < 0.0 else along
    angle = math.atan2(along, -across) * 180.0 / math.pi - 90.0
    out[7, at] = (angle + 180.0 if along < 0.0 else angle) % 360.0


@compiled()
def _slice_population(
    first: int,
    layers: np.ndarray,
    order: np.ndarray,
    starts: np.ndarray,
    lowest: np.ndarray,
    lengths: np.ndarray,
    spacing: np.ndarray,
    largest_n: np.ndarray,
    largest_x: np.ndarray,
    crop: bool,
    work: np.ndarray,
    counts: np.ndarray,
    out: np.ndarray,
) -> None:
    """Slices of the individuals from `first` on, as many as `out` (n, 8, capacity) has room for.

    Rows of `out`: thickness, Re f, Im f, Re b, Im b, absorption, moment, angle.
    """
    lower, upper, means = np.empty(_N_PROFILE), np.empty(_N_PROFILE), np.empty(_N_PROFILE)
    for row in range(out.shape[0]):
        m = first + row
        n = lengths[m]
        if n == 0:
            counts[m] = 1
            out[row, :, 0] = np.nan
            continue
        properties = layers[m * (layers.shape[0] > 1)]
        start, h = lowest[m], spacing[m * (spacing.size > 1)]
        step = (start + h) - start  # the way numpy.arange counts
        work[:_N_PROFILE, :n] = 0.0
        for element in range(starts.size):
            rows = order[m * (order.shape[0] > 1), starts[element] :]
            # Voids are those of the first element.
            n_quantities = _N_PROFILE if element == 0 else _VOID
            _add_element(work, n, start, step, properties, rows, crop and element == 0, lower, upper, n_quantities)
        i = count = 0
        while i < n - 1:
            j = _end_of_slice(work, n, i, largest_n[m * (largest_n.size > 1)], largest_x[m * (largest_x.size > 1)])
            out[row, 0, count] = (start + j * step) - (start + i * step)
            _slice(work, i, j, means, out[row], count)
            count += 1
            i = j
        counts[m] = count
