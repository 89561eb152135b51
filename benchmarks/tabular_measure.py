"""Measure many settings of differential evolution on simulated samples: the table behind the tuner's benchmarks.

    python benchmarks/tabular_measure.py --store measured.jsonl

Each setting (GenX's default, a file's, two traps, then Sobol sequences over the six schemes, km, kr and population)
runs on samples 0 to 3 of three families for the same number of evaluations, so settings with short runs get more of
them: first a little of everything, then more, so that the store is of use whenever it is ended. A run ends when it is
in the right basin (FOM <= 1.01 f*, parameters within three error bars of those of f*; f* from the truth, polished),
when it has stagnated, or after 10 n^3 evaluations; with the evaluations until then any shorter cutoff is answered
afterwards. A line of the store is one wave of runs of one setting on one sample. What is there is not measured again,
and a run depends on nothing but its setting, its sample and its number.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from measure import arguments, finish, machine
from search_problems import best_known, load_instance

from metagenx.fitting import de
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream, stream
from metagenx.genx.population import ModelProblem
from metagenx.meta.families import FAMILIES, HELD_OUT_FROM, MEASURED_FAMILIES
from metagenx.meta.targets import BestKnown, Target

SCHEMES = ("best_1_bin", "rand_1_bin", "best_either_or", "rand_either_or", "jade_best", "simplex_best_1_bin")
KM, KR, POPULATION = (0.05, 1.2), (0.0, 1.0), (0.4, 15.0)  # the last one per parameter, on a log scale
LONGEST = 10.0  # evaluations of a run, in n³
SEED = 20_261_123
LOOKS = (4_000, 10_000, 20_000, 40_000)  # evaluations of every setting on every sample, before any gets more
TOGETHER = 24  # settings side by side
ROWS_AT_ONCE = 4000
NAMED: dict[str, dict[str, Any]] = {
    "default": {"create_trial": "best_1_bin", "km": 0.7, "kr": 0.7, "pop_mult": 3.0},
    "file": {"create_trial": "best_1_bin", "km": 0.6, "kr": 0.6, "pop_mult": 4.2},
    # It gives up after a few hundred evaluations: cheap failures, which a careless score calls good.
    "fail-fast": {"create_trial": "best_1_bin", "km": 0.1, "kr": 0.9, "pop_mult": 0.45},
    # A forest on success rates once predicted 1.15e4 evaluations for it; it never succeeded.
    "surrogate-exploit": {"create_trial": "simplex_best_1_bin", "km": 0.07, "kr": 0.5, "pop_mult": 0.8},
}
# Few settings of the whole space are any good; a third of the sequence falls where the good ones were expected.
GOOD_SCHEMES, GOOD_KM, GOOD_POPULATION = ("best_1_bin", "rand_1_bin", "simplex_best_1_bin"), (0.5, 1.0), (1.0, 6.0)


@dataclass(frozen=True)
class Place:
    """A setting to be measured."""

    name: str
    values: dict[str, Any]

    @property
    def settings(self) -> Settings:
        """Its settings, with the longest cutoff and a stop at stagnation."""
        return Settings(
            **self.values,
            use_start_guess=False,
            use_stagnation=True,
            use_max_generations=True,
            max_generations=10**9,
            max_evaluation_mult=LONGEST,
            max_log_elements=Settings().max_log_elements if self.values["create_trial"] == "jade_best" else 1,
        )


def places(count: int) -> list[Place]:
    """The named settings, then Sobol points; every third of them in the part of the space that promises most."""
    from scipy.stats import qmc

    found = [Place(name, values) for name, values in NAMED.items()]
    whole = qmc.Sobol(4, rng=stream(SEED, "whole")).random(512)
    part = qmc.Sobol(4, rng=stream(SEED, "part")).random(512)
    for number in range(count - len(found)):
        if number % 3 == 2:
            unit, schemes, km, population = part[number // 3], GOOD_SCHEMES, GOOD_KM, GOOD_POPULATION
        else:
            unit, schemes, km, population = whole[number - number // 3], SCHEMES, KM, POPULATION
        low, high = np.log(population)
        values = {
            "create_trial": schemes[min(int(unit[0] * len(schemes)), len(schemes) - 1)],
            "km": float(f"{km[0] + unit[1] * (km[1] - km[0]):.4g}"),
            "kr": float(f"{KR[0] + unit[2] * (KR[1] - KR[0]):.4g}"),
            "pop_mult": float(f"{np.exp(low + unit[3] * (high - low)):.4g}"),
        }
        found.append(Place(f"sobol{number:03d}", values))
    return found


class Run:
    """One run, until it hits, stagnates or is cut off."""

    def __init__(self, settings: Settings, problem: ModelProblem, name: str, number: int) -> None:
        self.state = de.begin(
            settings,
            problem.bounds,
            initial=initial_stream(SEED, name, number),
            moves=moves_stream(SEED, settings.hash(), name, number),
        )
        self.hit: int | None = None
        self.below: int | None = None  # evaluations until the FOM was at most 1.05 f*, whatever the parameters

    @property
    def cost(self) -> int:
        return self.hit or self.state.evaluations

    def tell(self, asked: np.ndarray, foms: np.ndarray, best: BestKnown, target: Target) -> None:
        before = self.state.evaluations
        if self.below is None:
            low = np.flatnonzero(foms <= 1.05 * best.fom)
            self.below = before + int(low[0]) + 1 if len(low) else None
        for i in np.flatnonzero(foms <= target.fom(best)):
            if target.agrees(asked[i], best):
                self.hit = before + int(i) + 1
                return
        de.tell(self.state, foms)


class Cell:
    """One setting on one sample: all its runs."""

    def __init__(self, place: Place, sample: str) -> None:
        self.place, self.sample = place, sample
        self.costs: list[int] = []

    def wave(self, evaluations: int, n_dim: int) -> range:
        """Numbers of the runs to be made next; none when they have cost so much. Depends on this cell's runs alone."""
        spent, done = sum(self.costs), len(self.costs)
        if spent >= evaluations:
            return range(done, done)
        mean = spent / done if done else LONGEST * n_dim**3 / 3
        return range(done, done + min(400, max(1, round((evaluations - spent) / mean))))


