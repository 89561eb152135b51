"""How a run scales: measured up to the physical cores of this machine, simulated from those costs beyond.

    python benchmarks/scaling.py                       measures and simulates (a few minutes on a quiet machine)
    python benchmarks/scaling.py --run runs/film/...   simulates from a finished run's journal alone

Measured, with fits of 50 ms and more in blocks, on a Ray of its own for each number of workers: efficiency = time spent
in fits / (workers × time from the begin of the first fit to the end of the last); what passes from Ray being there to
the first fit (processes start, kernels load), once in a run; CPU of the driver for each report; memory of a worker
(PSS).

The simulation hands out the fits of a finished tuning run by the real race and the real conductor, each lasting as long
as its journal says, each report costing the driver what was measured, to 10, 100, 1,000 and 10,000 cores, and names
where cores are idle. Twice: the run as it is, and a run with work in proportion to the cores (budget, settings and
validation multiplied), whose further fits are drawn from those that there are.
"""

from __future__ import annotations

import argparse
import heapq
import importlib
import itertools
import json
import sys
import tempfile
import time
import zlib
from collections import defaultdict, deque
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from metagenx.meta.conductor import TASKS_OF_A_WORKER, Conductor, Task
from metagenx.meta.progress import Progress
from metagenx.meta.race_rules import SHIPPED
from metagenx.meta.records import FitRecord
from metagenx.runs import RunFolder, open_run

ROOT = Path(__file__).resolve().parents[1]
CORES = (1, 10, 100, 1_000, 10_000)
PROPORTION_SECONDS = 60.0  # of fits for each core, where there is work in proportion
DRIVER_SECONDS = 0.008  # of CPU for one report, if it is not measured here


def _psutil() -> Any:
    """Ray brings it along, in a folder of its own that it adds to the path."""
    importlib.import_module("ray")
    return importlib.import_module("psutil")


def physical_cores() -> int:
    """Physical cores that this process may use, as far as Linux tells."""
    psutil = _psutil()
    return max(1, min(psutil.cpu_count(logical=False) or 1, len(psutil.Process().cpu_affinity())))


def measure(workers: int, fits: int) -> dict[str, float]:
    """One robustness test on so many workers."""
    from metagenx.meta.repeat import repeat

    psutil = _psutil()
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
        first, last = _first_and_last(result.folder)
    wall = last - first
    return {
        "workers": workers, "fits": fits, "seconds of a fit": seconds / fits,
        "start-up": stamps["end"] - stamps["begin"] - wall,
        "wall": wall, "efficiency": seconds / (workers * wall), "reports": stamps["reports"],
        "driver CPU per report": (stamps["cpu end"] - stamps["cpu"]) / stamps["reports"],
        "PSS of a worker / MB": max(memory, default=float("nan")) / 1e6,
    }  # fmt: skip


def _first_and_last(folder: RunFolder) -> tuple[float, float]:
    """Begin of the first fit and end of the last, by the journal: fits of one report stand in it at once."""
    fits = [json.loads(line) for line in folder.events.read_text().splitlines() if '"event":"fit"' in line]
    times = [datetime.fromisoformat(fit["time"]).timestamp() for fit in fits]
    first = sum(fit["seconds"] for fit, ended in zip(fits, times, strict=True) if ended - times[0] < 0.02)
    return times[0] - first, times[-1]


def _pss(process: Any) -> list[float]:
    found = []
    for child in process.children(recursive=True):
        if child.name().startswith("ray::") and "Agent" not in child.name():
            try:
                found.append(float(child.memory_full_info().pss))
            except Exception:
                continue
    return found


@dataclass
class Round:
    """One round of the race: how many tasks it began with, when, how long it lasted, how long cores worked in it."""

    stage: str
    tasks: int
    begun: float
    seconds: float = 0.0
    busy: float = 0.0


