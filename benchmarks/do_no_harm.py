"""Is what the tuner returns ever worse than doing nothing? Many tuning tasks, judged where the tuner could not look.

    python benchmarks/do_no_harm.py                        24 replayed tasks and 6 real ones
    python benchmarks/do_no_harm.py --real 0               replayed ones only: a minute or two

A replayed task is a tuning run on the tabular benchmark: three samples of a family are searched, one is
held out. A real one is a small tuning run with our engine on simulated samples. The answer is then compared with the
baseline on the held-out samples with fresh runs: it is worse if the paired test says so at 5 %, one-sided. Of 30 tasks
at most 4 may be worse. In the same harness stands the naive tuner, which returns the best score of its log: it must
fail, or the harness could not tell.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
from measure import arguments, finish, machine, table
from search_problems import best_known, load_instance
from tabular_measure import Run, side_by_side
from tuner_rivals import Empty, Purse

from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import stream
from metagenx.meta.blocks import Block, run_one
from metagenx.meta.families import sample
from metagenx.meta.intervals import wilson
from metagenx.meta.objective import Contender
from metagenx.meta.paired_test import paired_ert_test
from metagenx.meta.problem_source import ProblemSource
from metagenx.meta.proposals import Proposals
from metagenx.meta.race import Race
from metagenx.meta.race_rules import RaceRules
from metagenx.meta.replay import TabularBenchmark
from metagenx.meta.replayed_tuning import tune_replayed
from metagenx.meta.space_file import load_space
from metagenx.meta.statistics import Runs
from metagenx.meta.tuner_settings import TunerSettings
from metagenx.meta.verdict import judge

LEVEL = 0.05
MOST_WORSE = 4  # of all tasks
FRESH_RUNS = 400  # of a setting on a held-out sample, by which an answer is judged
BUDGETS = (4_000_000, 8_000_000, 16_000_000, 32_000_000)
NAIVE_RUNS = 1  # of a setting on a sample, as logs of one fit each have
SEED = 41_000


def judged(benchmark: TabularBenchmark, settings: Settings, held_out: Sequence[str], task: int) -> float:
    """p value of "worse than the baseline", on fresh runs on the held-out samples."""
    baseline = benchmark.settings(benchmark.default)
    pairs = []
    for name in held_out:
        both = []
        for who, own in (("answer", settings), ("baseline", baseline)):
            costs, hits = benchmark.draw(own, name, stream(SEED, "judge", who, task, name), FRESH_RUNS)
            both.append(Runs(costs.astype(float), hits, np.arange(FRESH_RUNS)))
        pairs.append((both[0], both[1]))
    return paired_ert_test(pairs, stream(SEED, "test", task), n_permutations=1999)


def naive(benchmark: TabularBenchmark, budget: int, searched: Sequence[str], task: int) -> Settings:
    """The best score of a log of random settings, each with one run on every sample."""
    purse = Purse(benchmark, budget, stream(SEED, "naive", task), searched)
    best, lowest = benchmark.default, purse.score(benchmark.default, NAIVE_RUNS)
    with contextlib.suppress(Empty):
        for _ in range(200):
            point = purse.space.sample(purse.rng)
            score = purse.score(point, NAIVE_RUNS)
            if score < lowest:
                best, lowest = point, score
    return benchmark.settings(best)


def replayed_task(family: str, number: int, *, is_naive: bool) -> float:
    """p value of one replayed task: one sample held out, in turn; nan where the baseline is returned."""
    benchmark = TabularBenchmark.from_table(families=[family])
    names = benchmark.instances
    held_out = (names[number % len(names)],)
    searched = [name for name in names if name not in held_out]
    budget = BUDGETS[number % len(BUDGETS)]
    if is_naive:
        settings = naive(benchmark, budget, searched, number)
    else:
        settings = tune_replayed(benchmark, budget, SEED + number, samples=searched).settings
    if settings == benchmark.settings(benchmark.default):
        return float("nan")
    return judged(benchmark, settings, held_out, number)


def real_task(family: str, number: int, budget: int, runs: int) -> float:
    """p value of one real task: samples 0 and 1 searched, 4 and 5 held out; nan where the baseline is returned."""
    problems = {f"{family}.{i}": load_instance(f"{family}.{i}") for i in (0, 1, 4, 5)}
    best = {name: best_known(problem, truth, settings) for name, (problem, settings, truth) in problems.items()}
    base = Settings(use_start_guess=False, use_stagnation=True, max_evaluation_mult=10.0)
    searched, held_out = list(problems)[:2], list(problems)[2:]
    n_dim = len(problems[searched[0]][0].names)
    race = Race(
        RaceRules(budget, trials=20, seed=SEED + number),
        [Contender("file", base, "file", pinned=True)],
        Proposals(load_space("de-core"), base, tuner=TunerSettings(), seed=SEED + number, n_dim=n_dim),
        searched,
        best={name: best[name] for name in searched},
    )
    sources = {name: ProblemSource.from_model(sample(family, int(name[-1])).model, f"{name}.hgx") for name in problems}
    while not race.finished:
        records = []
        for block in race.blocks:
            left: Block | None = block
            while left is not None:
                settings = race.contenders[left.setting].settings
                records.append(run_one(left, sources[left.sample], settings, seed=SEED + number))
                left = left.after(records[-1])
        race.complete(records)
    verdict = judge(race)
    if verdict.winner is None:
        return float("nan")
    answer = race.contenders[verdict.winner].settings
    pairs = []
    for name in held_out:
        problem = problems[name][0]
        both = [[Run(own, problem, f"{name} judge {number}", i) for i in range(runs)] for own in (answer, base)]
        side_by_side(problem, best[name], [run for own in both for run in own])
        pairs.append((_scored(both[0]), _scored(both[1])))
    return paired_ert_test(pairs, stream(SEED, "real", number))


def _scored(runs: list[Run]) -> Runs:
    hits = np.array([run.hit is not None for run in runs])
    return Runs(np.array([run.cost for run in runs], dtype=float), hits, np.arange(len(runs)))


def main() -> None:
    options = arguments(
        str(__doc__),
        ("--replayed", {"type": int, "default": 24}),
        ("--real", {"type": int, "default": 6}),
        ("--real-budget", {"type": int, "default": 300_000, "help": "evaluations of a real task"}),
        ("--real-runs", {"type": int, "default": 60, "help": "fresh runs of a setting by which its answer is judged"}),
    )
    print(machine())
    families = TabularBenchmark.from_table().families
    count, real = (6, 0) if options.quick else (options.replayed, options.real)
    rows, missed, results = [], [], {}
    found: dict[str, list[float]] = {"metagenx, replayed": [], "naive, replayed": [], "metagenx, real": []}
    for number in range(count):
        family = families[number // len(BUDGETS) % len(families)]
        for is_naive in (False, True):
            name = "naive, replayed" if is_naive else "metagenx, replayed"
            found[name].append(replayed_task(family, number, is_naive=is_naive))
    for number in range(real):
        p = real_task(families[number % len(families)], number, options.real_budget, options.real_runs)
        found["metagenx, real"].append(p)
        print(f"real task {number} ({families[number % len(families)]}): p of being worse {p:.3f}", flush=True)
    ours = found["metagenx, replayed"] + found["metagenx, real"]
    for name, levels in [*found.items(), ("metagenx, all", ours)]:
        worse = int(np.sum(np.array(levels) <= LEVEL))
        changed = int(np.isfinite(levels).sum())
        limit = wilson(worse, len(levels), 0.90).high if levels else float("nan")
        rows.append([name, str(len(levels)), str(changed), str(worse), f"{limit:.2f}"])
        results[name] = {"tasks": len(levels), "changed": changed, "worse": worse, "upper_limit": limit}
    print(table(["tuner", "tasks", "settings changed", "significantly worse", "95 % upper limit of its share"], rows))
    if int(np.sum(np.array(ours) <= LEVEL)) > MOST_WORSE * len(ours) / 30:
        missed.append("our tuner did harm more often than by chance")
    bad = int(np.sum(np.array(found["naive, replayed"]) <= LEVEL))
    if bad <= MOST_WORSE * count / 30:
        missed.append(f"the naive tuner did harm in only {bad} of {count} tasks: this harness cannot tell")
    finish(options, results, missed)


if __name__ == "__main__":
    main()
