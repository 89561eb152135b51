"""Our tuner against differential evolution tuned by differential evolution, on CEC 2022 in 10 dimensions.

The rival follows the protocol of MetaDE (IEEE Trans. Evol. Comput. 2025, arXiv 2502.10470) as far as it is
published; it is written here from a description, and what that leaves open is said below. An outer DE/rand/1/bin
(F 0.5, CR 0.9, population 100, 50 generations) searches F, CR, two base vectors, 1 to 4 difference vectors and the
crossover of an inner DE (population 100, 1,000 generations); one more outer generation has inner runs five times as
long. All inner runs have the same random numbers, as there. Our tuner, the race behind ``metagenx tune`` with the goal
``fom_at_budget``, gets as many evaluations as the rival has spent, in fits of the length of an inner run.

Two columns: the smallest error that any fit of the search has found, and the error of the setting that is returned, on
51 fresh seeds with 200,000 evaluations each.

    python benchmarks/cec2022.py --quick               one function, 2 outer generations of 10
    python benchmarks/cec2022.py                       three functions, outer population 20 for 25 generations
    python benchmarks/cec2022.py --full                the whole protocol: 5.5e8 evaluations per function, twice

Ours to choose: `pbest` is one of the best 5 %; arithmetic recombination goes the part CR from parent to mutant; vectors
that leave the box are clipped; all members that take part in a mutation differ.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import measure
import numba
import numpy as np
from cec2022_functions import HALF_WIDTH, N_DIM, NUMBERS, SOLVED, error_at, load
from cec2022_samples import problem
from here import race_here

from metagenx.fitting import streams
from metagenx.fitting.run import run_fit
from metagenx.fitting.settings import Settings
from metagenx.meta.experiment import experiment_from
from metagenx.meta.records import FitRecord

INNER_POPULATION, INNER_GENERATIONS = 100, 1_000
LAST_LONGER = 5
FRESH, FRESH_EVALUATIONS, FIRST_FRESH_SEED = 51, 200_000, 70_000
SEED = 2022
SAMPLES = Path(__file__).with_name("cec2022_samples.py")

WITH_CONSTANTS = ("best_1_bin", "rand_1_bin", "best_either_or", "rand_either_or")
SPACE = {
    "parameters": {
        "create_trial": {"choice": [*WITH_CONSTANTS, "jade_best"]},
        "km": {"float": [0.1, 1.1], "when": {"create_trial": list(WITH_CONSTANTS)}},
        "kr": {"float": [0.0, 1.0], "when": {"create_trial": list(WITH_CONSTANTS)}},
        "pop_size": {"int": [10, 400], "log": True},
    },
    "fixed": {"use_start_guess": False, "use_stagnation": False, "use_max_generations": True,
              "max_generations": 1_000_000},
}  # fmt: skip


@numba.njit(error_model="numpy")
def inner_run(
    number: int, shift: np.ndarray, matrix: np.ndarray, setting: np.ndarray, generations: int, seed: int
) -> float:
    """Smallest error of the parameterised DE. ``setting``: F, CR, left base, right base, differences, crossover."""
    np.random.seed(seed)  # noqa: NPY002 -- numba's own generator
    f, cr = setting[0], setting[1]
    left, right = min(int(setting[2] * 4), 3), min(int(setting[3] * 4), 3)
    differences, crossover = 1 + min(int(setting[4] * 4), 3), min(int(setting[5] * 3), 2)
    size = INNER_POPULATION
    n_best = max(1, size // 20)
    members, values, z = np.empty((size, N_DIM)), np.empty(size), np.empty(N_DIM)
    for i in range(size):
        for d in range(N_DIM):
            members[i, d] = HALF_WIDTH * (2.0 * np.random.random() - 1.0)  # noqa: NPY002
        values[i] = error_at(number, members[i], shift, matrix, z)
    trials, found, order = np.empty_like(members), np.empty(size), np.arange(size)
    mutant, base = np.empty(N_DIM), np.empty(2, dtype=np.int64)
    for _ in range(generations - 1):
        ranked = np.argsort(values)
        for i in range(size):
            for k in range(2 * differences + 2):  # the first places of a random permutation
                j = k + int(np.random.random() * (size - k))  # noqa: NPY002
                order[k], order[j] = order[j], order[k]
            for side in range(2):
                kind = left if side == 0 else right
                if kind == 0:
                    base[side] = order[2 * differences + side]
                elif kind == 1:
                    base[side] = ranked[0]
                elif kind == 2:
                    base[side] = ranked[int(np.random.random() * n_best)]  # noqa: NPY002
                else:
                    base[side] = i
            for d in range(N_DIM):
                value = members[base[0], d] + f * (members[base[1], d] - members[base[0], d])
                for k in range(differences):
                    value += f * (members[order[2 * k], d] - members[order[2 * k + 1], d])
                mutant[d] = value
            first = int(np.random.random() * N_DIM)  # noqa: NPY002
            going = True
            for k in range(N_DIM):
                d = (first + k) % N_DIM
                value = members[i, d]
                if crossover == 0:
                    if k == 0 or np.random.random() < cr:  # noqa: NPY002
                        value = mutant[d]
                elif crossover == 1:
                    if k > 0 and going:
                        going = np.random.random() < cr  # noqa: NPY002
                    if going:
                        value = mutant[d]
                else:
                    value += cr * (mutant[d] - value)
                trials[i, d] = min(max(value, -HALF_WIDTH), HALF_WIDTH)
        for i in range(size):
            found[i] = error_at(number, trials[i], shift, matrix, z)
        for i in range(size):
            if found[i] <= values[i]:
                values[i] = found[i]
                members[i] = trials[i]
    return values.min()


def rival(number: int, outer: int, generations: int) -> tuple[np.ndarray, float, int]:
    """The setting ``(6,)`` that DE on DE returns, the smallest error it has found, its evaluations."""
    function, rng, spent = load()[number], streams.stream(SEED, "outer", number), 0

    def errors(settings: np.ndarray, longer: int) -> np.ndarray:
        nonlocal spent
        spent += len(settings) * INNER_POPULATION * INNER_GENERATIONS * longer
        length = INNER_GENERATIONS * longer
        return np.array([inner_run(number, function.shift, function.matrix, s, length, SEED) for s in settings])

    members = rng.random((outer, 6))
    values = errors(members, 1)
    smallest = values.min()
    for generation in range(1, generations + 1):  # the first one is the initial population; the last one is longer
        trials = np.empty_like(members)
        for i in range(outer):
            a, b, c = rng.choice([j for j in range(outer) if j != i], 3, replace=False)
            crossed = rng.random(6) < 0.9
            crossed[rng.integers(6)] = True
            trials[i] = np.where(crossed, members[a] + 0.5 * (members[b] - members[c]), members[i])
        trials = np.clip(trials, 0.0, 1.0)
        found = errors(trials, LAST_LONGER if generation == generations else 1)
        smallest = min(smallest, found.min())
        better = found <= values
        members[better], values[better] = trials[better], found[better]
    return members[values.argmin()], float(smallest), spent


def fresh_of_rival(number: int, setting: np.ndarray) -> np.ndarray:
    """Errors ``(51,)`` of its setting on fresh seeds."""
    function, length = load()[number], FRESH_EVALUATIONS // INNER_POPULATION
    seeds = range(FIRST_FRESH_SEED, FIRST_FRESH_SEED + FRESH)
    return np.array([inner_run(number, function.shift, function.matrix, setting, length, seed) for seed in seeds])


def ours(number: int, budget: int) -> tuple[Settings, float, int, str]:
    """The settings that our tuner returns, the smallest error it has found, its evaluations, its verdict."""
    experiment = experiment_from(
        {
            "samples": {"files": [f"{SAMPLES}:F{number}"]},
            "search_space": SPACE,
            "test": {"repeats": 50, "start": {"perturb": 0},
                     "max_evaluations": INNER_POPULATION * INNER_GENERATIONS},
            "tune": {"goal": "fom_at_budget", "searcher": "racing", "trials": 200, "validate": 30},
            "budget": {"evaluations": budget},
            "seed": SEED,
        },
        Path(__file__),
        Path(__file__).parent,
    )  # fmt: skip
    foms = []

    def look(record: FitRecord) -> None:
        if record.failure is None:
            foms.append(record.fom)

    answer, settings, spent = race_here(experiment, look)
    return settings, min(foms) - SOLVED, spent, answer.line


def fresh_of_ours(number: int, settings: Settings) -> np.ndarray:
    """Errors ``(51,)`` of our settings on fresh seeds."""
    limited, found = settings.replace(max_evaluations=FRESH_EVALUATIONS), []
    for seed in range(FIRST_FRESH_SEED, FIRST_FRESH_SEED + FRESH):
        initial, moves = (streams.stream(seed, "cec2022", what, number) for what in ("initial", "moves"))
        found.append(run_fit(problem(number), limited, initial=initial, moves=moves).fom - SOLVED)
    return np.array(found)


def row(number: int, outer: int, generations: int) -> dict[str, Any]:
    """Both sides on one function."""
    from scipy.stats import mannwhitneyu

    inner_run(number, load()[number].shift, load()[number].matrix, np.full(6, 0.5), 2, 0)  # compiled before the clock
    begun = time.process_time()
    setting, their_best, their_spent = rival(number, outer, generations)
    their_seconds, begun = time.process_time() - begun, time.process_time()
    settings, our_best, our_spent, line = ours(number, their_spent)
    our_seconds = time.process_time() - begun
    theirs, mine = (
        np.where(e < SOLVED, 0.0, e) for e in (fresh_of_rival(number, setting), fresh_of_ours(number, settings))
    )
    same = bool(np.all(theirs == theirs[0]) and np.array_equal(theirs, mine))
    worse = 1.0 if same else float(mannwhitneyu(mine, theirs, alternative="greater").pvalue)
    constants = "" if settings.create_trial == "jade_best" else f" km {settings.km:.3g} kr {settings.kr:.3g}"
    return {
        "function": number, "evaluations": their_spent, "spent by ours": our_spent,
        "best, rival": 0.0 if their_best < SOLVED else their_best, "best, ours": 0.0 if our_best < SOLVED else our_best,
        "fresh, rival": theirs.tolist(), "fresh, ours": mine.tolist(), "p that ours is worse": worse,
        "setting, rival": setting.tolist(), "population": settings.population_size(N_DIM), "verdict": line,
        "setting, ours": f"{settings.create_trial}{constants} pop {settings.population_size(N_DIM)}",
        "CPU s, rival": their_seconds, "CPU s, ours": our_seconds,
    }  # fmt: skip


def main() -> None:
    options = measure.arguments(
        __doc__ or "",
        ("--full", {"action": "store_true", "help": "outer population 100 for 50 generations"}),
        ("--functions", {"nargs": "+", "type": int, "choices": NUMBERS, "help": "default: 2 3 5"}),
    )
    measure.pin()
    outer, generations = (100, 50) if options.full else (10, 2) if options.quick else (20, 25)
    numbers = options.functions or (NUMBERS[:1] if options.quick else NUMBERS)
    whole = (100 * 50 + 100 * LAST_LONGER) * INNER_POPULATION * INNER_GENERATIONS
    rows = []
    for number in numbers:
        rows.append(row(number, outer, generations))
        print({name: value for name, value in rows[-1].items() if not name.startswith("fresh")}, flush=True)

    def spread(errors: list[float]) -> str:
        low, middle, high = np.percentile(errors, [25, 50, 75])
        return f"{middle:.3g} [{low:.3g}, {high:.3g}]"

    header = ["function", "evaluations (of 5.5e8)", "best: DE on DE", "best: ours", "51 fresh seeds: DE on DE", "ours",
              "p (ours worse)", "our setting", "CPU s: DE on DE", "ours"]  # fmt: skip
    body = [
        [f"F{r['function']}", f"{r['evaluations']:.2g} ({100 * r['evaluations'] / whole:.0f} %)",
         f"{r['best, rival']:.3g}", f"{r['best, ours']:.3g}", spread(r["fresh, rival"]), spread(r["fresh, ours"]),
         f"{r['p that ours is worse']:.2g}", r["setting, ours"], f"{r['CPU s, rival']:.0f}", f"{r['CPU s, ours']:.0f}"]
        for r in rows
    ]  # fmt: skip
    print(f"\n{measure.machine()}\nerrors f - f*, below 1e-8 they are 0; median [quartiles] on fresh seeds")
    print(measure.table(header, body))
    no_worse = sum(r["best, ours"] <= r["best, rival"] for r in rows)
    print(f"the best that ours has found is no worse on {no_worse} of {len(rows)}")
    missed = [] if 3 * no_worse >= 2 * len(rows) else [f"no worse on {no_worse} of {len(rows)}, the aim is two thirds"]
    measure.finish(options, {"rows": rows, "no worse": no_worse}, missed)


if __name__ == "__main__":
    main()
