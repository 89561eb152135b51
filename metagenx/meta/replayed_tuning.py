"""A whole tuning run without a fit: the race of ``metagenx tune`` on a tabular benchmark, in a tenth of a second or so.

Race, proposals and verdict are those of a real run. Only the place where blocks are worked off is another: what the
benchmark draws is kept as arrays, and looks like records in which a hit has the figure of merit 1 and everything else
2. Tests and intervals have fewer random draws behind them, and what only a report needs is not computed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.fitting import streams
from metagenx.fitting.settings import Settings
from metagenx.meta.automatic_proposals import AutomaticProposals
from metagenx.meta.automatic_space import DefinedSpace
from metagenx.meta.blocks import Block
from metagenx.meta.objective import Contender, Standing, standing_of_runs
from metagenx.meta.places import longest_fit
from metagenx.meta.proposals import Proposals
from metagenx.meta.race import Race
from metagenx.meta.race_rules import Precision, RaceRules
from metagenx.meta.records import BASELINE, FitRecord
from metagenx.meta.replay import TabularBenchmark
from metagenx.meta.space import SearchSpace
from metagenx.meta.space_definition import PROBE_SHARE
from metagenx.meta.statistics import BestKnown, Runs
from metagenx.meta.tuner_settings import TunerSettings
from metagenx.meta.verdict import Verdict, accepted_winner, judge

HIT, MISS = 1.0, 2.0  # figures of merit
PRECISION = Precision(drop=199, permutations=999, draws=1000)  # of one decision; a replay is judged by many
ROUGH = Precision(drop=99, permutations=199, draws=100)  # where many replays make one figure


@dataclass(frozen=True)
class ReplayedAnswer:
    """What a replayed tuning run returned.

    Parameters
    ----------
    settings : those of the answer: the winner's, or the baseline's.
    spent : evaluations of all runs.
    trajectory : after each round the evaluations spent so far and the settings held to be the best.
    """

    settings: Settings
    spent: int
    trajectory: tuple[tuple[int, Settings], ...]
    race: Race

    @cached_property
    def verdict(self) -> Verdict:
        """With all that a report tells; it takes longer than the whole replay."""
        return judge(self.race)


class _DrawnFits(Sequence[FitRecord]):
    """Fits of a setting on a sample in a phase: arrays, which look like records to whoever asks for one."""

    def __init__(self, phase: str, setting: str, sample: str) -> None:
        self.phase, self.setting, self.sample = phase, setting, sample
        self.runs = Runs(np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64))
        self.evaluations = 0

    def add(self, costs: NDArray[np.int64], hits: NDArray[np.bool_], repeats: Sequence[int]) -> None:
        """Fits whose numbers go on where those that are here end."""
        old = self.runs
        self.runs = Runs(
            np.concatenate([old.costs, np.maximum(costs, 1)]),
            np.concatenate([old.hits, hits]),
            np.concatenate([old.repeats, np.asarray(repeats, dtype=np.int64)]),
        )
        self.evaluations += int(costs.sum())

    def __len__(self) -> int:
        return len(self.runs.costs)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        cost, fom = int(self.runs.costs[place]), HIT if self.runs.hits[place] else MISS
        repeat = int(self.runs.repeats[place])
        return FitRecord(
            self.phase, self.setting, self.sample, repeat, fom, (), cost, 0, "stagnation", 0.0, ((cost, fom),)
        )


@dataclass
class _ReplayedRace(Race):
    """The race on drawn fits. f* never changes here, so only new fits change how a setting stands: it is remembered."""

    _standings: dict[tuple[str, str, tuple[str, ...]], tuple[int, Standing]] = field(default_factory=dict)

    def take(self, block: Block, costs: NDArray[np.int64], hits: NDArray[np.bool_]) -> None:
        """The fits of a block."""
        key = block.phase, block.setting, block.sample
        if key not in self.records:
            self.records[key] = _DrawnFits(*key)  # type: ignore[assignment]
        self._drawn(*key).add(costs, hits, block.repeats[: len(costs)])
        self.spent += int(costs.sum())

    def _drawn(self, phase: str, name: str, sample: str) -> _DrawnFits:
        found: Any = self.records.get((phase, name, sample))
        return _DrawnFits(phase, name, sample) if found is None else found

    def work(self, phase: str, name: str, sample: str) -> tuple[int, int]:
        """See :meth:`Race.work`."""
        found = self._drawn(phase, name, sample)
        return len(found), found.evaluations

    def failure_of(self, name: str) -> str | None:
        """No drawn fit fails."""
        return None

    def standing(self, name: str, phase: str = "search", samples: Sequence[str] | None = None) -> Standing:
        """See :meth:`Race.standing`."""
        chosen = tuple(self.samples_of(phase) if samples is None else samples)
        drawn = [self._drawn(phase, name, sample) for sample in chosen]
        fits = sum(map(len, drawn))
        known, found = self._standings.get((phase, name, chosen), (-1, None))
        if found is None or known != fits:
            missed = sum(len(own) - own.runs.successes for own in drawn)
            closeness = missed / fits * math.log10(MISS / HIT) if fits else math.inf
            runs = {sample: own.runs for sample, own in zip(chosen, drawn, strict=True)}
            found = standing_of_runs(runs, closeness, sum(own.evaluations for own in drawn))
            self._standings[phase, name, chosen] = fits, found
        return found


def tune_replayed(
    benchmark: TabularBenchmark,
    budget: int,
    seed: int,
    *,
    tuner: TunerSettings | None = None,
    rules: RaceRules | None = None,
    space: SearchSpace | None = None,
    defined: DefinedSpace | None = None,
    samples: Sequence[str] | None = None,
    held_out: Sequence[str] = (),
    real: Sequence[str] | None = None,
) -> ReplayedAnswer:
    """Tune on a benchmark with a budget in evaluations.

    Parameters
    ----------
    seed : of proposals, tests and runs: the same seed, the same answer.
    tuner : settings of the tuner; default: those of a run without a profile.
    rules : of the race; default: from budget, seed and tuner.
    space : what may be proposed; default: all that the benchmark knows.
    defined : an automatic space instead, which refines itself.
    samples : those that the search sees; default: all but the held-out ones.
    held_out : those that only the validation sees.
    real : those that stand for the user's own measurements; default: the first.
    """
    tuner = tuner or TunerSettings()
    rules = rules or RaceRules(budget, trials=tuner.trials, cohorts=tuner.cohorts, seed=seed, tuner=tuner)
    rules = dataclasses.replace(rules, precision=PRECISION)
    race = _begun(benchmark, seed, rules, space=space, defined=defined, samples=samples, held_out=held_out, real=real)
    trajectory = _worked_off(race, benchmark, seed)
    answer = race.contenders[accepted_winner(race) or race.rules.baseline].settings
    return ReplayedAnswer(answer, race.spent, trajectory, race)


def named_replayed(
    benchmark: TabularBenchmark, budget: int, seed: int, *, tuner: TunerSettings, defined: DefinedSpace | None = None
) -> tuple[tuple[int, Settings], ...]:
    """After each round up to the validation: evaluations spent, and the settings that the race holds to be the best.

    These are the incumbent's while it searches, and after the confirmation those that would be validated. All samples
    are searched. Tests have fewer draws behind them than in :func:`tune_replayed`: many such runs make one figure.
    """
    repeats = max(RaceRules(budget).repeats, tuner.most_repeats)
    rules = RaceRules(
        budget, trials=tuner.trials, cohorts=tuner.cohorts, repeats=repeats, seed=seed, tuner=tuner, precision=ROUGH
    )
    race = _begun(benchmark, seed, rules, defined=defined)
    return _worked_off(race, benchmark, seed, until="validation")


def held_best(race: Race) -> Settings:
    """The settings that a race holds to be the best: the confirmed ones, before that the incumbent's."""
    confirmed = race.stage in ("validation", "done") and any(race.has_run(n, "confirmation") for n in race.finalists)
    name = (race.winner or race.rules.baseline) if confirmed else race.incumbent()
    return race.contenders[name].settings


