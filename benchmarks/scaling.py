"""How a run scales: measured up to the physical cores of this machine, simulated from those costs beyond.

    python benchmarks/scaling.py                       measures and simulates (a few minutes on a quiet machine)
    python benchmarks/scaling.py --run runs/film/...   simulates from a finished run's journal alone

Measured, with fits of 50 ms and more in blocks, on a Ray of its own for each number of workers: efficiency = time spent
in fits / (workers × time between Ray being there and the last fit); CPU of the driver for each report; memory of a
worker (PSS). The simulation hands out the fits of a finished tuning run by the real race and the real conductor, each
lasting as long as its journal says, each report costing the driver what was measured, to 10, 100, 1,000 and 10,000
cores; it names what limits the run first.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from metagenx.meta.conductor import Conductor, Task
from metagenx.meta.progress import Progress
from metagenx.meta.records import FitRecord
from metagenx.runs import RunFolder, open_run

ROOT = Path(__file__).resolve().parents[1]
CORES = (1, 10, 100, 1_000, 10_000)
DRIVER_SECONDS = 0.008  # of CPU for one report, if it is not measured here


def physical_cores() -> int:
    """Physical cores that this process may use, as far as Linux tells."""
    import psutil

    return max(1, min(psutil.cpu_count(logical=False) or 1, len(psutil.Process().cpu_affinity())))


def measure(workers: int, fits: int) -> dict[str, float]:
    """One robustness test on so many workers."""
    import psutil

    from metagenx.meta.repeat import repeat

    stamps: dict[str, float] = {}
    memory: list[float] = []
    mine = psutil.Process()

    def hear(progress: Progress) -> None:
        if progress.kind == "started":
            stamps["begin"], stamps["cpu"] = time.monotonic(), sum(mine.cpu_times()[:2])
        if progress.kind == "fits":
            stamps["reports"] = stamps.get("reports", 0) + 1
            stamps["end"], stamps["cpu end"] = time.monotonic(), sum(mine.cpu_times()[:2])
            if len(memory) < 3:
                memory.extend(_pss(mine))

    with tempfile.TemporaryDirectory() as out:
        result = repeat(
            ROOT / "experiments" / "film.hgx", n=fits, workers=workers, out=out, progress=hear, dashboard=False
        )
        seconds = sum(record.seconds for record in result.folder.replay().records)
    wall = stamps["end"] - stamps["begin"]
    return {
        "workers": workers, "fits": fits, "seconds of a fit": seconds / fits, "wall": wall,
        "efficiency": seconds / (workers * wall), "reports": stamps["reports"],
        "driver CPU per report": (stamps["cpu end"] - stamps["cpu"]) / stamps["reports"],
        "PSS of a worker / MB": max(memory, default=float("nan")) / 1e6,
    }  # fmt: skip


def _pss(process: Any) -> list[float]:
    found = []
    for child in process.children(recursive=True):
        if child.name().startswith("ray::") and "Agent" not in child.name():
            try:
                found.append(float(child.memory_full_info().pss))
            except Exception:
                continue
    return found


class Cluster:
    """N cores that take tasks from a conductor; time is simulated, decisions are real."""

    def __init__(self, folder: RunFolder, cores: int, driver_seconds: float) -> None:
        from metagenx.meta.preparation import prepare
        from metagenx.meta.reread import experiment_of
        from metagenx.meta.tune import new_race

        experiment = experiment_of(folder, trust=True)
        budget = experiment.budget.evaluations or int(folder.manifest()["planned_evaluations"])
        self.known = {record.key: record for record in folder.replay().records}
        self.cores, self.driver_seconds, self.portion = cores, driver_seconds, max(1.0, cores / 50)
        self.race = new_race(prepare(experiment, trust=True), budget)
        self.now = self.driver_free = self.busy = self.driver_busy = 0.0
        self.widths: list[tuple[str, int]] = []
        self.conductor = Conductor(self.race, slices=2 * cores, on_round=self._round)
        self.widths.append((self.race.stage, len(self.conductor.tasks)))

    def _round(self, decision: Any) -> None:
        self._new = True

    def run(self) -> float:
        """Until the race is over; its time."""
        events: list[tuple[float, int, str, list[FitRecord]]] = []
        taken: set[str] = set()
        number = itertools.count()
        free = self.cores
        while not self.conductor.stopping:
            for name, task in list(self.conductor.tasks.items()):
                if free and name not in taken:
                    taken.add(name)
                    free -= 1
                    self._start(task, events, next(number))
            done, _, name, records = heapq.heappop(events)
            # The driver takes one report after the other.
            self.now = max(done, self.driver_free) + self.driver_seconds
            self.driver_free, self.driver_busy = self.now, self.driver_busy + self.driver_seconds
            before = self.conductor.tasks.get(name)
            self.conductor.record(name, records)
            after = self.conductor.tasks.get(name)
            if after is not None and after is before:
                self._start(after, events, next(number))
            else:
                taken.discard(name)
                free += 1
                if not taken:
                    self.widths.append((self.race.stage, len(self.conductor.tasks)))
        return self.now

    def _start(self, task: Task, events: list[Any], number: int) -> None:
        """The fits of the next portion of a task, as the worker would do them."""
        records, seconds = [], 0.0
        for block in list(task.blocks):
            left: Any = block
            while left is not None and (not records or seconds < self.portion):
                record = self.known[(left.phase, left.setting, left.sample, left.first)]
                records.append(record)
                seconds += record.seconds
                left = left.after(record)
            if seconds >= self.portion:
                break
        self.busy += seconds
        heapq.heappush(events, (self.now + seconds, number, task.name, records))


def simulate(folder: RunFolder, driver_seconds: float) -> None:
    """Print what becomes of a finished run on more and more cores."""
    print(f"\nsimulated from {folder.path}, {1e3 * driver_seconds:.1f} ms of the driver for a report")
    print(f"{'cores':>7} {'time / s':>10} {'efficiency':>11} {'driver busy':>12}   limited by")
    for cores in CORES:
        cluster = Cluster(folder, cores, driver_seconds)
        seconds = cluster.run()
        efficiency, driver = cluster.busy / (cores * seconds), cluster.driver_busy / seconds
        narrow = min(cluster.widths[:-1] or cluster.widths, key=lambda item: item[1])
        if efficiency > 0.9:
            limit = "nothing"
        elif driver > 0.7:
            limit = "the driver (one process takes all reports: meta/rounds_on_tune.py)"
        else:
            limit = (
                f"tasks side by side: {narrow[1]} in a round of the {narrow[0]} (meta/race.py: a round is a barrier)"
            )
        print(f"{cores:7d} {seconds:10.1f} {100 * efficiency:10.0f} % {100 * driver:10.1f} %   {limit}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a finished tuning run, to simulate from")
    parser.add_argument("--fits", type=int, default=24, help="fits for each worker that is measured")
    parser.add_argument("--simulate-only", action="store_true")
    options = parser.parse_args()
    driver_seconds = DRIVER_SECONDS
    if not options.simulate_only and not options.run:
        print(f"load average {Path('/proc/loadavg').read_text().split()[0]}, {physical_cores()} physical cores")
        for workers in (1, 2, 4):
            if workers <= physical_cores():
                found = measure(workers, options.fits * workers)
                driver_seconds = found["driver CPU per report"]
                print("  ".join(f"{key} {value:.4g}" for key, value in found.items()), flush=True)
    if options.run:
        simulate(open_run(options.run), driver_seconds)
        return 0
    with tempfile.TemporaryDirectory() as place:
        from metagenx.meta.tune import tune

        film = ROOT / "experiments" / "film.yaml"
        result = tune(film, out=place, dashboard=False, overrides=["budget.evaluations=2_000_000", "tune.validate=100"])
        simulate(result.folder, driver_seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
