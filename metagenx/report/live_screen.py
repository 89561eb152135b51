"""What a person sees of a beam time in the terminal: the verdict, the parameters, the last files."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from metagenx.report.numbers import with_error

if TYPE_CHECKING:
    from metagenx.report.terminal import Screen

_COLOURS = {"good": "bold green", "info": "bold cyan", "warning": "bold yellow", "bad": "bold white on red"}
_FILES = 8


class LiveScreen:
    """Shows a beam time; with --json a line of JSON for everything that happens.

    A context manager. In a terminal the screen stays, and is redrawn; elsewhere there is a line for each verdict.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._live: Any = None
        self._place = ""
        self._last: Mapping[str, Any] = {}
        self._files: list[str] = []

    def __enter__(self) -> LiveScreen:
        if not self._screen.as_json and self._screen.shows_progress and self._screen.err.is_terminal:
            from rich.live import Live

            self._live = Live(console=self._screen.err, refresh_per_second=4, transient=True)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._live is not None:
            self._live.__exit__(None, None, None)
            self._live = None

    def begun(self, place: str, folder: str, names: tuple[str, ...]) -> None:
        """The session has begun."""
        self._place = place
        if self._screen.as_json:
            self._screen.result({"kind": "begun", "place": place, "run": folder, "parameters": list(names)}, "")
        else:
            self._screen.note(f"watching {place}; everything is kept in {folder}")
        self._draw()

    def update(self, update: Mapping[str, Any]) -> None:
        """A verdict."""
        self._last = update
        again = " (looked at again)" if update["is_check"] else ""
        self._files = [*self._files[-(_FILES - 1) :], f"{update['file']}{again}: {update['points']} points"]
        if self._screen.as_json:
            self._screen.result({key: value for key, value in update.items() if key != "minima"}, "")
        elif self._live is None:
            self._screen.result({}, f"{update['number']:>4}  {update['file']}{again}  {update['line']}")
        self._draw()

    def trouble(self, name: str, reason: str) -> None:
        """A file that cannot be used."""
        if self._screen.as_json:
            self._screen.result({"kind": "trouble", "file": name, "reason": reason}, "")
        self._screen.note(f"! {name}: {reason}")
        self._files = [*self._files[-(_FILES - 1) :], f"! {name}: {reason}"]
        self._draw()

    def say(self, text: str) -> None:
        """Something worth knowing."""
        self._screen.note(text)

    def ended(self, folder: str, updates: int, line: str) -> None:
        """The session is over."""
        self._stop()
        value = {"kind": "ended", "run": folder, "updates": updates, "verdict": line}
        self._screen.result(value, f"{line or 'nothing was fitted'}\n{updates} updates in {folder}")

    def _draw(self) -> None:
        if self._live is None:
            return
        from rich.console import Group
        from rich.panel import Panel
        from rich.table import Table
        from rich.text import Text

        last = self._last
        line = str(last.get("line") or f"waiting for the first file in {self._place} …")
        parts: list[Any] = [Panel(Text(line, style=_COLOURS.get(str(last.get("level", "info")), "bold")))]
        if last:
            table = Table(box=None, padding=(0, 2))
            for title in ("parameter", "value", "error", "at a limit"):
                table.add_column(title, justify="left" if title == "parameter" else "right")
            for name, value in last["values"].items():
                error = last["errors"].get(name)
                shown = "?" if value is None else with_error(value, error or 0.0)
                table.add_row(name, shown, f"{error:.2g}" if error else "?", last["limits"].get(name, ""))
            parts.append(table)
        parts.append(Text("\n".join(self._files[-_FILES:]), style="dim"))
        self._live.update(Group(*parts))