def side_by_side(problem: ModelProblem, best: BestKnown, runs: list[Run]) -> None:
    """Bring all runs to their ends, in common batches."""
    target = Target()
    while active := [run for run in runs if run.hit is None and run.state.stop is None]:
        asked = [de.ask(run.state) for run in active]
        together = np.concatenate(asked)
        parts = [problem.evaluate(together[i : i + ROWS_AT_ONCE]) for i in range(0, len(together), ROWS_AT_ONCE)]
        ends = np.cumsum([len(part) for part in asked])[:-1]
        for run, part, own in zip(active, asked, np.split(np.concatenate(parts), ends), strict=True):
            run.tell(part, own, best, target)


def lines(store: Path) -> Iterator[dict[str, Any]]:
    """What the store holds; a torn last line is left out."""
    if store.exists():
        for line in store.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue


def measure(store: Path, families: list[str], count: int, evaluations: int) -> None:
    """Append to the store what it lacks: first a little of everything, then more."""
    names = [f"{family}.{number}" for family in families for number in range(HELD_OUT_FROM)]
    cells = {(place.name, name): Cell(place, name) for place in places(count) for name in names}
    for line in lines(store):
        cell = cells.get((line["setting"], line["sample"]))
        if cell is not None and line["first"] == len(cell.costs):
            cell.costs += line["costs"]
    opened: dict[str, tuple[ModelProblem, BestKnown]] = {}
    for name in names:
        problem, settings, truth = load_instance(name)
        opened[name] = problem, best_known(problem, truth, settings)
    if store.exists() and not store.read_bytes().endswith(b"\n"):
        store.write_bytes(store.read_bytes() + b"\n")
    looks = [look for look in LOOKS if look < evaluations] + [evaluations]
    with store.open("a", encoding="utf-8") as file:
        for look in looks:
            for start in range(0, count, TOGETHER):
                for name in names:
                    group = [cells[place.name, name] for place in places(count)[start : start + TOGETHER]]
                    while waiting := [cell for cell in group if cell.wave(look, len(opened[name][0].names))]:
                        _wave(waiting, look, *opened[name], file)
                told = sum(sum(cell.costs) for cell in cells.values())
                print(
                    f"up to {look:,}: settings {start} to {start + TOGETHER - 1}; {told:,} evaluations in the store, "
                    f"{time.process_time():.0f} s of the processor",
                    flush=True,
                )


def _wave(cells: list[Cell], look: int, problem: ModelProblem, best: BestKnown, file: TextIO) -> None:
    """One wave of runs of each of these cells, and their lines in the store."""
    runs = [
        [Run(c.place.settings, problem, c.sample, number) for number in c.wave(look, len(problem.names))] for c in cells
    ]
    side_by_side(problem, best, [run for own in runs for run in own])
    for cell, own in zip(cells, runs, strict=True):
        line = {
            "setting": cell.place.name,
            **cell.place.values,
            "sample": cell.sample,
            "n_dim": len(problem.names),
            "f_star": best.fom,
            "first": len(cell.costs),
            "costs": [run.cost for run in own],
            "hits": [int(run.hit is not None) for run in own],
            "below": [run.below for run in own],
        }
        cell.costs += [run.cost for run in own]
        file.write(json.dumps(line) + "\n")
    file.flush()


def main() -> None:
    options = arguments(
        str(__doc__),
        ("--family", {"action": "append", "choices": list(FAMILIES), "help": f"default: {MEASURED_FAMILIES}"}),
        ("--settings", {"type": int, "default": 160}),
        ("--evaluations", {"type": int, "default": 70_000, "help": "of a setting on a sample"}),
        ("--store", {"type": Path, "default": Path("measured.jsonl")}),
    )
    print(machine())
    count, evaluations = (6, 5_000) if options.quick else (options.settings, options.evaluations)
    measure(options.store, options.family or list(MEASURED_FAMILIES), count, evaluations)
    finish(options, {"settings": count, "evaluations": evaluations}, [])


if __name__ == "__main__":
    main()
