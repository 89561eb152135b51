"""Figures of merit against GenX's stored values, and what must hold for any data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference import PUBLIC, Case, number

from metagenx.errors import InputError, ScriptError
from metagenx.genx import fom
from metagenx.genx.fom import FigureOfMerit
from metagenx.genx.fom_functions import CUSTOM

ALL_CASES = [Case(path.stem) for path in sorted(PUBLIC.glob("*.json"))]
# Systematic errors of the scripts: ((0.003 − 0)/0.004)², and 2.5 times that plus ((207 − 200)/5)².
PENALTIES = {"systematic_errors_00": 0.5625, "systematic_errors_01": 2.5 * 0.5625 + 1.96}


@dataclass
class Points:
    x: Any
    y: Any
    error: Any
    use: bool = True


def measured(case: Case) -> tuple[list[Points], list[np.ndarray]]:
    sets = case.manifest["datasets"]
    a = case.arrays
    data = [Points(a[f"d{i}_x"], a[f"d{i}_y"], a[f"d{i}_error"], d["use"]) for i, d in enumerate(sets)]
    return data, [a[f"d{i}_y_sim"] for i in range(len(sets))]


def example(n_sets: int = 2, n_points: int = 57, seed: int = 0) -> tuple[list[Points], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    data, simulations = [], []
    for i in range(n_sets):
        n = n_points + 10 * i
        y = 10 ** rng.uniform(-7, 0, n)
        data.append(Points(np.linspace(0.1, 5, n), y, 0.1 * y))
        simulations.append(y * rng.uniform(0.5, 2, (6, n)))
    return data, simulations


@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: case.name)
def test_reference_values(case: Case) -> None:
    data, simulations = measured(case)
    options = case.manifest["fom_mask_options"]
    inverted = options["ignore_fom_nan"] and not options["ignore_fom_inf"]
    for name, expected in case.manifest["fom"].items():
        figure = FigureOfMerit(name, data, n_fitted=case.manifest["n_fit_parameters"], options=options)
        total = figure.total(simulations, PENALTIES.get(case.name, 0.0))
        if "error" in expected:
            # R2bars of sets with unequal length: GenX fails, we have a number.
            assert name == "R2bars"
            assert np.isfinite(total) or not options["ignore_fom_inf"]
            continue
        if inverted:
            continue
        np.testing.assert_allclose(total, number(expected["fom"]), rtol=1e-9, err_msg=name)
        sums = [number(v) for v in expected["per_dataset"]]
        np.testing.assert_allclose(figure.per_data_set(simulations), sums, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: case.name)
def test_reference_points(case: Case) -> None:
    data, simulations = measured(case)
    for i, values in enumerate(FigureOfMerit(case.manifest["fom_function"], data).pointwise(simulations)):
        expected = case.arrays[f"d{i}_fom_raw"]
        floor = 1e-15 * np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0)
        np.testing.assert_allclose(values, expected, rtol=1e-9, atol=floor)


def test_there_are_fourteen() -> None:
    assert len(fom.NAMES) == 14


@pytest.mark.parametrize("name", fom.NAMES)
@pytest.mark.parametrize(
    "options",
    [{}, {"limit_fit_range": True, "fit_xmin": 1.0, "fit_xmax": 3.0}, {"ignore_fom_inf": False}],
    ids=["default", "range", "only nan"],
)
def test_a_candidate_does_not_depend_on_its_company(name: str, options: dict[str, Any]) -> None:
    data, simulations = example()
    simulations[0][2, 5] = -1.0
    figure = FigureOfMerit(name, data, n_fitted=3, options=options)
    together = figure.total(simulations, np.arange(6.0)[:, None])
    alone = [figure.total([s[k] for s in simulations], float(k)) for k in range(6)]
    part = figure.total([np.asfortranarray(s)[2:4] for s in simulations], np.array([2.0, 3.0]))
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together[2:4], part)
    assert isinstance(alone[0], float)


@pytest.mark.parametrize("name", fom.NAMES)
def test_sum_of_points_is_the_total(name: str) -> None:
    data, simulations = example()
    figure = FigureOfMerit(name, data, n_fitted=4)
    divided = name in ("diff", "log", "sqrt", "sintth4", "Norm", "chi2bars", "chibars", "logbars")
    points = figure.pointwise(simulations)
    expected = sum(np.sum(np.abs(p), axis=1) for p in points) / (57 + 67 - 4 if divided else 1)
    np.testing.assert_allclose(figure.total(simulations), expected, rtol=1e-13)
    np.testing.assert_allclose(
        np.sum(figure.per_data_set(simulations), axis=0) / (120 if divided else 1), expected, rtol=1e-13
    )


@pytest.mark.parametrize("name", fom.NAMES)
def test_perfect_simulation_costs_nothing(name: str) -> None:
    data, _ = example()
    assert FigureOfMerit(name, data).total([d.y for d in data]) == pytest.approx(0.0, abs=1e-14)


def test_sign_says_which_is_larger() -> None:
    data = [Points(np.array([1.0, 2.0]), np.array([1.0, 4.0]), np.array([1.0, 1.0]))]
    for name in fom.NAMES:
        (values,) = FigureOfMerit(name, data).pointwise([np.array([2.0, 2.0])])
        if name != "logR1":  # its denominator is negative here or not; only magnitudes matter
            assert values[0] < 0 < values[1], name


def test_masks() -> None:
    y = np.array([1.0, np.nan, np.inf, 3.0])
    data = [Points(np.arange(4.0), y, np.ones(4))]
    simulation = [np.ones(4)]

    def total(**options: bool) -> float:
        return float(FigureOfMerit("diff", data, options=options).total(simulation))

    assert total() == 0.5
    assert total(ignore_fom_nan=False) == 0.5
    assert total(ignore_fom_inf=False) == np.inf
    assert np.isnan(total(ignore_fom_nan=False, ignore_fom_inf=False))


def test_zero_and_negative_data_are_ignored_but_count() -> None:
    data = [Points(np.arange(4.0), np.array([10.0, 0.0, -1.0, 1.0]), np.ones(4))]
    assert FigureOfMerit("log", data, n_fitted=2).total([np.ones(4)]) == pytest.approx(0.5)


def test_range_leaves_n_and_denominators_as_they_are() -> None:
    data, simulations = example(n_sets=1)
    options = {"limit_fit_range": True, "fit_xmin": 1.0, "fit_xmax": 3.0}
    inside = (data[0].x >= 1.0) & (data[0].x <= 3.0)
    for name in fom.NAMES:
        points = FigureOfMerit(name, data).pointwise(simulations)[0]
        expected = np.abs(points[:, inside]).sum(axis=1)
        for more in ({}, {"ignore_fom_nan": False, "ignore_fom_inf": False}):
            figure = FigureOfMerit(name, data, options=options | more)
            np.testing.assert_allclose(figure.per_data_set(simulations)[0], expected, rtol=1e-12)


def test_unused_sets_are_shown_but_do_not_count() -> None:
    data, simulations = example()
    data[1].use = False
    figure = FigureOfMerit("R1", data)
    assert figure.total(simulations) == pytest.approx(FigureOfMerit("R1", data[:1]).total(simulations[:1]))
    assert len(figure.per_data_set(simulations)) == 2
    with pytest.raises(InputError, match="no data set is in use"):
        FigureOfMerit("R1", [Points([1.0], [1.0], [1.0], use=False)]).total([np.ones(1)])


def test_mixed_single_and_population() -> None:
    data, simulations = example()
    mixed = FigureOfMerit("log", data).total([simulations[0], simulations[1][3]])
    full = FigureOfMerit("log", data).total([simulations[0], np.tile(simulations[1][3], (6, 1))])
    np.testing.assert_array_equal(mixed, full)


def test_new_arrays_of_a_script_are_seen() -> None:
    data, simulations = example(n_sets=1)
    figure = FigureOfMerit("diff", data)
    before = figure.total(simulations)
    data[0].y = data[0].y * 2
    np.testing.assert_allclose(figure.total(simulations), FigureOfMerit("diff", data).total(simulations), rtol=0)
    assert not np.allclose(figure.total(simulations), before)


def test_read_only_and_integer_simulations() -> None:
    data, simulations = example(n_sets=1)
    simulations[0].setflags(write=False)
    figure = FigureOfMerit("diff", data)
    assert figure.total(simulations).shape == (6,)
    assert figure.total([np.ones(57, dtype=int)]) == figure.total([1.0])


def test_unknown_name_has_a_suggestion() -> None:
    with pytest.raises(InputError, match="chi2bars"):
        FigureOfMerit("Chi2Bars", [])


@pytest.mark.parametrize("simulation", [np.ones(56), np.ones((2, 3, 57)), np.ones(57, dtype=complex)])
def test_unusable_simulations(simulation: np.ndarray) -> None:
    data, _ = example(n_sets=1)
    with pytest.raises(ScriptError, match="data set 0"):
        FigureOfMerit("log", data).total([simulation])


def test_wrong_number_of_simulations() -> None:
    data, simulations = example()
    with pytest.raises(ScriptError, match="1 simulations for 2 data sets"):
        FigureOfMerit("log", data).total(simulations[:1])


def test_columns_of_unequal_length() -> None:
    data = [Points(np.ones(3), np.ones(3), np.ones(2))]
    assert FigureOfMerit("diff", data).total([np.ones(3)]) == 0.0
    with pytest.raises(InputError, match="error has 2 values, y has 3"):
        FigureOfMerit("chi2bars", data)


def test_not_more_points_than_parameters() -> None:
    data = [Points(np.ones(3), np.ones(3), np.ones(3))]
    with pytest.raises(InputError, match="3 parameters are fitted to 3 points"):
        FigureOfMerit("diff", data, n_fitted=3).total([np.ones(3)])
    assert FigureOfMerit("R1", data, n_fitted=3).total([np.ones(3)]) == 0.0


def test_custom_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metagenx.genx.fom_functions.CUSTOM", CUSTOM)
    with pytest.raises(InputError):
        fom.register("log", lambda simulations, data: [])
    fom.register("cubic", lambda s, data: [(d.y - v) ** 3 for d, v in zip(data, s, strict=True)])
    try:
        data, simulations = example()
        figure = FigureOfMerit("cubic", data)
        expected = sum(np.sum(np.abs((d.y - s) ** 3), axis=1) for d, s in zip(data, simulations, strict=True))
        np.testing.assert_allclose(figure.total(simulations), expected, rtol=1e-12)
        np.testing.assert_allclose(figure.total([s[1] for s in simulations]), expected[1], rtol=1e-12)
        assert figure.pointwise(simulations)[1].shape == (6, 67)
        assert "cubic" in fom.names()
        fom.register("short", lambda s, data: [np.ones(2)])
        with pytest.raises(InputError, match="one value per point"):
            FigureOfMerit("short", data).total(simulations)
    finally:
        CUSTOM.clear()


@given(
    arrays(float, 23, elements=st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)),
    arrays(float, (3, 23), elements=st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)),
)
def test_any_numbers_at_all(y: np.ndarray, simulations: np.ndarray) -> None:
    """The compiled sum leaves out what numpy finds not finite, for every float there is."""
    data = [Points(np.linspace(0, 5, 23), y, np.ones(23))]
    for name in ("diff", "log", "sqrt", "R1"):
        figure = FigureOfMerit(name, data)
        with np.errstate(all="ignore"):
            points = np.abs(figure.pointwise([simulations])[0])
            expected = np.sum(np.where(np.isfinite(points), points, 0.0), axis=1)
            np.testing.assert_allclose(figure.per_data_set([simulations])[0], expected, rtol=1e-12)
