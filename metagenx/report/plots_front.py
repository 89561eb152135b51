"""Speed against reliability: what a fit costs and how often it succeeds, and which settings no other beats in both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.report.labels import setting_label
from metagenx.report.numbers import count, rate_text
from metagenx.report.page.elements import Figure, Plot, as_csv
from metagenx.report.page.style import BLUE, GREEN, GREY, ORANGE, empty_plot, hover

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

FEWEST_SETTINGS, FEWEST_FITS = 3, 5


def front_figure(evidence: Evidence, winner: str | None) -> Figure | None:
    """Success rate against mean evaluations of a fit, each setting on the freshest fits there are of all samples."""
    import pandas as pd
    from bokeh.models import ColumnDataSource

    from metagenx.meta.statistics import wilson

    rows = []
    for name in evidence.settings:
        phase = next((p for p in ("validation", "confirmation", "search") if evidence.of_setting(name, p)), None)
        fits = evidence.of_setting(name, phase) if phase else []
        if phase is None or len(fits) < FEWEST_FITS:
            continue
        hits = [evidence.hit_time(fit) for fit in fits]
        spent = [fit.evaluations if hit is None else hit for fit, hit in zip(fits, hits, strict=True)]
        rate = wilson(sum(hit is not None for hit in hits), len(fits))
        rows.append(
            (name, phase, len(fits), rate.estimate, rate.low, rate.high, float(np.mean(spent)), rate_text(rate))
        )
    if len(rows) < FEWEST_SETTINGS or not any(row[3] > 0 for row in rows):
        return None
    front = [not any(_beats(other, row) for other in rows) and row[3] > 0 for row in rows]
    colours = [
        GREEN if row[0] == winner else ORANGE if row[0] == "file" else BLUE if best else GREY
        for row, best in zip(rows, front, strict=True)
    ]
    names, phases, n_fits, rates, lows, highs, costs, texts = zip(*rows, strict=True)
    source = ColumnDataSource(
        {
            "x": costs, "y": rates, "low": lows, "high": highs, "colour": colours, "text": texts,
            "name": [setting_label(name) for name in names], "what": [evidence.what(name) for name in names],
            "phase": phases, "fits": n_fits, "cost": [count(cost) for cost in costs],
        }
    )  # fmt: skip
    plot = empty_plot("mean FOM evaluations of a fit", "share of fits that succeed", x_log=True, y_range=(-0.03, 1.05))
    on_front = sorted((row for row, best in zip(rows, front, strict=True) if best), key=lambda row: row[6])
    plot.line([row[6] for row in on_front], [row[3] for row in on_front], color=BLUE, line_dash="dashed", alpha=0.6)
    plot.segment("x", "low", "x", "high", source=source, color="colour", alpha=0.35)
    dots = plot.scatter("x", "y", source=source, color="colour", size=8)
    hover(plot, [("", "@name: @what"), ("success", "@text"), ("evaluations", "@cost"), ("measured", "@fits in @phase")],
          [dots])  # fmt: skip
    shows = (
        "Left is faster, up is surer; bars are 95 % intervals. The dashed line joins the settings that no other beats "
        f"in both: {', '.join(setting_label(row[0]) for row in on_front)}. Figures of the search flatter the best."
    )
    table = pd.DataFrame(
        [(*row[:7], best) for row, best in zip(rows, front, strict=True)],
        columns=[
            "setting",
            "phase",
            "fits",
            "success rate",
            "low",
            "high",
            "mean evaluations of a fit",
            "on the front",
        ],
    )
    return Figure("Speed against reliability", shows, [Plot("", plot)], as_csv("front", table))


def _beats(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    no_worse = one[3] >= other[3] and one[6] <= other[6]
    return bool(no_worse and (one[3] > other[3] or one[6] < other[6]))
