"""The report of a robustness test."""

from __future__ import annotations

from metagenx.report import sections
from metagenx.report.cost import cost_lines
from metagenx.report.evidence import Evidence
from metagenx.report.measurement import Measurement, colours, comparison_table, measurements
from metagenx.report.models import audit_lines
from metagenx.report.numbers import percent, rate_text, time_text, whole
from metagenx.report.page.elements import Element, Headline, Lines, Section
from metagenx.report.page.render import render
from metagenx.report.plots_running_time import course_figure, ecdf_figure


def repeat_page(evidence: Evidence, *, trust: bool) -> str:
    """The page as HTML."""
    found = measurements(evidence)
    palette = colours(found, None)
    ends = sections.all_ends(evidence)
    fits = sections.best_fits(evidence, ends, trust=trust)
    parts = [
        sections.minima_section(ends),
        sections.best_fit_section(fits),
        sections.parameters_section(ends),
        _speed(evidence, found, palette),
        Section("cost", "Cost", [Lines("", cost_lines(evidence))]),
        sections.repeat_section(evidence, audit_lines(evidence.folder, trust=trust)),
    ]
    return render(
        _headline(evidence, found),
        parts,
        title=f"{evidence.name} · metagenx",
        downloads=sections.file_downloads(evidence),
    )


def _headline(evidence: Evidence, found: list[Measurement]) -> Headline:
    state, mood = sections.state_of(evidence)
    kicker = (
        f"metagenx repeat · {evidence.name} · {str(evidence.manifest.get('created', ''))[:10]} · seed {evidence.seed}"
    )
    if not found:
        return Headline(kicker, "No fit is done yet", "The same command goes on where it stopped.", state, mood)
    first = found[0]
    n = len(first.records)
    title = f"{whole(first.successes)} of {whole(n)} fits end in the best minimum"
    wanted = evidence.config.get("n")
    line = str((evidence.verdict or {}).get("line", ""))
    if isinstance(wanted, int) and n < wanted:
        line = f"{n} of {wanted} fits are done; the same command goes on. {line}"
    config = evidence.config
    if "perturb" in config:
        moved = percent(float(config["perturb"]))
        line = f"{line.rstrip('.')}. Starts moved by up to {moved} of their values, rows: {config.get('of', 'fitted')}."
    numbers = [
        (rate_text(first.rate), "of fits succeed, 95 % interval"),
        (time_text(first.time), "evaluations for one success, 95 % interval"),
        (f"{min(best.fom for best in evidence.best.values()):.6g}", "best FOM"),
        (whole(evidence.evaluations), "FOM evaluations"),
    ]
    return Headline(kicker, title, line.strip(), state, mood if first.successes >= 2 else "warning", numbers)


def _speed(evidence: Evidence, found: list[Measurement], palette: dict[str, str]) -> Section:
    elements: list[Element] = [comparison_table(evidence, found, None)] if found else []
    elements += [
        figure
        for figure in (ecdf_figure(evidence, found, palette), course_figure(evidence, found, palette))
        if figure is not None
    ]
    return Section("speed", "Speed and reliability", elements)
