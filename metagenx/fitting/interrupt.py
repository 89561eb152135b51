"""Ctrl-C as a request: once to stop after the running batch, twice to stop at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Inside, the first Ctrl-C makes the yielded function return True, the second raises KeyboardInterrupt.

    Outside the main thread signals cannot be caught, and the function only ever returns False. A handler that
    the caller has installed himself stays in force.
    """
    asked = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    default = threading.current_thread() is threading.main_thread() and (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if default:
        signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: asked
    finally:
        if default:
            signal.signal(signal.SIGINT, signal.default_int_handler)
