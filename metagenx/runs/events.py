"""What can happen in a run, and how it stands in the journal.

One line is one event: a JSON object with ``n`` (its number), ``time``, ``event`` (its kind), its own
fields, and last ``crc``, the CRC-32 of the text before it. A line that was torn or altered does not pass
for a result.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from metagenx.meta.records import FitRecord
from metagenx.meta.targets import BestKnown
from metagenx.runs.files import to_json


@dataclass(frozen=True)
class FitDone:
    """A fit has ended."""

    kind: ClassVar[str] = "fit"
    record: FitRecord


@dataclass(frozen=True)
class SettingAdded:
    """A setting has joined: its short id, and what it is (values, origin, place in the search space …)."""

    kind: ClassVar[str] = "setting"
    setting: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RoundDecided:
    """A round is complete and decided: who was dropped, who was proposed, why."""

    kind: ClassVar[str] = "round"
    phase: str
    round: int
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BestFound:
    """The best known FOM of a sample has fallen."""

    kind: ClassVar[str] = "best"
    sample: str
    best: BestKnown


@dataclass(frozen=True)
class PhaseStarted:
    """Search, confirmation, validation or repeats have begun."""

    kind: ClassVar[str] = "phase"
    phase: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SessionStarted:
    """A driver has taken up the run, for the first time or again."""

    kind: ClassVar[str] = "started"
    host: str
    pid: int
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SessionEnded:
    """A driver has left the run: finished, interrupted, spent or failed. A killed one leaves no such line."""

    kind: ClassVar[str] = "ended"
    state: str
    reason: str = ""


@dataclass(frozen=True)
class Notice:
    """Something that the user should know."""

    kind: ClassVar[str] = "notice"
    text: str


Event = FitDone | SettingAdded | RoundDecided | BestFound | PhaseStarted | SessionStarted | SessionEnded | Notice

_KINDS: dict[str, type[Any]] = {
    event.kind: event
    for event in (
        FitDone, SettingAdded, RoundDecided, BestFound, PhaseStarted, SessionStarted, SessionEnded, Notice,
    )
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of the journal."""

    number: int
    time: str
    event: Event


def encode(number: int, event: Event, now: datetime | None = None) -> bytes:
    """The line of an event, with its newline."""
    time = (now or datetime.now(UTC)).isoformat(timespec="milliseconds")
    if isinstance(event, FitDone):
        fields = event.record.to_json()
    else:
        fields = {f.name: getattr(event, f.name) for f in dataclasses.fields(event)}
        if isinstance(event, BestFound):
            fields["best"] = dataclasses.asdict(event.best)
    body = to_json({"n": number, "time": time, "event": event.kind, **fields})[:-1].encode("utf-8")
    return body + b',"crc":"%08x"}\n' % zlib.crc32(body)


def decode(line: bytes) -> Line:
    """Inverse of :func:`encode`; raises ValueError on a line that is torn, altered or unknown."""
    if not line.endswith(b'"}\n') or line[-19:-11] != b',"crc":"':
        raise ValueError("it is cut off or altered")
    body = line[:-19]
    if line[-11:-3] != b"%08x" % zlib.crc32(body):
        raise ValueError("its checksum does not fit")
    data = json.loads(body + b"}")
    kind = _KINDS.get(data.pop("event", None))
    if kind is None:
        raise ValueError("its kind of event is unknown; a newer metagenx may have written it")
    try:
        number, time = int(data.pop("n")), str(data.pop("time"))
        if kind is FitDone:
            return Line(number, time, FitDone(FitRecord.from_json(data)))
        if kind is BestFound:
            data["best"] = _best(data["best"])
        return Line(number, time, kind(**data))
    except (KeyError, TypeError) as error:
        raise ValueError(f"its fields are not those of this event ({error})") from None


def _best(data: dict[str, Any]) -> BestKnown:
    errors = data["errors"]
    return BestKnown(
        float(data["fom"]),
        tuple(map(float, data["values"])),
        None if errors is None else tuple(map(float, errors)),
    )
