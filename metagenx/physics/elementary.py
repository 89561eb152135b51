"""exp, sin, cos and sqrt that vectorise: branch-free, inlined into the kernels' loops.

exp is accurate to 1.1 units in the last place, sin and cos to 2.5.

The library functions are calls, and a loop with a call in it runs one number at a time. Here: argument reduction
in two or three steps (W. J. Cody and W. Waite, 1980), rounding to an integer by adding 1.5·2⁵², and polynomials
that minimise the largest relative error (Remez algorithm, computed in 60 digits). The ranges are the caller's
duty; outside them the results are wrong without a warning.
"""

from __future__ import annotations

from .compiled import compiled
from .instructions import bits, number, polynomial

LARGEST_ANGLE = 1e6  # of `sine_cosine`, either sign
SMALL = 1 / 32  # largest argument of the functions for small ones, either sign
LARGEST_EXPONENT = 700.0  # of `exponential`; below -708 it stays at exp(-708)

_ROUNDING = 6755399441055744.0  # 1.5·2⁵²: added, it leaves round(x) in the lowest bits
_SMALLEST_EXPONENT = -708.0
_LOG2_E = 1.4426950408889634
_LN2_HIGH = 0.6931471805592082  # 40 bits, so that n·_LN2_HIGH is exact
_LN2_LOW = 7.371002565167799e-13
_TWO_OVER_PI = 0.6366197723675814
_HALF_PI_HIGH = 1.5707963267341256  # 33 bits each, then the rest
_HALF_PI_MIDDLE = 6.077100506303966e-11
_HALF_PI_LOW = 2.0222662487959506e-21

# (e^x − 1 − x)/x² for |x| ≤ ln(2)/2
_exponential_rest = polynomial(
    0.5000000000000012, 0.166666666666667, 0.04166666666651606, 0.008333333333307269, 0.0013888888946871542,
    0.00019841269917265846, 2.4801490073857054e-05, 2.7557216392245797e-06, 2.7631238062567345e-07,
    2.511783539433448e-08,
)  # fmt: skip
# (sin x − x)/x³ and (cos x − 1 + x²/2)/x⁴ for |x| ≤ π/4, in x²
_sine_rest = polynomial(
    -0.16666666666666632, 0.008333333333322418, -0.0001984126982981238, 2.755731369357205e-06,
    -2.5050758384210673e-08, 1.5896811786487248e-10,
)  # fmt: skip
_cosine_rest = polynomial(
    0.04166666666660222, -0.0013888888878270135, 2.4801580969793563e-05, -2.7555566784502693e-07,
    2.0647715253161767e-09,
)  # fmt: skip
# The first terms of the series, enough for |x| ≤ 1/32: e^x; (sin x − x)/x³ and (cos x − 1)/x², in x².
_exponential_series = polynomial(1.0, 1.0, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040)
_sine_series = polynomial(-1 / 6, 1 / 120, -1 / 5040)
_cosine_series = polynomial(-1 / 2, 1 / 24, -1 / 720)
# 1/sqrt(1 − r) − 1, divided by r
_inverse_root_series = polynomial(0.5, 0.375, 0.3125)


@compiled(relaxed=True, inline=True, inner=True)
def exponential(x: float) -> float:
    """e^x for x ≤ 700; e^-708 for all below."""
    x = x if x > _SMALLEST_EXPONENT else _SMALLEST_EXPONENT
    shifted = x * _LOG2_E + _ROUNDING
    n = shifted - _ROUNDING
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    p = _exponential_rest(r) * (r * r) + r + 1.0
    return number(bits(p) + (bits(shifted) << 52))


@compiled(relaxed=True, inline=True, inner=True)
def exponential_small(x: float) -> float:
    """e^x for \\|x\\| ≤ 1/32."""
    return _exponential_series(x)


@compiled(relaxed=True, inline=True, inner=True)
def sine_cosine(x: float) -> tuple[float, float]:
    """Sine and cosine of x for \\|x\\| ≤ 1e6."""
    shifted = x * _TWO_OVER_PI + _ROUNDING
    n = shifted - _ROUNDING
    r = ((x - n * _HALF_PI_HIGH) - n * _HALF_PI_MIDDLE) - n * _HALF_PI_LOW
    z = r * r
    s = _sine_rest(z) * (z * r) + r
    c = _cosine_rest(z) * (z * z) + (1.0 - 0.5 * z)
    quarter = bits(shifted)
    swap = (quarter & 1) != 0
    sine = c if swap else s
    cosine = s if swap else c
    return (
        number(bits(sine) ^ ((quarter & 2) << 62)),
        number(bits(cosine) ^ (((quarter + 1) & 2) << 62)),
    )


@compiled(relaxed=True, inline=True, inner=True)
def sine_cosine_small(x: float) -> tuple[float, float]:
    """Sine and cosine of x for \\|x\\| ≤ 1/32."""
    z = x * x
    return _sine_series(z) * (z * x) + x, _cosine_series(z) * z + 1.0


@compiled(relaxed=True, inline=True, inner=True)
def root_and_inverse(x: float) -> tuple[float, float]:
    """sqrt(x) and 1/sqrt(x) of a normal x > 0, in half the time of the processor's root and division.

    A guess from the bits of x, and Newton's method with steps of fourth and second order, then one for both.
    """
    y = number(0x5FE6EB50C7B537A9 - (bits(x) >> 1))
    r = 1.0 - x * y * y
    y = y + y * (r * _inverse_root_series(r))
    y = y + y * (0.5 - 0.5 * x * y * y)
    root = x * y
    half = 0.5 - 0.5 * root * y
    return root * half + root, y * half + y


@compiled(relaxed=True, inline=True, inner=True)
def power_of_two_below_inverse(x: float) -> float:
    """A power of two that brings a normal x > 0 into 1 … 2."""
    return number((2046 << 52) - (bits(x) & (2047 << 52)))
