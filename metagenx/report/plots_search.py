"""Plots of the search itself: who raced until when, which settings did well, and how much luck was in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.fitting import streams
from metagenx.meta import statistics
from metagenx.meta.records import setting_order
from metagenx.report.labels import setting_label, setting_text
from metagenx.report.numbers import count, whole
from metagenx.report.page.elements import Figure, Plot, Table, as_csv
from metagenx.report.page.style import BLUE, CYCLE, GREEN, GREY, ORANGE, RED, empty_plot, hover, legend_below

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

FEWEST_PAIRS = 5
MOST_COMPARED = 12
_FATES = {
    "dropped": RED,
    "in the worse half": GREY,
    "failed": ORANGE,
    "stayed": BLUE,
    "not confirmed": ORANGE,
    "winner": GREEN,
}
_KNOBS = ("km", "kr", "pop_mult", "pop_size", "create_trial")  # first, in this order


def timeline_figure(evidence: Evidence, winner: str | None) -> Figure | None:
    """Each setting's share of the race: from its first to its last round, and why it left."""
    import pandas as pd
    from bokeh.models import ColumnDataSource

    rounds = evidence.rounds
    if not rounds:
        return None
    spans: dict[str, list[float]] = {}
    reasons: dict[str, str] = {}
    before = 0
    for item in rounds:
        after = max(item.evaluations, before + 1)
        for name in {record.setting for record in item.records}:
            spans.setdefault(name, [before, after])[1] = after
        reasons |= item.left
        before = after
    names = sorted(
        spans, key=lambda name: (spans[name][1], reasons.get(name) is None, spans[name][0], setting_order(name))
    )
    n = len(names)
    n_dim = max((len(record.values) for record in evidence.records), default=1)
    fates = [_fate(name, reasons.get(name), winner) for name in names]
    source = ColumnDataSource(
        {
            "y": np.arange(n),
            "from": [spans[name][0] for name in names],
            "to": [spans[name][1] for name in names],
            "colour": [_FATES[fate] for fate in fates],
            "name": [setting_label(name) for name in names],
            "what": [
                setting_text(evidence.settings[name], n_dim) if name in evidence.settings else "" for name in names
            ],
            "why": [reasons.get(name) or ("winner" if name == winner else "raced to the end") for name in names],
            "fits": [sum(len(evidence.of_setting(name, phase)) for phase in evidence.phases) for name in names],
        }
    )
    plot = empty_plot("FOM evaluations of the whole run", "", height=130 + 20 * n, y_range=(-0.7, n - 0.3))
    plot.yaxis.ticker = list(range(n))
    plot.yaxis.major_label_overrides = {i: setting_label(name) for i, name in enumerate(names)}
    plot.ygrid.grid_line_color = None
    entries = []
    for fate in dict.fromkeys(fates):
        from bokeh.models import CDSView, IndexFilter

        view = CDSView(filter=IndexFilter([i for i, other in enumerate(fates) if other == fate]))
        bars = plot.hbar(
            "y",
            left="from",
            right="to",
            height=0.62,
            source=source,
            view=view,
            color="colour",
            alpha=0.8,
            line_color=None,
        )
        hover(plot, [("", "@name: @what"), ("left the race", "@why"), ("fits", "@fits")], [bars])
        entries.append((fate, [bars]))
    stages = {item.decision.phase: item.evaluations for item in rounds}
    for stage, end in list(stages.items())[:-1]:
        plot.line([end, end], [-0.7, n - 0.3], color=GREY, line_dash="dotted", alpha=0.9)
        plot.text(
            [end],
            [n - 0.35],
            text=[f"{stage} "],
            text_align="right",
            text_font_size="11px",
            text_color=GREY,
            text_baseline="top",
        )
    legend_below(plot, entries)
    table = pd.DataFrame(
        {
            "setting": names, "first evaluations": source.data["from"], "last evaluations": source.data["to"],
            "fits": source.data["fits"], "fate": fates, "why": [reasons.get(name, "") for name in names],
            "what": source.data["what"],
        }
    )  # fmt: skip
    shows = (
        f"{n} settings raced. A bar reaches from the round in which a setting joined to the one in which it left; the pointer "
        "shows why. Dotted lines: ends of search, confirmation and validation."
    )
    return Figure("Racing timeline", shows, [Plot("", plot)], as_csv("race", table))


