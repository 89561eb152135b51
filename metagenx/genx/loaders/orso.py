"""ORSO reflectivity files, .ort (text) and .orb (HDF5), through orsopy; its only door here.

orsopy trusts its files, so they are looked over first: the rows of numbers with their lines, the size of the header,
aliases in its YAML that expand without end, and everything in the HDF5 that leads out of it or claims too much.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from metagenx.errors import FileFormatError, InputError
from metagenx.genx.loaders.format import Found, LoadOptions
from metagenx.genx.loaders.measured import Axis, MeasuredSet, identifier, measured
from metagenx.genx.loaders.numbers import number
from metagenx.genx.loaders.source import MAX_POINTS, lines_of

FIRST_LINE = re.compile(r"#\s*#\s*ORSO\b")
MAX_HEADER = 2**18  # characters; the header of a file with its whole model has some 10,000
_MAX_EXPANDED = 50_000
_MAX_META_DEPTH = 12
_HINT = "https://www.reflectometry.org describes the format; export the file again, or take columns of text."
_PER_ANGSTROM = {"1/angstrom": 1.0, "1/a": 1.0, "1/å": 1.0, "angstrom^-1": 1.0, "1/nm": 0.1, "nm^-1": 0.1}
_DEGREES = {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "rad": 180.0 / np.pi, "mrad": 0.18 / np.pi}


def recognises_text(content: bytes, path: Path) -> bool:
    """Whether the first line is ORSO's."""
    return bool(FIRST_LINE.match(content[:200].decode("utf-8-sig", "replace")))


def recognises_binary(content: bytes, path: Path) -> bool:
    """Whether this is HDF5."""
    from metagenx.genx import hdf5

    return hdf5.recognises(content)


