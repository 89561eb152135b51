"""Interfaces and layers as 2×2 matrices, one block of points at a time; every loop vectorises.

The reflected amplitude is a quotient a/b. Going up through an interface and the layer n above it,

    a' = (s a + e b) p_n,   b' = e a + s b,   s = k_n + k,  e = (k_n − k) exp(−k_n k σ²/2),  p_n = exp(i d_n k_n),

which is Parratt's recursion multiplied by its denominators, so that nothing is divided. A factor that a and b have
in common means nothing, and from time to time they are scaled by a power of two. N equal periods are the power
N − 1 of one 2×2 matrix M, by repeated squaring; since M² = trace(M) M − det(M) (Cayley and Hamilton), every power
is alpha M + beta and only two numbers have to be squared.

Rows of `work` follow those of :mod:`.wave_vectors`.
"""

from __future__ import annotations

import numpy as np

from . import wave_vectors
from .compiled import compiled
from .elementary import SMALL, exponential, power_of_two_below_inverse, sine_cosine, sine_cosine_small
from .rows import COMPLEX, EIGHT, load, store
from .wave_vectors import PHASE

SUM = wave_vectors.END  # s
DIFFERENCE = SUM + COMPLEX  # e
STATE = DIFFERENCE + COMPLEX  # the column (a, b)
PERIOD = (
    STATE + 2 * COMPLEX
)  # matrix of a period without its first step: what becomes of (1, 0), then of (0, 1)
WHOLE = PERIOD + 4 * COMPLEX  # matrix of the whole period
TRACE = WHOLE + 4 * COMPLEX
DETERMINANT = TRACE + COMPLEX
ALPHA = DETERMINANT + COMPLEX
BETA = ALPHA + COMPLEX
END = BETA + COMPLEX


@compiled(relaxed=True, inner=True)
def interface(
    work: np.ndarray, waves: np.ndarray, below: int, above: int, n: int, factor: float, phase: float
) -> None:
    """s and e of the interface between two layers; `factor` −σ²/2, `phase` bounds \\|factor·Im(k_n k)\\|."""
    if factor == 0.0:
        for i in range(EIGHT * n):
            k, l = load(waves, below, i), load(waves, above, i)
            store(work, SUM, i, l + k)
            store(work, DIFFERENCE, i, l - k)
    elif phase <= SMALL:
        for i in range(EIGHT * n):
            k, l = load(waves, below, i), load(waves, above, i)
            product = l * k
            size = exponential(factor * product.real)
            sine, cosine = sine_cosine_small(factor * product.imag)
            store(work, SUM, i, l + k)
            store(work, DIFFERENCE, i, (l - k) * complex(size * cosine, size * sine))
    else:
        for i in range(EIGHT * n):
            k, l = load(waves, below, i), load(waves, above, i)
            product = l * k
            size = exponential(factor * product.real)
            sine, cosine = sine_cosine(factor * product.imag)
            store(work, SUM, i, l + k)
            store(work, DIFFERENCE, i, (l - k) * complex(size * cosine, size * sine))


@compiled(relaxed=True, inline=True, inner=True)
def _size(z: complex) -> float:
    return abs(z.real) + abs(z.imag)


@compiled(relaxed=True, inline=True, inner=True)
def _scaled(z: complex, factor: float) -> complex:
    return complex(z.real * factor, z.imag * factor)


@compiled(relaxed=True, inner=True)
def first_step(work: np.ndarray, waves: np.ndarray, above: int, n: int) -> None:
    """The state above the first interface and layer: nothing comes from the substrate, a/b = 0 below."""
    for i in range(EIGHT * n):
        store(work, STATE, i, load(work, DIFFERENCE, i) * load(waves, above + PHASE, i))
        store(work, STATE + COMPLEX, i, load(work, SUM, i))


@compiled(relaxed=True, inner=True)
def step(work: np.ndarray, waves: np.ndarray, above: int, n: int) -> None:
    """Take the state through the interface and the layer above it."""
    for i in range(EIGHT * n):
        s, e = load(work, SUM, i), load(work, DIFFERENCE, i)
        a, b = load(work, STATE, i), load(work, STATE + COMPLEX, i)
        store(work, STATE, i, (s * a + e * b) * load(waves, above + PHASE, i))
        store(work, STATE + COMPLEX, i, e * a + s * b)


@compiled(relaxed=True, inner=True)
def rescale(work: np.ndarray, n: int) -> None:
    """Scale the state by a power of two, so that it neither overflows nor vanishes."""
    for i in range(EIGHT * n):
        a, b = load(work, STATE, i), load(work, STATE + COMPLEX, i)
        factor = power_of_two_below_inverse(_size(a) + _size(b))
        store(work, STATE, i, _scaled(a, factor))
        store(work, STATE + COMPLEX, i, _scaled(b, factor))


@compiled(relaxed=True, inner=True)
def start_period(work: np.ndarray, n: int) -> None:
    """The unit matrix."""
    for i in range(EIGHT * n):
        store(work, PERIOD, i, complex(1.0, 0.0))
        store(work, PERIOD + COMPLEX, i, complex(0.0, 0.0))
        store(work, PERIOD + 2 * COMPLEX, i, complex(0.0, 0.0))
        store(work, PERIOD + 3 * COMPLEX, i, complex(1.0, 0.0))


