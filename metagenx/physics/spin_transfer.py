"""Interfaces between magnetic layers, one block of points at a time; every loop vectorises.

With both spin states, the waves in a layer are D (two components, going down) and U (going up), U = ρ D with a 2×2
reflection matrix ρ; rows of ρ are the reflected spin state, columns the incident one. Blundell and Bland's 4×4
matrix of an interface consists of two 2×2 blocks, each twice: D' = A D + B U, U' = B D + A U. So

    ρ' = (B + A ρ) (A + B ρ)⁻¹,     through a layer  ρ_ab → exp(i d k_a) ρ_ab exp(i d k_b),

and nothing grows. With x, y = k+, k− below and u, v = k+, k− above, and the difference of the angles 2h,

    A_ab = ±cos|sin(h) (k_a' + k_b)/(2 k_a') exp(−(k_a' − k_b)² σ²/2),   B_ab with k_b → −k_b (signs in the code).

The exponent is a sum of terms of k_a', of k_b, and of k_a' k_b. The first two and 1/(2 k_a') are diagonal matrices
beside A and B; they only give ρ_ab factors of the layer, τ_a/τ_b with τ = exp(−k² (σ² + σ_below²)/2)/k, and since
k+² − k−² = V− − V+, all but k itself is one number g for all points. What is left of A and B, Â and B̂, takes four
exponentials instead of eight, and no division.
"""

from __future__ import annotations

import numpy as np

from . import wave_vectors
from .compiled import compiled
from .elementary import SMALL, exponential, sine_cosine, sine_cosine_small
from .instructions import BLOCK, COMPLEX, dot, load, scaled, square, store, times
from .wave_vectors import PHASE, WAVE

# 2×2 matrices are four complex rows: elements ++, +−, −+, −−.
PP, PM, MP, MM = 0, COMPLEX, 2 * COMPLEX, 3 * COMPLEX

# Rows of `work`, after those of `wave_vectors`.
STATE = wave_vectors.END  # ρ
SQUARES = STATE + 4 * COMPLEX  # three real rows
END = SQUARES + 2 * COMPLEX

# Rows of `interfaces`, from where an interface begins.
SUM = 0  # Â
DIFFERENCE = 4 * COMPLEX  # B̂
INTERFACE = 8 * COMPLEX

# Rows of `waves`, from where a layer begins: those of + and of −, then the factors of ρ+− and ρ−+ but for g.
PLUS = 0
MINUS = WAVE
MIXED_PM = 2 * WAVE
MIXED_MP = MIXED_PM + COMPLEX
SPIN_WAVE = MIXED_MP + COMPLEX


@compiled(relaxed=True, inner=True)
def mixed_factors(waves: np.ndarray, layer: int, n: int) -> None:
    """exp(i d (k+ + k−)) k−/k+ and the same with k+/k−."""
    for i in range(8 * n):
        x, y = load(waves, layer + PLUS, i), load(waves, layer + MINUS, i)
        both = times(load(waves, layer + PLUS + PHASE, i), load(waves, layer + MINUS + PHASE, i))
        ratio = times(x, complex(y.real, -y.imag))
        store(waves, layer + MIXED_MP, i, times(both, scaled(ratio, 1.0 / square(y))))
        inverse = 1.0 / square(x)
        store(waves, layer + MIXED_PM, i, times(both, complex(ratio.real * inverse, -ratio.imag * inverse)))


@compiled(relaxed=True, inline=True, inner=True)
def _pair(k: complex, l: complex, rough: float, weight: float, small: bool) -> tuple[complex, complex]:
    """weight·(l + k) exp(k l σ²) and weight·(l − k) exp(−k l σ²); `rough` σ²."""
    product = times(k, l)
    if small:
        sine, cosine = sine_cosine_small(rough * product.imag)
    else:
        sine, cosine = sine_cosine(rough * product.imag)
    decay = exponential(-rough * product.real)
    growth = weight / decay
    decay = weight * decay
    return (
        times(l + k, complex(growth * cosine, growth * sine)),
        times(l - k, complex(decay * cosine, -decay * sine)),
    )


@compiled(relaxed=True, inline=True, inner=True)
def _interface(
    interfaces: np.ndarray, waves: np.ndarray, at: int, below: int, above: int, i: int, rough: float, c: float,
    s: float, small: bool,
) -> None:  # fmt: skip
    x, y = load(waves, below + PLUS, i), load(waves, below + MINUS, i)
    u, v = load(waves, above + PLUS, i), load(waves, above + MINUS, i)
    plus, minus = _pair(x, u, rough, c, small)
    store(interfaces, at + SUM + PP, i, plus)
    store(interfaces, at + DIFFERENCE + PP, i, minus)
    plus, minus = _pair(y, u, rough, s, small)
    store(interfaces, at + SUM + PM, i, plus)
    store(interfaces, at + DIFFERENCE + PM, i, minus)
    plus, minus = _pair(x, v, rough, -s, small)
    store(interfaces, at + SUM + MP, i, plus)
    store(interfaces, at + DIFFERENCE + MP, i, minus)
    plus, minus = _pair(y, v, rough, c, small)
    store(interfaces, at + SUM + MM, i, plus)
    store(interfaces, at + DIFFERENCE + MM, i, minus)


