"""Specular reflectivity of slab stacks, unpolarised or one spin state: Parratt with Névot–Croce roughness.

L. G. Parratt, Phys. Rev. 95, 359 (1954); L. Névot and P. Croce, Rev. Phys. Appl. 15, 761 (1980).
"""

from __future__ import annotations

import numpy as np

from . import parratt, slab_stack
from .blocks import Blocks
from .tables import common_length, table

__all__ = ["Blocks", "amplitude", "amplitude_dispersive", "reflectivity", "reflectivity_dispersive"]

_NO_WAVELENGTH = np.empty((1, 0))
_NOT_USED = np.ones(1, dtype=np.complex128)


def reflectivity(
    q: np.ndarray,
    potential: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Reflectivity |r|² of a population of samples, ``(n_population, n_q)``; arguments as in `amplitude`."""
    if np.ndim(potential) == 3 or np.ndim(ambient) == 2:
        r = _given_at_every_point(q, potential, ambient, thickness, sigma, blocks)
        return np.asarray(r.real**2 + r.imag**2)
    return _solve(q, _NO_WAVELENGTH, potential, None, ambient, thickness, sigma, blocks, parts=1)[:, 0]


def amplitude(
    q: np.ndarray,
    potential: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Complex reflected amplitude of a population of samples, ``(n_population, n_q)``.

    Parameters
    ----------
    q : (n_q,) or (n_population, n_q), Å⁻¹, outside the sample, ≥ 1e-10.
    potential : complex (n_population | 1, n_layer), (n_k² − n_M²)·(4π/λ)² in Å⁻²; first substrate, last
        ambient (0). Or (n_population | 1, n_layer, n_q) where it changes from point to point; that is slower.
    ambient : complex (n_population | 1,), n_M². Or (n_population | 1, n_q).
    thickness, sigma : (n_population | 1, n_layer), Å; sigma is of the top interface of its layer; the
        thickness of both ends and the sigma of the ambient are unused.
    blocks : how the layers repeat.

    Wave vectors are q_k = sqrt(potential_k + n_M² q²), principal root; lossless evanescent waves decay. An
    individual with a NaN or an infinity among its values is NaN; the others are not touched by it. The numbers
    of an individual are the same to the last bit in any population.

    Raises
    ------
    ValueError : shapes that do not fit each other.
    """
    if np.ndim(potential) == 3 or np.ndim(ambient) == 2:
        return _given_at_every_point(q, potential, ambient, thickness, sigma, blocks)
    r = _solve(q, _NO_WAVELENGTH, potential, None, ambient, thickness, sigma, blocks, parts=2)
    return np.asarray(r[:, 0] + 1j * r[:, 1])


def reflectivity_dispersive(
    q: np.ndarray,
    wavelength: np.ndarray,
    strength: np.ndarray,
    absorption: np.ndarray,
    magnetic: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Reflectivity where each point has its own wavelength; arguments as in `amplitude_dispersive`."""
    linear = magnetic + 1j * absorption
    return _solve(q, wavelength, strength, linear, _NOT_USED, thickness, sigma, blocks, parts=1)[:, 0]


def amplitude_dispersive(
    q: np.ndarray,
    wavelength: np.ndarray,
    strength: np.ndarray,
    absorption: np.ndarray,
    magnetic: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Complex amplitude where each point has its own wavelength: time of flight, energy scans.

    The refractive index of layer k is n_k = 1 − strength_k·λ² + i·absorption_k·λ − magnetic_k·λ².

    Parameters
    ----------
    q : (n_q,) or (n_population, n_q), Å⁻¹, = 4π sin(θ)/λ with the angle θ outside the sample; for time of
        flight at a fixed angle simply the q of the point.
    wavelength : (n_q,) or (n_population, n_q), Å.
    strength : complex (n_population | 1, n_layer), Å⁻²; last is the ambient.
    absorption, magnetic : real (n_population | 1, n_layer), Å⁻¹ and Å⁻².
    thickness, sigma, blocks : as in `amplitude`.

    The wave vectors of the fact sheet, 2 n_M (2π/λ) sqrt(n_k²/n_M² − cos²θ), are those of `amplitude`,
    sqrt(n_M² q² + (n_k² − n_M²)(4π/λ)²). The squares are rounded before their difference is taken, as in GenX:
    the fringes of a thick film show it at 1e-9.
    """
    linear = magnetic + 1j * absorption
    r = _solve(q, wavelength, strength, linear, _NOT_USED, thickness, sigma, blocks, parts=2)
    return np.asarray(r[:, 0] + 1j * r[:, 1])


def _solve(
    q: np.ndarray,
    wavelength: np.ndarray,
    optical: np.ndarray,
    linear: np.ndarray | None,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
    *,
    parts: int,
) -> np.ndarray:
    """Call the kernel; what it leaves, solve by the book. (n_population, parts, n_q)."""
    dispersive = linear is not None
    points, length = table(q), table(wavelength)
    a, n2 = table(optical, np.complex128), table(ambient, np.complex128).reshape(-1)
    b = table(linear, np.complex128) if dispersive else a[:1]
    d, s, times = table(thickness), table(sigma), table(blocks.repetitions, np.int64)
    n_population = common_length(points, length, a, b, n2, d, s, times)
    n_layer, n_q = a.shape[1], points.shape[1]
    blocks.check(n_layer)
    if not n_layer == b.shape[1] == d.shape[1] == s.shape[1]:
        raise ValueError(f"{n_layer} layers, but thicknesses {d.shape}, roughnesses {s.shape}")
    if dispersive and length.shape[1] != n_q:
        raise ValueError(f"{n_q} points, but wavelengths {length.shape}")
    first, last = np.array(blocks.first, dtype=np.int64), np.array(blocks.last, dtype=np.int64)
    out = np.empty((n_population, parts, n_q))
    left = np.zeros(n_population, dtype=np.bool_)
    work, waves, limits, slots, ready = slab_stack.workspace(n_layer, blocks)
    slab_stack.reflect_population(
        points, length, a, b, n2, d, s, first, last, times, dispersive,
        _shared(n_population, points, length, a, b, n2, d, dispersive),
        work, waves, limits, slots, ready, left, out,
    )  # fmt: skip
    for m in np.flatnonzero(left):
        v, n2_m = a[m % len(a), :, None], n2[m % len(n2), None]
        if dispersive:
            v, n2_m = _potentials(length[m % len(length)], v, b[m % len(b), :, None])
        r = parratt.amplitude(
            points[m % len(points)], v, n2_m, d[m % len(d)], s[m % len(s)], blocks, times[m % len(times)]
        )
        out[m] = [r.real**2 + r.imag**2] if parts == 1 else [r.real, r.imag]
    return out


def _potentials(wavelength: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Potentials (n_layer, n_q) and n_M² (n_q,) of one individual from its coefficients (n_layer, 1)."""
    square = wavelength**2
    x, y = 1 - a.real * square - b.real * square, b.imag * wavelength - a.imag * square
    squares = (x * x - y * y) + 2j * x * y
    return (4 * np.pi / wavelength) ** 2 * (squares - squares[-1]), squares[-1]


def _given_at_every_point(
    q: np.ndarray,
    potential: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """By the book, one individual after the other."""
    points, d, s, times = table(q), table(thickness), table(sigma), table(blocks.repetitions, np.int64)
    v, n2 = np.asarray(potential, np.complex128), np.asarray(ambient, np.complex128)
    v, n2 = v[..., None] if v.ndim == 2 else v, n2[..., None] if n2.ndim == 1 else n2
    blocks.check(v.shape[1])
    n_population = common_length(points, v, n2, d, s, times)
    rows = []
    for m in range(n_population):
        q_m, v_m, n2_m, d_m, s_m, times_m = (array[m % len(array)] for array in (points, v, n2, d, s, times))
        rows.append(parratt.amplitude(q_m, v_m, n2_m, d_m, s_m, blocks, times_m))
    return np.array(rows).reshape(n_population, points.shape[1])


def _shared(
    n_population: int,
    q: np.ndarray,
    wavelength: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    n2: np.ndarray,
    thickness: np.ndarray,
    dispersive: bool,
) -> np.ndarray:
    """Which layers have the same waves in all individuals, (n_layer,)."""
    if n_population == 1 or len(q) > 1 or len(wavelength) > 1 or (n2 != n2[0]).any():
        return np.zeros(a.shape[1], dtype=np.bool_)
    same = (a == a[0]).all(axis=0)
    if dispersive:
        same &= (b == b[0]).all(axis=0)
        same &= same[-1]
    if len(thickness) > 1:
        same[1:-1] &= (thickness[:, 1:-1] == thickness[0, 1:-1]).all(axis=0)
    return np.asarray(same)
