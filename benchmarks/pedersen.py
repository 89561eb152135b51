"""Our tuner against Pedersen's table of tuned settings for differential evolution (SwarmOps; HL1002, 2010).

For each of his twelve scenarios (dimensions, evaluations of a run) our tuner, the race behind ``metagenx tune`` with
the goal ``fom_at_budget``, gets at most 1 % of the evaluations that his meta-optimisation took (5 runs of 60 settings,
on 9 functions, 50 runs each), and returns one setting. Both settings are then measured on 50 fresh seeds of all nine
functions, with our implementation of DE/rand/1/bin for his (clipped to the box, members replaced at once) and our
engine for ours. The figure is the mean over the functions of log10 of the mean final value.

    python benchmarks/pedersen.py --quick                 two scenarios
    python benchmarks/pedersen.py                         all twelve; at most 4e7 evaluations of tuning each
    python benchmarks/pedersen.py --full                  all twelve at 1 %: hours
    python benchmarks/pedersen.py --scenarios 2/400 5/1000 --share 0.01

Where the table has two settings for a scenario, the better one of the two, as measured here, is taken.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import measure
import numba
import numpy as np
from here import race_here
from pedersen_problems import FLOOR, FUNCTIONS, problem

from metagenx.errors import MetagenxError
from metagenx.fitting import streams
from metagenx.fitting.run import run_fit
from metagenx.fitting.settings import Settings
from metagenx.meta.experiment import experiment_from

# dimensions, evaluations of a run → settings (NP, CR, F), from the table in SwarmOps
TABLE: dict[tuple[int, int], list[tuple[int, float, float]]] = {
    (2, 400): [(13, 0.7450, 0.9096), (10, 0.4862, 1.1922)],
    (2, 4_000): [(24, 0.2515, 0.8905), (20, 0.7455, 0.9362)],
    (5, 1_000): [(17, 0.7122, 0.6301)],
    (5, 10_000): [(20, 0.6938, 0.9314)],
    (10, 2_000): [(28, 0.9426, 0.6607), (12, 0.2368, 0.6702)],
    (10, 20_000): [(18, 0.5026, 0.6714)],
    (20, 40_000): [(37, 0.9455, 0.6497)],
    (20, 400_000): [(35, 0.4147, 0.5983)],
    (30, 6_000): [(11, 0.0877, 0.6419)],
    (30, 60_000): [(19, 0.1220, 0.4983)],
    (50, 100_000): [(48, 0.9784, 0.6876)],
    (100, 200_000): [(46, 0.9565, 0.5824)],
}
HIS_RUNS = 5 * 60 * len(FUNCTIONS) * 50  # DE runs of his meta-optimisation, for each row
SHARE, MOST_EVALUATIONS = 0.01, 40_000_000
FRESH = 50
FIRST_FRESH_SEED = 90_000
PROBLEMS = Path(__file__).with_name("pedersen_samples.py")

WITH_CONSTANTS = ("best_1_bin", "rand_1_bin", "best_either_or", "rand_either_or")
SPACE = {
    "parameters": {
        "create_trial": {"choice": [*WITH_CONSTANTS, "jade_best"]},
        "km": {"float": [0.3, 1.1], "when": {"create_trial": list(WITH_CONSTANTS)}},
        "kr": {"float": [0.05, 1.0], "when": {"create_trial": list(WITH_CONSTANTS)}},
        "pop_size": {"int": [5, 100], "log": True},
    },
    "fixed": {"use_start_guess": False, "use_stagnation": False, "use_max_generations": True,
              "max_generations": 1_000_000},
}  # fmt: skip


@numba.njit
def pedersen_run(
    function: Any, n_dim: int, half: float, low: float, high: float, np_: int, cr: float, f: float, most: int, seed: int
) -> float:
    """Final value of DE/rand/1/bin: three different others, one coordinate at least, clipped, replaced at once."""
    np.random.seed(seed)  # noqa: NPY002 -- numba's own generator
    population, values = np.empty((np_, n_dim)), np.empty(np_)
    best, done = np.inf, 0
    for i in range(min(np_, most)):
        for d in range(n_dim):
            population[i, d] = low + (high - low) * np.random.random()  # noqa: NPY002
        values[i] = function(population[i]) + FLOOR
        best, done = min(best, values[i]), done + 1
    trial = np.empty(n_dim)
    while done < most:
        for i in range(np_):
            if done >= most:
                break
            a = i
            while a == i:
                a = np.random.randint(np_)  # noqa: NPY002
            b = i
            while b in (i, a):
                b = np.random.randint(np_)  # noqa: NPY002
            c = i
            while c in (i, a, b):
                c = np.random.randint(np_)  # noqa: NPY002
            sure = np.random.randint(n_dim)  # noqa: NPY002
            for d in range(n_dim):
                value = population[i, d]
                if d == sure or np.random.random() < cr:  # noqa: NPY002
                    value = population[a, d] + f * (population[b, d] - population[c, d])
                trial[d] = min(max(value, -half), half)
            found = function(trial) + FLOOR
            done += 1
            if found < values[i]:
                values[i] = found
                population[i] = trial
                best = min(best, found)
    return best


def his(n_dim: int, evaluations: int, setting: tuple[int, float, float]) -> dict[str, np.ndarray]:
    """Final values ``(50,)`` of each function with a row of the table."""
    return {
        name: np.array(
            [
                pedersen_run(function, n_dim, half, *corner, *setting, evaluations, FIRST_FRESH_SEED + r)
                for r in range(FRESH)
            ]
        )
        for name, (function, half, corner) in FUNCTIONS.items()
    }


def ours(n_dim: int, evaluations: int, settings: Settings, fresh: int = FRESH) -> dict[str, np.ndarray]:
    """The same with one of our settings, by our engine."""
    limited = settings.replace(max_evaluations=evaluations)
    found = {}
    for name in FUNCTIONS:
        runs = []
        for r in range(fresh):
            rngs = [streams.stream(FIRST_FRESH_SEED + r, "pedersen", what, name) for what in ("initial", "moves")]
            runs.append(run_fit(problem(name, n_dim), limited, initial=rngs[0], moves=rngs[1]).fom)
        found[name] = np.array(runs)
    return found


def figure(found: dict[str, np.ndarray]) -> float:
    """Mean over the functions of log10 of the mean final value."""
    return float(np.mean([np.log10(values.mean()) for values in found.values()]))


def tuned(n_dim: int, evaluations: int, budget: int) -> tuple[Settings, str, int]:
    """What our tuner returns: settings, its verdict, evaluations spent."""
    experiment = experiment_from(
        {
            "samples": {"files": [f"{PROBLEMS}:{name}_{n_dim}" for name in FUNCTIONS]},
            "search_space": SPACE,
            "test": {"repeats": 50, "start": {"perturb": 0}, "max_evaluations": evaluations},
            "tune": {"goal": "fom_at_budget", "searcher": "racing", "trials": 60, "validate": 30},
            "budget": {"evaluations": budget},
            "seed": 2010,
        },
        Path(__file__),
        Path(__file__).parent,
    )
    answer, settings, spent = race_here(experiment)
    return settings, answer.line, spent


def scenario(n_dim: int, evaluations: int, share: float) -> dict[str, Any]:
    begun = time.process_time()
    budget = int(share * HIS_RUNS * evaluations)
    theirs = min((his(n_dim, evaluations, setting) for setting in TABLE[n_dim, evaluations]), key=figure)
    settings, line, spent = tuned(n_dim, evaluations, budget)
    mine = ours(n_dim, evaluations, settings)
    wins = sum(mine[name].mean() <= theirs[name].mean() for name in FUNCTIONS)
    return {
        "scenario": f"{n_dim}/{evaluations}", "share of his budget": spent / (HIS_RUNS * evaluations),
        "his": figure(theirs), "ours": figure(mine), "functions won": wins, "settings": settings_text(settings),
        "verdict": line, "cpu seconds": time.process_time() - begun,
    }  # fmt: skip


def settings_text(settings: Settings) -> str:
    constants = "" if settings.create_trial == "jade_best" else f" km {settings.km:.3g} kr {settings.kr:.3g}"
    size = f"{settings.pop_mult:g}n" if settings.use_pop_mult else str(settings.pop_size)
    return f"{settings.create_trial}{constants} pop {size}"


def main() -> None:
    options = measure.arguments(
        __doc__ or "",
        ("--full", {"action": "store_true", "help": "1 %% of his budget in every row"}),
        ("--share", {"type": float, "help": "of his budget, at most 0.01"}),
        ("--scenarios", {"nargs": "+", "help": "such as 2/400; default: all"}),
    )
    measure.pin()
    named = options.scenarios or (["2/400", "5/1000"] if options.quick else None)
    rows = []
    for n_dim, evaluations in TABLE:
        if named is not None and f"{n_dim}/{evaluations}" not in named:
            continue
        share = min(SHARE, options.share or SHARE)
        if not (options.full or options.share):
            share = min(share, MOST_EVALUATIONS / (HIS_RUNS * evaluations))
        try:
            rows.append(scenario(n_dim, evaluations, share))
        except MetagenxError as error:
            print(f"{n_dim}/{evaluations}: {error}", flush=True)
            continue
        row = rows[-1]
        print(f"{row['scenario']}: his {row['his']:.2f}, ours {row['ours']:.2f}; {row['verdict']}", flush=True)
    better = sum(row["ours"] <= row["his"] for row in rows)
    header = ["dim/evaluations", "his", "ours", "functions won", "share of his budget", "our setting", "CPU s"]
    body = [
        [row["scenario"], f"{row['his']:.2f}", f"{row['ours']:.2f}", f"{row['functions won']} of {len(FUNCTIONS)}",
         f"{100 * row['share of his budget']:.2f} %", row["settings"], f"{row['cpu seconds']:.0f}"]
        for row in rows
    ]  # fmt: skip
    print(f"\n{measure.machine()}\nlog10 of the mean final value, mean over {len(FUNCTIONS)} functions, {FRESH} seeds")
    print(measure.table(header, body))
    print(f"ours is better or equal in {better} of {len(rows)} scenarios")
    missed = [] if better >= 0.75 * len(rows) else [f"better or equal in {better} of {len(rows)}, the aim is 9 of 12"]
    measure.finish(options, {"rows": rows, "better": better}, missed)


if __name__ == "__main__":
    main()
