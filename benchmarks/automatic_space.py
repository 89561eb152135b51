"""Automatic space: evaluations to equal regret against the full space, and an optimum planted outside the first box.

    python benchmarks/automatic_space.py [--quick] [--check]

Tuning runs are replayed on the tabular benchmark (metagenx.meta.replay). *Leave one family out*: for each family the
automatic space is defined from what the problem is like (fitted parameters, widths of the limits, budget) and from the
table of the other families, and refines itself in the run; the full space is the whole superset. Both race by the same
rules, repetitions with the same seeds. Regret is log10 ERT of what is returned above the surrogate's best. The factor
is the largest budget by that at which the automatic space has the regret that the full space has there, on the line
through the mean regrets over log budget; budgets below the smallest are not extrapolated, and a space that never gets
there has a factor of at most 1.

*Planted*: a synthetic benchmark whose optimum lies outside the first box, which is kept narrow on purpose.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from measure import arguments, finish, machine, pin, table

from metagenx.fitting.streams import stream
from metagenx.meta.automatic_space import DefinedSpace, define_space
from metagenx.meta.box import Box
from metagenx.meta.replay import TabularBenchmark
from metagenx.meta.replayed_tuning import tune_replayed
from metagenx.meta.space_experience import shape_of, taught_by_tables

BUDGETS = (16_000_000, 32_000_000, 64_000_000, 128_000_000, 256_000_000)
AIM = 2.0


def features_only(families: tuple[str, ...], family: str) -> tuple[TabularBenchmark, dict[str, DefinedSpace]]:
    """The benchmark of a family, and by what its space is defined: the others' table, or the problem alone."""
    from metagenx.experience.features import features_of_file
    from metagenx.meta.families import sample

    benchmark = TabularBenchmark.from_table(families=[family])
    shape = shape_of(features_of_file(sample(family, 0).model.file))
    taught = taught_by_tables([name for name in families if name != family])
    return benchmark, {
        "features and other families": define_space(benchmark.space, shape, BUDGETS[-1], taught),
        "features alone": define_space(benchmark.space, shape, BUDGETS[-1]),
    }


def regrets(benchmark: TabularBenchmark, defined: DefinedSpace | None, budget: int, seeds: range) -> list[float]:
    """Regret of what replayed runs return."""
    return [benchmark.regret(tune_replayed(benchmark, budget, seed, defined=defined).settings) for seed in seeds]


def factor(budgets: tuple[int, ...], full: list[float], automatic: list[float]) -> float:
    """How many times fewer evaluations the automatic space takes for the regret of the full one at the end."""
    goal, logs = full[-1], np.log(budgets)
    best = np.minimum.accumulate(automatic)
    reached = np.flatnonzero(best <= goal)
    if not len(reached):
        return float(goal / best[-1])
    k = int(reached[0])
    if k == 0:
        return float(budgets[-1] / budgets[0])
    share = (best[k - 1] - goal) / (best[k - 1] - best[k])
    return float(budgets[-1] / np.exp(logs[k - 1] + share * (logs[k] - logs[k - 1])))


def planted(seeds: range) -> list[dict[str, Any]]:
    """Whether the optimum of a synthetic benchmark is found from a first box that does not hold it."""
    found = []
    for seed in seeds:
        benchmark = TabularBenchmark.synthetic(stream(seed, "planted"))
        optimum = benchmark.best[0]
        box = Box.whole(benchmark.space)
        km = float(optimum["km"])
        low, high = (0.05, km - 0.15) if km > 0.6 else (km + 0.15, 1.2)
        box = box.with_values("km", low, high)
        outside = not box.contains(optimum)
        answer = tune_replayed(benchmark, BUDGETS[-1], seed, defined=DefinedSpace(box, ())).settings
        default, mine = benchmark.regret(benchmark.default), benchmark.regret(answer)
        found.append({"outside": outside, "regret": mine, "default": default, "km": answer.km, "optimum": km})
    return found


def main() -> None:
    options = arguments(
        __doc__ or "",
        ("--repetitions", {"type": int, "default": 16, "help": "of each replayed run"}),
    )
    pin()
    print(machine(), flush=True)
    families = TabularBenchmark.from_table().families
    budgets = BUDGETS[1::2] if options.quick else BUDGETS
    seeds = range(1000, 1000 + (2 if options.quick else options.repetitions))
    rows, results, factors = [], {}, {}
    for family in families:
        benchmark, spaces = features_only(families, family)
        means: dict[str, list[float]] = {}
        for name, defined in {"full space": None, **spaces}.items():
            begun = time.perf_counter()
            drawn = [regrets(benchmark, defined, budget, seeds) for budget in budgets]
            means[name] = [float(np.mean(one)) for one in drawn]
            errors = [float(np.std(one, ddof=1) / np.sqrt(len(one))) for one in drawn]
            cells = [f"{mean:.3f} ± {error:.3f}" for mean, error in zip(means[name], errors, strict=True)]
            rows.append([family, name, *cells])
            results[f"{family}, {name}"] = {"regret": means[name], "error": errors}
            print(f"{family}, {name}: {' '.join(cells)} ({time.perf_counter() - begun:.0f} s)", flush=True)
        for name in spaces:
            factors[f"{family}, {name}"] = factor(budgets, means["full space"], means[name])
        print(f"{family}: default has {benchmark.regret(benchmark.default):.3f}", flush=True)
    print(table(["family", "space", *(f"{budget:.3g}" for budget in budgets)], rows))
    for name, value in factors.items():
        print(f"{name}: {value:.1f} times fewer evaluations for what the full space has with {budgets[-1]:.3g}")
    trials = planted(range(3 if options.quick else 10))
    hits = sum(t["outside"] and t["regret"] < 0.5 * t["default"] for t in trials)
    print(f"planted outside the first box: found in {hits} of {len(trials)} (regret less than half the default's)")
    learned = [value for name, value in factors.items() if name.endswith("other families")]
    mean = float(np.exp(np.mean(np.log(learned))))
    print(f"geometric mean over the families left out: {mean:.1f} times fewer")
    missed = [] if mean >= AIM else [f"{mean:.1f} times fewer evaluations, aim {AIM:g}"]
    missed += [] if hits == len(trials) else [f"planted optimum found in {hits} of {len(trials)}"]
    finish(options, {"factors": factors, "regrets": results, "planted": trials}, missed)


if __name__ == "__main__":
    main()
