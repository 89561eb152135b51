"""New contenders for the race: from the searcher, and cutoffs that the traces themselves suggest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metagenx.fitting import streams
from metagenx.fitting.settings import Settings
from metagenx.meta import searchers
from metagenx.meta.objective import Contender
from metagenx.meta.places import place
from metagenx.meta.race import Race
from metagenx.meta.searchers_by_steps import Tried
from metagenx.meta.space import Point, SearchSpace
from metagenx.meta.statistics import Runs
from metagenx.meta.tuner_settings import TunerSettings

CUTOFF = "max_evaluation_mult"
LEAST_CUTOFF_GAIN = 1.10
FEWEST_HITS = 6


class Proposals:
    """Proposes contenders to a :class:`~metagenx.meta.race.Race`; deterministic in seed, cohort and records.

    Parameters
    ----------
    base : settings for all that the space leaves alone.
    n_dim : fitted parameters, in whose cube cutoffs are measured.
    tuner : who proposes, and how.
    """

    def __init__(self, space: SearchSpace, base: Settings, *, tuner: TunerSettings, seed: int, n_dim: int) -> None:
        self.space, self.base, self.tuner, self.seed, self.n_dim = space, base, tuner, seed, n_dim
        self.count = 0

    def __call__(self, cohort: int, n: int, race: Race) -> list[Contender]:
        """Up to ``n`` new contenders."""
        known = {contender.settings.hash() for contender in race.contenders.values()}
        found: list[Contender] = []
        rng = streams.proposal_stream(self.seed, cohort)
        history = self._history(race)
        for origin, point, settings in self._cutoffs(race) if cohort else []:
            self._add(found, known, origin, point, settings)
        for origin, point in self.first_points():
            self._add(found, known, origin, point, self.space.settings(point, self.base))
        origin = self.tuner.searcher
        for _ in range(20):  # duplicates are proposed again, but not for ever: a small space may be used up
            if len(found) >= n:
                break
            missing = n - len(found)
            points = self.points(cohort, history, missing, rng)
            if not points:
                break
            for point in points:
                self._add(found, known, origin, point, self.space.settings(point, self.base))
            if origin == "grid":
                history = history + [Tried(point, 0.0, censored=True) for point in points]
        return found[:n]

    def points(self, cohort: int, history: Sequence[Tried], n: int, rng: np.random.Generator) -> list[Point]:
        """Up to ``n`` points of the space, from the searcher."""
        return searchers.propose(self.tuner.searcher, self.space, history, n, rng, cohort=cohort, tuner=self.tuner)

    def first_points(self) -> Sequence[tuple[str, Point]]:
        """Points that race whatever the searcher proposes, each with where it comes from."""
        return ()

    def _add(self, found: list[Contender], known: set[str], origin: str, point: Point, settings: Settings) -> None:
        if settings.hash() not in known:
            known.add(settings.hash())
            self.count += 1
            found.append(Contender(f"s{self.count:03d}", settings, origin, point))

    def _history(self, race: Race) -> list[Tried]:
        tried = []
        for name, contender in race.contenders.items():
            if race.has_run(name):
                found = race.judged(name)
                point = contender.point or self.place(contender.settings)
                tried.append(Tried(point, race.comparable_score(name), found.censored))
        return tried

    def place(self, settings: Settings) -> Point:
        """Where settings from elsewhere lie in the space."""
        return place(self.space, settings, self.n_dim)

    def _cutoffs(self, race: Race) -> list[tuple[str, Point, Settings]]:
        """The best settings so far with the cutoff that would have served them best: their traces tell for free.

        It is a proposal like any other: what it gains on fresh repeats, the race will see.
        """
        if CUTOFF not in self.space.names:
            return []
        names = [name for name in race.contenders if race.has_run(name) and not race.judged(name).censored]
        names.sort(key=lambda name: (race.judged(name).pessimistic, name))
        found = []
        for name in names[: self.tuner.cutoff_proposals]:
            cutoffs = [best_cutoff(runs, self.tuner.cutoff_margin) for runs in race.judged(name).runs.values()]
            if any(cutoff is None for cutoff in cutoffs):
                continue
            contender = race.contenders[name]
            mult = max(cutoff for cutoff in cutoffs if cutoff is not None) / self.n_dim**3
            point = self.space.clip({**self.place(contender.settings), **(contender.point or {}), CUTOFF: mult})
            if self.space.allowed(point):
                found.append(("cutoff", point, contender.settings.replace(**{CUTOFF: point[CUTOFF]})))
        return found


def best_cutoff(runs: Runs, margin: float) -> float | None:
    """The cutoff (evaluations) with the lowest ERT on runs that are there; None if none gains a tenth.

    It lies so much beyond the hit time that it follows from: ``margin`` 1.15 is 15 % beyond.
    """
    hits = np.sort(runs.costs[runs.hits])
    if len(hits) < FEWEST_HITS:
        return None
    plain = runs.evaluations / len(hits)
    best, lowest = None, plain / LEAST_CUTOFF_GAIN
    # Below the median of the successes a cutoff lives off a few lucky ones.
    for number, hit in enumerate(hits, start=1):
        if 2 * number >= len(hits):
            cutoff = margin * float(hit)
            kept = runs.hits & (runs.costs <= cutoff)
            time = float(np.minimum(runs.costs, cutoff).sum() / kept.sum())
            if time < lowest:
                best, lowest = cutoff, time
    return best
