"""The data formats that can be read, and how one is chosen: by what the user says, by content, by name.

A new format is one module with its readers and one line here.
"""

from __future__ import annotations

import difflib
from os import PathLike
from pathlib import Path

from metagenx.errors import FileFormatError, InputError
from metagenx.genx.loaders import (
    brml,
    column_text,
    fixed_columns,
    orso,
    rigaku,
    rods,
    seifert,
    sinq,
    sns,
    spec,
    xrdml,
)
from metagenx.genx.loaders.coordinates import as_told
from metagenx.genx.loaders.format import Format, Found, LoadOptions
from metagenx.genx.loaders.measured import MeasuredSet, ReadData
from metagenx.genx.loaders.source import read_source

# Asked in this order; column text takes what nobody else knows.
FORMATS: tuple[Format, ...] = (
    Format("orso", "ORSO text", (".ort",), orso.read_text, orso.recognises_text),
    Format("orb", "ORSO binary", (".orb", ".nxs", ".h5", ".hdf", ".hdf5"), orso.read_binary, orso.recognises_binary),
    Format("xrdml", "PANalytical XRDML", (".xrdml",), xrdml.read, xrdml.recognises),
    Format("rasx", "Rigaku RASX", (".rasx",), rigaku.read_zip, rigaku.recognises_zip),
    Format("brml", "Bruker BRML", (".brml",), brml.read, brml.recognises),
    Format("ras", "Rigaku RAS", (".ras",), rigaku.read_text, rigaku.recognises_text),
    Format("sns_mr", "SNS magnetism reflectometer", (), sns.read, sns.recognises),
    Format("sinq_six", "SINQ scan", (), sinq.read, sinq.recognises),
    Format("seifert_nja", "Seifert NJA", (".nja",), seifert.read, seifert.recognises),
    Format("spec", "SPEC", (".spec",), spec.read, spec.recognises),
    Format("d17_cosmos", "D17, COSMOS", (".mft",), fixed_columns.D17_COSMOS, fixed_columns.is_cosmos),
    Format("d17_legacy", "D17, old", (".out",), fixed_columns.D17_LEGACY, fixed_columns.is_d17_legacy),
    Format("amor", "AMOR", (".rqz",), fixed_columns.AMOR, fixed_columns.is_amor),
    Format("sls_sxrd", "rods, h k l I dI", (), rods.read_sls, rods.is_sls),
    Format("gsecars_ctr", "rods, h k l F dF Lbragg dLbragg", (), rods.read_gsecars, rods.is_gsecars),
    Format("default", "columns x, y, error", (), fixed_columns.DEFAULT),
    Format("resolution", "columns x, y, error, resolution", (), fixed_columns.RESOLUTION),
    Format("text", "column text", (".dat", ".txt", ".csv", ".asc", ".xy"), column_text.read),
)

_BY_NAME = {format.name: format for format in FORMATS}


def read_data(path: str | PathLike[str], *, format: str | None = None, options: LoadOptions | None = None) -> ReadData:
    """Read a data file of any known format.

    Parameters
    ----------
    format : its name if the file should not decide; `FORMATS` lists them.
    options : what the user knows better than the file.

    Raises
    ------
    FileFormatError, InputError : what is wrong, the line, and what to do.
    """
    path, options = Path(path), options or LoadOptions()
    content = read_source(path)
    chosen = _named(format) if format else _recognised(content, path)
    try:
        found = chosen.read(content, path, options)
    except RecursionError:
        raise FileFormatError("it is nested too deeply to be read", where=path.name) from None
    except InputError as error:
        error.where = error.where or path.name
        raise
    if options.pick is not None and chosen.name != "spec":
        found.sets = [_picked(found, options.pick, path)]
    if options.x is not None:
        found.sets = [as_told(measured, options.x, path.name) for measured in found.sets]
        found.said.append(f"x is {options.x}, as told")
    return ReadData(path, chosen.name, chosen.title, tuple(found.sets), tuple(found.said), tuple(found.notices))


def _named(name: str) -> Format:
    known = _BY_NAME.get(name.strip().lower())
    if known is None:
        close = difflib.get_close_matches(name, _BY_NAME, n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        raise InputError(f"there is no data format {name!r}", hint=f"{hint}The formats are {', '.join(_BY_NAME)}.")
    return known


def _recognised(content: bytes, path: Path) -> Format:
    for format in FORMATS:
        if format.recognises is not None and format.recognises(content, path):
            return format
    start = content[:8]
    if start.startswith((b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf")):
        raise FileFormatError(
            "it is packed, and not in a way that an instrument does", where=path.name, hint="Unpack it first."
        )
    if path.suffix.lower() in (".ort", ".orb"):
        raise FileFormatError(
            "its first line is not that of an ORSO file", where=path.name,
            hint="It should begin with '# # ORSO reflectivity data file'. Export it again, or name it .txt.",
        )  # fmt: skip
    return _BY_NAME["text"]


def _picked(found: Found, pick: str, path: Path) -> MeasuredSet:
    names = [measured.name for measured in found.sets]
    if pick in names:
        return found.sets[names.index(pick)]
    if pick.isdigit() and int(pick) < len(names):
        return found.sets[int(pick)]
    listed = ", ".join(f"{index} {name}" for index, name in enumerate(names[:20]))
    raise InputError(f"there is no data set {pick!r} in it", where=path.name, hint=f"It holds: {listed}.")
