"""A time limit on Python code that somebody else wrote.

One watchdog thread looks at all running calls a few times a second, and raises `TimeUp` in the thread of a call
that has run too long. A call costs a microsecond; nothing is started or stopped for it.

The limit is one of real time, but a call that has got less than half of a processor is not stopped before it has
computed for half of its limit, and in any case after five times the limit: on a busy machine the first simulation,
for which kernels are compiled, would be stopped otherwise. Nor does the time count for which the whole process was
stopped by Ctrl-Z.

What this cannot end is one single operation of C code that lasts for ever (a sum over 10¹⁵ numbers): Python only
looks for exceptions between operations. `end_process_when_stuck` is the last resort against that.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from metagenx.errors import EXIT_BAD_INPUT, ScriptError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# How often the watchdog looks, and how soon it raises again if the exception was swallowed.
_LOOK_EVERY = 0.1
_RAISE_AGAIN_AFTER = 0.5
_USUAL_LIMIT = 60.0
# Of its limit, how much a call must have computed before it is stopped, unless it takes this many times its limit.
_LEAST_SHARE = 0.5
_PATIENCE = 5.0
# A process that was stopped (Ctrl-Z) for longer than this has not run, so its limits are put off.
_PAUSE = 2.0


# Absent on Windows, where only real time counts.
_clock_of: Callable[[int], Any] = getattr(time, "pthread_getcpuclockid", lambda thread: None)


class TimeUp(BaseException):
    """Raised in the thread of a call whose time is up; ``except Exception`` lets it pass."""


class ScriptTimeout(ScriptError):
    """A model script ran longer than it may."""


class _Call:
    __slots__ = (
        "began",
        "clock",
        "computed_before",
        "done",
        "fired",
        "ignored",
        "raise_at",
        "seconds",
        "thread",
    )

    def __init__(self, seconds: float) -> None:
        self.began = time.monotonic()
        self.seconds = seconds
        self.raise_at = self.began + seconds
        self.thread = threading.get_ident()
        self.clock = _clock_of(self.thread)
        self.computed_before: float | None = None
        self.ignored = (0.0, 0.0)  # since when `TimeUp` has been ignored, and what had been computed then
        self.done = self.fired = False

    def computed(self) -> float:
        """Processor time in seconds since the watchdog first looked at the call; on Windows real time."""
        if self.clock is None:
            return time.monotonic() - self.began
        try:
            now = time.clock_gettime(self.clock)
        except OSError:  # the thread has ended
            return 0.0
        if self.computed_before is None:
            self.computed_before = now
        return now - self.computed_before

    def put_off(self, seconds: float) -> None:
        """Give it so many seconds more."""
        self.began += seconds
        self.raise_at += seconds

    def is_over(self, now: float) -> bool:
        """Whether its time is up, or up again."""
        computed = self.computed()
        if now < self.raise_at:
            return False
        share = _LEAST_SHARE * self.seconds - 2 * _LOOK_EVERY
        return self.fired or computed >= share or now - self.began > _PATIENCE * self.seconds


class _Watchdog:
    """The thread that looks at the clock; there is one for the process.

    A call that begins and ends in time takes no lock: `fired` and `done` are each set before the other is
    looked at.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.calls: dict[_Call, None] = {}
        self.started = False
        self.grace: float | None = None
        self.has_timer = False

    def begin(self, call: _Call) -> None:
        self.calls[call] = None
        if not self.started:
            self.start()

    def start(self) -> None:
        with self.lock:
            if not self.started:
                threading.Thread(target=self._run, name="metagenx time limit", daemon=True).start()
                self.started = True

    def end(self, call: _Call) -> None:
        call.done = True
        self.calls.pop(call, None)
        if call.fired:
            with self.lock:
                # It may not have arrived yet; it must not arrive in the middle of what comes next.
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(call.thread), None)

    def _run(self) -> None:
        armed_until = 0.0
        looked, computed = time.monotonic(), time.process_time()
        while True:
            time.sleep(_LOOK_EVERY)
            now, work = time.monotonic(), time.process_time()
            calls = list(self.calls)
            if now - looked > _PAUSE and work - computed < 0.2 * (now - looked):
                for call in calls:
                    call.put_off(now - looked)
            looked, computed = now, work
            for call in calls:
                if call.is_over(now):
                    self._raise(call, now)
            if self.grace is not None and self.has_timer and now > armed_until:
                # Counted by a thread of C: it ends the process even if no Python thread gets a turn any more.
                longest = max((call.seconds for call in calls), default=_USUAL_LIMIT)
                self.has_timer = _set_timer(longest + self.grace)
                armed_until = now + min(1.0, self.grace)

    def _raise(self, call: _Call, now: float) -> None:
        with self.lock:
            if not call.fired:
                call.ignored = now, call.computed()
            call.fired = True
            if call.done:
                return
            call.raise_at = now + _RAISE_AGAIN_AFTER
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(call.thread), ctypes.py_object(TimeUp))
        since, computed = call.ignored
        if self.grace is not None and now - since > self.grace and call.computed() - computed > self.grace / 2:
            busy = now - call.began
            print(
                f"A model script has been busy for {busy:.0f} s in an operation that cannot be interrupted; "
                "the program ends here.",
                file=sys.stderr,
                flush=True,
            )
            os._exit(EXIT_BAD_INPUT)


