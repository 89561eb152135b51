"""A simulated beam time: is the verdict in time and right, is the counting time foretold, is a swapped sample noticed?

    python benchmarks/live.py                 200 updates of each measurement: about an hour
    python benchmarks/live.py --quick         20 updates
    python benchmarks/live.py --check         exit code 1 if a figure of the issue is missed
    python benchmarks/live.py --part beam --only "ML sweeps" --keep results    one series; what is in the folder
                                              results is not measured again: a run that was cut goes on

`metagenx live` runs as users run it, in a process of its own, on two cores; files are written beside it, and the time
runs from the end of writing to the line of JSON. A thin film (family M2) and a multilayer (ML) of known truth are
measured point by point into one growing file, and as repeated sweeps.

* Right minimum: the values of the first answer lie in the minimum next to the truth (FOM within 1 %, values within
  three error bars). Updates count once every other minimum that was ever seen is 3 σ worse by counting statistics: the
  mean difference of the two sums of the figure of merit, over its standard deviation, both over simulated measurements.
  Of each wrong one it is told why: not found, found and not chosen, not at the bottom, or a figure of merit that is
  lower than that of the truth's own minimum.
* Counting time: the wanted precision of the first thickness is what the truth allows at 60 % of the beam time.
  Predicted and real counting time left are compared in points times exposure, for all updates from which it is still at
  least a tenth of what has been counted.
* Swap: after some updates another sample of the family is measured; noticed is the advice to look, within 3 updates.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import numpy as np

from metagenx.errors import MetagenxError
from metagenx.fitting.covariance import covariance_at
from metagenx.fitting.local_minimum import local_minimum
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.model import Model
from metagenx.meta.counting import counting_of
from metagenx.meta.families import FAMILIES, Sample, sample

Report = Callable[[str, bool | None], None]
EXAMPLES = ("X-ray_Reflectivity.hgx", "SuperAdam_SiO.hgx", "D17_TOF_SiO.hgx")
FULL, QUICK = 200, 20
INTENSITY = 1e8  # counts at R = 1 of a point, over the whole beam time
PACE = 2.0  # s from one update to the next
BEGIN = 20  # points of the first update of a growing file
DRAWS = 200  # simulated measurements
ENOUGH = 0.6  # of the beam time, after which the precision is reached


@dataclass
class Measured:
    """What live said about one measurement."""

    name: str
    seconds: list[float] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    load: float = 0.0


def kept(folder: Path | None, name: str, measured: Callable[[], Measured]) -> Measured:
    """What was measured before under this name, or is measured now and kept; without a folder always now."""
    if folder is None:
        return measured()
    path = folder / f"{name.replace(' ', '_')}.json"
    if path.is_file():
        return Measured(**json.loads(path.read_text(encoding="utf-8")))
    found = measured()
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(asdict(found)), encoding="utf-8")
    unfinished.replace(path)
    return found


class Live:
    """The command as a process, and its lines; a context manager."""

    def __init__(self, place: Path, model: Path, out: Path, *options: str) -> None:
        command = [sys.executable, "-m", "metagenx", "live", str(place), "-m", str(model), "--json", "-q"]
        command += ["--workers", "2", "--out", str(out), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.lines: Queue[tuple[float, dict[str, Any]]] = Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.wait("begun", 120.0)
        time.sleep(3.0)  # its processes start

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.put((time.monotonic(), json.loads(line)))

    def wait(self, kind: str, timeout: float, *, is_check: bool = False) -> tuple[float, dict[str, Any]]:
        """The next line of a kind; a later look at older data is no answer."""
        ends = time.monotonic() + timeout
        while True:
            try:
                at, line = self.lines.get(timeout=max(0.01, ends - time.monotonic()))
            except Empty:
                raise SystemExit(f"live did not answer within {timeout} s") from None
            if "error" in line:
                raise SystemExit(f"live failed: {line['error']}")
            if line["kind"] == kind and bool(line.get("is_check")) == is_check:
                return at, line

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *what: object) -> None:
        self._process.terminate()
        self._process.wait()


# ----------------------------------------------------------------------------------------------------------
# The simulated instrument


@dataclass(eq=False)
class Instrument:
    """One sample under the beam, with its truth.

    ``x`` and ``clean`` ``(n_points,)``: the whole sweep without noise.
    """

    sample: Sample
    x: np.ndarray
    clean: np.ndarray

    @classmethod
    def of(cls, family: str, number: int, n_points: int, fom: str, like: Instrument | None = None) -> Instrument:
        """Sample ``number``; ``like``: measured with the model of another sample, which it was swapped for."""
        drawn = sample(family, number)
        made = replace(drawn, model=drawn.model.with_results(solver_options={"figure_of_merit": fom}))
        x = like.x if like is not None else np.linspace(0.008, FAMILIES[family].q_max, n_points)
        model = with_data(made.model, x, np.ones_like(x), np.ones_like(x))
        names = [row.name for row in model.file.fitted_rows]
        return cls(made, x, model.simulate(dict(zip(names, map(float, made.truth), strict=True)))[0])

    def count(self, rng: np.random.Generator, exposure: float) -> tuple[np.ndarray, np.ndarray]:
        """y and its errors ``(n_points,)``, counted for a part of the beam time."""
        counts = np.maximum(rng.poisson(self.clean * INTENSITY * exposure), 1.0)
        return counts / (INTENSITY * exposure), np.sqrt(counts) / (INTENSITY * exposure)


def with_data(model: Model, x: np.ndarray, y: np.ndarray, error: np.ndarray) -> Model:
    """The model with one data set."""
    file = model.file.with_results(fom_log=[], start_guess=[])
    file.data = DataList([DataSet("data", x, y, error)])
    return Model(file, trust=model.trust)


def write(path: Path, x: np.ndarray, y: np.ndarray, error: np.ndarray, at: float) -> None:
    """A text file as instruments write it; ``at`` is the time of the beam time, s."""
    rows = "".join(f"{a:.8g} {b:.8g} {c:.8g}\n" for a, b, c in zip(x, y, error, strict=True))
    path.write_text("# q R dR\n" + rows)
    os.utime(path, (1.7e9 + at, 1.7e9 + at))


@dataclass(eq=False)
class BeamTime:
    """What is measured: for each update the file that is written, and all the data so far."""

    kind: str  # "points" or "sweeps"
    instrument: Instrument
    updates: int
    seed: int
    swapped_at: int | None = None
    other: Instrument | None = None

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.seed, 11])
        self.sweeps: list[tuple[np.ndarray, np.ndarray]] = []
        if self.kind == "points":
            self.sweeps.append(self.instrument.count(rng, 1.0))
            if self.other is not None:
                self.sweeps.append(self.other.count(rng, 1.0))
        else:
            for k in range(self.updates):
                swapped = self.other is not None and self.swapped_at is not None and k >= self.swapped_at
                self.sweeps.append((self.other if swapped else self.instrument).count(rng, 1.0 / self.updates))  # type: ignore[union-attr]

    def points(self, k: int) -> int:
        """Points that there are at update k."""
        n = len(self.instrument.x)
        return n if self.kind == "sweeps" else min(n, BEGIN + round((n - BEGIN) * k / max(1, self.updates - 1)))

    def data(self, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All that is measured at update k, without a swap."""
        n = self.points(k)
        if self.kind == "points":
            y, error = self.sweeps[0]
            return self.instrument.x[:n], y[:n], error[:n]
        y = np.mean([sweep[0] for sweep in self.sweeps[: k + 1]], axis=0)
        error = np.sqrt(np.sum([sweep[1] ** 2 for sweep in self.sweeps[: k + 1]], axis=0)) / (k + 1)
        return self.instrument.x, y, error

    def exposure(self, k: int) -> float:
        """Of each point at update k, in beam times."""
        return 1.0 if self.kind == "points" else (k + 1) / self.updates

    def work(self, k: int) -> float:
        """Points times exposure."""
        return self.points(k) * self.exposure(k)

    def write(self, folder: Path, k: int) -> None:
        """Write the file of update k."""
        x = self.instrument.x
        if self.kind == "sweeps":
            write(folder / f"sweep{k:04d}.dat", x, *self.sweeps[k], at=60.0 * k)
            return
        n = self.points(k)
        y, error = (column.copy() for column in self.sweeps[0])
        if self.other is not None and self.swapped_at is not None:
            first = self.points(self.swapped_at - 1)
            y[first:], error[first:] = self.sweeps[1][0][first:], self.sweeps[1][1][first:]
        write(folder / "scan.dat", x[:n], y[:n], error[:n], at=60.0 * k)


