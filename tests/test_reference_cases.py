"""Every public case that GenX computed, through the same door as a user's file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference import Case, all_cases, assert_curve, number

import metagenx
from metagenx.genx.population import candidate_simulations

CASES = all_cases()

# Scripts that no population can go through, and the words in which that is said.
NO_POPULATION = {"uservars_coupling_01": "truth value"}

# Rows that name a plain global variable: GenX drops the value in silence, we set the variable and say so
# (fact sheet 2.3, Q). Their row is taken out to compare the rest.
DEAD_ROWS = {"parameter_name_styles_00": "scale", "plain_functions_01": "level"}

if not CASES:
    pytest.skip("the shared reference material is absent", allow_module_level=True)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture(scope="module")
def model(case: Case) -> metagenx.Model:
    loaded = metagenx.load(case.file)
    if case.name not in DEAD_ROWS:
        return loaded
    assert any(DEAD_ROWS[case.name] in notice for notice in loaded.notices)
    file = loaded.file.with_results()
    for row in file.table:
        if row.name == DEAD_ROWS[case.name]:
            row.name = ""  # the flag stays: it counts in N - p
    return metagenx.Model(file)


def test_simulation(case: Case, model: metagenx.Model) -> None:
    for i, simulation in enumerate(model.simulate()):
        assert_curve(simulation, case.arrays[f"d{i}_y_sim"], case.tolerance, f"data set {i}")


def test_figures_of_merit(case: Case, model: metagenx.Model) -> None:
    simulations = model.simulate()
    options = case.manifest["fom_mask_options"]
    assert {key: model.options[key] for key in options} == options
    if options["ignore_fom_nan"] and not options["ignore_fom_inf"]:
        pytest.skip("GenX inverts this mask; we do what the option says (fact sheet 6.1, Q)")
    for name, expected in case.manifest["fom"].items():
        if "error" in expected:
            continue
        figure = model.figure_of_merit(name)
        relative = max(1e-8, 10 * case.tolerance)
        ours = float(figure.total(simulations, model._instance.penalty()))
        # A sum of residuals that cancel almost perfectly keeps the noise of its terms.
        np.testing.assert_allclose(ours, number(expected["fom"]), rtol=relative, atol=1e-13, err_msg=name)


def test_trials_one_by_one_and_as_one_batch(case: Case, model: metagenx.Model) -> None:
    trials = [t for t in case.manifest["trials"] if "error" not in t]
    if not trials:
        pytest.skip("no trials in this case")
    options = case.manifest["fom_mask_options"]
    if options["ignore_fom_nan"] and not options["ignore_fom_inf"]:
        pytest.skip("GenX inverts this mask; we do what the option says (fact sheet 6.1, Q)")
    problem = model.problem()
    alive = [name != DEAD_ROWS.get(case.name) for name in case.manifest["fit_order"]]
    assert list(problem.names) == [n for n, a in zip(case.manifest["fit_order"], alive, strict=True) if a]
    vectors = np.array([[number(v) for v in trial["values"]] for trial in trials])[:, alive]
    expected = np.array([number(trial["fom"]) for trial in trials])
    tolerance = max(1e-8, 10 * case.tolerance)
    one_by_one = np.concatenate([problem._one_by_one(vector[None]) for vector in vectors])
    np.testing.assert_allclose(one_by_one, expected, rtol=tolerance, atol=1e-13)
    np.testing.assert_allclose(problem._recorded(vectors), one_by_one, rtol=1e-12, atol=1e-15)
    if case.name in NO_POPULATION:
        assert problem.path == "recorded"
        assert NO_POPULATION[case.name] in (problem.why_not or "")
        return
    assert problem.path == "population", problem.why_not
    np.testing.assert_allclose(problem.evaluate(vectors), expected, rtol=tolerance, atol=1e-13)
    batch = candidate_simulations(problem._batch, vectors)
    for t in range(len(trials)):
        for i, simulation in enumerate(batch):
            key = f"trial{t}_d{i}_y_sim"
            if key in case.arrays:
                assert_curve(simulation[t], case.arrays[key], case.tolerance, key)


def test_candidates_do_not_depend_on_their_company(case: Case, model: metagenx.Model) -> None:
    if not case.manifest.get("fit_order"):
        pytest.skip("nothing is fitted in this case")
    problem = model.problem()
    vectors = np.random.default_rng(1).uniform(*problem.bounds.T, size=(5, len(problem.names)))
    together = problem.evaluate(vectors)
    alone = np.concatenate([problem.evaluate(vector[None]) for vector in vectors])
    np.testing.assert_array_equal(together, alone)


def test_profiles(case: Case, model: metagenx.Model) -> None:
    expected = case.manifest.get("sld") or []
    profiles = model.sld()
    assert len(profiles) == len(expected)
    for ours, theirs in zip(profiles, expected, strict=True):
        _compare_profile(case, ours, theirs)


def _compare_profile(case: Case, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    for key, entry in theirs.items():
        assert key in ours, f"{key} is missing, there are {sorted(ours)}"
        if isinstance(entry, dict) and "npz" in entry:
            array = case.arrays[entry["npz"]]
            floor = 1e-5 * np.max(np.abs(array), initial=0.0)
            np.testing.assert_allclose(ours[key], array, rtol=1e-5, atol=floor, err_msg=key)
        elif isinstance(entry, dict):
            _compare_profile(case, ours[key], entry)


def test_expressions(case: Case, model: metagenx.Model) -> None:
    model.simulate()
    for expression, expected in (case.manifest.get("eval") or {}).items():
        value = model._instance.script.evaluate(expression)
        if isinstance(expected, str) and not isinstance(value, int | float | complex):
            assert str(value) == expected
        elif isinstance(number(expected), int | float | complex):
            np.testing.assert_allclose(complex(value), number(expected), rtol=1e-9, err_msg=expression)