def _fate(name: str, reason: str | None, winner: str | None) -> str:
    if name == winner:
        return "winner"
    if reason is None:
        return "stayed"
    if "clearly worse" in reason:
        return "dropped"
    if "failed" in reason:
        return "failed"
    return "not confirmed" if "confirmed" in reason else "in the worse half"


def slices_figure(evidence: Evidence, winner: str | None) -> Figure | None:
    """Score of every setting of the search against each thing that was varied."""
    import pandas as pd

    rows = []
    for name in evidence.names_in("search"):
        runs = evidence.scored(evidence.of_setting(name, "search"))
        if name in evidence.settings and runs:
            times = [statistics.expected_running_time(run) for run in runs]
            time = float(np.exp(np.mean(np.log([max(t, 1.0) for t, _ in times]))))
            rows.append((name, time, any(censored for _, censored in times)))
    names = [name for name, _, _ in rows]
    if len(rows) < 3:
        return None
    columns = _varied(evidence, names)
    if not columns:
        return None
    time = np.array([row[1] for row in rows])
    bound = np.array([row[2] for row in rows])
    plots = [Plot(knob, _slice(knob, values, names, time, bound, winner, evidence)) for knob, values in columns.items()]
    table = pd.DataFrame({"setting": names, **columns, "expected evaluations": time, "only a bound": bound})
    shows = (
        "Each dot is a setting of the search; lower is better. Open triangles never succeeded, and stand at a lower bound. "
        "A knob that matters shows a valley, one that does not a cloud."
    )
    return Figure("What mattered", shows, plots, as_csv("slices", table), layout="grid")


def _varied(evidence: Evidence, names: Sequence[str]) -> dict[str, list[Any]]:
    """Knob → its value for every setting, of those that the space varies or that differ."""
    points = [evidence.replay.settings[name].get("point") or {} for name in names]
    searched = list(dict.fromkeys(key for point in points for key in point))
    knobs = [knob for knob in _KNOBS if knob in searched] + [knob for knob in searched if knob not in _KNOBS]
    found = {}
    for knob in knobs:
        values = [getattr(evidence.settings[name], knob, None) for name in names]
        if len(set(values)) > 1 and None not in values:
            found[knob] = values
    return found


def _slice(
    knob: str, values: Sequence[Any], names: Sequence[str], time: np.ndarray, bound: np.ndarray, winner: str | None, evidence: Evidence
) -> Any:  # fmt: skip
    from bokeh.models import ColumnDataSource

    is_text = any(isinstance(value, str | bool) for value in values)
    n_dim = max((len(record.values) for record in evidence.records), default=1)
    if is_text:
        factors = sorted({str(value) for value in values})
        place: Any = [factors.index(str(value)) + 0.12 * np.sin(2.4 * i) for i, value in enumerate(values)]
        plot = empty_plot("", "", height=280, y_log=True, x_range=(-0.6, len(factors) - 0.4))
        plot.xaxis.ticker = list(range(len(factors)))
        plot.xaxis.major_label_overrides = dict(enumerate(factors))
        plot.xaxis.major_label_orientation = 0.6
    else:
        place = np.array(values, dtype=float)
        positive = place[place > 0]
        is_log = len(positive) == len(place) and positive.max() > 8 * positive.min()
        plot = empty_plot(knob, "", height=280, y_log=True, x_log=is_log)
    colours = [GREEN if name == winner else ORANGE if name == "file" else BLUE for name in names]
    source = ColumnDataSource(
        {
            "x": place, "y": time, "colour": colours, "fill": ["rgba(0,0,0,0)" if b else c for b, c in zip(bound, colours, strict=True)],
            "marker": ["triangle" if b else "circle" for b in bound], "name": [setting_label(name) for name in names],
            "what": [setting_text(evidence.settings[name], n_dim) for name in names], "text": [("> " if b else "") + count(t) for t, b in zip(time, bound, strict=True)],
        }
    )  # fmt: skip
    dots = plot.scatter(
        "x", "y", source=source, marker="marker", size=8, line_color="colour", fill_color="fill", alpha=0.85
    )
    hover(plot, [("", "@name: @what"), ("evaluations for one success", "@text")], [dots])
    return plot


