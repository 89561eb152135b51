"""A benchmark for tuners that costs no fits: measured settings, a surrogate between them, and runs drawn from it.

What a tuner meets is as in reality: it asks for runs of a setting on a sample, and gets what each cost and whether it
hit. The truth is known, so what the tuner returns can be judged without another run. Times to a hit are exponential
with the surrogate's expected running time, which is close to what restarted runs do; a run that has not hit when such
runs end without a hit (stagnation, cutoff) is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.fitting.schemes import SCHEMES
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import stream
from metagenx.meta.hit_rates import log_running_times_by_cutoff
from metagenx.meta.measured_table import MeasuredRuns, built_in_tables, read_table
from metagenx.meta.parameters import Value
from metagenx.meta.space import Point, SearchSpace, point_key
from metagenx.meta.space_file import load_space
from metagenx.meta.surrogate import Forest, rank_correlation

FloatArray = NDArray[np.float64]

SUPERSET = Path(__file__).parent / "tables" / "superset.yaml"
CUTOFFS = np.geomspace(1.0, 10.0, 8)  # in n³, where running times are known; between them they are interpolated
DEFAULT: Point = {"create_trial": "best_1_bin", "km": 0.7, "kr": 0.7, "pop_mult": 3.0, "max_evaluation_mult": 10.0}
N_CANDIDATES = 4096  # places at which the best of the surrogate is looked for
LEAST_CORRELATION = 0.7  # out of bag; below, the table needs more runs


class Landscape(Protocol):
    """What settings are worth on the samples of one family."""

    def at(self, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """At places ``(n, n_axis)``: log10 ERT ``(n, n_sample, n_cutoff)``, and log10 evaluations ``(n, n_sample)`` of
        a run that does not hit, without a cutoff.
        """


def place_of(setting: Mapping[str, Any]) -> FloatArray:
    """Where the landscape has a setting: which scheme, km, kr, log10 of the population per parameter."""
    scheme = [float(setting["create_trial"] == name) for name in SCHEMES]
    return np.array([*scheme, setting["km"], setting["kr"], np.log10(setting["pop_mult"])])


@dataclass
class MeasuredLandscape:
    """The landscape of one family as a forest on the table.

    Attributes
    ----------
    out_of_bag : rank correlation between the mean score of each setting and what trees say that have not seen it;
        settings without any success share the last place.
    """

    forest: Forest
    n_samples: int
    out_of_bag: float

    @classmethod
    def of(cls, rows: Sequence[MeasuredRuns], samples: Sequence[str], rng: np.random.Generator) -> MeasuredLandscape:
        """Learn from the settings that ran on all these samples."""
        cells = {(row.setting, row.sample): row for row in rows}
        settings = list(dict.fromkeys(row.setting for row in rows))
        settings = [name for name in settings if all((name, sample) in cells for sample in samples)]
        if len(settings) < 10:
            raise InputError(
                f"the table has {len(settings)} settings on {', '.join(samples)}; at least 10 are needed",
                hint="Measure more: benchmarks/tabular_measure.py.",
            )
        spent, hits = np.zeros((2, len(settings), len(samples), len(CUTOFFS)))
        ends = np.zeros((len(settings), len(samples)))
        for i, name in enumerate(settings):
            for j, sample in enumerate(samples):
                cell = cells[name, sample]
                spent[i, j], hits[i, j] = zip(*(cell.at(cutoff * cell.n_dim**3) for cutoff in CUTOFFS), strict=True)
                missed = cell.costs[~cell.hits]
                ends[i, j] = missed.mean() if len(missed) else cell.costs.max()
        times = log_running_times_by_cutoff(spent, hits)
        x = np.array([place_of(cells[name, samples[0]].values) for name in settings])
        y = np.concatenate([times.reshape(len(settings), -1), np.log10(ends)], axis=1)
        forest = Forest(x, y, rng)
        n_times = times[0].size
        measured = times.mean(axis=(1, 2))
        never = ~hits.any(axis=(1, 2))
        measured[never] = measured.max()  # below all others; what never succeeded has no order among itself
        return cls(forest, len(samples), rank_correlation(measured, forest.out_of_bag[:, :n_times].mean(axis=1)))

    def at(self, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Landscape`."""
        found, n_times = self.forest.predict(places), self.n_samples * len(CUTOFFS)
        return found[:, :n_times].reshape(len(found), self.n_samples, len(CUTOFFS)), found[:, n_times:]


