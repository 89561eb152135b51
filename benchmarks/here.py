"""A tuning run in this process, without Ray and without a folder: the race of ``metagenx tune`` and its fits."""

from __future__ import annotations

from collections.abc import Callable

from metagenx.fitting.settings import Settings
from metagenx.meta.blocks import run_one
from metagenx.meta.experiment import Experiment
from metagenx.meta.preparation import prepare
from metagenx.meta.records import FitRecord
from metagenx.meta.tune import new_race
from metagenx.meta.verdict import Verdict, judge


def race_here(experiment: Experiment, look: Callable[[FitRecord], None] | None = None) -> tuple[Verdict, Settings, int]:
    """The verdict, the settings of the answer, and the evaluations that were spent; ``look`` sees every fit."""
    preparation = prepare(experiment, trust=True)
    assert experiment.budget.evaluations is not None
    race = new_race(preparation, experiment.budget.evaluations)
    while not race.finished:
        records = []
        for block in race.blocks:
            left = block
            settings = race.contenders[block.setting].settings
            while left is not None:
                source = preparation.sources[left.sample]
                records.append(run_one(left, source, settings, seed=experiment.seed, start=preparation.start))
                if look is not None:
                    look(records[-1])
                left = left.after(records[-1])
        race.complete(records)
    answer = judge(race)
    return answer, race.contenders[answer.winner or answer.baseline].settings, race.spent
