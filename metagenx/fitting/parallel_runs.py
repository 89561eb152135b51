"""Other processes that make runs of a fit ahead, while this one makes runs too.

Runs are independent: what run 7 gives is decided by the number 7. So processes of their own (``run_worker.py``) may
begin runs that will probably be needed, and ``restarts.py`` takes the results in the order of their numbers, as if it
had made them one after the other. A run that turns out not to be needed is thrown away, and what it cost is told apart.
A process that dies costs nothing but time: its run is made again.

No pool of multiprocessing: it runs the user's script again in each of its processes, and one killed process takes all
others of a pool with it. No Ray: it takes 3 to 5 s to start.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any

from metagenx.errors import Notice
from metagenx.fitting.run import FitResult
from metagenx.fitting.run_worker import Recipe, Task, command, environment

_PAYS_FROM = 2.0  # s that a fit has still to go, below which starting processes is not worth it
_LONG_RUN = 1.0  # s after which a first run shows that the fit is long


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection[Any, Any]
    is_ready: bool = False
    task: Task | None = None
    evaluations: int = 0  # of its task so far


@dataclass(eq=False)
class Crew:
    """Processes that make runs ahead.

    Parameters
    ----------
    recipe : how each makes the problem.
    cores : processes in all, this one included.
    expected_runs : as many as the fit will probably make, if that is known.

    Attributes
    ----------
    finished : results that have not been taken yet, by the number of their run.
    in_vain : evaluations of runs that were not needed, or lost with their process; all of them after `close`.
    cores_used : processes that have taken part, this one included.
    """

    recipe: Recipe
    cores: int
    expected_runs: int | None = None
    finished: dict[int, FitResult] = field(default_factory=dict)
    in_vain: int = 0
    cores_used: int = 1
    _workers: list[_Worker] = field(default_factory=list)
    _has_lost: bool = False
    _begun: float = field(default_factory=time.monotonic)

    def is_making(self, number: int) -> bool:
        """Whether a process is at this run."""
        return any(worker.task is not None and worker.task.number == number for worker in self._workers)

    def begins_to_pay(self, runs_made: int) -> bool:
        """Whether it is time to start the processes, after so many runs made here."""
        if self._workers or self.cores < 2 or self._has_lost or not _possible():
            return False
        elapsed = time.monotonic() - self._begun
        if runs_made == 0:
            return elapsed > _LONG_RUN
        left = elapsed / runs_made * (self.expected_runs - runs_made) if self.expected_runs is not None else elapsed
        return left > _PAYS_FROM

    def tend(self, runs_made: int, next_task: Callable[[], Task | None]) -> None:
        """Hear what the processes have to say, and give work to those that have none.

        Parameters
        ----------
        runs_made : so far, of those that count.
        next_task : the next run that nobody has begun, or None.
        """
        if self.begins_to_pay(runs_made) and next_task() is not None:
            self._start(runs_made)
        for worker in list(self._workers):
            self._hear(worker)
            if worker in self._workers and worker.is_ready and worker.task is None:
                task = next_task()
                if task is not None:
                    self._give(worker, task)

    def pause(self, seconds: float) -> None:
        """Wait for news."""
        if self._workers:
            wait([worker.connection for worker in self._workers], timeout=seconds)
        else:
            time.sleep(seconds)

    def close(self) -> None:
        """End all processes; what they have done and nobody needed is in `in_vain`."""
        for worker in self._workers:
            worker.connection.close()
            worker.process.kill()
        for worker in self._workers:
            worker.process.wait()
            self.in_vain += worker.evaluations if worker.task is not None else 0
        self._workers.clear()
        self.in_vain += sum(result.evaluations for result in self.finished.values())
        self.finished.clear()

    def _start(self, runs_made: int) -> None:
        wanted = self.cores - 1
        if self.expected_runs is not None:
            wanted = min(wanted, self.expected_runs - runs_made - 1)
        for _ in range(wanted):
            ours, theirs = Pipe()
            try:
                process = subprocess.Popen(
                    command(theirs.fileno()),
                    pass_fds=[theirs.fileno()],
                    env=environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # out of reach of the terminal's Ctrl-C
                )
            except OSError as error:
                ours.close()
                self._lost(f"no process can be started: {error.strerror}; the fit uses the cores it has")
                break
            finally:
                theirs.close()
            self._workers.append(_Worker(process, ours))
        self.cores_used = 1 + len(self._workers)

    def _give(self, worker: _Worker, task: Task) -> None:
        worker.task, worker.evaluations = task, 0
        try:
            worker.connection.send(task)
        except OSError:
            self._bury(worker, "it has gone")

    def _hear(self, worker: _Worker) -> None:
        try:
            while worker.connection.poll():
                kind, *what = worker.connection.recv()
                if kind == "hello":  # not before: until it listens, sending a large model would keep us waiting
                    self._send_recipe(worker)
                elif kind == "ready":
                    worker.is_ready = True
                elif kind == "at":
                    worker.evaluations = what[1]
                elif kind == "done":
                    self.finished[what[0]] = what[1]
                    worker.task, worker.evaluations = None, 0
                else:
                    self._bury(worker, what[0])
                    return
        except (EOFError, OSError) as error:
            self._bury(worker, str(error) or "it has gone")

    def _send_recipe(self, worker: _Worker) -> None:
        try:
            worker.connection.send(self.recipe)
        except OSError:
            raise
        except Exception as error:  # something in the model that cannot be packed
            raise EOFError(f"the model cannot be sent to it: {error}") from error

    def _bury(self, worker: _Worker, reason: str) -> None:
        """A process has ended: its run is free for others to make."""
        self._workers.remove(worker)
        worker.connection.close()
        with contextlib.suppress(OSError):
            worker.process.kill()
        worker.process.wait()
        self.in_vain += worker.evaluations
        self._lost(f"a process that makes runs ahead has ended ({reason}); its run is made again")

    def _lost(self, what: str) -> None:
        if not self._has_lost:
            warnings.warn(what, Notice, stacklevel=3)
        self._has_lost = True


def _possible() -> bool:
    """Whether a process can inherit a connection, and Python can be found to run in it."""
    return os.name == "posix" and bool(sys.executable)
