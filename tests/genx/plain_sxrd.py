"""The fact sheet's section 4.6 in plain numpy: every atom of every slab and every symmetry operation written out.

Slow and literal on purpose: of the package it uses the tables of f0 and fp only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from metagenx.physics import scattering

R_E = 2.8179403227e-5
IDENTITY = [(np.eye(2), np.zeros(2))]


def neutral(name: str) -> str:
    return name[:-2] if name[-2:-1].isdigit() else name


def form_factor(name: str, s: Any, wavelength: float) -> Any:
    atom = neutral(name)
    return (
        scattering.form_factor(name, s) + scattering.xray_factor(atom, wavelength) - scattering.form_factor(atom, 0.0)
    )


def lattice(cell: Any) -> np.ndarray:
    """Rows: the vectors a, b, c."""
    a, b, c = (cell.a, cell.b, cell.c)
    ca, cb, cg = (np.cos(np.radians(angle)) for angle in (cell.alpha, cell.beta, cell.gamma))
    sg = np.sqrt(1 - cg**2)
    x, y = cb, (ca - cb * cg) / sg
    return np.array([[a, 0, 0], [b * cg, b * sg, 0], [c * x, c * y, c * np.sqrt(1 - x**2 - y**2)]])


def inverse_spacing(cell: Any, h: Any, k: Any, l: Any) -> Any:
    reciprocal = np.linalg.inv(lattice(cell)).T
    return np.linalg.norm(np.stack([h, k, l], axis=-1) @ reciprocal, axis=-1)


def pairs(symmetry: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.array(one.P), np.array(one.t)) for one in symmetry] or IDENTITY


def one_cell(slab: Any, symmetry: Any, cell: Any, wavelength: float, points: Any, foot: float, height: float) -> Any:
    h, k, l = points
    inverse = inverse_spacing(cell, h, k, l)
    total = np.zeros(len(l), dtype=complex)
    operations = pairs(symmetry)
    for i, element in enumerate(slab.el):
        f = form_factor(element, inverse / 2, wavelength)
        weight = slab.oc[i] * slab.m[i] * slab.slab_oc / len(operations)
        thermal = np.exp(-2 * np.pi**2 * slab.u[i] * inverse**2)
        z = (slab.z[i] + slab.dz[i]) * height + foot
        for P, t in operations:
            x, y = P @ np.array([slab.x[i] + slab.dx[i], slab.y[i] + slab.dy[i]]) + t
            total += weight * f * thermal * np.exp(2j * np.pi * (h * x + k * y + l * z))
    return total


def surface(slabs: Any, symmetry: Any, cell: Any, wavelength: float, points: Any) -> Any:
    total, foot = 0.0, 0.0
    for slab in slabs:
        total = total + one_cell(slab, symmetry, cell, wavelength, points, foot, slab.c)
        foot += slab.c
    return total


def bulk(slab: Any, symmetry: Any, cell: Any, wavelength: float, alpha: float, points: Any) -> Any:
    h, k, l = points
    absorbed = sum(form_factor(element, 0.0, wavelength).imag for element in slab.el)
    a = R_E * wavelength * cell.c / np.sin(np.radians(alpha)) / np.linalg.det(lattice(cell)) * absorbed
    whole = (abs(h - np.round(h)) < 1e-12) & (abs(k - np.round(k)) < 1e-12)
    cells = one_cell(slab, symmetry, cell, wavelength, points, 0.0, 1.0)
    return np.where(whole, cells / (np.exp(2j * np.pi * l) * np.exp(-a) - 1), 0)


def amplitude(sample: Any, wavelength: float, alpha: float, points: Any) -> Any:
    upper = surface(sample.slabs, sample.surface_sym, sample.unit_cell, wavelength, points)
    return upper + bulk(sample.bulk_slab, sample.bulk_sym, sample.unit_cell, wavelength, alpha, points)


def probabilities(mean: float, deviation: float) -> dict[int, float]:
    lower = max(1, int(min(np.floor(mean - 3 * deviation), mean - 1)))
    upper = int(max(np.ceil(mean + 3 * deviation), mean + 1))
    weights = {n: np.exp(-((n - mean) ** 2) / 2 / deviation**2) for n in range(lower, upper + 1)}
    total = sum(weights.values())
    return {n: weight / total for n, weight in weights.items()}


def superlattice(sl: Any, wavelength: float, points: Any) -> Any:
    """The closed form of the sheet."""
    l = points[2]
    means = []
    for slab, symmetry, mean, deviation in (
        (sl.a_slab, sl.a_sym, sl.na, sl.sigmaa),
        (sl.b_slab, sl.b_sym, sl.nb, sl.sigmab),
    ):
        square, factor, phi, top = 0.0, 0.0, 0.0, 0.0
        for n, p in probabilities(mean, deviation).items():
            f = surface([slab] * n, symmetry, sl.unit_cell, wavelength, points)
            step = np.exp(2j * np.pi * n * slab.c * l)
            square, factor = square + p * abs(f) ** 2, factor + p * f
            phi, top = phi + p * step * f.conj(), top + p * step
        means.append((square, factor, phi, top))
    (a2, a, phi_a, t_a), (b2, b, phi_b, t_b) = means
    m = sl.repetitions
    e = np.exp(2j * np.pi * l * sl.a - (2 * np.pi * l * sl.c) ** 2 / 2)
    z = e**2 * t_a * t_b
    alone = m * (a2 + 2 * (e * phi_a * b).real + b2)
    joined = phi_b * a / (e * t_a * t_b) + phi_a * a / t_a + phi_b * b / t_b + e * phi_a * b
    return abs(alone + 2 * (joined * ((m - (m + 1) * z + z ** (m + 1)) / (1 - z) ** 2 - m)).real)
