"""How the kernels are compiled: one thread, cached on disk, vectors as wide as the processor has them.

Import :func:`compiled` from here instead of ``numba.njit``: importing this module first settles what must be
settled before numba is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])

# Contraction to fused multiply-add, and signs of zero that do not matter. Not "reassoc": it would undo the
# two-step argument reductions. Not "nnan" and "ninf": a kernel must see that a number is not finite.
RELAXED = {"contract", "nsz"}


def compiled(
    *, relaxed: bool = False, inline: bool = False, inner: bool = False
) -> Callable[[Function], Function]:
    """Compile a function with numba: single-threaded, without the GIL, cached; IEEE division by zero.

    relaxed : allow fused multiply-add and ignore the sign of zero (never reassociation).
    inline : always inline into the calling kernel, so that loops around it can be vectorised.
    """

    def decorate(function: Function) -> Function:
        jit = numba.njit(
            cache=True,
            nogil=True,
            error_model="numpy",
            fastmath=RELAXED if relaxed else False,
            forceinline=inline,
            no_cpython_wrapper=inner,
            no_cfunc_wrapper=inner,
        )
        return cast(Function, jit(function))

    return decorate