@dataclass
class SyntheticLandscape:
    """A bowl around a drawn optimum, for tests: every axis of the space matters, and samples differ in height."""

    heights: FloatArray
    best: FloatArray
    n_dim: int

    def at(self, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Landscape`."""
        distance = places - self.best
        bowl = 0.6 * (distance[:, : len(SCHEMES)] ** 2).sum(axis=1) + 2.0 * distance[:, -3] ** 2
        bowl = bowl + 0.7 * distance[:, -2] ** 2 + 0.8 * distance[:, -1] ** 2
        short = 0.8 * np.maximum(0.0, np.log10(5.0 / CUTOFFS)) ** 2
        long = 0.3 * np.maximum(0.0, np.log10(CUTOFFS / 5.0))
        times = bowl[:, None, None] + self.heights[:, None] + (short + long)
        return times, np.full((len(places), len(self.heights)), np.log10(6.0 * self.n_dim**3))


@dataclass
class TabularBenchmark:
    """Settings, samples, and what every setting is worth on each of them.

    Parameters
    ----------
    space : all settings that may be asked for; a setting is a point of it, or
        :class:`~metagenx.fitting.settings.Settings`.
    default : what a tuner must not fall below.
    samples : family → names of its samples.
    n_dims : fitted parameters of each family.
    landscapes : of each family.
    """

    space: SearchSpace
    default: Point
    samples: Mapping[str, tuple[str, ...]]
    n_dims: Mapping[str, int]
    landscapes: Mapping[str, Landscape]
    _known: dict[str, tuple[FloatArray, FloatArray]] = field(default_factory=dict, repr=False)

    @classmethod
    def from_table(cls, path: Path | None = None, families: Sequence[str] | None = None) -> TabularBenchmark:
        """The benchmark of a measured table; default: the one that comes with metagenx, all its families.

        Raises
        ------
        InputError : no such table or family.
        """
        rows = read_table(path or built_in_tables()["measured"])
        of_family: dict[str, list[MeasuredRuns]] = {}
        for row in rows:
            of_family.setdefault(row.sample.split(".")[0], []).append(row)
        chosen = list(families) if families is not None else list(of_family)
        if missing := [name for name in chosen if name not in of_family]:
            raise InputError(f"the table has no family {', '.join(missing)}; it has {', '.join(of_family)}")
        samples = {name: tuple(dict.fromkeys(row.sample for row in of_family[name])) for name in chosen}
        landscapes = {
            name: MeasuredLandscape.of(of_family[name], samples[name], stream(0, "surrogate", name)) for name in chosen
        }
        n_dims = {name: of_family[name][0].n_dim for name in chosen}
        return cls(load_space(SUPERSET), dict(DEFAULT), samples, n_dims, landscapes)

    @classmethod
    def synthetic(cls, rng: np.random.Generator, *, families: int = 1, samples: int = 4) -> TabularBenchmark:
        """A benchmark with a drawn optimum, for tests."""
        names = [f"F{number}" for number in range(families)]
        landscapes = {}
        for name in names:
            scheme = np.eye(len(SCHEMES))[rng.integers(len(SCHEMES))]
            best = np.array([*scheme, rng.uniform(0.4, 0.9), rng.uniform(0.2, 0.9), rng.uniform(0.0, 0.8)])
            landscapes[name] = SyntheticLandscape(rng.uniform(3.6, 4.4, samples), best, 10)
        return cls(
            load_space(SUPERSET),
            dict(DEFAULT),
            {name: tuple(f"{name}.{number}" for number in range(samples)) for name in names},
            dict.fromkeys(names, 10),
            landscapes,
        )

    @property
    def families(self) -> tuple[str, ...]:
        """Names of the families."""
        return tuple(self.samples)

    @property
    def instances(self) -> tuple[str, ...]:
        """Names of all samples."""
        return tuple(sample for own in self.samples.values() for sample in own)

    @property
    def out_of_bag(self) -> dict[str, float]:
        """Family → rank correlation of its surrogate out of bag; nothing of a synthetic benchmark."""
        return {n: land.out_of_bag for n, land in self.landscapes.items() if isinstance(land, MeasuredLandscape)}

    def family(self, instance: str) -> str:
        """The family of a sample."""
        return instance.split(".")[0]

    def features(self, family: str) -> dict[str, Any]:
        """What a problem of this family is like, as :mod:`metagenx.experience.features` tells it."""
        from metagenx.experience.features import features_of_file
        from metagenx.meta.families import FAMILIES, sample

        if family in FAMILIES:
            return asdict(features_of_file(sample(family, 0).model.file))
        return {"n_parameters": self.n_dims[family], "n_points": 0, "n_layers": 0, "noise": float("nan")}

    def settings(self, point: Mapping[str, Value]) -> Settings:
        """A point as settings."""
        return self.space.settings(dict(point), Settings(use_start_guess=False))

    def point(self, setting: Mapping[str, Value] | Settings, instance: str) -> Point:
        """A setting as a point of the space, by what it comes to on a sample."""
        if not isinstance(setting, Settings):
            return self.space.clip({**self.default, **setting})
        n = self.n_dims[self.family(instance)]
        limit = setting.evaluation_limit(n)
        values = {name: getattr(setting, name) for name in ("create_trial", "km", "kr")}
        multiples = {"pop_mult": setting.population_size(n) / n, "max_evaluation_mult": (limit or 10**12) / n**3}
        return self.space.clip({**values, **multiples})

    def log10_ert(self, setting: Mapping[str, Value] | Settings, instance: str) -> float:
        """The truth: log10 of the expected evaluations of a restarted run on a sample until it hits."""
        return self._of(setting, instance)[0]

    def draw(
        self, setting: Mapping[str, Value] | Settings, instance: str, rng: np.random.Generator, n: int
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """``n`` runs: what each cost, in evaluations ``(n,)``, and whether it hit ``(n,)``.

        Evaluations over hits is the expected running time, however early runs end: giving up is not rewarded.
        """
        time, end = (10.0**value for value in self._of(setting, instance))
        waited = rng.exponential(time, n)
        return np.ceil(np.minimum(waited, end)).astype(np.int64), waited <= end

    def score(self, setting: Mapping[str, Value] | Settings, instances: Sequence[str] | None = None) -> float:
        """Mean over samples, default all, of log10 ERT."""
        return float(np.mean([self.log10_ert(setting, name) for name in instances or self.instances]))

    def regret(self, setting: Mapping[str, Value] | Settings) -> float:
        """Decades above the best that the space holds."""
        return self.score(setting) - self.best[1]

    @cached_property
    def best(self) -> tuple[Point, float]:
        """The best point known of the space, and its score: of many spread evenly, and many near the best of these."""
        rng = stream(0, "best of a benchmark")
        points = [self.default, *self.space.sobol(N_CANDIDATES, rng)]
        for width in (0.1, 0.03):
            scores = self.scores(points)
            order = np.argsort(scores, kind="stable")[:50]
            centres = np.array([self.space.encode(points[i]) for i in order])
            near = np.clip(np.repeat(centres, 20, axis=0) + width * rng.standard_normal((1000, self.space.n_dim)), 0, 1)
            points = [points[i] for i in order] + [p for u in near if (p := self.space.decode(u)) is not None]
        scores = self.scores(points)
        return points[int(np.argmin(scores))], float(scores.min())

    def scores(self, points: Sequence[Mapping[str, Value]]) -> FloatArray:
        """:meth:`score` of many points ``(n,)`` at once."""
        places = np.array([place_of(point) for point in points])
        cutoffs = np.array([float(point["max_evaluation_mult"]) for point in points])
        total = np.zeros(len(points))
        for landscape in self.landscapes.values():
            total += _at_cutoffs(landscape.at(places)[0], cutoffs).sum(axis=1)
        return total / len(self.instances)

    def _of(self, setting: Mapping[str, Value] | Settings, instance: str) -> tuple[float, float]:
        """log10 ERT, and log10 evaluations of a run that does not hit."""
        family = self.family(instance)
        point = self.point(setting, instance)
        key = f"{family} {point_key(point)}"
        if key not in self._known:
            place, cutoff = place_of(point)[None], np.array([float(point["max_evaluation_mult"])])
            landscape = self.landscapes[family]
            times, ends = landscape.at(place)
            ends = np.minimum(ends[0], np.log10(cutoff * self.n_dims[family] ** 3))
            self._known[key] = _at_cutoffs(times, cutoff)[0], ends
        times, ends = self._known[key]
        number = self.samples[family].index(instance)
        return float(times[number]), float(ends[number])


def _at_cutoffs(times: FloatArray, cutoffs: FloatArray) -> FloatArray:
    """Interpolate ``(n, n_sample, n_cutoff)`` on the logarithm of the cutoff ``(n,)`` → ``(n, n_sample)``."""
    step = np.log(CUTOFFS[1] / CUTOFFS[0])
    where = np.clip(np.log(cutoffs / CUTOFFS[0]) / step, 0.0, len(CUTOFFS) - 1.0)
    low = np.minimum(where.astype(int), len(CUTOFFS) - 2)
    share, rows = (where - low)[:, None], np.arange(len(times))
    return np.asarray((1.0 - share) * times[rows, :, low] + share * times[rows, :, low + 1])
