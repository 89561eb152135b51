"""A session of work on a run: its beginning and its end in journal and manifest, whatever ends it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from metagenx.errors import Interrupted, MetagenxError, ResourcesSpent
from metagenx.runs import Journal, RunFolder, SessionEnded, SessionStarted, machine

HOW_TO_RESUME = "Nothing is lost: start the same command again and it goes on."


@contextlib.contextmanager
def session(folder: RunFolder, journal: Journal, details: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Note that work begins, and how it ended.

    Raises
    ------
    Interrupted : for a Ctrl-C, with where the run is and how it goes on.
    """
    folder.session_started()
    journal.append(SessionStarted(machine()["host"], os.getpid(), {"machine": machine(), **(details or {})}))
    state, reason = "failed", ""
    try:
        yield
        state = "finished"
    except (KeyboardInterrupt, Interrupted) as error:
        state, reason = "interrupted", "Ctrl-C"
        raise interrupted(folder) from (error if isinstance(error, KeyboardInterrupt) else None)
    except ResourcesSpent as error:
        state, reason = "spent", error.what
        raise
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}"
        raise
    finally:
        try:
            journal.append(SessionEnded(state, reason))
            folder.session_ended(state, reason)
        except MetagenxError:  # a full disk may not hide why the run ended
            if state == "finished":
                raise


def interrupted(folder: RunFolder) -> Interrupted:
    """What a Ctrl-C comes to."""
    return Interrupted("interrupted", where=str(folder.path), hint=HOW_TO_RESUME)
