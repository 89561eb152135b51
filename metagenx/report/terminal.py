"""What a person sees in the terminal: results, notes, progress; and what a program gets with --json."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.report.numbers import count, duration

if TYPE_CHECKING:
    from metagenx.fitting.de import State
    from metagenx.fitting.problem import Problem
    from metagenx.fitting.run import FitResult
    from metagenx.genx.audit import Audit
    from metagenx.meta.progress import Progress

# Updates a second in a terminal; elsewhere one line for every tenth of the work.
_UPDATES = 8
_BAR = 24
_PATHS = {
    "population": "a whole population at once",
    "recorded": "the script one candidate at a time, its curves for a whole population at once",
}


class Screen:
    """Where a command prints: results on stdout, all else on stderr.

    Parameters
    ----------
    as_json : one JSON object on stdout, nothing else there.
    quiet : no notes and no progress.
    color : None decides by the terminal.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False, color: bool | None = None) -> None:
        from rich.console import Console

        class Notes(Console):
            """Standard error: when its reader goes away, a run goes on in silence."""

            def on_broken_pipe(self) -> None:
                self.quiet = True

        self.as_json, self.quiet = as_json, quiet
        for stream in (sys.stdout, sys.stderr):
            # A terminal with another code page gets question marks, not a crash.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        self.err = Notes(stderr=True, no_color=color is False, highlight=False, soft_wrap=True)

    @property
    def shows_progress(self) -> bool:
        """Whether progress is wanted at all."""
        return not self.quiet

    def note(self, text: str) -> None:
        """Something worth knowing that is not the result."""
        if not self.quiet:
            self.err.print(text, markup=False, style="dim")

    def result(self, value: dict[str, Any], text: str, *, table: Mapping[str, Sequence[Any]] | None = None) -> None:
        """The result of the command: JSON, or text with a table above it."""
        if self.as_json:
            _write(json.dumps(_plain(value), ensure_ascii=True, allow_nan=False))
            return
        if table:
            text = f"{_table_text(table)}\n\n{text}"
        _write(text)

    def error(self, described: dict[str, Any], text: str) -> None:
        """What went wrong: for people on stderr, for programs on stdout."""
        self.err.print(text, markup=False, style="red")
        if self.as_json:
            _write(json.dumps({"error": _plain(described)}, ensure_ascii=True, allow_nan=False))


def _write(text: str) -> None:
    """A result on standard output, at once; raises BrokenPipeError if nobody reads it any more."""
    if sys.stdout is None:  # closed by the shell: nobody wants to know
        return
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    """Anything as JSON can hold it: no NaN (null instead), no numpy, no paths."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _table_text(table: Mapping[str, Sequence[Any]]) -> str:
    """Columns side by side, flush right."""
    columns = [[name, *map(_cell, values)] for name, values in table.items()]
    widths = [max(map(len, column)) for column in columns]
    return "\n".join(
        " ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):  # numpy's too
        return "-" if np.isnan(value) else f"{value:.6g}"
    return str(value)


def audit_text(audit: Audit) -> str:
    """The audit of a file, as `metagenx inspect` prints it."""
    from metagenx.fitting.schemes import OWN_SCHEMES

    used = [d for d in audit.data if d.use]
    sets = f"{len(audit.data)} data set" + ("s" if len(audit.data) != 1 else "")
    if len(used) != len(audit.data):
        sets += f" ({len(used)} used)"
    lines = [
        f"{audit.file}   GenX {audit.kind} · {audit.library}" + (f" · {audit.instrument}" if audit.instrument else "")
    ]
    lines.append(f"data       {sets}")
    for i, d in enumerate(audit.data):
        lines.append(
            f"           {i}  {d.name}: {d.n_points} points, x {d.x_min:g} to {d.x_max:g}"
            + ("" if d.use else ", not used")
        )
    if audit.sample:
        lines.append(f"sample     {audit.sample}        lengths in Å, from the substrate up")
    s = audit.settings
    population = f"{s.get('pop_mult')} x parameters" if s.get("use_pop_mult") else s.get("pop_size")
    how = f"km {s.get('km')} kr {s.get('kr')} population {population}"
    if s.get("create_trial") in OWN_SCHEMES:
        how = "with the population of its paper"
    lines.append(
        f"fit        {len(audit.fitted)} of {audit.n_rows} parameters · FOM {audit.fom_function} · "
        f"{s.get('create_trial')} {how}"
    )
    stored = "none stored" if audit.stored_fom is None else f"stored {audit.stored_fom:.6g}"
    same = {True: "   same physics", False: "   NOT the same", None: ""}[audit.same_physics]
    lines.append(f"FOM        {stored}   recomputed {audit.recomputed_fom:.6g}{same}")
    if audit.path:
        cost = (
            f", {audit.microseconds_per_evaluation:.0f} µs per evaluation" if audit.microseconds_per_evaluation else ""
        )
        why = f" ({audit.why_not})" if audit.why_not else ""
        path = _PATHS.get(audit.path, "one candidate at a time")
        lines.append(f"evaluated  {path}{why}{cost}")
    lines += [f"! {text}" for text in audit.warnings]
    lines += [f"note: {text}" for text in audit.notices]
    return "\n".join(lines)


class _Live:
    """A block of text that is redrawn in a terminal, and printed now and then elsewhere."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._live: Any = None
        self._last = 0.0
        self._tenth = -1
        self._begun = time.monotonic()

    def __enter__(self) -> Any:
        if self._screen.shows_progress and self._screen.err.is_terminal:
            from rich.live import Live

            self._live = Live(console=self._screen.err, refresh_per_second=_UPDATES, transient=True)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)
            self._live = None

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._begun

    def due(self, part: float) -> bool:
        """Whether it is time to show something, with so much of the work done."""
        if not self._screen.shows_progress:
            return False
        if self._live is not None:
            return time.monotonic() - self._last >= 1.0 / _UPDATES
        return int(10 * part) > self._tenth

    def show(self, part: float, line: str, block: str = "") -> None:
        """Draw a block in a terminal, or print its first line elsewhere."""
        self._last, self._tenth = time.monotonic(), int(10 * part)
        if self._live is not None:
            from rich.text import Text

            self._live.update(Text(f"{line}\n{block}" if block else line))
        else:
            self._screen.err.print(line, markup=False)


