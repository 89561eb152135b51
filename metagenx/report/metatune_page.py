"""What ``metagenx metatune`` shows: the page, the lines on the screen, and ``--json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.errors import FileFormatError
from metagenx.meta.metatune import answer_file, profile_file
from metagenx.meta.replay import LEAST_CORRELATION
from metagenx.report.page.elements import Download, Element, Headline, Lines, Note, Section, Table, as_csv
from metagenx.report.page.render import render

if TYPE_CHECKING:
    from metagenx.meta.metatune import MetaResult
    from metagenx.runs import RunFolder

KIND = "metatune"
MOST_ROWS = 60


def is_metatune(folder: RunFolder) -> bool:
    """Whether a run is one of the tuner's tuner."""
    return bool(folder.manifest().get("config", {}).get("kind") == KIND)


def write_metatune_report(folder: RunFolder) -> Path:
    """Write ``report.html``; returns its path; raises FileFormatError if the run has no answer yet."""
    from metagenx.runs import write_atomically

    write_atomically(folder.report, metatune_page(folder))
    return folder.report


def metatune_page(folder: RunFolder) -> str:
    """The page as HTML, from ``answer.json`` and the manifest."""
    try:
        answer = json.loads(answer_file(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise FileFormatError(
            "the run has no answer yet", where=str(folder.path), hint="Start the same command again: it goes on."
        ) from None
    manifest = folder.manifest()
    config = manifest["config"]
    kicker = f"metagenx metatune · {manifest['name']} · {str(manifest['created'])[:10]} · seed {manifest['seed']}"
    found = answer["winner"] is not None
    title = f"{answer['winner']} is the better tuner" if found else "Keep the hand-made tuner"
    numbers = [(str(len(answer["profiles"]) - 1), "profiles tried")]
    numbers += [(str(sum(row["tasks"] + row["fresh_tasks"] for row in answer["profiles"])), "replayed tuning runs")]
    numbers += [(str(sum(map(len, answer["real"].values()))), "real tuning runs")]
    headline = Headline(kicker, title, answer["line"] + ".", "finished", "good" if found else "plain", numbers)
    profile = profile_file(folder).read_bytes()
    downloads = [Download("profile.yaml", "profile.yaml (for --profile)", profile, "text/yaml;charset=utf-8")]
    sections = [
        _profiles_section(answer, config),
        _real_section(answer),
        _space_section(answer),
        _surrogate_section(answer),
        Section("again", "How to repeat this", _again(manifest)),
    ]
    return render(headline, sections, title=f"{manifest['name']} · metagenx", downloads=downloads)


def _profiles_section(answer: dict[str, Any], config: dict[str, Any]) -> Section:
    import pandas as pd

    tasks = config["tasks"]
    budgets = ", ".join(f"{budget:.3g}" for budget in tasks["budgets"])
    shows = (
        "Area under the regret curve (log10 ERT of the settings held to be the best, above the best of the space; mean "
        "over log evaluations), less that of the hand-made profile on the same tasks, in decades: below 0 is better. "
        f"Families {', '.join(tasks['families'])}, budgets {budgets}."
    )
    rows = [
        [
            row["profile"], _decades(row["fresh_gain"]), str(row["fresh_tasks"]),
            "" if row["p"] is None else f"{row['p']:.2g}", _decades(row["gain"]), str(row["tasks"]),
            ", ".join(f"{name} {value}" for name, value in row["changes"].items()) or "as set by hand",
        ]
        for row in answer["profiles"]
    ]  # fmt: skip
    columns = ["profile", "fresh", "fresh runs", "p", "search", "runs", "what differs from the hand-made one"]
    strong = frozenset(i for i, row in enumerate(answer["profiles"]) if row["profile"] == answer["winner"])
    data = pd.DataFrame([{**row, "changes": json.dumps(row["changes"])} for row in answer["profiles"]])
    table = Table("All profiles", shows, columns, rows[:MOST_ROWS], strong=strong, data=as_csv("profiles", data))
    elements: list[Element] = [table]
    if len(rows) > MOST_ROWS:
        elements.append(Note(f"{len(rows) - MOST_ROWS} more in the data."))
    return Section("profiles", "Profiles", elements)


def _real_section(answer: dict[str, Any]) -> Section:
    rows = [
        [
            name, run["family"], str(run["seed"]), "changed" if run["changed"] else "kept",
            f"{run['value']:+.3f} ± {run['error']:.3f}" if run["changed"] else "0",
            f"{run['evaluations']:,}", ", ".join(f"{key} {value}" for key, value in run["settings"].items()),
        ]
        for name, runs in answer["real"].items()
        for run in runs
    ]  # fmt: skip
    if not rows:
        return Section("real", "Real runs", [Note("None: there was no profile to confirm, or none were asked for.")])
    shows = "log10 ERT of the answer less that of the default, on samples that the run has not seen, with real fits."
    columns = ["profile", "family", "seed", "answer", "decades", "evaluations", "settings"]
    return Section("real", "Real runs", [Table("Real tuning runs", shows, columns, rows)])


def _space_section(answer: dict[str, Any]) -> Section:
    from metagenx.meta.space_changes import Change

    lines = [f"{change['kind']}: {Change.from_json(change).text}" for change in answer.get("space", [])]
    if not lines:
        return Section("space", "Space of profiles", [Note("As the experiment has it; it was not moved.")])
    return Section("space", "Space of profiles", [Lines("How it was defined and refined, and why", lines)])


def _surrogate_section(answer: dict[str, Any]) -> Section:
    lines = [f"{name}: {value:.3f}" for name, value in answer["out_of_bag"].items()]
    if not lines:
        return Section("surrogate", "Surrogate", [Note("The benchmark is synthetic: it is its own truth.")])
    title = f"Rank correlation out of bag; at least {LEAST_CORRELATION:g} is needed"
    return Section("surrogate", "Surrogate", [Lines(title, lines)])


def _again(manifest: dict[str, Any]) -> list[Element]:
    versions = ", ".join(f"{name} {version}" for name, version in manifest.get("versions", {}).items())
    return [Lines("From what", [f"experiment {manifest['identity']}", f"seed {manifest['seed']}", versions])]


def metatune_summary(result: MetaResult) -> dict[str, Any]:
    """What ``metagenx metatune --json`` prints."""
    return {
        **result.answer.to_json(),
        "run": result.folder.path,
        "profile_file": result.profile_file,
        "report": result.folder.report,
    }


def metatune_text(result: MetaResult, report: Path) -> str:
    """The confirmed profiles, the answer, and where the files are."""
    answer = result.answer
    lines = [
        f"{row['profile']:>10}  {_decades(row['fresh_gain']):>7} decades on {row['fresh_tasks']} fresh replays"
        + ("" if row["p"] is None else f", p = {row['p']:.2g}")
        for row in answer.profiles
        if row["fresh_tasks"]
    ]
    for name, runs in answer.real.items():
        said = ", ".join(f"{run.family} {run.value:+.2f} ± {run.error:.2f}" for run in runs)
        lines.append(f"{name:>10}  real runs: {said}")
    bag = ", ".join(f"{name} {value:.2f}" for name, value in answer.out_of_bag.items()) or "synthetic"
    lines += ["", f"→ {answer.line}", f"surrogate out of bag  {bag}", f"profile  {result.profile_file}"]
    return "\n".join([*lines, f"report   {report}"])


def _decades(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"
