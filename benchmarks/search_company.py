"""Searches side by side on one problem: what they ask for in the same moment is evaluated in one batch.

A candidate's FOM does not depend on its company (tests/test_reference_cases.py), so every search goes as it would
alone; only the seconds are not its own. Each search has a thread; the thread that waits for all of them evaluates.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting.problem import FloatArray
from metagenx.genx.deviations import Deviations
from metagenx.genx.population import ModelProblem


@dataclass
class _Asked:
    kind: str
    vectors: FloatArray
    answer: Any = None


class Companion:
    """The problem as one search sees it."""

    def __init__(self, company: Company) -> None:
        problem = company.problem
        self.names, self.bounds, self.start = problem.names, problem.bounds, problem.start
        self.last_failure: str | None = None
        self._company = company

    def evaluate(self, vectors: FloatArray) -> FloatArray:
        return np.asarray(self._company.ask("evaluate", vectors))

    def deviations(self, vectors: FloatArray) -> Deviations:
        found: Deviations = self._company.ask("deviations", vectors)
        return found


class Company:
    """Runs searches side by side; each is a function of the problem."""

    def __init__(self, problem: ModelProblem) -> None:
        self.problem = problem
        self._asked: list[_Asked] = []
        self._changed = threading.Condition()
        self._active = 0
        self._errors: list[BaseException] = []

    def run(self, searches: Sequence[Callable[[Companion], None]]) -> None:
        """Run all of them to their ends; the first error of any is raised when the others have ended."""
        self._active = len(searches)
        threads = [threading.Thread(target=self._search, args=(search,)) for search in searches]
        for thread in threads:
            thread.start()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: len(self._asked) == self._active)
                if not self._active:
                    break
                asked, self._asked = self._asked, []
            for kind in ("evaluate", "deviations"):
                self._answer([one for one in asked if one.kind == kind])
            with self._changed:
                self._changed.notify_all()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def ask(self, kind: str, vectors: FloatArray) -> Any:
        """Called by a search: waits until all others have asked too, or ended."""
        one = _Asked(kind, np.ascontiguousarray(vectors, dtype=float))
        with self._changed:
            self._asked.append(one)
            self._changed.notify_all()
            self._changed.wait_for(lambda: one.answer is not None)
        if isinstance(one.answer, InputError):
            raise one.answer
        return one.answer

    def _search(self, search: Callable[[Companion], None]) -> None:
        try:
            search(Companion(self))
        except BaseException as error:  # told by run
            self._errors.append(error)
        with self._changed:
            self._active -= 1
            self._changed.notify_all()

    def _answer(self, asked: list[_Asked]) -> None:
        if not asked:
            return
        ends = np.cumsum([len(one.vectors) for one in asked])
        together = np.concatenate([one.vectors for one in asked])
        if asked[0].kind == "evaluate":
            foms = self.problem.evaluate(together)
            for one, part in zip(asked, np.split(foms, ends[:-1]), strict=True):
                one.answer = part
            return
        try:
            found = self.problem.deviations(together)
        except InputError as error:
            for one in asked:
                one.answer = error
            return
        for one, end in zip(asked, ends.tolist(), strict=True):
            rows = slice(end - len(one.vectors), end)
            one.answer = replace(found, differences=found.differences[rows], prior=found.prior[rows])
