"""Plots of parameters: where fits ended, how parameters hang together, and the final FOMs."""

from __future__ import annotations

from typing import Any

import numpy as np

from metagenx.report.ends import Ends
from metagenx.report.numbers import percent, whole
from metagenx.report.page.elements import Figure, Plot, as_csv
from metagenx.report.page.style import BLUE, CYCLE, GREY, RED, empty_plot, hover, legend_below, name_ticks

N_BINS = 48
FEWEST_FOR_CORRELATION = 10
MOST_POINTS = 400  # of a parameter; more fits are thinned out evenly
_ROW = 26


def ends_figure(ends: Ends) -> Figure:
    """Where every fit ended between the limits: point by point, and as histograms."""
    import pandas as pd

    width = ends.bounds[:, 1] - ends.bounds[:, 0]
    scaled = (ends.values - ends.bounds[:, 0]) / np.where(width > 0, width, 1.0)
    plots = [Plot("fits", _intervals(ends, scaled))]
    if len(ends.values) > 1:
        plots.append(Plot("histograms", _histograms(ends, scaled)))
    n_other = sum(number not in ends.shared for number in ends.minimum)
    shows = "The best value of each parameter between its limits, and its error."
    if len(ends.values) > 1:
        shows += (
            f" Dots are {whole(len(ends.values))} fits, coloured by the minimum they ended in: two humps in one row"
            " are two answers to the same question."
        )
    shows += f" Grey: {n_other} fits that ended where few or no others did." if n_other else ""
    data = pd.DataFrame(ends.values, columns=list(ends.names))
    place = {number: place for place, number in enumerate(ends.shared, start=1)}
    data.insert(0, "minimum", [place.get(int(number), 0) for number in ends.minimum])
    data.insert(0, "FOM", ends.foms)
    return Figure("Where fits ended", shows, plots, as_csv("ends", data))


def _rows_plot(ends: Ends, x_label: str) -> Any:
    plot = empty_plot(
        x_label, "", height=80 + _ROW * len(ends.names), x_range=(-0.03, 1.03), y_range=(-0.7, len(ends.names) - 0.3)
    )
    labels = [f"{name} [{unit}]" if unit else name for name, unit in zip(ends.names, ends.units, strict=True)]
    name_ticks(plot.yaxis, labels[::-1])
    plot.xaxis.ticker = [0.0, 0.25, 0.5, 0.75, 1.0]
    plot.xaxis.major_label_overrides = {0.0: "min", 0.25: "¼", 0.5: "½", 0.75: "¾", 1.0: "max"}
    return plot


def _groups(ends: Ends) -> list[tuple[str, str, np.ndarray]]:
    """(name, colour, which fits) of the shared minima, and of all others."""
    found = []
    for place, number in enumerate(ends.shared[: len(CYCLE)]):
        name = "best minimum" if place == 0 else f"minimum {place + 1}"
        found.append((name, CYCLE[place], ends.minimum == number))
    rest = ~np.isin(ends.minimum, ends.shared[: len(CYCLE)])
    return [*found, ("elsewhere", GREY, rest)] if rest.any() else found