def measure(beam: BeamTime, name: str, options: list[str], *, pace: float = PACE, last: int | None = None) -> Measured:
    """Measure, and hear what live says."""
    found = Measured(name)
    with tempfile.TemporaryDirectory(prefix="metagenx-live-") as folder:
        base, data = Path(folder), Path(folder) / "data"
        data.mkdir()
        model = with_data(beam.instrument.sample.model, beam.instrument.x, *beam.sweeps[0]).save(base / "film.hgx")
        options = [*options, *(["--sweeps"] if beam.kind == "sweeps" else [])]
        with Live(data if beam.kind == "sweeps" else data / "scan.dat", model, base / "runs", *options) as live:
            for k in range(beam.updates if last is None else last):
                begun = time.monotonic()
                beam.write(data, k)
                written = time.monotonic()
                at, line = live.wait("update", 60.0)
                found.seconds.append(at - written)
                found.lines.append(line)
                time.sleep(max(0.05, pace - (time.monotonic() - begun)))
        found.load = os.getloadavg()[0]
        found.lines = with_minima(found.lines, base / "runs")
    return found


def with_minima(lines: list[dict[str, Any]], runs: Path) -> list[dict[str, Any]]:
    """The lines with the minima that live followed, which only its journal has."""
    journal = next(iter(sorted(runs.glob("live-*/*/events.jsonl"))))
    minima: dict[int, Any] = {}
    own: dict[int, Any] = {}
    for text in journal.read_text(encoding="utf-8").splitlines():
        details = json.loads(text).get("details") or {}
        if details.get("kind") == "update":
            minima.setdefault(details["number"], []).extend(details["minima"])
            own.setdefault(details["number"], details["minima"])
    return [{**line, "minima": minima.get(line["number"], []), "own": own.get(line["number"], [])} for line in lines]


