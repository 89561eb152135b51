"""exp, sin and cos that vectorise: branch-free, inlined into the kernels' loops, accurate to about one ulp.

The library functions are calls, and a loop with a call in it runs one number at a time. Here: argument reduction
in two or three steps (W. J. Cody and W. Waite, 1980), rounding to an integer by adding 1.5·2⁵², and polynomials
that minimise the largest relative error (Remez algorithm, computed in 60 digits). The ranges are the caller's
duty; outside them the results are wrong without a warning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compiled import compiled

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


def _bits_of(typing_context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


def _number_of(typing_context: Any, bits: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


# The 64 bits of a float64 as an int64, and back; for compiled functions only.
bits = cast(Callable[[float], int], intrinsic(_bits_of))
number = cast(Callable[[int], float], intrinsic(_number_of))
_bits, _number = bits, number


@compiled(relaxed=True, inline=True)
def exponential(x: float) -> float:
    """e^x for x ≤ 700; e^-708 for all below."""
    x = x if x > _SMALLEST_EXPONENT else _SMALLEST_EXPONENT
    shifted = x * _LOG2_E + _ROUNDING
    n = shifted - _ROUNDING
    r = x - n * _LN2_HIGH
    r = r - n * _LN2_LOW
    p = 2.511783539433448e-08
    p = p * r + 2.7631238062567345e-07
    p = p * r + 2.7557216392245797e-06
    p = p * r + 2.4801490073857054e-05
    p = p * r + 0.00019841269917265846
    p = p * r + 0.0013888888946871542
    p = p * r + 0.008333333333307269
    p = p * r + 0.04166666666651606
    p = p * r + 0.166666666666667
    p = p * r + 0.5000000000000012
    p = p * (r * r) + r + 1.0
    return number(bits(p) + (bits(shifted) << 52))


@compiled(relaxed=True, inline=True, inner=True)
def exponential_small(x: float) -> float:
    """e^x for \\|x\\| ≤ 1/32: the first terms of its series."""
    p = x * (1 / 5040) + 1 / 720
    p = p * x + 1 / 120
    p = p * x + 1 / 24
    p = p * x + 1 / 6
    p = p * x + 0.5
    p = p * x + 1.0
    return p * x + 1.0


@compiled(relaxed=True, inline=True, inner=True)
def sine_cosine_small(x: float) -> tuple[float, float]:
    """Sine and cosine of x for \\|x\\| ≤ 1/32: the first terms of their series."""
    z = x * x
    s = z * (-1 / 5040) + 1 / 120
    s = s * z - 1 / 6
    c = z * (-1 / 720) + 1 / 24
    c = c * z - 0.5
    return s * (z * x) + x, c * z + 1.0


@compiled(relaxed=True, inline=True, inner=True)
def root_and_inverse(x: float) -> tuple[float, float]:
    """sqrt(x) and 1/sqrt(x) of a normal x > 0, in half the time of the processor's root and division.

    A guess from the bits of x, and Newton's method with steps of fourth and second order, then one for both.
    """
    y = number(0x5FE6EB50C7B537A9 - (bits(x) >> 1))
    r = 1.0 - x * y * y
    y = y + y * (r * (r * (r * 0.3125 + 0.375) + 0.5))
    y = y + y * (0.5 - 0.5 * x * y * y)
    root = x * y
    half = 0.5 - 0.5 * root * y
    return root * half + root, y * half + y


@compiled(relaxed=True, inline=True)
def sine_cosine_reduced(x: float) -> tuple[float, float]:
    """Sine and cosine of x for -π/4 ≤ x ≤ π/4."""
    z = x * x
    s = 1.5896811786487248e-10
    s = s * z - 2.5050758384210673e-08
    s = s * z + 2.755731369357205e-06
    s = s * z - 0.0001984126982981238
    s = s * z + 0.008333333333322418
    s = s * z - 0.16666666666666632
    c = 2.0647715253161767e-09
    c = c * z - 2.7555566784502693e-07
    c = c * z + 2.4801580969793563e-05
    c = c * z - 0.0013888888878270135
    c = c * z + 0.04166666666660222
    return s * (z * x) + x, c * (z * z) + (1.0 - 0.5 * z)


@compiled(relaxed=True, inline=True)
def sine_cosine(x: float) -> tuple[float, float]:
    """Sine and cosine of x for \\|x\\| ≤ 1e6."""
    shifted = x * _TWO_OVER_PI + _ROUNDING
    n = shifted - _ROUNDING
    r = x - n * _HALF_PI_HIGH
    r = r - n * _HALF_PI_MIDDLE
    r = r - n * _HALF_PI_LOW
    s, c = sine_cosine_reduced(r)
    quarter = bits(shifted)
    swap = (quarter & 1) != 0
    sine = c if swap else s
    cosine = s if swap else c
    sine = number(bits(sine) ^ ((quarter & 2) << 62))
    cosine = number(bits(cosine) ^ (((quarter + 1) & 2) << 62))
    return sine, cosine


@compiled(relaxed=True, inline=True)
def power_of_two_below_inverse(x: float) -> float:
    """A power of two that brings a normal x > 0 into 1 … 2."""
    return number((2046 << 52) - (bits(x) & (2047 << 52)))
