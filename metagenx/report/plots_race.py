"""Plots of the race: who raced until when and why not longer, and how much luck was in the search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.fitting import streams
from metagenx.meta import statistics
from metagenx.meta.records import BASELINE, setting_order
from metagenx.report.labels import setting_label
from metagenx.report.numbers import count
from metagenx.report.page.elements import Figure, Plot, as_csv
from metagenx.report.page.style import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    empty_plot,
    hover,
    legend_below,
    name_ticks,
)

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

_FATES = {
    "winner": GREEN,
    "stayed": BLUE,
    "not confirmed": ORANGE,
    "clearly worse": RED,
    "in the worse half": GREY,
    "failed": CYCLE[4],
}


def timeline_figure(evidence: Evidence, winner: str | None) -> Figure | None:
    """Each setting's share of the race: from its first to its last round, and why it left."""
    import pandas as pd
    from bokeh.models import CDSView, ColumnDataSource, IndexFilter

    if not evidence.rounds:
        return None
    spans, reasons = _spans(evidence)
    names = sorted(
        spans, key=lambda name: (spans[name][1], reasons.get(name) is None, spans[name][0], setting_order(name))
    )
    fates = [_fate(name, reasons.get(name), winner) for name in names]
    why = [reasons.get(name) or ("winner" if name == winner else "raced to the end") for name in names]
    fits = [sum(len(evidence.of_setting(name, phase)) for phase in evidence.phases) for name in names]
    what = [evidence.what(name) for name in names]
    n = len(names)
    source = ColumnDataSource(
        {
            "y": np.arange(n),
            "from": [spans[name][0] for name in names],
            "to": [spans[name][1] for name in names],
            "colour": [_FATES[fate] for fate in fates],
            "name": [setting_label(name) for name in names],
            "what": what,
            "why": why,
            "fits": fits,
        }
    )
    plot = empty_plot("FOM evaluations of the whole run", "", height=150 + 20 * n, y_range=(-0.7, n + 0.4))
    name_ticks(plot.yaxis, [setting_label(name) for name in names])
    plot.ygrid.grid_line_color = None
    entries = []
    for fate in (fate for fate in _FATES if fate in fates):
        mine = IndexFilter(indices=[i for i, other in enumerate(fates) if other == fate])
        view = CDSView(filter=mine)
        shape = {"height": 0.62, "color": "colour", "alpha": 0.8, "line_color": None}
        bars = plot.hbar("y", left="from", right="to", source=source, view=view, **shape)
        hover(plot, [("", "@name: @what"), ("left the race", "@why"), ("fits", "@fits")], [bars])
        entries.append((fate, [bars]))
    _mark_stages(plot, evidence, n)
    legend_below(plot, entries, columns=4)
    columns = {"setting": names, "first": source.data["from"], "last": source.data["to"], "fits": fits, "fate": fates}
    shows = (
        f"{n} settings raced. A bar reaches from the round in which a setting joined to the one in which it left, "
        "and the pointer shows why it did. Dotted lines: where one stage ends and the next begins."
    )
    table = pd.DataFrame({**columns, "why": why, "what": what})
    return Figure("Racing timeline", shows, [Plot("", plot)], as_csv("race", table))


def _spans(evidence: Evidence) -> tuple[dict[str, tuple[int, int]], dict[str, str]]:
    """Setting → evaluations of the run when it joined and left; and why it left."""
    spans: dict[str, tuple[int, int]] = {}
    reasons: dict[str, str] = {}
    before = 0
    for item in evidence.rounds:
        after = max(item.evaluations, before + 1)
        for name in {record.setting for record in item.records}:
            spans[name] = (spans.get(name, (before, after))[0], after)
        reasons |= item.left
        before = after
    return spans, reasons


