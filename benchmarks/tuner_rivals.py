"""Other tuners on a tabular benchmark: each pays for restarted runs, and returns what it thinks is best.

All of them minimise the mean over the samples of log10 (evaluations of a restarted run until it hits), as they would be
set up for this purpose: the default is told to all of them first. A restarted run is given up after ``CAP`` times what
the default is expected to take, and counts twice that.
"""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from metagenx.meta.parameters import ChoiceParameter, FloatParameter
from metagenx.meta.replay import TabularBenchmark
from metagenx.meta.space import Point, SearchSpace

CAP = 20.0
GAMMA = 3.0  # of LUS
WORKERS = Path(__file__).parent

Tuner = Callable[["Purse"], Point]


class Empty(Exception):
    """The budget is spent."""


class Purse:
    """A benchmark with a budget: what is asked costs what such runs cost."""

    def __init__(
        self, benchmark: TabularBenchmark, budget: int, rng: np.random.Generator, instances: Sequence[str] = ()
    ) -> None:
        self.benchmark, self.space, self.rng = benchmark, benchmark.space, rng
        self.instances = tuple(instances) or benchmark.instances
        self.left = float(budget)
        self.caps = {name: CAP * 10.0 ** benchmark.log10_ert(benchmark.default, name) for name in self.instances}

    def run(self, point: Mapping[str, Any], instance: str) -> float:
        """log10 of the evaluations of one restarted run."""
        if self.left <= 0:
            raise Empty
        cap = self.caps[instance]
        time = self.rng.exponential(10.0 ** self.benchmark.log10_ert(point, instance))
        self.left -= min(time, cap)
        return math.log10(max(time, 1.0) if time <= cap else 2.0 * cap)

    def score(self, point: Point, runs: int, limit: float = math.inf) -> float:
        """Mean over samples and runs; given up as soon as it must be above the limit."""
        names = self.instances
        total, count = 0.0, runs * len(names)
        for _ in range(runs):
            for name in names:
                total += self.run(point, name)
                if total > limit * count:
                    return math.inf
        return total / count


def random_search(runs: int) -> Tuner:
    """Uniform draws; the best score wins."""

    def tune(purse: Purse) -> Point:
        best, lowest = purse.benchmark.default, purse.score(purse.benchmark.default, runs)
        try:
            while True:
                point = purse.space.sample(purse.rng)
                score = purse.score(point, runs)
                if score < lowest:
                    best, lowest = point, score
        except Empty:
            return best

    return tune


def lus(runs: int) -> Tuner:
    """Local unimodal sampling as SwarmOps has it: a box around the incumbent that shrinks, with pre-emption.

    After 20 evaluations per parameter it starts again, as SwarmOps' own runs do, and the best of all is returned.
    """

    def tune(purse: Purse) -> Point:
        space, rng = purse.space, purse.rng
        answer, lowest = purse.benchmark.default, math.inf
        start: Point | None = purse.benchmark.default
        try:
            while True:
                point = start or space.sample(rng)
                start = None
                centre, score, half = space.encode(point), purse.score(point, runs), 1.0
                if score < lowest:
                    answer, lowest = point, score
                for _ in range(20 * space.n_dim):
                    low, high = np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
                    place = low + (high - low) * rng.random(space.n_dim)
                    new = space.decode(place)
                    assert new is not None
                    found = purse.score(new, runs, limit=score)
                    if found < score:
                        centre, score = place, found
                        if found < lowest:
                            answer, lowest = new, found
                    else:
                        half *= 0.5 ** (1.0 / (GAMMA * space.n_dim))
        except Empty:
            return answer

    return tune


