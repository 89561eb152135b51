"""The rules of a race, who runs in it, and what a round decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metagenx.meta.objective import Contender
from metagenx.meta.paired_test import N_PERMUTATIONS
from metagenx.meta.records import BASELINE
from metagenx.meta.running_time import N_DRAWS
from metagenx.meta.space_changes import Change
from metagenx.meta.tuner_settings import TunerSettings

SHIPPED = "shipped"
"""Setting id of the file's settings exactly as GenX runs them: the whole run, no stop at stagnation."""

FEWEST_FITS = 10  # of a setting in confirmation and validation; if the budget pays for fewer, no answer is given
COMFORTABLE_FITS = 20  # of a setting on each sample in the validation; else twins are left out of it
FEWEST_SHIPPED, MOST_SHIPPED = 3, 20
FEWEST_CHALLENGERS = 4
FEWEST_PROBED, MOST_PROBED = 4, 20
FORESEEN = 3  # fits of a setting on a sample that tell what its next fits will cost


@dataclass(frozen=True)
class Precision:
    """How many random draws are behind the tests and intervals of a race.

    Parameters
    ----------
    drop : behind the test by which settings are dropped; its levels are near 0.03, and it is made on every rung.
    permutations : of the paired test.
    draws : behind the interval of the answer's gain.
    """

    drop: int = 999
    permutations: int = N_PERMUTATIONS
    draws: int = N_DRAWS


@dataclass(frozen=True)
class RaceRules:
    """What a race may spend and how.

    Parameters
    ----------
    evaluations : of the whole run.
    trials : settings proposed at most; fewer if the budget cannot compare so many.
    cohorts : rounds of proposals; a later cohort knows how the earlier ones did.
    validate : most fits of a setting in the validation.
    drop_losers : with False there is no race: every setting is fitted ``repeats`` times.
    repeats : fits of a setting on a sample in the search, at the most.
    baseline : the setting to beat.
    seed : of the tests' random numbers.
    probe_share : most of the budget for a first look at a few settings, before the search; 0: none.
    tuner : how the race is run; its ``trials`` and ``cohorts`` are not read, those above are.
    precision : random draws behind the tests.
    """

    evaluations: int
    trials: int = 40
    cohorts: int = 3
    validate: int = 200
    drop_losers: bool = True
    repeats: int = 60
    baseline: str = BASELINE
    seed: int = 0
    tuner: TunerSettings = field(default_factory=TunerSettings)
    shipped_share: float = 0.08
    probe_share: float = 0.0
    precision: Precision = field(default_factory=Precision)


@dataclass
class Runner:
    """Where one setting is in the race: rungs climbed, and why it left."""

    contender: Contender
    cohort: int
    rung: int = 0
    left: str | None = None


@dataclass(frozen=True)
class Decision:
    """What a completed round decided, for the journal and the timeline of the report.

    ``space`` are the changes of an automatic search space that its proposals began with.
    """

    round: int
    stage: str
    evaluations: int
    best: Mapping[str, float]
    incumbent: str
    left: Mapping[str, str]
    note: str = ""
    out_of_time: bool = False
    space: tuple[Change, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "evaluations": self.evaluations,
            "best": dict(self.best),
            "incumbent": self.incumbent,
            "left": dict(self.left),
            "note": self.note,
            "out_of_time": self.out_of_time,
            **({"space": [change.to_json() for change in self.space]} if self.space else {}),
        }

    @property
    def text(self) -> str:
        """The round in one line."""
        left = f", {len(self.left)} settings left the race" if self.left else ""
        note = f": {self.note}" if self.note else ""
        space = f", the search space changes: {'; '.join(change.text for change in self.space)}" if self.space else ""
        return f"round {self.round} ({self.stage}) is over, ahead: {self.incumbent}{left}{note}{space}"
