"""Optimisers for benchmarks/time_to_target.py: each starts again until it hits or may not go on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from search_problems import CountedProblem, Hit, Spent

from metagenx.fitting.auto import Strategy, improver
from metagenx.fitting.restarts import run_restarts
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream, stream

Method = Callable[[CountedProblem, Settings, str, int], None]


def restarted(**changes: object) -> Method:
    """Restarts upon stagnation with a cutoff of 10 n³ behind it, no more."""

    def run(problem: CountedProblem, settings: Settings, name: str, seed: int) -> None:
        own = settings.replace(**{"use_stagnation": True, "max_evaluation_mult": 10.0, **changes})
        run_restarts(problem, own, streams=_both(name, seed, own), max_evaluations=10**12)

    return run


def auto(**changes: object) -> Method:
    """The default strategy of metagenx fit, or a part of it."""
    strategy = replace(Strategy(), **changes)  # type: ignore[arg-type]

    def run(problem: CountedProblem, settings: Settings, name: str, seed: int) -> None:
        run_restarts(
            problem,
            settings,
            streams=_both(name, seed, settings),
            max_evaluations=10**12,
            improve_of=lambda number: improver(problem, strategy, number),
            settings_of=lambda number: strategy.settings_of(settings, frozenset(), number, len(problem.names)),
        )

    return run


def scipy_de(problem: CountedProblem, settings: Settings, name: str, seed: int) -> None:
    """scipy's differential evolution with its defaults, which are refnx's, in batches (updating='deferred')."""
    from scipy.optimize import differential_evolution

    rng = stream(seed, "scipy", name)
    while True:
        differential_evolution(
            lambda x: _finite(problem.evaluate(np.ascontiguousarray(x.T))),
            problem.bounds, rng=rng, polish=False, vectorized=True, updating="deferred",
        )  # fmt: skip


def bumps_de(problem: CountedProblem, settings: Settings, name: str, seed: int) -> None:
    """The differential evolution of bumps with its defaults (population 10 n, CR 0.9, F 2)."""
    from bumps.fitproblem import FitProblem
    from bumps.fitters import DEFit, MonitorRunner
    from bumps.parameter import Parameter

    class Model:
        def __init__(self) -> None:
            places = zip(problem.names, problem.bounds.mean(axis=1), problem.bounds, strict=True)
            self.own = [Parameter(value=float(v), name=n, bounds=tuple(map(float, b))) for n, v, b in places]

        def parameters(self) -> list[Parameter]:
            return self.own

        def numpoints(self) -> int:
            return 10**6

        def nllf(self) -> float:
            return float(_finite(problem.evaluate(np.array([[p.value for p in self.own]])))[0])

    low, high = problem.bounds.T

    def together(points: Sequence[np.ndarray]) -> list[float]:
        """As bumps does it: what lies outside the limits is infinitely bad, and not simulated."""
        vectors = np.array(points)
        inside = ((vectors >= low) & (vectors <= high)).all(axis=1)
        foms = np.full(len(vectors), np.inf)
        if inside.any():
            foms[inside] = _finite(problem.evaluate(vectors[inside]))
        return [float(fom) for fom in foms]

    np.random.seed(seed)  # noqa: NPY002 bumps draws from numpy's global generator
    while True:
        fitted = FitProblem(Model())
        fitted.randomize()
        DEFit(fitted).solve(MonitorRunner([], fitted), mapper=together, steps=1000, pop=10.0, CR=0.9, F=2.0)


def _finite(foms: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(foms), foms, 1e30)


def _streams(name: str, seed: int, settings: Settings, run: int) -> dict[str, np.random.Generator]:
    sample = f"{name}/{run}"
    return {"initial": initial_stream(seed, sample, 0), "moves": moves_stream(seed, settings.hash(), sample, 0)}


def _both(name: str, seed: int, settings: Settings) -> Callable[[int], tuple[np.random.Generator, np.random.Generator]]:
    def streams(run: int) -> tuple[np.random.Generator, np.random.Generator]:
        made = _streams(name, seed, settings, run)
        return made["initial"], made["moves"]

    return streams


METHODS: dict[str, Method] = {
    "auto": auto(),
    "scipy DE": scipy_de,
    "CMA-ES": restarted(create_trial="cma_es"),
    "bumps DE": bumps_de,
    # What the parts of auto gain.
    "auto without jumps": auto(jumps=0),
    "auto polished at the end only": auto(polish_interval=0),
}
ALONE = ("bumps DE",)  # draws from numpy's global generator


def run(method: str, problem: CountedProblem, settings: Settings, name: str, seed: int) -> None:
    """One restarted run; what it cost and whether it hit is in the problem."""
    with contextlib.suppress(Hit, Spent):
        METHODS[method](problem, settings, name, seed)
