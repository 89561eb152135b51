"""Ctrl-C once: let the running fits end, write everything, stop. Twice: stop at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def interrupts(on_first: Callable[[], None]) -> Iterator[None]:
    """Call ``on_first`` at the first Ctrl-C (or SIGTERM); raise KeyboardInterrupt at the second.

    Only the main thread hears signals; in any other this does nothing, and whoever started the thread decides.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = False

    def handler(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        if heard:
            raise KeyboardInterrupt
        heard = True
        on_first()

    before: list[tuple[signal.Signals, Any]] = [(number, signal.signal(number, handler)) for number in SIGNALS]
    try:
        yield
    finally:
        for number, previous in before:
            signal.signal(number, previous)
