"""Rounds that ask again for what was said to be over: the work goes on all the same."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from metagenx.errors import Interrupted
from metagenx.fitting.settings import Settings
from metagenx.meta.blocks import Block, StartRule
from metagenx.meta.conductor import Conductor
from metagenx.meta.objective import Contender
from metagenx.meta.problem_source import ProblemSource
from metagenx.meta.ray_session import ray_session
from metagenx.meta.records import FitRecord

ROUNDS = 3


class Forgetful:
    """More settings than workers in every round, of which it says each time that they will not come back."""

    def __init__(self) -> None:
        short = Settings(use_pop_mult=False, pop_size=8, use_max_generations=True, max_generations=5)
        self.contenders = {
            name: Contender(name, short.replace(km=km), name)
            for name, km in zip("abcd", (0.4, 0.5, 0.6, 0.7), strict=True)
        }
        self.round, self.seen = 0, list[FitRecord]()

    @property
    def finished(self) -> bool:
        return self.round == ROUNDS

    @property
    def blocks(self) -> list[Block]:
        return [Block("search", name, "data", (2 * self.round, 2 * self.round + 1)) for name in self.contenders]

    def may_return(self, setting: str) -> bool:
        return False

    def foreseen(self, setting: str, sample: str) -> float:
        return 1.0

    def complete(self, records: Sequence[FitRecord], *, out_of_time: bool = False) -> None:
        self.seen += records
        self.round += 1


def test_a_stopped_trial_is_replaced_when_its_setting_is_wanted_again(tmp_path: Path) -> None:
    plan = Forgetful()
    # One task for a setting and round, so that the same names come back.
    conductor = Conductor(plan)
    source = ProblemSource.from_function(f"{Path(__file__).with_name('problems.py')}:rastrigin")
    with ray_session(2, log_folder=tmp_path / "ray", dashboard=False) as session:
        from metagenx.meta.ray_tune import run_on_tune  # after the session: Ray reads its environment at once

        late = time.monotonic() + 90.0

        def stop() -> None:
            if time.monotonic() > late:
                conductor.error = conductor.error or Interrupted("the work stands still")

        run_on_tune(
            conductor,
            session,
            sources={"data": source},
            seed=1,
            start=StartRule(),
            title="forgetful",
            folder=tmp_path / "ray",
            should_stop=stop,
        )
    assert sorted((record.setting, record.repeat) for record in plan.seen) == [
        (name, repeat) for name in "abcd" for repeat in range(2 * ROUNDS)
    ]
