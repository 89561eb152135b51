"""Which job runs when: in processes of their own, which outlive the server; several users, fairly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from metagenx.errors import InputError
from metagenx.serve.follow import RUNNING, WAITING, View
from metagenx.serve.isolation import Isolation
from metagenx.serve.jobs import Asked, Job, Jobs
from metagenx.serve.limits import Limits
from metagenx.serve.live import Live, is_worked_on

LOOK_EVERY = 0.08  # seconds between two looks at the files of running jobs
CHECK_EVERY = 1.0  # … at their processes, and at the queue
_KILL_AFTER = 20.0
_START_SECONDS = 30.0  # a process that has not begun by then will not

Listener = Callable[[str, list[dict[str, Any]]], None]


class Dispatcher:
    """The queue of a server.

    Parameters
    ----------
    heard : gets the new messages of a job, by its name.
    """

    def __init__(self, jobs: Jobs, isolation: Isolation, limits: Limits, heard: Listener, *, cores: int) -> None:
        self._jobs, self._isolation, self._limits, self._heard, self._cores = jobs, isolation, limits, heard, cores
        self.jobs: dict[str, Job] = {}
        self.views: dict[str, View] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}
        self._stopped: dict[str, float] = {}
        for job in jobs:
            self._know(job)
        for name, view in self.views.items():
            while view.read():
                pass
            if self._is_at_work(self.jobs[name]):
                view.state = RUNNING  # by a process of an earlier server

    def add(self, asked: Asked, content: bytes) -> Job:
        """A new job at the end of the queue.

        Raises
        ------
        InputError : too many of them, or no place to write.
        """
        waiting = [job for job in self.jobs.values() if self.views[job.id].state in (WAITING, RUNNING)]
        mine = sum(job.asked.user == asked.user for job in waiting)
        if mine >= self._limits.jobs_of_one or len(waiting) >= self._limits.jobs:
            raise InputError(
                f"{mine} jobs of yours and {len(waiting)} of all wait or run",
                hint="Wait until some are done, or stop one.",
            )
        job = self._jobs.add(asked, content)
        self._know(job)
        self._heard(job.id, [{"kind": "added"}])
        return job

    def stop(self, job: Job) -> None:
        """Ask a job to stop; the second time, or when it does not hear, it is ended."""
        view = self.views[job.id]
        if view.state == WAITING:
            with Live(job.work) as live:
                live.say("end", state="stopped", verdict="taken out of the queue", level="info")
            self._look(job.id)
        elif view.state == RUNNING:
            if job.was_asked_to_stop:
                self._kill(job)
            job.ask_to_stop()
            self._stopped.setdefault(job.id, time.monotonic())

    def resume(self, job: Job) -> None:
        """Put a job that has ended back into the queue; raises InputError if it has not."""
        view = self.views[job.id]
        if view.state in (WAITING, RUNNING) or is_worked_on(job.work):
            raise InputError("this job has not ended", hint="Stop it first.")
        job.may_go_on()
        with Live(job.work) as live:
            live.say("queued")
        self._stopped.pop(job.id, None)
        self._look(job.id)  # now: read after the start, this line would have the job started a second time

    def remove(self, job: Job) -> None:
        """Forget a job and delete its folder; raises InputError while it runs."""
        if self.views[job.id].state == RUNNING or is_worked_on(job.work):
            raise InputError("this job runs", hint="Stop it first.")
        self.jobs.pop(job.id)
        self.views.pop(job.id)
        shutil.rmtree(job.folder, ignore_errors=True)
        self._heard(job.id, [{"kind": "removed"}])

    async def run(self) -> None:
        """Look and start, for ever."""
        checked = 0.0
        while True:
            for name, view in list(self.views.items()):
                if view.state == RUNNING:
                    self._look(name)
            if time.monotonic() - checked >= CHECK_EVERY:
                checked = time.monotonic()
                for name in [name for name, view in self.views.items() if view.state == RUNNING]:
                    self._check(self.jobs[name])
                self._start_next()
            await asyncio.sleep(LOOK_EVERY)

    def queue(self) -> list[Job]:
        """The jobs that wait, in the order in which they will run."""
        running = [job for job in self.jobs.values() if self.views[job.id].state == RUNNING]
        waiting = sorted(
            (job for job in self.jobs.values() if self.views[job.id].state == WAITING),
            key=lambda job: job.asked.created,
        )
        order, turns = [], {job.asked.user: 0 for job in waiting}
        for job in running:
            turns[job.asked.user] = turns.get(job.asked.user, 0) + 1
        while waiting:  # whoever has had the fewest turns is next
            job = min(waiting, key=lambda job: turns[job.asked.user])
            turns[job.asked.user] += 1
            waiting.remove(job)
            order.append(job)
        return order

    def _start_next(self) -> None:
        running = [job for job in self.jobs.values() if self.views[job.id].state == RUNNING]
        busy = sum(job.asked.cores for job in running)
        for job in self.queue():
            if busy and busy + job.asked.cores > self._cores:
                return  # the first in the queue waits for its turn; nobody overtakes
            busy += job.asked.cores
            self._start(job)

    def _start(self, job: Job) -> None:
        confined = not job.asked.on_ray
        command = [sys.executable, "-m", "metagenx.serve.job_process", str(job.work)]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if confined:
            user = self._isolation.hand_over(job.work)
            command = self._isolation.command(
                "metagenx.serve.job_process", [str(job.work)], folder=job.work, tied=False, user=user
            )
            environment = self._isolation.environment(self._limits, is_job=True)
        try:
            with (job.folder / "log.txt").open("ab") as log:
                process = subprocess.Popen(
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                    cwd=job.work,
                )  # fmt: skip
            job.write_process(process.pid)
        except OSError as error:
            self._end(job, "failed", f"it could not be started: {error}")
            return
        self._processes[job.id] = process
        self._started[job.id] = time.monotonic()
        self.views[job.id].state = RUNNING
        self._heard(job.id, [{"kind": "started"}])

    def _look(self, name: str) -> None:
        messages = self.views[name].read()
        if messages:
            self._heard(name, messages)

    def _check(self, job: Job) -> None:
        """Whether the process is still there, heeds the request to stop, and leaves room on the disk."""
        asked = self._stopped.get(job.id)
        if asked is not None and time.monotonic() - asked > _KILL_AFTER and not job.asked.on_ray:
            self._kill(job)
        if _size_of(job.work) > self._limits.job_bytes:
            self._kill(job)
        if self._is_at_work(job) or time.monotonic() - self._started.get(job.id, -_START_SECONDS) < 1.0:
            return
        self._look(job.id)
        view = self.views[job.id]
        if view.state == RUNNING:  # it has gone without a word
            was_stopped = job.was_asked_to_stop
            words = "" if was_stopped else _last_words(job.folder / "log.txt")
            verdict = "stopped" if was_stopped else "the process has ended without a word: killed, or out of memory"
            self._end(job, "stopped" if was_stopped else "lost", f"{verdict}{words}")
        self._processes.pop(job.id, None)
        self._stopped.pop(job.id, None)

    def _is_at_work(self, job: Job) -> bool:
        process = self._processes.get(job.id)
        if process is not None:
            return process.poll() is None
        return job.pid() is not None or is_worked_on(job.work)

    def _end(self, job: Job, state: str, verdict: str) -> None:
        with contextlib.suppress(OSError), Live(job.work) as live:
            live.say("end", state=state, verdict=verdict, level="bad" if state != "stopped" else "info")
        self._look(job.id)
        self.views[job.id].state = state

    def _kill(self, job: Job) -> None:
        pid = job.pid()
        if pid is not None:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)

    def _know(self, job: Job) -> None:
        self.jobs[job.id] = job
        self.views[job.id] = View(job.work)


def _last_words(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 400))
            text = file.read().decode("utf-8", errors="replace").strip()
    except OSError:
        return ""
    return f". Its last words: {text}" if text else ""


def _size_of(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
    return total
