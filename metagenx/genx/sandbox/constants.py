"""Constants in a script that would take for ever, or all memory, to compute."""

from __future__ import annotations

import ast

from metagenx.genx.sandbox.limits_of_size import MAX_BITS

#: Items of ``[0] * 10**9``.
MAX_REPETITIONS = 100_000_000
_DEPTH = 20


def too_large(node: ast.BinOp) -> bool:
    """Whether the operation gives a number or a list that is larger than anything a model needs."""
    if isinstance(node.op, ast.Mult):
        for items, count in ((node.left, node.right), (node.right, node.left)):
            number = _bits_and_value(count, _DEPTH)
            if number is not None and _is_sequence(items):
                return number[1] is None or number[1] > MAX_REPETITIONS
    number = _bits_and_value(node, _DEPTH)
    return number is not None and number[0] > MAX_BITS


def _is_sequence(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (str, bytes))
    return isinstance(node, (ast.List, ast.Tuple))


def _bits_and_value(node: ast.expr, depth: int) -> tuple[int, int | None] | None:
    """Bits of a constant whole number, and its value unless it is too large; None for everything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value.bit_length(), node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        return _bits_and_value(node.operand, depth - 1) if depth else None
    if not depth or not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.Mult, ast.Pow, ast.LShift)):
        return None
    left, right = _bits_and_value(node.left, depth - 1), _bits_and_value(node.right, depth - 1)
    if left is None or right is None:
        return None
    (bits, value), (count_bits, count) = left, right
    if isinstance(node.op, ast.Mult):
        estimate = bits + count_bits
    elif isinstance(node.op, ast.Pow):
        estimate = bits if value in (0, 1) else (MAX_BITS + 1 if count is None else bits * max(count, 1))
    else:
        estimate = MAX_BITS + 1 if count is None else bits + max(count, 0)
    if estimate > MAX_BITS or value is None or count is None or count < 0:
        return estimate, None
    exact = value * count if isinstance(node.op, ast.Mult) else value << count
    if isinstance(node.op, ast.Pow):
        exact = int(value**count)
    return exact.bit_length(), exact
