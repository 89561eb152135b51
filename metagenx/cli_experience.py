"""The commands ``metagenx experience …``: parse, call, print, exit code; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metagenx.cli import command, main
from metagenx.errors import EXIT_REACHED

if TYPE_CHECKING:
    from metagenx.report.terminal import Screen

FOLDER = click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Another store than yours."
)  # fmt: skip


@main.group("experience")
def experience() -> None:
    """What your fits have taught: every run, with what its problem was like; it stays on this machine.

    METAGENX_EXPERIENCE names the folder where it is kept, or says "off".

    \b
    metagenx experience list
    metagenx experience merge colleague/experience
    metagenx experience export runs.parquet
    """


@command("list", FOLDER, group=experience)
def list_experience(screen: Screen, folder: Path | None) -> int:
    """One line for each problem that was ever fitted: runs, evaluations, best FOM.

    \b
    metagenx experience list
    metagenx experience list --json
    """
    from metagenx.experience.store import Store
    from metagenx.experience.summary import summary

    store = Store(folder)
    found = summary(store)
    for path, reason in found.damaged.items():
        screen.note(f"{path}: {reason}; it was left out")
    screen.result(found.to_json(), found.text)
    return EXIT_REACHED


@command(
    "merge", click.argument("others", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True)), FOLDER,
    group=experience,
)  # fmt: skip
def merge(screen: Screen, others: tuple[Path, ...], folder: Path | None) -> int:
    """Take in other stores: OTHERS are their folders, or .parquet files that export has written. Nothing is doubled.

    \b
    metagenx experience merge laptop/experience
    """
    from metagenx.experience.store import Store

    store = Store(folder)
    new = store.merge(others)
    screen.result({"folder": str(store.folder), "new": new}, f"{new:,} runs are new in {store.folder}")
    return EXIT_REACHED


@command("export", click.argument("output", type=click.Path(path_type=Path)), FOLDER, group=experience)
def export(screen: Screen, output: Path, folder: Path | None) -> int:
    """Write all runs to OUTPUT, a .parquet or .csv file.

    \b
    metagenx experience export runs.parquet
    metagenx experience export runs.csv
    """
    from metagenx.experience.store import Store

    n = Store(folder).export(output)
    screen.result({"output": str(output), "runs": n}, f"wrote {n:,} runs to {output}")
    return EXIT_REACHED


@command("portfolio", FOLDER, group=experience)
def portfolio(screen: Screen, folder: Path | None) -> int:
    """The settings that `metagenx fit FILE --settings-from portfolio` chooses from, and from how many runs.

    They were learned from the runs that come with metagenx; beside them, what your own runs have taught.

    \b
    metagenx experience portfolio
    metagenx experience portfolio --json
    """
    from metagenx.meta.portfolio_choice import shown_portfolio

    shown = shown_portfolio(folder)
    for notice in shown.notices:
        screen.note(notice)
    screen.result(shown.to_json(), shown.text)
    return EXIT_REACHED
