"""Do the 95 % intervals that metagenx prints cover 95 % of the time?

Simulates fits whose truth is known (success rates, log-normal and exponential hit times, several samples),
makes the intervals with the functions that `metagenx tune` uses, and counts how often they hold the truth.

    python benchmarks/honest_intervals.py [--quick] [--json] [--check] [--seed 2014]

`--check` exits with 1 where a coverage figure leaves 95 ± 2 % by more than the simulation's own noise, or
where a test finds differences that are not there more often than it may. The figure of a row is its mean
over success rates between 0.2 and 1; the rate with the worst coverage is named: an interval of a count that
is discrete cannot cover 95 % at each rate. Full: 4,000 simulations and more a row; `--quick`: 300.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from measure import arguments, finish, machine

from metagenx.meta.statistics import (
    Interval,
    Runs,
    ert_interval,
    ert_test,
    mean_ratio_interval,
    ratio_interval,
    wilson,
)

RATES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
COUNTS = (20, 60, 200)
TOLERANCE = 0.02


@dataclass(frozen=True)
class Row:
    what: str
    case: str
    simulations: int
    coverage: float
    above: float  # share of truths above the interval
    worst: str = ""

    @property
    def passes(self) -> bool:
        noise = 2 * math.sqrt(0.95 * 0.05 / self.simulations)
        return abs(self.coverage - 0.95) <= TOLERANCE + noise


# ---------------------------------------------------------------------------------------------------------------
# Simulated fits: a hit after a random time, a miss after a random stagnation


@dataclass(frozen=True)
class HitTimes:
    name: str
    draw: Callable[[np.random.Generator, int], np.ndarray]
    mean: float


def log_normal(sigma: float) -> HitTimes:
    return HitTimes(f"log-normal, σ {sigma:g}", lambda rng, n: rng.lognormal(0.0, sigma, n), math.exp(sigma**2 / 2))


EXPONENTIAL = HitTimes("exponential", lambda rng, n: rng.exponential(1.0, n), 1.0)
FAMILIES = (log_normal(0.3), log_normal(0.7), EXPONENTIAL)
STAGNATION = HitTimes("stagnation", lambda rng, n: 1.5 * rng.lognormal(0.0, 0.3, n), 1.5 * math.exp(0.045))


def runs_of(times: HitTimes, rate: float, n: int, rng: np.random.Generator, scale: float = 1.0) -> Runs:
    hits = rng.random(n) < rate
    costs = scale * 2000 * np.where(hits, times.draw(rng, n), STAGNATION.draw(rng, n))
    return Runs(costs, hits, np.arange(n))


def truth(times: HitTimes, rate: float, scale: float = 1.0) -> float:
    return scale * 2000 * (times.mean + (1 - rate) / rate * STAGNATION.mean)


def covered(interval: Interval, value: float) -> tuple[bool, bool]:
    return interval.low <= value <= interval.high, value > interval.high


def family(what: str, case: str, per_rate: dict[str, list[tuple[bool, bool]]]) -> Row:
    """One row: the mean over the rates, and the rate that is farthest from 95 %."""
    means = {rate: float(np.mean([inside for inside, _ in hits])) for rate, hits in per_rate.items()}
    everything = [hit for hits in per_rate.values() for hit in hits]
    worst = max(means, key=lambda rate: abs(means[rate] - 0.95))
    return Row(
        what,
        case,
        len(everything),
        float(np.mean([inside for inside, _ in everything])),
        float(np.mean([above for _, above in everything])),
        f"{worst}: {100 * means[worst]:.1f} %",
    )


# ---------------------------------------------------------------------------------------------------------------
# What is measured


def success_rates(n_simulations: int, rng: np.random.Generator) -> list[Row]:
    rows = []
    for n in COUNTS:
        per_rate = {
            f"p {rate:g}": [
                covered(wilson(int(k), n), rate) for k in rng.binomial(n, rate, n_simulations // len(RATES) + 1)
            ]
            for rate in RATES[:-1]  # at p = 1 every interval ends at 1 and holds it
        }
        rows.append(family("success rate (Wilson)", f"{n} runs", per_rate))
    return rows


def running_times(n_simulations: int, rng: np.random.Generator) -> list[Row]:
    rows = []
    for times in FAMILIES:
        for n in COUNTS:
            per_rate = {
                f"p {rate:g}": [
                    covered(ert_interval(runs_of(times, rate, n, rng), rng, n_draws=1000), truth(times, rate))
                    for _ in range(n_simulations // len(RATES) + 1)
                ]
                for rate in RATES
            }
            rows.append(family("ERT", f"{times.name}, {n} runs", per_rate))
    return rows


def ratios(n_simulations: int, rng: np.random.Generator) -> list[Row]:
    rows = []
    for times in FAMILIES:
        for n in (20, 50, 200):
            per_rate = {}
            for rate, other in ((0.2, 0.2), (0.2, 0.8), (0.5, 0.5), (0.5, 1.0), (0.8, 0.95), (1.0, 1.0)):
                value = truth(times, rate) / truth(times, other, 0.7)
                per_rate[f"p {rate:g} against {other:g}"] = [
                    covered(
                        ratio_interval(
                            runs_of(times, rate, n, rng),
                            runs_of(times, other, n, rng, 0.7),
                            rng,
                            n_draws=1000,
                        ),
                        value,
                    )
                    for _ in range(n_simulations // 6 + 1)
                ]
            rows.append(family("ERT ratio, one sample", f"{times.name}, {n} runs", per_rate))
    return rows


def means_over_samples(n_simulations: int, rng: np.random.Generator) -> list[Row]:
    """Each sample has its own true ratio; the interval is about their population."""
    rows = []
    shapes: dict[str, Callable[[], float]] = {
        "ratios log-normal": lambda: float(rng.normal(0.3, 0.4)),
        "ratios skewed": lambda: float(rng.exponential(0.5)),
        "ratios all equal": lambda: 0.3,
    }
    for n_samples in (3, 6, 12, 24):
        for shape, draw in shapes.items():
            centre = {"ratios skewed": 0.5}.get(shape, 0.3)
            hits = []
            for _ in range(n_simulations):
                pairs = []
                for _ in range(n_samples):
                    rate, scale = rng.uniform(0.3, 1.0), math.exp(-draw())
                    pairs.append((runs_of(EXPONENTIAL, rate, 20, rng), runs_of(EXPONENTIAL, rate, 20, rng, scale)))
                interval = mean_ratio_interval(pairs, rng, over_instances=True, n_draws=600)
                hits.append(covered(interval, math.exp(centre)))
            rows.append(family("mean ERT ratio over samples", f"{n_samples} samples, {shape}", {"all": hits}))
    return rows


def means_over_runs(n_simulations: int, rng: np.random.Generator) -> list[Row]:
    rows = []
    for n_samples in (2, 4, 8):
        hits = []
        for _ in range(n_simulations):
            pairs, logs = [], []
            for _ in range(n_samples):
                rate, other, scale = (
                    rng.uniform(0.3, 1.0),
                    rng.uniform(0.3, 1.0),
                    math.exp(rng.normal(0, 0.4)),
                )
                pairs.append((runs_of(EXPONENTIAL, rate, 20, rng), runs_of(EXPONENTIAL, other, 20, rng, scale)))
                logs.append(math.log(truth(EXPONENTIAL, rate) / truth(EXPONENTIAL, other, scale)))
            interval = mean_ratio_interval(pairs, rng, n_draws=600)
            hits.append(covered(interval, math.exp(float(np.mean(logs)))))
        rows.append(family("mean ERT ratio, these samples", f"{n_samples} samples", {"all": hits}))
    return rows


def false_alarms(n_simulations: int, rng: np.random.Generator) -> dict[str, float]:
    """How often the one-sided test at 5 % finds a better challenger that is not better."""
    found = {}
    for rate, other, n in ((0.3, 0.3, 20), (0.3, 0.9, 20), (0.8, 0.8, 50), (0.95, 0.4, 50)):
        scale = truth(EXPONENTIAL, rate) / truth(EXPONENTIAL, other)
        alarms = [
            ert_test(
                [(runs_of(EXPONENTIAL, rate, n, rng), runs_of(EXPONENTIAL, other, n, rng, scale))],
                rng,
                n_draws=999,
            )
            <= 0.05
            for _ in range(n_simulations)
        ]
        found[f"p {rate:g} against {other:g}, {n} runs"] = float(np.mean(alarms))
    return found


def main() -> None:
    options = arguments(str(__doc__), ("--seed", {"type": int, "default": 2014}))
    n = 300 if options.quick else 4000
    rng = np.random.default_rng(options.seed)
    start = time.perf_counter()
    rows: list[Row] = []
    print(f"Coverage of 95 % intervals, {n} simulations and more each · {machine()}\n")
    print(f"{'interval':30} {'case':34} {'covers':>8} {'truth above':>12}   farthest")
    for measure in (success_rates, running_times, ratios, means_over_runs, means_over_samples):
        for row in measure(n, rng):
            rows.append(row)
            mark = "" if row.passes else "  ← misses 95 ± 2 %"
            print(
                f"{row.what:30} {row.case:34} {100 * row.coverage:6.1f} % {100 * row.above:10.1f} %   "
                f"{row.worst}{mark}",
                flush=True,
            )
    alarms = false_alarms(n, rng)
    print("\nFalse alarms of the one-sided test at 5 % (ert_test), at most 5 % are allowed:")
    for case, share in alarms.items():
        print(f"  {case:34} {100 * share:5.1f} %")
    limit = 0.05 + 0.01 + 2 * math.sqrt(0.05 * 0.95 / n)
    missed = [f"{row.what}, {row.case}: {100 * row.coverage:.1f} %" for row in rows if not row.passes]
    missed += [f"false alarms, {case}: {100 * share:.1f} %" for case, share in alarms.items() if share > limit]
    total, seconds = len(rows) + len(alarms), time.perf_counter() - start
    print(f"\n{total - len(missed)} of {total} figures reach their aim, {seconds:.0f} s")
    results = {
        "benchmark": "honest_intervals",
        "seed": options.seed,
        "simulations": n,
        "rows": [asdict(row) | {"passes": row.passes} for row in rows],
        "false_alarms": alarms,
        "seconds": round(seconds, 1),
    }
    finish(options, results, missed)


if __name__ == "__main__":
    main()