@compiled(relaxed=True, inner=True)
def step_period(work: np.ndarray, waves: np.ndarray, above: int, n: int) -> None:
    """As `step` for the matrix of the period, scaled."""
    for i in range(EIGHT * n):
        s, e, p = load(work, SUM, i), load(work, DIFFERENCE, i), load(waves, above + PHASE, i)
        a, b = load(work, PERIOD, i), load(work, PERIOD + COMPLEX, i)
        c, d = load(work, PERIOD + 2 * COMPLEX, i), load(work, PERIOD + 3 * COMPLEX, i)
        a, b = (s * a + e * b) * p, e * a + s * b
        c, d = (s * c + e * d) * p, e * c + s * d
        factor = power_of_two_below_inverse(_size(a) + _size(b) + _size(c) + _size(d))
        store(work, PERIOD, i, _scaled(a, factor))
        store(work, PERIOD + COMPLEX, i, _scaled(b, factor))
        store(work, PERIOD + 2 * COMPLEX, i, _scaled(c, factor))
        store(work, PERIOD + 3 * COMPLEX, i, _scaled(d, factor))


@compiled(relaxed=True, inner=True)
def close_period(work: np.ndarray, waves: np.ndarray, first: int, n: int) -> None:
    """The whole period, scaled: its first step on top of the others; trace, determinant, power 1."""
    for i in range(EIGHT * n):
        s, e = load(work, SUM, i), load(work, DIFFERENCE, i)
        p = load(waves, first + PHASE, i)
        a, b = load(work, PERIOD, i), load(work, PERIOD + COMPLEX, i)
        c, d = load(work, PERIOD + 2 * COMPLEX, i), load(work, PERIOD + 3 * COMPLEX, i)
        a, b = (s * a + e * b) * p, e * a + s * b
        c, d = (s * c + e * d) * p, e * c + s * d
        factor = power_of_two_below_inverse(_size(a) + _size(b) + _size(c) + _size(d))
        a, b, c, d = _scaled(a, factor), _scaled(b, factor), _scaled(c, factor), _scaled(d, factor)
        store(work, WHOLE, i, a)
        store(work, WHOLE + COMPLEX, i, b)
        store(work, WHOLE + 2 * COMPLEX, i, c)
        store(work, WHOLE + 3 * COMPLEX, i, d)
        store(work, TRACE, i, a + d)
        store(work, DETERMINANT, i, a * d - b * c)
        store(work, ALPHA, i, complex(1.0, 0.0))
        store(work, BETA, i, complex(0.0, 0.0))


@compiled(relaxed=True, inner=True)
def square_power(work: np.ndarray, n: int, odd: bool) -> None:
    """Square the power, scaled by a power of two; if `odd`, times M as well."""
    for i in range(EIGHT * n):
        alpha, beta = load(work, ALPHA, i), load(work, BETA, i)
        factor = power_of_two_below_inverse(_size(alpha) + _size(beta))
        alpha, beta = _scaled(alpha, factor), _scaled(beta, factor)
        square = alpha * alpha
        cross = alpha * beta
        store(work, ALPHA, i, square * load(work, TRACE, i) + (cross + cross))
        store(work, BETA, i, beta * beta - square * load(work, DETERMINANT, i))
    if odd:
        for i in range(EIGHT * n):
            alpha, beta = load(work, ALPHA, i), load(work, BETA, i)
            store(work, ALPHA, i, alpha * load(work, TRACE, i) + beta)
            store(work, BETA, i, -(alpha * load(work, DETERMINANT, i)))


@compiled(relaxed=True, inner=True)
def apply_power(work: np.ndarray, n: int) -> None:
    """Take the state through the power of the period and then through a period without its first step."""
    for i in range(EIGHT * n):
        a, b = load(work, STATE, i), load(work, STATE + COMPLEX, i)
        alpha, beta = load(work, ALPHA, i), load(work, BETA, i)
        u = load(work, WHOLE, i) * a + load(work, WHOLE + 2 * COMPLEX, i) * b
        v = load(work, WHOLE + COMPLEX, i) * a + load(work, WHOLE + 3 * COMPLEX, i) * b
        a, b = alpha * u + beta * a, alpha * v + beta * b
        u = load(work, PERIOD, i) * a + load(work, PERIOD + 2 * COMPLEX, i) * b
        v = load(work, PERIOD + COMPLEX, i) * a + load(work, PERIOD + 3 * COMPLEX, i) * b
        factor = power_of_two_below_inverse(_size(u) + _size(v))
        store(work, STATE, i, _scaled(u, factor))
        store(work, STATE + COMPLEX, i, _scaled(v, factor))


@compiled(relaxed=True, inner=True)
def quotient(work: np.ndarray, n: int, bare: bool, amplitude: bool) -> None:
    """a/b above the last interface, as STATE, or else \\|a/b\\|², as the real row STATE.

    bare : there is only one interface, and the state is already above it.
    """
    for i in range(EIGHT * n):
        a, b = load(work, STATE, i), load(work, STATE + COMPLEX, i)
        if not bare:
            s, e = load(work, SUM, i), load(work, DIFFERENCE, i)
            a, b = s * a + e * b, e * a + s * b
        inverse = 1.0 / (b.real * b.real + b.imag * b.imag)
        if amplitude:
            store(work, STATE, i, _scaled(a * complex(b.real, -b.imag), inverse))
        else:
            work[STATE + i] = (a.real * a.real + a.imag * a.imag) * inverse
