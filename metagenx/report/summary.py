"""What a finished run says on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metagenx.meta.goals import PARETO
from metagenx.meta.records import BASELINE
from metagenx.report.ablation import ablation_of, ablation_text
from metagenx.report.evidence import Evidence
from metagenx.report.importance import importance_line
from metagenx.report.labels import setting_label
from metagenx.report.measurement import PUBLISHED, Measurement
from metagenx.report.numbers import count, rate_text, ratio_text, time_text, with_error, worse_by
from metagenx.report.space import space_lines

if TYPE_CHECKING:
    from pathlib import Path

    from metagenx.meta.repeat import RepeatResult
    from metagenx.meta.tune import TuneResult

MOST_MINIMA = 4


def tune_text(result: TuneResult, report: Path) -> str:
    """Winner, file and GenX's defaults side by side; the answer; what to type into GenX; where the report is."""
    from metagenx.runs import cautions, how_to_type

    evidence = Evidence.of(result.folder)
    rival = result.answer.rival
    names = [rival, BASELINE, "shipped", PUBLISHED]
    measured = [
        Measurement(evidence, name)
        for name in dict.fromkeys(name for name in names if name)
        if any(evidence.of_setting(name, phase) for phase in evidence.phases)
    ]
    rows = [["", "fits that succeed", evidence.goal.measure, "median FOM", "measured on"]]
    for m in measured:
        phase = "fresh seeds" if m.phase == "validation" else f"seeds of the {m.phase}"
        rows.append(
            [setting_label(m.setting), rate_text(m.rate), time_text(m.time), m.median_fom, f"{len(m.records)} {phase}"]
        )
    # The first words are the answer itself: change or keep.
    lines = [*_aligned(rows), "", f"→ {result.verdict}", *_gain_lines(result), f"  {importance_line(evidence)}"]
    lines += [*_ablation_lines(evidence), *space_lines(evidence), *_front_lines(result)]
    if result.answer.winner:
        typed = (
            line.removeprefix("Method: ").replace(":", "") for line in how_to_type(result.settings, evidence.n_dim)
        )
        lines += ["", "type into GenX   " + " · ".join(typed)]
        lines += [f"                 {line}" for line in cautions(result.settings)]
    return "\n".join([*lines, f"report           {report}"])


def _ablation_lines(evidence: Evidence) -> list[str]:
    steps = ablation_of(evidence)
    return [f"  from the file's settings to the answer: {ablation_text(steps)}"] if steps else []


def _front_lines(result: TuneResult) -> list[str]:
    """Speed against reliability as a table, where that is the goal or more than two settings were validated."""
    found = {measured.setting: measured for measured in result.answer.measured}
    if result.answer.goal != PARETO and len(result.answer.front) < 2:
        return []
    rows = [["settings that no other beats in both", "fits that succeed", "mean evaluations of a fit"]]
    for name in result.answer.front:
        rows.append([setting_label(name), rate_text(found[name].rate), count(found[name].cost)])
    return ["", *_aligned(rows)] if len(rows) > 1 else []


def _gain_lines(result: TuneResult) -> list[str]:
    """The gain in the search, on fresh seeds and on held-out samples, and the worst sample, one line each."""
    gains, by_sample = result.answer.gains, result.answer.by_sample
    found = [
        (gains.training, "in the search"),
        (gains.held_out_seeds, "on fresh seeds"),
        (gains.held_out_samples, "on held-out samples"),
    ]
    lines = [f"  gain {where}: {ratio_text(gain)}" for gain, where in found if gain is not None]
    worst = result.answer.worst_sample
    if worst is not None and len(by_sample) > 1:
        lines.append(f"  worst sample: {worst}, {ratio_text(by_sample[worst])}")
    return lines


def repeat_text(result: RepeatResult, report: Path) -> str:
    """Parameters with their spread, the minima that were found, the answer, and where the report is."""
    rows = [["", "best", "spread in the best minimum", "spread of all fits"]]
    for row in result.parameters.to_dict("records"):
        spread = row["std"]
        rows.append([row["parameter"], with_error(row["best"], spread), f"{spread:.2g}", f"{row['all std']:.2g}"])
    lines = _aligned(rows)
    if len(result.minima) > 1 and result.minima[0].fom > 0:
        lines += [""]
        for number, minimum in enumerate(result.minima[:MOST_MINIMA], start=1):
            worse = minimum.fom / result.minima[0].fom - 1
            more = "" if number == 1 else f", {worse_by(worse)}{' worse' if worse < 1 else ' the best'}"
            lines.append(f"minimum {number}: FOM {minimum.fom:.6g}{more}, {len(minimum.repeats)} fits")
    lines += ["", f"→ {result.verdict}", *(f"  {notice}" for notice in result.notices)]
    return "\n".join([*lines, f"report  {report}"])


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
