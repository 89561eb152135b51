"""Diffuse scattering of x-rays from rough multilayers in the distorted-wave Born approximation.

V. Holý and T. Baumbach, Phys. Rev. B 49, 10668 (1994); Z. H. Ming et al., Phys. Rev. B 47, 16373 (1993); I. Pape et
al., Physica B 253, 278 (1998). The formulas are those of GenX (fact sheet 4.4), which expand the correlation of the
interfaces in Taylor's series. We write every order as

    Σ_{i,j} E_ij^n·Y_{n,i}·Y*_{n,j},
    Y_{n,i} = (n_i² − n_{i+1}²)·Σ_a G_{a,i}·q_{a,i}^{n−1}·σ_i^n·exp(−½(s_i² + σ_i²)·q_{a,i}²)

(q^n/q is q^{n−1}: nothing is divided by zero at the specular position), and as E_ij = exp(−|z_i − z_j|/η_z) is a
product along the stack, the double sum is one pass through it: the time grows with the number of interfaces, not its
square. Fields are ratios, in which only decaying exponentials occur: thick and absorbing layers do not overflow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metagenx.physics.blocks import Blocks
from metagenx.physics.compiled import compiled
from metagenx.physics.pointwise import Array
from metagenx.physics.tables import common_length, table

ComplexArray = NDArray[np.complex128]
Indices = NDArray[np.int64]

# r = 2.82e-5 Å, in two factors as GenX multiplies them (elsewhere it is 2.8179403227e-5 Å).
_ELECTRON_RADIUS = 0.282
_SCALE = 1e-4


def single_precision_squares(density: Array, f: ComplexArray, wavelength: Array) -> tuple[ComplexArray, ComplexArray]:
    """n² and k²·n² of layers, n = 1 − r·dens·f·λ²/2π with r = 2.82e-5 Å, rounded to 24 bits after every operation.

    Parameters
    ----------
    density : (n_population | 1, n_layer), formula units per Å³. f : electrons, complex, the same.
    wavelength : (n_population | 1, 1), Å.

    GenX computes this in single precision, and the contrast of two layers shows it at up to a percent. We do the same,
    so that fits agree, in real arithmetic (numpy may round products of complex numbers differently for other shapes).
    """
    single = np.float32
    square = (wavelength * wavelength).astype(single)
    strength = density.astype(single) * single(_ELECTRON_RADIUS)
    strength = strength * square * (single(1) / single(2))
    strength = strength * (single(1) / single(np.pi))
    real = strength * f.real.astype(single) * single(_SCALE)
    imaginary = strength * f.imag.astype(single) * single(_SCALE)
    real, imaginary = single(1) - real, -imaginary
    real, imaginary = real * real - imaginary * imaginary, real * imaginary + imaginary * real
    wave = ((2 * np.pi / wavelength) ** 2).astype(single)
    return _joined(real, imaginary), _joined(wave * real, wave * imaginary)


def diffuse_intensity(
    q_x: Array,
    q_z: Array,
    lit: NDArray[np.bool_],
    wave_number: Array,
    squares: ComplexArray,
    wave_squares: ComplexArray,
    thickness: Array,
    sigma: Array,
    interdiffusion: Array,
    vertical_length: Array,
    spectrum: Array,
    blocks: Blocks,
) -> Array:
    """J·k³/(8π·sin α): the diffuse intensity of a population of samples, (n_population, n_points).

    Parameters
    ----------
    q_x, q_z : (n_population | 1, n_points), Å⁻¹. lit : the same, whether beam and detector are above the surface;
        the intensity elsewhere is 0.
    wave_number : (n_population | 1, 1), Å⁻¹.
    squares, wave_squares : complex (n_population | 1, n_layer), n² and k²·n², substrate first, ambient last.
    thickness : (n_population | 1, n_layer), Å.
    sigma, interdiffusion : (n_population | 1, n_layer), Å: the correlated and the graded part of the roughness of a
        layer's top interface.
    vertical_length : η_z, Å, over which interfaces replicate, (n_population | 1, 1).
    spectrum : (n_population | 1, n_order, n_points), see `correlation.orders`.
    """
    n2, k2n2 = table(squares, np.complex128), table(wave_squares, np.complex128)
    d, s, g = table(thickness), table(sigma), table(interdiffusion)
    x, z, k, eta = table(q_x), table(q_z), table(wave_number), table(vertical_length)
    seen = table(lit, np.bool_)
    blocks.check(n2.shape[1])
    times = table(blocks.repetitions, np.int64)
    f = np.ascontiguousarray(spectrum, dtype=np.float64)
    n_population = common_length(n2, k2n2, d, s, g, x, z, k, eta, seen, times, f)
    order, length = _unrolled(blocks, times, n2.shape[1])
    out = np.zeros((n_population, x.shape[1]))
    _scatter(
        x, z, seen, k.reshape(-1), n2, k2n2, d, s, g, eta.reshape(-1), f, order, length, out,
    )  # fmt: skip
    return out


def _joined(real: NDArray[np.float32], imaginary: NDArray[np.float32]) -> ComplexArray:
    out = np.empty(np.broadcast_shapes(real.shape, imaginary.shape), dtype=np.complex128)
    out.real, out.imag = real, imaginary
    return out


def _unrolled(blocks: Blocks, times: Indices, n_layer: int) -> tuple[Indices, Indices]:
    """Rows of the layers from the ambient medium down, (n_population | 1, n_most), and how many of them count."""
    lists = []
    for counts in times:
        rows = [0]
        for first, last, count in zip(blocks.first, blocks.last, counts, strict=True):
            rows += list(range(first, last)) * int(count)
        lists.append([n_layer - 1, *reversed(rows)])
    length = np.array([len(rows) for rows in lists], dtype=np.int64)
    order = np.zeros((len(lists), length.max()), dtype=np.int64)
    for rows, target in zip(lists, order, strict=True):
        target[: len(rows)] = rows
    return order, length


@compiled()
def _scatter(
    q_x: Array,
    q_z: Array,
    lit: NDArray[np.bool_],
    wave_number: Array,
    squares: ComplexArray,
    wave_squares: ComplexArray,
    thickness: Array,
    sigma: Array,
    interdiffusion: Array,
    vertical_length: Array,
    spectrum: Array,
    order: Indices,
    length: Indices,
    out: Array,
) -> None:
    n_order, n_row, n_most = spectrum.shape[1], squares.shape[1], order.shape[1]
    kappa, phase = np.empty((2, n_row), np.complex128), np.empty((2, n_row), np.complex128)
    ratio, step = np.empty((2, n_most), np.complex128), np.empty((2, n_most), np.complex128)
    replica = np.empty((n_row, n_order))
    above, total = np.empty(n_order, np.complex128), np.empty(n_order)
    for m in range(out.shape[0]):
        n2 = squares[m if squares.shape[0] > 1 else 0]
        k2n2 = wave_squares[m if wave_squares.shape[0] > 1 else 0]
        d = thickness[m if thickness.shape[0] > 1 else 0]
        rough = sigma[m if sigma.shape[0] > 1 else 0]
        graded = interdiffusion[m if interdiffusion.shape[0] > 1 else 0]
        k = wave_number[m if wave_number.size > 1 else 0]
        eta = vertical_length[m if vertical_length.size > 1 else 0]
        rows = order[m if order.shape[0] > 1 else 0]
        n_layer = length[m if length.size > 1 else 0]
        for row in range(n_row):
            for n in range(n_order):
                replica[row, n] = np.exp(-(n + 1) * d[row] / eta)
        for p in range(out.shape[1]):
            if not lit[m if lit.shape[0] > 1 else 0, p]:
                continue
            x, z = q_x[m if q_x.shape[0] > 1 else 0, p], q_z[m if q_z.shape[0] > 1 else 0, p]
            tilt, half = np.arctan(x / z), np.arcsin(np.sqrt(x * x + z * z) / (2 * k))
            for beam in range(2):
                k_x = k * np.cos(half + tilt if beam == 0 else half - tilt)
                _fields(k_x * k_x, k2n2, d, rows, n_layer, kappa[beam], phase[beam], ratio[beam], step[beam])
            for n in range(n_order):
                above[n], total[n] = 0.0, 0.0
            t1, t2 = 1.0 + 0.0j, 1.0 + 0.0j
            for i in range(n_layer - 1):
                row = rows[i + 1]
                if i > 0:
                    upper = rows[i]
                    t1, t2 = t1 * phase[0, upper], t2 * phase[1, upper]
                    for n in range(n_order):
                        above[n] *= replica[upper, n]
                t1, t2 = t1 * step[0, i + 1], t2 * step[1, i + 1]
                r1, r2 = t1 * ratio[0, i + 1], t2 * ratio[1, i + 1]
                s = rough[row]
                both = -0.5 * (graded[row] * graded[row] + s * s)
                plus, minus = kappa[0, row] + kappa[1, row], kappa[0, row] - kappa[1, row]
                contrast = (n2[rows[i]] - n2[row]) * s
                outer, inner = contrast * np.exp(both * plus * plus), contrast * np.exp(both * minus * minus)
                tt, rr, tr, rt = outer * (t1 * t2), outer * (r1 * r2), inner * (t1 * r2), inner * (r1 * t2)
                plus, minus = plus * s, minus * s
                for n in range(n_order):
                    y = (tt + rr) + (tr + rt)
                    total[n] += (y.real * y.real + y.imag * y.imag) + 2.0 * (
                        y.real * above[n].real + y.imag * above[n].imag
                    )
                    above[n] += y
                    tt, rr, tr, rt = tt * plus, -rr * plus, tr * minus, -rt * minus
            j = 0.0
            for n in range(n_order):
                j += total[n] * spectrum[m if spectrum.shape[0] > 1 else 0, n, p]
            out[m, p] = j * k**3 / (8.0 * np.pi * np.sin(half - tilt))


@compiled(inner=True)
def _fields(
    k_x_squared: float,
    wave_squares: ComplexArray,
    thickness: Array,
    rows: Indices,
    n_layer: int,
    kappa: ComplexArray,
    phase: ComplexArray,
    ratio: ComplexArray,
    step: ComplexArray,
) -> None:
    """Waves in all layers for one angle, without roughness.

    kappa, phase : per row, √(k²n² − k_x²), and e^{iκD}, by which the downward wave shrinks on its way through.
    ratio : per layer from the top, upward over downward wave just below its upper interface.
    step : per layer, downward wave there over that at the lower end of the layer above.
    """
    for row in range(kappa.size):
        kappa[row] = np.sqrt(wave_squares[row] - k_x_squared)
        phase[row] = np.exp(1j * kappa[row] * thickness[row])
    ratio[n_layer - 1] = 0.0
    for i in range(n_layer - 2, -1, -1):
        upper, lower = kappa[rows[i]], kappa[rows[i + 1]]
        r = (upper - lower) / (upper + lower)
        below = ratio[i + 1]
        shared = 1.0 + r * below
        step[i + 1] = (1.0 + r) / shared
        through = phase[rows[i]] if i > 0 else 1.0 + 0.0j
        ratio[i] = (below + r) / shared * through * through
