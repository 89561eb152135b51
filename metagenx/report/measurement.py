"""Settings as they were measured: on the freshest fits there are of each, scored against what is known now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from metagenx.fitting import streams
from metagenx.meta import statistics
from metagenx.meta.intervals import Interval
from metagenx.meta.records import BASELINE, FitRecord
from metagenx.report.labels import setting_label
from metagenx.report.numbers import rate_text, time_text
from metagenx.report.page.elements import Table, as_csv
from metagenx.report.page.style import BLUE, CYCLE, GREY, ORANGE

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

MOST_SETTINGS = 12  # in one plot
FRESH = ("validation", "confirmation", "repeat", "search")  # the freshest first
PUBLISHED = "genx3"


class Measurement:
    """One setting on the freshest fits there are of it, of the user's own samples."""

    def __init__(self, evidence: Evidence, setting: str) -> None:
        self.setting = setting
        self.phase = next(phase for phase in FRESH if evidence.of_setting(setting, phase))
        own = set(evidence.own_samples)
        self.records: list[FitRecord] = [r for r in evidence.of_setting(setting, self.phase) if r.sample in own]
        self.hit_times = [evidence.hit_time(record) for record in self.records]
        self.successes = sum(time is not None for time in self.hit_times)
        self.rate: Interval = statistics.wilson(self.successes, len(self.records))
        # The streams of the verdict, so that its intervals and those of the report are the same.
        of_repeats = self.phase == "repeat"
        rng = streams.stream(evidence.seed, *(("repeat time",) if of_repeats else ("measured", setting)))
        runs = evidence.scored(self.records)
        times = [statistics.ert_interval(run, rng) for run in runs]
        self.time = times[0] if len(times) == 1 else _mean_of(times)

    @property
    def median_fom(self) -> str:
        """Median of the final FOMs."""
        foms = [record.fom for record in self.records if np.isfinite(record.fom)]
        return f"{np.median(foms):.6g}" if foms else "none"

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
            found = sorted(found, key=lambda name: (name not in (BASELINE, PUBLISHED), scores[name]))
        chosen += found
    return [Measurement(evidence, name) for name in chosen[:MOST_SETTINGS]]


def _score(evidence: Evidence, setting: str) -> float:
    """Mean over samples of the log of the expected running time in the search; the less the better."""
    runs = evidence.scored(evidence.of_setting(setting, "search"))
    times = [statistics.expected_running_time(run)[0] for run in runs]
    return float(np.mean(np.log(np.maximum(times, 1.0)))) if times else np.inf


def colours(found: Sequence[Measurement], winner: str | None) -> dict[str, str]:
    """Blue for the winner, orange for the file; the same in all plots."""
    fixed = {BASELINE: ORANGE, **({winner: BLUE} if winner else {})}
    others = [colour for colour in CYCLE if colour not in (ORANGE, BLUE)] + [GREY]
    rest = [m.setting for m in found if m.setting not in fixed]
    return fixed | {name: others[i % len(others)] for i, name in enumerate(rest)}


def comparison_table(evidence: Evidence, found: Sequence[Measurement], winner: str | None) -> Table:
    """Success, work and final FOM of the settings that were measured on the freshest fits."""
    import pandas as pd

    rows, data = [], []
    for m in found:
        what, n, numbers = evidence.what(m.setting), len(m.records), [rate_text(m.rate), time_text(m.time)]
        rows.append([setting_label(m.setting), *numbers, m.median_fom, str(n), m.phase, what])
        data.append([m.setting, m.rate.estimate, m.time.estimate, m.median_fom, n, m.phase, what])
    columns = ["settings", "success", evidence.goal.measure, "median FOM", "fits", "measured in", "what it is"]
    strong = frozenset(i for i, m in enumerate(found) if m.setting == winner)
    shows = (
        "Each on the freshest fits there are of it; 95 % intervals in brackets. Figures of the search flatter the best."
    )
    return Table("Settings", shows, columns, rows, strong, as_csv("settings", pd.DataFrame(data, columns=columns)))
