"""A sliced profile, whose layers a script makes in a loop: figures of merit a second, beside GenX in the same run.

The model is GenX's own example `slicing.gx`, 200 layers of 0.5 Å, with three parameters fitted to data simulated here
(the file has none). Per candidate, in processor seconds of one thread pinned to one core, rounds interleaved, medians:

* recorded: what a fit does: `Sim` for every candidate, their curves computed together;
* one by one: the same candidates on the path for scripts that nothing else can be done with;
* GenX as it is shipped, and GenX without its looks at the stack of calls (it takes one whenever a layer is made, which
  reads source files: nearly all of its time here). Both run in GenX's own interpreter as a black box.

The figures of merit of all four must agree.

    python benchmarks/sliced_profile.py [--quick] [--json] [--check]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import measure
import numpy as np

SOURCE = measure.SHARED / "genx_files" / "legacy" / "slicing.gx"
LIMITS = {"cp.setRho_amp_x": (0.1, 0.3), "cp.setTau": (7.5, 25.0), "cp.setPeriod": (15.0, 30.0)}
TRUTH = {"cp.setRho_amp_x": 0.17, "cp.setTau": 11.0, "cp.setPeriod": 24.0}
POPULATION = 50
RECORDED_FLOOR, RECORDED_GOAL, ALONE_GOAL = 3.0, 5.0, 2.0


class Genx:
    """GenX in its own interpreter, asked over a pipe."""

    def __init__(self, python: Path, file: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [str(python), str(Path(__file__).with_name("genx_fits.py")), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        while self._line() != "ready":
            pass
        self.ask({"file": str(file)})

    def _line(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("GenX ended")
        try:
            return json.loads(line)
        except ValueError:
            return None  # something that it prints

    def ask(self, request: dict[str, Any]) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._line()

    def seconds(self, vectors: np.ndarray) -> tuple[np.ndarray, float]:
        answer = self.ask({"foms": vectors.tolist()})
        return np.array(answer["foms"]), answer["seconds"] / len(vectors)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def model_with_data(path: Path) -> None:
    """The example with fitted rows and data, as a file that both read."""
    import metagenx
    from metagenx.genx import file as genx_file

    file = genx_file.read(SOURCE)
    for row in file.table:
        if row.name in LIMITS:
            row.fit, (row.minimum, row.maximum) = True, LIMITS[row.name]
    simulation = metagenx.Model(file).simulate(TRUTH)[0]
    data = file.data[0]
    data.y = np.maximum(simulation * np.random.default_rng(0).normal(1.0, 0.05, simulation.shape), 1e-9)
    data.error = 0.05 * data.y
    for column, name in (("x", "x"), ("y", "y"), ("error", "e")):
        setattr(data, f"{column}_raw", getattr(data, column).copy())
        setattr(data, f"{column}_command", name)
    genx_file.write(file, path)


def ours(evaluate: Any, vectors: np.ndarray) -> tuple[np.ndarray, float]:
    start = time.process_time()
    foms = evaluate(vectors)
    return foms, (time.process_time() - start) / len(vectors)


def main() -> None:
    options = measure.arguments(__doc__ or "")
    from genx_environment import genx_python

    import metagenx

    measure.pin()
    rounds, n_shipped, n_fair = (3, 1, 5) if options.quick else (7, 3, 20)
    print(measure.machine())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slicing.hgx"
        model_with_data(path)
        problem = metagenx.load(path).problem()
        python = genx_python()
        shipped, fair = Genx(python, path), Genx(python, path, "--without-stack")
        try:
            vectors = np.random.default_rng(1).uniform(*problem.bounds.T, size=(POPULATION, len(problem.names)))
            ways = {
                "recorded": lambda: ours(problem.evaluate, vectors),
                "one by one": lambda: ours(problem._one_by_one, vectors),
                "GenX as shipped": lambda: shipped.seconds(vectors[:n_shipped]),
                "GenX without its looks at the stack": lambda: fair.seconds(vectors[:n_fair]),
            }
            for way in ways.values():
                way()
            taken: dict[str, list[float]] = {name: [] for name in ways}
            missed = [] if problem.path == "recorded" else [f"the path is {problem.path}: {problem.why_not_recorded}"]
            for _ in range(rounds):
                expected = None
                for name, way in ways.items():
                    foms, seconds = way()
                    taken[name].append(seconds)
                    expected = foms if expected is None else expected
                    if not np.allclose(foms, expected[: len(foms)], rtol=1e-8):
                        missed.append(f"{name}: other figures of merit")
        finally:
            shipped.close()
            fair.close()
    medians = {name: statistics.median(values) for name, values in taken.items()}

    def ratio(of: str, to: str) -> float:
        return statistics.median(b / a for a, b in zip(taken[of], taken[to], strict=True))

    results: dict[str, Any] = {"microseconds": {name: 1e6 * value for name, value in medians.items()}}
    rows = []
    for name, value in medians.items():
        against = [ratio(way, name) for way in ("recorded", "one by one")]
        rows.append([name, f"{1e6 * value:.0f}", *(f"{r:.1f}" for r in against)])
        results[name] = {"recorded_faster": against[0], "one_by_one_faster": against[1]}
    print(measure.table(["way", "µs per candidate", "recorded is faster", "one by one is faster"], rows))
    fair_name = "GenX without its looks at the stack"
    for genx in ("GenX as shipped", fair_name):
        if ratio("recorded", genx) < RECORDED_GOAL:
            floor = " (below the floor)" if ratio("recorded", genx) < RECORDED_FLOOR else ""
            missed.append(f"recorded: {ratio('recorded', genx):.1f} times {genx}, the goal is {RECORDED_GOAL}{floor}")
        if ratio("one by one", genx) < ALONE_GOAL:
            missed.append(f"one by one: {ratio('one by one', genx):.1f} times {genx}, the goal is {ALONE_GOAL}")
    measure.finish(options, {"sliced_profile": results}, sorted(set(missed)))


if __name__ == "__main__":
    main()
