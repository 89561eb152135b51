"""What x is, in the data and in the model: told, compared, converted where it is certain, refused where not."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.loaders.measured import AXIS_NAMES, RESOLUTION, Axis, MeasuredSet

Floats = NDArray[np.float64]

# What a user may say that x is: axis, and the factor that brings it to Å⁻¹ or degrees of 2θ.
X_KINDS: dict[str, tuple[Axis, float]] = {
    "q": ("q", 1.0),
    "1/A": ("q", 1.0),
    "1/nm": ("q", 0.1),
    "2theta": ("2theta", 1.0),
    "theta": ("2theta", 2.0),
    "l": ("l", 1.0),
}


def as_told(measured: MeasuredSet, kind: str, where: str) -> MeasuredSet:
    """The set with x as the user says it is; raises InputError for a kind that there is not, or that contradicts.

    Loaders bring what a file names to Å⁻¹ or degrees already, so a factor is only for files that name nothing.
    """
    known = {name.lower(): value for name, value in X_KINDS.items()} | {
        "2θ": X_KINDS["2theta"],
        "tth": X_KINDS["2theta"],
    }
    if kind.strip().lower() not in known:
        raise InputError(f"x cannot be {kind!r}", where=where, hint=f"It is one of {', '.join(X_KINDS)}.")
    axis, factor = known[kind.strip().lower()]
    if measured.axis == axis:
        factor = 1.0 if axis != "q" or factor == 1.0 else factor
    elif measured.axis:
        raise InputError(
            f"the file says that x is {AXIS_NAMES[measured.axis]}, not {kind}", where=where,
            hint="Leave the option out, or correct the header of the file.",
        )  # fmt: skip
    return _scaled(replace(measured, axis=axis), factor)


def _scaled(measured: MeasuredSet, factor: float) -> MeasuredSet:
    if factor == 1.0:
        return measured
    extra = dict(measured.extra)
    if RESOLUTION in extra:
        extra[RESOLUTION] = extra[RESOLUTION] * factor
    return replace(measured, x=measured.x * factor, extra=extra)


@dataclass(frozen=True)
class ModelAxis:
    """What the x of a model's data set is, and its wavelength (Å; None for time of flight or if unknown)."""

    axis: Axis
    wavelength: float | None = None
    instrument: str = ""
    probe: str = ""


def axes_of_model(namespace: Mapping[str, Any], script: str, n_sets: int) -> list[ModelAxis]:
    """What x is for each data set, by the instrument that the script simulates it with.

    If the script's instruments differ, the calls in ``Sim`` tell which belongs to which set; if they do not tell, or
    there is no instrument, it is unknown (``""``). Only attributes of objects are looked at, nothing is run.
    """
    found: dict[str, ModelAxis] = {}
    for name, value in namespace.items():
        axis = _axis_of(value, name)
        if axis is not None:
            found[name] = axis
    if not found:
        return [ModelAxis("")] * n_sets
    if len({(axis.axis, axis.wavelength) for axis in found.values()}) == 1:
        return [next(iter(found.values()))] * n_sets
    used = [name for name in _instruments_in_sim(script) if name in found]
    if len(used) == n_sets:
        return [found[name] for name in used]
    kinds = {found[name].axis for name in set(used) or set(found)}
    return [ModelAxis(kinds.pop() if len(kinds) == 1 else "")] * n_sets


def _axis_of(value: Any, name: str) -> ModelAxis | None:
    if isinstance(value, type) or not hasattr(type(value), "__dataclass_fields__") or not hasattr(value, "coords"):
        return None
    coords, probe = getattr(value, "coords", None), str(getattr(value, "probe", ""))
    axis: Axis = "q" if coords in ("q", 0) else "2theta" if coords in ("2θ", "tth", 1) else ""
    try:
        wavelength: float | None = float(getattr(value, "wavelength", float("nan")))
    except (TypeError, ValueError):
        wavelength = None
    if wavelength is None or not np.isfinite(wavelength) or wavelength <= 0.0 or "tof" in probe:
        wavelength = None
    return ModelAxis(axis, wavelength, name, probe)


def _instruments_in_sim(script: str) -> list[str]:
    """Names given as the last argument of the simulation calls in ``Sim``, in their order."""
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError, RecursionError):
        return []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "Sim"]
    calls = [node for function in functions for node in ast.walk(function) if isinstance(node, ast.Call)]
    calls = [node for node in calls if len(node.args) >= 3 and isinstance(node.args[-1], ast.Name)]
    calls.sort(key=lambda node: (node.lineno, node.col_offset))
    return [node.args[-1].id for node in calls if isinstance(node.args[-1], ast.Name)]


def q_of_two_theta(two_theta: Floats, wavelength: float) -> Floats:
    """Q = 4π/λ·sin θ, Å⁻¹, of 2θ in degrees and λ in Å; keeps the sign."""
    return 4.0 * np.pi / wavelength * np.sin(np.radians(two_theta / 2.0))


def two_theta_of_q(q: Floats, wavelength: float, where: str) -> Floats:
    """2θ in degrees of Q in Å⁻¹; raises InputError where no angle gives that Q at this wavelength."""
    sine = q * wavelength / (4.0 * np.pi)
    if (np.abs(sine) > 1.0).any():
        raise InputError(
            f"Q up to {np.max(np.abs(q)):g} Å⁻¹ cannot be reached with a wavelength of {wavelength:g} Å", where=where,
            hint="Is x really Q in Å⁻¹? Say what it is with --data-x (q, 1/nm, 2theta, theta).",
        )  # fmt: skip
    return 2.0 * np.degrees(np.arcsin(sine))


def converted(measured: MeasuredSet, to: Axis, wavelength: float, where: str) -> MeasuredSet:
    """The set in the other of Q and 2θ, its resolution too (to first order: dQ/d2θ = 2π/λ·cos θ, in radians)."""
    extra = dict(measured.extra)
    if to == "q":
        x = q_of_two_theta(measured.x, wavelength)
        slope = 2.0 * np.pi / wavelength * np.cos(np.radians(measured.x / 2.0)) * np.pi / 180.0
    else:
        x = two_theta_of_q(measured.x, wavelength, where)
        slope = 1.0 / (2.0 * np.pi / wavelength * np.cos(np.radians(x / 2.0)) * np.pi / 180.0)
    if RESOLUTION in extra:
        extra[RESOLUTION] = extra[RESOLUTION] * slope
    return replace(measured, x=x, axis=to, extra=extra)
