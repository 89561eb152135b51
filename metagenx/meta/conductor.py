"""Between the rounds that a plan asks for and those who do the work, wherever they are.

The conductor opens a round's blocks as tasks, takes records in whatever order they arrive, has them written
to the journal before it believes them, and closes the round when its last block is done. Records known from
the journal count as done, so a run that was killed goes on where it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from metagenx.errors import MetagenxError
from metagenx.fitting.settings import Settings
from metagenx.meta.blocks import Block
from metagenx.meta.objective import Contender
from metagenx.meta.records import FitRecord

TASKS_OF_A_WORKER = 6
"""Tasks of a round for each worker: the more, the shorter is the wait for the last; each costs the driver some ms."""


class Rounds(Protocol):
    """A plan in rounds: the race of a tuning run, or the one round of a robustness test."""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to run."""

    @property
    def round(self) -> int:
        """Number of the round that is open."""

    @property
    def blocks(self) -> list[Block]:
        """What the open round wants done."""

    @property
    def contenders(self) -> dict[str, Contender]:
        """All settings, by name."""

    def may_return(self, setting: str) -> bool:
        """Whether a later round may ask for this setting again."""

    def foreseen(self, setting: str, sample: str) -> float:
        """About how many evaluations a fit will take; only the order and the size of tasks follow from it."""

    def complete(self, records: Sequence[FitRecord], *, out_of_time: bool = False) -> Any:
        """Take the records of the round's blocks and open the next one."""


@dataclass
class Task:
    """Work for one trial: blocks of one setting, done one after the other.

    ``name`` is what the trial is called; the same setting has the same name in every round of the search.
    """

    name: str
    setting: str
    settings: Settings
    blocks: list[Block]


class Conductor:
    """Rounds, tasks and records of one run; see the module.

    Parameters
    ----------
    rounds : the plan.
    known : records of the journal.
    write : stores new records durably; called before they count.
    on_round : called with what :meth:`Rounds.complete` returned, when a round is over.
    out_of_time : asked when a round is over; True ends the plan.
    slices : about how many tasks a round has, at the least, if it has so many fits.

    Attributes
    ----------
    error : what ended the run early; work stops and nothing new is given out.
    done : all records, by key.
    evaluations : of all records.
    slices : see above; may change between rounds.
    """

    def __init__(
        self,
        rounds: Rounds,
        *,
        known: Iterable[FitRecord] = (),
        write: Callable[[Sequence[FitRecord]], None] = lambda records: None,
        on_round: Callable[[Any], None] = lambda decision: None,
        out_of_time: Callable[[int], bool] = lambda round: False,
        slices: int = 1,
    ) -> None:
        self.rounds = rounds
        self.error: BaseException | None = None
        self.done = {record.key: record for record in known}
        self.evaluations = sum(record.evaluations for record in self.done.values())
        self.tasks: dict[str, Task] = {}
        self._write, self._on_round, self._out_of_time, self.slices = write, on_round, out_of_time, slices
        self._open()

    @property
    def stopping(self) -> bool:
        """Whether work must end: nothing is left, or something went wrong."""
        return self.error is not None or self.rounds.finished

    def record(self, name: str, records: Sequence[FitRecord]) -> None:
        """Take records of a task; what is known already is not counted again.

        What goes wrong on the way (a full disk, an interrupt) is kept in :attr:`error` and ends the run.
        """
        new = {record.key: record for record in records if record.key not in self.done}
        try:
            if new:
                self._write(list(new.values()))
            self.done.update(new)
            self.evaluations += sum(record.evaluations for record in new.values())
            self._advance(name)
        except (MetagenxError, OSError) as error:
            self.error = error

    def _advance(self, name: str) -> None:
        task = self.tasks.get(name)
        if task is not None:
            task.blocks = [left for block in task.blocks if (left := block.without(self.done)) is not None]
            if not task.blocks:
                del self.tasks[name]
                if not self.tasks:
                    self._close()
                    self._open()

    def _open(self) -> None:
        """Make tasks of what is missing; rounds that are complete in the journal are closed on the way."""
        while not self.rounds.finished and not self.tasks:
            missing = [left for block in self.rounds.blocks if (left := block.without(self.done)) is not None]
            if missing:
                self._share_out(missing)
            else:
                self._close()

    def _share_out(self, blocks: Sequence[Block]) -> None:
        """Tasks of a round, the longest first, none of much more than its part of all work.

        So a task that is begun last does not keep the others waiting. Fits of a sequence stay together.
        """
        of_a_fit = {(b.setting, b.sample): max(1.0, self.rounds.foreseen(b.setting, b.sample)) for b in blocks}

        def work(block: Block) -> float:
            fits = len(block.repeats) * of_a_fit[block.setting, block.sample]
            return fits if block.evaluations is None else min(fits, float(block.evaluations))

        most = sum(map(work, blocks)) / self.slices
        shares: dict[tuple[str, str], list[list[Block]]] = {}
        for block in blocks:
            tasks = shares.setdefault((block.setting, block.phase), [])
            for piece in block.slices(math.ceil(work(block) / most)):
                if not tasks or sum(map(work, tasks[-1])) + work(piece) > most:
                    tasks.append([])
                tasks[-1].append(piece)
        named = {}
        for (setting, phase), tasks in shares.items():
            name = setting if phase == "search" else f"{setting} {phase}"
            for number, pieces in enumerate(tasks, start=1):
                own = f"{name} {number}" if len(tasks) > 1 else name
                named[own] = Task(own, setting, self.rounds.contenders[setting].settings, pieces)
        self.tasks = dict(sorted(named.items(), key=lambda item: -sum(map(work, item[1].blocks))))

    def _close(self) -> None:
        records = [record for block in self.rounds.blocks for record in block.records(self.done)]
        number = self.rounds.round
        self._on_round(self.rounds.complete(records, out_of_time=self._out_of_time(number)))
