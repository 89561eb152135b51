"""Writing data and fit into a file whose ending names the format: .ort or .csv."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metagenx.errors import InputError
from metagenx.genx.disk import replace_file

if TYPE_CHECKING:
    from metagenx.genx.export_curves import Exported
    from metagenx.genx.model import Model

ENDINGS = (".ort", ".csv")


def check_export(path: Path) -> None:
    """See that the ending of `path` is one that can be written, and that its folder is there.

    Raises InputError, before a long fit rather than after it.
    """
    if path.suffix.lower() not in ENDINGS:
        raise InputError(
            f"data cannot be written as {path.suffix or 'a file without an ending'}",
            where=str(path),
            hint=f"The endings are {' and '.join(ENDINGS)}; the model itself is written as .hgx.",
        )
    if not path.absolute().parent.is_dir():
        raise InputError("there is no such folder", where=str(path.absolute().parent), hint="Make it first.")


def export_data(model: Model, path: Path, index: int | None = None) -> Path:
    """Write the data sets of a model (or number `index`) with their simulation; returns `path`.

    Raises
    ------
    InputError : the ending, the place or the data set; x that cannot be made Qz for .ort.
    """
    from metagenx.genx.export_curves import curves_of_model

    check_export(path)
    return write_curves(curves_of_model(model, index), path)


def write_curves(exported: Exported, path: Path) -> Path:
    """Write curves as the ending of `path` says; returns `path`."""
    from metagenx.genx.export_csv import to_csv
    from metagenx.genx.export_orso import to_orso

    check_export(path)
    is_orso = path.suffix.lower() == ".ort"
    replace_file(path, to_orso(exported, path.name) if is_orso else to_csv(exported))
    return path
