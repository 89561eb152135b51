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
from .instructions import COMPLEX, dot, load, scaled, square, store, times
from .wave_vectors import PHASE

SUM = wave_vectors.END  # s
DIFFERENCE = SUM + COMPLEX  # e
STATE = DIFFERENCE + COMPLEX  # the column (a, b)
# Matrix of a period without its first step, what becomes of (1, 0) and then of (0, 1); and of the whole period.
PERIOD = STATE + 2 * COMPLEX
WHOLE = PERIOD + 4 * COMPLEX
TRACE = WHOLE + 4 * COMPLEX
DETERMINANT = TRACE + COMPLEX
ALPHA = DETERMINANT + COMPLEX
BETA = ALPHA + COMPLEX
END = BETA + COMPLEX


@compiled(relaxed=True, inner=True)
def interface(work: np.ndarray, waves: np.ndarray, below: int, above: int, n: int, factor: float, phase: float) -> None:
    """s and e of the interface between two layers; `factor` −σ²/2, `phase` bounds \\|factor·Im(k_n k)\\|."""
    if factor == 0.0:
        for i in range(8 * n):
            k, l = load(waves, below, i), load(waves, above, i)
            store(work, SUM, i, l + k)
            store(work, DIFFERENCE, i, l - k)
    elif phase <= SMALL:
        for i in range(8 * n):
            k, l = load(waves, below, i), load(waves, above, i)
            product = times(l, k)
            size = exponential(factor * product.real)
            sine, cosine = sine_cosine_small(factor * product.imag)
            store(work, SUM, i, l + k)
            store(work, DIFFERENCE, i, times(l - k, complex(size * cosine, size * sine)))
    else:
        for i in range(8 * n):
            k, l = load(waves, below, i), load(waves, above, i)
            product = times(l, k)
            size = exponential(factor * product.real)
            sine, cosine = sine_cosine(factor * product.imag)
            store(work, SUM, i, l + k)
            store(work, DIFFERENCE, i, times(l - k, complex(size * cosine, size * sine)))


@compiled(relaxed=True, inner=True)
def real_interface(work: np.ndarray, waves: np.ndarray, below: int, above: int, n: int, factor: float) -> None:
    """As `interface` where both wave vectors are real."""
    for i in range(8 * n):
        k, l = load(waves, below, i).real, load(waves, above, i).real
        store(work, SUM, i, complex(l + k, 0.0))
        store(work, DIFFERENCE, i, complex((l - k) * exponential(factor * (l * k)), 0.0))


@compiled(relaxed=True, inline=True, inner=True)
def _size(z: complex) -> float:
    return abs(z.real) + abs(z.imag)


@compiled(relaxed=True, inner=True)
def first_step(work: np.ndarray, waves: np.ndarray, above: int, n: int) -> None:
    """The state above the first interface and layer: nothing comes from the substrate, a/b = 0 below."""
    for i in range(8 * n):
        store(work, STATE, i, times(load(work, DIFFERENCE, i), load(waves, above + PHASE, i)))
        store(work, STATE + COMPLEX, i, load(work, SUM, i))


@compiled(relaxed=True, inner=True)
def step(work: np.ndarray, waves: np.ndarray, above: int, n: int) -> None:
    """Take the state through the interface and the layer above it."""
    for i in range(8 * n):
        s, e = load(work, SUM, i), load(work, DIFFERENCE, i)
        a, b = load(work, STATE, i), load(work, STATE + COMPLEX, i)
        store(work, STATE, i, times(dot(s, a, e, b), load(waves, above + PHASE, i)))
        store(work, STATE + COMPLEX, i, dot(e, a, s, b))


@compiled(relaxed=True, inner=True)
def rescale(work: np.ndarray, n: int) -> None:
    """Scale the state by a power of two, so that it neither overflows nor vanishes."""
    for i in range(8 * n):
        a, b = load(work, STATE, i), load(work, STATE + COMPLEX, i)
        factor = power_of_two_below_inverse(_size(a) + _size(b))
        store(work, STATE, i, scaled(a, factor))
        store(work, STATE + COMPLEX, i, scaled(b, factor))


@compiled(relaxed=True, inner=True)
def start_period(work: np.ndarray, n: int) -> None:
    """The unit matrix."""
    for i in range(8 * n):
        store(work, PERIOD, i, complex(1.0, 0.0))
        store(work, PERIOD + COMPLEX, i, complex(0.0, 0.0))
        store(work, PERIOD + 2 * COMPLEX, i, complex(0.0, 0.0))
        store(work, PERIOD + 3 * COMPLEX, i, complex(1.0, 0.0))


