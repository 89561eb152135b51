"""Twins of a measurement: the same structure and instrument, other true parameters, the same counting noise.

Of a twin the truth is known, and with it nearly the best FOM, so any number of instances exists on which settings can
be compared, and some can be held out. Nothing but (seed, content of the file, number) decides a twin. Start and limits
are those of the file: like a user's guess, the start knows nothing of the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting.covariance import covariance_at
from metagenx.fitting.local_minimum import local_minimum
from metagenx.fitting.problem import FloatArray, Problem, ProblemWithData
from metagenx.fitting.streams import noise_stream, twin_stream
from metagenx.genx.data import DataSet
from metagenx.genx.model import Model
from metagenx.meta.counting import believable, counting_of
from metagenx.meta.targets import BestKnown

FIRST_HELD_OUT = 1_000_000
"""Number of the first twin that the search never sees; so many twins a search can have."""

MARGIN = 0.1  # of the width of its limits that a true parameter keeps from each of them
_MOST_DRAWS = 50


@dataclass(frozen=True, eq=False)
class Twin:
    """A simulated measurement: its model, and the true values ``(n_dim,)`` of the fitted rows."""

    number: int
    model: Model
    truth: FloatArray

    @property
    def held_out(self) -> bool:
        """Whether nothing may be chosen by it."""
        return self.number >= FIRST_HELD_OUT


def twin_name(sample: str, number: int, *, is_only: bool) -> str:
    """What a twin is called: ``twin01``, ``held-out01``, with the name of its sample before it if there are several."""
    kind, count = ("held-out", number - FIRST_HELD_OUT + 1) if number >= FIRST_HELD_OUT else ("twin", number)
    return f"{kind}{count:02d}" if is_only else f"{sample}-{kind}{count:02d}"


def make_twin(model: Model, file_hash: str, number: int, *, seed: int) -> Twin:
    """Twin ``number`` of a model.

    True values are drawn uniformly between the limits, a tenth of their width away from each. Draws that cannot be
    simulated where the data have points are drawn again.

    Raises
    ------
    InputError : nothing is fitted, nothing says how the data were counted, no draw can be simulated.
    """
    rows = model.file.fitted_rows
    limits = np.array([(row.minimum, row.maximum) for row in rows], dtype=float).reshape(-1, 2)
    if not len(limits) or not np.isfinite(limits).all():
        raise InputError("a twin needs fitted parameters with finite limits")
    used = [index for index, dataset in enumerate(model.data) if dataset.use and np.isfinite(dataset.y).any()]
    counted = {index: counting_of(model.data[index].y, model.data[index].error) for index in used}
    draws, noise = twin_stream(seed, file_hash, number), noise_stream(seed, file_hash, number)
    for _ in range(_MOST_DRAWS):
        share = MARGIN + (1.0 - 2.0 * MARGIN) * draws.random(len(limits))
        truth = limits[:, 0] + share * (limits[:, 1] - limits[:, 0])
        curves = _simulated(model, truth)
        if curves is None or not all(_usable(curves[index], model.data[index]) for index in used):
            continue
        file = model.file.with_results(fom_log=[], start_guess=[])
        for index in used:
            y, error = counted[index].measure(np.asarray(curves[index], dtype=float), noise)
            file.data[index] = _measured(model.data[index], y, error)
        return Twin(number, Model(file, trust=model.trust), truth)
    raise InputError(
        f"none of {_MOST_DRAWS} draws of the true parameters could be simulated",
        hint="Some parts of the limits give no reflectivity; look at them: metagenx inspect.",
    )


def _simulated(model: Model, truth: FloatArray) -> list[np.ndarray] | None:
    names = [row.name for row in model.file.fitted_rows]
    try:
        return model.simulate(dict(zip(names, map(float, truth), strict=True)))
    except InputError:
        return None


def _usable(curve: np.ndarray, dataset: DataSet) -> bool:
    """Whether a curve has a value at every point with data, above zero where the data are."""
    values = np.asarray(curve, dtype=float)
    if values.shape != dataset.y.shape:
        return False
    measured = values[np.isfinite(dataset.y)]
    return bool(np.isfinite(measured).all() and (measured > 0.0).any())


def _measured(old: DataSet, y: FloatArray, error: FloatArray) -> DataSet:
    """The data set with another measurement in it; an error column that was none stays what it was."""
    new = old.copy()
    there = np.isfinite(old.y)
    if not believable(old.y, old.error):
        same = old.error.shape == old.y.shape and np.array_equal(old.error[there], np.abs(old.y[there]))
        error = np.abs(y) if same else old.error.copy()
    # Its columns are made from itself: the commands of the file were for the raw data of the real measurement.
    new.x_raw, new.y_raw, new.error_raw = old.x.copy(), y.copy(), error.copy()
    new.y, new.error = y, error
    new.x_command, new.y_command, new.error_command = "x", "y", "e"
    new.extra_data_raw = {name: column.copy() for name, column in old.extra_data.items()}
    new.extra_commands = {name: name for name in new.extra_data_raw}
    new.y_sim, new.y_fom = np.zeros(0), np.zeros(0)
    return new


def best_of(problem: Problem, truth: FloatArray, *, errorbar_level: float) -> BestKnown:
    """f* of a twin: the FOM at its truth after polish, with error bars where something is known of the data.

    They are half-widths where the FOM, all other parameters following, has risen to ``errorbar_level``, as those of a
    fit are (to second order, from the covariance). A search may lower f*.

    Raises
    ------
    InputError : the truth has no FOM.
    """
    values, fom = truth, float(problem.evaluate(truth[None])[0])
    errors = None
    if isinstance(problem, ProblemWithData):
        try:
            lower = local_minimum(problem, truth).vector
            told = float(problem.evaluate(lower[None])[0])
            if told < fom or not math.isfinite(fom):
                values, fom = lower, told
            errors = _widths(problem, values, errorbar_level)
        except InputError:
            pass  # a figure of merit of which no more is known than its value
    if not math.isfinite(fom):
        raise InputError("the true parameters of a twin have no figure of merit")
    return BestKnown(fom, tuple(map(float, values)), errors)


def _widths(problem: ProblemWithData, values: FloatArray, errorbar_level: float) -> tuple[float, ...]:
    """Half-widths ``(n_dim,)`` at a FOM level; NaN where nothing is known.

    Near the minimum Σ|d|ᵖ rises by p/2 of what χ² rises, relative to itself; χ² by (distance / standard error)².
    """
    found = covariance_at(problem, values)
    power = problem.deviations(values[None]).power
    reach = math.sqrt(max(errorbar_level - 1.0, 0.0) * 2.0 / power * max(found.noise.degrees_of_freedom, 1))
    widths = max(reach, 1.0) * found.errors
    return tuple(float(width) if math.isfinite(width) else math.nan for width in widths)
