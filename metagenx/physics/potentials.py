"""How strongly layers refract: from densities and scattering lengths to the potentials of the kernels.

The refractive index of a layer is n = 1 − u, and the kernels need n_k² − n_M² of layer k against the ambient
medium M. We square 1 − u, as GenX does, although the difference of the squares loses five digits that
(u_k − u_M)·(u_k + u_M − 2) would keep: the fringes of layers of some µm show the loss (1e-8 of the
reflectivity), and the same numbers as GenX are worth more than digits that no experiment sees.

Shapes: a decrement is complex (n_population | 1, n_layer), the ambient medium last. Real arithmetic
throughout: numpy may round the product of two complex arrays differently for different shapes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metagenx.physics.compiled import compiled
from metagenx.physics.pointwise import Array, Values

ComplexArray = NDArray[np.complex128]

# Classical electron radius, Å.
ELECTRON_RADIUS = 2.8179403227e-5
# Magnetic scattering length of one Bohr magneton, Å: Bohr magneton × neutron constant × 1e24, as in GenX.
BOHR_MAGNETON_LENGTH = 9.2740101e-24 * 2.853e-6 * 1e24

_FM = 1e-5  # Å
_BARN = 1e-8  # Å²


def xray_strength(density: Array, f: ComplexArray) -> ComplexArray:
    """u/λ² of x-rays: r_e·dens·f/2π, in Å⁻²."""
    return _times_real(f, density * (ELECTRON_RADIUS / (2 * np.pi)))


def neutron_strength(density: Array, b: ComplexArray) -> ComplexArray:
    """u/λ² of neutrons without the absorption cross section: dens·b/2π, in Å⁻²; b in fm."""
    return _times_real(b, density * (_FM / (2 * np.pi)))


def absorption_strength(density: Array, cross_section: Array) -> Array:
    """The part of u proportional to λ: u = −i·λ·(dens·σ_ai/4π), here the bracket, in Å⁻¹; σ_ai in barn."""
    return np.asarray(density * cross_section * (_BARN / (4 * np.pi)))


def magnetic_strength(density: Array, moment: Array) -> Array:
    """u/λ² of the magnetisation for spin up (down: the opposite): μ·magn·dens/2π, in Å⁻²; moment in μ_B."""
    return np.asarray(density * moment * (BOHR_MAGNETON_LENGTH / (2 * np.pi)))


def decrement(strength: ComplexArray, absorption: Array, wavelength: Values) -> ComplexArray:
    """u = strength·λ² − i·absorption·λ, of one wavelength or one per individual (n_population, 1)."""
    wavelength = np.asarray(wavelength, dtype=float)
    u = _times_real(strength, wavelength**2)
    absorbed = absorption * wavelength
    if absorbed.shape != u.shape:
        u = np.broadcast_to(u, np.broadcast_shapes(u.shape, absorbed.shape)).copy()
    u.imag -= absorbed
    return u


def potential(
    strength: ComplexArray, absorption: Array | None, magnetic: Array | None, wavelength: Values
) -> tuple[ComplexArray, ComplexArray]:
    """What the kernels need: (n_k² − n_M²)·(4π/λ)² in Å⁻², and n_M², of one wavelength or one per individual.

    Parameters
    ----------
    strength, absorption, magnetic : (n_population | 1, n_layer), n = 1 − strength·λ² + i·absorption·λ − magnetic·λ²,
        subtracted one after the other as GenX does; None: nothing.

    Returns
    -------
    potential : complex (n_population | 1, n_layer), the last layer exactly 0.
    ambient : complex (n_population | 1,).
    """
    wavelengths = np.asarray(wavelength, dtype=float).reshape(-1)
    nothing = np.zeros((1, strength.shape[1]))
    absorbed = nothing if absorption is None else absorption
    moments = nothing if magnetic is None else magnetic
    n_population = max(len(strength), len(absorbed), len(moments), len(wavelengths))
    out = np.empty((n_population, strength.shape[1]), dtype=np.complex128)
    ambient = np.empty(n_population, dtype=np.complex128)
    _potential(strength, absorbed, moments, wavelengths, out, ambient)
    return out, ambient


def potential_at_points(
    strength: ComplexArray, magnetic: Array, magnetic_power: int, wavelength: Array
) -> tuple[ComplexArray, ComplexArray]:
    """As `potential`, of one individual where every point has its own wavelength.

    Parameters
    ----------
    strength, magnetic : (n_layer,), n = 1 − strength·λ² − magnetic·λ^magnetic_power.
    wavelength : (n_points,), Å.

    Returns
    -------
    potential : complex (1, n_layer, n_points). ambient : complex (1, n_points).
    """
    square = wavelength**2
    x = 1 - strength.real[:, None] * square - magnetic[:, None] * square ** (magnetic_power // 2)
    y = -strength.imag[:, None] * square
    n2 = np.empty(x.shape, dtype=np.complex128)
    n2.real, n2.imag = x * x - y * y, 2 * x * y
    scale = (4 * np.pi / wavelength) ** 2
    out = np.empty_like(n2)
    out.real, out.imag = scale * (n2.real - n2.real[-1]), scale * (n2.imag - n2.imag[-1])
    return out[None], n2[-1:]


def spin_flip_potentials(u: ComplexArray, magnetic: Array, wavelength: Values) -> tuple[ComplexArray, ComplexArray]:
    """V± = (2π/λ)²·(s ± m)·(2 + s ± m), with s and m counted from the ambient medium, in Å⁻².

    Parameters
    ----------
    u : the decrement without magnetism; magnetic : the magnetic decrement for spin up, (n_population | 1,
        n_layer).

    1 − n² would be (s ± m)·(2 − s ∓ m). The plus sign is GenX's, a relative difference of about 1e-5; kept,
    so that fits agree.
    """
    scale = (2 * np.pi / np.asarray(wavelength, dtype=float)) ** 2
    real, imaginary = u.real - u.real[:, -1:], u.imag - u.imag[:, -1:]
    m = magnetic - magnetic[:, -1:]

    def one_spin(up: Array) -> ComplexArray:
        x = real + up
        out = np.empty(np.broadcast_shapes(x.shape, imaginary.shape, np.shape(scale)), dtype=complex)
        out.real = scale * (x * (2 + x) - imaginary * imaginary)
        out.imag = scale * (2 * imaginary * (1 + x))
        return out

    return one_spin(m), one_spin(-m)


def _times_real(z: ComplexArray, real: Array) -> ComplexArray:
    out = np.empty(np.broadcast_shapes(z.shape, np.shape(real)), dtype=complex)
    out.real = z.real * real
    out.imag = z.imag * real
    return out


@compiled()
def _potential(
    strength: ComplexArray,
    absorption: Array,
    magnetic: Array,
    wavelength: Array,
    out: ComplexArray,
    ambient: ComplexArray,
) -> None:
    last = out.shape[1] - 1
    for m in range(out.shape[0]):
        refracting = strength[m if strength.shape[0] > 1 else 0]
        absorbing = absorption[m if absorption.shape[0] > 1 else 0]
        moment = magnetic[m if magnetic.shape[0] > 1 else 0]
        length = wavelength[m if wavelength.size > 1 else 0]
        scale = (4 * np.pi / length) ** 2
        for k in range(last, -1, -1):
            x = 1 - refracting[k].real * length**2 - moment[k] * length**2
            y = absorbing[k] * length - refracting[k].imag * length**2
            square = complex(x * x - y * y, 2 * x * y)
            if k == last:
                ambient[m] = square
            out[m, k] = complex(scale * (square.real - ambient[m].real), scale * (square.imag - ambient[m].imag))
