"""Parts that the pages of tuning and repeat runs share."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metagenx.fitting.settings import Settings
from metagenx.report.ends import Ends, ends_of
from metagenx.report.error_bars import covariance_elements
from metagenx.report.models import BestFit, best_fit
from metagenx.report.page.elements import Download, Element, Lines, Note, Section
from metagenx.report.plots_curves import profile_figure, reflectivity_figure
from metagenx.report.plots_parameters import correlation_figure, ends_figure, fom_figure
from metagenx.report.tables_of_ends import minima_table, parameter_table

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

MOST_SAMPLES = 6  # whose curves are shown
LARGEST_DOWNLOAD = 2_000_000  # bytes of a file inside the page


def all_ends(evidence: Evidence) -> dict[str, Ends]:
    """The ends of the fits of every sample of the user's that has any."""
    found = {sample: ends_of(evidence, sample) for sample in evidence.own_samples}
    return {sample: ends for sample, ends in found.items() if ends is not None}


def best_fits(evidence: Evidence, ends: Mapping[str, Ends], *, trust: bool) -> list[BestFit]:
    """What can be shown of the best fit of every sample of the user's."""
    fom = evidence.config.get("model", {}).get("fom")
    samples = evidence.own_samples[:MOST_SAMPLES]
    return [
        best_fit(
            evidence.folder, sample, ends.get(sample), is_only=len(evidence.own_samples) == 1,
            fom=None if fom == "keep" else fom, trust=trust,
        )
        for sample in samples
    ]  # fmt: skip


def best_fit_section(found: Sequence[BestFit]) -> Section:
    """Curves and depth profiles."""
    elements: list[Element] = []
    for fit in found:
        of = f" of {fit.sample}" if len(found) > 1 else ""
        stem = f"_{fit.sample}" if len(found) > 1 else ""
        if fit.missing:
            elements.append(Note(fit.missing, "warning"))
        if fit.curves is not None:
            figure = reflectivity_figure(fit.curves, title=f"Data and best fit{of}", name=f"reflectivity{stem}")
            elements += [figure] if figure else []
        profile = profile_figure(fit.profiles, title=f"Depth profile{of}", name=f"sld{stem}")
        elements += [profile] if profile else []
        if fit.covariance is not None:
            elements += covariance_elements(fit.covariance, of=of, stem=stem)
    return Section("fit", "Best fit", elements)


def parameters_section(ends: Mapping[str, Ends]) -> Section:
    """Values, error bars, where fits ended, correlations."""
    elements: list[Element] = []
    for sample, mine in list(ends.items())[:MOST_SAMPLES]:
        if len(ends) > 1:
            elements.append(Note(f"Sample {sample}"))
        elements += [parameter_table(mine), ends_figure(mine)]
        correlations = correlation_figure(mine)
        elements += [correlations] if correlations else []
    return Section("parameters", "Parameters", elements)


def minima_section(ends: Mapping[str, Ends]) -> Section:
    """Which minima were found, and how often."""
    elements: list[Element] = []
    for sample, mine in list(ends.items())[:MOST_SAMPLES]:
        if len(ends) > 1:
            elements.append(Note(f"Sample {sample}"))
        elements.append(minima_table(mine))
        figure = fom_figure(mine)
        elements += [figure] if figure else []
    return Section("minima", "Minima", elements)


def genx_section(settings: Settings, n_dim: int, title: str, text: str) -> Section:
    """What to enter in GenX's solver settings."""
    from metagenx.runs import cautions, how_to_type

    elements: list[Element] = [Note(text), Lines("", how_to_type(settings, n_dim), code=True)]
    notes = cautions(settings)
    if notes:
        elements.append(Lines("What GenX cannot be told", notes))
    return Section("genx", title, elements)


def file_downloads(evidence: Evidence) -> list[Download]:
    """Best fits as .hgx and the settings, inside the page if they are not too large."""
    paths = [*sorted(evidence.folder.path.glob("best*.hgx")), evidence.folder.settings]
    labels = {".hgx": "best fit, opens in GenX", ".yaml": "settings"}
    found = []
    for path in paths:
        if path.is_file() and path.stat().st_size <= LARGEST_DOWNLOAD:
            found.append(Download(path.name, f"{path.name} ({labels[path.suffix]})", path.read_bytes()))
    return found[: MOST_SAMPLES + 1]


def state_of(evidence: Evidence) -> tuple[str, str]:
    """How the run stands, in a word, and its mood."""
    states = {
        "finished": ("finished", "good"),
        "interrupted": ("interrupted, resumable", "warning"),
        "spent": ("ended early, resumable", "warning"),
        "failed": ("failed, resumable", "warning"),
    }
    return states.get(evidence.state, ("not finished, resumable", "warning"))


def repeat_section(evidence: Evidence, audit: Sequence[str]) -> Section:
    """How to get the same numbers again: command, seed, versions, hashes; and what the audit says."""
    manifest = evidence.manifest
    elements: list[Element] = [Lines("Command", [command_text(manifest.get("command", []))], code=True)]
    facts = [f"seed {evidence.seed}", f"started {manifest.get('created', '?')}"]
    for sample, file in evidence.config.get("model", {}).get("files", {}).items():
        if isinstance(file, Mapping):
            facts.append(f"{sample}: {file.get('file', '?')}, SHA-256 {file.get('sha256', '?')}")
    facts.append(f"experiment {manifest.get('identity', '?')}")
    facts.append(", ".join(f"{name} {version}" for name, version in manifest.get("versions", {}).items()))
    machine = manifest.get("machine", {})
    facts.append(", ".join(str(machine[key]) for key in ("host", "system", "processor") if key in machine))
    facts.append(
        f"{len(manifest.get('sessions', []))} sessions; the journal events.jsonl in the run folder has every fit"
    )
    elements.append(Lines("From what", [fact for fact in facts if fact]))
    notices = [*(evidence.verdict or {}).get("notices", []), *_journal_notices(evidence)]
    if notices:
        elements.append(Lines("Worth knowing", notices))
    if audit:
        elements.append(Lines("What the audit of the file says", audit))
    return Section("again", "How to repeat this", elements)


def _journal_notices(evidence: Evidence) -> list[str]:
    from metagenx.runs import Notice

    return [line.event.text for line in evidence.lines if isinstance(line.event, Notice)]


def command_text(command: Sequence[Any]) -> str:
    """A command line as one would type it."""
    words = [str(word) for word in command]
    if words and words[0].endswith(("/metagenx", "__main__.py")):
        words[0] = "metagenx"
    return shlex.join(words)
