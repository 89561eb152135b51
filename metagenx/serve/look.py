"""What the page shows of a file: the audit, the sample, curves, the parameter table, and the forms made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.errors import InputError, MetagenxError
from metagenx.serve.layers import layers_of
from metagenx.serve.plain import numbers, shown

if TYPE_CHECKING:
    from metagenx.genx.model import Model
    from metagenx.report.curves import Curves


def look(model: Model) -> dict[str, Any]:
    """Everything there is to see before a fit; ``audit`` is what ``metagenx inspect --json`` prints.

    Raises
    ------
    ScriptError : the script cannot simulate the values of its own table.
    """
    from metagenx.genx.audit import audit
    from metagenx.report.terminal import audit_text
    from metagenx.runs import unit

    found = audit(model)
    rows = [
        {"index": index, "name": row.name, "value": row.value, "fit": row.fit, "min": row.minimum, "max": row.maximum,
         "error": row.error, "unit": unit(row.name)}
        for index, row in enumerate(model.file.table)
        if row.name.strip()
    ]  # fmt: skip
    return {
        "audit": found.to_json(),
        "audit_text": audit_text(found),
        "layers": model.within_limits(layers_of, model.namespace),
        "rows": rows,
        **simulated(model),
        "settings": settings_of(model),
        "script": model.file.script[:200_000],
    }


def simulated(model: Model, fom: str | None = None) -> dict[str, Any]:
    """Curves, depth profiles and FOM with the values of the table; raises what the simulation raises."""
    from metagenx.report.curves import curves_of_model, profiles_of_model

    found = curves_of_model(model, fom)
    try:
        value: float | None = model.fom(fom)
    except InputError:  # nothing to compare with: no data set in use, no error bars
        value = None
    try:
        profiles = profiles_of_model(model, [], np.empty((0, 0)))
    except MetagenxError:
        profiles = []
    return {
        "fom": value,
        "fom_function": found.fom,
        "curves": curves_json(found),
        "profiles": [
            {"name": p.name, "unit": p.unit, "z": numbers(p.z[shown(len(p.z))]), "y": numbers(p.best[shown(len(p.z))])}
            for p in profiles
        ],
    }


def curves_json(found: Curves) -> dict[str, Any]:
    """Curves as plain lists, at most as many points as are shown."""
    sets = []
    for curve in found.curves:
        points = shown(len(curve.x))
        columns = {
            name: numbers(getattr(curve, name)[points] if len(getattr(curve, name)) == len(curve.x) else [])
            for name in ("x", "y", "error", "fit", "residual")
        }
        sets.append({"name": curve.name, "used": curve.used, "n_points": len(curve.x), **columns})
    return {"x_label": found.x_label, "is_reflectivity": found.is_reflectivity, "sets": sets}


def settings_of(model: Model) -> dict[str, Any]:
    """The file's own settings of differential evolution, by name."""
    from dataclasses import asdict

    from metagenx.fitting.settings import Settings

    try:
        return asdict(Settings.from_options(model.options))
    except InputError:  # the audit says what is wrong with them
        return asdict(Settings())


def changed(
    model: Model,
    rows: Sequence[Mapping[str, Any]] = (),
    *,
    fom: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Model:
    """A copy of a model with what was typed into the forms.

    Parameters
    ----------
    rows : ``{index, value, fit, min, max}``, each but the index may be missing.
    settings : single settings of differential evolution; those that a GenX file cannot hold are left out.

    Raises
    ------
    InputError : a row that is not there, a number that is none, an unknown FOM or setting.
    """
    from metagenx.fitting.settings import Settings
    from metagenx.genx.fom import check_name
    from metagenx.genx.model import Model as GenxModel

    file = model.file.with_results()
    for change in rows:
        index = change.get("index")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(file.table):
            raise InputError(f"the table has no row number {index!r}")
        row = file.table[index]
        for key, name in (("value", "value"), ("min", "minimum"), ("max", "maximum")):
            if key in change:
                setattr(row, name, _finite(change[key], f"{row.name}: {key}"))
        if "fit" in change:
            row.fit = bool(change["fit"])
    if fom:
        file.set_fom_function(check_name(fom))
    if settings:
        chosen = Settings.from_options(model.options, **settings)
        asked = chosen.to_options(max(1, len(file.fitted_rows)))
        file.set_solver_options({name: asked[name] for name in settings if name in asked})
    return GenxModel(file, trust=model.trust)


def _finite(value: Any, what: str) -> float:
    import math

    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{what} is {value!r}, it must be a number")
    return float(value)
