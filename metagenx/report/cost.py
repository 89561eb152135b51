"""What a run has cost: fits, evaluations, time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metagenx.report.numbers import count, duration, percent, whole
from metagenx.runs import SessionStarted

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence


def cost_lines(evidence: Evidence) -> list[str]:
    """The cost, a line each."""
    work, wall, cores = evidence.seconds_of_work, evidence.wall_seconds, _cores(evidence)
    hosts = sorted({record.host for record in evidence.records if record.host})
    lines = [f"{whole(len(evidence.records))} fits, {whole(evidence.evaluations)} FOM evaluations"]
    if work > 0:
        speed = count(evidence.evaluations / work)
        lines.append(f"{work / 3600:.2g} CPU hours of fitting, {speed} evaluations a second on a core")
    if wall > 0:
        busy = f", {percent(work / wall / cores)} of the time of {cores} workers" if len(hosts) == 1 else ""
        lines.append(f"{duration(wall)} by the clock{busy}")
    lines.append(f"on {', '.join(hosts)}" if hosts else "on an unknown machine")
    failed = sum(record.failure is not None for record in evidence.records)
    if failed:
        lines.append(f"{failed} fits failed; repeats.csv says why")
    return lines


def _cores(evidence: Evidence) -> int:
    """Workers of the last session, as far as the journal says."""
    started = [line.event for line in evidence.lines if isinstance(line.event, SessionStarted)]
    details = started[-1].details if started else {}
    return max(1, int(details.get("workers") or details.get("machine", {}).get("cores") or 1))
