"""What is fitted: a function of a whole population, with names, bounds and a start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError

FloatArray = NDArray[np.float64]


@runtime_checkable
class Problem(Protocol):
    """Everything that a fit knows about its model.

    ``bounds`` is ``(n_dim, 2)``, ``start`` ``(n_dim,)``, both in the units of the parameters.
    The answer for a candidate must not depend on the candidates beside it.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fitted parameters, in order."""

    @property
    def bounds(self) -> FloatArray:
        """Lower and upper limits, ``(n_dim, 2)``."""

    @property
    def start(self) -> FloatArray:
        """The start guess, ``(n_dim,)``."""

    def evaluate(self, vectors: FloatArray) -> FloatArray:
        """Figures of merit ``(n,)`` of the candidates ``(n, n_dim)``; NaN or inf where there is none."""


class Deviations(Protocol):
    """Figures of merit before their sum, of n candidates.

    divisor · FOM = Σ weight·\\|difference\\|^power + divisor · Σ prior_weight·prior² + a constant.
    ``differences`` ``(n, n_points)`` between data and simulation, NaN for a point that is left out; ``weights``
    ``(n_points,)``; ``power`` 1 or 2; ``noise`` ``(n_points,)`` standard deviations of the differences by the error
    column, NaN without one; ``data`` ``(n_points,)`` and ``relative`` ``(n_points,)``, what a relative error of one
    makes of the differences; ``uses_errors`` whether the figure of merit weighs by it; ``prior`` ``(n, n_prior)``
    departures from what is known of parameters, in its errors, with ``prior_weights`` ``(n_prior,)``.
    """

    @property
    def differences(self) -> FloatArray:
        """See above, as all."""

    @property
    def weights(self) -> FloatArray: ...  # noqa: D102

    @property
    def power(self) -> int: ...  # noqa: D102

    @property
    def noise(self) -> FloatArray: ...  # noqa: D102

    @property
    def data(self) -> FloatArray: ...  # noqa: D102

    @property
    def relative(self) -> FloatArray: ...  # noqa: D102

    @property
    def uses_errors(self) -> bool: ...  # noqa: D102

    @property
    def divisor(self) -> float: ...  # noqa: D102

    @property
    def prior(self) -> FloatArray: ...  # noqa: D102

    @property
    def prior_weights(self) -> FloatArray: ...  # noqa: D102


@runtime_checkable
class ProblemWithData(Problem, Protocol):
    """A problem that also says how far each point of the data is from the simulation: what error bars need."""

    def deviations(self, vectors: FloatArray) -> Deviations:
        """Of the candidates ``(n, n_dim)``; InputError if nothing is known of the form of the figure of merit."""


class FunctionProblem:
    """A Python function as a problem.

    Parameters
    ----------
    function : takes one vector ``(n_dim,)`` and returns a number; with ``vectorised`` it takes
        ``(n, n_dim)`` and returns ``(n,)``.
    bounds : ``(n_dim, 2)``, finite, lower ≤ upper.
    start : ``(n_dim,)``; the middle of the bounds if not given.
    names : ``x0``, ``x1`` … if not given.
    initial_bounds : ``(n_dim, 2)``, in which populations are drawn instead of the bounds.

    Raises
    ------
    InputError : bounds, start or names that do not fit together, a function that raises or
        returns an array of another shape.
    """

    def __init__(
        self,
        function: Callable[[FloatArray], ArrayLike],
        bounds: ArrayLike,
        *,
        start: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        vectorised: bool = False,
        initial_bounds: ArrayLike | None = None,
    ) -> None:
        self._function = function
        self._vectorised = vectorised
        self._bounds = checked_bounds(bounds)
        self.initial_bounds = None if initial_bounds is None else checked_bounds(initial_bounds)
        middle = self._bounds.mean(axis=1)
        self._start = middle if start is None else checked_vector(start, len(middle), "start")
        self._names = tuple(names) if names is not None else tuple(f"x{i}" for i in range(len(middle)))
        if len(self._names) != len(middle):
            raise InputError(f"{len(self._names)} names for {len(middle)} parameters")
        if self.initial_bounds is not None and len(self.initial_bounds) != len(middle):
            raise InputError(f"{len(self.initial_bounds)} initial_bounds for {len(middle)} parameters")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return self._names

    @property
    def bounds(self) -> FloatArray:
        """Lower and upper limits, ``(n_dim, 2)``."""
        return self._bounds

    @property
    def start(self) -> FloatArray:
        """The start guess, ``(n_dim,)``."""
        return self._start

    def evaluate(self, vectors: FloatArray) -> FloatArray:
        """Values of the function, ``(n, n_dim)`` to ``(n,)``."""
        try:
            if self._vectorised:
                foms = np.asarray(self._function(vectors), dtype=float)
            else:
                foms = np.array([np.asarray(self._function(vector), dtype=float).item() for vector in vectors])
        except Exception as error:
            raise InputError(
                f"the function to be fitted raised {type(error).__name__}: {error}",
                hint="It must return a number for every vector inside the bounds; NaN where it has none.",
            ) from error
        if foms.shape != (len(vectors),):
            raise InputError(
                f"the function to be fitted returned shape {foms.shape} for {len(vectors)} candidates",
                hint="A vectorised function takes (n, n_dim) and returns (n,).",
            )
        return foms


def checked_bounds(bounds: ArrayLike) -> FloatArray:
    """Bounds as a finite array ``(n_dim, 2)`` with lower ≤ upper; raises InputError."""
    array = np.array(bounds, dtype=float)
    if array.ndim != 2 or array.shape[1] != 2:
        raise InputError(f"bounds have shape {array.shape}, they must be (n_dim, 2)")
    if len(array) == 0:
        raise InputError("nothing to fit: no parameter is fitted", hint="Tick Fit for at least one parameter.")
    wrong = ~np.isfinite(array).all(axis=1) | (array[:, 0] > array[:, 1])
    if wrong.any():
        rows = ", ".join(f"parameter {i}: {array[i, 0]:g} to {array[i, 1]:g}" for i in np.flatnonzero(wrong))
        raise InputError(f"bounds must be finite, with lower ≤ upper ({rows})")
    return array


def checked_vector(vector: ArrayLike, n_dim: int, what: str) -> FloatArray:
    """A vector ``(n_dim,)`` of finite numbers; raises InputError."""
    array = np.array(vector, dtype=float)
    if array.shape != (n_dim,):
        raise InputError(f"{what} has shape {array.shape}, it must be ({n_dim},)")
    if not np.isfinite(array).all():
        raise InputError(f"{what} has values that are not finite: {array.tolist()}")
    return array