def _intervals(ends: Ends, scaled: np.ndarray) -> Any:
    from bokeh.models import ColumnDataSource

    plot = _rows_plot(ends, "place between the limits")
    n = len(ends.names)
    rows = np.arange(n)[::-1]
    width = np.maximum(ends.bounds[:, 1] - ends.bounds[:, 0], 1e-300)
    plot.segment(np.zeros(n), rows, np.ones(n), rows, color=GREY, alpha=0.35)
    entries = []
    step = max(1, len(scaled) // MOST_POINTS)
    # A fixed pattern, not chance: the same run gives the same picture.
    offset = 0.28 * np.sin(2.399963 * np.arange(len(scaled)))
    for name, colour, mine in reversed(_groups(ends)):
        chosen = np.flatnonzero(mine)[::step]
        source = ColumnDataSource(
            {
                "x": np.clip(scaled[chosen], 0, 1).ravel(),
                "y": (rows + offset[chosen, None]).ravel(),
                "value": ends.values[chosen].ravel(),
                "fom": np.repeat(ends.foms[chosen], n),
                "name": list(ends.names) * len(chosen),
            }
        )
        dots = plot.scatter("x", "y", source=source, size=4, color=colour, alpha=0.55, line_color=None)
        hover(plot, [("", "@name"), ("value", "@value{0.000000}"), ("FOM", "@fom{0.000000}")], [dots])
        entries.append((name, [dots]))
    best = (ends.best - ends.bounds[:, 0]) / width
    bars = np.where(np.isfinite(ends.errors), ends.errors, 0.0) / width[:, None]
    low, high = np.clip(best - bars[:, 0], 0, 1), np.clip(best + bars[:, 1], 0, 1)
    mark = {"line_color": RED, "line_width": 2.5}
    span = plot.segment(low, rows, high, rows, **mark)
    diamond = plot.scatter(best, rows, marker="diamond", size=10, fill_color=RED, line_color=None)
    legend_below(plot, [("best fit and its error", [span, diamond]), *reversed(entries)])
    return plot


def _histograms(ends: Ends, scaled: np.ndarray) -> Any:
    from bokeh.models import ColumnDataSource

    plot = _rows_plot(ends, "place between the limits")
    edges = np.linspace(0.0, 1.0, N_BINS + 1)
    n = len(ends.names)
    groups = _groups(ends)
    counts = np.array(
        [[np.histogram(np.clip(scaled[mine, i], 0, 1), edges)[0] for i in range(n)] for _, _, mine in groups]
    ).reshape(len(groups), n, N_BINS)
    tallest = np.maximum(counts.sum(axis=0).max(axis=1), 1)
    floor = np.zeros((n, N_BINS))
    entries = []
    for (name, colour, _), group in zip(groups, counts, strict=True):
        where = np.argwhere(group > 0)
        parameter, bin_ = where.T if len(where) else (np.zeros(0, int), np.zeros(0, int))
        base = (n - 1 - parameter) - 0.45
        height = 0.85 / tallest[parameter]
        low = base + floor[parameter, bin_] * height
        span = ends.bounds[parameter, 1] - ends.bounds[parameter, 0]
        source = ColumnDataSource(
            {
                "left": edges[bin_],
                "right": edges[bin_ + 1],
                "bottom": low,
                "top": low + group[parameter, bin_] * height,
                "count": group[parameter, bin_],
                "name": [ends.names[i] for i in parameter],
                "from": ends.bounds[parameter, 0] + edges[bin_] * span,
                "to": ends.bounds[parameter, 0] + edges[bin_ + 1] * span,
            }
        )
        bars = plot.quad("left", "right", "top", "bottom", source=source, color=colour, alpha=0.8, line_color=None)
        hover(plot, [("", "@name"), ("from", "@from{0.0000}"), ("to", "@to{0.0000}"), ("fits", "@count")], [bars])
        entries.append((name, [bars]))
        floor += group
    legend_below(plot, entries)
    return plot


def correlation_figure(ends: Ends) -> Figure | None:
    """Correlations of the final values of the fits that succeeded."""
    good = ends.values[ends.succeeded]
    varied = [i for i in range(len(ends.names)) if len(good) and np.ptp(good[:, i]) > 0]
    if len(good) < FEWEST_FOR_CORRELATION or len(varied) < 2:
        return None
    matrix = np.asarray(np.corrcoef(good[:, varied], rowvar=False))
    names = [ends.names[i] for i in varied]
    shows = (
        f"Correlation of the final values of {whole(len(good))} good fits: pairs near ±1 can be traded for each other, "
        f"and the data fix only their combination. Written out from 0.3 ({percent(_share(matrix))} of the pairs)."
    )
    return matrix_figure("Correlations", shows, names, matrix, "correlations")


def matrix_figure(title: str, shows: str, names: list[str], matrix: np.ndarray, file: str) -> Figure:
    """A correlation matrix ``(n, n)`` as coloured cells; NaN stays empty."""
    import pandas as pd
    from bokeh.models import ColumnDataSource, LinearColorMapper

    n = len(names)
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(n), np.arange(n)))
    edges = (-0.5, n - 0.5)
    plot = empty_plot("", "", height=170 + 24 * n, x_range=edges, y_range=edges)
    name_ticks(plot.xaxis, names)
    name_ticks(plot.yaxis, names[::-1])
    plot.xaxis.major_label_orientation = 0.9
    plot.grid.grid_line_color = None
    source = ColumnDataSource(
        {
            "x": x,
            "y": n - 1 - y,
            "pair": [f"{names[i]}, {names[j]}" for i, j in zip(x, y, strict=True)],
            "r": matrix.ravel(),
            "text": [
                f"{r:+.2f}".replace("-", "−") if a != b and abs(r) >= 0.3 else ""
                for r, a, b in zip(matrix.ravel(), x, y, strict=True)
            ],
        }
    )
    mapper = LinearColorMapper(palette=_diverging(), low=-1, high=1, nan_color="rgba(0,0,0,0)")
    cells = plot.rect(
        "x", "y", 0.96, 0.96, source=source, fill_color={"field": "r", "transform": mapper}, line_color=None
    )
    plot.text("x", "y", text="text", source=source, text_align="center", text_baseline="middle",
              text_font_size="10px", text_color="#1d2733")  # fmt: skip
    hover(plot, [("", "@pair"), ("correlation", "@r{+0.00}")], [cells])
    table = pd.DataFrame(matrix, columns=list(names))
    table.insert(0, "parameter", names)
    return Figure(title, shows, [Plot("", plot)], as_csv(file, table))


