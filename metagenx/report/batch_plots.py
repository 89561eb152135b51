"""Plots of a batch: every parameter, and the FOM, against the files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.meta.batch_fit import NOT_REACHED, REACHED
from metagenx.meta.batch_table import ERRORS, shown_errors
from metagenx.report.page.elements import Figure, Plot, as_csv
from metagenx.report.page.style import BLUE, GREY, ORANGE, empty_plot, hover, legend_below, name_ticks
from metagenx.runs import header

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMES = 30  # that still can be read below a plot
HEIGHT = 230


def parameter_figure(table: pd.DataFrame, names: Sequence[str], bounds: np.ndarray) -> Figure | None:
    """One plot for each parameter: its value and error bar in every file, in the order of the table.

    Parameters
    ----------
    bounds : (n_dim, 2).
    """
    if not np.isfinite(table["FOM"]).any():
        return None
    errors = shown_errors(table, names)
    plots = [
        Plot(name, _against(table, np.arange(len(table)), header(name), header(name), limits, errors, names_below=True))
        for name, limits in zip(names, bounds, strict=True)
    ]
    shows = (
        f"The value of each parameter in every file with its error bar ({ERRORS[errors][1]}); orange where no two runs "
        "agreed. Dotted lines: the limits, where they are near."
    )
    return Figure("Parameters against files", shows, plots, as_csv("batch", table), layout="grid")


def number_figure(table: pd.DataFrame, names: Sequence[str], bounds: np.ndarray) -> Figure | None:
    """The same against the one number in which the file names differ, such as a temperature; None if there is none."""
    if "number" not in table or not np.isfinite(table["FOM"]).any():
        return None
    x = table["number"].to_numpy(float)
    steps = np.unique(np.diff(np.sort(x)))
    if len(steps) == 1 and steps[0] == 1.0:
        return None  # running numbers say no more than the order
    errors = shown_errors(table, names)
    plots = [
        Plot(name, _against(table, x, header(name), header(name), limits, errors, names_below=False))
        for name, limits in zip(names, bounds, strict=True)
    ]
    shows = "The same, against the number in which the names of the files differ."
    return Figure("Parameters against the number in the name", shows, plots, None, layout="grid")


def fom_figure(table: pd.DataFrame) -> Figure | None:
    """The FOM of every file: a file that the model does not describe stands out."""
    if not np.isfinite(table["FOM"]).any():
        return None
    plot = _against(table, np.arange(len(table)), "FOM", "FOM", None, None, names_below=True)
    shows = "The best figure of merit in every file; one far above its neighbours is not described by the model."
    return Figure("FOM against files", shows, [Plot("", plot)])


def _against(
    table: pd.DataFrame,
    x: np.ndarray,
    column: str,
    label: str,
    limits: Any,
    errors: str | None,
    *,
    names_below: bool,
) -> Any:
    from bokeh.models import ColumnDataSource

    n = len(table)
    short = names_below and n <= MOST_NAMES
    options: dict[str, Any] = {"x_range": (-0.6, n - 0.4)} if names_below else {}
    plot = empty_plot(
        "" if short else "place in the table" if names_below else "number", label, height=HEIGHT, **options
    )
    if short:
        name_ticks(plot.xaxis, [str(name) for name in table["file"]])
        plot.xaxis.major_label_orientation = 0.9
        plot.height += 60
    values = table[column].to_numpy(float)
    error = table[f"{column} {errors}"].to_numpy(float) if errors else np.full(n, np.nan)
    status = table["status"].to_numpy(str)
    done = np.isfinite(values)
    order = np.argsort(x[done], kind="stable")
    plot.line(x[done][order], values[done][order], color=GREY, alpha=0.4)
    entries = []
    for kind, colour in ((REACHED, BLUE), (NOT_REACHED, ORANGE)):
        mine = done & (status == kind)
        if not mine.any():
            continue
        half = np.where(np.isfinite(error[mine]), error[mine], 0.0)
        source = ColumnDataSource(
            {
                "x": x[mine],
                "y": values[mine],
                "low": values[mine] - half,
                "high": values[mine] + half,
                "error": error[mine],
                "file": table["file"].to_numpy(str)[mine],
                "fom": table["FOM"].to_numpy(float)[mine],
            }
        )
        bars = plot.segment("x", "low", "x", "high", source=source, color=colour, line_width=1.5)
        dots = plot.scatter("x", "y", source=source, size=7, color=colour, line_color=None)
        hover(
            plot,
            [("", "@file"), (column, "@y{0.000000}"), ("error", "@error{0.000000}"), ("FOM", "@fom{0.000000}")],
            [dots],
        )
        entries.append((kind, [dots, bars]))
    if limits is not None:
        _draw_limits(plot, limits, values[done], error[done])
    legend_below(plot, entries if len(entries) > 1 else [])
    return plot


def _draw_limits(plot: Any, limits: Any, values: np.ndarray, error: np.ndarray) -> None:
    """Limits within the spread of the values; farther ones would press the points together."""
    half = np.where(np.isfinite(error), error, 0.0)
    low, high = float((values - half).min()), float((values + half).max())
    margin = 0.5 * (high - low) or 1e-3 * abs(high)
    for limit in map(float, limits):
        if low - margin <= limit <= high + margin:
            plot.hspan(y=[limit], line_color=GREY, line_dash="dotted")
