"""``metagenx.fit``: a model, fitted, with a table, a verdict in one line, and a file to save."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from metagenx.errors import InputError
from metagenx.fitting.auto import Strategy, finished, improver, reserved
from metagenx.fitting.cores import cores_of_a_fit
from metagenx.fitting.de import State
from metagenx.fitting.error_bars import ERROR_COLUMN, KINDS, ErrorBars, error_bars_of, with_spread
from metagenx.fitting.filing import file_runs_of_fit
from metagenx.fitting.interrupt import stop_on_ctrl_c
from metagenx.fitting.problem import FloatArray, Problem, ProblemWithData
from metagenx.fitting.restarts import RestartedFit, run_restarts
from metagenx.fitting.run import FitResult
from metagenx.fitting.run_worker import Recipe
from metagenx.fitting.schemes import OWN_SCHEMES
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream

if TYPE_CHECKING:
    import pandas as pd

    from metagenx.fitting.mcmc import Posterior
    from metagenx.fitting.parallel_runs import Crew
    from metagenx.fitting.profile_likelihood import Profile
    from metagenx.genx.model import Model

SAMPLE = "data"  # the user's own measurement, in the names of the random streams
_PATIENCE = 2.0  # seconds for the covariance of an interrupted fit


@dataclass(frozen=True)
class Fit:
    """A finished fit: its best run, all its runs, its error bars, and the model that was fitted."""

    result: FitResult
    restarts: RestartedFit
    error_bars: ErrorBars
    model: Model | None = None
    seed: int = 0
    as_in_file: bool = False
    problem: Problem | None = field(default=None, repr=False)
    checks: int = 0  # evaluations for error bars of earlier bests, with which runs were compared on the way
    settings_from: Mapping[str, Any] | None = None  # where the settings come from, if not from the file or the caller

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fitted parameters."""
        return self.result.names

    @property
    def values(self) -> FloatArray:
        """Best values, ``(n_dim,)``."""
        return self.result.values

    @property
    def fom(self) -> float:
        """Best FOM."""
        return self.result.fom

    @property
    def evaluations(self) -> int:
        """FOM evaluations of all runs and of the error bars, every one counted."""
        return self.restarts.evaluations + self.error_bars.evaluations + self.checks

    @property
    def seconds(self) -> float:
        """Real time of the fit."""
        return self.restarts.seconds if self.restarts.elapsed is None else self.restarts.elapsed

    @property
    def stop(self) -> str:
        """Why the last run ended."""
        return self.restarts.runs[-1].stop

    @property
    def reached(self) -> bool:
        """Whether the answer can be trusted as far as this fit can tell.

        With a target: that it was reached. With restarts: that at least two runs ended in the best minimum. Of a
        single run as in the file: that it ended by its own rules.
        """
        if self.result.failure or self.was_interrupted:
            return False
        if self.restarts.reached is not None:
            return self.restarts.reached
        return self.restarts.n_same >= (1 if self.as_in_file else 2)

    @property
    def was_interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.stop == "interrupted"

    @property
    def settings(self) -> Settings:
        """Settings of the best run."""
        return self.result.settings

    @property
    def table(self) -> pd.DataFrame:
        """The fitted parameters: name, value, the error bars of all kinds (``error_bars.KINDS``), min, max, at limit.

        Error bars are offsets from the value: low ≤ 0 ≤ high.
        """
        import pandas as pd

        result = self.result
        columns: dict[str, Any] = {"name": result.names, "value": result.values, **self.error_bars.columns()}
        columns |= {"min": result.bounds[:, 0], "max": result.bounds[:, 1], "at limit": result.at_limit}
        return pd.DataFrame(columns)

    @property
    def correlations(self) -> pd.DataFrame:
        """Correlation matrix of the parameters, from the covariance; NaN where there is none."""
        return self.error_bars.correlations

    def profile(self, name: str) -> Profile:
        """The profile likelihood of one parameter: its curve, and its 68 and 95 % intervals.

        Raises
        ------
        InputError : no fitted parameter of that name, or no covariance to scale the curve with.
        """
        from metagenx.fitting.profile_likelihood import profile

        return profile(self._with_data("a profile"), self.values, name, covariance=self.error_bars.covariance)

    def mcmc(self, *, samples: int = 10_000, seed: int | None = None) -> Posterior:
        """Draws from the posterior by DREAM of the package bumps, an extra: ``pip install "metagenx[mcmc]"``.

        Parameters
        ----------
        samples : vectors to draw.
        seed : default: that of the fit.

        Raises
        ------
        InputError : bumps is not installed, or nothing is known of the noise.
        """
        from metagenx.fitting.mcmc import sample_posterior

        return sample_posterior(
            self._with_data("MCMC"), self.values, samples=samples, seed=self.seed if seed is None else seed,
            covariance=self.error_bars.covariance,
        )  # fmt: skip

    def _with_data(self, what: str) -> ProblemWithData:
        if not isinstance(self.problem, ProblemWithData):
            raise InputError(f"{what} needs a problem with data: {self.error_bars.why_not}")
        return self.problem

    @property
    def verdict(self) -> str:
        """One line: how good, how certain, how dear."""
        result, restarts = self.result, self.restarts
        if result.failure:
            return f"failed: {result.failure}"
        first, last = restarts.runs[0], restarts.runs[-1]
        start = f" (start {first.start_fom:.6g})" if np.isfinite(first.start_fom) else ""
        parts = [f"FOM {result.fom:.6g}{start}"]
        if last.failure:
            parts.append(f"the last run failed: {last.failure}")
        if restarts.reached is not None:
            parts.append(f"target {restarts.target:.6g} {'reached' if restarts.reached else 'not reached'}")
        parts.append(_agreement(restarts))
        stuck = [name for name, limit in zip(result.names, result.at_limit, strict=True) if limit]
        if stuck:
            parts.append(f"at a limit: {', '.join(stuck)}")
        count = f"{self.evaluations:,}".replace(",", " ")
        cores = f" on {restarts.cores} cores" if restarts.cores > 1 else ""
        parts.append(f"{count} evaluations in {self.seconds:.1f} s{cores}")
        return "; ".join(parts)

    def save(self, path: str | os.PathLike[str], *, errors: str = ERROR_COLUMN) -> Path:
        """Write the fitted model as .hgx, with values, error bars and the course of the fit.

        Parameters
        ----------
        errors : which kind goes into GenX's Error column, ``FOM level`` as in GenX, ``covariance`` or ``spread``; the
            file says which, in its option ``error column`` of the section ``metagenx``.

        Returns
        -------
        the path.

        Raises
        ------
        InputError : the fit was not made from a GenX file, the path cannot be written, an unknown kind.
        """
        if self.model is None:
            raise InputError("only the fit of a GenX file can be saved as one")
        return fitted_model(self.model, self.result, bars=self.error_bars, errors=errors).save(path)


