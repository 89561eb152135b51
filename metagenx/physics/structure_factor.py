"""Structure factors along crystal truncation rods: slabs of atoms on a semi-infinite crystal.

I. K. Robinson, Phys. Rev. B 33, 3830 (1986). The factor of one slab is

    F(h, k, l) = Σ_atoms w·(f0(1/2d) + Δf)·exp(−B/d²)·S(h, k)·exp(2πi·l·z),  S = Σ_symmetry exp(2πi(h·x' + k·y')),

and slabs on top of each other get phases exp(2πi·l·z_slab). Phases are reduced to one turn before their sine is
taken. The numbers of an individual are the same to the last bit in any population.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metagenx.physics.compiled import compiled
from metagenx.physics.elementary import LARGEST_EXPONENT, exponential, sine_cosine
from metagenx.physics.instructions import BLOCK, load, store
from metagenx.physics.pointwise import Array
from metagenx.physics.tables import common_length

Indices = NDArray[np.int64]
Complex = NDArray[np.complex128]

# Rows of the kernel's memory, each of BLOCK numbers.
_SQUARE, _TURNS, _F0 = 0, BLOCK, 2 * BLOCK
_PLANAR, _PLANAR_IMAGINARY = 3 * BLOCK, 4 * BLOCK
_SUM, _SUM_IMAGINARY = 5 * BLOCK, 6 * BLOCK
_TOTAL, _TOTAL_IMAGINARY = 7 * BLOCK, 8 * BLOCK
_END = 9 * BLOCK
_WIDTH = 8  # points are taken in groups of this many, so that every point goes through the same code

_ROUNDING = 6755399441055744.0  # 1.5·2⁵²: added and subtracted, it rounds to a whole number
_TWO_PI = 2 * np.pi
# More turns, or coordinates, than this have no digits left behind the point that mean anything.
_MOST_TURNS = 1e12
_FARTHEST = 1e9


@dataclass(frozen=True)
class Atoms:
    """The atoms of some slabs, slab after slab; all arrays but the last (n_population | 1, n_atom).

    Attributes
    ----------
    weight : occupancy × multiplicity, divided by the number of symmetry operations.
    width : B = 2π²u, Å², of the Debye-Waller factor exp(−B/d²).
    height : z within the slab, in units of the cell's c.
    dispersion : complex, what is added to f0 at every point, electrons.
    first : (n_slab + 1,) index of the first atom of each slab, and one past the last.
    """

    weight: Array
    width: Array
    height: Array
    dispersion: Complex
    first: Indices


@dataclass(frozen=True)
class Places:
    """Where slabs stand, sorted by slab; a slab may stand in several places.

    Attributes
    ----------
    height : (n_population | 1, n_place) in units of the cell's c.
    first : (n_slab + 1,) index of the first place of each slab, and one past the last.
    """

    height: Array
    first: Indices

    @staticmethod
    def at_zero() -> Places:
        """One slab, at the height zero."""
        return Places(np.zeros((1, 1)), np.array([0, 1]))


def in_plane(h: Array, k: Array, x: Array, y: Array, operations: Array) -> Array:
    """S(h, k) of every atom.

    Parameters
    ----------
    h, k : (n_points,).
    x, y : (n_population | 1, n_atom), fractional coordinates.
    operations : (n_operation, 6): x' = o₀x + o₁y + o₄, y' = o₂x + o₃y + o₅.

    Returns
    -------
    (n_population | 1, n_atom, 2, n_points): real and imaginary parts; NaN for coordinates that are no usable numbers.

    Raises
    ------
    ValueError : populations of different sizes.
    """
    out = np.zeros((common_length(x, y), x.shape[1], 2, h.size))
    x, y = np.where(np.abs(x) < _FARTHEST, x, np.nan), np.where(np.abs(y) < _FARTHEST, y, np.nan)
    _in_plane(h, k, x, y, operations, out)
    return out


def structure_factor(inverse_square: Array, l: Array, f0: Array, planar: Array, atoms: Atoms, places: Places) -> Array:
    """F of slabs in their places.

    Parameters
    ----------
    inverse_square : (n_points,) 1/d², Å⁻².
    l : (n_points,).
    f0 : (n_atom, n_points), electrons.
    planar : (n_population | 1, n_atom, 2, n_points), as `in_plane` gives it.

    Returns
    -------
    (n_population | 1, 2, n_points): real and imaginary parts; NaN for individuals with a number that is not finite,
    or with Debye-Waller factors beyond e^700.

    Raises
    ------
    ValueError : populations of different sizes.
    """
    n_population = common_length(planar, atoms.weight, atoms.width, atoms.height, atoms.dispersion, places.height)
    out = np.empty((n_population, 2, l.size))
    _structure_factor(
        inverse_square,
        l,
        f0,
        planar,
        atoms.weight,
        atoms.width,
        atoms.height,
        np.ascontiguousarray(atoms.dispersion.real),
        np.ascontiguousarray(atoms.dispersion.imag),
        atoms.first,
        places.height,
        places.first,
        np.empty(_END),
        out,
    )
    out[np.broadcast_to(_unusable(inverse_square, l, atoms, places), n_population)] = np.nan
    out[:, :, ~(np.isfinite(l) & np.isfinite(inverse_square))] = np.nan
    return out


def _unusable(inverse_square: Array, l: Array, atoms: Atoms, places: Places) -> NDArray[np.bool_]:
    """Individuals that the kernel has no right numbers for, (n_population | 1,)."""
    turns = np.max(np.abs(l), initial=0.0, where=np.isfinite(l))
    farthest = np.max(inverse_square, initial=0.0, where=np.isfinite(inverse_square))
    usable = np.isfinite(atoms.weight).all(axis=1)
    usable = usable & (np.isfinite(atoms.width) & (-atoms.width * farthest < LARGEST_EXPONENT)).all(axis=1)
    usable = usable & (np.abs(atoms.height) * turns < _MOST_TURNS).all(axis=1)
    usable = usable & (np.abs(places.height) * turns < _MOST_TURNS).all(axis=1)
    return np.asarray(~usable)


def truncated(surface: Array, bulk: Array, l: Array, on_rod: Array, absorption: Array, scale: Array) -> Complex:
    """scale·(F_surface + on_rod·F_bulk/(e^{2πil}·e^{−a} − 1)): slabs on a semi-infinite crystal.

    Parameters
    ----------
    surface, bulk : (n_population | 1, 2, n_points), as `structure_factor` gives them; of the bulk one cell.
    l, on_rod : (n_points,); on_rod is 1 where the crystal below scatters (h and k are whole numbers), else 0.
    absorption : (n_population | 1,), a: how much one cell absorbs, in amplitude.
    scale : (n_population | 1,).

    Returns
    -------
    complex (n_population | 1, n_points).

    Raises
    ------
    ValueError : populations of different sizes.
    """
    out = np.empty((common_length(surface, bulk, absorption, scale), 2, l.size))
    with np.errstate(invalid="ignore"):
        cosine, sine = np.cos(_TWO_PI * l), np.sin(_TWO_PI * l)
    _truncated(surface, bulk, cosine, sine, on_rod, absorption, scale, out)
    result = np.empty((len(out), l.size), dtype=np.complex128)
    result.real, result.imag = out[:, 0], out[:, 1]
    return result


@compiled(relaxed=True)
def _in_plane(h: Array, k: Array, x: Array, y: Array, operations: Array, out: Array) -> None:
    for p in range(out.shape[0]):
        for a in range(out.shape[1]):
            x_own = x[p if x.shape[0] > 1 else 0, a]
            y_own = y[p if y.shape[0] > 1 else 0, a]
            real, imaginary = out[p, a, 0], out[p, a, 1]
            for s in range(operations.shape[0]):
                o = operations[s]
                u = o[0] * x_own + o[1] * y_own + o[4]
                v = o[2] * x_own + o[3] * y_own + o[5]
                for i in range(h.size):
                    turns = h[i] * u + k[i] * v
                    turns = turns - ((turns + _ROUNDING) - _ROUNDING)
                    sine, cosine = sine_cosine(_TWO_PI * turns)
                    real[i] += cosine
                    imaginary[i] += sine


@compiled(relaxed=True, inline=True, inner=True)
def _copy(values: Array, work: Array, at: int) -> None:
    row = work[at : at + values.size]
    for i in range(values.size):
        row[i] = values[i]


@compiled(relaxed=True)
def _structure_factor(
    inverse_square: Array,
    l: Array,
    f0: Array,
    planar: Array,
    weight: Array,
    width: Array,
    height: Array,
    dispersion: Array,
    absorption: Array,
    first: Indices,
    place: Array,
    first_place: Indices,
    work: Array,
    out: Array,
) -> None:
    n_points = l.size
    for start in range(0, n_points, BLOCK):
        n = min(BLOCK, n_points - start)
        full = (n + _WIDTH - 1) // _WIDTH * _WIDTH
        for i in range(full):
            at = start + i if i < n else n_points - 1
            work[_SQUARE + i] = inverse_square[at]
            work[_TURNS + i] = l[at]
            work[_F0 + i] = 0.0
            work[_PLANAR + i] = 0.0
            work[_PLANAR_IMAGINARY + i] = 0.0
        for p in range(out.shape[0]):
            for i in range(full):
                work[_TOTAL + i] = 0.0
                work[_TOTAL_IMAGINARY + i] = 0.0
            for s in range(first.size - 1):
                for i in range(full):
                    work[_SUM + i] = 0.0
                    work[_SUM_IMAGINARY + i] = 0.0
                for a in range(first[s], first[s + 1]):
                    w = weight[p if weight.shape[0] > 1 else 0, a]
                    b = width[p if width.shape[0] > 1 else 0, a]
                    z = height[p if height.shape[0] > 1 else 0, a]
                    extra = dispersion[p if dispersion.shape[0] > 1 else 0, a]
                    fi = absorption[p if absorption.shape[0] > 1 else 0, a]
                    wave = planar[p if planar.shape[0] > 1 else 0, a]
                    _copy(f0[a, start : start + n], work, _F0)
                    _copy(wave[0, start : start + n], work, _PLANAR)
                    _copy(wave[1, start : start + n], work, _PLANAR_IMAGINARY)
                    for i in range(full):
                        point, planar_factor = load(work, _SQUARE, i), load(work, _PLANAR, i)
                        size = w * exponential(-b * point.real)
                        turns = z * point.imag
                        turns = turns - ((turns + _ROUNDING) - _ROUNDING)
                        sine, cosine = sine_cosine(_TWO_PI * turns)
                        fr = load(work, _F0, i).real + extra
                        real = fr * planar_factor.real - fi * planar_factor.imag
                        imaginary = fr * planar_factor.imag + fi * planar_factor.real
                        total = load(work, _SUM, i)
                        real, imaginary = (
                            total.real + size * (real * cosine - imaginary * sine),
                            total.imag + size * (real * sine + imaginary * cosine),
                        )
                        store(work, _SUM, i, complex(real, imaginary))
                for at in range(first_place[s], first_place[s + 1]):
                    z = place[p if place.shape[0] > 1 else 0, at]
                    for i in range(full):
                        turns = z * load(work, _SQUARE, i).imag
                        turns = turns - ((turns + _ROUNDING) - _ROUNDING)
                        sine, cosine = sine_cosine(_TWO_PI * turns)
                        one, total = load(work, _SUM, i), load(work, _TOTAL, i)
                        real = total.real + (one.real * cosine - one.imag * sine)
                        imaginary = total.imag + (one.real * sine + one.imag * cosine)
                        store(work, _TOTAL, i, complex(real, imaginary))
            for i in range(n):
                out[p, 0, start + i] = work[_TOTAL + i]
                out[p, 1, start + i] = work[_TOTAL_IMAGINARY + i]


@compiled()
def _truncated(
    surface: Array,
    bulk: Array,
    cosine: Array,
    sine: Array,
    on_rod: Array,
    absorption: Array,
    scale: Array,
    out: Array,
) -> None:
    for p in range(out.shape[0]):
        above = surface[p if surface.shape[0] > 1 else 0]
        below = bulk[p if bulk.shape[0] > 1 else 0]
        size = np.exp(-absorption[p if absorption.size > 1 else 0])
        factor = scale[p if scale.size > 1 else 0]
        for i in range(sine.size):
            x, y = size * cosine[i] - 1.0, size * sine[i]
            real, imaginary = 0.0, 0.0
            if on_rod[i] != 0.0:
                square = x * x + y * y
                real = (below[0, i] * x + below[1, i] * y) / square
                imaginary = (below[1, i] * x - below[0, i] * y) / square
            out[p, 0, i] = factor * (above[0, i] + real)
            out[p, 1, i] = factor * (above[1, i] + imaginary)
