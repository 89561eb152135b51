"""``models.symmetries``: symmetry operations in the plane of a surface, and the 17 plane groups.

General positions of the International Tables for Crystallography, vol. A, with the centring of ``cm`` and ``c2mm``
written out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError

__all__ = [
    "Sym", "SymTrans",
    "c2mm", "cm", "p1", "p2", "p2gg", "p2mg", "p2mm", "p3", "p3m1", "p4", "p4gm", "p4mm", "p6", "p6mm", "p31m",
    "pg", "pm",
]  # fmt: skip

Array = NDArray[np.float64]


class SymTrans:
    """A symmetry operation: (x', y') = P·(x, y) + t, in fractional coordinates.

    Parameters
    ----------
    P : 2 × 2 matrix, default: the identity.
    t : translation, default: none.

    Raises
    ------
    InputError : they are no such arrays of finite numbers.
    """

    def __init__(self, P: Any = None, t: Any = None) -> None:
        self.P = _numbers("P", [[1, 0], [0, 1]] if P is None else P, (2, 2))
        self.t = _numbers("t", [0, 0] if t is None else t, (2,))


class Sym(list[Any]):
    """A list of symmetry operations: ``Sym(SymTrans(…), SymTrans(…))``."""

    def __init__(self, *operations: Any) -> None:
        super().__init__(operations)


def operations(symmetry: Any) -> Array:
    """The operations of a symmetry list as (n_operation, 6), one row P₀₀ P₀₁ P₁₀ P₁₁ t₀ t₁ each.

    Parameters
    ----------
    symmetry : list, tuple or `Sym` of `SymTrans`, or of pairs (P, t); empty or None: the identity alone.

    Raises
    ------
    InputError : it is something else.
    """
    if symmetry is None:
        symmetry = ()
    if not isinstance(symmetry, (list, tuple)):
        raise InputError(f"a symmetry must be a list of SymTrans, not a {type(symmetry).__name__}")
    return np.array([_row(one) for one in symmetry] or [[1, 0, 0, 1, 0, 0]], dtype=float)


def _row(operation: Any) -> list[Any]:
    if isinstance(operation, (list, tuple)) and len(operation) == 2:
        operation = SymTrans(*operation)
    if not isinstance(operation, SymTrans):
        raise InputError(
            f"a symmetry list holds a {type(operation).__name__}",
            hint="its members are SymTrans(P, t), for example SymTrans([[-1, 0], [0, -1]])",
        )
    # Again, because a script may have changed them.
    return [*_numbers("P", operation.P, (2, 2)).flat, *_numbers("t", operation.t, (2,))]


def _numbers(name: str, value: Any, shape: tuple[int, ...]) -> Array:
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape != shape or not np.isfinite(array).all():
        size = " × ".join(map(str, shape))
        raise InputError(f"SymTrans: {name} must be {size} numbers, not {value!r:.80}")
    return array


_E, _TURN = ((1, 0), (0, 1)), ((-1, 0), (0, -1))
_MIRROR_X, _MIRROR_Y = ((-1, 0), (0, 1)), ((1, 0), (0, -1))
_QUARTER, _THREE_QUARTERS = ((0, -1), (1, 0)), ((0, 1), (-1, 0))
_DIAGONAL, _ANTIDIAGONAL = ((0, 1), (1, 0)), ((0, -1), (-1, 0))
_THIRD, _TWO_THIRDS = ((0, -1), (1, -1)), ((-1, 1), (-1, 0))
_SIXTH, _FIVE_SIXTHS = ((1, -1), (1, 0)), ((0, 1), (-1, 1))
# Hexagonal axes: mirrors of p3m1, and of p31m.
_M1 = (_ANTIDIAGONAL, ((-1, 1), (0, 1)), ((1, 0), (1, -1)))
_M2 = (_DIAGONAL, ((1, -1), (0, -1)), ((-1, 0), (-1, 1)))
_HALF = (0.5, 0.5)


def _group(*matrices: Any, glide: Any = (0, 0), glided: Any = (), centred: bool = False) -> Sym:
    made = [SymTrans(P) for P in matrices] + [SymTrans(P, glide) for P in glided]
    if centred:
        made += [SymTrans(one.P, one.t + 0.5) for one in made]
    return Sym(*made)


p1 = _group(_E)
p2 = _group(_E, _TURN)
pm = _group(_E, _MIRROR_X)
pg = _group(_E, glided=[_MIRROR_X], glide=(0, 0.5))
cm = _group(_E, _MIRROR_X, centred=True)
p2mm = _group(_E, _TURN, _MIRROR_X, _MIRROR_Y)
p2mg = _group(_E, _TURN, glided=[_MIRROR_X, _MIRROR_Y], glide=(0.5, 0))
p2gg = _group(_E, _TURN, glided=[_MIRROR_X, _MIRROR_Y], glide=_HALF)
c2mm = _group(_E, _TURN, _MIRROR_X, _MIRROR_Y, centred=True)
p4 = _group(_E, _TURN, _QUARTER, _THREE_QUARTERS)
p4mm = _group(_E, _TURN, _QUARTER, _THREE_QUARTERS, _MIRROR_X, _MIRROR_Y, _DIAGONAL, _ANTIDIAGONAL)
p4gm = _group(
    _E, _TURN, _QUARTER, _THREE_QUARTERS, glided=[_MIRROR_X, _MIRROR_Y, _DIAGONAL, _ANTIDIAGONAL], glide=_HALF
)
p3 = _group(_E, _THIRD, _TWO_THIRDS)
p3m1 = _group(_E, _THIRD, _TWO_THIRDS, *_M1)
p31m = _group(_E, _THIRD, _TWO_THIRDS, *_M2)
p6 = _group(_E, _THIRD, _TWO_THIRDS, _TURN, _SIXTH, _FIVE_SIXTHS)
p6mm = _group(_E, _THIRD, _TWO_THIRDS, _TURN, _SIXTH, _FIVE_SIXTHS, *_M1, *_M2)
