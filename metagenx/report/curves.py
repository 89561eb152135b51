"""Measured and fitted curves, and depth profiles with the band of many fits; as arrays, from a model or its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import MetagenxError
from metagenx.runs.tables import plain_unit

if TYPE_CHECKING:
    import pandas as pd

    from metagenx.genx.model import Model

Array = NDArray[np.float64]

BAND_LEVELS = (0.025, 0.16, 0.84, 0.975)
SMALL = 1e-3  # a profile whose values are below this part of the largest is not worth a line


@dataclass(frozen=True)
class Curve:
    """One data set and its fit, all ``(n_points,)``; ``q`` in Å⁻¹ is None where it is not known."""

    name: str
    used: bool
    x: Array
    y: Array
    error: Array
    fit: Array
    residual: Array
    q: Array | None = None


@dataclass(frozen=True)
class Curves:
    """All data sets of a sample; ``is_reflectivity`` if x is known to be 2θ or Q."""

    x_label: str
    fom: str
    curves: tuple[Curve, ...]
    is_reflectivity: bool = False


@dataclass(frozen=True)
class Profile:
    """One quantity against depth: the best fit, and the quantiles ``BAND_LEVELS`` over fits ``(4, n_z)`` or None.

    ``band_of`` says over what, if not over ``n_fits`` fits that succeeded.
    """

    name: str
    unit: str
    z: Array
    best: Array
    band: Array | None
    n_fits: int
    band_of: str = ""


def curves_of_model(model: Model, fom: str | None = None) -> Curves:
    """Curves of a model with the values of its table; raises what its simulation raises."""
    simulations = model.simulate()
    name = fom or model.fom_function
    with np.errstate(all="ignore"):
        residuals = model.figure_of_merit(name).pointwise(simulations)
    label, to_q = _axis(model)
    curves = [
        _curve(d.name, bool(d.use), d.x, d.y, d.error, simulation, residual, to_q)
        for d, simulation, residual in zip(model.data, simulations, residuals, strict=True)
    ]
    return Curves(label, name, tuple(curves), is_reflectivity=label != "x")


def curves_of_table(table: pd.DataFrame, fom: str = "") -> Curves:
    """Curves of ``reflectivity.csv``."""
    x = next(name for name in table.columns if name == "x" or name.startswith("x ["))
    curves = [
        _curve(
            str(part["name"].iloc[0]), bool(part["used"].iloc[0]), part[x], part["R"], part["dR"], part["fit"],
            part["residual"], None,
        )
        for _, part in table.groupby("data set", sort=True)
    ]  # fmt: skip
    return Curves(x, fom, tuple(curves))


def _curve(name: str, used: bool, x: Any, y: Any, error: Any, fit: Any, residual: Any, to_q: Any) -> Curve:
    columns = [np.asarray(column, dtype=float) for column in (x, y, error, fit, residual)]
    x, y, error, fit, residual = (np.broadcast_to(column, columns[0].shape) for column in columns)
    return Curve(str(name), used, x, y, error, fit, residual, None if to_q is None else to_q(x))


def _axis(model: Model) -> tuple[str, Any]:
    """Label of x and the function from x to Q, from the instruments of the script if they agree."""
    found = set()
    for value in model.namespace.values():
        coords, wavelength = getattr(value, "coords", None), getattr(value, "wavelength", None)
        if coords is not None and wavelength is not None and hasattr(value, "probe"):
            found.add((str(getattr(coords, "value", coords)), float(np.ravel(np.asarray(wavelength, dtype=float))[0])))
    if len({coords for coords, _ in found}) != 1:
        return "x", None
    coords, wavelength = next(iter(found))
    if coords == "q":
        return "Q [Å⁻¹]", lambda x: x
    if len(found) > 1:
        return "2θ [°]", None
    return "2θ [°]", lambda x: 4 * np.pi / wavelength * np.sin(np.radians(x) / 2)


def profiles_of_model(model: Model, names: Sequence[str], vectors: Array, *, band_of: str = "") -> list[Profile]:
    """Depth profiles of the model's own values, with the band over other values of its fitted rows.

    Parameters
    ----------
    names : of the fitted rows.
    vectors : (n_fits, n_dim) values in their order; a profile that cannot be made is left out of the band.
    band_of : what they are, if not fits that succeeded.
    """
    found = []
    others = [_safe_sld(model, dict(zip(names, map(float, vector), strict=True))) for vector in vectors]
    for index, best in enumerate(model.sld()):
        same = [other[index] for other in others if len(other) > index and "z" in other[index]]
        found += _profiles(best, same, band_of)
    return found


def _safe_sld(model: Model, values: Mapping[str, float]) -> list[dict[str, Any]]:
    try:
        return model.sld(values)
    except MetagenxError:
        return []


def _profiles(best: Mapping[str, Any], others: Sequence[Mapping[str, Any]], band_of: str) -> list[Profile]:
    if "z" not in best:
        return []
    z = np.asarray(best["z"], dtype=float)
    unit = plain_unit(str(best.get("SLD unit", "")))
    columns = {
        str(key): np.asarray(values, dtype=float)
        for key, values in best.items()
        if key != "z" and not isinstance(values, str | Mapping) and np.shape(values) == z.shape
    }
    largest = max((float(np.nanmax(np.abs(values))) for values in columns.values()), default=0.0)
    return [
        Profile(key, unit, z, values, _band(key, z, others), len(others), band_of)
        for key, values in columns.items()
        if np.nanmax(np.abs(values)) > SMALL * largest
    ]


def _band(key: str, z: Array, others: Sequence[Mapping[str, Any]]) -> Array | None:
    """Quantiles over fits, each profile brought to the depths of the best one: z = 0 is the substrate's surface."""
    rows = [
        np.interp(z, other["z"], other[key])
        for other in others
        if key in other and np.shape(other[key]) == np.shape(other["z"])
    ]
    return np.quantile(rows, BAND_LEVELS, axis=0) if len(rows) >= 3 else None
