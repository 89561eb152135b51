"""The error bars of a fit in its report: kinds side by side, correlations, profiles, posterior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from metagenx.fitting.covariance import LEVELS, Covariance
from metagenx.fitting.error_bars import KINDS, ErrorBars
from metagenx.report.fit import offsets_text
from metagenx.report.numbers import whole, with_error
from metagenx.report.page.elements import Element, Figure, Lines, Note, Plot, Section, Table, as_csv
from metagenx.report.page.style import BLUE, GREY, ORANGE, RED, empty_plot, hover, legend_below
from metagenx.report.plots_parameters import matrix_figure
from metagenx.runs.tables import unit

if TYPE_CHECKING:
    from metagenx.fitting.api import Fit
    from metagenx.fitting.mcmc import Posterior
    from metagenx.fitting.profile_likelihood import Profile


def error_bars_section(fit: Fit, profiles: Sequence[Profile] = (), posterior: Posterior | None = None) -> Section:
    """Everything that the page says on error bars."""
    bars = fit.error_bars
    elements: list[Element] = [_table(fit)]
    elements += [Note(note, "warning" if bars.covariance is None else "plain") for note in bars.notes]
    if bars.covariance is not None and len(bars.names) > 1:
        shows = (
            "Correlations by the covariance: pairs near ±1 can be traded for each other, and the data fix only their "
            "combination. Empty: a parameter at a limit, or one that the data do not fix. Written out from 0.3."
        )
        names, matrix = list(bars.names), bars.covariance.correlations
        elements.append(matrix_figure("Correlations of the errors", shows, names, matrix, "error_correlations"))
    elements += [_profile_figure(profile) for profile in profiles]
    for profile in profiles:
        elements += [Note(f"{profile.name}: {note}", "warning") for note in profile.notes]
    if posterior is not None:
        elements += _posterior_elements(posterior)
    return Section("errors", "Error bars", elements)


def covariance_elements(covariance: Covariance, *, of: str, stem: str) -> list[Element]:
    """The covariance of the best fit of a run of many fits; ``of`` and ``stem`` name the sample."""
    import pandas as pd

    first, second = (covariance.intervals(level) for level in LEVELS)
    loose = np.isinf(covariance.errors)
    rows, data = [], []
    for i, name in enumerate(covariance.names):
        value = float(covariance.values[i])
        row = [name, with_error(value, float(max(value - first[i, 0], first[i, 1] - value)))]
        for low, high in (first[i], second[i]):
            row.append("infinite" if loose[i] else offsets_text(float(low) - value, float(high) - value))
        rows.append(row)
        data.append([name, value, *first[i], *second[i], covariance.limits[i]])
    columns = ["parameter", "value", "68 % low", "68 % high", "95 % low", "95 % high", "held by"]
    shows = f"What the data leave open, from the Jacobian at the best fit; noise of the data: {covariance.noise.text}."
    table = Table(
        f"Error bars by the covariance{of}", shows, ["parameter", "value", "68 %", "95 %"], rows,
        data=as_csv(f"covariance{stem}", pd.DataFrame(data, columns=columns)),
    )  # fmt: skip
    return [table, *(Note(note) for note in covariance.notes)]


def _table(fit: Fit) -> Table:
    bars = fit.error_bars
    columns = ["parameter", "value", "covariance, 68 %", "covariance, 95 %", f"FOM level {bars.level:g}"]
    columns += [f"spread of {bars.n_runs} runs"] if bars.n_runs > 1 else []
    rows = []
    for i, name in enumerate(bars.names):
        known = unit(name)
        row = [f"{name} [{known}]" if known else name, with_error(float(fit.values[i]), _length(bars, i))]
        for kind, level in (("covariance", LEVELS[0]), ("covariance", LEVELS[1]), ("FOM level", LEVELS[0])):
            low, high = bars.offsets(kind, level)
            row.append(offsets_text(float(low[i]), float(high[i])))
        if bars.n_runs > 1:
            row.append(offsets_text(-float(bars.spread[i]), float(bars.spread[i])))
        rows.append(row)
    shows = " ".join(f"{kind}: {text}." for kind, text in KINDS.items())
    return Table("Error bars", shows, columns, rows, data=as_csv("error_bars", fit.table))


def _length(bars: ErrorBars, number: int) -> float:
    low, high = bars.offsets("covariance" if bars.covariance else "FOM level")
    return float(max(-low[number], high[number]))


def _profile_figure(profile: Profile) -> Figure:
    import pandas as pd
    from bokeh.models import ColumnDataSource

    known = unit(profile.name)
    plot = empty_plot(f"{profile.name} [{known}]" if known else profile.name, "FOM", height=320)
    source = ColumnDataSource({"x": profile.values, "y": profile.foms, "z": profile.rise})
    line = plot.line("x", "y", source=source, color=BLUE, line_width=1.8)
    dots = plot.scatter("x", "y", source=source, size=5, color=BLUE)
    hover(plot, [("value", "@x{0.000000}"), ("FOM", "@y{0.000000}"), ("standard errors", "@z{0.00}")], [dots])
    entries = [("lowest FOM with this value", [line, dots])]
    for (level, ends), colour in zip(profile.intervals.items(), (ORANGE, GREY), strict=True):
        height = profile.levels[level]
        entries.append(
            (f"{100 * level:.0f} %", [plot.line(list(ends), [height, height], color=colour, line_width=2.5)])
        )
    mark = plot.scatter([profile.best], [profile.fom], marker="diamond", size=10, color=RED)
    legend_below(plot, [*entries, ("minimum", [mark])])
    words = "; ".join(
        f"{100 * level:.0f} %: {low:.6g} to {high:.6g}" for level, (low, high) in profile.intervals.items()
    )
    shows = f"The lowest FOM for every value of {profile.name}, all other parameters fitted again. Intervals: {words}."
    table = pd.DataFrame({profile.name: profile.values, "FOM": profile.foms, "standard errors": profile.rise})
    return Figure(f"Profile of {profile.name}", shows, [Plot("", plot)], as_csv(f"profile_{profile.number}", table))


def _posterior_elements(posterior: Posterior) -> list[Element]:
    rows = []
    first, second = (posterior.intervals(level) for level in LEVELS)
    for i, name in enumerate(posterior.names):
        middle = float(posterior.median[i])
        row = [name, f"{middle:.6g}"]
        for ends in (first[i], second[i]):
            row.append(offsets_text(float(ends[0]) - middle, float(ends[1]) - middle))
        rows.append([*row, f"{posterior.r_hat[i]:.3f}" if np.isfinite(posterior.r_hat[i]) else ""])
    shows = f"Medians and intervals with equal tails of {whole(len(posterior.samples))} draws by DREAM (bumps)."
    columns = ["parameter", "median", "68 %", "95 %", "R̂"]
    table = Table("Posterior", shows, columns, rows, data=as_csv("posterior", posterior.table))
    return [table, Lines("", list(posterior.notes))]
