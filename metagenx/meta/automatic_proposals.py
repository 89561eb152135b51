"""Proposals from a space that refines itself: the searcher sees the superset, the box decides where most points lie."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from metagenx.fitting.settings import Settings
from metagenx.meta.automatic_space import DefinedSpace
from metagenx.meta.objective import Contender, Standing
from metagenx.meta.proposals import Proposals
from metagenx.meta.race import Race
from metagenx.meta.searchers_by_steps import Tried
from metagenx.meta.space import Point
from metagenx.meta.space_changes import SpacePolicy, Trial, refine
from metagenx.meta.tuner_settings import TunerSettings

EXPERIENCE = "experience"
"""Origin of settings that did best on other problems."""

CERTAINTY = 0.95  # of the bound that an optimistic score is


class AutomaticProposals(Proposals):
    """Proposes to a race, and moves the box before each later cohort; what it changes, the race is told.

    Deterministic in seed, cohort and records, as :class:`~metagenx.meta.proposals.Proposals`: a resumed run makes the
    same changes again.

    Parameters
    ----------
    defined : the space at the beginning.
    policy : the rules of refinement; default: the tuner's.
    """

    def __init__(
        self,
        defined: DefinedSpace,
        base: Settings,
        *,
        tuner: TunerSettings,
        seed: int,
        n_dim: int,
        policy: SpacePolicy | None = None,
    ) -> None:
        super().__init__(defined.box.space, base, tuner=tuner, seed=seed, n_dim=n_dim)
        self.defined, self.box, self.policy = defined, defined.box, policy or tuner.space_policy
        self.drawn = 0

    def __call__(self, cohort: int, n: int, race: Race) -> list[Contender]:
        """Up to ``n`` new contenders."""
        if cohort:
            best = race.judged(race.incumbent())
            incumbent = math.inf if best.censored else best.pessimistic
            self.box, changes = refine(self.box, self.trials(race), self.policy, incumbent=incumbent)
            race.space_changes += changes
        return super().__call__(cohort, n, race)

    def trials(self, race: Race) -> list[Trial]:
        """What was proposed so far and how it did, as evidence for the box; what always races was not proposed."""
        found = []
        for name, contender in race.contenders.items():
            if contender.point is not None and not contender.pinned and race.has_run(name):
                standing = race.judged(name)
                score = standing.score if standing.censored else standing.pessimistic
                found.append(Trial(contender.point, score, optimistic(standing), standing.censored))
        return found

    def first_points(self) -> Sequence[tuple[str, Point]]:
        """What did best elsewhere."""
        return [(EXPERIENCE, point) for point in self.defined.suggestions]

    def points(self, cohort: int, history: Sequence[Tried], n: int, rng: np.random.Generator) -> list[Point]:
        """The searcher's proposals, most of them moved into the box; a fixed share stays where it is."""
        found = []
        even = self.tuner.searcher == "sobol" and not cohort
        for point in super().points(cohort, history, n, rng):
            self.drawn += 1
            if int(self.drawn * self.policy.whole) == int((self.drawn - 1) * self.policy.whole):
                point = self.box.squeeze(point, rng) if even else self.box.draw_inside(point, rng)
            found.append(point)
        return found


def optimistic(standing: Standing) -> float:
    """The score that a setting may have at the most optimistic: its successes were fewer than they should have been.

    The mean over the samples of log10 of evaluations by the upper confidence limit of as many Poisson events as there
    were successes (Garwood, 1936).
    """
    from scipy.special import gammaincinv

    bounds = []
    for runs in standing.runs.values():
        if not runs.evaluations:
            return -math.inf
        bounds.append(math.log10(runs.evaluations / float(gammaincinv(runs.successes + 1, CERTAINTY))))
    return float(np.mean(bounds)) if bounds else -math.inf
