"""What ``metagenx live`` does: a session, until it is time to end, and the exit code."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from metagenx.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_NOT_REACHED, EXIT_REACHED, InputError
from metagenx.live.record import Update
from metagenx.live.session import Listener, Session, Wishes, is_reached
from metagenx.live.watch import Trouble
from metagenx.meta.interrupts import interrupts

PRECISION = "precision"
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h)")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


class Shown(Protocol):
    """Who shows what happens: a terminal, or lines of JSON."""

    def update(self, update: dict[str, object]) -> None: ...  # noqa: D102

    def trouble(self, name: str, reason: str) -> None: ...  # noqa: D102

    def say(self, text: str) -> None: ...  # noqa: D102

    def begun(self, place: str, folder: str, names: tuple[str, ...]) -> None: ...  # noqa: D102

    def ended(self, folder: str, updates: int, line: str) -> None: ...  # noqa: D102


def run_live(wishes: Wishes, shown: Shown, *, until: str | None, out: Path, resume: bool) -> int:
    """Run a session; the exit code."""
    stopping: list[bool] = []
    is_over = end_of(until, wishes.precision)

    def hear(trouble: Trouble) -> None:
        shown.trouble(trouble.name, trouble.reason)

    listener = Listener(lambda update: shown.update(update.to_json()), hear, shown.say)
    with interrupts(lambda: stopping.append(True)):
        session = Session(wishes, out=out, resume=resume, listener=listener, should_stop=lambda: bool(stopping))
        shown.begun(str(wishes.place), str(session.folder.path), tuple(session.problem.names))
        with session:
            last = session.run(is_over)
    shown.ended(str(session.folder.path), len({update.number for update in session.updates}), last.line if last else "")
    if stopping:
        return EXIT_INTERRUPTED
    if wishes.once and last is None:
        return EXIT_BAD_INPUT
    if wishes.once or until == PRECISION:
        good = last is not None and last.level != "bad" and (not wishes.precision or is_reached(last))
        return EXIT_REACHED if good else EXIT_NOT_REACHED
    return EXIT_REACHED


def end_of(
    until: str | None, precision: tuple[str, ...], *, now: Callable[[], float] = time.time
) -> Callable[[Update | None], bool]:
    """What tells when it is time to end.

    Parameters
    ----------
    until : None: never; ``precision``; a span such as ``90min`` or ``8h``; a time of the day such as ``06:30``.

    Raises
    ------
    InputError : none of these; ``precision`` without a precision.
    """
    if until is None:
        return lambda update: False
    text = until.strip().lower()
    if text == PRECISION:
        if not precision:
            raise InputError("--until precision needs a --precision", hint='For example --precision "thickness 0.5".')
        return is_reached
    span, clock = _SPAN.fullmatch(text), _TIME.fullmatch(text)
    if span:
        ends = now() + float(span[1]) * _SECONDS[span[2]]
    elif clock and int(clock[1]) < 24 and int(clock[2]) < 60:
        today = time.localtime(now())
        ends = time.mktime((*today[:3], int(clock[1]), int(clock[2]), 0, *today[6:8], -1))
        if ends <= now():
            ends = time.mktime((*today[:2], today[2] + 1, int(clock[1]), int(clock[2]), 0, *today[6:8], -1))
    else:
        raise InputError(f"{until!r} is no time to end", hint="Say precision, a time such as 06:30, or 90min, 8h.")
    return lambda update: now() >= ends