# ----------------------------------------------------------------------------------------------------------
# The figures


def rivals_of(beam: BeamTime, lines: list[dict[str, Any]]) -> np.ndarray:
    """All minima ever seen, far enough apart, ``(n, n_dim)``."""
    bounds = np.asarray(beam.instrument.sample.model.problem().bounds)
    width = bounds[:, 1] - bounds[:, 0]
    found: list[np.ndarray] = []
    for values in (np.array(row) for line in lines[::3] for row in line["minima"][:4]):
        if all(np.abs((values - other) / width).max() > 0.03 for other in found):
            found.append(values)
    return np.array(found[-40:])


def next_sigma(beam: BeamTime, k: int, rivals: np.ndarray, rng: np.random.Generator) -> float:
    """By how many σ of counting statistics the next minimum is worse than the one of the truth, at update k."""
    x, exposure = beam.instrument.x[: beam.points(k)], beam.exposure(k)
    clean = beam.instrument.clean[: beam.points(k)]
    problem = with_data(beam.instrument.sample.model, x, clean, np.sqrt(clean / (INTENSITY * exposure))).problem()
    truth = beam.instrument.sample.truth
    errors = errors_at(beam, k, truth)
    foms = problem.evaluate(rivals)
    sigmas = []
    names = list(problem.names)
    model = with_data(beam.instrument.sample.model, x, clean, clean)
    counts = np.maximum(rng.poisson(clean * INTENSITY * exposure, size=(DRAWS, len(clean))), 1.0)
    measured = counts / (INTENSITY * exposure)
    error = np.sqrt(counts) / (INTENSITY * exposure)

    def terms(curve: np.ndarray) -> np.ndarray:
        if problem.fom_name == "log":
            return np.abs(np.log10(measured) - np.log10(np.maximum(curve, 1e-30)))
        return ((measured - curve) / error) ** 2

    own = terms(clean)
    for place in np.argsort(foms)[:6]:
        try:
            values = local_minimum(problem, rivals[place], max_iterations=15).vector
        except MetagenxError:
            continue
        if np.nanmax(np.abs(values - truth) / errors) < 3.0:
            continue  # the minimum of the truth itself
        curve = model.simulate(dict(zip(names, map(float, values), strict=True)))[0]
        worse = (terms(curve) - own).sum(axis=1)
        sigmas.append(float(worse.mean() / max(worse.std(), 1e-30)))
    return min(sigmas, default=np.inf)


