"""The command ``metagenx space``: parse, call, print, exit code; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metagenx.cli import TRUST, command
from metagenx.errors import EXIT_REACHED

if TYPE_CHECKING:
    from metagenx.report.terminal import Screen


@command(
    "space", click.argument("file", type=click.Path(path_type=Path)), TRUST,
    click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a setting of the experiment."),
    click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the space to this file."),
)  # fmt: skip
def space(screen: Screen, file: Path, trust: bool, overrides: tuple[str, ...], output: Path | None) -> int:
    """Which settings `metagenx tune FILE` would try, and why; FILE is an experiment, or a .hgx or .gx itself.

    What is printed is a search space file: saved and named as search_space, it is used as it stands.

    \b
    metagenx space film.hgx
    metagenx space experiments/film.yaml -o my-space.yaml
    metagenx tune experiments/film.yaml --set search_space=my-space.yaml
    """
    from metagenx.meta.space_text import shown_space, write_space

    shown = shown_space(file, overrides, trust=trust)
    for notice in shown.notices:
        screen.note(notice)
    if output is not None:
        write_space(output, shown.yaml)
    text = shown.yaml.rstrip() if output is None else f"wrote {output}"
    screen.result({**shown.to_json(), "output": output}, text)
    return EXIT_REACHED
