"""``metagenx convert``: from .hgx, .gx, .ort, CSV and every data format to .hgx, .ort and CSV."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from metagenx.errors import InputError
from metagenx.genx import file as genx_file
from metagenx.genx.export_curves import Exported, curves_of_data, curves_of_model
from metagenx.genx.export_data import ENDINGS, write_curves
from metagenx.genx.loaders import LoadOptions, ReadData, read_data
from metagenx.genx.loaders.starter import starter_file
from metagenx.genx.model import Model

MODELS = (".hgx", ".gx")


@dataclass(frozen=True)
class Conversion:
    """What was converted into what."""

    source: Path
    target: Path
    n_sets: int
    n_points: int
    said: tuple[str, ...]
    notices: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "input": str(self.source),
            "output": str(self.target),
            "data_sets": self.n_sets,
            "points": self.n_points,
            "detected": list(self.said),
            "notices": list(self.notices),
        }


def convert(
    source: Path,
    target: Path,
    *,
    index: int | None = None,
    trust: bool = False,
    format: str | None = None,
    options: LoadOptions | None = None,
    wavelength: float | None = None,
) -> Conversion:
    """Write what is in `source` as the ending of `target` says.

    A model becomes .ort or CSV with its simulation; as .hgx it stays the same model. Data become .hgx as the data of
    the model in their ORSO header if there is one, else of a bare substrate to begin with.

    Parameters
    ----------
    index : only this data set (from 0).
    trust : run a script that leaves the safe subset; needed for .ort and CSV of such a model.
    format, options : how to read `source` if it is a data file.
    wavelength : Å, to make 2θ of data Qz where the file does not name one.

    Raises
    ------
    InputError : a file, its ending, or coordinates that cannot be converted.
    """
    ending = target.suffix.lower()
    if ending not in (".hgx", *ENDINGS):
        hint = "Name it .hgx." if ending == ".gx" else "The endings are .hgx, .ort and .csv."
        what = "the old format .gx is read, but not written" if ending == ".gx" else "this ending is not known"
        raise InputError(what, where=str(target), hint=hint)
    if source.suffix.lower() in MODELS:
        return _model(source, target, index, trust)
    read = read_data(source, format=format, options=options)
    sets = [replace(item, wavelength=item.wavelength or wavelength) for item in read.sets]
    exported = curves_of_data(sets, source.name, index)
    notices = list(read.notices)
    if ending == ".hgx":
        file, heard = starter_file([curve.measured for curve in exported.curves], trust=trust)
        notices += heard
        genx_file.write(file, target)
    else:
        write_curves(exported, target)
    return _conversion(source, target, exported, read, notices)


def _model(source: Path, target: Path, index: int | None, trust: bool) -> Conversion:
    file = genx_file.read(source)
    if target.suffix.lower() == ".hgx":
        if index is not None:
            raise InputError(
                "a model keeps all its data sets, because its script simulates them one by one",
                where=str(target),
                hint="--data goes with .ort and .csv.",
            )
        genx_file.write(file, target)
        points = sum(len(item.x) for item in file.data)
        return Conversion(source, target, len(file.data), points, (), tuple(file.notices))
    model = Model(file, trust=trust)
    exported = curves_of_model(model, index)
    write_curves(exported, target)
    return _conversion(source, target, exported, None, list(model.notices))


def _conversion(
    source: Path, target: Path, exported: Exported, read: ReadData | None, notices: list[str]
) -> Conversion:
    points = sum(len(curve.measured.x) for curve in exported.curves)
    said = (read.summary, *read.detected) if read is not None else ()
    return Conversion(source, target, len(exported.curves), points, said, tuple(notices))