class Cluster:
    """N cores that take tasks from a conductor; time is simulated, decisions are real.

    ``factor`` multiplies budget, settings and validation of the run in ``folder``.
    """

    def __init__(self, folder: RunFolder, cores: int, driver_seconds: float, factor: float = 1.0) -> None:
        from metagenx.meta.preparation import prepare
        from metagenx.meta.reread import experiment_of
        from metagenx.meta.tune import new_race

        experiment = experiment_of(folder, trust=True)
        budget = experiment.budget.evaluations or int(folder.manifest()["planned_evaluations"])
        records = folder.replay().records
        self.known = {record.key: record for record in records}
        self.of_setting: dict[str, list[FitRecord]] = defaultdict(list)
        for record in records:
            self.of_setting[record.setting].append(record)
        self.cores, self.driver_seconds, self.portion = cores, driver_seconds, max(1.0, cores / 50)
        self.race = new_race(prepare(experiment, trust=True), int(budget * factor))
        if factor > 1.0:
            rules = self.race.rules
            self.race.rules = replace(
                rules,
                trials=int(rules.trials * factor),
                validate=int(rules.validate * factor),
                repeats=int(rules.repeats * factor),
            )
        self.now = self.driver_free = self.busy = self.driver_busy = 0.0
        self.fits = 0
        self.rounds: list[Round] = []
        self.conductor = Conductor(
            self.race, slices=TASKS_OF_A_WORKER * cores, on_round=lambda decision: self._end_round()
        )
        self._begin_round()

    def _begin_round(self) -> None:
        self.rounds.append(Round(self.race.stage, len(self.conductor.tasks), self.now))

    def _end_round(self) -> None:
        self.rounds[-1].seconds = self.now - self.rounds[-1].begun

    def run(self) -> float:
        """Until the race is over; its time."""
        events: list[tuple[float, int, str, list[FitRecord]]] = []
        number = itertools.count()
        waiting, free = deque(self.conductor.tasks), self.cores
        while not self.conductor.stopping:
            while free and waiting:
                free -= 1
                self._start(self.conductor.tasks[waiting.popleft()], events, next(number))
            done, _, name, records = heapq.heappop(events)
            # The driver takes one report after the other.
            self.now = max(done, self.driver_free) + self.driver_seconds
            self.driver_free, self.driver_busy = self.now, self.driver_busy + self.driver_seconds
            task = self.conductor.tasks[name]
            self.conductor.record(name, records)
            assert self.conductor.error is None, self.conductor.error
            if self.conductor.tasks.get(name) is task:
                self._start(task, events, next(number))
                continue
            free += 1
            if not events:  # the round is over, another one open
                self._begin_round()
                waiting = deque(self.conductor.tasks)
        return self.now

    def _start(self, task: Task, events: list[Any], number: int) -> None:
        """The fits of the next portion of a task, as the worker would do them."""
        records: list[FitRecord] = []
        seconds = 0.0
        for block in list(task.blocks):
            left: Any = block
            while left is not None and (not records or seconds < self.portion):
                record = self._fit(left.phase, left.setting, left.sample, left.first)
                records.append(record)
                seconds += record.seconds
                left = left.after(record)
            if seconds >= self.portion:
                break
        self.fits += len(records)
        self.busy += seconds
        self.rounds[-1].busy += seconds
        heapq.heappush(events, (self.now + seconds, number, task.name, records))

    def _fit(self, phase: str, setting: str, sample: str, repeat: int) -> FitRecord:
        """The fit of the run, or one that a longer run might have had: drawn from those of a setting."""
        key = (phase, setting, sample, repeat)
        if key in self.known:
            return self.known[key]
        settings = sorted(self.of_setting.keys() - {SHIPPED})
        like = setting if setting in self.of_setting else settings[zlib.crc32(setting.encode()) % len(settings)]
        pool = [record for record in self.of_setting[like] if record.sample == sample] or self.of_setting[like]
        record = pool[zlib.crc32(repr(key).encode()) % len(pool)]
        return replace(record, phase=phase, setting=setting, sample=sample, repeat=repeat)

    def limit(self, seconds: float) -> str:
        """What keeps cores idle, in words."""
        if self.busy > 0.9 * self.cores * seconds:
            return "nothing"
        if self.driver_busy > 0.7 * seconds:
            return "the driver: one process takes all reports (meta/rounds_on_tune.py)"
        idle: dict[str, float] = defaultdict(float)
        for one in self.rounds:
            idle[one.stage] += self.cores * one.seconds - one.busy
        stage = max(idle, key=lambda name: idle[name])
        share = idle[stage] / max(1e-9, sum(idle.values()))
        tasks = min(one.tasks for one in self.rounds if one.stage == stage)
        return f"rounds of the {stage}, {100 * share:.0f} % of what is idle; from {tasks} tasks side by side"


def simulate(folder: RunFolder, driver_seconds: float, proportion: float, most_cores: int) -> None:
    """Print what becomes of a finished run on more and more cores."""
    base = sum(record.seconds for record in folder.replay().records)
    print(f"\nsimulated from {folder.path.name}, {1e3 * driver_seconds:.1f} ms of the driver for a report")
    for what, work in (("the run as it is", None), (f"{proportion:g} s of fits for each core", proportion)):
        print(f"{what}\n{'cores':>7} {'fits':>8} {'time / s':>9} {'efficiency':>11} {'driver busy':>12}   idle by")
        for cores in (number for number in CORES if number <= most_cores):
            cluster = Cluster(folder, cores, driver_seconds, 1.0 if work is None else max(1.0, cores * work / base))
            seconds = cluster.run()
            efficiency, driver = cluster.busy / (cores * seconds), cluster.driver_busy / seconds
            print(
                f"{cores:7d} {cluster.fits:8d} {seconds:9.1f} {100 * efficiency:9.0f} % {100 * driver:10.1f} %   "
                f"{cluster.limit(seconds)}",
                flush=True,
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a finished tuning run, to simulate from")
    parser.add_argument("--fits", type=int, default=100, help="fits for each worker that is measured")
    parser.add_argument("--simulate-only", action="store_true")
    parser.add_argument("--proportion", type=float, default=PROPORTION_SECONDS, help="seconds of fits for each core")
    parser.add_argument("--most-cores", type=int, default=CORES[-1])
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
        simulate(open_run(options.run), driver_seconds, options.proportion, options.most_cores)
        return 0
    with tempfile.TemporaryDirectory() as place:
        from metagenx.meta.tune import tune

        film = ROOT / "experiments" / "film.yaml"
        result = tune(film, out=place, dashboard=False, overrides=["budget.evaluations=2_000_000", "tune.validate=100"])
        simulate(result.folder, driver_seconds, options.proportion, options.most_cores)
    return 0


if __name__ == "__main__":
    sys.exit(main())
