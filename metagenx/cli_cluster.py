"""The commands ``metagenx cluster …``: parse, call, print, exit code; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metagenx.cli import command, main
from metagenx.errors import EXIT_NOT_REACHED, EXIT_REACHED

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


@command(
    "up", FILE,
    click.option("-y", "--yes", is_flag=True, help="Start without asking."),
    click.option("--without-price", is_flag=True, help="Start although nobody knows what it costs."),
    group=cluster,
)  # fmt: skip
def up(screen: Screen, file: Path, yes: bool, without_price: bool) -> int:
    """Start the cluster of FILE; its price first.

    \b
    metagenx cluster up cluster.yaml
    metagenx cluster up cluster.yaml --yes --json
    """
    from metagenx.cluster.check import check_cluster
    from metagenx.cluster.cost import require_price
    from metagenx.cluster.file import require_launcher
    from metagenx.cluster.launcher import up as start
    from metagenx.cluster.places import price_now

    found = check_cluster(file)
    require_launcher(found, "starts")
    price = price_now(found)
    require_price(found, price, without=without_price)
    screen.note(price.line if price else "what it costs is not known")
    if not yes:
        click.confirm(f"Start {found.name}?", abort=True, err=True)
    start(found, price, screen.note)
    value = {"name": found.name, "price_per_hour": None if price is None else price.most}
    screen.result(value, f"{found.name} is up.\n  metagenx tune EXPERIMENT --where {file} --when-done down")
    return EXIT_REACHED


@command("status", FILE, group=cluster)
def status(screen: Screen, file: Path) -> int:
    """What of the cluster of FILE is there, and what it works on.

    \b
    metagenx cluster status cluster.yaml
    """
    from metagenx.cluster.status import status as look

    found = look(file, screen.note)
    screen.result(found.to_json(), found.text)
    return EXIT_REACHED if found.nodes else EXIT_NOT_REACHED


@command("cost", FILE, group=cluster)
def cost(screen: Screen, file: Path) -> int:
    """What the cluster of FILE costs an hour, and has cost since it was started from here.

    \b
    metagenx cluster cost cluster.yaml
    """
    from metagenx.cluster.status import cost as ask

    found = ask(file)
    screen.result(found.to_json(), found.text)
    return EXIT_REACHED


@command("down", FILE, click.option("-y", "--yes", is_flag=True, help="End it without asking."), group=cluster)
def down(screen: Screen, file: Path, yes: bool) -> int:
    """End the cluster of FILE, and look whether anything is left.

    \b
    metagenx cluster down cluster.yaml
    """
    from metagenx.cluster.check import check_cluster
    from metagenx.cluster.file import require_launcher
    from metagenx.cluster.launcher import down as end

    found = check_cluster(file)
    require_launcher(found, "ends")
    if not yes:
        click.confirm(f"End {found.name}? Runs on it end, what has not come home is lost.", abort=True, err=True)
    end(found, screen.note)
    screen.result({"name": found.name, "nodes": 0}, f"{found.name} is gone: no node is left")
    return EXIT_REACHED


@command(
    "slurm", click.argument("experiment", type=click.Path(path_type=Path)),
    click.option("--nodes", type=click.IntRange(min=1), default=2, show_default=True),
    click.option("--cpus", type=click.IntRange(min=1), default=32, show_default=True, help="Cores of a node."),
    click.option("--hours", type=click.FloatRange(min=0.1), default=4.0, show_default=True),
    click.option("--partition"),
    click.option("--option", "options", multiple=True, metavar="TEXT", help="For Slurm: --option=--account=physics"),
    click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it; else it is printed."),
    group=cluster,
)  # fmt: skip
def slurm(
    screen: Screen, experiment: Path, nodes: int, cpus: int, hours: float, partition: str | None,
    options: tuple[str, ...], output: Path | None,
) -> int:  # fmt: skip
    """A batch script for Slurm that runs EXPERIMENT on all nodes of its job.

    \b
    metagenx cluster slurm film.yaml --nodes 4 --cpus 48 --hours 8 -o film.sbatch && sbatch film.sbatch
    """
    from metagenx.cluster.slurm import SlurmJob, slurm_script
    from metagenx.runs.files import write_atomically

    script = slurm_script(SlurmJob(experiment, nodes, cpus, hours, partition, options))
    if output is None:
        screen.result({"script": script}, script.rstrip("\n"))
    else:
        write_atomically(output, script)
        screen.result({"output": str(output)}, f"wrote {output}\n  sbatch {output}")
    return EXIT_REACHED


@command(
    "watch", click.argument("file", required=False, type=click.Path(path_type=Path)),
    click.option("--worker", is_flag=True, help="On a worker: shut it down when its Ray is gone."),
    click.option("--detach", is_flag=True, help="In the background."),
    group=cluster,
)  # fmt: skip
def watch(screen: Screen, file: Path | None, worker: bool, detach: bool) -> int:
    """The timer that the nodes of a cluster start themselves: ends the cluster when no run shows a sign of life."""
    from metagenx.cluster import watch as timer

    if file is None and not worker:
        raise click.UsageError("Name the cluster file, or --worker.")
    if detach and not timer.detach("watch-worker" if worker else "watch-head"):
        return EXIT_REACHED
    if worker:
        timer.watch_worker()
    elif file is not None:
        screen.result({}, timer.watch_head(file))
    return EXIT_REACHED


@command(
    "attach", click.argument("run", required=False, type=click.Path(path_type=Path)),
    click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True,
                 help="Where the run folders are."),
    click.option("--trust", is_flag=True, help="Run a script that leaves the safe subset: it is a program."),
    click.option("--stop", is_flag=True, help="End the run there, and bring home what is done."),
)  # fmt: skip
def attach(screen: Screen, run: Path | None, out: Path, trust: bool, stop: bool) -> int:
    """Pick up a run that was handed over to a cluster; RUN is its folder, default the latest.

    \b
    metagenx attach
    metagenx attach runs/film/latest --stop
    """
    from metagenx.cluster.tuning import attach as pick_up
    from metagenx.report.run import rebuild
    from metagenx.report.terminal import RunProgress
    from metagenx.runs import latest_run

    with RunProgress(screen) as progress:
        folder = pick_up(run or latest_run(out).path, stop=stop, progress=progress)
        page = rebuild(folder, trust=trust, say=screen.note)
    screen.result({"run": str(folder.path), "report": str(page)}, f"{folder.path} is here\n  {page}")
    return EXIT_REACHED
