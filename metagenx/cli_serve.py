"""The commands ``metagenx serve``, ``start-server``, ``stop-server``: parse, call, print, exit code; no logic."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from metagenx.cli import OUT, WORKERS, Command, command
from metagenx.errors import EXIT_REACHED

if TYPE_CHECKING:
    from metagenx.report.terminal import Screen


def server_options(function: Command) -> Command:
    """The options of a server; the command gets them together, as ``how``."""

    @functools.wraps(function)
    def run(*, host: str, port: int, token: bool, workers: int | None, trust: bool, **others: Any) -> int:
        return function(how={"host": host, "port": port, "token": token, "workers": workers, "trust": trust}, **others)

    decorated: Any = run
    for option in (
        WORKERS,
        click.option("--trust", is_flag=True,
                     help="Run scripts outside the safe subset too, where this system can isolate them."),
        click.option("--token", is_flag=True, help="Ask for a token here too; on other addresses it is always asked."),
        click.option("--port", type=click.IntRange(0, 65535), default=8014, show_default=True, help="0: a free one."),
        click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0: everywhere."),
    ):  # fmt: skip
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


@command(
    "serve", click.argument("files", nargs=-1, type=click.Path(path_type=Path)), OUT, server_options,
    click.option("--fit", "fit_first", is_flag=True, help="Fit the first of FILES at once."),
    click.option("--tests", type=click.Path(path_type=Path), help="What to measure: a .yaml, or a .py with --trust."),
)  # fmt: skip
def serve(
    screen: Screen, files: tuple[Path, ...], out: Path, how: dict[str, Any], fit_first: bool, tests: Path | None
) -> int:
    """The web page: drop a GenX file, press a button, watch the fit; FILES are there from the beginning.

    Ctrl-C ends the server, not its jobs: it finds them again when it starts.

    \b
    metagenx serve                       open the address that it prints
    metagenx serve film.hgx --port 0
    metagenx serve --host 0.0.0.0        for others, who need the token in the address
    """
    from metagenx.serve.server import serve as run_server

    run_server(
        out, **how, files=files, fit=fit_first, tests=tests, say=screen.note,
        ready=lambda url: screen.result({"url": url}, url),
    )  # fmt: skip
    return EXIT_REACHED


@command(
    "start-server", OUT, server_options,
    click.option("--fit", "file", type=click.Path(path_type=Path), help="A GenX file to fit at once."),
    click.option("--tests", type=click.Path(path_type=Path), help="What to measure: a .yaml, or a .py with --trust."),
)  # fmt: skip
def start_server(screen: Screen, out: Path, how: dict[str, Any], file: Path | None, tests: Path | None) -> int:
    """Start the server of `serve` in the background.

    \b
    metagenx start-server --fit=example.gx --tests=example_tests.py --trust
    """
    from metagenx.serve.server import arguments_of
    from metagenx.serve.server import start_server as start

    found = start(out, arguments_of(how, file, tests))
    screen.result(found, f"{found['url']}\n  metagenx stop-server")
    return EXIT_REACHED


@command("stop-server", OUT)
def stop_server(screen: Screen, out: Path) -> int:
    """Stop the server of a folder; its jobs go on.

    \b
    metagenx stop-server
    """
    from metagenx.serve.server import stop_server as stop

    found = stop(out)
    screen.result(found, f"stopped {found['address']}")
    return EXIT_REACHED
