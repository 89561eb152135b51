"""The command ``metagenx metatune``: parse, call, print, exit code; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metagenx.cli import OUT, RESUME, WORKERS, command
from metagenx.errors import EXIT_NOT_REACHED, EXIT_REACHED

if TYPE_CHECKING:
    from metagenx.report.terminal import Screen


@command(
    "metatune", click.argument("experiment", type=click.Path(path_type=Path)), WORKERS, OUT, RESUME,
    click.option("--open", "open_report", is_flag=True, help="Open the report when done."),
    click.option("--where", help="local, auto (a Ray cluster that runs), or its address."),
    writes=True,
)  # fmt: skip
def metatune(
    screen: Screen, experiment: Path, workers: int | None, out: Path, resume: bool, open_report: bool,
    where: str | None, overrides: tuple[str, ...], dry_run: bool,
) -> int:  # fmt: skip
    """Search the settings of the tuner itself; EXPERIMENT is a .yaml such as experiments/tuner.yaml.

    Writes a tuner profile, which metagenx tune --profile takes. Exit code 0 means that a profile is better than the one
    set by hand, 3 that none is. The same command again resumes.

    \b
    metagenx metatune experiments/tuner.yaml
    metagenx metatune experiments/tuner.yaml --set trials=100 --dry-run
    """
    from metagenx.meta.metatune import metatune as run_metatune
    from metagenx.meta.metatune import plan
    from metagenx.report.metatune_page import metatune_summary, metatune_text, write_metatune_report
    from metagenx.report.terminal import RunProgress

    if dry_run:
        planned = plan(experiment, overrides=overrides, workers=workers)
        screen.result(planned, planned["line"])
        return EXIT_REACHED
    with RunProgress(screen) as progress:
        result = run_metatune(
            experiment, out=out, overrides=overrides, workers=workers, where=where, resume=resume, progress=progress
        )
        page = write_metatune_report(result.folder)
    screen.result(metatune_summary(result), metatune_text(result, page))
    if open_report:
        click.launch(str(page))
    return EXIT_REACHED if result.answer.winner else EXIT_NOT_REACHED