def errors_at(beam: BeamTime, k: int, values: np.ndarray) -> np.ndarray:
    """Standard errors at update k; inf where there are none."""
    problem = with_data(beam.instrument.sample.model, *beam.data(k)).problem()
    try:
        found = covariance_at(problem, values).errors
    except MetagenxError:
        return np.full(len(values), np.inf)
    return np.where(np.isfinite(found), found, np.inf)


def is_right(beam: BeamTime, k: int, line: dict[str, Any]) -> bool:
    """Whether an answer lies in the minimum next to the truth."""
    problem = with_data(beam.instrument.sample.model, *beam.data(k)).problem()
    best = local_minimum(problem, beam.instrument.sample.truth, max_iterations=40).vector
    values = np.array([line["values"][name] for name in problem.names], dtype=float)
    fom, own = problem.evaluate(np.array([best, values]))
    if own > 1.01 * fom:
        return False
    errors = errors_at(beam, k, best)
    return bool(np.all(np.abs(values - best) <= 3.0 * errors))


def why_wrong(beam: BeamTime, k: int, line: dict[str, Any]) -> str:
    """What is at fault if an answer is not right, in words."""
    problem = with_data(beam.instrument.sample.model, *beam.data(k)).problem()
    best = local_minimum(problem, beam.instrument.sample.truth, max_iterations=40).vector
    errors = errors_at(beam, k, best)
    values = np.array([line["values"][name] for name in problem.names], dtype=float)
    fom, own = problem.evaluate(np.array([best, values]))

    def far(place: np.ndarray) -> np.ndarray:
        return np.abs(place - best) / errors

    name = problem.names[int(np.nanargmax(far(values)))]
    numbers = f"FOM {own / fom:.4f} of the truth's minimum, {name} off by {np.nanmax(far(values)):.1f} error bars"
    if own <= fom:
        return f"lower than the truth's minimum: {numbers}"
    lower = local_minimum(problem, values, max_iterations=40).vector
    if np.nanmax(far(lower)) <= 3.0:
        return f"not at the bottom: {numbers}"
    for rival in line["own"]:
        place = np.array(rival, dtype=float)
        if (
            np.nanmax(far(place)) <= 3.0
            or np.nanmax(far(local_minimum(problem, place, max_iterations=40).vector)) <= 3.0
        ):
            return f"found, not chosen: {numbers}, {problem.evaluate(place[None])[0] / fom:.4f} where it was left"
    return f"not found: {numbers}"


def wanted_error(beam: BeamTime, name: str) -> float:
    """The standard error of a parameter that the truth allows at 60 % of the beam time."""
    names = list(beam.instrument.sample.model.problem().names)
    return float(errors_at(beam, int(ENOUGH * beam.updates), beam.instrument.sample.truth)[names.index(name)])


