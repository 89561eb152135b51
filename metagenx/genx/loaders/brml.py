"""Bruker .brml (DIFFRAC.SUITE): a zip of XML; every data route of every RawData member is a data set."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import FileFormatError
from metagenx.genx.loaders.attenuation import corrected, counting_error
from metagenx.genx.loaders.format import Found, LoadOptions
from metagenx.genx.loaders.measured import MeasuredSet, measured
from metagenx.genx.loaders.numbers import column, number
from metagenx.genx.loaders.source import DAMAGED, MAX_POINTS, Archive, by_number, first, found, xml_root

Floats = NDArray[np.float64]

_RAW = re.compile(r"(?:^|/)RawData\d*\.xml$", re.IGNORECASE)


def recognises(content: bytes, path: Path) -> bool:
    """Whether it is a zip with Bruker's members."""
    return content[:4] == b"PK\x03\x04" and (path.suffix.lower() == ".brml" or b"RawData" in content)


def read(content: bytes, path: Path, options: LoadOptions) -> Found:
    """Counts per second against 2θ, with counting statistics as errors."""
    archive = Archive(content, path.name)
    members = sorted((name for name in archive.names if _RAW.search(name)), key=by_number)
    result = Found([])
    for member in members:
        where = f"{path.name}, member {member}"
        root = xml_root(archive.read(member), where)
        wavelength = _wavelength(root)
        for route in found(root, "DataRoute"):
            made = _route(route, f"{path.stem} {len(result.sets)}", wavelength, where, result)
            if made is not None:
                result.sets.append(made)
    if not result.sets:
        raise FileFormatError("it holds no scan of 2θ or θ", where=path.name, hint=DAMAGED)
    return result


def _route(route: Element, name: str, wavelength: float | None, where: str, result: Found) -> MeasuredSet | None:
    rows = []
    for datum in found(route, "Datum"):
        cells = (datum.text or "").split(",", 200)
        rows.append(column((cell for cell in cells if cell.strip()), "a Datum", where))
        if len(rows) > MAX_POINTS:
            raise FileFormatError(f"it has more than {MAX_POINTS} points", where=where, hint=DAMAGED)
    if not rows:
        return None
    widths = {len(row) for row in rows}
    if len(widths) != 1:
        raise FileFormatError("its Datum rows have different lengths", where=where, hint=DAMAGED)
    values = np.array(rows)
    columns = _columns(route, values.shape[1]) or _columns_of_axes(route, values.shape[1])
    if "channels" in columns:
        result.notices.append(f"{where}: a data route with {columns['channels']} channels per point was left out")
        return None
    angle = next((key for key in ("twotheta", "theta", "omega") if key in columns), None)
    counts = columns.get("counts")
    if angle is None or counts is None:
        result.notices.append(f"{where}: a data route without an angle or without counts was left out")
        return None
    x = values[:, columns[angle]] * (1.0 if angle == "twotheta" else 2.0)
    raw = values[:, counts]
    factors = values[:, columns["absorptionfactor"]] if "absorptionfactor" in columns else np.ones(len(raw))
    y, said = corrected(raw, factors)
    scale = np.divide(y, raw, out=np.ones_like(y), where=raw != 0.0)
    error = counting_error(raw) * np.where(raw != 0.0, scale, factors if said.startswith("counts multiplied") else 1.0)
    times = values[:, columns["measuredtime"]] if "measuredtime" in columns else None
    per_second = times is not None and bool((times > 0.0).all())
    if times is not None and per_second:
        y, error = y / times, error / times
    result.said.append(f"{name}: {'counts per second' if per_second else 'counts'}, errors by counting statistics")
    if said:
        result.said.append(f"{name}: {said}")
    if angle != "twotheta":
        result.said.append(f"{name}: 2θ is not recorded; twice {angle} is taken for it")
    return measured(
        name, x, y, error, axis="2theta", wavelength=wavelength, where=where, notices=result.notices
    )  # fmt: skip


def _columns(route: Element, width: int) -> dict[str, int]:
    """What stands where in a Datum row: by the views that the file describes."""
    columns: dict[str, int] = {}
    for view in found(route, "RawDataView"):
        try:
            start = int(view.get("Start") or 0)
        except ValueError:
            continue
        logic = (view.get("LogicName") or "").lower()
        kind = view.get("type") or ""
        if logic in ("measuredtime", "absorptionfactor"):
            columns[logic] = start
        elif "Recorded" in kind or first(view, "Recording") is not None:
            if view.get("Length", "1") not in ("", "0", "1"):  # frames of a detector that stands still
                return {"channels": int(number(view.get("Length", "")) or 0)}
            columns.setdefault("counts", start)
        for index, field in enumerate(found(view, "FieldDefinitions")):
            name = (field.get("AxisId") or field.get("FieldName") or field.get("TwoTheta") or "").lower()
            if name in ("twotheta", "theta", "omega"):
                columns.setdefault(name, start + index)
    return {name: index for name, index in columns.items() if 0 <= index < width}


def _columns_of_axes(route: Element, width: int) -> dict[str, int]:
    """What stands where in the rows of older files, which have no views: two numbers, the axes of the scan, counts."""
    axes = [(axis.get("AxisId") or "").lower() for axis in found(route, "ScanAxisInfo")]
    columns = {name: 2 + i for i, name in enumerate(axes) if name in ("twotheta", "theta", "omega") and 3 + i < width}
    return {**columns, "counts": width - 1} if columns else {}


def _wavelength(root: Element) -> float | None:
    """Kα1 of the tube, Å; None where the file names none."""
    for tag in ("WaveLengthAlpha1", "WaveLengthAverage"):
        element = first(root, tag)
        try:
            value = float((element.get("Value") or element.text or "") if element is not None else "")
        except ValueError:
            continue
        if 0.0 < value < 100.0:
            return value
    return None
