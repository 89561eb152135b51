"""A GenX model as a problem for an optimiser: a whole population in one evaluation.

The fitted rows are set to arrays of shape (n_population, 1), the user's ``Sim`` runs once, numpy broadcasts his
arithmetic, and the kernels of ``physics`` evaluate every candidate in one call: the script's Python is paid once per
generation, not once per candidate. A script that cannot do this (an ``if`` on a fitted value, ``float()``, state of its
own) is found out when the problem is made, by comparing random candidates one by one against the batch.

Its ``Sim`` then runs once per candidate, with simulations that only record their layers (`models.recording`); the
curves of the whole population are computed together afterwards. Where that gives other numbers, or nothing can be
recorded, candidates are evaluated one by one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.errors import InputError, ScriptError
from metagenx.genx.deviations import Deviations, stacked
from metagenx.genx.models.recording import Curve, Recorder, compute
from metagenx.genx.script import ScriptTimeout

if TYPE_CHECKING:
    from metagenx.genx.model import Model, ModelInstance

POPULATION = "population"
RECORDED = "recorded"
ONE_BY_ONE = "one by one"

# Simulations of this many numbers are held at once; a larger population is evaluated in parts.
_NUMBERS_AT_ONCE = 4_000_000
# Candidates that decide which path is taken, and how closely the paths must agree (they differ by rounding only).
_N_PROBES = 4
# Candidates whose layers are kept until their curves are computed.
_SCRIPTS_AT_ONCE = 256
_AGREEMENT = 1e-9


class ModelProblem:
    """The fitted rows of a model, their bounds, and the figure of merit of many candidates at once.

    Parameters
    ----------
    model : the model; it is not changed.
    fom : name of the figure of merit; default: the one stored in the file.

    Attributes
    ----------
    names : names of the fitted rows, in table order.
    bounds : (n_dim, 2) lower and upper limits of the table.
    start : (n_dim,) values of the table.
    path : ``"population"``, ``"recorded"`` or ``"one by one"``.
    why_not : why the population path is not in use, or None.
    why_not_recorded : why, if candidates are evaluated one by one, the recorded path is not in use either, or None.
    depends_on_history : whether the same candidate gives different FOMs, depending on what was evaluated before.
    n_failed, last_failure : candidates whose ``Sim`` failed so far (their FOM is NaN), and the last reason.

    Raises
    ------
    InputError : no row is fitted, or its limits are unusable; all such rows are listed.
    ScriptError : the model fails at the values of its own table.
    """

    def __init__(self, model: Model, *, fom: str | None = None) -> None:
        from metagenx.genx.freed_memory import keep_freed_memory
        from metagenx.genx.model import ModelInstance

        keep_freed_memory()
        # Two running copies: a population never meets the state that single candidates leave behind.
        self._batch = ModelInstance(model.file, trust=model.trust)
        self._single = ModelInstance(model.file, trust=model.trust)
        grid = self._batch.grid
        grid.check_fit()
        self.names: tuple[str, ...] = tuple(grid.fitted_names)
        self.bounds: np.ndarray = grid.bounds
        self.start: np.ndarray = grid.start
        self.fom_name = fom or model.fom_function
        self._figure = self._single.figure_of_merit(self.fom_name, model.options)
        self.n_failed = 0
        self.last_failure: str | None = None
        self._batch.simulate()
        simulations = self._single.simulate()
        self._check_data()
        self._numbers_per_candidate = max(1, sum(np.size(s) for s in simulations))
        self.path = POPULATION
        self.why_not: str | None = None
        self.why_not_recorded: str | None = None
        self._recorder = Recorder()
        self.depends_on_history = False
        self._choose_path()

    def _check_data(self) -> None:
        """Without a number to compare with, every candidate would have the FOM of a perfect fit."""
        data = self._single.data
        if not any(np.isfinite(d.y).any() for d in data if d.use):
            raise InputError(
                "no data set in use has a value: all are NaN or infinite, or there are none",
                hint="Look at the data, and at the data sets that are in use: metagenx inspect.",
            )

    @property
    def n_points(self) -> int:
        """Number of points over all data sets."""
        return self._numbers_per_candidate

    def evaluate(self, vectors: np.ndarray) -> np.ndarray:
        """Figures of merit of many candidates.

        Parameters
        ----------
        vectors : (n_population, n_dim) values of the fitted rows.

        Returns
        -------
        (n_population,); NaN where a candidate cannot be simulated. A candidate's number does not depend on its company.
        """
        vectors = np.ascontiguousarray(vectors, dtype=float)
        if vectors.ndim != 2 or vectors.shape[1] != len(self.names):
            raise InputError(f"vectors must have the shape (n_population, {len(self.names)}), not {vectors.shape}")
        if self.path == ONE_BY_ONE:
            return self._one_by_one(vectors)
        step = max(1, _NUMBERS_AT_ONCE // self._numbers_per_candidate)
        if self.path == RECORDED:
            step = min(step, _SCRIPTS_AT_ONCE)
        evaluate = self._population if self.path == POPULATION else self._recorded
        parts = [evaluate(vectors[i : i + step]) for i in range(0, len(vectors), step)]
        return np.concatenate(parts) if parts else np.empty(0)

    def deviations(self, vectors: np.ndarray) -> Deviations:
        """What the figures of merit of some candidates are made of, point by point, for error bars.

        Parameters
        ----------
        vectors : (n, n_dim) values of the fitted rows, n of a few dozen.

        Returns
        -------
        the points of all data sets in use, one after the other; all NaN where a candidate cannot be simulated.

        Raises
        ------
        InputError : the figure of merit is the user's own; no candidate at all can be simulated.
        """
        vectors = np.ascontiguousarray(vectors, dtype=float)
        if vectors.ndim != 2 or vectors.shape[1] != len(self.names) or not len(vectors):
            raise InputError(f"vectors must have the shape (n, {len(self.names)}), not {vectors.shape}")
        if self.path == POPULATION:
            step = max(1, _NUMBERS_AT_ONCE // self._numbers_per_candidate)
            try:
                parts = [self._deviations(self._batch, vectors[i : i + step]) for i in range(0, len(vectors), step)]
                return stacked(parts, parts[0])
            except ScriptTimeout:
                raise
            except ScriptError:
                pass  # one bad candidate must not take its company with it
        alone: list[Deviations | None] = []
        for vector in vectors:
            try:
                alone.append(self._deviations(self._single, vector))
            except ScriptTimeout:
                raise
            except ScriptError as error:
                alone.append(None)
                self.n_failed += 1
                self.last_failure = error.what
        like = next((part for part in alone if part is not None), None)
        if like is None:
            raise InputError(f"the model cannot be simulated: {self.last_failure}")
        return stacked(alone, like)

    def _deviations(self, instance: ModelInstance, vectors: np.ndarray) -> Deviations:
        """Of a population (n, n_dim), or of one candidate (n_dim,)."""
        n = 1 if vectors.ndim == 1 else len(vectors)
        with np.errstate(all="ignore"):
            found = self._figure.deviations(instance.simulate_fitted(vectors))
            away, weights = instance.departures()
        prior = [np.broadcast_to(np.ravel(np.asarray(departure, dtype=float)), (n,)) for departure in away]
        columns = np.column_stack(prior) if prior else np.empty((n, 0))
        whole = np.broadcast_to(found.differences, (n, found.differences.shape[1]))
        return replace(found, differences=whole, prior=columns, prior_weights=np.array(weights))

    def _population(self, vectors: np.ndarray) -> np.ndarray:
        try:
            return self._population_or_error(vectors)
        except ScriptTimeout:
            raise
        except ScriptError:
            # One bad candidate must not take its company with it: find it alone.
            return self._one_by_one(vectors)

    def _population_or_error(self, vectors: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            simulations = self._batch.simulate_fitted(vectors)
            for i, (simulation, dataset) in enumerate(zip(simulations, self._batch.data, strict=False)):
                allowed = {(), np.shape(dataset.x), (1, *np.shape(dataset.x)), (len(vectors), *np.shape(dataset.x))}
                if np.shape(simulation) not in allowed:
                    raise ScriptError(f"data set {i}: Sim gives the shape {np.shape(simulation)} for a population")
            foms = np.asarray(self._figure.total(simulations, self._batch.penalty()), dtype=float)
        foms = np.broadcast_to(foms.reshape(-1), (len(vectors),)).copy()
        foms[self._says_nothing(simulations, foms)] = np.nan
        return foms

    def _recorded(self, vectors: np.ndarray) -> np.ndarray:
        found = self._single.simulate_each(vectors, self._recorder)
        good = [i for i, outcome in enumerate(found) if not isinstance(outcome, InputError)]
        foms = np.full(len(vectors), np.nan)
        try:
            foms[good] = self._recorded_foms([found[i] for i in good])  # type: ignore[misc]
        except ScriptTimeout:
            raise
        except ScriptError:
            return self._one_by_one(vectors)
        bad = [i for i, outcome in enumerate(found) if isinstance(outcome, InputError)]
        if bad:
            foms[bad] = self._one_by_one(vectors[bad])  # which counts it, if it is not the placeholders' fault
        return foms

    def _recorded_foms(self, found: list[tuple[list[Any], Any]]) -> np.ndarray:
        if not found:
            return np.empty(0)
        with np.errstate(all="ignore"):
            curves = [s for simulations, _ in found for s in simulations if type(s) is Curve]
            self._single.script.within_limits(compute, curves)
            data = self._single.data
            simulations = [
                np.array([np.asarray(own[i]).reshape(len(d.x)) for own, _ in found]) for i, d in enumerate(data)
            ]
            penalties = np.array([np.asarray(penalty, dtype=float).reshape(()) for _, penalty in found])
            foms = np.array(self._figure.total(simulations, penalties), dtype=float)
        foms[self._says_nothing(simulations, foms)] = np.nan
        return foms

    def _says_nothing(self, simulations: list[np.ndarray], foms: np.ndarray) -> np.ndarray:
        """Candidates without a single number in a used data set: the mask of the FOM would take them for perfect.

        So it would those of which nothing can be compared, such as the logarithm of a negative intensity.
        """
        nothing = np.zeros(len(foms), dtype=bool)
        for simulation, dataset in zip(simulations, self._batch.data, strict=True):
            if dataset.use and simulation.size and not np.isfinite(simulation[..., 0]).all():
                nothing |= ~np.isfinite(simulation).any(axis=-1)
        for i in np.flatnonzero(foms == 0.0):
            compared = self._figure.pointwise([s if s.ndim == 1 or len(s) == 1 else s[i] for s in simulations])
            used = [row for row, dataset in zip(compared, self._batch.data, strict=True) if dataset.use]
            nothing[i] |= not any(np.isfinite(row).any() for row in used)
        return nothing

    def _one_by_one(self, vectors: np.ndarray) -> np.ndarray:
        foms = np.empty(len(vectors))
        for i, vector in enumerate(vectors):
            try:
                foms[i] = self._one(vector)
            except ScriptTimeout:
                raise
            except ScriptError as error:
                foms[i] = np.nan
                self.n_failed += 1
                self.last_failure = error.what
        return foms

    def _one(self, vector: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            simulations = self._single.simulate_fitted(vector)
            fom = float(self._figure.total(simulations, self._single.penalty()))
        return float("nan") if self._says_nothing(simulations, np.array([fom]))[0] else fom

    def _choose_path(self) -> None:
        """Compare random candidates, alone and in company; remember why the population path cannot be taken."""
        rng = np.random.default_rng(0)
        low, high = self.bounds[:, 0], self.bounds[:, 1]
        probes = np.vstack([self.start, rng.uniform(low, high, size=(_N_PROBES, len(self.names)))])
        alone = self._one_by_one(probes)
        again = self._one_by_one(probes[::-1])[::-1]
        self.depends_on_history = not _agree(alone, again)
        if self.depends_on_history:
            self.path, self.why_not = ONE_BY_ONE, "the script remembers earlier evaluations"
        else:
            self.why_not = self._why_not_population(probes, alone)
            self.path = POPULATION if self.why_not is None else RECORDED
        if self.path == RECORDED:
            self.why_not_recorded = self._why_not_recorded(probes, alone)
            self.path = RECORDED if self.why_not_recorded is None else ONE_BY_ONE
        self.n_failed, self.last_failure = 0, None

    def _why_not_population(self, probes: np.ndarray, alone: np.ndarray) -> str | None:
        try:
            together = self._population_or_error(probes)
            part = self._population_or_error(probes[1:4])
        except ScriptError as error:
            return error.what
        if _agree(alone, together) and _agree(alone[1:4], part):
            return None
        return "the script gives other numbers for a population than for one"

    def _why_not_recorded(self, probes: np.ndarray, alone: np.ndarray) -> str | None:
        try:
            found = self._single.simulate_each(probes, self._recorder)
            outcomes = [outcome for outcome in found if not isinstance(outcome, InputError)]
            if not any(type(s) is Curve and not s.is_known for simulations, _ in outcomes for s in simulations):
                failed = next((outcome for outcome in found if isinstance(outcome, InputError)), None)
                if failed is not None and not outcomes:
                    return failed.what
                return "no simulation can be recorded: the script calculates with them, or they are not SimSpecular"
            foms = np.full(len(probes), np.nan)
            good = [i for i, outcome in enumerate(found) if not isinstance(outcome, InputError)]
            foms[good] = self._recorded_foms(outcomes)
        except ScriptTimeout:
            raise
        except ScriptError as error:
            return error.what
        return None if _agree(alone, foms) else "the script gives other numbers with simulations that are only recorded"


def _agree(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.allclose(a, b, rtol=_AGREEMENT, atol=1e-12, equal_nan=True))


def candidate_simulations(instance: ModelInstance, vectors: np.ndarray) -> list[np.ndarray]:
    """Simulations of a population, each (n_population, n_points), for tests and error bands."""
    simulations = instance.simulate_fitted(vectors)
    return [np.broadcast_to(s, (len(vectors), *np.shape(d.x))) for s, d in zip(simulations, instance.data, strict=True)]
