"""What a run says while it works, to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Progress:
    """One message.

    Parameters
    ----------
    kind : ``started`` (Ray is there), ``fits`` (some fits are done), ``round`` (a round is over and decided),
        ``notice``, ``stopping`` (Ctrl-C was heard), ``finished``.
    text : the message in one line, for those who only print.
    stage : reference, search, confirmation, validation or repeat.
    fits, evaluations : done so far, those of earlier sessions included.
    budget : evaluations that may be spent; in a robustness test, fits that are wanted.
    details : of a round: what was decided; see :class:`metagenx.meta.race.Decision`.
    """

    kind: str
    text: str
    stage: str = ""
    fits: int = 0
    evaluations: int = 0
    budget: int = 0
    details: dict[str, Any] = field(default_factory=dict)


Listener = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Say nothing."""
