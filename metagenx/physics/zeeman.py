"""Spin flip in a magnetic field: the neutron's potential in it, and the wave vector that a flipped spin leaves with.

A neutron that flips its spin in a field gains or loses energy, so it leaves under another angle (Zeeman splitting).
"""

from __future__ import annotations

import math

import numpy as np

from .compiled import compiled
from .elementwise import sine
from .pointwise import Array, Values
from .potentials import BOHR_MAGNETON_LENGTH
from .tables import common_length, table

#: Scattering length density of a field of 1 T, Å⁻².
FIELD_STRENGTH = 2.31605e-6


def split_q(q: Values, field: Values, direction: int) -> Array:
    """Q/2 + √(Q²/4 ± 8πρ) with the scattering length density ρ of a field in T; without a real root, Q/2.

    direction : +1 or −1. Q may be negative: the beam below the horizon of the sample.
    """
    q = np.asarray(q, dtype=float)
    square = q * q / 4 + direction * 8 * np.pi * FIELD_STRENGTH * np.asarray(field, dtype=float)
    return np.asarray(q / 2 + np.sqrt(np.maximum(square, 0)))


def q_from_two_theta(x: Values, wavelength: Values, offset: Values) -> Array:
    """Q of scattering angles in degrees, of either sign; otherwise as `coordinates.q_from_two_theta`."""
    half = (np.asarray(x, dtype=float) + offset) * (np.pi / 360)
    return np.asarray(4 * np.pi / np.asarray(wavelength, dtype=float) * sine(half))


def q_from_q(x: Values, wavelength: Values, offset: Values) -> Array:
    """Q whose 2θ is moved by `offset` degrees, of either sign; otherwise as `coordinates.q_from_q`."""
    x, offset = np.asarray(x, dtype=float), np.asarray(offset, dtype=float)
    if offset.ndim < 2 and not np.any(offset):
        return x
    half = offset * (np.pi / 360)
    cosine = 1.0 - 2.0 * sine(half / 2) ** 2
    largest = 4 * np.pi / np.asarray(wavelength, dtype=float)
    with np.errstate(invalid="ignore"):
        moved = x * cosine + np.sqrt(largest**2 - x**2) * sine(half)
    return np.where(offset == 0, x, moved)


def potentials(
    density: np.ndarray,
    b: np.ndarray,
    cross_section: np.ndarray,
    moment: np.ndarray,
    angle: np.ndarray,
    wavelength: Values,
    field: Values,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """V± = 2π·(s ± m)·(2 + s ± m) of layers in a field, in Å⁻², and the angle of their induction in degrees.

    Parameters
    ----------
    density, b, cross_section, moment, angle : (n_population | 1, n_layer), formula units/Å³, fm, barn, Bohr
        magnetons, degrees; substrate first, ambient medium last.
    wavelength, field : Å and T; one number, or one per individual (n_population, 1).

    Returns
    -------
    plus, minus : complex (n_population, n_layer). angle : (n_population, n_layer).

    The magnitudes m are counted from that of the ambient medium, not the vectors; and s is in Å⁻² where the refractive
    index wants a number. Both are GenX's.
    """
    dens, absorbing, magnetic, turn = (table(values) for values in (density, cross_section, moment, angle))
    lengths = table(b, np.complex128)
    waves, fields = (np.array(value, dtype=np.float64).reshape(-1) for value in (wavelength, field))
    n_population = common_length(dens, absorbing, magnetic, turn, lengths, waves, fields)
    plus = np.empty((n_population, lengths.shape[1]), dtype=np.complex128)
    minus, turned = np.empty_like(plus), np.empty(plus.shape)
    _potentials(dens, absorbing, magnetic, turn, lengths, waves, fields, plus, minus, turned)
    return plus, minus, turned


@compiled()
def _potentials(
    density: np.ndarray,
    cross_section: np.ndarray,
    moment: np.ndarray,
    angle: np.ndarray,
    b: np.ndarray,
    wavelength: np.ndarray,
    field: np.ndarray,
    plus: np.ndarray,
    minus: np.ndarray,
    turned: np.ndarray,
) -> None:
    last = plus.shape[1] - 1
    for row in range(plus.shape[0]):
        dens, absorbing = density[row * (density.shape[0] > 1)], cross_section[row * (cross_section.shape[0] > 1)]
        magnetic, degrees = moment[row * (moment.shape[0] > 1)], angle[row * (angle.shape[0] > 1)]
        scattering = b[row * (b.shape[0] > 1)]
        rho = FIELD_STRENGTH * field[row * (field.size > 1)]
        to_absorption = 1e-8 / (2.0 * wavelength[row * (wavelength.size > 1)])
        real_m = imaginary_m = size_m = 0.0
        for k in range(last, -1, -1):
            real = dens[k] * scattering[k].real * 1e-5
            imaginary = dens[k] * (scattering[k].imag * 1e-5 - absorbing[k] * to_absorption)
            turn = degrees[k] * math.pi / 180.0
            length = BOHR_MAGNETON_LENGTH * magnetic[k] * dens[k]
            along, across = length * math.cos(turn) + rho, length * math.sin(turn)
            size = math.sqrt(along * along + across * across)
            turned[row, k] = math.atan2(across, along) * 180.0 / math.pi
            if k == last:
                real_m, imaginary_m, size_m = real, imaginary, size
            real, imaginary, size = real - real_m, imaginary - imaginary_m, size - size_m
            for spin in range(2):
                x = real - size if spin else real + size
                value = complex(
                    2.0 * math.pi * (x * (2.0 + x) - imaginary * imaginary),
                    2.0 * math.pi * (2.0 * imaginary * (1.0 + x)),
                )
                if spin:
                    minus[row, k] = value
                else:
                    plus[row, k] = value
