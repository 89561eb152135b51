"""Small operations for compiled functions, written straight as instructions of the compiler (LLVM).

They compile in no time, are always inlined, and vectorise. For use inside compiled functions only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

BLOCK = 256  # points at a time: the rows in use stay in the nearest caches
COMPLEX = 2 * BLOCK  # length of a complex row


def _define_bits(typing_context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


def _define_number(typing_context: Any, bits: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


def _pointer(context: Any, builder: Any, kind: Any, place: Any, offset: int) -> Any:
    array, row, i = place
    data = context.make_array(kind)(context, builder, array).data
    index = builder.add(row, i, flags=["nsw"])
    index = builder.add(index, ir.Constant(index.type, offset), flags=["nsw"])
    return builder.gep(data, [index], inbounds=True)


def _define_load(typing_context: Any, array: Any, row: Any, i: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, place: Any) -> Any:
        z = context.make_complex(builder, types.complex128)
        z.real = builder.load(_pointer(context, builder, signature.args[0], place, 0))
        z.imag = builder.load(_pointer(context, builder, signature.args[0], place, BLOCK))
        return z._getvalue()

    return types.complex128(array, types.int64, types.int64), generate


def _define_store(typing_context: Any, array: Any, row: Any, i: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        *place, value = arguments
        z = context.make_complex(builder, types.complex128, value)
        builder.store(z.real, _pointer(context, builder, signature.args[0], place, 0))
        builder.store(z.imag, _pointer(context, builder, signature.args[0], place, BLOCK))
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64, types.complex128), generate


def _parts(context: Any, builder: Any, numbers: Any) -> list[tuple[Any, Any]]:
    pairs = [context.make_complex(builder, types.complex128, number) for number in numbers]
    return [(pair.real, pair.imag) for pair in pairs]


def _product(builder: Any, a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Any, Any]:
    real = builder.fsub(builder.fmul(a[0], b[0]), builder.fmul(a[1], b[1]))
    imaginary = builder.fadd(builder.fmul(a[0], b[1]), builder.fmul(a[1], b[0]))
    return real, imaginary


def _complex(context: Any, builder: Any, real: Any, imaginary: Any) -> Any:
    z = context.make_complex(builder, types.complex128)
    z.real, z.imag = real, imaginary
    return z._getvalue()


def _define_times(typing_context: Any, a: Any, b: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _complex(context, builder, *_product(builder, *_parts(context, builder, arguments)))

    return types.complex128(types.complex128, types.complex128), generate


def _define_dot(typing_context: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, c, d = _parts(context, builder, arguments)
        real = builder.fsub(builder.fmul(a[0], b[0]), builder.fmul(a[1], b[1]))
        real = builder.fsub(builder.fadd(real, builder.fmul(c[0], d[0])), builder.fmul(c[1], d[1]))
        imaginary = builder.fadd(builder.fmul(a[0], b[1]), builder.fmul(a[1], b[0]))
        imaginary = builder.fadd(builder.fadd(imaginary, builder.fmul(c[0], d[1])), builder.fmul(c[1], d[0]))
        return _complex(context, builder, real, imaginary)

    return types.complex128(*[types.complex128] * 4), generate


def _define_scaled(typing_context: Any, z: Any, factor: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        z = context.make_complex(builder, types.complex128, arguments[0])
        factor = arguments[1]
        return _complex(context, builder, builder.fmul(z.real, factor), builder.fmul(z.imag, factor))

    return types.complex128(types.complex128, types.float64), generate


def _define_square(typing_context: Any, z: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        z = context.make_complex(builder, types.complex128, arguments[0])
        return builder.fadd(builder.fmul(z.real, z.real), builder.fmul(z.imag, z.imag))

    return types.float64(types.complex128), generate


def polynomial(*coefficients: float) -> Callable[[float], float]:
    """c₀ + c₁ x + c₂ x² + …, by Horner's rule."""

    def define(typing_context: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            (x,) = arguments
            value = ir.Constant(x.type, coefficients[-1])
            for coefficient in coefficients[-2::-1]:
                value = builder.fadd(builder.fmul(value, x), ir.Constant(x.type, coefficient))
            return value

        return types.float64(types.float64), generate

    return cast(Callable[[float], float], intrinsic(define))


# The 64 bits of a float64 as an int64, and back.
bits = cast(Callable[[float], int], intrinsic(_define_bits))
number = cast(Callable[[int], float], intrinsic(_define_number))

# Complex numbers in rows. A flat float64 array is read as rows of BLOCK numbers; a complex row is a row of real
# parts followed by one of imaginary parts, and is named by the index where it begins. Distances between rows are
# known, indices are not checked and never negative: this is what lets the compiler turn a loop into vectors.
# load(array, row, i) is the number at place i of a complex row, store(array, row, i, value) puts it there.
load = cast(Callable[[np.ndarray, int, int], complex], intrinsic(_define_load))
store = cast(Callable[[np.ndarray, int, int, complex], None], intrinsic(_define_store))

# a·b; a·b + c·d; z times a real number; |z|².
times = cast(Callable[[complex, complex], complex], intrinsic(_define_times))
dot = cast(Callable[[complex, complex, complex, complex], complex], intrinsic(_define_dot))
scaled = cast(Callable[[complex, float], complex], intrinsic(_define_scaled))
square = cast(Callable[[complex], float], intrinsic(_define_square))
