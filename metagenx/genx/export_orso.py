"""Data and fit as an ORSO text file, through orsopy; the model is in the analysis block of the header."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import numpy as np

from metagenx.genx.export_curves import Curve, Exported, resolution_of
from metagenx.genx.loaders.measured import RESOLUTION

_ERROR = re.compile(r"\(\s*([-+.\deE]+)\s*,\s*([-+.\deE]+)\s*,?\s*\)")


def to_orso(exported: Exported, where: str, *, now: datetime | None = None) -> bytes:
    """The curves as an .ort: Qz (1/angstrom), R, sR, sQz, and of a model Rsim, residual and FOM, extra columns.

    ORSO's order has sR and sQz in the third and fourth place; they are NaN where unknown. The block ``analysis`` of the
    header holds the script, all rows of the parameter table with their uncertainties, and the figure of merit.

    Raises InputError if x of a curve is not Q and cannot be made Q.
    """
    from orsopy import fileio

    now = now or datetime.now(UTC).replace(microsecond=0)
    curves = [curve.in_q(where) for curve in exported.curves]
    analysis = _analysis(exported, now)
    names: set[str] = set()
    sets = []
    for curve in curves:
        columns, values = _columns(curve)
        info = _header(curve, columns, _unique(curve, names), now)
        if analysis is not None:
            info.analysis = analysis
        sets.append(fileio.OrsoDataset(info, np.column_stack(values)))
    stream = io.StringIO()
    fileio.save_orso(sets, stream)
    return stream.getvalue().encode()


def _unique(curve: Curve, taken: set[str]) -> str:
    name = curve.measured.name.strip() or f"data set {curve.index}"
    name = name if name not in taken else f"{name} {curve.index}"
    taken.add(name)
    return name


def _columns(curve: Curve) -> tuple[list[Any], list[np.ndarray]]:
    from orsopy import fileio

    measured, unknown = curve.measured, np.full(len(curve.measured.x), np.nan)
    resolution = resolution_of(curve)
    columns: list[Any] = [
        fileio.Column("Qz", "1/angstrom", "wavevector transfer"),
        fileio.Column("R", None, "reflectivity"),
        fileio.ErrorColumn("R", "uncertainty", "sigma"),
        fileio.ErrorColumn("Qz", "resolution", "sigma"),
    ]
    values = [measured.x, measured.y, measured.error, unknown if resolution is None else resolution]
    if curve.simulation is not None and curve.residual is not None and curve.point_fom is not None:
        columns.append(fileio.Column("Rsim", None, "simulated reflectivity"))
        columns.append(fileio.Column("residual", None, "(R - Rsim) / sR"))
        columns.append(fileio.Column("FOM", None, "point-wise figure of merit"))
        values += [curve.simulation, curve.residual, curve.point_fom]
    for name, column in measured.extra.items():
        if name != RESOLUTION:
            columns.append(fileio.Column(name, None, None))
            values.append(column)
    return columns, values


def _header(curve: Curve, columns: list[Any], name: str, now: datetime) -> Any:
    """What is known of the measurement: the header it came with, else the instrument of the model."""
    from orsopy import fileio

    known = curve.measured.meta
    measurement = _inside(known, "data_source", "measurement")
    wavelength: Any = fileio.Value(curve.measured.wavelength, "angstrom") if curve.measured.wavelength else None
    settings = fileio.InstrumentSettings(None, wavelength)
    if wavelength is None:
        stored = _inside(measurement, "instrument_settings", "wavelength")
        if "min" in stored and "max" in stored:
            settings.wavelength = fileio.ValueRange(stored["min"], stored["max"], stored.get("unit"))
    source = fileio.DataSource(
        fileio.Person(
            _text(known, "data_source", "owner", "name"), _text(known, "data_source", "owner", "affiliation")
        ),
        fileio.Experiment(
            _text(known, "data_source", "experiment", "title"),
            _text(known, "data_source", "experiment", "instrument"),
            _date(_text(known, "data_source", "experiment", "start_date")),
            _probe(_text(known, "data_source", "experiment", "probe") or curve.probe),
        ),
        fileio.Sample(_text(known, "data_source", "sample", "name") or curve.measured.name or None),
        fileio.Measurement(settings, []),
    )
    software = fileio.Software("metagenx", _version())
    return fileio.Orso(source, fileio.Reduction(software, now), columns, name)


def _inside(known: Any, *keys: str) -> Any:
    """The dictionary at `keys`, empty if there is none."""
    for key in keys:
        known = known.get(key, {}) if isinstance(known, dict) or hasattr(known, "get") else {}
    return known if hasattr(known, "get") else {}


def _text(known: Any, *keys: str) -> str | None:
    value = _inside(known, *keys[:-1]).get(keys[-1])
    return value if isinstance(value, str) and value.strip() else None


def _date(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _probe(text: str) -> str | None:
    low = text.lower()
    return "neutron" if "neutron" in low else "x-ray" if "ray" in low else None


def _analysis(exported: Exported, now: datetime) -> dict[str, Any] | None:
    model = exported.model
    if model is None:
        return None
    parameters = {}
    for row in model.file.table:
        if not row.name.strip():
            continue
        described: dict[str, Any] = {"value": _finite(row.value), "fit": bool(row.fit)}
        if row.fit:
            described |= {"min": _finite(row.minimum), "max": _finite(row.maximum)}
        match = _ERROR.fullmatch(row.error.strip())
        if match:
            described |= {"error_low": float(match.group(1)), "error_high": float(match.group(2))}
        parameters[row.name] = described
    function = model.fom_function
    value = float(model.fom())
    return {
        "software": {"name": "metagenx", "version": _version()},
        "timestamp": now.isoformat(),
        "figure_of_merit": {"function": function, "value": _finite(value)},
        "model": {
            "kind": "GenX script",
            "name": model.name,
            "data_sets": len(model.data),
            "script": model.file.script,
        },
        "uncertainties": model.file.options.get("metagenx", {}).get("error column", "as in GenX's Error column"),
        "parameters": parameters,
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _version() -> str | None:
    try:
        return metadata.version("metagenx")
    except metadata.PackageNotFoundError:
        return None
