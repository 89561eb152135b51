from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from metagenx.fitting.simplex import start_simplex, tell_simplex


def rosen(x):
    return 1.0 + 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2 + 3.0 * (x[2] - 0.5) ** 2


def polish(function, vector, steps, tolerance=0.0, max_iterations=100):
    simplex = start_simplex(
        np.asarray(vector, float), function(vector), np.asarray(steps, float), tolerance, max_iterations
    )
    evaluations = 1
    while simplex.step != "done":
        evaluations += len(simplex.candidates)
        tell_simplex(simplex, np.array([function(candidate) for candidate in simplex.candidates]))
    return simplex, evaluations


@pytest.mark.parametrize("iterations", [1, 5, 20, 60, 120])
def test_it_moves_as_an_independent_nelder_mead(iterations):
    start, steps = np.array([-1.2, 1.0, 2.0]), np.array([0.3, 0.2, 0.5])
    ours, evaluations = polish(rosen, start, steps, max_iterations=iterations)
    theirs = minimize(
        rosen,
        start,
        method="Nelder-Mead",
        options={
            "initial_simplex": start + np.vstack([np.zeros(3), np.diag(steps)]),
            "maxiter": iterations + 1,  # scipy counts from one
            "xatol": 0.0,
            "fatol": 0.0,
        },
    )
    assert ours.best[1] == pytest.approx(theirs.fun, rel=1e-12)
    np.testing.assert_allclose(np.sort(ours.foms), theirs.final_simplex[1], rtol=1e-10)
    assert evaluations == theirs.nfev


def test_it_stops_at_the_spread_of_its_foms():
    simplex, _ = polish(rosen, [-1.2, 1.0, 2.0], [0.3, 0.2, 0.5], tolerance=1e-3, max_iterations=10_000)
    assert np.sqrt(((simplex.foms - simplex.foms.mean()) ** 2).sum() / 3) <= 1e-3
    assert simplex.iteration < 10_000
    assert polish(rosen, [-1.2, 1.0, 2.0], [0.3, 0.2, 0.5], max_iterations=7)[0].iteration == 7


def test_candidates_without_a_fom_never_win():
    def hole(x):
        return np.inf if x[0] < 0.8 else rosen(x)

    simplex, _ = polish(hole, [1.5, 2.0, 0.0], [-1.0, 0.2, 0.3])
    assert np.isfinite(simplex.best[1])
    assert simplex.best[0][0] >= 0.8
    assert simplex.best[1] < rosen([1.5, 2.0, 0.0])


def test_a_simplex_without_size_ends_at_once():
    simplex, evaluations = polish(rosen, [0.5, 0.5, 0.5], [0.0, 0.0, 0.0])
    assert (simplex.iteration, evaluations) == (0, 4)
