"""GenX's fourteen figures of merit as weights and transformations, and those that users add (fact sheet 6.1).

The value of a point is weight·(T(y) − T(simulation)), or weight times the signed square of the bracket. The
weights depend on the data alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.physics.deviation import Transform

Array = NDArray[np.float64]


#: A figure of merit of the user's own: (simulations, data) → one array (n_points,) per data set.
Custom = Callable[[Sequence[Array], Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True)
class Points:
    """One data set as arrays."""

    x: Array
    y: Array
    error: Array
    use: bool


@dataclass(frozen=True)
class Function:
    """How one figure of merit weighs the points.

    Attributes
    ----------
    transform : T.
    weights : of all data sets, each an array (n_points,) or a number.
    squared : whether the difference is squared.
    per_degree_of_freedom : whether the sum is divided by N − p.
    """

    transform: Transform
    weights: Callable[[Sequence[Points]], list[Any]]
    squared: bool = False
    per_degree_of_freedom: bool = True


def _each(weight: Callable[[Points], Any]) -> Callable[[Sequence[Points]], list[Any]]:
    """Weights that a data set has of its own."""
    return lambda data: [weight(points) for points in data]


def _shared(
    term: Callable[[Points], Any], weight: Callable[[Points], Any] = lambda points: 1.0
) -> Callable[[Sequence[Points]], list[Any]]:
    """Weights divided by the sum of a term over all points of all sets in use, NaN included as in GenX."""

    def weights(data: Sequence[Points]) -> list[Any]:
        total = sum((np.sum(term(points)) for points in data if points.use), np.float64(0.0))
        return [weight(points) / total for points in data]

    return weights


_ONE = _each(lambda d: 1.0)
_IDENTITY, _LOG10, _SQRT = Transform.IDENTITY, Transform.LOG10, Transform.SQRT

FUNCTIONS: Mapping[str, Function] = {
    "diff": Function(_IDENTITY, _ONE),
    "log": Function(_LOG10, _ONE),
    "sqrt": Function(_SQRT, _ONE),
    "R1": Function(Transform.SQRT_OF_MAGNITUDE, _shared(lambda d: np.sqrt(np.abs(d.y))), per_degree_of_freedom=False),
    # log10 √y = ½ log10 y, in the numerator and in the denominator.
    "logR1": Function(_LOG10, _shared(lambda d: np.log10(d.y)), per_degree_of_freedom=False),
    "R2": Function(_IDENTITY, _shared(lambda d: d.y**2), squared=True, per_degree_of_freedom=False),
    "logR2": Function(_LOG10, _shared(lambda d: np.log10(d.y) ** 2), squared=True, per_degree_of_freedom=False),
    # x is taken as 2θ in degrees whatever the coordinates.
    "sintth4": Function(_IDENTITY, _each(lambda d: np.sin(d.x * np.pi / 360.0) ** 4)),
    "Norm": Function(_IDENTITY, _each(lambda d: 1.0 / np.sum(np.abs(d.y)))),
    "chi2bars": Function(_IDENTITY, _each(lambda d: 1.0 / d.error**2), squared=True),
    "chibars": Function(_IDENTITY, _each(lambda d: 1.0 / d.error)),
    "logbars": Function(_LOG10, _each(lambda d: np.log(10.0) * d.y / d.error)),
    "R1bars": Function(
        _SQRT,
        _shared(lambda d: np.sqrt(1.0 / d.error) * np.sqrt(d.y), lambda d: np.sqrt(1.0 / d.error)),
        per_degree_of_freedom=False,
    ),
    # (Σ 1/E)·(Σ Y²) of each set, as in GenX, not Σ Y²/E. For sets of unequal length, where GenX fails, the
    # natural sum over the sets.
    "R2bars": Function(
        _IDENTITY,
        _shared(lambda d: np.sum(1.0 / d.error) * np.sum(d.y**2), lambda d: 1.0 / d.error),
        squared=True,
        per_degree_of_freedom=False,
    ),
}

#: GenX's functions.
NAMES = tuple(FUNCTIONS)
#: Those that need error bars.
NEED_ERRORS = frozenset({"chi2bars", "chibars", "logbars", "R1bars", "R2bars"})
#: Those that leave out zero and negative data, because they have no logarithm.
LOGARITHMIC = frozenset({"log", "logR1", "logR2", "logbars"})

#: Name → function and whether its sum is divided by N − p.
CUSTOM: dict[str, tuple[Custom, bool]] = {}


def register(name: str, function: Custom, *, per_degree_of_freedom: bool = False) -> None:
    """Add a figure of merit of one's own, for this process.

    Parameters
    ----------
    name : what it is called in files and options; one registered before is replaced.
    function : called with the simulations, each (n_points,), and the data sets; gives the point-wise values,
        one array (n_points,) per data set. A population is evaluated one candidate after the other.
    per_degree_of_freedom : divide the sum of the magnitudes by N − p.

    Raises
    ------
    InputError : the name is empty, or one of GenX's.
    """
    if not name or name in FUNCTIONS:
        raise InputError(f"a figure of merit cannot be called {name!r}", hint="Choose a name that GenX does not have.")
    CUSTOM[name] = (function, per_degree_of_freedom)


def names() -> tuple[str, ...]:
    """All figures of merit: GenX's and those registered."""
    return (*NAMES, *CUSTOM)


def check_name(name: str) -> str:
    """The name of a figure of merit; InputError with a suggestion if there is none of that name."""
    if name in FUNCTIONS or name in CUSTOM:
        return name
    lower = {known.lower(): known for known in names()}
    close = difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=0.4)
    suggestion = f"Did you mean {lower[close[0]]}? " if close else ""
    raise InputError(
        f"there is no figure of merit called {name!r}", hint=f"{suggestion}Known are {', '.join(names())}."
    )
