"""The CSV tables and traces of a run: UTF-8, decimal points, units in the header, the header in the first line.

Rows stand in an order that does not depend on when they arrived, numbers are written so that they read back
to the last digit, and what differs from one execution to the next (times, hosts) comes in the last columns.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.meta.records import FitRecord, setting_order, sorted_records
from metagenx.meta.targets import BestKnown, Target
from metagenx.runs.files import write_atomically

if TYPE_CHECKING:
    import pandas as pd

LAST_COLUMNS = ("seconds", "host", "hosts", "time")

# Units of the last word of a parameter's name, in GenX's conventions; others have none that is certain.
_UNITS = {
    "d": "Å",
    "sigma": "Å",
    "sigmar": "Å",
    "dens": "1/Å³",
    "magn": "µB",
    "magn_ang": "°",
    "wavelength": "Å",
    "incangle": "°",
    "tthoff": "°",
    "xs_ai": "barn",
    "samplelen": "mm",
    "beamw": "mm",
}


def unit(parameter: str) -> str:
    """Unit of a parameter by GenX's conventions: ``Fe.setD`` → ``Å``; empty where it is not certain."""
    word = parameter.rpartition(".")[2].lower().removeprefix("set").strip("_")
    return _UNITS.get(word, "")


def header(parameter: str) -> str:
    """Column of a parameter: ``Fe.setD [Å]``."""
    return f"{parameter} [{unit(parameter)}]" if unit(parameter) else parameter


_TEX = {r"\AA": "Å", "r_{e}": "r_e", "10^{-6}": "10⁻⁶ ", "^{-2}": "⁻²", "^{3}": "³"}


def plain_unit(text: str) -> str:
    """A unit that GenX writes for TeX, for everybody: ``r_{e}/\\AA^{3}`` → ``r_e/Å³``."""
    text = text.strip().strip("[]$")
    for tex, plain in _TEX.items():
        text = text.replace(tex, plain)
    return " ".join(text.split())


