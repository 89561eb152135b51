"""Specular reflectivity of slab stacks, unpolarised or one spin state: Parratt with Névot–Croce roughness.

L. G. Parratt, Phys. Rev. 95, 359 (1954); L. Névot and P. Croce, Rev. Phys. Appl. 15, 761 (1980).
"""

from __future__ import annotations

import numpy as np

from . import parratt, slab_stack
from .blocks import Blocks

__all__ = ["Blocks", "amplitude", "amplitude_dispersive", "reflectivity", "reflectivity_dispersive"]


def reflectivity(
    q: np.ndarray,
    potential: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Reflectivity |r|² of a population of samples, ``(n_population, n_q)``; arguments as in `amplitude`."""
    return _solve(q, None, *_given(potential, ambient), thickness, sigma, blocks, parts=1)[:, 0]


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
        ambient (0). Or (n_population | 1, n_layer, n_q) where it changes from point to point.
    ambient : complex (n_population | 1,), n_M². Or (n_population | 1, n_q).
    thickness, sigma : (n_population | 1, n_layer), Å; sigma is of the top interface of its layer; the
        thickness of both ends and the sigma of the ambient are unused.

    Wave vectors are q_k = sqrt(potential_k + n_M² q²), principal root; lossless evanescent waves decay. An
    individual with a NaN or an infinity among its values is NaN; the others are not touched by it. The numbers of
    an individual are the same to the last bit in any population.

    Raises
    ------
    ValueError : shapes that do not fit each other.
    """
    r = _solve(q, None, *_given(potential, ambient), thickness, sigma, blocks, parts=2)
    return np.asarray(r[:, 0] + 1j * r[:, 1])


def reflectivity_dispersive(
    q: np.ndarray,
    wavelength: np.ndarray,
    quadratic: np.ndarray,
    linear: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Reflectivity where each point has its own wavelength; arguments as in `amplitude_dispersive`."""
    return _solve(q, wavelength, quadratic, linear, None, thickness, sigma, blocks, parts=1)[:, 0]


def amplitude_dispersive(
    q: np.ndarray,
    wavelength: np.ndarray,
    quadratic: np.ndarray,
    linear: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Complex amplitude where each point has its own wavelength: time of flight, energy scans.

    The refractive index of layer k is n_k = 1 − quadratic_k·λ² − linear_k·λ.

    Parameters
    ----------
    q : (n_q,) or (n_population, n_q), Å⁻¹, = 4π sin(θ)/λ with the angle θ outside the sample; for time of
        flight at a fixed angle simply the q of the point.
    wavelength : (n_q,) or (n_population, n_q), Å.
    quadratic, linear : complex (n_population | 1, n_layer), Å⁻² and Å⁻¹; last is the ambient.
    thickness, sigma, blocks : as in `amplitude`.

    The wave vectors of the fact sheet, 2 n_M (2π/λ) sqrt(n_k²/n_M² − cos²θ), in a form without cancellation:
    sqrt(n_M² q² + (n_k² − n_M²)(4π/λ)²) with (n_k² − 1)/λ² = (aλ + b)² − 2a − 2b/λ.
    """
    r = _solve(q, wavelength, quadratic, linear, None, thickness, sigma, blocks, parts=2)
    return np.asarray(r[:, 0] + 1j * r[:, 1])


def _given(potential: np.ndarray, ambient: np.ndarray) -> tuple[np.ndarray, None, np.ndarray]:
    v, n2 = np.asarray(potential), np.asarray(ambient)
    return v[..., None] if v.ndim == 2 else v, None, n2[..., None] if n2.ndim == 1 else n2


def _rows(values: np.ndarray, kind: type = np.float64) -> np.ndarray:
    """The values as the one kind of array that the kernels are compiled for."""
    array = np.ascontiguousarray(values, dtype=kind)
    return array if array.flags.writeable and array.flags.aligned else array.copy()


def _solve(
    q: np.ndarray,
    wavelength: np.ndarray | None,
    optical: np.ndarray,
    linear: np.ndarray | None,
    ambient: np.ndarray | None,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
    *,
    parts: int,
) -> np.ndarray:
    """Call the kernel; what it leaves, solve by the book. (n_population, parts, n_q)."""
    points = _rows(np.atleast_2d(q))
    n_layer, n_q = np.shape(optical)[1], points.shape[1]
    optical = _rows(optical if np.ndim(optical) == 3 else np.asarray(optical)[..., None], np.complex128)
    if wavelength is None or linear is None:
        mode = slab_stack.CONSTANT if optical.shape[2] == 1 else slab_stack.GIVEN
        length, linear = np.zeros((1, 0)), np.zeros((1, n_layer), np.complex128)
        if ambient is not None and np.shape(ambient)[1] > 1:
            mode = slab_stack.GIVEN
    else:
        mode = slab_stack.DISPERSIVE
        length, linear = _rows(np.atleast_2d(wavelength)), _rows(linear, np.complex128)
    n2 = _rows(np.ones((1, 1)) if ambient is None else ambient, np.complex128)
    d, s = _rows(np.atleast_2d(thickness)), _rows(np.atleast_2d(sigma))
    repetitions = _rows(blocks.repetitions, np.int64)
    blocks.check(n_layer)
    arrays: tuple[np.ndarray, ...] = (points, length, optical, linear, n2, d, s, repetitions)
    n_population = max(map(len, arrays))
    if any(len(array) not in (1, n_population) for array in arrays):
        raise ValueError(f"populations of different size: {[len(array) for array in arrays]}")
    if any(array.shape[1] != n_layer for array in (linear, d, s)):
        raise ValueError(f"not all of {n_layer} layers have a thickness, a roughness and a potential")
    if length.shape[1] not in (0, n_q) or optical.shape[2] not in (1, n_q) or n2.shape[1] not in (1, n_q):
        raise ValueError(f"not all of {n_q} points have a wavelength, a potential and an ambient medium")
    if mode == slab_stack.GIVEN:
        optical = _rows(np.broadcast_to(optical, (*optical.shape[:2], n_q)), np.complex128)
    out = np.empty((n_population, parts, n_q))
    first, last = np.array(blocks.first, dtype=np.int64), np.array(blocks.last, dtype=np.int64)
    left = slab_stack.reflect_population(
        points, length, optical, linear, n2, d, s, first, last, repetitions, mode, out
    )
    for m in np.flatnonzero(left):
        one: list[np.ndarray] = [array[m % len(array)] for array in arrays]
        q_m, length_m, v, b, n2_m, d_m, s_m, times = one
        if mode == slab_stack.DISPERSIVE:
            v, n2_m = _potentials(length_m, v, b)
        r = np.empty(n_q, dtype=np.complex128)
        order = parratt.order_of_layers(first, last, times, n_layer)
        parratt.amplitude_of_one(q_m, v, n2_m, d_m, s_m, order, r)
        out[m] = [r.real**2 + r.imag**2] if parts == 1 else [r.real, r.imag]
    return out


def _potentials(wavelength: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Potentials (n_layer, n_q) and n_M² (n_q,) of one individual from the coefficients of its layers."""
    b = b[:, None]
    optical = (4 * np.pi) ** 2 * ((a * wavelength + b) ** 2 - 2 * a - 2 * b / wavelength)
    ambient = (1 - a[-1] * wavelength**2 - b[-1] * wavelength) ** 2
    return np.ascontiguousarray(optical - optical[-1:]), ambient
