"""Wave vectors and phases of the layers, one block of points at a time; every loop vectorises.

A layer has two complex rows in `waves`: its wave vector k, and exp(i d k). `work` holds the rows that all layers
share; see :mod:`.instructions`. Loops run over 8 n points: no loop needs an end for a few points left over, which
would be half of its code.
"""

from __future__ import annotations

import math

import numpy as np

from .compiled import compiled
from .elementary import (
    SMALL,
    exponential,
    exponential_small,
    root_and_inverse,
    sine_cosine,
)
from .instructions import BLOCK, COMPLEX, bits, load, number, scaled, store

# Rows of `work`.
Q2 = 0  # q², real
WAVELENGTH = BLOCK  # real
SQUARE = 2 * BLOCK  # k² of the layer at hand
AMBIENT = SQUARE + COMPLEX  # n_M²
END = AMBIENT + COMPLEX

# Rows of `waves`, from where a layer begins.
VECTOR = 0
PHASE = COMPLEX
WAVE = 2 * COMPLEX


# Å⁻²; less than the square of the smallest q. Where k is exactly zero, at the critical angle of a layer without
# absorption, the quotients of the theory are 0/0; with this they are right to 1e-6.
_SMALLEST_SQUARE = 1e-22


@compiled(relaxed=True, inner=True)
def squares(work: np.ndarray, n: int, potential: complex, ambient: complex) -> None:
    """k² = potential + n_M² q² of a layer with the same potential at all points."""
    for i in range(8 * n):
        store(work, SQUARE, i, potential + scaled(ambient, work[Q2 + i]))


@compiled(inner=True)
def squares_dispersive(
    work: np.ndarray, n: int, a: complex, b: complex, ambient_a: complex, ambient_b: complex
) -> None:
    """k² = (4π/λ)²·(n² − n_M²) + n_M² q² with n = 1 − aλ² − Re(b)λ² + i·Im(b)λ.

    Rounded as GenX rounds it, without fused multiply-add: the difference of the squares is where digits are lost.
    """
    for i in range(8 * n):
        length = work[WAVELENGTH + i]
        square = length * length
        x, y = 1.0 - a.real * square - b.real * square, b.imag * length - a.imag * square
        u = 1.0 - ambient_a.real * square - ambient_b.real * square
        v = ambient_b.imag * length - ambient_a.imag * square
        real, imaginary = u * u - v * v, 2.0 * u * v
        scale = 12.566370614359172 / length
        scale = scale * scale
        q2 = work[Q2 + i]
        z = complex(scale * ((x * x - y * y) - real) + real * q2, scale * (2.0 * x * y - imaginary) + imaginary * q2)
        store(work, SQUARE, i, z)


@compiled(relaxed=True, inner=True)
def wave_vectors(work: np.ndarray, waves: np.ndarray, layer: int, n: int) -> None:
    """Principal roots of the squares."""
    for i in range(8 * n):
        z = load(work, SQUARE, i)
        length = math.sqrt(z.real * z.real + z.imag * z.imag)
        half = 0.5 * (abs(z.real) + length)
        root, inverse = root_and_inverse(_SMALLEST_SQUARE if half < _SMALLEST_SQUARE else half)
        other = 0.5 * abs(z.imag) * inverse
        im = other if z.real >= 0.0 else root
        store(waves, layer, i, complex(root if z.real >= 0.0 else other, -im if z.imag < 0.0 else im))


@compiled(relaxed=True, inner=True)
def real_wave_vectors(
    work: np.ndarray, waves: np.ndarray, layer: int, n: int, potential: float, ambient: float
) -> None:
    """k of a layer that does not absorb, at points where nothing is evanescent: k² = potential + n_M² q² > 0."""
    for i in range(8 * n):
        square = potential + ambient * work[Q2 + i]
        root, _ = root_and_inverse(_SMALLEST_SQUARE if square < _SMALLEST_SQUARE else square)
        store(waves, layer, i, complex(root, 0.0))


@compiled(inner=True)
def bounds(potential: complex, ambient: complex, low: float, high: float) -> tuple[float, float, bool]:
    """Bounds of \\|Re k\\| and \\|Im k\\| for q² in low … high, and whether Im k is negative anywhere.

    They are not below any other number if something is not finite.
    """
    z_low, z_high = potential + scaled(ambient, low), potential + scaled(ambient, high)
    least = z_low.real if z_low.real < z_high.real else z_high.real
    im = abs(z_low.imag) + abs(z_high.imag)
    largest_im = 0.5 * im / math.sqrt(least) if least > im else math.sqrt(abs(least) + im)
    return (
        math.sqrt(abs(z_low.real) + abs(z_high.real) + im),
        largest_im,
        z_low.imag < 0.0 or z_high.imag < 0.0,
    )


@compiled(relaxed=True, inner=True)
def bounds_of_row(waves: np.ndarray, layer: int, n: int) -> tuple[float, float, bool]:
    """The same of wave vectors that are there. The bits of positive numbers are in the order of the numbers."""
    largest_re = largest_im = signs = 0
    for i in range(8 * n):
        k = load(waves, layer, i)
        re, im = bits(abs(k.real)), bits(abs(k.imag))
        largest_re = re if re > largest_re else largest_re
        largest_im = im if im > largest_im else largest_im
        signs |= bits(k.imag)
    return number(largest_re), number(largest_im), signs < 0


@compiled(relaxed=True, inner=True)
def phases(waves: np.ndarray, layer: int, n: int, thickness: float, damping: float) -> None:
    """exp(i d k); `damping` bounds \\|d Im k\\|."""
    if damping == 0.0:
        for i in range(8 * n):
            sine, cosine = sine_cosine(thickness * load(waves, layer, i).real)
            store(waves, layer + PHASE, i, complex(cosine, sine))
    elif damping <= SMALL:
        for i in range(8 * n):
            k = load(waves, layer, i)
            size = exponential_small(-thickness * k.imag)
            sine, cosine = sine_cosine(thickness * k.real)
            store(waves, layer + PHASE, i, complex(size * cosine, size * sine))
    else:
        for i in range(8 * n):
            k = load(waves, layer, i)
            size = exponential(-thickness * k.imag)
            sine, cosine = sine_cosine(thickness * k.real)
            store(waves, layer + PHASE, i, complex(size * cosine, size * sine))
