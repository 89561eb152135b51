"""``UserVars``: the variables a user couples his model with, and the penalties of his systematic errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metagenx.errors import InputError

__all__ = ["UserVars"]


class UserVars:
    """User variables: ``cp.new_var("period", 50.0)`` makes ``cp.period``, ``cp.setPeriod``, ``cp.getPeriod``.

    In the names of setters only the first letter becomes upper case: ``dLambda`` → ``setDLambda``. A value
    may be an array of shape (n_population, 1).
    """

    def __init__(self) -> None:
        self._systematic_errors: dict[str, _SystematicError] = {}

    def new_var(self, name: str, value: Any) -> None:
        """Make a variable with its setter and getter.

        Raises
        ------
        InputError : the name cannot be an attribute.
        """
        # Exactly str: a subclass could say of "__class__" that it does not begin with an underscore.
        if type(name) is not str or not name.isidentifier() or name.startswith("_"):
            raise InputError(
                f"UserVars.new_var({name!r}, …): this cannot be the name of a variable",
                hint="use letters, digits and underscores, beginning with a letter",
            )
        title = name[0].upper() + name[1:]
        setattr(self, name, value)
        setattr(self, f"set{title}", _Setter(self, name))
        setattr(self, f"get{title}", _Getter(self, name))

    def new_sys_err(self, name: str, value: float, error: float, weight: float = 1.0, correction: float = 0.0) -> None:
        """Make a variable that is known to be `value` ± `error`: departing from it costs.

        weight·(((value − current)/error)² − correction) is added to the figure of merit, after the division
        by the degrees of freedom.

        Raises
        ------
        InputError : the name cannot be an attribute, or the error is zero.
        """
        if error == 0:
            raise InputError(
                f"UserVars.new_sys_err({name!r}, …): the error is zero, so its penalty would be infinite",
                hint="use new_var for a variable without an error",
            )
        self.new_var(name, value)
        self._systematic_errors[name] = _SystematicError(value, error, weight, correction)

    # Older names.
    newVar = new_var
    newSysErr = new_sys_err


@dataclass(frozen=True)
class _SystematicError:
    value: float
    error: float
    weight: float
    correction: float

    def departure(self, current: Any) -> Any:
        return (self.value - current) / self.error

    def penalty(self, current: Any) -> Any:
        return self.weight * (((self.value - current) / self.error) ** 2 - self.correction)


class _Setter:
    """``cp.setPeriod``; an object, so that a copy of the variables sets the copy."""

    __slots__ = ("_name", "_owner")

    def __init__(self, owner: UserVars, name: str) -> None:
        self._owner, self._name = owner, name

    def __call__(self, value: Any) -> None:
        setattr(self._owner, self._name, value)


class _Getter:
    """``cp.getPeriod``."""

    __slots__ = ("_name", "_owner")

    def __init__(self, owner: UserVars, name: str) -> None:
        self._owner, self._name = owner, name

    def __call__(self) -> Any:
        return getattr(self._owner, self._name)


def has_systematic_errors(variables: UserVars) -> bool:
    """Whether departing from the value of any variable costs."""
    return bool(variables.__dict__.get("_systematic_errors", True))  # a subclass may have forgotten to make them


def penalties(variables: UserVars) -> list[Any]:
    """What the systematic errors of a script's variables add to the figure of merit.

    Returns
    -------
    one number per ``new_sys_err``, in their order; an array of shape (n_population, 1) for a fitted one.
    """
    errors = variables._systematic_errors
    return [error.penalty(getattr(variables, name)) for name, error in errors.items()]


def departures(variables: UserVars) -> tuple[list[Any], list[float]]:
    """How far the variables with systematic errors are from their values, in those errors, and the weights.

    Returns
    -------
    one number per ``new_sys_err``, in their order, an array of shape (n_population, 1) for a fitted one; their weights.
    """
    errors = variables._systematic_errors
    away = [error.departure(getattr(variables, name)) for name, error in errors.items()]
    return away, [float(error.weight) for error in errors.values()]
