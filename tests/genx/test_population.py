"""A population at once: candidates that fail, that say nothing, and scripts that no population can go through."""

from __future__ import annotations

import numpy as np
import pytest

import metagenx
from metagenx.errors import InputError
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row

HEAD = """\
from numpy import *
from models.utils import UserVars
cp = UserVars()
cp.new_var('a', 1.0)
cp.new_var('b', 2.0)
"""
LOOP = """\
    total = 0.0
    for v in [cp.a, cp.b]:
        total = total + (v if v > 1.0 else 1.0)
    return [x*total]
"""
X = np.linspace(1.0, 5.0, 20)


def problem(body: str, fom: str = "diff", rows: list[Row] | None = None) -> metagenx.genx.population.ModelProblem:
    rows = rows or [Row("cp.setA", 1.0, True, 0.0, 3.0), Row("cp.setB", 2.0, True, 1.0, 4.0)]
    data = DataList([DataSet("d", X, 1.5 * X + 2.0, 0.1 * X)])
    file = GenxFile(script=f"{HEAD}def Sim(data):\n    x = data[0].x\n{body}", fom_name=fom, table=rows, data=data)
    return metagenx.Model(file).problem()


def test_a_population_is_what_its_members_are() -> None:
    found = problem("    return [cp.a*x + cp.b]\n")
    vectors = np.random.default_rng(3).uniform(*found.bounds.T, size=(7, 2))
    expected = [np.sum(np.abs(1.5 * X + 2.0 - (a * X + b))) / (len(X) - 2) for a, b in vectors]
    assert found.path == "population"
    np.testing.assert_allclose(found.evaluate(vectors), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("    return [x*(2.0 if cp.a > 1.5 else 1.0) + cp.b]\n", "truth value"),
        ("    return [x*float(cp.a) + cp.b]\n", ""),
        (LOOP, ""),
        ("    return [x*cp.a/sum(cp.b)]\n", "other numbers"),
    ],
)
def test_scripts_that_no_population_can_go_through(body: str, reason: str) -> None:
    found = problem(body)
    assert found.path == "one by one"
    assert found.why_not
    assert reason in found.why_not
    vectors = np.random.default_rng(3).uniform(*found.bounds.T, size=(4, 2))
    assert np.isfinite(found.evaluate(vectors)).all()


def test_a_script_with_a_memory_is_found_out() -> None:
    found = problem("    cp.b = cp.b + cp.a*0.01\n    seen.append(1)\n    return [x*cp.a + len(seen)]\nseen = []\n")
    assert found.depends_on_history
    assert found.path == "one by one"


def test_a_candidate_without_a_number_never_looks_good() -> None:
    found = problem("    return [x*cp.a + log(cp.b - 2.0)]\n")
    foms = found.evaluate(np.array([[1.0, 3.0], [1.0, 1.5], [1.0, 3.5]]))
    assert np.isnan(foms[1])
    assert np.isfinite(foms[[0, 2]]).all()


@pytest.mark.parametrize("line", ["    return [cp.a*x + cp.b]\n", "    return [float(cp.a)*x + cp.b]\n"])
def test_a_candidate_of_which_nothing_can_be_compared_never_looks_good(line: str) -> None:
    """Logarithms of what is negative are masked, all of them: the sum of nothing is no perfect fit."""
    found = problem(line, fom="log")
    foms = found.evaluate(np.array([[-1.0, -2.0], [1.5, 2.0], [1.0, 2.0]]))
    assert np.isnan(foms[0])
    assert foms[1] == 0.0  # the truth
    assert foms[2] > 0.0


def test_one_failing_candidate_is_a_number_that_is_none() -> None:
    found = problem("    if cp.a > 2.9:\n        raise ValueError('too steep')\n    return [x*cp.a + cp.b]\n")
    foms = found.evaluate(np.array([[1.0, 3.0], [2.95, 1.5]]))
    assert np.isfinite(foms[0])
    assert np.isnan(foms[1])
    assert found.n_failed == 1
    assert "too steep" in (found.last_failure or "")


def test_tables_that_cannot_be_fitted_are_refused_with_all_their_mistakes() -> None:
    rows = [Row("cp.setA", 1.0, True, 3.0, 0.0), Row("cp.setB", float("nan"), True, 1.0, 4.0)]
    with pytest.raises(InputError, match=r"(?s)row 1.*row 2"):
        problem("    return [x*cp.a + cp.b]\n", rows=rows)
    with pytest.raises(InputError, match="no parameter"):
        problem("    return [x*cp.a + cp.b]\n", rows=[Row("cp.setA", 1.0, False, 0.0, 3.0)])


def test_the_wrong_shape_is_refused() -> None:
    with pytest.raises(InputError, match="n_population, 2"):
        problem("    return [x*cp.a + cp.b]\n").evaluate(np.zeros((3, 5)))
