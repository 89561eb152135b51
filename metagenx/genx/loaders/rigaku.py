"""Rigaku SmartLab: .ras (text) and .rasx (zip of text and XML); columns x, intensity, absorber factor."""

from __future__ import annotations

import re
from pathlib import Path

from metagenx.errors import FileFormatError
from metagenx.genx.loaders.attenuation import corrected, counting_error
from metagenx.genx.loaders.format import Found, LoadOptions
from metagenx.genx.loaders.measured import Axis, MeasuredSet, measured
from metagenx.genx.loaders.numbers import Layout, rows_of
from metagenx.genx.loaders.source import DAMAGED, Archive, by_number, lines_of, xml_root

_KEY = re.compile(r"\*(\S+)\s+\"?(.*?)\"?\s*$")
_PROFILE = re.compile(r"(?:^|/)Profile(\d+)\.txt$", re.IGNORECASE)
_TWO_THETA = ("twotheta", "2theta", "2θ")
_THETA = ("theta", "omega", "θ", "ω")


def recognises_text(content: bytes, path: Path) -> bool:
    """Whether it begins as SmartLab's text."""
    return b"*RAS_DATA_START" in content[:512] or b'*FILE_TYPE "RAS_RAW"' in content[:4096]


def recognises_zip(content: bytes, path: Path) -> bool:
    """Whether it is a zip with a profile of SmartLab."""
    return content[:4] == b"PK\x03\x04" and (path.suffix.lower() == ".rasx" or b"Profile0.txt" in content)


def read_text(content: bytes, path: Path, options: LoadOptions) -> Found:
    """A .ras file with all its scans."""
    lines = lines_of(content, path.name)
    result, begun = Found([]), -1
    keys: dict[str, str] = {}
    rows: list[str] = []
    for index, line in enumerate(lines):
        text = line.strip()
        if text.startswith("*RAS_INT_START"):
            begun, rows = index + 1, []
        elif text.startswith("*RAS_INT_END"):
            name = path.stem if not result.sets else f"{path.stem} {len(result.sets)}"
            result.sets.append(_scan(rows, keys, name, f"{path.name}, scan at line {begun}", result))
            begun = -1
        elif begun >= 0:
            rows.append(text)
        elif (match := _KEY.match(text)) is not None:
            keys[match.group(1)] = match.group(2)
    if begun >= 0:
        raise FileFormatError("the last scan has no end", where=f"{path.name}, line {begun}", hint=DAMAGED)
    if not result.sets:
        raise FileFormatError("it holds no scan", where=path.name, hint=DAMAGED)
    return result


def read_zip(content: bytes, path: Path, options: LoadOptions) -> Found:
    """A .rasx file with all its profiles."""
    archive = Archive(content, path.name)
    result = Found([])
    for member in sorted((name for name in archive.names if _PROFILE.search(name)), key=by_number):
        folder, number = member.rpartition("/")[0], _PROFILE.search(member)
        conditions = f"{folder}/MesurementConditions{number.group(1) if number else 0}.xml"  # Rigaku's spelling
        where = f"{path.name}, member {member}"
        keys = _conditions(archive.read(conditions), where) if conditions in archive.names else {}
        lines = [line.strip() for line in lines_of(archive.read(member), where)]
        name = path.stem if not result.sets else f"{path.stem} {len(result.sets)}"
        result.sets.append(_scan(lines, keys, name, where, result))
    if not result.sets:
        raise FileFormatError("it holds no profile", where=path.name, hint="It may hold detector images only.")
    return result


def _conditions(content: bytes, where: str) -> dict[str, str]:
    """Header of a profile, in the names of .ras."""
    root, keys = xml_root(content, where), {}
    for element in root.iter():
        children = [(child.text or "").strip() for child in element]
        if len(children) == 2 and children[0].startswith("*"):
            keys[children[0].lstrip("*")] = children[1]
    named = {"AxisName": "MEAS_SCAN_AXIS_X", "WavelengthKalpha1": "HW_XG_WAVE_LENGTH_ALPHA1",
             "IntensityUnit": "MEAS_SCAN_UNIT_Y"}  # fmt: skip
    for element in root.iter():
        if element.tag in named and (element.text or "").strip():
            keys.setdefault(named[element.tag], (element.text or "").strip())
    return keys


def _scan(lines: list[str], keys: dict[str, str], name: str, where: str, result: Found) -> MeasuredSet:
    width = next((len(line.split()) for line in lines if line and not line.startswith("*")), 0)
    if width < 2:
        raise FileFormatError("the scan has no columns x and intensity", where=where, hint=DAMAGED)
    values = rows_of(lines, Layout(), width, where).values
    declared = keys.get("MEAS_DATA_COUNT", "")
    if declared.isdigit() and int(declared) != len(values):
        result.notices.append(f"{where}: {declared} points are announced, {len(values)} are there")
    axis, factor = _axis(keys, result, name)
    counts = values[:, 1]
    y, said = corrected(counts, values[:, 2]) if width > 2 else (counts, "")
    scale = values[:, 2] if said.startswith("counts multiplied") else 1.0
    unit = keys.get("MEAS_SCAN_UNIT_Y", "counts")
    result.said.append(f"{name}: intensity in {unit}" + (f"; {said}" if said else ""))
    error = counting_error(counts) * scale if unit.lower().startswith("count") else None
    if error is None:
        result.notices.append(f"{name}: no error bars, as the intensity is in {unit} and the counts are not known")
    try:
        wavelength: float | None = float(keys.get("HW_XG_WAVE_LENGTH_ALPHA1", ""))
    except ValueError:
        wavelength = None
    return measured(
        name, values[:, 0] * factor, y, error, axis=axis, wavelength=wavelength, where=where, notices=result.notices
    )


def _axis(keys: dict[str, str], result: Found, name: str) -> tuple[Axis, float]:
    named = keys.get("MEAS_SCAN_AXIS_X_INTERNAL") or keys.get("MEAS_SCAN_AXIS_X") or ""
    plain = named.lower().replace(" ", "").replace("-", "").replace("/", "")
    if any(word in plain for word in _TWO_THETA):
        return "2theta", 1.0
    if plain.startswith(_THETA):
        result.said.append(f"{name}: the scan axis is {named}; twice of it is taken for 2θ")
        return "2theta", 2.0
    result.said.append(f"{name}: the scan axis is {named or 'not named'}")
    return "", 1.0