def write_table(path: Path, rows: Iterable[Mapping[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """Write a table as it stands, times and hosts moved to its end; returns what was written.

    Raises
    ------
    ResourcesSpent, InputError : the disk is full, the folder cannot be written.
    """
    import pandas as pd

    table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    last = [name for name in LAST_COLUMNS if name in table.columns]
    table = table[[name for name in table.columns if name not in last] + last]
    write_atomically(path, table.to_csv(index=False, lineterminator="\n"))
    return table


def write_trials(path: Path, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Write ``trials.csv``: one row per setting, the column ``setting`` its id; raises as :func:`write_table`."""
    return write_table(path, sorted(rows, key=lambda row: setting_order(str(row["setting"]))))


def write_repeats(
    path: Path,
    records: Sequence[FitRecord],
    names: Mapping[str, Sequence[str]],
    *,
    seed: int,
    best: Mapping[str, BestKnown] | None = None,
    target: Target | None = None,
    more: Callable[[FitRecord], Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """Write ``repeats.csv``: one row per fit; raises as :func:`write_table`.

    Parameters
    ----------
    names : sample → names of its fitted parameters.
    best : sample → best known solution, against which success is judged; none: no such columns.
    more : further columns of a fit, behind the others.
    """
    rows = []
    columns = dict.fromkeys(header(name) for sample in sorted(names) for name in names[sample])
    for record in sorted_records(records):
        row: dict[str, Any] = {
            "phase": record.phase,
            "setting": record.setting,
            "sample": record.sample,
            "repeat": record.repeat,
            "seed": seed,
            "FOM": record.fom,
        }
        if best is not None:
            known = best.get(record.sample)
            time = (target or Target()).hit_time(record, known) if known is not None else None
            row |= {"success": time is not None, "evaluations to success": time}
        row |= {
            "evaluations": record.evaluations,
            "generations": record.generations,
            "stop": record.stop,
            "failure": record.failure or "",
        }
        row |= dict.fromkeys(columns, math.nan)
        row |= dict(zip(map(header, names.get(record.sample, ())), record.values, strict=False))
        row |= more(record) if more is not None else {}
        rows.append(row | {"seconds": record.seconds, "host": record.host})
    import pandas as pd

    table = pd.DataFrame(rows)
    if "evaluations to success" in table:
        table["evaluations to success"] = table["evaluations to success"].astype("Int64")
    return write_table(path, table)


def write_parameters(
    path: Path,
    names: Sequence[str],
    values: Sequence[float],
    bounds: Sequence[tuple[float, float]],
    *,
    errors: Sequence[tuple[float, float]] | None = None,
    samples: Sequence[str] | None = None,
    edge: float = 0.005,
) -> pd.DataFrame:
    """Write ``parameters.csv``: the best fit's fitted parameters; raises as :func:`write_table`.

    Parameters
    ----------
    bounds : (min, max) of each, in its own unit, as all below.
    errors : (minus, plus) of each, as lengths; nan where unknown.
    samples : the sample of each, if there are several.
    edge : share of its range within which a value counts as at its limit.
    """
    rows = []
    for index, (name, value, (low, high)) in enumerate(zip(names, values, bounds, strict=True)):
        minus, plus = errors[index] if errors is not None else (math.nan, math.nan)
        near = edge * (high - low)
        limit = "min" if value <= low + near else "max" if value >= high - near else ""
        rows.append(
            ({"sample": samples[index]} if samples is not None else {})
            | {
                "parameter": name,
                "value": value,
                "-error": minus,
                "+error": plus,
                "min": low,
                "max": high,
                "unit": unit(name),
                "at limit": limit,
            }
        )
    return write_table(path, rows)


def write_reflectivity(
    path: Path, data: Sequence[Any], simulations: Sequence[np.ndarray], point_foms: Sequence[np.ndarray]
) -> pd.DataFrame:
    """Write ``reflectivity.csv``: data sets, one after the other, with their fit; raises as :func:`write_table`.

    ``data`` are GenX data sets (``name``, ``use``, ``x``, ``y``, ``error``); x is in the unit of the
    measurement, 2θ in degrees or Q in Å⁻¹. The residual is the point's share of the FOM.
    """
    import pandas as pd

    blocks = []
    for index, (item, fit, residual) in enumerate(zip(data, simulations, point_foms, strict=True)):
        n = len(item.x)
        blocks.append(
            pd.DataFrame(
                {
                    "data set": index,
                    "name": item.name,
                    "used": bool(item.use),
                    "x [° or Å⁻¹]": np.asarray(item.x, dtype=float),
                    "R": np.asarray(item.y, dtype=float),
                    "dR": np.asarray(item.error, dtype=float),
                    "fit": np.broadcast_to(np.asarray(fit, dtype=float), (n,)),
                    "residual": np.broadcast_to(np.asarray(residual, dtype=float), (n,)),
                }
            )
        )
    return write_table(path, pd.concat(blocks, ignore_index=True) if blocks else [])


def write_sld(path: Path, profiles: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Write ``sld.csv``: depth profiles as :meth:`~metagenx.genx.model.Model.sld` gives them; raises as write_table.

    ``z`` in Å from the substrate's surface; the other columns in the profile's own unit; profiles of
    several data sets follow each other.
    """
    import pandas as pd

    blocks = []
    for index, profile in enumerate(profiles):
        if "z" not in profile:
            continue
        z = np.asarray(profile["z"], dtype=float)
        sld_unit = plain_unit(str(profile.get("SLD unit", "")))
        columns: dict[str, Any] = {"profile": index, "z [Å]": z}
        for key, values in profile.items():
            if key == "z" or isinstance(values, str | Mapping) or np.shape(values) != z.shape:
                continue
            columns[f"{key} [{sld_unit}]" if sld_unit else str(key)] = np.asarray(values, dtype=float)
        blocks.append(pd.DataFrame(columns))
    return write_table(path, pd.concat(blocks, ignore_index=True) if blocks else [])


def write_traces(path: Path, records: Sequence[FitRecord]) -> None:
    """Write ``traces.npz``: every improvement of every fit, in the order of ``repeats.csv``.

    Fit i has ``evaluations[first[i]:first[i + 1]]`` and ``fom[...]``; ``phase``, ``setting``, ``sample``,
    ``repeat`` and ``spent`` (evaluations in all) are ``(n_fit,)``. No pickles, and equal records give equal
    bytes. Raises as :func:`write_table`.
    """
    ordered = sorted_records(records)
    lengths = [len(record.trace) for record in ordered]
    points = [point for record in ordered for point in record.trace]
    arrays = {
        "phase": np.array([record.phase for record in ordered], dtype=np.str_),
        "setting": np.array([record.setting for record in ordered], dtype=np.str_),
        "sample": np.array([record.sample for record in ordered], dtype=np.str_),
        "repeat": np.array([record.repeat for record in ordered], dtype=np.int64),
        "spent": np.array([record.evaluations for record in ordered], dtype=np.int64),
        "first": np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
        "evaluations": np.array([evaluations for evaluations, _ in points], dtype=np.int64),
        "fom": np.array([fom for _, fom in points], dtype=np.float64),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy")  # with a fixed date
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, member.getvalue())
    write_atomically(path, stream.getvalue())
