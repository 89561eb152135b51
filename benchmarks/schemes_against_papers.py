"""Our L-SHADE, jSO and CMA-ES against what is published about them, in 10 dimensions.

* jSO: mean errors on CEC 2017 functions against the authors' own table, "The results of the jSO algorithm for D = 10"
  (Brest, Maučec & Bošković, CEC 2017; 51 runs of 100,000 evaluations, errors below 1e-8 are 0).
* L-SHADE: errors on CEC 2014 functions against another implementation of the paper, that of minionpy, run here.
* CMA-ES: evaluations that a descent needs to 1e-8, and runs that find the minimum of Rastrigin's function with
  restarts, against pycma, the implementation by the author of the tutorial, run here.

Needs ``pip install minionpy cma`` (MIT and BSD; minionpy also has the CEC functions with their shifts and rotations)::

    python benchmarks/schemes_against_papers.py [--quick] [--runs 51] [--only jso] [--functions 5,7] [--check]

With ``--check`` the exit code is 1 if something differs by more than chance (Holm, 1 % over all lines).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from metagenx.fitting.problem import FunctionProblem
from metagenx.fitting.run import run_fit
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream

N_DIM = 10
EVALUATIONS = 100_000
ZERO = 1e-8
CHANCE = 0.01

# Function of CEC 2017: mean and standard deviation of the error in the table of the paper, 51 runs.
JSO_TABLE = {
    1: (0.0, 0.0),
    3: (0.0, 0.0),
    4: (0.0, 0.0),
    5: (1.7558, 0.76004),
    7: (11.792, 0.60675),
    8: (1.9509, 0.74352),
    9: (0.0, 0.0),
    10: (35.897, 55.477),
    11: (0.0, 0.0),
    13: (2.9644, 2.3534),
    16: (0.56884, 0.26440),
    20: (0.34278, 0.12879),
}
QUICK_JSO = (4, 5, 7)
L_SHADE_FUNCTIONS = (1, 4, 6, 9, 10, 11, 13, 15)  # of CEC 2014
QUICK_L_SHADE = (1, 9, 13)


@dataclass(frozen=True)
class Line:
    """One comparison: what, ours and theirs in words, and the p value of their being the same."""

    what: str
    ours: str
    theirs: str
    p: float


def errors_of(scheme: str, function: Callable[[np.ndarray], object], bias: float, runs: int, name: str) -> np.ndarray:
    """Final errors of our runs; below 1e-8 they are 0."""
    settings = Settings(
        create_trial=scheme, max_evaluations=EVALUATIONS, max_generation_mult=1e5, check_interval=0, max_log_elements=1
    )
    problem = FunctionProblem(lambda x: np.array(function(x)), [[-100.0, 100.0]] * N_DIM, vectorised=True)
    found = []
    for run in range(runs):
        streams = initial_stream(1, name, run), moves_stream(1, settings.hash(), name, run)
        result = run_fit(
            problem,
            settings.replace(use_start_guess=False),
            initial=streams[0],
            moves=streams[1],
            target=bias + ZERO,
        )
        found.append(result.fom - bias)
    return zeroed(found)


def zeroed(errors: Iterable[float]) -> np.ndarray:
    return np.array([0.0 if error <= ZERO else error for error in errors])


def jso_lines(functions: Iterable[int], runs: int) -> Iterable[Line]:
    import minionpy
    from scipy import stats

    for number in functions:
        function = minionpy.CEC2017Functions(function_number=number, dimension=N_DIM)
        ours = errors_of("jso", function, 100.0 * number, runs, f"CEC 2017 F{number}")
        mean, deviation = JSO_TABLE[number]
        error = math.sqrt(deviation**2 / 51 + ours.var(ddof=1) / runs)
        if error == 0.0:
            p = float(mean == ours.mean())
        elif deviation == 0.0:  # theirs always reach 0: the chance that ours do not, and 51 others do
            p = float(stats.fisher_exact([[np.count_nonzero(ours), np.count_nonzero(ours == 0)], [0, 51]]).pvalue)
        else:
            p = float(2 * stats.norm.sf(abs(ours.mean() - mean) / error))
        yield Line(f"jso CEC 2017 F{number}", told(ours), f"{mean:.3g} ± {deviation:.2g}", p)


def l_shade_lines(functions: Iterable[int], runs: int) -> Iterable[Line]:
    import minionpy
    from scipy import stats

    for number in functions:
        function = minionpy.CEC2014Functions(function_number=number, dimension=N_DIM)
        ours = errors_of("l_shade", function, 100.0 * number, runs, f"CEC 2014 F{number}")
        theirs = zeroed(
            minionpy.Minimizer(
                function, [(-100.0, 100.0)] * N_DIM, algo="LSHADE", maxevals=EVALUATIONS, seed=run
            ).optimize().fun - 100.0 * number
            for run in range(runs)
        )  # fmt: skip
        same = np.ptp(np.concatenate([ours, theirs])) == 0.0
        p = 1.0 if same else float(stats.mannwhitneyu(ours, theirs).pvalue)
        yield Line(f"l_shade CEC 2014 F{number}", told(ours), told(theirs), p)


def told(errors: np.ndarray) -> str:
    return f"{errors.mean():.3g} ± {errors.std(ddof=1):.2g} (median {np.median(errors):.3g})"


def sphere(x: np.ndarray) -> np.ndarray:
    return (x * x).sum(axis=-1)


def ellipsoid(x: np.ndarray) -> np.ndarray:
    return (10.0 ** (6 * np.arange(N_DIM) / (N_DIM - 1)) * x * x).sum(axis=-1)


def cigar(x: np.ndarray) -> np.ndarray:
    return x[..., 0] ** 2 + 1e6 * (x[..., 1:] ** 2).sum(axis=-1)


def rosenbrock(x: np.ndarray) -> np.ndarray:
    return (100 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (1 - x[..., :-1]) ** 2).sum(axis=-1)


def rastrigin(x: np.ndarray) -> np.ndarray:
    return (x * x - 10 * np.cos(2 * np.pi * x) + 10).sum(axis=-1)


def descent_lines(runs: int, quick: bool) -> Iterable[Line]:
    """Evaluations to 1e-8, of the runs that get there; both start at the same points with the same deviation."""
    from scipy import stats

    functions = {"sphere": sphere, "ellipsoid": ellipsoid, "cigar": cigar, "rosenbrock": rosenbrock}
    for name, function in list(functions.items())[: 2 if quick else None]:
        bounds = np.array([[-5.0, 5.0]] * N_DIM) * 100  # far away: neither feels them
        ours, theirs = [], []
        for run in range(runs):
            start = initial_stream(2, name, run).uniform(-3.0, 3.0, N_DIM)
            ours.append(our_descent(function, bounds, start, name, run))
            theirs.append(their_descent(function, start, run))
        p = float(stats.mannwhitneyu(*[[t or np.inf for t in times] for times in (ours, theirs)]).pvalue)
        yield Line(f"cma_es {name}, evaluations to 1e-8", reached(ours), reached(theirs), p)


def our_descent(function: Callable[[np.ndarray], np.ndarray], bounds: np.ndarray, start: np.ndarray,
                name: str, run: int) -> int:  # fmt: skip
    """Evaluations to 1e-8; 0 if it is not reached."""
    from metagenx.fitting import cma_es

    rng = moves_stream(2, "cma_es", name, run)
    lower, width = bounds[:, 0], np.ptp(bounds, axis=1)
    cma = cma_es.begin((start - lower) / width, 2.0 / width[0], 10)
    for generation in range(1, 5000):
        foms = function(lower + width * cma_es.ask(rng, cma))
        if foms.min() <= ZERO:
            return 10 * (generation - 1) + int(np.argmax(foms <= ZERO)) + 1
        cma_es.tell(cma, foms)
        if cma.finished:
            return 0
    return 0


def their_descent(function: Callable[[np.ndarray], np.ndarray], start: np.ndarray, run: int) -> int:
    import cma

    count, first = 0, 0

    def counted(x: np.ndarray) -> float:
        nonlocal count, first
        count += 1
        value = float(function(np.asarray(x)))
        if value <= ZERO and not first:
            first = count
        return value

    options = {"verbose": -9, "seed": run + 1, "popsize": 10, "ftarget": ZERO, "maxfevals": 50_000}
    strategy = cma.CMAEvolutionStrategy(start, 2.0, options)
    while not strategy.stop():
        vectors = strategy.ask()
        strategy.tell(vectors, [counted(x) for x in vectors])
    return first


def reached(times: list[int]) -> str:
    good = [time for time in times if time]
    return f"{np.mean(good):.0f} ± {np.std(good):.0f} ({len(good)} of {len(times)} runs)" if good else "never"


def restart_lines(runs: int) -> Iterable[Line]:
    """Runs that find Rastrigin's minimum to 1e-8 in 100,000 evaluations, with a population that doubles."""
    import cma
    from scipy import stats

    settings = Settings(
        create_trial="cma_es", cma_restarts=20, max_evaluations=EVALUATIONS, max_generation_mult=1e5, check_interval=0,
        max_log_elements=1, use_start_guess=False, cma_sigma=0.2,
    )  # fmt: skip
    bounds = [[-5.0, 5.2]] * N_DIM
    problem = FunctionProblem(rastrigin, bounds, vectorised=True)
    ours, theirs = [], []
    for run in range(runs):
        initial = initial_stream(3, "rastrigin", run)
        found = run_fit(
            problem, settings, initial=initial, moves=moves_stream(3, settings.hash(), "", run), target=ZERO
        )
        ours.append(found.evaluations if found.stop == "target" else 0)
        options = {"verbose": -9, "seed": run + 1, "ftarget": ZERO, "maxfevals": EVALUATIONS, "bounds": [-5.0, 5.2]}
        start = initial_stream(4, "rastrigin", run)
        best, strategy = cma.fmin2(
            lambda x: float(rastrigin(np.asarray(x))), lambda s=start: s.uniform(-5.0, 5.2, N_DIM), 0.2 * 10.2, options,
            restarts=9, incpopsize=2,
        )  # fmt: skip
        theirs.append(strategy.result.evaluations if rastrigin(np.asarray(best)) <= ZERO else 0)
    table = [[np.count_nonzero(times), runs - np.count_nonzero(times)] for times in (ours, theirs)]
    p = float(stats.fisher_exact(table).pvalue)
    yield Line("cma_es rastrigin, restarts", reached(ours), reached(theirs), p)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few functions, 11 runs")
    parser.add_argument("--runs", type=int, help="of each scheme on each function (51; CMA-ES the same)")
    parser.add_argument("--only", choices=["jso", "l_shade", "cma_es"])
    parser.add_argument("--functions", help="numbers of CEC functions, instead of all that are compared")
    parser.add_argument("--check", action="store_true", help="exit code 1 for a difference that is not chance")
    chosen = parser.parse_args()
    runs = chosen.runs or (11 if chosen.quick else 51)
    wanted = [int(number) for number in (chosen.functions or "").split(",") if number]
    parts: dict[str, list[Callable[[], Iterable[Line]]]] = {
        "cma_es": [lambda: descent_lines(runs, chosen.quick), lambda: restart_lines(runs)],
        "jso": [lambda: jso_lines(wanted or (QUICK_JSO if chosen.quick else JSO_TABLE), runs)],
        "l_shade": [lambda: l_shade_lines(wanted or (QUICK_L_SHADE if chosen.quick else L_SHADE_FUNCTIONS), runs)],
    }
    print(f"{N_DIM} dimensions, {runs} runs; mean ± standard deviation", flush=True)
    lines = []
    for name, makers in parts.items():
        for make in makers if chosen.only in (None, name) else ():
            for line in make():
                print(f"{line.what:42s} ours {line.ours:42s} theirs {line.theirs:42s} p {line.p:.3g}", flush=True)
                lines.append(line)
    ordered = sorted(line.p for line in lines)
    differ = any(p < CHANCE / (len(ordered) - i) for i, p in enumerate(ordered[:1]))
    print("a difference that is not chance" if differ else "no difference beyond chance (Holm, 1 % over all lines)")
    return int(differ and chosen.check)


if __name__ == "__main__":
    sys.exit(main())
