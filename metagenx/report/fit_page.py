"""The report of one fit: a smaller page of the same kind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.meta.records import BASELINE, FitRecord
from metagenx.report.ends import Ends, ends_of_records
from metagenx.report.error_bars import error_bars_section
from metagenx.report.models import BestFit, best_fit_of_model
from metagenx.report.numbers import count, duration, whole
from metagenx.report.page.elements import Download, Figure, Headline, Lines, Plot, Section, as_csv
from metagenx.report.page.render import render
from metagenx.report.page.style import BLUE, GREY, empty_plot, hover
from metagenx.report.sections import (
    best_fit_section,
    command_text,
    genx_section,
    minima_section,
    parameters_section,
)

if TYPE_CHECKING:
    from metagenx.fitting.api import Fit
    from metagenx.fitting.mcmc import Posterior
    from metagenx.fitting.profile_likelihood import Profile
    from metagenx.genx.model import Model

SAMPLE = "data"


def fit_page(
    fit: Fit,
    model: Model | None,
    *,
    command: Sequence[str],
    best: Download | None,
    profiles: Sequence[Profile] = (),
    posterior: Posterior | None = None,
) -> str:
    """The page as HTML.

    Parameters
    ----------
    model : with the fitted values; None for a problem that is no GenX file.
    best : the fitted model as a file.
    profiles, posterior : what was asked for beside the fit.
    """
    from metagenx.runs import machine, versions

    ends = _ends(fit)
    shown = BestFit(SAMPLE, None)
    if model is not None:
        shown = best_fit_of_model(SAMPLE, model, ends, covariance=fit.error_bars.covariance, seed=fit.seed)
    several = {SAMPLE: ends} if len(ends.values) > 1 else {}
    where = ", ".join(str(machine()[key]) for key in ("host", "system", "processor"))
    facts = [f"seed {fit.seed}", ", ".join(f"{name} {version}" for name, version in versions().items()), where]
    course = _course(fit)
    origin = "" if fit.settings_from is None else f"{fit.settings_from['sentence']}. "
    settings = genx_section(fit.settings, len(fit.names), "Settings", f"{origin}This fit used what GenX knows as:")
    parts = [
        best_fit_section([shown]),
        error_bars_section(fit, profiles, posterior),
        parameters_section({SAMPLE: ends}),
        minima_section(several),
        Section("course", "Course", [course] if course else []),
        settings,
        Section(
            "again", "How to repeat this", [Lines("Command", [command_text(command)], code=True), Lines("", facts)]
        ),
    ]
    name = model.name if model is not None else "fit"
    return render(_headline(fit, name), parts, title=f"{name} · metagenx fit", downloads=[best] if best else [])


def _headline(fit: Fit, name: str) -> Headline:
    complete, same = len(fit.restarts.complete), fit.restarts.n_same
    agreement = f": {same} of {complete} runs agree" if complete > 1 else ""
    state = "interrupted" if fit.was_interrupted else "reached" if fit.reached else "not reached"
    numbers = [
        (f"{fit.fom:.6g}", "FOM"),
        (whole(len(fit.restarts.runs)), "runs"),
        (whole(fit.evaluations), "FOM evaluations"),
        (duration(fit.seconds), f"at {count(fit.evaluations / max(fit.seconds, 1e-9))} evaluations a second"),
    ]
    kicker = f"metagenx fit · {name} · seed {fit.seed}"
    return Headline(
        kicker, f"FOM {fit.fom:.6g}{agreement}", fit.verdict, state, "good" if fit.reached else "warning", numbers
    )


def _ends(fit: Fit) -> Ends:
    result = fit.result
    # A run that was cut short ended nowhere; it counts only if there is no other.
    runs = [run for run in fit.restarts.complete or fit.restarts.runs if math.isfinite(run.fom)]
    runs = runs or [result]
    records = [_record(number, run) for number, run in enumerate(runs)]
    errors = np.column_stack([-result.error_low, result.error_high])
    limit = (1.0 + _WITHIN) * fit.fom if fit.fom > 0 else fit.fom
    succeeded = [run.fom <= limit for run in runs]
    return ends_of_records(records, result.names, result.bounds, errors, succeeded)


_WITHIN = 0.01


def _record(number: int, run: Any) -> FitRecord:
    return FitRecord(
        phase="fit",
        setting=BASELINE,
        sample=SAMPLE,
        repeat=number,
        fom=float(run.fom),
        values=tuple(map(float, run.values)),
        evaluations=run.evaluations,
        generations=run.generations,
        stop=run.stop,
        seconds=run.seconds,
        trace=run.trace,
        errors=tuple(map(float, np.maximum(-run.error_low, run.error_high))),
    )


def _course(fit: Fit) -> Figure | None:
    """Best FOM of every run against its evaluations."""
    import pandas as pd
    from bokeh.models import ColumnDataSource

    runs = [run for run in fit.restarts.runs if run.trace]
    if not runs:
        return None
    positive = all(fom > 0 for run in runs for _, fom in run.trace)
    plot = empty_plot("FOM evaluations of a run", "best FOM so far", x_log=True, y_log=positive)
    blocks = []
    for number, run in enumerate(runs, start=1):
        evaluations, foms = np.array([*run.trace, (run.evaluations, run.trace[-1][1])], dtype=float).T
        is_best = run.fom == fit.fom
        source = ColumnDataSource({"x": evaluations, "y": foms, "run": np.full(len(foms), number)})
        line = plot.step(
            "x", "y", source=source, mode="after", color=BLUE if is_best else GREY, line_width=2 if is_best else 1.2
        )
        hover(plot, [("run", "@run"), ("evaluations", "@x{0,0}"), ("FOM", "@y{0.000000}")], [line])
        blocks.append(pd.DataFrame({"run": number, "evaluations": evaluations, "FOM": foms}))
    shows = "Best FOM that each run has met against its evaluations; the run that gave the answer in blue."
    data = as_csv("course", pd.concat(blocks, ignore_index=True))
    return Figure("Course of the runs", shows, [Plot("", plot)], data)
