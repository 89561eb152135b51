"""A whole tuning run without a fit: the race of ``metagenx tune`` on a tabular benchmark, in a second or so.

Race, proposals and verdict are those of a real run. Only the place where blocks are worked off is another: what the
benchmark draws is put into records, in which a hit has the figure of merit 1 and everything else 2.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from metagenx.fitting import streams
from metagenx.fitting.settings import Settings
from metagenx.meta.automatic_proposals import AutomaticProposals
from metagenx.meta.automatic_space import DefinedSpace
from metagenx.meta.blocks import Block
from metagenx.meta.objective import Contender, Standing
from metagenx.meta.places import longest_fit
from metagenx.meta.proposals import Proposals
from metagenx.meta.race import Race
from metagenx.meta.race_rules import RaceRules
from metagenx.meta.records import BASELINE, FitRecord
from metagenx.meta.replay import TabularBenchmark
from metagenx.meta.space import SearchSpace
from metagenx.meta.space_definition import PROBE_SHARE
from metagenx.meta.statistics import BestKnown
from metagenx.meta.tuner_settings import TunerSettings
from metagenx.meta.verdict import Verdict, judge

HIT, MISS = 1.0, 2.0  # figures of merit


@dataclass(frozen=True)
class ReplayedAnswer:
    """What a replayed tuning run returned.

    Parameters
    ----------
    settings : those of the answer: the winner's, or the baseline's.
    spent : evaluations of all runs.
    trajectory : after each round the evaluations spent so far and the incumbent's settings.
    """

    settings: Settings
    spent: int
    trajectory: tuple[tuple[int, Settings], ...]
    verdict: Verdict


@dataclass
class _ReplayedRace(Race):
    """The race, which remembers how settings stand: here f* never changes, so only new records change it."""

    _standings: dict[tuple[str, str, tuple[str, ...]], tuple[int, Standing]] = field(default_factory=dict)

    def standing(self, name: str, phase: str = "search", samples: Sequence[str] | None = None) -> Standing:
        """See :meth:`Race.standing`."""
        chosen = tuple(self.samples_of(phase) if samples is None else samples)
        count = sum(len(self.records.get((phase, name, sample), ())) for sample in chosen)
        known, found = self._standings.get((phase, name, chosen), (-1, None))
        if found is None or known != count:
            found = super().standing(name, phase, chosen)
            self._standings[phase, name, chosen] = count, found
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
    """
    tuner = tuner or TunerSettings()
    rules = rules or RaceRules(budget, trials=tuner.trials, cohorts=tuner.cohorts, seed=seed, tuner=tuner)
    searched = tuple(samples or [name for name in benchmark.instances if name not in held_out])
    baseline = benchmark.settings(benchmark.default)
    n_dim = max(benchmark.n_dims[benchmark.family(name)] for name in searched)
    by: dict[str, Any] = {"tuner": tuner, "seed": seed, "n_dim": n_dim}
    if defined is not None:
        rules = dataclasses.replace(rules, probe_share=PROBE_SHARE)
    race = _ReplayedRace(
        rules,
        [Contender(BASELINE, baseline, "file", pinned=True)],
        AutomaticProposals(defined, baseline, **by) if defined else Proposals(space or benchmark.space, baseline, **by),
        searched,
        best={name: BestKnown(HIT, ()) for name in (*searched, *held_out)},
        held_out=tuple(held_out),
        real=searched[:1],
        longest=lambda settings: longest_fit(settings, n_dim),
        space_changes=[] if defined is None else list(defined.changes),
    )
    trajectory: list[tuple[int, Settings]] = []
    while not race.finished:
        contenders = race.contenders
        race.complete([r for block in race.blocks for r in _runs(benchmark, block, contenders[block.setting], seed)])
        trajectory.append((race.spent, race.contenders[race.incumbent()].settings))
    verdict = judge(race)
    answer = race.contenders[verdict.winner or verdict.baseline].settings
    return ReplayedAnswer(answer, race.spent, tuple(trajectory), verdict)


def _runs(benchmark: TabularBenchmark, block: Block, contender: Contender, seed: int) -> list[FitRecord]:
    """The fits of a block, as far as its evaluations go."""
    settings = contender.settings
    rng = streams.stream(seed, "replay", block.phase, settings.hash(), block.sample, block.first)
    costs, hits = benchmark.draw(settings, block.sample, rng, len(block.repeats))
    found, left = [], block.evaluations
    for repeat, cost, hit in zip(block.repeats, costs.tolist(), hits.tolist(), strict=True):
        fom = HIT if hit else MISS
        trace = ((cost, fom),)
        found.append(
            FitRecord(block.phase, block.setting, block.sample, repeat, fom, (), cost, 0, "stagnation", 0.0, trace)
        )
        if left is not None:
            left -= cost
            if left <= 0:
                break
    return found
