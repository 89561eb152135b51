"""The report of a batch: which files could be fitted, and how the parameters go from file to file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.errors import InputError, MetagenxError
from metagenx.meta.batch_fit import FAILED, REACHED
from metagenx.meta.batch_journal import fits_folder
from metagenx.meta.batch_table import ERRORS, NOT_DONE, batch_csv, shown_errors
from metagenx.report.batch_plots import fom_figure, number_figure, parameter_figure
from metagenx.report.cost import cost_lines
from metagenx.report.evidence import Evidence
from metagenx.report.models import BestFit, audit_lines, best_fit_of_model
from metagenx.report.numbers import duration, whole, with_error
from metagenx.report.page.elements import Download, Element, Headline, Lines, Note, Section, Table, as_csv
from metagenx.report.page.render import render
from metagenx.report.sections import best_fit_section, repeat_section, state_of
from metagenx.runs import header

if TYPE_CHECKING:
    import pandas as pd

    from metagenx.runs import RunFolder

MOST_CURVES = 6


def batch_page(folder: RunFolder, *, trust: bool) -> str:
    """The page as HTML, from the journal and the tables of the run."""
    import pandas as pd

    evidence = Evidence.of(folder)
    if not batch_csv(folder).is_file():
        raise InputError("the batch has no table yet", where=str(folder.path), hint="Wait until it has ended.")
    texts = ("file", "status", "verdict", "failure", "error bars", "notices", "model", "started from", "host")
    table = pd.read_csv(batch_csv(folder), converters=dict.fromkeys(texts, str))  # a file may be called NA
    names = [str(name) for name in evidence.config["parameters"]]
    bounds = np.array(evidence.config["bounds"], dtype=float).reshape(-1, 2)
    parts = [
        _files_section(table, names, evidence.config),
        _plots_section(table, names, bounds),
        best_fit_section(_curves(folder, table, trust)),
        Section("cost", "Cost", [Lines("", cost_lines(evidence))]),
        repeat_section(evidence, audit_lines(folder, trust=trust)),
    ]
    content = batch_csv(folder).read_bytes()
    download = Download("batch.csv", "batch.csv (all numbers)", content, "text/csv;charset=utf-8")
    return render(_headline(evidence, table), parts, title=f"{evidence.name} · metagenx", downloads=[download])


def _headline(evidence: Evidence, table: pd.DataFrame) -> Headline:
    state, mood = state_of(evidence)
    counts = table["status"].value_counts()
    reached, n = int(counts.get(REACHED, 0)), len(table)
    kicker = (
        f"metagenx batch · {evidence.name} · {str(evidence.manifest.get('created', ''))[:10]} · seed {evidence.seed}"
    )
    line = str((evidence.verdict or {}).get("line", ""))
    how = "each started at the answer before it" if evidence.config["rules"]["warm_start"] else "fitted independently"
    if counts.get(NOT_DONE, 0):
        line = f"{line}. The same command goes on"
    numbers = [
        (f"{reached} of {n}", "files reached their best minimum"),
        (whole(int(counts.get(FAILED, 0))), "files failed"),
        (whole(evidence.evaluations), "FOM evaluations"),
        (duration(float(table["seconds"].sum())), "of fitting on all cores"),
    ]
    title = f"{reached} of {n} files reached their best minimum"
    return Headline(kicker, title, f"{line}. Files were {how}.", state, mood if reached == n else "warning", numbers)


def _files_section(table: pd.DataFrame, names: Sequence[str], config: Mapping[str, Any]) -> Section:
    elements: list[Element] = []
    broken = table[table["status"] == FAILED]
    if len(broken):
        lines = [f"{name}: {why}" for name, why in zip(broken["file"], broken["failure"], strict=True)]
        elements.append(Lines("Could not be fitted", lines))
    elements.append(files_table(table, names))
    told = table[table["notices"] != ""]
    if len(told):
        lines = [f"{name}: {text}" for name, text in zip(told["file"], told["notices"], strict=True)]
        elements.append(Lines("How the files were read", lines))
    if config.get("left_out"):
        elements.append(Note(f"Left out, no data by their names: {', '.join(map(str, config['left_out']))}"))
    return Section("files", "Files", elements)


def files_table(table: pd.DataFrame, names: Sequence[str]) -> Table:
    """The table of the page: a row for each file, values to the digits that their errors leave."""
    rows, errors = [], shown_errors(table, names)
    for row in table.to_dict("records"):
        cells = [str(row["file"]), str(row["status"]), f"{row['FOM']:.5g}" if math.isfinite(row["FOM"]) else ""]
        for name in names:
            value, error = float(row[header(name)]), float(row[f"{header(name)} {errors}"])
            text = with_error(value, error) if math.isfinite(value) else ""
            cells.append(f"{text} ± {error:.2g}" if text and math.isfinite(error) and error > 0 else text)
        rows.append([*cells, whole(row["evaluations"]), str(row["verdict"] or row["failure"])])
    columns = ["file", "status", "FOM", *map(header, names), "evaluations", "why"]
    others = " and ".join(words for column, (_, words) in ERRORS.items() if column != errors)
    shows = f"One row for each file; errors are {ERRORS[errors][1]}. The data behind hold {others} too."
    return Table("All files", shows, columns, rows, data=as_csv("batch", table))


def _plots_section(table: pd.DataFrame, names: Sequence[str], bounds: np.ndarray) -> Section:
    figures = (
        parameter_figure(table, names, bounds),
        number_figure(table, names, bounds),
        fom_figure(table),
    )
    return Section("against", "Parameters against files", [figure for figure in figures if figure is not None])


def _curves(folder: RunFolder, table: pd.DataFrame, trust: bool) -> list[BestFit]:
    """Data and fit of the files with the worst FOM, in the order of the table."""
    from metagenx.genx.model import load

    fitted = table[(table["model"] != "") & np.isfinite(table["FOM"])]
    worst = fitted.sort_values("FOM", ascending=False, kind="stable").head(MOST_CURVES).sort_index()
    found = []
    for row in worst.to_dict("records"):
        path = fits_folder(folder) / row["model"]
        try:
            found.append(best_fit_of_model(str(row["file"]), load(path, trust=trust), None))
        except MetagenxError as error:
            found.append(BestFit(str(row["file"]), None, missing=f"{row['file']}: {error.what}"))
    return found