def _mark_stages(plot: Any, evidence: Evidence, n: int) -> None:
    stages = {item.decision.phase: item.evaluations for item in evidence.rounds}
    begun = 0
    for number, (stage, end) in enumerate(stages.items(), start=1):
        if number < len(stages):
            plot.line([end, end], [-0.7, n + 0.4], color=GREY, line_dash="dotted")
        plot.text(
            [begun], [n - 0.4], text=[f" {stage}"], text_font_size="11px", text_color=GREY, text_baseline="bottom"
        )
        begun = end


def _fate(name: str, reason: str | None, winner: str | None) -> str:
    if name == winner:
        return "winner"
    if reason is None:
        return "stayed"
    for fate, word in (("clearly worse", "clearly worse"), ("failed", "failed"), ("not confirmed", "confirmed")):
        if word in reason:
            return fate
    return "in the worse half"


def optimism_figure(evidence: Evidence, winner: str | None) -> Figure | None:
    """Expected running time of the same setting in search, confirmation and validation."""
    import pandas as pd
    from bokeh.models import ColumnDataSource

    phases = [phase for phase in ("search", "confirmation", "validation") if evidence.names_in(phase)]
    fresh = dict.fromkeys(name for phase in phases[1:] for name in evidence.names_in(phase) if name != "shipped")
    if len(phases) < 2 or not fresh:
        return None
    plot = empty_plot("", evidence.goal.measure, y_log=True, x_range=(-0.4, len(phases) - 0.6))
    name_ticks(plot.xaxis, phases)
    entries, data = [], []
    others = iter([colour for colour in CYCLE if colour not in (GREEN, ORANGE)] * len(fresh))
    for index, name in enumerate(fresh):
        colour = GREEN if name == winner else ORANGE if name == BASELINE else next(others)
        rows = []
        for place, phase in enumerate(phases):
            measured = _time(evidence, name, phase)
            if measured is not None:
                n_fits, middle, low, high = measured
                shift = 0.05 * (index - (len(fresh) - 1) / 2)
                rows.append((place + shift, low, middle, high if np.isfinite(high) else 3 * middle))
                data.append((name, phase, n_fits, middle, low, high))
        columns = dict(zip(("x", "low", "y", "high"), np.array(rows).T, strict=True))
        source = ColumnDataSource(columns)
        bars = plot.segment("x", "low", "x", "high", source=source, color=colour, line_width=2, alpha=0.6)
        line = plot.line("x", "y", source=source, color=colour, line_width=2)
        dots = plot.scatter("x", "y", source=source, color=colour, size=8)
        entries.append((setting_label(name), [bars, line, dots]))
    legend_below(plot, entries)
    shows = (
        "The best of many looks better than it is: its figure in the search contains luck, which fresh seeds take "
        f"away. Only the validation, on seeds that nothing was chosen by, decides. {_optimism(data, winner)}"
    )
    table = pd.DataFrame(data, columns=["setting", "phase", "fits", "expected evaluations", "low", "high"])
    return Figure("Search against validation", shows.strip(), [Plot("", plot)], as_csv("optimism", table))


def _time(evidence: Evidence, name: str, phase: str) -> tuple[int, float, float, float] | None:
    """Fits, and expected running time with its interval; geometric means over the samples."""
    runs = evidence.scored(evidence.of_setting(name, phase))
    if not runs:
        return None
    rng = streams.stream(evidence.seed, "report optimism", name, phase)
    times = [statistics.ert_interval(run, rng) for run in runs]
    logs = np.log([[t.estimate, max(t.low, 1.0), t.high] for t in times])
    middle, low, high = np.exp(logs.mean(axis=0))
    return sum(len(run.costs) for run in runs), float(middle), float(low), float(high)


def _optimism(data: Sequence[tuple[Any, ...]], winner: str | None) -> str:
    found = {phase: time for name, phase, _, time, _, _ in data if name == winner}
    if "search" in found and "validation" in found:
        return f"The winner: {count(found['search'])} in the search, {count(found['validation'])} in the validation."
    return ""
