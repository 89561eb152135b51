"""How the score of a setting depends on each thing that was varied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.meta.records import BASELINE
from metagenx.meta.search_scores import Score
from metagenx.report.labels import setting_label
from metagenx.report.numbers import count
from metagenx.report.page.elements import Figure, Plot, as_csv
from metagenx.report.page.style import BLUE, GREEN, ORANGE, empty_plot, hover, name_ticks

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

FEWEST_SETTINGS = 4


def search_scores(evidence: Evidence) -> list[Score]:
    """Of all settings of the search that the journal explains."""
    return evidence.searched.scores()


def score_text(score: Score) -> str:
    """The time of a score, for people."""
    return ("> " if score.censored else "") + count(score.time)


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
    return evidence.searched.varied(names)


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
            "text": [score_text(score) for score in scores],
        }
    )
    dots = plot.scatter(
        "x", "y", source=source, marker="marker", size=8, line_color="colour", fill_color="fill", alpha=0.85
    )
    hover(plot, [("", "@name: @what"), (evidence.goal.measure, "@text")], [dots])
    return plot