def optimism_figure(evidence: Evidence, winner: str | None) -> Figure | None:
    """Expected running time of the same setting in search, confirmation and validation."""
    import pandas as pd
    from bokeh.models import ColumnDataSource

    phases = [phase for phase in ("search", "confirmation", "validation") if evidence.names_in(phase)]
    fresh = dict.fromkeys(name for phase in phases[1:] for name in evidence.names_in(phase) if name != "shipped")
    if len(phases) < 2 or not fresh:
        return None
    plot = empty_plot("", "evaluations for one success", y_log=True, x_range=(-0.4, len(phases) - 0.6))
    plot.xaxis.ticker = list(range(len(phases)))
    plot.xaxis.major_label_overrides = dict(enumerate(phases))
    entries, data = [], []
    for index, name in enumerate(fresh):
        colour = (
            GREEN
            if name == winner
            else ORANGE
            if name == "file"
            else [c for c in CYCLE if c not in (GREEN, ORANGE)][index % 5]
        )
        rows = []
        for place, phase in enumerate(phases):
            runs = evidence.scored(evidence.of_setting(name, phase))
            if runs:
                rng = streams.stream(evidence.seed, "report optimism", name, phase)
                times = [statistics.ert_interval(run, rng) for run in runs]
                low, middle, high = np.exp(
                    np.mean(np.log([[max(t.low, 1), t.estimate, t.high] for t in times]), axis=0)
                )
                rows.append(
                    (place + 0.05 * (index - len(fresh) / 2), low, middle, high if np.isfinite(high) else 3 * middle)
                )
                data.append((name, phase, sum(len(run.costs) for run in runs), middle, low, high))
        if not rows:
            continue
        x, low, middle, high = (np.array(column) for column in zip(*rows, strict=True))
        source = ColumnDataSource({"x": x, "low": low, "y": middle, "high": high})
        bars = plot.segment("x", "low", "x", "high", source=source, color=colour, line_width=2, alpha=0.6)
        line = plot.line("x", "y", source=source, color=colour, line_width=2)
        dots = plot.scatter("x", "y", source=source, color=colour, size=8)
        entries.append((setting_label(name), [bars, line, dots]))
    legend_below(plot, entries)
    shows = (
        "The best of many looks better than it is: its figure in the search contains luck, which fresh seeds take away. "
        "Only the validation, on seeds that nothing was chosen by, decides. " + _optimism(data, winner)
    )
    columns = ["setting", "phase", "fits", "expected evaluations", "low", "high"]
    return Figure(
        "Search against validation", shows, [Plot("", plot)], as_csv("optimism", pd.DataFrame(data, columns=columns))
    )


def _optimism(data: Sequence[tuple[Any, ...]], winner: str | None) -> str:
    found = {phase: time for name, phase, _, time, _, _ in data if name == winner}
    if "search" in found and "validation" in found:
        return f"The winner: {count(found['search'])} in the search, {count(found['validation'])} in the validation."
    return ""


