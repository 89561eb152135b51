"""Reflectivity in one spin state or polarisation, of layers whose moment differs near their interfaces.

Transfer matrices after F. Abelès, Ann. Phys. (Paris) 12, 504 (1950). An interface with the magnetic interface layers
on both of its sides is one matrix, averaged over the roughness of all three steps. The product of the matrices
overflows for thick absorbing layers; here the ratio of its elements that is needed goes upwards through the stack,
where waves only decay.
"""

from __future__ import annotations

import cmath
import math

import numpy as np

from .blocks import Blocks
from .boundaries import walks
from .compiled import compiled
from .four_waves import damped, exponential
from .parratt import principal_root
from .potentials import ELECTRON_RADIUS
from .tables import common_length, table

NEUTRONS, XRAYS = 0, 1
_SMALLEST_SQUARE = 1e-22


def reflectivity(
    theory: int,
    q: np.ndarray,
    wavelength: np.ndarray,
    lengths: tuple[np.ndarray, np.ndarray, np.ndarray],
    magnetic: np.ndarray,
    changes: tuple[np.ndarray, np.ndarray],
    thickness: tuple[np.ndarray, np.ndarray, np.ndarray],
    widths: tuple[np.ndarray, np.ndarray, np.ndarray],
    blocks: Blocks,
) -> np.ndarray:
    """Reflectivity of a population of samples, (n_population, n_q).

    Layers have the shape (n_population | 1, n_layer); first the substrate, last the ambient medium.

    Parameters
    ----------
    theory : NEUTRONS or XRAYS; says what the next ones are.
    q, wavelength : (n_population | 1, n_q), Å⁻¹ and Å; the wavelength also (n_population | 1, 1).
    lengths : of neutrons density (Å⁻³), complex scattering length (Å) and absorption cross section (Å²); of x-rays
        twice anything real, and between them the density of scattering lengths, electrons/Å³.
    magnetic : complex, what adds to it for this spin state: of neutrons strength, Å⁻²; of x-rays electrons/Å³ at
        grazing incidence, multiplied by cos θ here.
    changes : relative changes of `magnetic` in the lower and the upper interface layer.
    thickness : of the layer without its interface layers, of the lower and of the upper interface layer, Å.
    widths : root mean square widths of the step to the lower interface layer, of the top interface, and of the step
        to the upper interface layer, Å.

    The index of refraction of neutrons is n = 1 − dens·(λ²/2π·√(b² − (σ/2λ)²) − iσλ/4π) − magnetic·λ².
    """
    points, length = table(q), table(wavelength)
    density, b, cross_section = table(lengths[0]), table(lengths[1], np.complex128), table(lengths[2])
    moment, lower, upper = table(magnetic, np.complex128), table(changes[0]), table(changes[1])
    d, dl, du = (table(value) for value in thickness)
    sl, s, su = (table(value) for value in widths)
    n_population = common_length(
        points, length, density, b, cross_section, moment, lower, upper, d, dl, du, sl, s, su,
        table(blocks.repetitions, np.int64),
    )  # fmt: skip
    out = np.empty((n_population, points.shape[1]))
    n_layer = b.shape[1]
    blocks.check(n_layer)
    for walk in walks(blocks, n_layer, n_population):
        _reflectivity(
            theory, points, length, density, b, cross_section, moment, lower, upper, d, dl, du, sl, s, su,
            walk.members, walk.pairs, walk.steps, out,
        )  # fmt: skip
    return out


@compiled(inline=True)
def _wave(n: complex, ambient: complex, k02: float, q2: float) -> complex:
    square = (n * n - ambient) * k02 + ambient * q2
    if abs(square.real) + abs(square.imag) < _SMALLEST_SQUARE:
        return complex(1e-11, 0.0)
    return principal_root(square)


@compiled(inner=True)
def _boundary(
    k: complex, lower: complex, upper: complex, below: complex, dd_l: float, dd_u: float, rough_l: float, rough: float,
    rough_u: float, out: np.ndarray,
) -> None:  # fmt: skip
    """The averaged matrix of a boundary; waves of the medium above, its lower interface layer, the upper interface
    layer of the medium below, and that medium. rough: −σ²/2."""
    for a in range(2):
        for b in range(2):
            out[a, b] = 0.0
    for c in range(2):
        kc = lower if c == 0 else -lower
        wave_c = exponential(-1j * kc * dd_l)
        for d in range(2):
            kd = upper if d == 0 else -upper
            middle = wave_c * exponential(-1j * kd * dd_u) * (lower + upper if c == d else lower - upper)
            for a in range(2):
                ka = k if a == 0 else -k
                left = (k + lower if a == c else k - lower) * damped(rough_l, ka - kc)
                for b in range(2):
                    kb = below if b == 0 else -below
                    right = (upper + below if d == b else upper - below) * damped(rough_u, kb - kd)
                    out[a, b] += left * middle * right
    for a in range(2):
        ka = k if a == 0 else -k
        for b in range(2):
            kb = below if b == 0 else -below
            out[a, b] *= damped(rough, kb - ka)