def _share(matrix: np.ndarray) -> float:
    upper = np.abs(matrix[np.triu_indices(len(matrix), 1)])
    return float((upper >= 0.3).mean())


def _diverging() -> list[str]:
    """From red through near white to blue, light enough for dark numbers."""
    half = np.linspace(0, 1, 16)[:, None]
    white = np.array([[238.0, 240.0, 243.0]])
    red, blue = np.array([[224.0, 120.0, 96.0]]), np.array([[92.0, 155.0, 222.0]])
    colours = np.vstack([red + (white - red) * half, white + (blue - white) * half])
    return ["#" + "".join(f"{round(c):02x}" for c in colour) for colour in colours]


def fom_figure(ends: Ends) -> Figure | None:
    """Histogram of the final FOMs, above the best."""
    import pandas as pd
    from bokeh.models import ColumnDataSource

    best = float(ends.foms.min())
    if best <= 0 or len(ends.foms) < 5:
        return None
    excess = np.maximum(ends.foms / best - 1, 1e-7)
    edges = np.logspace(-7, np.log10(max(1.0, 1.1 * excess.max())), 60)
    plot = empty_plot("final FOM above the best, relative", "fits", height=260, x_log=True)
    plot.yaxis.ticker.min_interval = 1
    counts = np.histogram(excess, edges)[0]
    source = ColumnDataSource({"left": edges[:-1], "right": edges[1:], "count": counts})
    bars = plot.quad("left", "right", "count", 0, source=source, color=BLUE, alpha=0.8, line_color=None)
    hover(plot, [("from", "@left{0.0e+0}"), ("to", "@right{0.0e+0}"), ("fits", "@count")], [bars])
    target = plot.line([0.01, 0.01], [0, counts.max() * 1.05], color=RED, line_dash="dashed", line_width=1.5)
    legend_below(plot, [("fits", [bars]), ("1 % above the best", [target])])
    shows = "How far above the best FOM the fits ended; those left of the dashed line are within 1 % of it."
    return Figure("Final FOM", shows, [Plot("", plot)], as_csv("final_fom", pd.DataFrame({"FOM": np.sort(ends.foms)})))
