"""How fast this core is at best: fused multiply-adds in registers, with vectors as wide as our kernels use.

python benchmarks/peak.py
"""

from __future__ import annotations

import time
from typing import Any

import measure

_CHAINS = 12  # that do not wait for one another: enough for two units of latency four or five


def _multiply_adds(lanes: int) -> Any:
    """A compiled function of a number of turns: each makes `_CHAINS` vector instructions of `lanes` numbers."""
    import numba
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    def define(typing_context: Any, turns: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            vector = ir.VectorType(ir.DoubleType(), lanes)
            kind = ir.FunctionType(vector, [vector] * 3)
            multiply_add = ir.Function(builder.module, kind, f"llvm.fma.v{lanes}f64")
            factor, term = (ir.Constant(vector, [value] * lanes) for value in (0.999999, 1e-7))
            before = builder.block
            loop, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
            builder.branch(loop)
            builder.position_at_end(loop)
            count = builder.phi(ir.IntType(64))
            count.add_incoming(ir.Constant(ir.IntType(64), 0), before)
            sums = [builder.phi(vector) for _ in range(_CHAINS)]
            new = [builder.call(multiply_add, [one, factor, term]) for one in sums]
            for i, (one, next_one) in enumerate(zip(sums, new, strict=True)):
                one.add_incoming(ir.Constant(vector, [1.0 + i] * lanes), before)
                one.add_incoming(next_one, loop)
            increased = builder.add(count, ir.Constant(ir.IntType(64), 1))
            count.add_incoming(increased, loop)
            builder.cbranch(builder.icmp_signed("<", increased, arguments[0]), loop, after)
            builder.position_at_end(after)
            total = new[0]
            for one in new[1:]:
                total = builder.fadd(total, one)
            return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

        return types.float64(types.int64), generate

    chains = intrinsic(define)

    @numba.njit(nogil=True)
    def run(turns: int) -> float:
        return chains(turns)

    return run


def gigaflops(bits: int, seconds: float = 0.2) -> float:
    """Largest rate of one core, 10⁹ floating point operations per second; a multiply-add counts as two."""
    lanes = bits // 64
    run = _multiply_adds(lanes)
    run(1)
    turns, best = 200_000, 0.0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.process_time()
        run(turns)
        passed = time.process_time() - start
        best = max(best, 2 * lanes * _CHAINS * turns / passed / 1e9)
    return best


if __name__ == "__main__":
    from metagenx.physics.compiled import vector_bits

    measure.pin()
    widths = sorted({128, 256, vector_bits() or 256})
    print(measure.machine())
    for width in widths:
        print(f"{width} bits: {gigaflops(width):.1f} GF/s")