def paired_table(evidence: Evidence, baseline: str) -> Table | None:
    """Each setting against the baseline on the seeds that both have fitted: Wilcoxon, adjusted after Holm."""
    import pandas as pd

    phase = "validation" if len(evidence.names_in("validation")) > 2 else "search"
    if baseline not in evidence.names_in(phase):
        return None
    ours = _by_sample(evidence, baseline, phase)
    found = []
    for name in evidence.names_in(phase):
        theirs = _by_sample(evidence, name, phase)
        common = [sample for sample in ours if sample in theirs]
        if name == baseline or not common:
            continue
        differences = np.concatenate(
            [statistics.log_time_differences(ours[sample], theirs[sample]) for sample in common]
        )
        if len(differences) >= FEWEST_PAIRS:
            found.append((name, differences, statistics.wilcoxon(differences)))
    if not found:
        return None
    found = sorted(found, key=lambda item: (-float(np.median(item[1])), setting_order(item[0])))
    adjusted = statistics.holm([p for _, _, p in found])
    n_dim = max((len(record.values) for record in evidence.records), default=1)
    rows, data = [], []
    for (name, differences, p), holm in zip(found, adjusted, strict=True):
        wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
        ratio = float(np.exp(np.clip(np.median(differences), -50, 50)))
        effect = (wins - losses) / max(1, wins + losses)
        shown = "only it succeeds" if ratio > 1e20 else "it never succeeds" if ratio < 1e-20 else f"{ratio:.2g}×"
        what = setting_text(evidence.settings[name], n_dim) if name in evidence.settings else ""
        rows.append(
            [
                setting_label(name),
                shown,
                f"{wins} : {losses}",
                f"{effect:+.2f}".replace("-", "−"),
                f"{p:.2g}",
                f"{holm:.2g}",
                what,
            ]
        )
        data.append([name, ratio, wins, losses, effect, p, holm, what])
    columns = ["settings", "typical gain in time", "won : lost", "effect", "p", "p (Holm)", "what it is"]
    shows = (
        f"Fits of the {phase} with the same seed as one of “{setting_label(baseline)}”: how much sooner they reach the target (median), "
        f"how often, and the p value of Wilcoxon's signed-rank test, also adjusted for {len(found)} comparisons after Holm. "
        "Pairs in which neither succeeds say nothing and are left out, so a high success rate counts elsewhere."
    )
    table = pd.DataFrame(
        data, columns=["setting", "median ratio of times", "won", "lost", "effect", "p", "p Holm", "what"]
    )
    strong = frozenset(i for i, p in enumerate(adjusted) if p <= 0.05)
    return Table(
        "Paired with the baseline",
        shows,
        columns,
        rows[:MOST_COMPARED],
        strong,
        as_csv("paired", table),
        folded=len(rows) > 6,
    )


def _by_sample(evidence: Evidence, setting: str, phase: str) -> dict[str, Any]:
    records = evidence.of_setting(setting, phase)
    samples = dict.fromkeys(record.sample for record in records)
    return {
        s: statistics.score([r for r in records if r.sample == s], evidence.best[s], evidence.target)
        for s in samples
        if s in evidence.best
    }


def scheme_table(evidence: Evidence) -> Table | None:
    """The best setting of each scheme in the search."""
    import pandas as pd

    groups: dict[str, list[tuple[float, str, Any]]] = {}
    counts: dict[str, int] = {}
    for name in evidence.names_in("search"):
        runs = evidence.scored(evidence.of_setting(name, "search"))
        if name in evidence.settings and runs:
            scheme = evidence.settings[name].create_trial
            times = [statistics.expected_running_time(run) for run in runs]
            time = float(np.exp(np.mean(np.log([max(t, 1.0) for t, _ in times]))))
            censored = any(bound for _, bound in times)
            groups.setdefault(scheme, []).append((time if not censored else 10 * time, name, (time, censored)))
            counts[scheme] = counts.get(scheme, 0) + 1
    if len(groups) < 2:
        return None
    n_dim = max((len(record.values) for record in evidence.records), default=1)
    rows, data = [], []
    for scheme, members in sorted(groups.items(), key=lambda item: min(item[1])):
        _, name, (time, censored) = min(members)
        records = evidence.of_setting(name, "search")
        hits = sum(evidence.is_success(record) for record in records)
        rows.append(
            [scheme, str(counts[scheme]), setting_label(name), f"{hits} of {len(records)}", ("> " if censored else "") + count(time),
             setting_text(evidence.settings[name], n_dim)]
        )  # fmt: skip
        data.append([scheme, counts[scheme], name, hits, len(records), time, censored])
    total = whole(sum(counts.values()))
    shows = f"Of {total} settings in the search, the best of each scheme by expected evaluations; luck included."
    table = pd.DataFrame(
        data, columns=["scheme", "settings", "best", "successes", "fits", "expected evaluations", "only a bound"]
    )
    columns = ["scheme", "settings tried", "best of them", "successes", "evaluations for one success", "what it is"]
    return Table("Schemes", shows, columns, rows, frozenset({0}), as_csv("schemes", table))
