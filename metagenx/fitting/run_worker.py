"""A process that makes runs of one model for another process: opens the model once, then takes run after run.

It ends when the other end of its connection does, however that came about.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.fitting.problem import FloatArray, Problem
from metagenx.fitting.run import FitResult, Improve, run_fit
from metagenx.fitting.settings import Settings

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from metagenx.fitting.de import State
    from metagenx.genx.file import GenxFile

_REPORT_EVERY = 0.2  # s
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
# What a new Python runs: the module path of this process, then the worker. A process of its own, not one of
# multiprocessing, which would run the user's script once more to find its functions.
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "sys.argv[3] == '0' and __import__('numba'); "
    "from metagenx.fitting.run_worker import work; work(int(sys.argv[2]))"
)


@dataclass(frozen=True)
class Recipe:
    """What a worker needs to make the same problem: the file as it is in memory."""

    file: GenxFile
    trust: bool
    fom: str

    def problem(self) -> Problem:
        """The problem, made anew."""
        from metagenx.genx.model import Model

        return Model(self.file, trust=self.trust).problem(fom=self.fom)


@dataclass(frozen=True)
class Task:
    """One run: all that decides its numbers."""

    number: int
    settings: Settings
    initial: np.random.Generator
    moves: np.random.Generator
    start: FloatArray | None
    target: float | None
    improve: Improve | None

    def run(self, problem: Problem, **watching: Any) -> FitResult:
        """Make the run; ``watching`` as ``run_fit`` takes it."""
        return run_fit(
            problem,
            self.settings,
            initial=self.initial,
            moves=self.moves,
            start=self.start,
            target=self.target,
            improve=self.improve,
            **watching,
        )


def command(descriptor: int) -> list[str]:
    """What starts a worker that inherits this end of a connection."""
    from metagenx.physics.compiled import vector_bits

    return [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), str(descriptor), str(vector_bits())]


def environment() -> dict[str, str]:
    """The environment of a worker: one thread, vectors as wide as here."""
    from metagenx.physics.compiled import vector_bits

    bits = {"METAGENX_VECTOR_BITS": str(vector_bits())} if vector_bits() else {}
    return {**os.environ, **dict.fromkeys(_THREADS, "1"), **bits}


def work(descriptor: int) -> None:
    """Serve one connection until it ends: a `Recipe`, then `Task` after `Task`.

    Sends ("hello",), then ("ready",) with the problem made, ("at", number, evaluations) now and then and ("done",
    number, result), or ("broken", reason).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that has asked for the runs
    from multiprocessing.connection import Connection

    connection: Connection[Any, Any] = Connection(descriptor)
    try:
        _serve(connection)
    except (EOFError, OSError):  # nobody is there any more
        pass
    except Exception as error:
        connection.send(("broken", f"{type(error).__name__}: {error}"))


def _serve(connection: Connection[Any, Any]) -> None:
    from metagenx.genx.sandbox.deadline import end_process_when_stuck

    end_process_when_stuck(timer=False)
    connection.send(("hello",))
    recipe = connection.recv()
    assert isinstance(recipe, Recipe)
    problem = recipe.problem()
    connection.send(("ready",))
    while True:
        task = connection.recv()
        assert isinstance(task, Task)
        result = task.run(problem, on_generation=_Reports(connection, task.number), should_stop=connection.poll)
        if result.stop == "interrupted":  # by the end of the connection, or something that nobody should have sent
            return
        connection.send(("done", task.number, replace(result, state=None)))


class _Reports:
    """Tells now and then how far a run is."""

    def __init__(self, connection: Connection[Any, Any], number: int) -> None:
        self._connection, self._number = connection, number
        self._last = time.monotonic()

    def __call__(self, state: State) -> None:
        """Hear of one generation."""
        now = time.monotonic()
        if now - self._last >= _REPORT_EVERY:
            self._last = now
            self._connection.send(("at", self._number, state.evaluations))