@compiled(relaxed=True, inline=True, inner=True)
def _step_period(work: np.ndarray, waves: np.ndarray, above: int, i: int, target: int) -> None:
    s, e, p = load(work, SUM, i), load(work, DIFFERENCE, i), load(waves, above + PHASE, i)
    a, b = load(work, PERIOD, i), load(work, PERIOD + COMPLEX, i)
    c, d = load(work, PERIOD + 2 * COMPLEX, i), load(work, PERIOD + 3 * COMPLEX, i)
    a, b, c, d = times(dot(s, a, e, b), p), dot(e, a, s, b), times(dot(s, c, e, d), p), dot(e, c, s, d)
    factor = power_of_two_below_inverse(_size(a) + _size(b) + _size(c) + _size(d))
    store(work, target, i, scaled(a, factor))
    store(work, target + COMPLEX, i, scaled(b, factor))
    store(work, target + 2 * COMPLEX, i, scaled(c, factor))
    store(work, target + 3 * COMPLEX, i, scaled(d, factor))


@compiled(relaxed=True, inner=True)
def step_period(work: np.ndarray, waves: np.ndarray, above: int, n: int, last: bool) -> None:
    """As `step` for the matrix of the period, scaled; the `last` step, into the first layer again, makes WHOLE."""
    if last:  # two loops: with one and two targets, the compiler would not vectorise
        for i in range(8 * n):
            _step_period(work, waves, above, i, WHOLE)
    else:
        for i in range(8 * n):
            _step_period(work, waves, above, i, PERIOD)


@compiled(relaxed=True, inner=True)
def start_power(work: np.ndarray, n: int) -> None:
    """Trace and determinant of the whole period; power 1."""
    for i in range(8 * n):
        a, b = load(work, WHOLE, i), load(work, WHOLE + COMPLEX, i)
        c, d = load(work, WHOLE + 2 * COMPLEX, i), load(work, WHOLE + 3 * COMPLEX, i)
        store(work, TRACE, i, a + d)
        store(work, DETERMINANT, i, dot(a, d, -b, c))
        store(work, ALPHA, i, complex(1.0, 0.0))
        store(work, BETA, i, complex(0.0, 0.0))


@compiled(relaxed=True, inner=True)
def square_power(work: np.ndarray, n: int, odd: bool) -> None:
    """Square the power, scaled by a power of two; if `odd`, times M as well."""
    for i in range(8 * n):
        trace, minus_determinant = load(work, TRACE, i), -load(work, DETERMINANT, i)
        alpha, beta = load(work, ALPHA, i), load(work, BETA, i)
        factor = power_of_two_below_inverse(_size(alpha) + _size(beta))
        alpha, beta = scaled(alpha, factor), scaled(beta, factor)
        both = times(alpha, alpha)
        alpha, beta = dot(both, trace, alpha, beta + beta), dot(beta, beta, both, minus_determinant)
        if odd:
            alpha, beta = times(alpha, trace) + beta, times(alpha, minus_determinant)
        store(work, ALPHA, i, alpha)
        store(work, BETA, i, beta)


@compiled(relaxed=True, inner=True)
def apply_power(work: np.ndarray, n: int) -> None:
    """Take the state through the power of the period and then through a period without its first step."""
    for i in range(8 * n):
        a, b = load(work, STATE, i), load(work, STATE + COMPLEX, i)
        alpha, beta = load(work, ALPHA, i), load(work, BETA, i)
        u = dot(load(work, WHOLE, i), a, load(work, WHOLE + 2 * COMPLEX, i), b)
        v = dot(load(work, WHOLE + COMPLEX, i), a, load(work, WHOLE + 3 * COMPLEX, i), b)
        a, b = dot(alpha, u, beta, a), dot(alpha, v, beta, b)
        u = dot(load(work, PERIOD, i), a, load(work, PERIOD + 2 * COMPLEX, i), b)
        v = dot(load(work, PERIOD + COMPLEX, i), a, load(work, PERIOD + 3 * COMPLEX, i), b)
        factor = power_of_two_below_inverse(_size(u) + _size(v))
        store(work, STATE, i, scaled(u, factor))
        store(work, STATE + COMPLEX, i, scaled(v, factor))


@compiled(relaxed=True, inner=True)
def quotient(work: np.ndarray, n: int, bare: bool, amplitude: bool) -> None:
    """a/b above the last interface, as STATE, or else \\|a/b\\|², as the real row STATE.

    bare : there is only one interface, and the state is already above it.
    """
    for i in range(8 * n):
        a, b = load(work, STATE, i), load(work, STATE + COMPLEX, i)
        if not bare:
            s, e = load(work, SUM, i), load(work, DIFFERENCE, i)
            a, b = dot(s, a, e, b), dot(e, a, s, b)
        inverse = 1.0 / square(b)
        if amplitude:
            store(work, STATE, i, scaled(times(a, complex(b.real, -b.imag)), inverse))
        else:
            work[STATE + i] = square(a) * inverse