def tpe(runs: int) -> Tuner:
    """Optuna's TPE, multivariate; its best trial."""

    def tune(purse: Purse) -> Point:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(seed=int(purse.rng.integers(2**31)), multivariate=True)
        study = optuna.create_study(sampler=sampler)
        study.enqueue_trial(dict(purse.benchmark.default))
        best, lowest = purse.benchmark.default, math.inf
        try:
            while True:
                trial = study.ask()
                point: Point = {}
                for name, axis in purse.space.parameters.items():
                    if isinstance(axis, ChoiceParameter):
                        point[name] = trial.suggest_categorical(name, list(axis.values))
                    else:
                        assert isinstance(axis, FloatParameter)
                        point[name] = trial.suggest_float(name, axis.low, axis.high, log=axis.log)
                score = purse.score(point, runs)
                study.tell(trial, score)
                if score < lowest:
                    best, lowest = point, score
        except Empty:
            return best

    return tune


def smac(python: Path) -> Tuner:
    """SMAC3's algorithm configuration facade with samples as instances, in its own interpreter; its incumbent."""

    def tune(purse: Purse) -> Point:
        return _in_a_process([str(python), str(WORKERS / "tuner_rival_smac.py")], purse)

    return tune


def irace() -> Tuner:
    """irace with its defaults, through a target runner, its budget in evaluations (as time); the best of its elites."""

    def tune(purse: Purse) -> Point:
        files = {
            "parameters.txt": "".join(_irace_parameter(axis) for axis in described(purse.space)),
            "instances.txt": "".join(f"{name}\n" for name in purse.instances),
            "first.txt": "\n".join(
                " ".join(map(str, row)) for row in zip(*purse.benchmark.default.items(), strict=True)
            )
            + "\n",
        }
        command = ["Rscript", "--vanilla", str(WORKERS / "tuner_rival_irace.R")]
        return _in_a_process([*command, str(int(purse.rng.integers(2**31))), str(int(purse.left))], purse, files)

    return tune


def _irace_parameter(axis: dict[str, Any]) -> str:
    if "choices" in axis:
        return f'{axis["name"]} "" c ({", ".join(axis["choices"])})\n'
    return f'{axis["name"]} "" {"r,log" if axis["log"] else "r"} ({axis["low"]}, {axis["high"]})\n'


def described(space: SearchSpace) -> list[dict[str, Any]]:
    """The space in plain values, for another language."""
    found: list[dict[str, Any]] = []
    for name, axis in space.parameters.items():
        if isinstance(axis, ChoiceParameter):
            found.append({"name": name, "choices": list(axis.values)})
        else:
            assert isinstance(axis, FloatParameter)
            found.append({"name": name, "low": axis.low, "high": axis.high, "log": axis.log})
    return found


def _in_a_process(command: list[str], purse: Purse, files: Mapping[str, str] | None = None) -> Point:
    """Let a process ask, a line of JSON each, for runs; it hears [log10 time, cost], or null: nothing is left.

    It begins with a line of what there is, asks with ``{"point": …, "instance": …}``, and says ``{"answer": …}`` at its
    end. One that is given ``files`` keeps account of its budget itself, so its last run may go over.
    """
    about = {
        "space": described(purse.space),
        "instances": list(purse.instances),
        "default": dict(purse.benchmark.default),
        "seed": int(purse.rng.integers(2**31)),
    }
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "errors.txt").open("w+") as errors:
        for name, text in (files or {}).items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder
        )
        assert child.stdin is not None
        assert child.stdout is not None
        answer: Point | None = None
        told: object = about
        while answer is None:
            try:
                child.stdin.write(json.dumps(told) + "\n")
                child.stdin.flush()
            except BrokenPipeError:
                pass
            while (line := child.stdout.readline()) and not line.startswith("{"):
                pass  # what it prints for people
            if not line:
                break
            said = json.loads(line)
            answer = said.get("answer")
            if answer is None:
                told = _heard(purse, said, overdraft=files is not None)
        child.stdin.close()
        child.wait()
        errors.seek(0)
        if answer is None:
            raise RuntimeError(f"{command[0]} gave no answer: {errors.read()[-2000:]}")
    return answer


def _heard(purse: Purse, said: Mapping[str, Any], *, overdraft: bool) -> list[float] | None:
    if overdraft:
        purse.left = max(purse.left, 1.0)
    before = purse.left
    try:
        return [purse.run(said["point"], said["instance"]), before - purse.left]
    except Empty:
        return None
