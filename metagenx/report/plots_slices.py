"""How the score of a setting depends on each thing that was varied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.fitting.settings import Settings
from metagenx.meta import statistics
from metagenx.meta.records import BASELINE
from metagenx.report.labels import setting_label
from metagenx.report.numbers import count
from metagenx.report.page.elements import Figure, Plot, as_csv
from metagenx.report.page.style import BLUE, GREEN, ORANGE, empty_plot, hover, name_ticks

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

FEWEST_SETTINGS = 4
_FIRST = ("km", "kr", "population", "create_trial")


@dataclass(frozen=True)
class Score:
    """Expected running time of a setting in the search, mean over samples; ``censored``: only a bound."""

    setting: str
    time: float
    censored: bool
    successes: int
    fits: int

    @property
    def rank(self) -> tuple[bool, float]:
        """Sort key: bounds behind measured times."""
        return (self.censored, self.time)

    @property
    def text(self) -> str:
        """The time, for people."""
        return ("> " if self.censored else "") + count(self.time)


def search_scores(evidence: Evidence) -> list[Score]:
    """Of all settings of the search that the journal explains."""
    found = []
    for name in evidence.names_in("search"):
        runs = evidence.scored(evidence.of_setting(name, "search"))
        if name in evidence.settings and runs:
            times = [statistics.expected_running_time(run) for run in runs]
            time = float(np.exp(np.mean(np.log([max(time, 1.0) for time, _ in times]))))
            hits, fits = sum(run.successes for run in runs), sum(len(run.costs) for run in runs)
            found.append(Score(name, time, any(bound for _, bound in times), hits, fits))
    return found


def slices_figure(evidence: Evidence, winner: str | None) -> Figure | None:
    """Score of every setting of the search against each thing that was varied."""
    import pandas as pd

    scores = search_scores(evidence)
    columns = varied(evidence, [score.setting for score in scores])
    if len(scores) < FEWEST_SETTINGS or not columns:
        return None
    plots = [Plot(knob, _slice(evidence, knob, values, scores, winner)) for knob, values in columns.items()]
    table = pd.DataFrame(
        {
            "setting": [score.setting for score in scores],
            **columns,
            "expected evaluations": [score.time for score in scores],
            "only a bound": [score.censored for score in scores],
        }
    )
    shows = (
        f"{evidence.goal.measure.capitalize()} in the search against each thing that was varied: lower is better. "
        "Orange: the file's settings, green: the winner. Open triangles never succeeded and stand at a lower bound. A "
        "knob that matters shows a valley, one that does not a cloud."
    )
    return Figure("What mattered", shows, plots, as_csv("slices", table), layout="grid")


def varied(evidence: Evidence, names: Sequence[str]) -> dict[str, list[Any]]:
    """Knob → its effective value for every setting (nan where it is switched off), of those that the space varies."""
    n_dim = evidence.n_dim
    effective: dict[str, tuple[str, Callable[[Settings], Any]]] = {
        "pop_mult": ("population", lambda s: s.population_size(n_dim)),
        "pop_size": ("population", lambda s: s.population_size(n_dim)),
        "max_evaluation_mult": ("cutoff in evaluations", lambda s: s.evaluation_limit(n_dim) or np.nan),
        "max_evaluations": ("cutoff in evaluations", lambda s: s.evaluation_limit(n_dim) or np.nan),
    }
    points = [evidence.replay.settings[name].get("point") or {} for name in names]
    found: dict[str, list[Any]] = {}
    for knob in dict.fromkeys(key for point in points for key in point):
        label, value = effective.get(knob, (knob, lambda s, knob=knob: getattr(s, knob, np.nan)))
        values = [value(evidence.settings[name]) for name in names]
        if len({v for v in values if v == v}) > 1:
            found[label] = values
    order = [knob for knob in _FIRST if knob in found] + [knob for knob in found if knob not in _FIRST]
    return {knob: found[knob] for knob in order}


def _slice(evidence: Evidence, knob: str, values: Sequence[Any], scores: Sequence[Score], winner: str | None) -> Any:
    from bokeh.models import ColumnDataSource

    if any(isinstance(value, str | bool) for value in values):
        names = sorted({str(value) for value in values})
        # Settings of one name stand beside each other, in a fixed pattern.
        x = np.array([names.index(str(value)) + 0.12 * np.sin(2.4 * i) for i, value in enumerate(values)])
        plot = empty_plot("", evidence.goal.measure, height=280, y_log=True, x_range=(-0.6, len(names) - 0.4))
        name_ticks(plot.xaxis, names)
        plot.xaxis.major_label_orientation = 0.6
    else:
        x = np.array(values, dtype=float)
        known = x[np.isfinite(x)]
        is_log = bool(known.min() > 0 and known.max() > 8 * known.min())
        plot = empty_plot(knob, evidence.goal.measure, height=280, y_log=True, x_log=is_log)
    colours = [GREEN if s.setting == winner else ORANGE if s.setting == BASELINE else BLUE for s in scores]
    source = ColumnDataSource(
        {
            "x": x,
            "y": [score.time for score in scores],
            "colour": colours,
            "fill": ["rgba(0,0,0,0)" if s.censored else c for s, c in zip(scores, colours, strict=True)],
            "marker": ["triangle" if score.censored else "circle" for score in scores],
            "name": [setting_label(score.setting) for score in scores],
            "what": [evidence.what(score.setting) for score in scores],
            "text": [score.text for score in scores],
        }
    )
    dots = plot.scatter(
        "x", "y", source=source, marker="marker", size=8, line_color="colour", fill_color="fill", alpha=0.85
    )
    hover(plot, [("", "@name: @what"), (evidence.goal.measure, "@text")], [dots])
    return plot
