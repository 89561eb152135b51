"""How the kernels are compiled: one thread, kept on disk, vectors as wide as the processor has them.

Import :func:`compiled` from here instead of ``numba.njit``: importing this module first settles what must be
settled before numba compiles anything. ``kernel_cache.py`` says where they are kept.

``METAGENX_VECTOR_BITS=256`` or ``512`` in the environment sets the width of the vectors; without it they are 512
bits wide where the processor has them and does not slow down for them. Results are the same to rounding, compiled
code of each width is cached apart, and no choice is made if somebody else imported numba before or set
``NUMBA_CPU_FEATURES`` himself.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])

_OTHERS_CAME_FIRST = "numba" in sys.modules or any(
    name in os.environ for name in ("NUMBA_CPU_FEATURES", "NUMBA_CPU_NAME")
)

# Whether it was there before is the question above.
import numba  # noqa: E402

from metagenx.physics.kernel_cache import KernelCache  # noqa: E402

# Contraction to fused multiply-add, and signs of zero that do not matter. Not "reassoc": it would undo the
# two-step argument reductions. Not "nnan" and "ninf": a kernel must see that a number is not finite.
RELAXED = {"contract", "nsz"}

_NEEDED_FOR_512 = ("avx512f", "avx512dq", "avx512vl", "avx512bw")
_SLOWER_WITH_512 = ("skylake-avx512", "cascadelake", "cooperlake")


def compiled(*, relaxed: bool = False, inline: bool = False, inner: bool = False) -> Callable[[Function], Function]:
    """Compile a function with numba: single-threaded, without the GIL, cached; IEEE division by zero.

    relaxed : allow fused multiply-add and ignore the sign of zero (never reassociation).
    inline : always inline into the calling kernel, so that loops around it can be vectorised.
    inner : called from other compiled functions only: it compiles faster.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": RELAXED if relaxed else False,
        "forceinline": inline,
        "no_cpython_wrapper": inner,
        "no_cfunc_wrapper": inner,
    }

    def decorate(function: Function) -> Function:
        dispatcher = numba.njit(**options)(function)
        dispatcher._cache = cache = KernelCache(function)
        compile_for = dispatcher.compile

        @functools.wraps(compile_for)
        def compile_once(signature: Any) -> Any:
            collecting = gc.isenabled()
            gc.disable()  # compiling makes millions of small objects; looking through them takes long
            try:
                return compile_for(signature)
            finally:
                cache.release()
                if collecting:
                    gc.enable()

        dispatcher.compile = compile_once
        return cast(Function, dispatcher)

    return decorate


def vector_bits() -> int:
    """Width in bits of the vectors that the kernels are compiled for; 0 where it was left to others."""
    return _VECTOR_BITS


def _choose_vector_bits() -> int:
    if _OTHERS_CAME_FIRST:
        return 0
    import llvmlite.binding as llvm

    wanted = os.environ.get("METAGENX_VECTOR_BITS", "")
    features = llvm.get_host_cpu_features()
    able = all(features.get(name) for name in _NEEDED_FOR_512)
    if wanted == "256" or not able or (wanted != "512" and llvm.get_host_cpu_name() in _SLOWER_WITH_512):
        return 256
    # The compiler itself prefers 256 bits on most processors that have 512.
    numba.config.CPU_FEATURES = f"{features.flatten()},-prefer-256-bit"  # type: ignore[attr-defined]
    return 512


_VECTOR_BITS = _choose_vector_bits()
