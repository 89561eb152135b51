"""The commands ``metagenx cluster …``: parse, call, print, exit code; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metagenx.cli import command, main
from metagenx.errors import EXIT_REACHED

if TYPE_CHECKING:
    from metagenx.report.terminal import Screen

FILE = click.argument("file", type=click.Path(path_type=Path))


@main.group("cluster")
def cluster() -> None:
    """Clusters: start one, see what it does and costs, end it.

    \b
    metagenx cluster check cluster.yaml
    metagenx cluster up cluster.yaml
    metagenx tune experiments/film.yaml --where cluster.yaml
    metagenx cluster down cluster.yaml
    """


@command("check", FILE, group=cluster)
def check(screen: Screen, file: Path) -> int:
    """Every mistake of a cluster FILE that can be found offline: Ray's schema, and what it does not see.

    \b
    metagenx cluster check cluster.yaml
    """
    from metagenx.cluster.check import check_cluster

    found = check_cluster(file)
    cpus = found.most_cpus
    workers = f"0 to {found.most_workers} workers" + (f", {cpus} cores in all" if cpus else "")
    value = {"file": str(file), "name": found.name, "provider": found.provider, "cores": cpus}
    screen.result({**value, "workers": found.most_workers}, f"{file} is right: {found.provider}, {workers}")
    return EXIT_REACHED
