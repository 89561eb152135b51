"""The command ``metagenx live``: parse, call, print, exit code; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metagenx.cli import FOM, OUT, RESUME, SEED, TRUST, WORKERS, command

if TYPE_CHECKING:
    from metagenx.report.terminal import Screen


@command(
    "live", click.argument("folder", type=click.Path(path_type=Path)),
    click.option("-m", "--model", required=True, type=click.Path(path_type=Path), help="The GenX file to fit with."),
    click.option("--sweeps", is_flag=True, help="The files are repeated sweeps of one sample: add them up."),
    click.option("--precision", multiple=True, metavar='"NAME ERROR"',
                 help="How well a parameter shall be known: Fe.setD 0.5; thickness, roughness, density mean all."),
    click.option("--until", metavar="WHEN", help='When to end: precision, a time such as 06:30, or 90min, 8h.'),
    click.option("--once", is_flag=True, help="Take what is there, and end."),
    click.option("--data-format", metavar="NAME", help="Format of the files, if it is not recognised."),
    click.option("--data-x", metavar="KIND", help="What x of the files is: q, 1/nm, 2theta, theta."),
    click.option("--data-columns", metavar="NAMES", help="Columns of the files: x,y,error,res; - leaves one out."),
    FOM, SEED, WORKERS, OUT, RESUME, TRUST,
)  # fmt: skip
def live(
    screen: Screen, folder: Path, model: Path, sweeps: bool, precision: tuple[str, ...], until: str | None, once: bool,
    data_format: str | None, data_x: str | None, data_columns: str | None, fom: str | None, seed: int,
    workers: int | None, out: Path, resume: bool, trust: bool,
) -> int:  # fmt: skip
    """At the instrument: watch FOLDER (or one growing file), fit every change at once, say what to do.

    With --json one line for each answer. Ctrl-C ends it, the same command goes on. Exit code 0: with --until precision
    or --once that all is well; 3 that it is not.

    \b
    metagenx live data/ -m film.hgx
    metagenx live data/scan_0042.dat -m film.hgx --precision "thickness 0.5" --until precision
    metagenx live sweeps/ -m film.hgx --sweeps --precision "Fe.setD 0.2"
    """
    from metagenx.live.command import run_live
    from metagenx.live.session import Wishes
    from metagenx.meta.batch_data import DataOptions
    from metagenx.report.live_screen import LiveScreen

    columns = tuple((data_columns or "").replace(",", " ").split())
    wishes = Wishes(
        folder, model, sweeps=sweeps, precision=precision, once=once, fom=fom, seed=seed, trust=trust, workers=workers,
        how=DataOptions(data_format, data_x, columns),
    )  # fmt: skip
    with LiveScreen(screen) as shown:
        return run_live(wishes, shown, until=until, out=out, resume=resume)
