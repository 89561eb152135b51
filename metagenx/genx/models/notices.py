"""How an object of a model library tells the user something while a script runs: `note`, once per text and script."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


def note(text: str) -> None:
    """Add `text` to the notices of the script that is running; nothing if none is."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(text)


def listen(listener: Callable[[str], None]) -> None:
    """From now on notices of this context go to `listener`; scripts run in contexts of their own."""
    _LISTENER.set(listener)