def _set_timer(seconds: float) -> bool:
    """End the process after some time, unless it is set again; False where standard error is no file to write to."""
    try:
        faulthandler.dump_traceback_later(seconds, exit=True)
    except (AttributeError, OSError, RuntimeError, ValueError):
        return False  # in a notebook, say; the watchdog's own thread must go on
    return True


_watchdog = _Watchdog()


def _forget_calls_of_the_parent() -> None:
    global _watchdog
    before, _watchdog = _watchdog, _Watchdog()
    _watchdog.grace, _watchdog.has_timer = before.grace, before.has_timer


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_calls_of_the_parent)


def call(
    seconds: float,
    function: Callable[Arguments, Result],
    /,
    *args: Arguments.args,
    **keywords: Arguments.kwargs,
) -> Result:
    """``function(*args, **keywords)``, which ends after `seconds` at the latest.

    It works in any thread. If the limit passes while the function returns, its result may be lost.

    Raises ScriptTimeout if the time is up, and whatever the function raises.
    """
    watchdog, this = _watchdog, _Call(seconds)
    try:
        watchdog.begin(this)
        try:
            return function(*args, **keywords)
        finally:
            watchdog.end(this)
    except TimeUp:
        _end_for_sure(watchdog, this)
    raise ScriptTimeout(f"it was stopped after {seconds:g} s")


def _end_for_sure(watchdog: _Watchdog, this: _Call) -> None:
    """End a call although `TimeUp` may be raised once more in between."""
    while True:
        try:
            watchdog.end(this)
        except TimeUp:
            continue
        return


def end_process_when_stuck(grace: float | None = 60.0, *, timer: bool = True) -> None:
    """End the whole process if a call ignores its limit for another `grace` seconds, because C code never
    returns.

    For programs and workers that start metagenx, not for notebooks. Two guards: the watchdog, which ends the
    process with a message and the exit code of bad input; and a timer of C, for operations that keep all
    Python threads waiting, which writes where each thread is and ends with 1. None switches it off. The timer counts
    the time that a program is stopped by Ctrl-Z, too: without `timer` a program survives that.
    """
    _watchdog.grace = grace
    _watchdog.has_timer = False
    faulthandler.cancel_dump_traceback_later()
    if grace is not None and timer:
        _watchdog.has_timer = _set_timer(_USUAL_LIMIT + grace)
    if grace is not None:
        _watchdog.start()  # which puts the timer off as long as all is well