class FitProgress(_Live):
    """Progress of one fit: FOM, speed, and where the population is between the limits."""

    def __init__(self, screen: Screen, problem: Problem, evaluations: int) -> None:
        super().__init__(screen)
        self._problem, self._total = problem, max(1, evaluations)
        self._earlier, self._now, self._runs, self._best = 0, 0, 1, np.inf

    def __call__(self, state: State) -> None:
        """Hear of one generation."""
        if state.evaluations < self._now:
            self._earlier, self._runs = self._earlier + self._now, self._runs + 1
        self._now = state.evaluations
        self._best = min(self._best, state.best_fom)
        self._draw(state)

    def made_elsewhere(self, run: FitResult) -> None:
        """Hear of a run that another process has made."""
        self._earlier, self._runs = self._earlier + run.evaluations, self._runs + 1
        self._best = min(self._best, run.fom)

    def _draw(self, state: State) -> None:
        done = self._earlier + self._now
        part = min(1.0, done / self._total)
        if not self.due(part):
            return
        speed = done / max(self.seconds, 1e-9)
        line = f"{_bar(part)} {100 * part:3.0f} %  run {self._runs}  generation {state.generation}"
        line += f"  FOM {state.best_fom:.6g}  best {self._best:.6g}  {speed:,.0f} evaluations/s"
        self.show(part, line, _spread(self._problem.names, self._problem.bounds, state))


def _bar(part: float) -> str:
    full = round(_BAR * part)
    return "[" + "=" * full + " " * (_BAR - full) + "]"


def _spread(names: tuple[str, ...], bounds: np.ndarray, state: State) -> str:
    """One line per parameter: the population between its limits, the best marked."""
    width = max(map(len, names))
    lines = []
    for i, name in enumerate(names):
        low, high = bounds[i]
        scale = (_BAR - 1) / ((high - low) or 1.0)
        place = np.clip(
            (np.array([*np.quantile(state.population[:, i], [0, 1]), state.best[i]]) - low) * scale, 0, _BAR - 1
        )
        first, last, best = place.astype(int)
        bar = "".join("#" if k == best else "=" if first <= k <= last else " " for k in range(_BAR))
        lines.append(f"  {name:<{width}}  {low:>10.4g} [{bar}] {high:<10.4g}  {state.best[i]:.6g}")
    return "\n".join(lines)


class RunProgress(_Live):
    """Progress of many fits: what the run says of itself, and how much of the budget is spent."""

    _ALWAYS = frozenset({"started", "round", "notice", "stopping"})

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        # When fits began, and what was done by then: earlier sessions say nothing about the speed of this one.
        self._begun_with: tuple[float, int, int] | None = None

    def __call__(self, progress: Progress) -> None:
        """Hear one message of the run."""
        if progress.kind == "finished" or (progress.kind == "round" and progress.stage == "repeat"):
            return  # the result itself follows
        if progress.kind in self._ALWAYS:
            self._screen.note(progress.text)
            return
        # The budget of a robustness test or a batch is counted in fits or files, that of a race in evaluations.
        done = progress.fits if progress.stage in ("repeat", "batch") else progress.evaluations
        part = min(1.0, done / progress.budget) if progress.budget else 0.0
        if self._begun_with is None:
            self._begun_with = (self.seconds, done, progress.evaluations)
        if not self.due(part):
            return
        begun, before, evaluations_before = self._begun_with
        elapsed, evaluations = self.seconds - begun, progress.evaluations - evaluations_before
        speed = f"  {count(evaluations / elapsed)} evaluations/s" if evaluations and elapsed > 1 else ""
        new = (done - before) / progress.budget if progress.budget else 0.0
        left = f"  about {duration(elapsed * (1 - part) / new)} left" if new > 0.02 else ""
        what = "files" if progress.stage == "batch" else "fits"
        self.show(part, f"{_bar(part)} {100 * part:3.0f} %  {progress.stage:<12} {progress.fits} {what}{speed}{left}")