def _worked_off(
    race: _ReplayedRace, benchmark: TabularBenchmark, seed: int, until: str = "done"
) -> tuple[tuple[int, Settings], ...]:
    """Do the rounds of a race; after each the evaluations spent so far and :func:`held_best`."""
    trajectory = []
    while race.stage not in ("done", until):
        contenders = race.contenders
        for block in race.blocks:
            race.take(block, *_runs(benchmark, block, contenders[block.setting], seed))
        race.complete(())
        trajectory.append((race.spent, held_best(race)))
    return tuple(trajectory)


def _begun(
    benchmark: TabularBenchmark,
    seed: int,
    rules: RaceRules,
    *,
    space: SearchSpace | None = None,
    defined: DefinedSpace | None = None,
    samples: Sequence[str] | None = None,
    held_out: Sequence[str] = (),
    real: Sequence[str] | None = None,
) -> _ReplayedRace:
    """The race before its first round."""
    searched = tuple(samples or [name for name in benchmark.instances if name not in held_out])
    baseline = benchmark.settings(benchmark.default)
    n_dim = max(benchmark.n_dims[benchmark.family(name)] for name in searched)
    by: dict[str, Any] = {"tuner": rules.tuner, "seed": seed, "n_dim": n_dim}
    if defined is not None:
        rules = dataclasses.replace(rules, probe_share=PROBE_SHARE)
    return _ReplayedRace(
        rules,
        [Contender(BASELINE, baseline, "file", pinned=True)],
        AutomaticProposals(defined, baseline, **by) if defined else Proposals(space or benchmark.space, baseline, **by),
        searched,
        best={name: BestKnown(HIT, ()) for name in (*searched, *held_out)},
        held_out=tuple(held_out),
        real=searched[:1] if real is None else tuple(real),
        longest=lambda settings: longest_fit(settings, n_dim),
        space_changes=[] if defined is None else list(defined.changes),
    )


def _runs(
    benchmark: TabularBenchmark, block: Block, contender: Contender, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The fits of a block, as far as its evaluations go: what each cost, and whether it hit."""
    settings = contender.settings
    rng = streams.stream(seed, "replay", block.phase, settings.hash(), block.sample, block.first)
    costs, hits = benchmark.draw(settings, block.sample, rng, len(block.repeats))
    if block.evaluations is not None:
        paid = int(np.searchsorted(np.cumsum(costs), block.evaluations)) + 1
        costs, hits = costs[:paid], hits[:paid]
    return costs, hits
