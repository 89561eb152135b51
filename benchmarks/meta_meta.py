"""A tuner profile chosen on two families, judged on the third: how much less area under the regret curve?

    python benchmarks/meta_meta.py                     # about half an hour of one core
    python benchmarks/meta_meta.py --oracle            # and the best that can be chosen on the third family itself

For each family of the measured table the search of ``metagenx metatune`` runs on the other two (the left-out one
teaches nobody), and the profile that it finds and the hand-made one do fresh replays on the family left out, with
numbers that no search has seen. Where the search keeps the hand-made profile, the best finalist is judged as well, and
said to be one that was not proven. Intervals: bootstrap over the replays, both profiles with the same numbers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from measure import arguments, finish, machine, pin, table

from metagenx.fitting.streams import stream
from metagenx.meta.metatune_race import MetaRace, MetaRules
from metagenx.meta.metatune_tasks import Ground, TuningTask, areas, tasks_of
from metagenx.meta.profile import HAND_MADE
from metagenx.meta.replay import LEAST_CORRELATION, TabularBenchmark
from metagenx.meta.tuner_settings import TunerSettings
from metagenx.meta.tuner_space import load_tuner_space, tuner_at

BUDGETS = (16_000_000, 256_000_000)
AIM, MINUTE, MINUTE_TPE = 0.20, 60.0, 1200.0
FRESH = 2_000_000  # number of the first replay by which a profile is judged
SEED = 2014


def searched(ground: Ground, families: Sequence[str], trials: int, confirm: int, seed: int = SEED) -> MetaRace:
    """The finished search for a profile on some families, one replay after the other."""
    rules = MetaRules(tuple(families), BUDGETS, trials, 4, 1, 3, confirm, "random", seed)
    race = MetaRace(rules, load_tuner_space("auto"))
    while not race.finished:
        race.complete(
            {(e.profile, t): ground.replay(race.tuners[e.profile], t) for e in race.evaluations for t in e.tasks}
        )
    return race


def judged(ground: Ground, family: str, tuner: TunerSettings, replays: int) -> np.ndarray:
    """Area of each fresh replay ``(replays,)``."""
    tasks = tasks_of([family], BUDGETS, range(FRESH, FRESH + replays))
    found = areas({task: ground.replay(tuner, task) for task in tasks})
    return np.array([found[family, number] for number in range(FRESH, FRESH + replays)])


def reduction(mine: np.ndarray, base: np.ndarray) -> tuple[float, float, float]:
    """Share of the base's area that is saved, with its 95 % interval."""
    rng = stream(SEED, "meta meta")
    chosen = rng.integers(0, len(base), (9999, len(base)))
    low, high = np.quantile(1.0 - mine[chosen].mean(axis=1) / base[chosen].mean(axis=1), [0.025, 0.975])
    return float(1.0 - mine.mean() / base.mean()), float(low), float(high)


def seconds_of_hundred(ground: Ground, searchers: Sequence[str], count: int) -> float:
    """CPU seconds of 100 evaluations: a profile replayed once on each family and budget; measured on ``count``."""
    space, rng = load_tuner_space("tuner"), stream(SEED, "seconds", *searchers)
    begun = time.process_time()
    for number in range(count):
        point = space.sample(rng)
        tuner = tuner_at(space, point).replace(searcher=searchers[number % len(searchers)])
        for task in tasks_of(tuple(ground.families), BUDGETS, [number]):
            ground.replay(tuner, TuningTask(task.family, task.budget, task.number, task.begin))
    return 100.0 * (time.process_time() - begun) / count


def main() -> None:
    options = arguments(
        str(__doc__),
        ("--families", {"nargs": "*", "help": "left out in turn; default: all of the table"}),
        ("--trials", {"type": int, "default": 100, "help": "profiles tried in a search"}),
        (
            "--confirm",
            {"type": int, "default": 24, "help": "fresh replays of each finalist on each family, in a search"},
        ),
        ("--replays", {"type": int, "default": 60, "help": "fresh replays on the family left out"}),
        ("--oracle", {"action": "store_true", "help": "also choose on the family itself: what is possible at all"}),
        ("--tpe", {"type": int, "default": 10, "help": "profiles with TPE by which its time is measured; 0: none"}),
    )
    pin()
    print(machine(), flush=True)
    benchmark = TabularBenchmark.from_table()
    families = benchmark.families
    bad = {name: value for name, value in benchmark.out_of_bag.items() if value < LEAST_CORRELATION}
    print("out of bag:", ", ".join(f"{name} {value:.2f}" for name, value in benchmark.out_of_bag.items()))
    trials, confirm, replays = (8, 5, 5) if options.quick else (options.trials, options.confirm, options.replays)
    whole = Ground.of(benchmark)
    missed = [f"out of bag {name} {value:.2f}" for name, value in bad.items()]
    cheap = seconds_of_hundred(whole, ("random", "sobol", "racing", "de", "lus"), 10 if options.quick else 50)
    print(f"100 evaluations, cheap searchers: {cheap:.0f} CPU s (aim {MINUTE:g})", flush=True)
    missed += [f"100 evaluations take {cheap:.0f} CPU s"] if cheap > MINUTE else []
    results: dict[str, Any] = {"cpu_seconds": cheap}
    n_tpe = min(options.tpe, 2) if options.quick else options.tpe
    if n_tpe:
        slow = seconds_of_hundred(whole, ("tpe",), n_tpe)
        print(f"100 evaluations with TPE: {slow:.0f} CPU s, from {n_tpe} of them (aim {MINUTE_TPE:g})", flush=True)
        missed += [f"100 evaluations with TPE take {slow:.0f} CPU s"] if slow > MINUTE_TPE else []
        results["cpu_seconds_tpe"] = slow
    rows, gains = [], []
    for family in options.families or families:
        others = [name for name in families if name != family]
        ways = {"chosen on the other two": (Ground.of(benchmark, others), others)}
        if options.oracle:
            ways["chosen on it (oracle)"] = (whole, [family])
        base = judged(whole, family, TunerSettings(), replays)
        for way, (ground, used) in ways.items():
            race = searched(ground, used, trials, confirm)
            best = race.winner or min(race.finalists, key=lambda name: race.gain(name, fresh=True), default=HAND_MADE)
            mine = judged(whole, family, race.tuners[best], replays)
            value, low, high = reduction(mine, base)
            proven = "yes" if race.winner else "no"
            rows.append([family, way, proven, f"{base.mean():.3f}", f"{mine.mean():.3f}",
                         f"{100 * value:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"])  # fmt: skip
            print(" | ".join(rows[-1]), race.tuners[best].changes(), flush=True)
            results[f"{family} {way}"] = [value, low, high, race.winner is not None]
            if way.startswith("chosen on the other"):
                gains.append(value if race.winner else 0.0)
                missed += (
                    [] if gains[-1] >= AIM else [f"{family}: {100 * gains[-1]:.0f} % less area, aim {100 * AIM:g} %"]
                )
    columns = ["left out", "profile", "proven on the other two", "area, hand-made", "area, found", "less"]
    print(table(columns, rows))
    print(f"mean over the families, unproven ones as the hand-made: {100 * np.mean(gains):.0f} % less")
    finish(options, results, missed)


if __name__ == "__main__":
    main()
