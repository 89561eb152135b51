"""Real, small tuning runs with a tuner's settings: what was found by replay is confirmed, or is not.

One run is the race of ``metagenx tune`` with real fits, its blocks done one after the other in this process, so that a
run is one task of Ray's. The settings that it would validate and the default are then fitted on samples that the race
has not seen, with fresh repeats; that difference is the value of the run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from metagenx.experience.features import features_of_file
from metagenx.fitting.settings import Settings
from metagenx.meta.automatic_proposals import AutomaticProposals
from metagenx.meta.automatic_space import define_space
from metagenx.meta.blocks import FIRST_REPEAT, Block, StartRule, run_one
from metagenx.meta.families import HELD_OUT_FROM, MEASURED_FAMILIES, sample
from metagenx.meta.objective import Contender, standing
from metagenx.meta.places import longest_fit
from metagenx.meta.problem_source import ProblemSource, open_problem
from metagenx.meta.race import Race
from metagenx.meta.race_rules import RaceRules
from metagenx.meta.records import BASELINE, FitRecord
from metagenx.meta.replay import DEFAULT, SUPERSET
from metagenx.meta.replayed_tuning import held_best
from metagenx.meta.space_definition import PROBE_SHARE
from metagenx.meta.space_experience import shape_of, taught_by_tables
from metagenx.meta.space_file import load_space
from metagenx.meta.statistics import BestKnown, Target
from metagenx.meta.tuner_settings import TunerSettings
from metagenx.meta.twins import best_of

N_SEARCHED, N_JUDGED = 2, 2  # samples of a family that the race sees, and others by which its answer is judged
ERRORBAR_LEVEL = 1.05
START = StartRule(0.0)


@dataclass(frozen=True)
class RealRun:
    """What a real tuning run came to; ``value`` in decades with its standard error, 0 where the default was kept."""

    family: str
    seed: int
    value: float
    error: float
    changed: bool
    evaluations: int
    settings: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> RealRun:
        """Inverse of :meth:`to_json`."""
        return cls(**data)


def tune_really(tuner: TunerSettings, family: str, budget: int, repeats: int, seed: int) -> RealRun:
    """A tuning run of ``budget`` evaluations on a family of simulated films, judged by ``repeats`` fits a sample."""
    numbers = [*range(N_SEARCHED), *range(HELD_OUT_FROM, HELD_OUT_FROM + N_JUDGED)]
    samples = {f"{family}.{number}": sample(family, number) for number in numbers}
    sources, best = {}, {}
    for name, item in samples.items():
        sources[name] = ProblemSource.from_model(item.model, f"{name}.hgx", place=name)
        best[name] = best_of(open_problem(sources[name]), item.truth, errorbar_level=ERRORBAR_LEVEL)
    searched, judged = list(samples)[:N_SEARCHED], list(samples)[N_SEARCHED:]
    space, n_dim = load_space(SUPERSET), len(open_problem(sources[searched[0]]).names)
    baseline = space.settings(dict(DEFAULT), Settings(use_start_guess=False))
    taught = taught_by_tables([name for name in MEASURED_FAMILIES if name != family])
    shape = shape_of(features_of_file(samples[searched[0]].model.file))
    defined = define_space(space, shape, budget, taught, tuner.space_policy)
    race = Race(
        RaceRules(
            budget,
            trials=tuner.trials,
            cohorts=tuner.cohorts,
            seed=seed,
            tuner=tuner,
            probe_share=PROBE_SHARE,
            repeats=max(RaceRules(budget).repeats, tuner.most_repeats),
        ),
        [Contender(BASELINE, baseline, "file", pinned=True)],
        AutomaticProposals(defined, baseline, tuner=tuner, seed=seed, n_dim=n_dim),
        searched,
        best={name: best[name] for name in searched},
        longest=lambda settings: longest_fit(settings, n_dim),
    )
    while race.stage not in ("validation", "done"):
        blocks = [(block, race.contenders[block.setting].settings) for block in race.blocks]
        race.complete([r for block, settings in blocks for r in _fits(block, sources[block.sample], settings, seed)])
    answer = held_best(race)
    if answer.hash() == baseline.hash():
        return RealRun(family, seed, 0.0, 0.0, False, race.spent, {})
    ours, theirs = (
        _judged(name, settings, sources, judged, best, repeats, seed)
        for name, settings in (("answer", answer), (BASELINE, baseline))
    )
    error = math.hypot(ours.error, theirs.error)
    changed = {name: getattr(answer, name) for name in space.names}
    return RealRun(family, seed, ours.score - theirs.score, error, True, race.spent, changed)


def _judged(
    name: str,
    settings: Settings,
    sources: dict[str, ProblemSource],
    samples: list[str],
    best: dict[str, BestKnown],
    repeats: int,
    seed: int,
) -> Any:
    numbers = tuple(range(FIRST_REPEAT["validation"], FIRST_REPEAT["validation"] + repeats))
    records = {
        place: _fits(Block("validation", name, place, numbers), sources[place], settings, seed) for place in samples
    }
    return standing(records, {place: best[place] for place in samples}, Target())


def _fits(block: Block, source: ProblemSource, settings: Settings, seed: int) -> list[FitRecord]:
    found, left = [], block
    while left is not None:
        found.append(run_one(left, source, settings, seed=seed, start=START))
        left = left.after(found[-1])  # type: ignore[assignment]
    return found
