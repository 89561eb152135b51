"""Plots of how fast and how surely settings reach the target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.fitting import streams
from metagenx.meta import statistics
from metagenx.meta.intervals import Interval
from metagenx.meta.records import FitRecord
from metagenx.report.labels import setting_label, setting_text
from metagenx.report.numbers import count, percent, rate_text, time_text, whole
from metagenx.report.page.elements import Figure, Plot, Table, as_csv
from metagenx.report.page.style import BLUE, CYCLE, GREY, ORANGE, empty_plot, hover, legend_below

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

MOST_SETTINGS = 12  # in one plot
FRESH = ("validation", "confirmation", "repeat", "search")  # the freshest first
N_STEPS = 120


class Measurement:
    """One setting on the freshest fits there are of it."""

    def __init__(self, evidence: Evidence, setting: str) -> None:
        self.setting = setting
        self.phase = next(phase for phase in FRESH if evidence.of_setting(setting, phase))
        self.records: list[FitRecord] = evidence.of_setting(setting, self.phase)
        self.hit_times = [evidence.hit_time(record) for record in self.records]
        self.successes = sum(time is not None for time in self.hit_times)
        self.rate: Interval = statistics.wilson(self.successes, len(self.records))
        rng = streams.stream(evidence.seed, "report", setting)
        runs = evidence.scored(self.records)
        times = [statistics.ert_interval(run, rng) for run in runs]
        self.time = times[0] if len(times) == 1 else _mean_of(times)

    @property
    def name(self) -> str:
        """As it stands in plots: where the fits are not fresh, with their phase."""
        fresh = self.phase in ("validation", "repeat")
        return setting_label(self.setting) + ("" if fresh else f" ({self.phase})")


def _mean_of(times: Sequence[Interval]) -> Interval:
    """Geometric mean over samples, half-widths of the logs added in quadrature."""
    if not times:
        return Interval(np.nan, 0.0, np.inf, censored=True)
    logs = np.log([[t.estimate, max(t.low, 1.0), t.high] for t in times])
    centre = logs[:, 0].mean()
    down = np.sqrt(((logs[:, 0] - logs[:, 1]) ** 2).sum()) / len(logs)
    up = np.sqrt(((logs[:, 2] - logs[:, 0]) ** 2).sum()) / len(logs)
    return Interval(
        float(np.exp(centre)),
        float(np.exp(centre - down)),
        float(np.exp(centre + up)),
        censored=any(t.censored for t in times),
    )


def measurements(evidence: Evidence) -> list[Measurement]:
    """The settings worth comparing: validated ones first, then those confirmed, then the best of the search."""
    chosen: list[str] = []
    for phase in FRESH:
        found = [name for name in evidence.names_in(phase) if name not in chosen]
        if phase == "search":
            scores = {name: _score(evidence, name) for name in found}
            found = sorted(found, key=lambda name: (name not in ("file", "genx3"), scores[name]))
        chosen += found
    return [Measurement(evidence, name) for name in chosen[:MOST_SETTINGS]]


def _score(evidence: Evidence, setting: str) -> float:
    """Mean over samples of the log of the expected running time in the search; the less the better."""
    runs = evidence.scored(evidence.of_setting(setting, "search"))
    times = [statistics.expected_running_time(run)[0] for run in runs]
    return float(np.mean(np.log(np.maximum(times, 1.0)))) if times else np.inf


def colours(found: Sequence[Measurement], winner: str | None) -> dict[str, str]:
    """Blue for the winner, orange for the file; the same in all plots."""
    fixed = {"file": ORANGE, **({winner: BLUE} if winner else {})}
    others = [colour for colour in CYCLE if colour not in (ORANGE, BLUE)] + [GREY]
    rest = [m.setting for m in found if m.setting not in fixed]
    return fixed | {name: others[i % len(others)] for i, name in enumerate(rest)}


def ecdf_figure(evidence: Evidence, found: Sequence[Measurement], palette: dict[str, str]) -> Figure | None:
    """Share of fits that have reached the target after so many evaluations."""
    import pandas as pd

    shown = [m for m in found if m.successes][:8]
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
        "Where a curve rises, fits reach the target; where it ends below 1, the rest never do, and a restart is needed. "
        "Further left and higher is better."
    )
    return Figure("How soon a fit succeeds", shows, [Plot("", plot)], as_csv("ecdf", table))


def time_figure(evidence: Evidence, found: Sequence[Measurement], palette: dict[str, str]) -> Figure | None:
    """Expected running times with their intervals, and success rates beside them."""
    import pandas as pd

    shown = [m for m in found if np.isfinite(m.time.estimate)]
    if not shown:
        return None
    plots = [
        Plot("evaluations for one success", _interval_plot(shown, palette, evidence, "expected FOM evaluations", True)),
        Plot("success rate of a fit", _interval_plot(shown, palette, evidence, "share of fits that succeed", False)),
    ]
    shows = (
        "Expected evaluations of a fit that is restarted until it succeeds (left is better), and the share of single fits "
        "that do; bars are 95 % intervals. An open end: no success was seen, so this is only a lower bound."
    )
    rows = [
        {
            "setting": m.setting, "phase": m.phase, "fits": len(m.records), "successes": m.successes,
            "success rate": m.rate.estimate, "success low": m.rate.low, "success high": m.rate.high,
            "expected evaluations": m.time.estimate, "low": m.time.low, "high": m.time.high, "only a bound": m.time.censored,
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
    plot.yaxis.ticker = list(range(n))
    plot.yaxis.major_label_overrides = {int(row): m.name for row, m in zip(rows, shown, strict=True)}
    settings = evidence.settings
    n_dim = max((len(record.values) for record in evidence.records), default=1)
    source = ColumnDataSource(
        {
            "y": rows, "low": np.maximum(low, 1e-9), "high": high, "x": middle,
            "colour": [palette[m.setting] for m in shown],
            "marker": ["triangle" if i.censored else "circle" for i in intervals],
            "what": [setting_text(settings[m.setting], n_dim) if m.setting in settings else "" for m in shown],
            "text": [time_text(i) if is_time else rate_text(i) for i in intervals],
            "fits": [f"{m.successes} of {len(m.records)}" for m in shown],
        }
    )  # fmt: skip
    plot.segment("low", "y", "high", "y", source=source, color="colour", line_width=3, alpha=0.75)
    dots = plot.scatter("x", "y", source=source, marker="marker", size=10, fill_color="colour", line_color=None)
    hover(plot, [("", "@what"), (label, "@text"), ("successes", "@fits")], [dots])
    return plot


def course_figure(found: Sequence[Measurement], palette: dict[str, str]) -> Figure | None:
    """Best FOM so far against evaluations: median, and the band of 10 to 90 %."""
    import pandas as pd

    shown = [m for m in found if any(record.trace for record in m.records)][:6]
    if not shown:
        return None
    end = max(record.evaluations for m in shown for record in m.records)
    begin = min(record.trace[0][0] for m in shown for record in m.records if record.trace)
    grid = np.geomspace(max(1, begin), max(end, begin + 1), N_STEPS)
    plot = empty_plot("FOM evaluations of a fit", "best FOM so far", x_log=True, y_log=True)
    entries, blocks = [], []
    for m in shown:
        rows = np.array([_course(record, grid) for record in m.records if record.trace])
        low, middle, high = np.quantile(rows, [0.1, 0.5, 0.9], axis=0, method="nearest")
        good = np.isfinite(middle) & (middle > 0)
        colour = palette[m.setting]
        both = good & np.isfinite(high) & (low > 0)
        band = plot.varea(grid[both], low[both], high[both], color=colour, fill_alpha=0.16)
        line = plot.line(grid[good], middle[good], color=colour, line_width=2)
        entries.append((m.name, [band, line]))
        blocks.append(
            pd.DataFrame({"setting": m.setting, "evaluations": grid, "10 %": low, "median": middle, "90 %": high})
        )
    legend_below(plot, entries)
    shows = (
        "Median of the best FOM that fits have met after so many evaluations, and the band that holds 80 % of them; a fit "
        "that has ended keeps its last FOM."
    )
    return Figure(
        "Course of the fits", shows, [Plot("", plot)], as_csv("courses", pd.concat(blocks, ignore_index=True))
    )


def _course(record: FitRecord, grid: np.ndarray) -> np.ndarray:
    """Best FOM so far on a grid of evaluations; inf before the first."""
    evaluations, foms = np.array(record.trace, dtype=float).T
    place = np.searchsorted(evaluations, grid, side="right") - 1
    return np.where(place >= 0, foms[np.maximum(place, 0)], np.inf)


def comparison_table(evidence: Evidence, found: Sequence[Measurement], winner: str | None) -> Table:
    """Success, work and final FOM of the settings that were measured on the freshest fits."""
    import pandas as pd

    rows, data = [], []
    n_dim = max((len(record.values) for record in evidence.records), default=1)
    for m in found:
        foms = np.array([record.fom for record in m.records])
        median = float(np.nanmedian(foms)) if np.isfinite(foms).any() else np.nan
        what = setting_text(evidence.settings[m.setting], n_dim) if m.setting in evidence.settings else ""
        rows.append(
            [
                setting_label(m.setting),
                rate_text(m.rate),
                time_text(m.time),
                f"{median:.6g}",
                str(len(m.records)),
                m.phase,
                what,
            ]
        )
        data.append([m.setting, m.rate.estimate, m.time.estimate, median, len(m.records), m.phase, what])
    columns = ["settings", "success", "evaluations for one success", "median FOM", "fits", "measured in", "what it is"]
    strong = frozenset(i for i, m in enumerate(found) if m.setting == winner)
    shows = (
        "Each on the freshest fits there are of it; 95 % intervals in brackets. Figures of the search flatter the best."
    )
    return Table("Settings", shows, columns, rows, strong, as_csv("settings", pd.DataFrame(data, columns=columns)))


def cost_lines(evidence: Evidence) -> list[str]:
    """What the run has cost."""
    from metagenx.report.numbers import duration

    work, wall = evidence.seconds_of_work, evidence.wall_seconds
    hosts = sorted({record.host for record in evidence.records if record.host})
    lines = [f"{whole(len(evidence.records))} fits, {whole(evidence.evaluations)} FOM evaluations"]
    if work > 0:
        lines.append(
            f"{work / 3600:.2g} CPU hours of fitting, {count(evidence.evaluations / work)} evaluations a second on a core"
        )
    if wall > 0:
        lines.append(
            f"{duration(wall)} by the clock, {percent(work / wall / max(1, _cores(evidence)))} of the cores busy with fits"
        )
    lines.append(f"on {', '.join(hosts) or 'an unknown machine'}, {_cores(evidence)} cores")
    failed = sum(record.failure is not None for record in evidence.records)
    if failed:
        lines.append(f"{failed} fits failed; repeats.csv says why")
    return lines


def _cores(evidence: Evidence) -> int:
    """Workers of the last session, as far as the journal says."""
    from metagenx.runs import SessionStarted

    started = [line.event for line in evidence.lines if isinstance(line.event, SessionStarted)]
    details = started[-1].details if started else {}
    workers = details.get("workers") or details.get("machine", {}).get("cores") or 1
    return int(workers)
