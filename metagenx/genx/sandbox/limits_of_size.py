"""Functions whose result grows out of all proportion to their arguments, with a limit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

#: Bits of the largest whole number that may be multiplied, raised or shifted; about 20 000 digits.
MAX_BITS = 1 << 16
#: Largest exponent of ``x **= n``, where the size of x is not looked at.
MAX_EXPONENT = 1000
#: Points of an array that takes no memory of its own.
MAX_BROADCAST = 100_000_000
#: Products of a convolution, about ten seconds.
MAX_PRODUCTS = 10_000_000_000
_MAX_FACTORIAL = 10_000


class TooLarge(ValueError):
    """A number that would take for ever to compute."""


def factor(value: Any) -> Any:
    """`value`, unless it is a whole number of more than `MAX_BITS` bits."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise TooLarge(f"a whole number of {value.bit_length()} bits is too large to calculate with")
    return value


def exponent(value: Any) -> Any:
    """`value`, unless it is a whole number above `MAX_EXPONENT`."""
    if isinstance(value, int) and value > MAX_EXPONENT:
        raise TooLarge("the exponent is too large")
    return value


def shift(value: Any) -> Any:
    """`value`, unless it is a whole number above `MAX_BITS`."""
    if isinstance(value, int) and value > MAX_BITS:
        raise TooLarge(f"a shift by {value} bits is too large")
    return value


def raise_to(base: Any, power: Any) -> Any:
    """``base ** power``, unless it is a whole number of more than `MAX_BITS` bits."""
    if isinstance(power, int) and isinstance(base, int) and power > 1 and base.bit_length() * power > MAX_BITS:
        raise TooLarge("the power is too large to calculate")
    if isinstance(power, int) and power > MAX_EXPONENT and getattr(base, "dtype", None) == np.dtype(object):
        raise TooLarge("the power is too large to calculate")
    return base**power


def power_of(base: Any, power: Any, modulus: Any = None) -> Any:
    """``pow``."""
    return raise_to(base, power) if modulus is None else pow(factor(base), factor(power), factor(modulus))


def power(base: Any, exponent: Any, /, *args: Any, **keywords: Any) -> Any:
    """``numpy.power`` of numbers; whole numbers of any size (dtype object) are refused."""
    if np.asarray(base).dtype == object or np.asarray(exponent).dtype == object:
        raise TooLarge("power() of whole numbers beyond 64 bits")
    return np.power(base, exponent, *args, **keywords)


def factorial(n: int) -> int:
    """``math.factorial`` up to 10 000."""
    if n > _MAX_FACTORIAL:
        raise TooLarge("the factorial is too large to calculate")
    return math.factorial(n)


def comb(n: int, k: int) -> int:
    """``math.comb`` up to 10 000."""
    if n > _MAX_FACTORIAL:
        raise TooLarge("the binomial coefficient is too large to calculate")
    return math.comb(n, k)


def broadcast_to(array: Any, shape: Any) -> np.ndarray:
    """``numpy.broadcast_to`` up to `MAX_BROADCAST` points: more take no memory, but all the time one has."""
    made = np.broadcast_to(array, shape)
    if made.size > MAX_BROADCAST:
        raise TooLarge(f"broadcast_to() more than {MAX_BROADCAST} points")
    return made


def broadcast_arrays(*arrays: Any, subok: bool = False) -> Any:
    """``numpy.broadcast_arrays`` up to `MAX_BROADCAST` points."""
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    if math.prod(shape) > MAX_BROADCAST:
        raise TooLarge(f"broadcast_arrays() to more than {MAX_BROADCAST} points")
    return np.broadcast_arrays(*arrays)


def convolve(a: Any, v: Any, mode: Any = "full") -> np.ndarray:
    """``numpy.convolve`` up to `MAX_PRODUCTS` products."""
    _check_products(a, v)
    return np.convolve(a, v, mode)


def correlate(a: Any, v: Any, mode: Any = "valid") -> np.ndarray:
    """``numpy.correlate`` up to `MAX_PRODUCTS` products."""
    _check_products(a, v)
    return np.correlate(a, v, mode)


def _check_products(a: Any, v: Any) -> None:
    if np.size(a) * np.size(v) > MAX_PRODUCTS:
        raise TooLarge("the convolution of such long arrays takes too long")
