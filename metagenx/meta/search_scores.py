"""What the search found of every setting: its score, what was varied, what mattered, and what the answer changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metagenx.fitting import streams
from metagenx.fitting.settings import Settings
from metagenx.meta import statistics
from metagenx.meta.ablation import Step, ablation
from metagenx.meta.importance import Importance, importance
from metagenx.meta.records import FitRecord, sorted_records
from metagenx.meta.statistics import BestKnown, Target

FIRST = ("km", "kr", "population", "create_trial")


@dataclass(frozen=True)
class Score:
    """Expected running time of a setting in the search, mean over samples; ``censored``: only a bound."""

    setting: str
    time: float
    censored: bool
    successes: int
    fits: int

    @property
    def rank(self) -> tuple[bool, float]:
        """Sort key: bounds behind measured times."""
        return (self.censored, self.time)


@dataclass(frozen=True)
class Searched:
    """The fits of a search and what their settings are.

    Parameters
    ----------
    settings, points : of every setting that is explained; ``points`` says what the space varies in it.
    """

    records: Sequence[FitRecord]
    best: Mapping[str, BestKnown]
    target: Target
    settings: Mapping[str, Settings]
    points: Mapping[str, Mapping[str, Any]]
    seed: int

    def scores(self) -> list[Score]:
        """Of all settings that were searched, in the order of the tables."""
        groups: dict[str, dict[str, list[FitRecord]]] = {}
        for record in sorted_records(self.records):
            if record.phase == "search" and record.setting in self.settings and record.sample in self.best:
                groups.setdefault(record.setting, {}).setdefault(record.sample, []).append(record)
        found = []
        for name, of_sample in groups.items():
            runs = [statistics.score(mine, self.best[sample], self.target) for sample, mine in of_sample.items()]
            times = [statistics.expected_running_time(run) for run in runs]
            time = float(np.exp(np.mean(np.log(sorted(max(time, 1.0) for time, _ in times)))))
            hits, fits = sum(run.successes for run in runs), sum(len(run.costs) for run in runs)
            found.append(Score(name, time, any(bound for _, bound in times), hits, fits))
        return found

    def varied(self, names: Sequence[str]) -> dict[str, list[Any]]:
        """Knob → its effective value in every setting (nan where it is off), of those that the space varies."""
        n_dim = max((len(record.values) for record in self.records), default=1)
        effective: dict[str, tuple[str, Callable[[Settings], Any]]] = {
            "pop_mult": ("population", lambda s: s.population_size(n_dim)),
            "pop_size": ("population", lambda s: s.population_size(n_dim)),
            "max_evaluation_mult": ("cutoff in evaluations", lambda s: s.evaluation_limit(n_dim) or np.nan),
            "max_evaluations": ("cutoff in evaluations", lambda s: s.evaluation_limit(n_dim) or np.nan),
        }
        points = [self.points.get(name) or {} for name in names]
        found: dict[str, list[Any]] = {}
        for knob in dict.fromkeys(key for point in points for key in point):
            label, value = effective.get(knob, (knob, lambda s, knob=knob: getattr(s, knob, np.nan)))
            values = [value(self.settings[name]) for name in names]
            if len({v for v in values if v == v}) > 1:
                found[label] = values
        order = [knob for knob in FIRST if knob in found] + [knob for knob in found if knob not in FIRST]
        return {knob: found[knob] for knob in order}

    def importance(self) -> Importance:
        """How much of the score's variance each thing that was varied explains."""
        scores, columns = self._table()
        rng = streams.stream(self.seed, "report importance")
        return importance(columns, [float(np.log10(score.time)) for score in scores], rng)

    def ablation(self, baseline: str, winner: str | None) -> tuple[Step, ...]:
        """The path from the baseline to the answer, one change after the other; empty if it cannot be told."""
        scores, columns = self._table()
        names = [score.setting for score in scores]
        if winner is None or winner not in names or baseline not in names or self.importance().why_not:
            return ()
        rng = streams.stream(self.seed, "ablation")
        logs = [float(np.log10(score.time)) for score in scores]
        return ablation(columns, logs, names.index(baseline), names.index(winner), rng)

    def _table(self) -> tuple[list[Score], dict[str, list[Any]]]:
        scores = self.scores()
        return scores, self.varied([score.setting for score in scores])
