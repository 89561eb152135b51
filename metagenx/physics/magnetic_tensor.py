"""Moments and the dielectric tensors of magnetic layers at a resonance: ε = 1 + χ.

S. A. Stepanov and S. K. Sinha, Phys. Rev. B 61, 15302 (2000), with GenX's signs.
"""

from __future__ import annotations

import math

import numpy as np

from .anisotropic_waves import ALONG_Y, ANY, ISOTROPIC, VACUUM
from .compiled import compiled
from .potentials import ELECTRON_RADIUS
from .tables import common_length, table

# Below this a layer counts as not magnetic, and a moment this near to y as along y.
_NO_MAGNETISM = 1e-8
_ALONG_Y = 1e-9


def moments(
    moment: np.ndarray, angle: np.ndarray, out_of_plane: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Size, angle in the plane (degrees), and unit vector x, y, z of moments; each (n_population | 1, n_layer).

    A negative moment points the other way: φ + 180° and −θ_m.

    Parameters
    ----------
    moment : μ_B. angle : φ in the plane of the film, degrees. out_of_plane : θ_m, degrees.
    """
    value, a, b = table(moment), table(angle), table(out_of_plane)
    shape = (common_length(value, a, b), value.shape[1])
    size, phi, x, y, z = (np.empty(shape) for _ in range(5))
    _moments(value, a, b, size, phi, x, y, z)
    return size, phi, x, y, z


@compiled()
def _moments(
    moment: np.ndarray,
    angle: np.ndarray,
    out_of_plane: np.ndarray,
    size: np.ndarray,
    phi: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
) -> None:
    for m in range(size.shape[0]):
        for k in range(size.shape[1]):
            value = moment[m if moment.shape[0] > 1 else 0, k]
            a = angle[m if angle.shape[0] > 1 else 0, k]
            b = out_of_plane[m if out_of_plane.shape[0] > 1 else 0, k]
            if value < 0.0:
                value, a, b = -value, a + 180.0, -b
            size[m, k], phi[m, k] = value, a
            a, b = math.radians(a), math.radians(b)
            x[m, k], y[m, k], z[m, k] = math.cos(b) * math.cos(a), math.cos(b) * math.sin(a), math.sin(b)


def tensors(
    wavelength: np.ndarray,
    lengths: tuple[np.ndarray, np.ndarray, np.ndarray],
    direction: tuple[np.ndarray, np.ndarray, np.ndarray],
    changes: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """χ (n_population | 1, n_layer, 3, 3, 3) and its kind (…, n_layer, 3), see `anisotropic_waves`.

    The third axis is the layer, its lower, and its upper interface layer. The last layer, the ambient medium, counts
    as vacuum.

    Parameters
    ----------
    wavelength : (n_population | 1, 1), Å.
    lengths : complex (n_population | 1, n_layer), densities of scattering lengths c, m1, m2, electrons/Å³.
    direction : unit vector of the moment.
    changes : relative changes of the moment in the lower and the upper interface layer.
    """
    length = table(wavelength)
    c, m1, m2 = (table(value, np.complex128) for value in lengths)
    x, y, z = (table(value) for value in direction)
    lower, upper = table(changes[0]), table(changes[1])
    shape = (common_length(length, c, m1, m2, x, y, z, lower, upper), c.shape[1], 3)
    chi, kind = np.empty((*shape, 3, 3), dtype=np.complex128), np.empty(shape, dtype=np.int64)
    _tensors(length, c, m1, m2, x, y, z, lower, upper, chi, kind)
    return chi, kind


@compiled()
def _tensors(
    wavelength: np.ndarray,
    charge: np.ndarray,
    circular: np.ndarray,
    linear: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    change_l: np.ndarray,
    change_u: np.ndarray,
    chi: np.ndarray,
    kind: np.ndarray,
) -> None:
    for m in range(chi.shape[0]):
        length = wavelength[m if wavelength.shape[0] > 1 else 0, 0]
        scale = length * length * ELECTRON_RADIUS / math.pi
        for k in range(chi.shape[1]):
            a = -scale * charge[m if charge.shape[0] > 1 else 0, k]
            mx = x[m if x.shape[0] > 1 else 0, k]
            my = y[m if y.shape[0] > 1 else 0, k]
            mz = z[m if z.shape[0] > 1 else 0, k]
            for part in range(3):
                factor = 1.0
                if part == 1:
                    factor += change_l[m if change_l.shape[0] > 1 else 0, k]
                elif part == 2:
                    factor += change_u[m if change_u.shape[0] > 1 else 0, k]
                b = scale * circular[m if circular.shape[0] > 1 else 0, k] * factor
                c = scale * linear[m if linear.shape[0] > 1 else 0, k] * (factor * factor)
                add_magnetism(chi[m, k, part], a, b, c, mx, my, mz)
                if k == chi.shape[1] - 1:
                    kind[m, k, part] = VACUUM
                elif abs(b) < _NO_MAGNETISM and abs(c) < _NO_MAGNETISM:
                    kind[m, k, part] = ISOTROPIC
                    add_magnetism(chi[m, k, part], a, 0j, 0j, mx, my, mz)
                else:
                    kind[m, k, part] = ALONG_Y if 1.0 - abs(my) < _ALONG_Y else ANY


@compiled(inner=True)
def add_magnetism(chi: np.ndarray, a: complex, b: complex, c: complex, mx: float, my: float, mz: float) -> None:
    """χ of a layer into `chi` (3, 3): a·1 + c·m mᵀ + i·b·[m]×."""
    ib = 1j * b
    xy, xz, yz = c * (mx * my), c * (mx * mz), c * (my * mz)
    chi[0, 0], chi[1, 1], chi[2, 2] = a + c * (mx * mx), a + c * (my * my), a + c * (mz * mz)
    chi[0, 1], chi[1, 0] = xy - ib * mz, xy + ib * mz
    chi[0, 2], chi[2, 0] = xz + ib * my, xz - ib * my
    chi[1, 2], chi[2, 1] = yz - ib * mx, yz + ib * mx


@compiled()
def kinds_of_slices(chi: np.ndarray, kind: np.ndarray) -> None:
    """Kinds (n_slice,) of slices with tensors (n_slice, 3, 3); the last slice, the ambient medium, is vacuum."""
    for k in range(kind.size):
        xy, xz, yz = abs(chi[k, 0, 1]), abs(chi[k, 0, 2]), abs(chi[k, 1, 2])
        xx = abs(chi[k, 0, 0])
        if k == kind.size - 1:
            kind[k] = VACUUM
        elif xy < _NO_MAGNETISM and xz < _NO_MAGNETISM and yz < _NO_MAGNETISM:
            kind[k] = ISOTROPIC
        elif yz < _NO_MAGNETISM * xx and xy < _NO_MAGNETISM * xx:
            kind[k] = ALONG_Y
        else:
            kind[k] = ANY


def scattering_lengths(
    density: np.ndarray,
    lengths: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    resonant: np.ndarray,
    magnetic: np.ndarray,
    size: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Densities of scattering lengths c, m1, m2 in electrons/Å³, complex (n_population | 1, n_layer).

    c = dens·(f + resdens·fr), m1 = dens·resdens·resmag·|magn|·fm1, m2 = dens·resdens·resmag·|magn|²·fm2.

    Parameters
    ----------
    density : Å⁻³. lengths : f, fr, fm1, fm2, electrons. resonant, magnetic : resdens and resmag. size : |magn|, μ_B.
    """
    dens, part, magnet, moment = table(density), table(resonant), table(magnetic), table(size)
    f, fr, fm1, fm2 = (table(value, np.complex128) for value in lengths)
    shape = (common_length(dens, f, fr, fm1, fm2, part, magnet, moment), dens.shape[1])
    c, m1, m2 = (np.empty(shape, dtype=np.complex128) for _ in range(3))
    _scattering_lengths(dens, f, fr, fm1, fm2, part, magnet, moment, c, m1, m2)
    return c, m1, m2


@compiled()
def _scattering_lengths(
    density: np.ndarray,
    f: np.ndarray,
    fr: np.ndarray,
    fm1: np.ndarray,
    fm2: np.ndarray,
    resonant: np.ndarray,
    magnetic: np.ndarray,
    size: np.ndarray,
    c: np.ndarray,
    m1: np.ndarray,
    m2: np.ndarray,
) -> None:
    for m in range(c.shape[0]):
        for k in range(c.shape[1]):
            dens = density[m if density.shape[0] > 1 else 0, k]
            part = resonant[m if resonant.shape[0] > 1 else 0, k]
            moment = size[m if size.shape[0] > 1 else 0, k]
            weight = dens * part * magnetic[m if magnetic.shape[0] > 1 else 0, k] * moment
            c[m, k] = dens * (f[m if f.shape[0] > 1 else 0, k] + part * fr[m if fr.shape[0] > 1 else 0, k])
            m1[m, k] = weight * fm1[m if fm1.shape[0] > 1 else 0, k]
            m2[m, k] = weight * moment * fm2[m if fm2.shape[0] > 1 else 0, k]