def forecasts(beam: BeamTime, lines: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """Predicted and real work that is left, for each update that foretells it."""
    reached = next((k for k, line in enumerate(lines) if (line["longer"] or {}).get("reached")), None)
    found = []
    for k, line in enumerate(lines[: reached or 0]):
        real = beam.work(reached or 0) - beam.work(k)
        if line["longer"] is not None and real >= 0.1 * beam.work(k):
            found.append((line["longer"]["times"] * beam.work(k), real))
    return found


def beam_times(updates: int, only: str, fom: str) -> Iterator[tuple[str, BeamTime]]:
    """A multilayer and a thin film, point by point and as sweeps."""
    for family, number in (("M2", 5), ("ML", 4)):
        for kind in ("points", "sweeps"):
            name = f"{family} {kind}"
            if only in name:
                n_points = BEGIN + updates if kind == "points" and updates >= 100 else 150
                yield name, BeamTime(kind, Instrument.of(family, number, n_points, fom), updates, 5)


def run_beam_times(updates: int, only: str, fom: str, keep: Path | None, report: Report) -> list[float]:
    """Latency, right minimum, counting time, false alarms."""
    seconds: list[float] = []
    right: list[bool] = []
    predicted: list[bool] = []
    for name, beam in beam_times(updates, only, fom):
        first = next(n for n in beam.instrument.sample.model.problem().names if n.endswith(".setD"))
        aim = wanted_error(beam, first)
        options = ["--precision", f"{first} {aim:.6g}"]
        found = kept(
            keep, f"{name} {fom} {updates}", lambda beam=beam, name=name, options=options: measure(beam, name, options)
        )  # type: ignore[misc]
        seconds += found.seconds
        rivals = rivals_of(beam, found.lines)
        rng = np.random.default_rng([7, len(name)])
        sigmas = [next_sigma(beam, k, rivals, rng) for k in range(len(found.lines))]
        good = [is_right(beam, k, line) for k, line in enumerate(found.lines)]
        counted = [g for g, sigma in zip(good, sigmas, strict=True) if sigma >= 3.0]
        right += counted
        times = forecasts(beam, found.lines)
        near = [abs(p / r - 1.0) <= 0.3 for p, r in times]
        predicted += near
        alarms = sum(line["advice"] == "look" for line in found.lines)
        report(
            f"{name:<11} {latency(found.seconds)}; right {sum(counted)} of {len(counted)} from 3 σ on "
            f"(all: {sum(good)} of {len(good)}; next minimum {np.median(sigmas):.1f} σ, {len(rivals)} rivals); "
            f"counting time within 30 % {sum(near)} of {len(near)}; false alarms {alarms} of {len(found.lines)}; "
            f"load {found.load:.1f}",
            None,
        )  # fmt: skip
        for k, line in enumerate(found.lines):
            if not good[k]:
                report(f"    update {k + 1}, next minimum {sigmas[k]:.1f} σ worse: {why_wrong(beam, k, line)}", None)
    if right:
        share = float(np.mean(right))
        report(f"right minimum in {100 * share:.1f} % of {len(right)} updates from 3 σ on (goal 99 %)", share >= 0.99)
    if predicted:
        share = float(np.mean(predicted))
        report(f"counting time within 30 % in {100 * share:.0f} % of {len(predicted)} (goal 80 %)", share >= 0.8)
    return seconds


def run_swaps(quick: bool, only: str, fom: str, keep: Path | None, report: Report) -> None:
    """Another sample after some updates."""
    noticed = []
    for family, pairs in (("M2", ((5, 6), (6, 7))), ("ML", ((4, 5), (6, 7)))):
        for number, other in pairs[:1] if quick else pairs:
            for kind in ("points", "sweeps"):
                name = f"{family} {kind}"
                if only not in name:
                    continue
                updates = 40 if kind == "points" else 14
                swapped = 24 if kind == "points" else 10
                own = Instrument.of(family, number, BEGIN + 3 * updates, fom)
                beam = BeamTime(
                    kind, own, updates, number, swapped_at=swapped, other=Instrument.of(family, other, 0, fom, like=own)
                )
                found = kept(
                    keep, f"swap {name} {number} {other} {fom}",
                    lambda beam=beam, name=name, last=swapped + 3: measure(beam, name, [], last=last, pace=1.5),  # type: ignore[misc]
                )  # fmt: skip
                looks = [k for k, line in enumerate(found.lines) if line["advice"] == "look"]
                after = [k - swapped + 1 for k in looks if k >= swapped]
                noticed.append(bool(after))
                early = sum(k < swapped for k in looks)
                when = f"at update {after[0]} after it" if after else "NOT within 3"
                report(f"{name:<11} sample {number} → {other}: noticed {when}; {early} false alarms before", None)
    if noticed:
        report(f"swap noticed within 3 updates: {sum(noticed)} of {len(noticed)}", all(noticed))


def run_examples(folder: Path, updates: int, only: str, keep: Path | None, report: Report) -> list[float]:
    """Real files, measured anew: their own data grow point by point, with the noise that they have."""
    every: list[float] = []
    for name in EXAMPLES:
        if only not in name:
            continue
        if not (folder / name).is_file():
            report(f"{name}: not there, left out", None)
            continue
        found = kept(keep, f"{name} {updates}", lambda path=folder / name: measure_example(path, updates))  # type: ignore[misc]
        every += found.seconds
        report(f"{name:<24} {latency(found.seconds)}; load {found.load:.1f}", None)
    return every


def measure_example(path: Path, updates: int) -> Measured:
    """A real file that grows, with the noise that it has."""
    import metagenx

    model = metagenx.load(path)
    counting = [counting_of(d.y, d.error) for d in model.data]
    rng = np.random.default_rng(3)
    whole = [c.measure(np.asarray(curve, float), rng) for c, curve in zip(counting, model.simulate(), strict=True)]
    found = Measured(path.name)
    with tempfile.TemporaryDirectory(prefix="metagenx-live-") as base:
        place = Path(base) / "data" / "scan.hgx"
        place.parent.mkdir()
        with Live(place, path, Path(base) / "runs") as live:
            for k in range(updates):
                share = 0.4 + 0.6 * k / max(1, updates - 1)
                begun = time.monotonic()
                shown = model.with_results(fom_log=[], start_guess=[])
                shown.file.data = DataList(_part(d, *m, share) for d, m in zip(model.data, whole, strict=True))
                Model(shown.file).save(Path(base) / "new.hgx")
                shutil.move(Path(base) / "new.hgx", place)
                written = time.monotonic()
                at, _ = live.wait("update", 120.0)
                found.seconds.append(at - written)
                time.sleep(max(0.05, PACE - (time.monotonic() - begun)))
    found.load = os.getloadavg()[0]
    return found


def _part(dataset: DataSet, y: np.ndarray, error: np.ndarray, share: float) -> DataSet:
    new = dataset.copy()
    n = max(10, round(share * len(dataset.x)))
    for name, column in (("x", dataset.x), ("y", y), ("error", error)):
        setattr(new, name, column[:n].copy())
        setattr(new, f"{name}_raw", column[:n].copy())
    new.x_command, new.y_command, new.error_command = "x", "y", "e"
    new.extra_data = {name: column[:n].copy() for name, column in dataset.extra_data.items()}
    new.extra_data_raw = {name: column.copy() for name, column in new.extra_data.items()}
    new.extra_commands = {name: name for name in new.extra_data}
    new.y_sim, new.y_fom = np.zeros(0), np.zeros(0)
    return new


def latency(seconds: list[float]) -> str:
    """Median, largest, and how many were in time."""
    within = sum(s <= 2.0 for s in seconds)
    return (
        f"verdict after {np.median(seconds):.2f} s, at most {max(seconds):.2f} s, {within} of {len(seconds)} within 2 s"
    )


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} updates instead of {FULL}")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a figure is missed")
    parser.add_argument("--part", choices=["all", "beam", "swap", "examples"], default="all")
    parser.add_argument("--only", default="", help='only measurements whose name has this, e.g. "ML sweeps"')
    parser.add_argument("--fom", choices=["chi2bars", "log"], default="chi2bars", help="of the model")
    parser.add_argument("--keep", type=Path, help="folder of results: what is in it is not measured again")
    parser.add_argument("--files", type=Path, default=Path("../shared/genx_files"), help="folder of GenX's examples")
    asked = parser.parse_args()
    updates = QUICK if asked.quick else FULL
    missed: list[str] = []

    def report(text: str, good: bool | None) -> None:
        print(text if good is None else f"{'ok  ' if good else 'MISS'} {text}", flush=True)
        if good is False:
            missed.append(text)

    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start; {updates} updates", flush=True)
    seconds: list[float] = []
    if asked.part in ("all", "beam"):
        seconds += run_beam_times(updates, asked.only, asked.fom, asked.keep, report)
    if asked.part in ("all", "examples"):
        seconds += run_examples(asked.files, QUICK if asked.quick else FULL // 4, asked.only, asked.keep, report)
    if seconds:
        report(f"every verdict within 2 s: {latency(seconds)}", max(seconds) <= 2.0)
        report(f"median {np.median(seconds):.2f} s (goal below 1 s)", float(np.median(seconds)) < 1.0)
    if asked.part in ("all", "swap"):
        run_swaps(asked.quick, asked.only, asked.fom, asked.keep, report)
    return 1 if missed and asked.check else 0


if __name__ == "__main__":
    sys.exit(main())