def read_text(content: bytes, path: Path, options: LoadOptions) -> Found:
    """An .ort file, with all its data sets."""
    from orsopy import fileio

    where = path.name
    lines = lines_of(content, where)
    _check_rows(lines, where)
    _check_header(lines, where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # orsopy about numpy's own functions
            loaded = fileio.load_orso(io.StringIO("\n".join(lines)))
    except RecursionError:
        raise _damaged("its header is nested too deeply", where) from None
    except Exception as error:  # YAML's, orsopy's and numpy's own
        raise _damaged(_reason(error), where) from None
    return _found(loaded, where, options)


def read_binary(content: bytes, path: Path, options: LoadOptions) -> Found:
    """An .orb file (NeXus), with all its data sets."""
    import h5py
    from orsopy import fileio

    from metagenx.genx import hdf5

    where = path.name
    try:
        with hdf5.opened(content, where) as file:
            if "current" in file:
                raise FileFormatError("this is a GenX model, not a data file", where=where)
            reader, names = hdf5.Reader(file, content, where), []
            file.visititems(lambda name, member: names.append((name, isinstance(member, h5py.Dataset))))
            for name, is_array in names:
                if is_array:  # everything is read within limits once, before orsopy does
                    _touch(reader, name)
    except FileFormatError as error:
        is_model = "GenX model" in error.what
        error.hint = f"Take its data out with: metagenx convert {where} data.ort" if is_model else _HINT
        raise
    try:
        loaded = fileio.load_nexus(io.BytesIO(content))
    except Exception as error:
        raise _damaged(_reason(error), where) from None
    if not loaded:
        raise FileFormatError(
            "this HDF5 file holds no ORSO data set", where=where, hint="An ORSO file is .orb or .ort; " + _HINT
        )
    return _found(loaded, where, options)


def _touch(reader: Any, name: str) -> None:
    if reader.is_numeric(name):
        reader.numbers(name)
    elif reader.dataset(name).dtype.kind in "OS" and reader.dataset(name).shape is not None:
        reader.texts(name)


def _check_rows(lines: list[str], where: str) -> None:
    """Every row holds numbers, as many as the others of its data set."""
    width = count = 0
    for index, line in enumerate(lines, start=1):
        if line.startswith("#"):
            width = 0 if line.startswith("# data_set") else width
            continue
        cells = line.split()
        if not cells:
            continue
        wrong = next((cell for cell in cells if number(cell) is None), None)
        if wrong is not None:
            raise InputError(f"{wrong[:40]!r} is not a number", where=f"{where}, line {index}", hint=_HINT)
        width, count = width or len(cells), count + 1
        if len(cells) != width:
            raise InputError(
                f"this row has {len(cells)} columns, the others have {width}",
                where=f"{where}, line {index}",
                hint=_HINT,
            )
        if count > MAX_POINTS:
            raise InputError(f"it has more than {MAX_POINTS} rows", where=where, hint="Export the reduced curve only.")


def _check_header(lines: list[str], where: str) -> None:
    header = [line[1:] for line in lines if line.startswith("#")]
    size = sum(map(len, header))
    if size > MAX_HEADER:
        raise _damaged(f"its header has {size} characters; {MAX_HEADER} are allowed", where)
    text = "\n".join(header)
    if "&" in text and re.search(r"(?:^|[\s\[{,:-])\*\w", text):
        _check_aliases(text, where)


def _check_aliases(text: str, where: str) -> None:
    """Refuse a header whose aliases, written out, would be much larger than it is."""
    import yaml

    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                total += sizes.get(str(event.anchor), 0)
            elif isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append((event.anchor, total))
                total += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_nodes.pop()
                if anchor:
                    sizes[anchor] = total - before
            elif isinstance(event, yaml.ScalarEvent):
                total += 1
                if event.anchor:
                    sizes[event.anchor] = 1
            if total > _MAX_EXPANDED:
                raise _damaged("its header expands without end", where)
    except yaml.YAMLError as error:
        raise _damaged(_reason(error), where) from None


def _found(loaded: list[Any], where: str, options: LoadOptions) -> Found:
    found = Found([])
    for index, item in enumerate(loaded):
        name = item.info.data_set
        label = f"{where}, data set {index if name is None else name}"
        try:
            found.sets.append(_set(item, f"{Path(where).stem}" if name is None else str(name), label, found))
        except InputError:
            raise
        except Exception as error:  # a header of another shape than ORSO's
            raise _damaged(_reason(error), label) from None
    return found


def _set(item: Any, name: str, where: str, found: Found) -> MeasuredSet:
    columns = list(item.info.columns)
    data = np.asarray(item.data, dtype=np.float64)
    if data.ndim != 2 or data.shape[1] != len(columns) or len(columns) < 2:
        raise _damaged("its columns are not those that its header names", where)
    axis, factor, said = _axis(columns[0], where, found)
    error_of = {i: c for i, c in enumerate(columns) if getattr(c, "error_of", None)}
    x_name, y_name = str(columns[0].name), str(columns[1].name)
    error_column = _column_of(error_of, y_name, default=2, columns=columns, names=("sR", "dR", "error"))
    resolution_column = _column_of(error_of, x_name, default=3, columns=columns, names=("sQz", "dQz", "res"))
    error = resolution = None
    if error_column is not None:
        error = data[:, error_column] * _to_sigma(columns[error_column], "error of y", where, found)
    if resolution_column is not None:
        scale = _to_sigma(columns[resolution_column], "resolution", where, found)
        values = data[:, resolution_column] * factor * scale
        resolution = values if np.isfinite(values).any() else None
    taken = {"res"}
    extra = {} if resolution is None else {"res": resolution}
    for index in range(2, len(columns)):
        if index not in (error_column, resolution_column):
            extra[identifier(str(columns[index].name), taken)] = data[:, index]
    listed = ", ".join(str(column.name) for column in columns)
    found.said.append(f"data set {name}: {len(data)} points; columns {listed}; x is {said}")
    header = item.info.to_dict()
    return measured(
        name, data[:, 0] * factor, data[:, 1], error, extra=extra, axis=axis, wavelength=_wavelength(header),
        meta=_plain(header, _MAX_META_DEPTH), where=where, notices=found.notices,
    )  # fmt: skip


def _axis(column: Any, where: str, found: Found) -> tuple[Axis, float, str]:
    """What the first column is, and the factor that makes it Å⁻¹ or degrees of 2θ."""
    unit = str(getattr(column, "unit", None) or "").strip().lower()
    name = str(column.name)
    if unit in _PER_ANGSTROM:
        factor = _PER_ANGSTROM[unit]
        return "q", factor, f"{name} in {unit}" + (", made 1/Å" if factor != 1.0 else "")
    plain = name.lower().replace("_", "").replace(" ", "")
    if unit in _DEGREES:
        half = plain in ("theta", "incidentangle", "alphai", "angleofincidence", "omega", "incidenceangle")
        two = plain in ("2theta", "twotheta", "tth", "2θ")
        if half or two:
            factor = _DEGREES[unit] * (2.0 if half else 1.0)
            return "2theta", factor, f"{name} in {unit}" + (", made 2θ in degrees" if factor != 1.0 else "")
    if not unit and plain in ("q", "qz"):
        found.notices.append(f"{where}: the column {name} names no unit; 1/Å is assumed, which is ORSO's")
        return "q", 1.0, f"{name}, of no named unit"
    found.notices.append(f"{where}: the first column is {name} in {unit or 'no unit'}, not Qz in 1/angstrom or 1/nm")
    return "", 1.0, f"{name} in {unit or 'no unit'}"


def _column_of(
    error_of: dict[int, Any], owner: str, *, default: int, columns: list[Any], names: tuple[str, ...]
) -> int | None:
    """The error column of `owner`: the one that says so, else the one in its usual place if its name fits."""
    for index, column in error_of.items():
        if str(column.error_of) == owner:
            return index
    if default < len(columns) and default not in error_of and str(columns[default].name) in names:
        return default
    return None


def _to_sigma(column: Any, what: str, where: str, found: Found) -> float:
    """Factor that makes the column a standard deviation."""
    if getattr(column, "value_is", None) != "FWHM":
        return 1.0
    try:
        factor = float(column.to_sigma)
    except (ValueError, NotImplementedError):
        from metagenx.genx.loaders.columns import SIGMA_OF_FWHM

        found.notices.append(
            f"{where}: the {what} is a width of distribution {column.distribution!r}, which has no standard deviation; "
            "that of a Gaussian of this width is taken"
        )
        return SIGMA_OF_FWHM
    found.said.append(
        f"{where}: the {what} is a full width at half maximum, made a standard deviation (x {factor:.4f})"
    )
    return factor


def _wavelength(header: dict[str, Any]) -> float | None:
    """The one wavelength of the measurement, Å."""
    try:
        value = header["data_source"]["measurement"]["instrument_settings"]["wavelength"]
        unit = str(value.get("unit") or "angstrom").lower()
        return float(value["magnitude"]) * {"angstrom": 1.0, "nm": 10.0}[unit]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _plain(value: Any, depth: int) -> dict[str, Any]:
    """The dictionaries, texts and numbers of a header; lists and empty values GenX would have to pickle."""
    plain: dict[str, Any] = {}
    for key, member in value.items():
        name = str(key)
        if "/" in name or "\0" in name or not name.strip("."):
            continue
        if isinstance(member, dict) and depth:
            plain[name] = _plain(member, depth - 1)
        elif isinstance(member, str):
            plain[name] = member.replace("\0", "")
        elif isinstance(member, bool | float) or (isinstance(member, int) and abs(member) < 2**63):
            plain[name] = member
        elif hasattr(member, "isoformat"):
            plain[name] = member.isoformat()
    return plain


def _reason(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f" (line {mark.line + 1} of the header)" if mark is not None else ""
    text = str(getattr(error, "problem", None) or error).strip().splitlines()
    return f"{text[0][:160] if text else type(error).__name__}{place}"


def _damaged(reason: str, where: str) -> FileFormatError:
    return FileFormatError(f"the ORSO file cannot be read: {reason}", where=where, hint=_HINT)