@compiled(relaxed=True, inner=True)
def interface(
    interfaces: np.ndarray, waves: np.ndarray, at: int, below: int, above: int, n: int, rough: float, c: float,
    s: float, phase: float,
) -> None:  # fmt: skip
    """Â and B̂ of an interface; `rough` σ², `c`, `s` cosine and sine of half the turn, `phase` bounds σ²·Im(k l)."""
    if phase <= SMALL:
        for i in range(8 * n):
            _interface(interfaces, waves, at, below, above, i, rough, c, s, True)
    else:
        for i in range(8 * n):
            _interface(interfaces, waves, at, below, above, i, rough, c, s, False)


@compiled(relaxed=True, inner=True)
def start(work: np.ndarray, waves: np.ndarray, substrate: int, n: int) -> None:
    """Nothing comes from the substrate."""
    zero, one = complex(0.0, 0.0), complex(1.0, 0.0)
    for i in range(8 * n):
        store(work, STATE + PP, i, zero)
        store(work, STATE + PM, i, zero)
        store(work, STATE + MP, i, zero)
        store(work, STATE + MM, i, zero)
        store(waves, substrate + PLUS + PHASE, i, one)
        store(waves, substrate + MINUS + PHASE, i, one)
        store(waves, substrate + MIXED_PM, i, one)
        store(waves, substrate + MIXED_MP, i, one)


@compiled(relaxed=True, inner=True)
def step(
    work: np.ndarray, waves: np.ndarray, interfaces: np.ndarray, below: int, at: int, n: int, g: complex,
    inverse_g: complex,
) -> None:  # fmt: skip
    """ρ through the layer `below` and the interface above it."""
    for i in range(8 * n):
        up, down = load(waves, below + PLUS + PHASE, i), load(waves, below + MINUS + PHASE, i)
        pp = times(times(up, up), load(work, STATE + PP, i))
        mm = times(times(down, down), load(work, STATE + MM, i))
        pm = times(times(inverse_g, load(waves, below + MIXED_PM, i)), load(work, STATE + PM, i))
        mp = times(times(g, load(waves, below + MIXED_MP, i)), load(work, STATE + MP, i))
        a, b = load(interfaces, at + SUM + PP, i), load(interfaces, at + SUM + PM, i)
        c, d = load(interfaces, at + DIFFERENCE + PP, i), load(interfaces, at + DIFFERENCE + PM, i)
        w_pp, w_pm = a + dot(c, pp, d, mp), b + dot(c, pm, d, mm)
        n_pp, n_pm = c + dot(a, pp, b, mp), d + dot(a, pm, b, mm)
        a, b = load(interfaces, at + SUM + MP, i), load(interfaces, at + SUM + MM, i)
        c, d = load(interfaces, at + DIFFERENCE + MP, i), load(interfaces, at + DIFFERENCE + MM, i)
        w_mp, w_mm = a + dot(c, pp, d, mp), b + dot(c, pm, d, mm)
        n_mp, n_mm = c + dot(a, pp, b, mp), d + dot(a, pm, b, mm)
        determinant = dot(w_pp, w_mm, -w_pm, w_mp)
        factor = scaled(complex(determinant.real, -determinant.imag), 1.0 / square(determinant))
        store(work, STATE + PP, i, times(dot(n_pp, w_mm, -n_pm, w_mp), factor))
        store(work, STATE + PM, i, times(dot(n_pm, w_pp, -n_pp, w_pm), factor))
        store(work, STATE + MP, i, times(dot(n_mp, w_mm, -n_mm, w_mp), factor))
        store(work, STATE + MM, i, times(dot(n_mm, w_pp, -n_mp, w_pm), factor))


@compiled(relaxed=True, inner=True)
def squares(work: np.ndarray, waves: np.ndarray, ambient: int, n: int, g: complex) -> None:
    """|ρ|² above the last interface, as real rows: uu, dd, ud."""
    for i in range(8 * n):
        x, y = load(waves, ambient + PLUS, i), load(waves, ambient + MINUS, i)
        ratio = times(g, scaled(times(x, complex(y.real, -y.imag)), 1.0 / square(y)))
        work[SQUARES + i] = square(load(work, STATE + PP, i))
        work[SQUARES + BLOCK + i] = square(load(work, STATE + MM, i))
        work[SQUARES + 2 * BLOCK + i] = square(times(ratio, load(work, STATE + MP, i)))
