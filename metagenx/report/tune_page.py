"""The report of a tuning run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from metagenx.meta.goals import EXPECTED_COST, GOALS
from metagenx.meta.intervals import Interval
from metagenx.report import sections
from metagenx.report.ablation import ablation_element
from metagenx.report.cost import cost_lines
from metagenx.report.evidence import Evidence
from metagenx.report.importance import importance_element
from metagenx.report.labels import setting_label
from metagenx.report.measurement import Measurement, colours, comparison_table, measurements
from metagenx.report.models import audit_lines
from metagenx.report.numbers import percent, rate_text, ratio_text, time_text, times, whole
from metagenx.report.page.elements import Download, Element, Headline, Lines, Note, Section, Table, as_csv
from metagenx.report.page.render import render
from metagenx.report.plots_front import front_figure
from metagenx.report.plots_race import optimism_figure, timeline_figure
from metagenx.report.plots_running_time import course_figure, ecdf_figure, time_figure
from metagenx.report.plots_slices import slices_figure
from metagenx.report.space import space_section
from metagenx.report.tables_of_search import paired_table, scheme_table

_WHO = {"file": "the file's settings", "genx3": "GenX's defaults"}


def tune_page(evidence: Evidence, *, trust: bool) -> str:
    """The page as HTML."""
    verdict = evidence.verdict or {}
    winner, baseline = verdict.get("winner"), str(verdict.get("baseline", evidence.config.get("baseline", "file")))
    found = measurements(evidence)
    palette = colours(found, winner)
    ends = sections.all_ends(evidence)
    fits = sections.best_fits(evidence, ends, trust=trust)
    parts = [
        _answer(evidence, verdict),
        sections.best_fit_section(fits),
        sections.parameters_section(ends),
        sections.minima_section(ends),
        _speed(evidence, found, palette, winner),
        _search(evidence, winner, baseline),
        space_section(evidence),
        Section("cost", "Cost", [Lines("", cost_lines(evidence))]),
        sections.repeat_section(evidence, audit_lines(evidence.folder, trust=trust)),
    ]
    settings = evidence.settings.get(str(verdict.get("settings", {}).get("name", "")))
    if settings is not None:
        parts.insert(1, _genx(evidence, verdict, settings))
    return render(
        _headline(evidence, verdict),
        parts,
        title=f"{evidence.name} · metagenx tune",
        downloads=sections.file_downloads(evidence),
    )


def _headline(evidence: Evidence, verdict: Mapping[str, Any]) -> Headline:
    state, mood = sections.state_of(evidence)
    kicker = (
        f"metagenx tune · {evidence.name} · {str(evidence.manifest.get('created', ''))[:10]} · seed {evidence.seed}"
    )
    if not verdict:
        title = f"No answer yet: {whole(len(evidence.records))} fits done"
        subtitle = "The run has not come to its end. The same command goes on where it stopped; nothing is lost."
        return Headline(kicker, title, subtitle, state, mood, _counts(evidence))
    if not verdict.get("complete", True):
        mood = "warning"
    return Headline(
        kicker, headline_text(verdict), str(verdict.get("line", "")), state, mood, _numbers(evidence, verdict)
    )


def headline_text(verdict: Mapping[str, Any]) -> str:
    """The answer in one sentence."""
    who = _WHO.get(str(verdict.get("baseline")), f"the settings {verdict.get('baseline')}")
    ratio = interval_of(verdict.get("ratio"))
    if verdict.get("answer") == "change" and ratio is not None:
        goal = GOALS.get(str(verdict.get("goal")), GOALS[EXPECTED_COST])
        return f"{times(ratio.estimate)}× {goal.gain.replace('per success', 'per good fit')} than with {who}"
    if not verdict.get("complete", True):
        return f"No answer: the budget ended before anything was validated, so keep {who}"
    if ratio is None:
        return f"Keep {who}: {verdict.get('reason') or 'nothing looked better'}"
    if not verdict.get("reached", True):
        return "No setting found the right minimum often enough to choose one"
    return f"Keep {who}: nothing was better beyond doubt"


def interval_of(data: Mapping[str, Any] | None) -> Interval | None:
    """An interval from its JSON."""
    if not data:
        return None
    numbers = {key: float(data[key]) for key in ("estimate", "low", "high", "confidence")}
    return Interval(**numbers, censored=bool(data.get("censored")), over=str(data.get("over", "runs")))


def _counts(evidence: Evidence) -> list[tuple[str, str]]:
    return [
        (whole(len(evidence.records)), "fits"),
        (whole(evidence.evaluations), "FOM evaluations"),
        (whole(len({record.setting for record in evidence.records})), "settings"),
    ]


def _numbers(evidence: Evidence, verdict: Mapping[str, Any]) -> list[tuple[str, str]]:
    ratio = interval_of(verdict.get("ratio"))
    numbers = []
    if ratio is not None:
        rival = setting_label(str(verdict.get("rival")))
        numbers.append((ratio_text(ratio), f"less work per success with {rival}, 95 % interval"))
    for measured in verdict.get("validation", []):
        if measured["setting"] != "shipped":
            rate = interval_of(measured["success_rate"])
            if rate is not None:
                numbers.append((percent(rate.estimate), f"of fits succeed with {setting_label(measured['setting'])}"))
    detectable = float(verdict.get("smallest_detectable_ratio", math.inf))
    if math.isfinite(detectable):
        numbers.append((f"{times(detectable)}×", "is the smallest gain that this run would have seen"))
    return [*numbers, (whole(len(evidence.records)), "fits in all")][:5]


def _answer(evidence: Evidence, verdict: Mapping[str, Any]) -> Section:
    elements: list[Element] = []
    table = validation_table(verdict)
    if table is not None:
        elements.append(table)
    if verdict:
        reached = bool(verdict.get("reached"))
        text = (
            "Target reached with the settings of the answer."
            if reached
            else "No fit of the validation reached the target."
        )
        elements.append(Note(text + " " + target_text(evidence), "good" if reached else "warning"))
        elements += gain_tables(evidence, verdict)
    return Section("answer", "Answer", elements)


_GAINS = {
    "training": "the fits of the search, by which it was found",
    "held_out_seeds": "fresh seeds of the samples that the search saw",
    "held_out_samples": "samples that the search never saw",
}


def gain_tables(evidence: Evidence, verdict: Mapping[str, Any]) -> list[Element]:
    """The gain in training and on what was held out, and sample by sample, the worst in bold."""
    found: list[Element] = []
    gains = verdict.get("gains", {})
    rows = [
        [what, ratio_text(interval), _drop(gains, name)]
        for name, what in _GAINS.items()
        if (interval := interval_of(gains.get(name))) is not None
    ]
    if len(rows) > 1:
        shows = (
            f"How many times smaller “{evidence.goal.measure}” is, 95 % interval. The drop against the search is what "
            "luck and over-tuning had added there."
        )
        table = _intervals_csv("gains", "measured on", {name: interval_of(gains.get(name)) for name in _GAINS})
        found.append(Table("Gain", shows, ["measured on", "gain", "drop"], rows, frozenset(), table))
    by_sample = verdict.get("ratio_by_sample", {})
    if len(by_sample) > 1:
        named = [(sample, interval) for sample, data in by_sample.items() if (interval := interval_of(data))]
        rows = [[sample, _kind(evidence, sample), ratio_text(interval)] for sample, interval in named]
        worst = frozenset(i for i, (sample, _) in enumerate(named) if sample == verdict.get("worst_sample"))
        shows = "Gain on each sample, 95 % interval; the worst in bold."
        table = _intervals_csv("samples", "sample", dict(named))
        found.append(Table("Sample by sample", shows, ["sample", "what it is", "gain"], rows, worst, table))
    return found


def _intervals_csv(name: str, column: str, found: Mapping[str, Interval | None]) -> Download:
    import pandas as pd

    rows = [(what, gain.estimate, gain.low, gain.high) for what, gain in found.items() if gain is not None]
    return as_csv(name, pd.DataFrame(rows, columns=[column, "gain", "low", "high"]))


def _kind(evidence: Evidence, sample: str) -> str:
    if sample in evidence.own_samples:
        return "your measurement"
    seen = any(record.sample == sample and record.phase == "search" for record in evidence.records)
    return "a twin that the search saw" if seen else "a twin that was held out"


def _drop(gains: Mapping[str, Any], name: str) -> str:
    if name == "training":
        return ""
    drop = float(gains.get(f"drop_to_{name}", math.nan))
    return f"{times(drop)}×" if math.isfinite(drop) else "not known"


def target_text(evidence: Evidence) -> str:
    """What counts as success, in a sentence."""
    if evidence.target.below is not None:
        return f"Success means a FOM of at most {evidence.target.below:g}."
    return (
        f"Success means: FOM within {100 * evidence.target.within:g} % of the best known, and parameters that agree "
        "with it within three error bars."
    )


def validation_table(verdict: Mapping[str, Any]) -> Table | None:
    """Winner, baseline and the file as shipped, on seeds that the search never saw."""
    rows = []
    measured = verdict.get("validation", [])
    for item in measured:
        rate, time = interval_of(item["success_rate"]), interval_of(item["expected_evaluations"])
        if rate is not None and time is not None:
            rows.append(
                [
                    setting_label(item["setting"]),
                    rate_text(rate),
                    time_text(time),
                    f"{float(item['median_fom']):.6g}",
                    str(item["fits"]),
                ]
            )
    if not rows:
        return None
    shows = "On fresh seeds, the same for all, that nothing was chosen by; 95 % intervals in brackets."
    strong = frozenset(i for i, item in enumerate(measured) if item["setting"] == verdict.get("winner"))
    measure = str(verdict.get("measure", GOALS[EXPECTED_COST].measure))
    columns = ["settings", "fits that succeed", measure, "median FOM", "fits"]
    return Table("Validation", shows, columns, rows, strong)


def _genx(evidence: Evidence, verdict: Mapping[str, Any], settings: Any) -> Section:
    n_dim = evidence.n_dim
    if verdict.get("answer") == "change":
        return sections.genx_section(
            settings, n_dim, "Type this into GenX", "In the solver settings; best.hgx carries them already."
        )
    return sections.genx_section(
        settings, n_dim, "Settings in GenX", "These stand in your file already, but for the stop at stagnation."
    )


def _speed(evidence: Evidence, found: list[Measurement], palette: dict[str, str], winner: str | None) -> Section:
    elements: list[Element] = [
        figure
        for figure in (
            ecdf_figure(evidence, found, palette),
            time_figure(evidence, found, palette),
            course_figure(evidence, found, palette),
        )
        if figure is not None
    ]
    if found:
        elements.insert(0, comparison_table(evidence, found, winner))
    return Section("speed", "Speed and reliability", elements)


def _search(evidence: Evidence, winner: str | None, baseline: str) -> Section:
    parts = (
        timeline_figure(evidence, winner),
        importance_element(evidence),
        ablation_element(evidence),
        slices_figure(evidence, winner),
        front_figure(evidence, winner),
        scheme_table(evidence),
        paired_table(evidence, baseline),
        optimism_figure(evidence, winner),
    )
    return Section("search", "Search", [part for part in parts if part is not None])
