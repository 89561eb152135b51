"""Plots of how fast and how surely settings reach the target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.meta.records import FitRecord
from metagenx.report.measurement import Measurement
from metagenx.report.numbers import rate_text, time_text
from metagenx.report.page.elements import Figure, Plot, as_csv
from metagenx.report.page.style import RED, empty_plot, hover, legend_below, name_ticks

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

FEWEST_FITS = 5  # from which on a curve over fits says anything
N_STEPS = 120
NEAREST = 1e-6  # relative; what is nearer to the best known FOM stands here


def ecdf_figure(evidence: Evidence, found: Sequence[Measurement], palette: dict[str, str]) -> Figure | None:
    """Share of fits that have reached the target after so many evaluations."""
    import pandas as pd

    shown = [m for m in found if m.successes and len(m.records) >= FEWEST_FITS][:8]
    if not shown:
        return None
    end = max(record.evaluations for m in shown for record in m.records)
    plot = empty_plot("FOM evaluations of a fit", "share that reached the target", x_log=True, y_range=(-0.02, 1.04))
    entries, data = [], []
    for m in shown:
        times = np.sort([time for time in m.hit_times if time is not None]).astype(float)
        share = np.arange(1, len(times) + 1) / len(m.records)
        x, y = np.r_[times[0], times, end], np.r_[0.0, share, share[-1]]
        dash = "solid" if m.phase in ("validation", "repeat") else "dashed"
        line = plot.step(x, y, mode="after", color=palette[m.setting], line_width=2, line_dash=dash)
        entries.append((m.name, [line]))
        data += [(m.setting, m.phase, t, s) for t, s in zip(times, share, strict=True)]
    legend_below(plot, entries)
    table = pd.DataFrame(data, columns=["setting", "phase", "evaluations", "share of fits"])
    shows = (
        "Where a curve rises, fits reach the target; where it ends below 1, the rest never do, and a restart is "
        "needed. Further left and higher is better."
    )
    return Figure("How soon a fit succeeds", shows, [Plot("", plot)], as_csv("ecdf", table))


def time_figure(evidence: Evidence, found: Sequence[Measurement], palette: dict[str, str]) -> Figure | None:
    """Expected running times with their intervals, and success rates beside them."""
    import pandas as pd

    shown = [m for m in found if np.isfinite(m.time.estimate)]
    if not shown:
        return None
    plots = [
        Plot(evidence.goal.measure, _interval_plot(shown, palette, evidence, evidence.goal.measure, True)),
        Plot("success rate of a fit", _interval_plot(shown, palette, evidence, "share of fits that succeed", False)),
    ]
    shows = (
        "Expected evaluations of a fit that is restarted until it succeeds (left is better), and the share of "
        "single fits that do; bars are 95 % intervals. An open end: no success was seen, so this is only a lower bound."
    )
    rows = [
        {
            "setting": m.setting, "phase": m.phase, "fits": len(m.records), "successes": m.successes,
            "success rate": m.rate.estimate, "success low": m.rate.low, "success high": m.rate.high,
            "expected evaluations": m.time.estimate, "low": m.time.low, "high": m.time.high,
            "only a bound": m.time.censored,
        }
        for m in shown
    ]  # fmt: skip
    return Figure("Work for one good fit", shows, plots, as_csv("running_times", pd.DataFrame(rows)), layout="grid")


def _interval_plot(
    shown: Sequence[Measurement], palette: dict[str, str], evidence: Evidence, label: str, is_time: bool
) -> Any:
    from bokeh.models import ColumnDataSource

    intervals = [m.time if is_time else m.rate for m in shown]
    low = np.array([i.low for i in intervals])
    high = np.array([i.high for i in intervals])
    middle = np.array([i.estimate if not i.censored else i.low for i in intervals])
    options: dict[str, Any] = {}
    if is_time:
        finite = high[np.isfinite(high)]
        top = 1.4 * max([*finite, *(2 * middle)])
        options["x_range"] = (0.7 * max(1.0, low.min()), top)
        high = np.minimum(high, top)
    else:
        options["x_range"] = (-0.02, 1.04)
    n = len(shown)
    plot = empty_plot(label, "", height=110 + 28 * n, x_log=is_time, y_range=(-0.6, n - 0.4), **options)
    rows = np.arange(n)[::-1]
    name_ticks(plot.yaxis, [m.name for m in shown][::-1])
    source = ColumnDataSource(
        {
            "y": rows, "low": np.maximum(low, 1e-9), "high": high, "x": middle,
            "colour": [palette[m.setting] for m in shown],
            "marker": ["triangle" if i.censored else "circle" for i in intervals],
            "what": [evidence.what(m.setting) for m in shown],
            "text": [time_text(i) if is_time else rate_text(i) for i in intervals],
            "fits": [f"{m.successes} of {len(m.records)}" for m in shown],
        }
    )  # fmt: skip
    plot.segment("low", "y", "high", "y", source=source, color="colour", line_width=3, alpha=0.75)
    dots = plot.scatter("x", "y", source=source, marker="marker", size=10, fill_color="colour", line_color=None)
    hover(plot, [("", "@what"), (label, "@text"), ("successes", "@fits")], [dots])
    return plot


def course_figure(evidence: Evidence, found: Sequence[Measurement], palette: dict[str, str]) -> Figure | None:
    """How far above the best known FOM fits still are after so many evaluations: median, and the band of 10 to 90 %."""
    import pandas as pd

    shown = [m for m in found if any(record.trace for record in m.records) and len(m.records) >= FEWEST_FITS][:6]
    if not shown or any(best.fom <= 0 for best in evidence.best.values()):
        return None
    end = max(record.evaluations for m in shown for record in m.records)
    begin = max(1, end // 2000, min(record.trace[0][0] for m in shown for record in m.records if record.trace))
    grid = np.geomspace(begin, max(end, begin + 1), N_STEPS)
    plot = empty_plot("FOM evaluations of a fit", "FOM above the best known, relative", x_log=True, y_log=True)
    entries, blocks = [], []
    for m in shown:
        rows = [_course(record, grid) / evidence.best[record.sample].fom - 1 for record in m.records if record.trace]
        low, middle, high = np.quantile(np.maximum(rows, NEAREST), [0.1, 0.5, 0.9], axis=0, method="nearest")
        colour = palette[m.setting]
        good, both = np.isfinite(middle), np.isfinite(high)
        band = plot.varea(grid[both], low[both], high[both], color=colour, fill_alpha=0.14)
        line = plot.line(grid[good], middle[good], color=colour, line_width=2)
        entries.append((m.name, [band, line]))
        blocks.append(
            pd.DataFrame({"setting": m.setting, "evaluations": grid, "10 %": low, "median": middle, "90 %": high})
        )
    if evidence.target.below is None:
        within = evidence.target.within
        line = plot.line([begin, end], [within, within], color=RED, line_dash="dashed", line_width=1.5)
        entries.append((f"target: {100 * within:g} %", [line]))
    legend_below(plot, entries)
    shows = (
        "How far the best FOM that fits have met lies above the best known: median, and the band that holds 80 % of "
        "the fits. A fit that has ended keeps its last FOM."
    )
    data = as_csv("courses", pd.concat(blocks, ignore_index=True))
    return Figure("Course of the fits", shows, [Plot("", plot)], data)


def _course(record: FitRecord, grid: np.ndarray) -> np.ndarray:
    """Best FOM so far on a grid of evaluations; inf before the first."""
    evaluations, foms = np.array(record.trace, dtype=float).T
    place = np.searchsorted(evaluations, grid, side="right") - 1
    return np.where(place >= 0, foms[np.maximum(place, 0)], np.inf)
