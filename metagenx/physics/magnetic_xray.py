"""Reflectivity of resonant x-rays by magnetic layers, for every polarisation before and after the sample.

The waves of :mod:`.anisotropic_waves`, the boundaries and the recursion of :mod:`.four_waves`. S. A. Stepanov and S. K.
Sinha, Phys. Rev. B 61, 15302 (2000), have a recursion from above; GenX solves the quartic in closed form. Their numbers
are the same as ours but for the digits that they lose below the critical angle.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np

from .anisotropic_waves import waves
from .blocks import Blocks
from .boundaries import walks
from .compiled import compiled
from .four_waves import averaged, solve, through_boundary, through_layer
from .tables import common_length, table


class Channel(IntEnum):
    """What of the reflected x-rays is measured."""

    TOTAL = 0
    CIRCULAR_PLUS = 1
    CIRCULAR_MINUS = 2
    SIGMA = 3
    PI = 4
    SIGMA_SIGMA = 5
    SIGMA_PI = 6
    PI_PI = 7
    PI_SIGMA = 8
    ASYMMETRY = 9


def reflectivity(
    channel: Channel,
    sine: np.ndarray,
    wavelength: np.ndarray,
    chi: np.ndarray,
    kind: np.ndarray,
    thickness: tuple[np.ndarray, np.ndarray, np.ndarray],
    widths: tuple[np.ndarray, np.ndarray, np.ndarray],
    blocks: Blocks,
) -> np.ndarray:
    """Reflectivity or asymmetry of a population of samples, (n_population, n_q).

    Parameters
    ----------
    sine : (n_population | 1, n_q), of the angle of incidence.
    wavelength : (n_population | 1, 1), Å.
    chi, kind : from `magnetic_tensor.tensors`.
    thickness, widths : as in `interface_layers.reflectivity`.
    """
    points, length = table(sine), table(wavelength)
    d, dl, du = (table(value) for value in thickness)
    sl, s, su = (table(value) for value in widths)
    n_population = common_length(points, length, chi, d, dl, du, sl, s, su, table(blocks.repetitions, np.int64))
    n_layer = chi.shape[1]
    blocks.check(n_layer)
    out = np.empty((n_population, points.shape[1]))
    for walk in walks(blocks, n_layer, n_population):
        _reflectivity(
            int(channel), points, length, chi, kind, d, dl, du, sl, s, su, walk.members, walk.pairs, walk.steps, out
        )
    return out


def reflectivity_of_slices(
    channel: Channel, sine: np.ndarray, wavelength: float, chi: np.ndarray, kind: np.ndarray, thickness: np.ndarray
) -> np.ndarray:
    """Reflectivity or asymmetry (n_q,) of one sample of slices without roughness, substrate first, ambient last.

    sine : (n_q,). chi : complex (n_slice, 3, 3). kind : (n_slice,). thickness : (n_slice,), Å.
    """
    out = np.empty(sine.size)
    _slices(int(channel), sine, wavelength, chi, kind, thickness, out)
    return out


@compiled(inner=True)
def _measured(channel: int, w: np.ndarray) -> float:
    """One channel of a reflection matrix; rows: reflected σ, π; columns: incident σ, π."""
    ss, sp, ps, pp = w[0, 0], w[0, 1], w[1, 0], w[1, 1]
    a, b = float(ss.real**2 + ss.imag**2), float(sp.real**2 + sp.imag**2)
    c, d = float(ps.real**2 + ps.imag**2), float(pp.real**2 + pp.imag**2)
    total = a + b + c + d
    # |W (1, ±i)/√2|², up to a rotation of the reflected light that no detector sees
    mixed = float((ss * sp.conjugate() + ps * pp.conjugate()).imag)
    if channel == 0:
        return 0.5 * total
    if channel == 1:
        return 0.5 * total + mixed
    if channel == 2:
        return 0.5 * total - mixed
    if channel == 3:
        return a + c
    if channel == 4:
        return b + d
    if channel == 5:
        return a
    if channel == 6:
        return c
    if channel == 7:
        return d
    if channel == 8:
        return b
    return 2.0 * mixed / total


@compiled(inner=True)
def _same(a: np.ndarray, b: np.ndarray) -> bool:
    for i in range(3):
        for j in range(3):
            if a[i, j] != b[i, j]:
                return False
    return True


@compiled()
def _reflectivity(
    channel: int,
    sine: np.ndarray,
    wavelength: np.ndarray,
    chi: np.ndarray,
    kind: np.ndarray,
    thickness: np.ndarray,
    dd_l: np.ndarray,
    dd_u: np.ndarray,
    sigma_l: np.ndarray,
    sigma: np.ndarray,
    sigma_u: np.ndarray,
    members: np.ndarray,
    pairs: np.ndarray,
    steps: np.ndarray,
    out: np.ndarray,
) -> None:
    n_layer = chi.shape[1]
    matrices = np.empty((pairs.shape[0], 4, 4), dtype=np.complex128)
    left, middle, right, work = (
        np.empty((4, 4), dtype=np.complex128),
        np.empty((4, 4), dtype=np.complex128),
        np.empty((4, 4), dtype=np.complex128),
        np.empty((4, 4), dtype=np.complex128),
    )
    u = np.empty((n_layer, 3, 4), dtype=np.complex128)
    fields = np.empty((n_layer, 3, 4, 4), dtype=np.complex128)
    v, r = np.empty(4, dtype=np.complex128), np.empty((2, 2), dtype=np.complex128)
    different = np.empty((n_layer, 3), dtype=np.bool_)
    for t in range(members.size):
        m = members[t]
        chi_m = chi[m if chi.shape[0] > 1 else 0]
        kind_m = kind[m if kind.shape[0] > 1 else 0]
        d_m = thickness[m if thickness.shape[0] > 1 else 0]
        dl_m = dd_l[m if dd_l.shape[0] > 1 else 0]
        du_m = dd_u[m if dd_u.shape[0] > 1 else 0]
        sl_m = sigma_l[m if sigma_l.shape[0] > 1 else 0]
        s_m = sigma[m if sigma.shape[0] > 1 else 0]
        su_m = sigma_u[m if sigma_u.shape[0] > 1 else 0]
        sine_m = sine[m if sine.shape[0] > 1 else 0]
        kappa = 2 * math.pi / wavelength[m if wavelength.shape[0] > 1 else 0, 0]
        for j in range(n_layer):
            for part in range(1, 3):
                different[j, part] = j < n_layer - 1 and not _same(chi_m[j, part], chi_m[j, 0])
        for i in range(sine_m.size):
            g = sine_m[i]
            if not abs(g) <= 1.0:
                out[m, i] = np.nan
                continue
            nx = math.sqrt(1.0 - g * g)
            for j in range(n_layer):
                for part in range(3):
                    if part > 0 and not different[j, part]:
                        u[j, part] = u[j, 0]
                        fields[j, part] = fields[j, 0]
                        continue
                    waves(chi_m[j, part], kind_m[j, part], g, nx, u[j, part], fields[j, part], v)
                    for wave in range(4):
                        u[j, part, wave] *= kappa
            for p in range(pairs.shape[0]):
                above, below = pairs[p, 0], pairs[p, 1]
                has_l, has_u = different[above, 1], different[below, 2]
                if has_l:
                    solve(fields[above, 0], fields[above, 1], left, work)
                solve(fields[above, 1], fields[below, 2], middle, work)
                if has_u:
                    solve(fields[below, 2], fields[below, 0], right, work)
                averaged(
                    left, middle, right, u[above, 0], u[above, 1], u[below, 2], u[below, 0], has_l, has_u,
                    dl_m[above], du_m[below],
                    -0.5 * sl_m[above] ** 2, -0.5 * s_m[below] ** 2, -0.5 * su_m[below] ** 2, matrices[p],
                )  # fmt: skip
            for a in range(2):
                for b in range(2):
                    r[a, b] = 0.0
            for s in range(steps.size):
                p = steps[s]
                if s > 0:
                    through_layer(r, u[pairs[p, 1], 0], d_m[pairs[p, 1]])
                through_boundary(r, matrices[p])
            out[m, i] = _measured(channel, r)


@compiled()
def _slices(
    channel: int,
    sine: np.ndarray,
    wavelength: float,
    chi: np.ndarray,
    kind: np.ndarray,
    thickness: np.ndarray,
    out: np.ndarray,
) -> None:
    n_slice = chi.shape[0]
    matrix, work = np.empty((4, 4), dtype=np.complex128), np.empty((4, 4), dtype=np.complex128)
    u, fields = np.empty((2, 4), dtype=np.complex128), np.empty((2, 4, 4), dtype=np.complex128)
    v, r = np.empty(4, dtype=np.complex128), np.empty((2, 2), dtype=np.complex128)
    kappa = 2 * math.pi / wavelength
    for i in range(sine.size):
        g = sine[i]
        if not abs(g) <= 1.0:
            out[i] = np.nan
            continue
        nx = math.sqrt(1.0 - g * g)
        for a in range(2):
            for b in range(2):
                r[a, b] = 0.0
        waves(chi[0], kind[0], g, nx, u[0], fields[0], v)
        for k in range(1, n_slice):
            below, above = (k - 1) % 2, k % 2
            if k > 1:
                for wave in range(4):
                    v[wave] = u[below, wave] * kappa
                through_layer(r, v, thickness[k - 1])
            waves(chi[k], kind[k], g, nx, u[above], fields[above], v)
            solve(fields[above], fields[below], matrix, work)
            through_boundary(r, matrix)
        out[i] = _measured(channel, r)
