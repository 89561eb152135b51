"""Processes that search from scratch, fit after fit, on the newest data, beside the process that follows.

Each opens the model once for every change of the data, and then makes run after run of the strategy ``auto`` from fresh
populations until it is given other data. A process that dies is replaced; the answer never waits for one.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Client, Connection, Listener, wait
from typing import Any

from metagenx.fitting.auto import Strategy, improver
from metagenx.fitting.problem import Problem
from metagenx.fitting.run import FitResult, run_fit
from metagenx.fitting.run_worker import Recipe, environment
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); sys.argv[2] == '0' and __import__('numba'); "
    "from metagenx.live.searchers import work; work()"
)
MOST_RUNS = 24  # from scratch on the same data: after that nothing new is to be expected
_MOST_LIVES = 20  # processes that are started in all, for each that there should be
_PATIENCE = 60.0  # s until a started process must have called


@dataclass(frozen=True)
class Search:
    """What is to be searched: a model with data, and what decides the numbers of its runs.

    Parameters
    ----------
    version : number of the data; later data have a higher one.
    key : of the data, for the random streams.
    """

    version: int
    key: str
    recipe: Recipe
    settings: Settings
    seed: int
    strategy: Strategy = field(default_factory=Strategy)

    def run(self, problem: Problem, number: int, should_stop: Callable[[], bool]) -> FitResult:
        """Run 0, 1, … from a fresh population."""
        n_dim = len(problem.bounds)
        own = self.strategy.settings_of(self.settings.replace(use_stagnation=True), frozenset(), number, n_dim)
        return run_fit(
            problem,
            own.replace(use_start_guess=False),
            initial=initial_stream(self.seed, self.key, number),
            moves=moves_stream(self.seed, self.settings.hash(), self.key, number),
            improve=improver(problem, self.strategy, number),
            should_stop=should_stop,
        )


@dataclass(frozen=True)
class Found:
    """A run from scratch that has ended, or was cut off by newer data (``result.stop``), and on which data it ran."""

    version: int
    number: int
    result: FitResult


@dataclass(eq=False)
class _Searcher:
    connection: Connection[Any, Any]
    process: subprocess.Popen[bytes]


class Searchers:
    """The processes; a context manager.

    Parameters
    ----------
    count : how many; may be none.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._members: list[_Searcher] = []
        self._started = 0
        self._given: Search | None = None
        self.last_failure = ""

    def __enter__(self) -> Searchers:
        return self

    def __exit__(self, *what: object) -> None:
        self.close()

    @property
    def n_alive(self) -> int:
        """How many there are."""
        return len(self._members)

    def start(self) -> None:
        """Start those that are missing; what cannot be started is given up, ``last_failure`` says why."""
        while len(self._members) < self.count and self._started < _MOST_LIVES * self.count:
            self._started += 1
            try:
                self._members.append(_start())
            except (OSError, EOFError, TimeoutError) as error:
                self.last_failure = f"no process for fits from scratch can be started: {error}"
                return
            if self._given is not None:
                self._give(self._members[-1], len(self._members) - 1, self._given)

    def search(self, search: Search) -> None:
        """New data for all of them."""
        self._given = search
        for place, member in enumerate(list(self._members)):
            self._give(member, place, search)

    def found(self, timeout: float) -> list[Found]:
        """What has been found since; waits for the first of it, at the most ``timeout`` s."""
        if not self._members:
            time.sleep(max(0.0, timeout))
            return []
        ready = wait([member.connection for member in self._members], timeout=max(0.0, timeout))
        found: list[Found] = []
        for member in [member for member in self._members if member.connection in ready]:
            try:
                while member.connection.poll():
                    message = member.connection.recv()
                    if isinstance(message, Found):
                        found.append(message)
                    else:
                        self.last_failure = str(message)
            except (EOFError, OSError):
                self._bury(member)
        return found

    def close(self) -> None:
        """End all of them."""
        for member in list(self._members):
            self._bury(member)

    def _give(self, member: _Searcher, place: int, search: Search) -> None:
        try:
            member.connection.send((search, place, self.count))
        except (OSError, ValueError):
            self._bury(member)

    def _bury(self, member: _Searcher) -> None:
        self._members.remove(member)
        member.connection.close()
        with contextlib.suppress(OSError):
            member.process.kill()
        member.process.wait()


def _start() -> _Searcher:
    """A process that has called back; the key is told through its standard input, which nobody else can read."""
    from metagenx.physics.compiled import vector_bits

    key = secrets.token_bytes(32)
    with Listener(None, authkey=key) as listener:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), str(vector_bits())],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # out of reach of the terminal's Ctrl-C
        )
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps([listener.address, key.hex()]).encode() + b"\n")
            process.stdin.close()
            return _Searcher(_accepted(listener, process), process)
        except BaseException:
            process.kill()
            process.wait()
            raise


def _accepted(listener: Listener, process: subprocess.Popen[bytes]) -> Connection[Any, Any]:
    """The connection of a process; a thread accepts, because accepting cannot be given a time."""
    import threading

    accepted: list[Connection[Any, Any]] = []

    def accept() -> None:
        with contextlib.suppress(Exception):
            accepted.append(listener.accept())

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    ends = time.monotonic() + _PATIENCE
    while thread.is_alive() and time.monotonic() < ends and process.poll() is None:
        thread.join(0.02)
    if not accepted:
        raise TimeoutError("it does not answer")
    return accepted[0]


def work() -> None:
    """Serve the process that has started this one, until it goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    address, key = json.loads(sys.stdin.readline())
    address = tuple(address) if isinstance(address, list) else address
    connection = Client(address, authkey=bytes.fromhex(key))
    with contextlib.suppress(EOFError, OSError, BrokenPipeError), contextlib.suppress(AttributeError):
        os.nice(3)  # what follows the measurement goes before what checks it
    with contextlib.suppress(EOFError, OSError):
        _serve(connection)


def _serve(connection: Connection[Any, Any]) -> None:
    from metagenx.errors import MetagenxError
    from metagenx.genx.sandbox.deadline import end_process_when_stuck

    end_process_when_stuck(timer=False)
    was_interrupted = True  # the first run is made to its end: until then nothing is known at all
    while True:
        search, number, step = connection.recv()
        while connection.poll():
            search, number, step = connection.recv()
        try:
            problem = search.recipe.problem()
            while number < MOST_RUNS and not connection.poll():
                # Where data change faster than a run takes, every second run is made to its end: its minimum is one
                # of the newer data too.
                ends = connection.poll if not was_interrupted else _never
                result = search.run(problem, number, ends)
                was_interrupted = result.stop == "interrupted"
                connection.send(Found(search.version, number, replace(result, state=None)))
                if was_interrupted:
                    break
                number += step
        except MetagenxError as error:  # these data cannot be fitted; others may be
            connection.send(f"{type(error).__name__}: {error.what}")


def _never() -> bool:
    return False
