"""Kinematic intensity of superlattices whose layer thicknesses fluctuate.

E. E. Fullerton, I. K. Schuller, H. Vanderstraeten and Y. Bruynseraede, Phys. Rev. B 45, 9292 (1992): two layers, A
and B, each a whole number of slabs thick, drawn from a discrete normal distribution; between them a distance that
fluctuates continuously.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from metagenx.errors import InputError
from metagenx.physics.compiled import compiled
from metagenx.physics.pointwise import Array
from metagenx.physics.tables import common_length

_TWO_PI = 2 * math.pi
# |1 − Z| below which the sum over bilayers is taken as a series: its closed form loses all digits there.
_CLOSE_TO_ONE = 1e-3
_MOST_SLABS = 10_000


@dataclass(frozen=True)
class Layer:
    """One of the two layers; arrays (n_population | 1,) unless said otherwise.

    Attributes
    ----------
    factor : (n_population | 1, 2, n_points) structure factor of one slab, real and imaginary parts.
    slab_height : of one slab, in units of the cell's c.
    mean, deviation : of the number of slabs.
    """

    factor: Array
    slab_height: Array
    mean: Array
    deviation: Array


@dataclass(frozen=True)
class Stacking:
    """How the bilayers are stacked; arrays (n_population | 1,).

    Attributes
    ----------
    repetitions : number of bilayers, M.
    distance, deviation : extra distance between two layers in units of the cell's c, and its standard deviation.
    """

    repetitions: Array
    distance: Array
    deviation: Array


def thicknesses(mean: Array, deviation: Array) -> tuple[Array, Array]:
    """Smallest and largest number of slabs that count: three standard deviations, and one slab, around the mean.

    Raises
    ------
    InputError : more than ten thousand.
    """
    with np.errstate(invalid="ignore"):
        low = np.maximum(1.0, np.trunc(np.minimum(np.floor(mean - 3 * deviation), mean - 1)))
        high = np.trunc(np.maximum(np.ceil(mean + 3 * deviation), mean + 1))
    if np.any(high[np.isfinite(high)] > _MOST_SLABS):
        raise InputError(
            f"a layer of the superlattice is up to {np.nanmax(high):.6g} slabs thick; {_MOST_SLABS} are the limit",
            hint="na and nb are mean numbers of slabs, sigmaa and sigmab their standard deviations",
        )
    return low, high


def intensity(l: Array, a: Layer, b: Layer, stacking: Stacking) -> Array:
    """|I| of the superlattice, without an instrument, (n_population | 1, n_points).

    Parameters
    ----------
    l : (n_points,).

    NaN where no thickness has a weight, as in GenX: a deviation of almost zero with a mean that is no whole number.

    Raises
    ------
    InputError : see `thicknesses`. ValueError : populations of different sizes.
    """
    numbers = [a.mean, a.deviation, b.mean, b.deviation, a.slab_height, b.slab_height]
    numbers += [stacking.repetitions, stacking.distance, stacking.deviation]
    n_population = common_length(a.factor, b.factor, *numbers)
    limits = [*thicknesses(a.mean, a.deviation), *thicknesses(b.mean, b.deviation)]
    table = np.stack([np.broadcast_to(one, (n_population,)) for one in (*numbers, *limits)], axis=1)
    usable = np.isfinite(table).all(axis=1) & (table[:, -3] >= table[:, -4]) & (table[:, -1] >= table[:, -2])
    table[~usable] = 1.0
    n_most = int(max(table[:, -3].max(), table[:, -1].max(), 0.0)) + 1
    out = np.empty((n_population, l.size))
    _intensity(l, a.factor, b.factor, table, np.empty((2, n_most)), out)
    out[~usable] = np.nan
    return out


@compiled(inner=True)
def _turned(turns: float) -> complex:
    """e^{2πi·turns}."""
    angle = _TWO_PI * (turns - np.rint(turns))
    return complex(math.cos(angle), math.sin(angle))


@compiled(inner=True)
def _weights(mean: float, deviation: float, low: int, high: int, out: Array) -> None:
    total = 0.0
    for n in range(low, high + 1):
        distance = n - mean
        out[n] = math.exp(-(distance * distance) / 2 / (deviation * deviation))
        total += out[n]
    for n in range(low, high + 1):
        out[n] /= total


@compiled(inner=True)
def _averages(step: complex, low: int, high: int, weight: Array) -> tuple[float, complex, complex, complex]:
    """⟨|g|²⟩, ⟨g⟩, ⟨step^n·g*⟩, ⟨step^n⟩ with g = Σ_{s<n} step^s over the numbers n of slabs."""
    square, sum_of_slabs = 0.0, complex(0.0, 0.0)
    joined, top = complex(0.0, 0.0), complex(0.0, 0.0)
    g, power = complex(0.0, 0.0), complex(1.0, 0.0)
    for n in range(1, high + 1):
        g += power
        power *= step
        if n >= low:
            square += weight[n] * (g.real * g.real + g.imag * g.imag)
            sum_of_slabs += weight[n] * g
            joined += weight[n] * (power * g.conjugate())
            top += weight[n] * power
    return square, sum_of_slabs, joined, top


@compiled(inner=True)
def _sum_over_distances(z: complex, m: float) -> complex:
    """Σ_{r=0}^{M−1} (M − r)·Z^r, for M that is no whole number its continuation."""
    rest = 1.0 - z
    if abs(rest) > _CLOSE_TO_ONE:
        angle = (m + 1) * math.atan2(z.imag, z.real)
        power = math.pow(abs(z), m + 1) * complex(math.cos(angle), math.sin(angle))
        return (m - (m + 1) * z + power) / (rest * rest)
    # Σ_k binomial(M + 1, k + 2)·(Z − 1)^k
    term = complex((m + 1) * m / 2, 0.0)
    total = term
    for k in range(1, 200):
        term *= -rest * ((m - 1 - (k - 1)) / (k + 2))
        total += term
        if abs(term) <= 1e-17 * abs(total):
            break
    return total


@compiled()
def _intensity(l: Array, factor_a: Array, factor_b: Array, table: Array, weights: Array, out: Array) -> None:
    for p in range(out.shape[0]):
        row = table[p]
        height_a, height_b, m, distance, spread = row[4], row[5], row[6], row[7], row[8]
        low_a, high_a, low_b, high_b = int(row[9]), int(row[10]), int(row[11]), int(row[12])
        _weights(row[0], row[1], low_a, high_a, weights[0])
        _weights(row[2], row[3], low_b, high_b, weights[1])
        one_a = factor_a[p if factor_a.shape[0] > 1 else 0]
        one_b = factor_b[p if factor_b.shape[0] > 1 else 0]
        for i in range(l.size):
            square_a, slabs_a, joined_a, top_a = _averages(_turned(l[i] * height_a), low_a, high_a, weights[0])
            square_b, slabs_b, joined_b, top_b = _averages(_turned(l[i] * height_b), low_b, high_b, weights[1])
            fa, fb = complex(one_a[0, i], one_a[1, i]), complex(one_b[0, i], one_b[1, i])
            a, phi_a = fa * slabs_a, fa.conjugate() * joined_a
            b, phi_b = fb * slabs_b, fb.conjugate() * joined_b
            smear = _TWO_PI * l[i] * spread
            gap = math.exp(-smear * smear / 2) * _turned(l[i] * distance)
            z = gap * gap * top_a * top_b
            alone = (fa.real * fa.real + fa.imag * fa.imag) * square_a
            alone += (fb.real * fb.real + fb.imag * fb.imag) * square_b
            alone += 2 * (gap * phi_a * b).real
            # Neighbouring bilayers. The book divides by T_a, T_b and E and has Σ (M − r)·Z^r over r ≥ 1; taking
            # one Z out of the sum avoids 0/0 where the bilayers are not coherent.
            pairs = gap * (phi_b * a + gap * (phi_a * a * top_b + phi_b * b * top_a) + phi_a * b * z)
            out[p, i] = abs(m * alone + 2 * (pairs * _sum_over_distances(z, m - 1)).real)