def fit(
    model: Model | Problem,
    seed: int = 0,
    settings: Settings | None = None,
    *,
    as_in_file: bool = False,
    strategy: Strategy | None = None,
    target: float | None = None,
    budget: int | None = None,
    max_runs: int | None = None,
    start: ArrayLike | None = None,
    problem: Problem | None = None,
    cores: int | None = None,
    on_generation: Callable[[State], None] | None = None,
    on_run: Callable[[FitResult], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    **overrides: Any,
) -> Fit:
    """Fit a model with the settings in its file and the strategy ``auto``.

    On the way the best member is polished by Levenberg-Marquardt. A run ends when it has stagnated, and a new one
    starts from a fresh population, until eleven runs are done and two of them ended in the best minimum, or the
    evaluations are spent that the file's own limit of generations means. The best of all runs is the answer, and how
    many ended in the same minimum is part of the verdict. The error bars of the answer cost a few evaluations more,
    four for each parameter and two.

    Parameters
    ----------
    model : from ``metagenx.load``, or any problem.
    seed : the same seed gives the same numbers.
    settings : instead of those in the file.
    as_in_file : one run that ends where GenX's would, without our stop rules and polish.
    strategy : other numbers for ``auto``.
    target : stop when the FOM is not above this.
    budget : FOM evaluations of all runs together, which will be spent. Default: at the most those of one run to the
        limit of generations, unless ``max_runs`` is given.
    max_runs : end after so many runs.
    start : start guess ``(n_dim,)`` instead of the values of the table.
    problem : of the model, if it has been made already, e.g. with another figure of merit.
    cores : processes that make runs at the same time, if the fit is long enough for that to pay; the numbers are the
        same for any. Default: all that this process may use, one inside a worker of Ray or multiprocessing. Only fits
        of GenX files use more than one.
    on_run : hears of every run that another process has made.
    on_generation, should_stop : see ``run_fit``. Without ``should_stop``, Ctrl-C ends the fit and keeps what
        it has.
    overrides : single settings in GenX's names, e.g. ``km=0.5, create_trial="jade_best"``.

    Raises
    ------
    InputError : nothing to fit, a start outside its limits, settings with mistakes, no candidate with a FOM.
    """
    if problem is None:
        problem, own_model = _problem(model)
    else:
        own_model = cast("Model", model)
    chosen = frozenset(overrides)
    may_end_early = not as_in_file and budget is None and max_runs is None and target is None
    settings, budget, max_runs = _limits(problem, own_model, settings, as_in_file, budget, max_runs, overrides)
    strategy = (strategy or Strategy()).with_settings(settings)
    for name, limit in (("budget", budget), ("max_runs", max_runs), ("cores", cores)):
        if limit is not None and limit < 1:
            raise InputError(f"{name} is {limit}, it must be at least 1")

    def streams(run: int) -> tuple[np.random.Generator, np.random.Generator]:
        return initial_stream(seed, SAMPLE, run), moves_stream(seed, settings.hash(), SAMPLE, run)

    first = problem.start if start is None else np.asarray(start, dtype=float)
    judge = _Judge(problem)
    kept = 0 if as_in_file or budget is None else reserved(problem, budget)
    base, auto = settings, strategy
    expected = auto.enough_runs if may_end_early else max_runs
    crew = None if as_in_file else _crew(problem, own_model, cores, expected)
    begun = time.perf_counter()
    with stop_on_ctrl_c() as asked_to_stop:
        restarts = run_restarts(
            problem,
            settings,
            streams=streams,
            max_evaluations=None if budget is None else budget - kept,
            max_runs=max_runs,
            target=target,
            start=first,
            on_generation=on_generation,
            should_stop=should_stop or asked_to_stop,
            improve_of=None if as_in_file and settings.polish == "none" else lambda run: improver(problem, auto, run),
            settings_of=None if as_in_file else lambda run: auto.settings_of(base, chosen, run, len(first)),
            enough=(lambda so_far: auto.enough(so_far, judge.errors)) if may_end_early else None,
            crew=crew,
            on_run=on_run,
        )
        was_interrupted = restarts.runs[-1].stop == "interrupted"
        if not (as_in_file or was_interrupted or restarts.reached):
            spent = restarts.evaluations + judge.evaluations + 4 * len(first) + 2
            best = finished(problem, restarts.best, None if budget is None else budget - spent)
            restarts = replace(restarts, runs=tuple(best if run is restarts.best else run for run in restarts.runs))
        bars = judge.bars(restarts.best, patience=_PATIENCE if was_interrupted else None)
        if bars.covariance is not None:
            restarts = replace(restarts, errors=bars.covariance.errors)
        bars = with_spread(bars, restarts.same)
    restarts = replace(restarts, elapsed=time.perf_counter() - begun)
    if not np.isfinite(restarts.best.fom):
        raise InputError(
            f"the fit could not start: {restarts.best.failure or 'it was interrupted'}",
            hint="Simulate the model at its start values first, and look at limits and data.",
        )
    found = Fit(
        restarts.best, restarts, bars, own_model, seed, as_in_file, problem, judge.evaluations - bars.evaluations
    )
    file_runs_of_fit(found, base if as_in_file else auto.as_settings(base, len(first)))
    return found


def _crew(problem: Problem, model: Model | None, cores: int | None, expected_runs: int | None) -> Crew | None:
    """Other processes for a fit, if they can be had and give the same numbers."""
    from metagenx.genx.population import ModelProblem

    cores = cores_of_a_fit() if cores is None else cores
    if model is None or not isinstance(problem, ModelProblem) or cores == 1 or expected_runs == 1:
        return None
    if problem.depends_on_history:  # what a run gives then depends on the runs before it
        return None
    from metagenx.fitting.parallel_runs import Crew

    return Crew(Recipe(model.file, model.trust, problem.fom_name), cores, expected_runs)


class _Judge:
    """Error bars of the best run so far; of the same run only once."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._of: FitResult | None = None
        self._bars: ErrorBars | None = None
        self.evaluations = 0

    def bars(self, best: FitResult, *, patience: float | None = None) -> ErrorBars:
        if self._bars is None or self._of is None or not np.array_equal(self._of.values, best.values):
            self._of, self._bars = best, error_bars_of(self._problem, best, patience=patience)
            self.evaluations += self._bars.evaluations
        return self._bars

    def errors(self, best: FitResult) -> FloatArray | None:
        covariance = self.bars(best).covariance
        return None if covariance is None else covariance.errors


def planned(
    problem: Problem,
    model: Model | None = None,
    *,
    settings: Settings | None = None,
    as_in_file: bool = False,
    budget: int | None = None,
    max_runs: int | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    """What ``fit`` would do: its evaluations at the most, the time they would take, and a sentence that says so."""
    settings, budget, max_runs = _limits(problem, model, settings, as_in_file, budget, max_runs, overrides)
    n_dim = len(problem.bounds)
    evaluations = budget or (max_runs or 1) * evaluations_of_full_run(settings, n_dim)
    size = settings.population_size(n_dim)
    lower, upper = problem.bounds.T
    vectors = lower + (upper - lower) * np.random.default_rng(0).random((size, n_dim))
    problem.evaluate(vectors)
    begun = time.perf_counter()
    problem.evaluate(vectors)
    seconds = evaluations * (time.perf_counter() - begun) / size
    runs = "one run" if max_runs == 1 else "restarts after stagnation until they agree"
    factors = "" if settings.create_trial in OWN_SCHEMES else f", km {settings.km:g}, kr {settings.kr:g}"
    text = (
        f"{settings.create_trial}{factors}, population {size}, {runs}: at the most {evaluations} evaluations, "
        f"about {seconds:.0f} s"
    )
    return {
        "evaluations": evaluations,
        "population": size,
        "fits": max_runs,
        "seconds": seconds,
        "text": text,
    }


def _limits(
    problem: Problem,
    model: Model | None,
    settings: Settings | None,
    as_in_file: bool,
    budget: int | None,
    max_runs: int | None,
    overrides: dict[str, Any],
) -> tuple[Settings, int | None, int | None]:
    """The settings of a run, and what ends the restarts: evaluations, runs, or both."""
    settings = _settings(model, settings, overrides)
    if as_in_file:
        max_runs = 1
    elif "use_stagnation" not in overrides:
        settings = settings.replace(use_stagnation=True)
    if budget is None and max_runs is None:
        budget = evaluations_of_full_run(settings, len(problem.bounds))
    return settings, budget, max_runs


def fitted_model(
    model: Model, result: FitResult, *, bars: ErrorBars | None = None, errors: str = ERROR_COLUMN
) -> Model:
    """A copy of the model with the fitted values, error bars, course and settings of a fit in its file.

    ``errors`` is the kind in the Error column, which the file's option ``error column`` of the section ``metagenx``
    names; kinds other than ``FOM level`` need ``bars``.
    """
    from metagenx.genx.model import Model as GenxModel

    if errors not in KINDS or (bars is None and errors != ERROR_COLUMN):
        raise InputError(f"there are no error bars called {errors!r}", hint=f"Known are {', '.join(KINDS)}.")
    lows, highs = (result.error_low, result.error_high) if bars is None else bars.offsets(errors)

    asked, stored = result.settings.to_options(len(result.values)), model.options
    offsets = [
        (float(low), float(high)) if np.isfinite(low) and np.isfinite(high) else None
        for low, high in zip(lows, highs, strict=True)
    ]
    file = model.file.with_results(
        values=result.values.tolist(),
        errors=offsets,
        fom_log=result.fom_log,
        start_guess=[row.value for row in model.file.fitted_rows],
        solver_options={name: value for name, value in asked.items() if value != stored.get(name)},
    )
    ours = file.options.setdefault("metagenx", {})
    ours["error column"] = errors
    ours.pop("create trial", None)
    if result.settings.create_trial in OWN_SCHEMES:
        ours["create trial"] = result.settings.create_trial
    return GenxModel(file, trust=model.trust)


def evaluations_of_full_run(settings: Settings, n_dim: int) -> int:
    """Evaluations of a run that goes to its limit of generations, the check of the best in each included."""
    checks = settings.generation_limit(n_dim) // settings.check_interval if settings.check_interval else 0
    return settings.population_size(n_dim) * (settings.generation_limit(n_dim) + 1) + checks


def _problem(model: Model | Problem) -> tuple[Problem, Model | None]:
    if isinstance(model, str | os.PathLike):
        raise InputError(f"{os.fspath(model)!r} is a path, not a model", hint="Use metagenx.load(path) first.")
    if isinstance(model, Problem):
        return model, None
    return model.problem(), model


def _settings(model: Model | None, settings: Settings | None, overrides: dict[str, Any]) -> Settings:
    if settings is not None:
        return settings.replace(**overrides) if overrides else settings
    return Settings.from_options(model.options if model is not None else {}, **overrides)


def _agreement(restarts: RestartedFit) -> str:
    """Whether independent runs agree, in words."""
    complete = len(restarts.complete)
    if complete >= 2 and restarts.n_same < 2:
        return f"no two of {complete} runs ended in the same minimum, so the search has failed"
    if complete >= 2:
        return f"{restarts.n_same} of {complete} runs ended in the same minimum"
    if complete == 1:
        return "one run, so nothing says whether this is the best minimum"
    ends = {
        "cutoff": "before a run had ended by itself",
        "interrupted": "by request",
        "target": "at the target",
    }
    return f"stopped {ends.get(restarts.runs[-1].stop, restarts.runs[-1].stop)}"
