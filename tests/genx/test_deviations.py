"""What error bars are made of is the figure of merit itself, taken apart."""

from __future__ import annotations

import copy
import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

import metagenx
from metagenx.errors import InputError
from metagenx.fitting.covariance import covariance_at
from metagenx.fitting.problem import ProblemWithData
from metagenx.fitting.slopes import objective
from metagenx.genx import fom_functions
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "report"))
from small_film import OPTIONS, SCRIPT
from small_film import film as shared_film

PENALTY = SCRIPT.replace("from models.utils import fp", "from models.utils import fp, UserVars") + (
    "cp = UserVars()\ncp.new_sys_err('shift', 0.1, 0.05, weight=0.5, correction=1.0)\n"
)


def film(**changes: object) -> GenxFile:
    """The film with options of its own, which a test may change."""
    return shared_film(**{"options": copy.deepcopy(OPTIONS), **changes})


def two_sets(**changes: object) -> GenxFile:
    """Two data sets in use and one that is not; zeros, negative and missing points, an error of zero."""
    file = film(**changes)
    (first,) = file.data
    y, error = first.y.copy(), first.error.copy()
    y[[3, 9]], y[20], error[30] = 0.0, np.nan, 0.0
    other = DataSet("other", first.x[:30], 1.1 * first.y[:30], 0.1 * first.y[:30])
    unused = DataSet("unused", first.x[:7], first.y[:7], first.error[:7])
    unused.use = False
    return dataclasses.replace(file, data=DataList([DataSet("a", first.x, y, error), other, unused]))


@pytest.mark.parametrize("name", fom_functions.NAMES)
@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("missing", [False, True])
def test_the_sum_of_the_deviations_is_the_figure_of_merit(name, limited, missing):
    file = two_sets() if missing else film()
    file.set_solver_options({"figure_of_merit": name, "limit_fit_range": limited, "fit_xmin": 0.7, "fit_xmax": 3.5})
    problem = metagenx.Model(file).problem()
    assert isinstance(problem, ProblemWithData)
    vectors = problem.start * np.array([[1.0], [1.02], [0.97]])
    found = problem.deviations(vectors)
    assert found.differences.shape == (3, 80 if missing else 50)
    sums, foms = objective(found) / found.divisor, problem.evaluate(vectors)
    if np.isnan(foms).all():  # GenX's denominator over all points, a missing one included: nothing is left to fit
        assert name in {"R1", "logR1", "R2", "logR2", "R1bars", "R2bars"}
        assert np.isinf(sums).all()
        return
    np.testing.assert_allclose(sums, foms, rtol=1e-12)
    alone = problem.deviations(vectors[1:2])
    np.testing.assert_array_equal(alone.differences[0], found.differences[1])


def test_penalties_are_departures_in_errors():
    file = film(script=PENALTY)
    file.table.append(Row("cp.setShift", 0.14, True, 0.0, 0.2))
    problem = metagenx.Model(file).problem()
    vectors = np.array([problem.start, problem.start * 1.01])
    found = problem.deviations(vectors)
    np.testing.assert_allclose(found.prior[:, 0], (0.1 - vectors[:, 3]) / 0.05)
    assert found.prior_weights.tolist() == [0.5]
    constant = -0.5 * 1.0
    np.testing.assert_allclose(objective(found) / found.divisor + constant, problem.evaluate(vectors), rtol=1e-12)
    # The shift does nothing else, so the penalty alone says how well it is known.
    bars = covariance_at(problem, np.array([131.0, 0.083, 5.0, 0.1]))
    assert bars.errors[3] == pytest.approx(0.05, rel=1e-6)


def test_one_by_one_gives_the_same():
    together = metagenx.Model(film()).problem()
    script = SCRIPT.replace("    SLD[:] = []", "    SLD[:] = []\n    if Film.d > 100000: Film.sigma = 0")
    alone = metagenx.Model(film(script=script)).problem()
    assert (together.path, alone.path) == ("population", "recorded")
    vectors = np.array([together.start, together.start * 1.01])
    np.testing.assert_allclose(
        alone.deviations(vectors).differences, together.deviations(vectors).differences, rtol=1e-10, atol=1e-12
    )


def test_a_candidate_that_fails_is_all_nan():
    script = SCRIPT.replace("    SLD[:] = []", "    SLD[:] = []\n    if Film.d > 150: raise ValueError('too thick')")
    problem = metagenx.Model(film(script=script)).problem()
    found = problem.deviations(np.array([[120.0, 0.085, 4.0], [155.0, 0.085, 4.0]]))
    assert np.isfinite(found.differences[0]).all()
    assert np.isnan(found.differences[1]).all()
    with pytest.raises(InputError, match="too thick"):
        problem.deviations(np.array([[155.0, 0.085, 4.0]]))


def test_noise_is_seen_through_the_transformation():
    """By the scatter of what the figure of merit sees, of data with the error that the column names."""
    rng = np.random.default_rng(8)
    file = film()
    (d,) = file.data
    noisy = d.y * (1.0 + 0.01 * rng.standard_normal((4000, len(d.y))))
    file.data[0].error = 0.01 * d.y
    for name, seen in {"log": np.log10, "sqrt": np.sqrt, "chi2bars": np.asarray, "R1": np.sqrt}.items():
        file.set_solver_options({"figure_of_merit": name})
        found = metagenx.Model(file).problem().deviations(np.array([[120.0, 0.085, 4.0]]))
        np.testing.assert_allclose(found.noise, np.std(seen(noisy), axis=0), rtol=0.06)


def test_a_figure_of_merit_of_ones_own_says_nothing_of_noise():
    fom_functions.register("ours", lambda simulations, data: [s - d.y for s, d in zip(simulations, data, strict=True)])
    try:
        problem = metagenx.Model(film()).problem(fom="ours")
        with pytest.raises(InputError, match="ours is no function of GenX's"):
            problem.deviations(problem.start[None])
    finally:
        del fom_functions.CUSTOM["ours"]


def test_a_candidate_of_the_wrong_shape_is_refused():
    problem = metagenx.Model(film()).problem()
    with pytest.raises(InputError, match=r"\(n, 3\)"):
        problem.deviations(problem.start)
    with pytest.raises(InputError, match=r"\(n, 3\)"):
        problem.deviations(np.empty((0, 3)))
