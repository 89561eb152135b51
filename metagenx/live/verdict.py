"""What to do now, in one line that can be read from three metres, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from metagenx.live.belonging import Belonging
from metagenx.live.counting_time import Forecast, Wanted
from metagenx.live.follower import Answer
from metagenx.report.numbers import duration, with_error

GO_ON, CHANGE, LOOK = "go on", "change the sample", "look"
SURE = 3.0  # standard deviations that the next minimum must be worse by
AGREEING = 2  # fits from scratch that must have found the best minimum
_FOR_EVER = 100.0  # times as long as so far
_SHOWN = 2  # parameters in the line


@dataclass(frozen=True)
class Verdict:
    """``advice`` is go on, change the sample or look; ``level`` good, info, warning or bad; ``line`` says it all."""

    advice: str
    level: str
    line: str
    is_certain: bool


def verdict(
    answer: Answer, belonging: Belonging, wanted: tuple[Wanted, ...], forecast: Forecast | None, pace: float
) -> Verdict:
    """The verdict on a measurement.

    Parameters
    ----------
    pace : seconds that measuring once more what has been measured so far would take; NaN if unknown.
    """
    agreement = agreement_text(answer)
    certain = answer.recent_same >= AGREEING and not answer.next_worse < SURE
    known = _known(answer, wanted)
    if belonging.level == "bad":
        return Verdict(LOOK, "bad", f"LOOK: {belonging.reason}; {known}", certain)
    doubts = []
    if answer.recent_same < AGREEING:
        doubts.append(agreement)
    if answer.next_worse < SURE:
        doubts.append(f"another minimum is only {max(answer.next_worse, 0.0):.1f} σ worse")
    if belonging.level == "warning":
        doubts.append(belonging.reason)
    tail = "; ".join(doubts) if doubts else agreement
    if wanted and forecast is not None and forecast.is_reached:
        if certain:
            return Verdict(CHANGE, "good", f"CHANGE THE SAMPLE: {known}; {tail}", certain)
        return Verdict(GO_ON, "warning", f"GO ON: precise enough, but not certain: {tail}; {known}", certain)
    level = "info" if certain and belonging.level == "good" else "warning"
    if not wanted:
        return Verdict(GO_ON, "good" if level == "info" else level, f"{known}; {tail}", certain)
    if belonging.is_limited_by_model:
        return Verdict(GO_ON, level, f"GO ON? The model, not counting, limits the precision: {known}; {tail}", certain)
    return Verdict(GO_ON, level, f"GO ON{_how_long(forecast, pace)}: {known}; {tail}", certain)


def agreement_text(answer: Answer) -> str:
    """How many independent fits agree."""
    if answer.recent == 0:
        return "no fit from scratch has ended yet"
    return f"{answer.recent_same} of {answer.recent} fits agree"


def time_text(forecast: Forecast | None, pace: float) -> str:
    """How much longer, in words; nothing if nobody can say."""
    if forecast is None or forecast.is_reached:
        return ""
    if forecast.work > _FOR_EVER:
        return f"{forecast.decided_by} would take more than {_FOR_EVER:.0f} times as long as so far"
    often = f"{forecast.work:.1f} times as long as so far"
    return f"about {duration(forecast.work * pace)}" if math.isfinite(pace) and pace > 0.0 else f"about {often}"


def _how_long(forecast: Forecast | None, pace: float) -> str:
    text = time_text(forecast, pace)
    return f" {text}" if text else ""


def _known(answer: Answer, wanted: tuple[Wanted, ...]) -> str:
    """The parameters that matter, with their error bars: those wanted, else those known best."""
    aims = {want.name: want.precision for want in wanted}
    names = list(aims)[:_SHOWN] or _best_known(answer)
    parts = []
    for name in names:
        place = answer.names.index(name)
        error = float(answer.errors[place])
        text = f"{name} {with_error(float(answer.values[place]), error)}"
        text += f" ± {error:.2g}" if math.isfinite(error) else " ± ?"
        if name in aims:
            text += f" (wanted {aims[name]:g})"
        parts.append(text)
    return ", ".join(parts)


def _best_known(answer: Answer) -> list[str]:
    """Thicknesses first, then by relative error."""
    with np.errstate(all="ignore"):
        relative = np.abs(answer.errors / answer.values)
    relative = np.where(np.isfinite(relative), relative, np.inf)
    order = sorted(range(len(relative)), key=lambda k: (not answer.names[k].lower().endswith("setd"), relative[k]))
    return [answer.names[k] for k in order[:_SHOWN]]
