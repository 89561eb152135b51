"""One fit as a job: it is watched while it runs, and leaves what ``metagenx fit --out`` leaves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.serve.live import Live
from metagenx.serve.plain import numbers

if TYPE_CHECKING:
    from metagenx.fitting.de import State
    from metagenx.fitting.run import FitResult
    from metagenx.genx.model import Model

SAY_EVERY = 0.25  # seconds
SHOW_EVERY = 0.5
_SHARE = 0.05  # of the time, at the most, that goes into showing
_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def fit_job(folder: Path, asked: dict[str, Any], live: Live) -> dict[str, Any]:
    """Fit the file of a job; raises what ``metagenx.fit`` raises."""
    from metagenx.fitting.api import fit
    from metagenx.genx.model import load
    from metagenx.genx.sandbox.deadline import end_process_when_stuck
    from metagenx.report.fit import fit_summary, fit_text, save_fit
    from metagenx.runs import unit

    end_process_when_stuck(timer=False)
    model = load(folder / "inputs" / asked["file"], trust=bool(asked.get("trust")))
    problem = model.problem()
    settings = dict(asked.get("settings") or {})
    names = [{"name": name, "unit": unit(name)} for name in problem.names]
    live.say("start", parameters=names, bounds=problem.bounds.tolist(), plan=asked.get("plan"))
    watch = Watch(model, problem.names, problem.bounds, live)
    watch.show(problem.start)
    result = fit(
        model, int(asked.get("seed", 0)), as_in_file=bool(asked.get("as_in_file")), budget=asked.get("evaluations"),
        problem=problem, on_generation=watch, on_run=watch.made_elsewhere, should_stop=live.should_stop,
        cores=asked.get("cores"), **settings,
    )  # fmt: skip
    live.say("verdict", line=f"{result.verdict}; writing the report", level="info")
    watch.show(result.values)
    save_fit(result, folder / "results", command=["metagenx", "fit", asked["file"]])
    state = "stopped" if result.was_interrupted else "finished"
    write_settings(folder / "results", result, state)
    return {
        "state": state,
        "reached": result.reached,
        "verdict": result.verdict,
        "level": "good" if result.reached else "warning",
        "text": fit_text(result),
        "summary": fit_summary(result),
    }


def write_settings(folder: Path, result: Any, state: str) -> None:
    """``settings.yaml``: what to type into GenX."""
    from metagenx.runs import write_settings as write

    write(folder / "settings.yaml", result.settings, len(result.names), title=f"{state}: {result.verdict}")


class Watch:
    """Hears of every generation, and says a few times a second how the fit stands."""

    def __init__(self, model: Model, names: tuple[str, ...], bounds: np.ndarray, live: Live) -> None:
        self._model, self._names, self._live = model, names, live
        self._low, self._width = bounds[:, 0], np.ptp(bounds, axis=1)
        self._run, self._before, self._last = 0, 0, -1
        self._best: tuple[float, np.ndarray] | None = None
        self._shown: float | None = None
        self._say_at, self._show_at = 0.0, 0.0
        self._ends: list[float] = []

    def __call__(self, state: State) -> None:
        """After a generation."""
        if state.evaluations < self._last:  # a new run
            self._ended()
            self._run += 1
            self._before += self._last
        self._last = state.evaluations
        values, fom = state.answer
        self._best_of_run = float(fom)
        if np.isfinite(fom) and (self._best is None or fom < self._best[0]):
            self._best = (float(fom), np.array(values))
        now = time.monotonic()
        if now >= self._say_at:
            self._say_at = now + SAY_EVERY
            self._say(state)
        if self._best is not None and self._best[0] != self._shown and now >= self._show_at:
            self.show(self._best[1])
            took = time.monotonic() - now
            self._show_at = now + max(SHOW_EVERY, took / _SHARE)

    def made_elsewhere(self, run: FitResult) -> None:
        """A run that another process has made."""
        self._before += run.evaluations
        self._ends.append(float(run.fom))
        if np.isfinite(run.fom) and (self._best is None or run.fom < self._best[0]):
            self._best = (float(run.fom), np.array(run.values))
        self._live.say("run", run=len(self._ends) - 1, fom=float(run.fom), evaluations=run.evaluations)

    def _ended(self) -> None:
        self._ends.append(self._best_of_run)
        self._live.say("run", run=self._run, fom=self._best_of_run, evaluations=self._last)

    def _say(self, state: State) -> None:
        assert state.population is not None
        inside = (state.population - self._low) / self._width
        best = self._best
        self._live.say(
            "generation",
            run=self._run,
            generation=state.generation,
            evaluations=self._before + state.evaluations,
            of_run=state.evaluations,
            fom=None if best is None else best[0],
            fom_of_run=self._best_of_run,
            spread=[numbers(row) for row in np.quantile(inside, _QUANTILES, axis=0)],
            best=None if best is None else numbers((best[1] - self._low) / self._width),
            values=None if best is None else numbers(best[1]),
            verdict=self._verdict(state),
        )

    def _verdict(self, state: State) -> str:
        best = "no FOM yet" if self._best is None else f"FOM {self._best[0]:.5g}"
        return f"{best}; run {self._run + 1}, generation {state.generation}"

    def show(self, values: np.ndarray) -> None:
        """Show the curves of a candidate."""
        from metagenx.errors import MetagenxError
        from metagenx.serve.look import simulated

        try:
            shown = simulated(self._model.with_values(dict(zip(self._names, map(float, values), strict=True))))
        except MetagenxError:
            return
        self._shown = None if self._best is None else self._best[0]
        self._live.show(shown)
