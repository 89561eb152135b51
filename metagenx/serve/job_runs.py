"""Many fits as a job: repeat, compare and tune, on Ray, in run folders that can be resumed."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.serve.live import Live

if TYPE_CHECKING:
    from metagenx.genx.model import Model
    from metagenx.meta.progress import Progress
    from metagenx.meta.records import FitRecord

SHOW_EVERY = 2.0  # seconds
MOST_CURVES = 20


def runs_job(folder: Path, asked: dict[str, Any], live: Live) -> dict[str, Any]:
    """Repeat, compare or tune; goes on where an earlier process of the same job stopped.

    Raises what ``metagenx.repeat`` and ``metagenx.tune`` raise.
    """
    from metagenx.genx.model import load
    from metagenx.genx.sandbox.deadline import end_process_when_stuck
    from metagenx.report.run import write_report
    from metagenx.runs import unit

    end_process_when_stuck(timer=False)
    path = folder / "inputs" / asked["file"]
    trust = bool(asked.get("trust"))
    model = load(path, trust=trust)
    problem = model.problem()
    names = [{"name": name, "unit": unit(name)} for name in problem.names]
    live.say("start", parameters=names, bounds=problem.bounds.tolist(), plan=asked.get("plan"))
    watch = Watch(model, problem.names, folder / "runs", live)
    watch.show()
    common: dict[str, Any] = {
        "out": folder / "runs", "workers": asked.get("cores"), "trust": trust, "progress": watch,
        "should_stop": live.should_stop,
    }  # fmt: skip
    if asked["kind"] == "repeat":
        from metagenx.meta.repeat import repeat
        from metagenx.report.run import repeat_summary
        from metagenx.report.summary import repeat_text

        repeated = repeat(
            path, n=int(asked.get("n") or 50), perturb=float(asked.get("perturb", 0.1)),
            seed=int(asked.get("seed", 0)), **common, **dict(asked.get("settings") or {}),
        )  # fmt: skip
        report = write_report(repeated.folder, trust=trust)
        summary, text = repeat_summary(repeated), repeat_text(repeated, report)
        reached, verdict, results = repeated.reached, repeated.verdict, repeated.folder.path
    else:
        from metagenx.meta.tune import tune
        from metagenx.report.run import tune_summary
        from metagenx.report.summary import tune_text
        from metagenx.serve.answers import experiment_of

        experiment, overrides, trusted = experiment_of(asked, path)
        trust = trust or trusted
        tuned = tune(experiment, overrides=overrides, **{**common, "trust": trust})
        report = write_report(tuned.folder, trust=trust)
        summary, text = tune_summary(tuned), tune_text(tuned, report)
        reached, verdict, results = tuned.answer.reached, tuned.verdict, tuned.folder.path
    return {
        "state": "finished",
        "reached": reached,
        "verdict": verdict,
        "level": "good" if reached else "warning",
        "text": text,
        "summary": {"parameters": watch.parameters(), **summary},
        "results": results.relative_to(folder).as_posix(),
    }


class Watch:
    """Hears of the progress of a run, and shows the curves of the newest fits."""

    def __init__(self, model: Model, names: tuple[str, ...], runs: Path, live: Live) -> None:
        self._model, self._names, self._runs, self._live = model, names, runs, live
        self._show_at = 0.0
        self._shown = -1
        self._fits = self._evaluations = 0

    def __call__(self, progress: Progress) -> None:
        """A message of the run."""
        if progress.kind in ("notice", "started", "round", "stopping", "finished") and progress.text:
            self._live.say("say", text=progress.text)
        if progress.kind in ("fits", "round", "started"):
            self._fits, self._evaluations = progress.fits, progress.evaluations
            stage = progress.stage or "fits"
            spent = f"{progress.evaluations:,}".replace(",", "\u202f")
            line = f"{stage}: {progress.fits} fit{'' if progress.fits == 1 else 's'}, {spent} evaluations"
            self._live.say("verdict", line=line, level="info", fits=progress.fits, budget=progress.budget)
        now = time.monotonic()
        if progress.kind == "fits" and now >= self._show_at:
            self._show_at = now + SHOW_EVERY
            self.show()
            self._show_at = max(self._show_at, time.monotonic() + 10.0 * (time.monotonic() - now))

    def show(self) -> None:
        """The curves of the best fit, and the fits of the newest others."""
        from metagenx.errors import MetagenxError
        from metagenx.serve.look import simulated
        from metagenx.serve.plain import numbers, shown

        records = self._records()
        if len(records) == self._shown:
            return
        self._shown = len(records)
        best = min(records, key=lambda record: record.fom, default=None)
        try:
            found = simulated(self._model if best is None else self._model.with_values(best.values))
        except MetagenxError:
            return
        others = []
        for record in records[-MOST_CURVES:]:
            with contextlib.suppress(MetagenxError):
                values = dict(zip(self._names, record.values, strict=True))
                fits = self._model.simulate(values)
                others.append([numbers(fit[shown(len(fit))]) for fit in map(np.atleast_1d, fits)])
        self._live.show({**found, "others": others})

    def parameters(self) -> list[dict[str, Any]]:
        """Values of the best fit to the user's own data, for the comparison of jobs."""
        best = min(self._records(), key=lambda record: record.fom, default=None)
        values = () if best is None else best.values
        return [{"name": name, "value": float(value)} for name, value in zip(self._names, values, strict=False)]

    def _records(self) -> list[FitRecord]:
        """All fits to the user's own data so far; those to twins have a truth of their own."""
        from metagenx.errors import MetagenxError
        from metagenx.meta.repeat import SAMPLE
        from metagenx.runs import list_runs

        records: list[FitRecord] = []
        with contextlib.suppress(MetagenxError):
            for folder in list_runs(self._runs):
                records += [r for r in folder.replay().records if r.sample == SAMPLE and np.isfinite(r.fom)]
        return records
