"""A model with the data of one file in the place of its own."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metagenx.errors import InputError, MetagenxError
from metagenx.meta.problem_source import ProblemSource, open_model

if TYPE_CHECKING:
    from metagenx.genx.model import Model

MODEL_SUFFIXES = (".hgx", ".gx")


@dataclass(frozen=True)
class DataOptions:
    """What the user knows better than his files: see :class:`metagenx.genx.loaders.LoadOptions`."""

    format: str | None = None
    x: str | None = None
    columns: tuple[str, ...] = ()


AS_DETECTED = DataOptions()


def check_options(how: DataOptions) -> None:
    """Raise InputError for a format or an x that there is not, before every file fails because of it."""
    from metagenx.genx.loaders import FORMATS
    from metagenx.genx.loaders.coordinates import X_KINDS

    formats = [format.name for format in FORMATS]
    if how.format is not None and how.format.strip().lower() not in formats:
        raise InputError(f"there is no data format {how.format!r}", hint=f"The formats are {', '.join(formats)}.")
    kinds = {name.lower() for name in X_KINDS} | {"2θ", "tth"}
    if how.x is not None and how.x.strip().lower() not in kinds:
        raise InputError(f"x cannot be {how.x!r}", hint=f"It is one of {', '.join(X_KINDS)}.")


def model_with(
    name: str,
    content: bytes,
    source: ProblemSource,
    *,
    fom: str | None,
    how: DataOptions,
    notices: list[str],
) -> Model:
    """The model of ``source`` with the data in ``content``, a file called ``name``.

    A data file goes in as ``metagenx fit --data`` puts it in, by the model's own data commands. Of a .hgx or .gx file
    the data sets are taken as they are, the rest of it is ignored.

    Parameters
    ----------
    fom : figure of merit instead of the model's.
    how : how data files are to be read.
    notices : hears how the file was understood.

    Raises
    ------
    InputError : the file cannot be read, its data do not fit the model, or the model cannot be run with them.
    """
    base = open_model(source)
    with tempfile.TemporaryDirectory(prefix="metagenx-") as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(content)
        try:
            if path.suffix.lower() in MODEL_SUFFIXES:
                model, heard = _with_data_of_model(base, path)
            else:
                model, heard = _with_data_file(base, path, how)
        except MetagenxError as error:
            if error.where:  # the user knows his own file, not our copy
                error.where = error.where.replace(str(path), name)
            raise
    notices += heard
    if fom:
        model = model.with_results(solver_options={"figure_of_merit": fom})
    model.file.path = Path(name)
    return model


def _with_data_of_model(base: Model, path: Path) -> tuple[Model, list[str]]:
    """The data sets of another GenX file; as many as the script was written for."""
    from metagenx.genx.data import DataList
    from metagenx.genx.file import read
    from metagenx.genx.model import Model

    other = read(path)
    if len(other.data) != len(base.data):
        raise InputError(
            f"it has {_sets(len(other.data))}, the model has {_sets(len(base.data))}",
            where=str(path),
            hint="The script simulates the data sets of its own file, one by one; give files with as many.",
        )
    file = base.file.with_results(fom_log=[], start_guess=[])
    file.data = DataList(dataset.copy() for dataset in other.data)
    return Model(file, trust=base.trust), list(other.notices)


def _with_data_file(base: Model, path: Path, how: DataOptions) -> tuple[Model, list[str]]:
    from metagenx.genx.loaders import DataRequest, LoadOptions, put_data

    options = LoadOptions(columns=how.columns, x=how.x)
    new = put_data(base, [DataRequest(path, format=how.format, options=options)])
    return new.model, [*new.said, *new.notices]


def _sets(count: int) -> str:
    return f"{count} data set" + ("s" if count != 1 else "")
