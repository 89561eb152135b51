"""Complex numbers in rows: the memory layout of the kernels' loops.

A flat float64 array is read as rows of `BLOCK` numbers; a complex row is a row of real parts followed by one of
imaginary parts, and is named by the index where it begins. Distances between rows are known, indices are not
checked and never negative: this is what lets the compiler turn a loop over i into vector instructions.
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
EIGHT = (
    8  # loops run over a multiple of eight points, n·EIGHT, so that no loop needs an end for a few left over
)


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


# load(array, row, i): the complex number at place i of a complex row; store(array, row, i, value) puts it there.
# For compiled functions only.
load = cast(Callable[[np.ndarray, int, int], complex], intrinsic(_define_load))
store = cast(Callable[[np.ndarray, int, int, complex], None], intrinsic(_define_store))