@compiled()
def _reflectivity(
    theory: int,
    q: np.ndarray,
    wavelength: np.ndarray,
    density: np.ndarray,
    b: np.ndarray,
    cross_section: np.ndarray,
    magnetic: np.ndarray,
    change_l: np.ndarray,
    change_u: np.ndarray,
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
    n_layer = b.shape[1]
    matrices = np.empty((pairs.shape[0], 2, 2), dtype=np.complex128)
    waves = np.empty((n_layer, 3), dtype=np.complex128)
    for t in range(members.size):
        m = members[t]
        density_m = density[m if density.shape[0] > 1 else 0]
        b_m = b[m if b.shape[0] > 1 else 0]
        section_m = cross_section[m if cross_section.shape[0] > 1 else 0]
        magnetic_m = magnetic[m if magnetic.shape[0] > 1 else 0]
        lower_m = change_l[m if change_l.shape[0] > 1 else 0]
        upper_m = change_u[m if change_u.shape[0] > 1 else 0]
        d_m = thickness[m if thickness.shape[0] > 1 else 0]
        dl_m = dd_l[m if dd_l.shape[0] > 1 else 0]
        du_m = dd_u[m if dd_u.shape[0] > 1 else 0]
        sl_m = sigma_l[m if sigma_l.shape[0] > 1 else 0]
        s_m = sigma[m if sigma.shape[0] > 1 else 0]
        su_m = sigma_u[m if sigma_u.shape[0] > 1 else 0]
        q_m = q[m if q.shape[0] > 1 else 0]
        lambda_m = wavelength[m if wavelength.shape[0] > 1 else 0]
        for i in range(q_m.size):
            length = lambda_m[i if lambda_m.size > 1 else 0]
            k02 = (2 * math.pi / length) ** 2
            q2 = 0.25 * q_m[i] * q_m[i]
            square = length * length
            sine = q_m[i] * length / (4 * math.pi)
            cosine = math.sqrt(max(1.0 - sine * sine, 0.0))
            ambient = complex(0.0, 0.0)
            for k in range(n_layer - 1, -1, -1):
                if theory == NEUTRONS:
                    absorbing = section_m[k] / (2 * length)
                    root = cmath.sqrt(b_m[k] * b_m[k] - absorbing * absorbing)
                    u = density_m[k] * (square / (2 * math.pi)) * (root - 1j * absorbing)
                    change = magnetic_m[k] * square
                else:
                    u = b_m[k] * (square * (ELECTRON_RADIUS / (2 * math.pi)))
                    change = magnetic_m[k] * (square * (ELECTRON_RADIUS / (2 * math.pi)) * cosine)
                n = 1.0 - u - change
                if k == n_layer - 1:
                    ambient = n * n
                waves[k, 0] = _wave(n, ambient, k02, q2)
                waves[k, 1] = _wave(1.0 - u - change * (1.0 + lower_m[k]), ambient, k02, q2)
                waves[k, 2] = _wave(1.0 - u - change * (1.0 + upper_m[k]), ambient, k02, q2)
            for p in range(pairs.shape[0]):
                above, below = pairs[p, 0], pairs[p, 1]
                _boundary(
                    waves[above, 0], waves[above, 1], waves[below, 2], waves[below, 0], dl_m[above], du_m[below],
                    -0.5 * sl_m[above] ** 2, -0.5 * s_m[below] ** 2, -0.5 * su_m[below] ** 2, matrices[p],
                )  # fmt: skip
            r = complex(0.0, 0.0)
            for step in range(steps.size):
                p = steps[step]
                if step > 0:
                    below = pairs[p, 1]
                    r *= exponential(2j * waves[below, 0] * d_m[below])
                x = matrices[p]
                whole = x[0, 0] + x[0, 1] * r
                if whole == 0.0:  # waves too evanescent for numbers: time of flight next to q = 0
                    r = complex(math.nan, math.nan)
                    break
                r = (x[1, 0] + x[1, 1] * r) / whole
            out[m, i] = r.real * r.real + r.imag * r.imag
