"""Error bars where people read them: table, JSON, page, and the Error column of the file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from page_reader import Page
from small_film import SCRIPT, TRUTH, film, write_film

import metagenx
from metagenx.errors import InputError
from metagenx.fitting.api import Fit
from metagenx.fitting.error_bars import KINDS
from metagenx.genx import file as genx_file
from metagenx.report.error_bars import error_bars_section
from metagenx.report.extras_of_fit import extras_of_fit, prepare_extras
from metagenx.report.fit import fit_summary, fit_table, fit_text, offsets_text, save_fit

QUICK = {"pop_size": 15, "create_trial": "best_1_bin", "km": 0.6, "kr": 0.7}


@pytest.fixture(scope="module")
def fit() -> Fit:
    return metagenx.fit(metagenx.Model(film(name="film")), seed=1, max_runs=3, **QUICK)


def test_the_three_kinds_stand_side_by_side(fit: Fit) -> None:
    bars = fit.error_bars
    assert fit.evaluations == fit.restarts.evaluations + 4 * 3 + 2
    columns = [
        "name", "value", "covariance 68 % low", "covariance 68 % high", "covariance 95 % low", "covariance 95 % high",
        "FOM level low", "FOM level high", f"spread of {bars.n_runs} runs", "min", "max", "at limit",
    ]  # fmt: skip
    assert list(fit.table.columns) == columns
    truth = np.array(list(TRUTH.values()))
    assert bars.covariance is not None
    assert (np.abs(fit.values - truth) < 4 * bars.covariance.errors).all()
    low, high = bars.offsets("covariance", 0.95)
    np.testing.assert_allclose(bars.covariance.intervals(0.95), (fit.values + np.array([low, high])).T)
    assert fit.correlations.loc["Film.setD", "Film.setD"] == 1.0
    with pytest.raises(InputError, match="no kind of error bar"):
        bars.offsets("sigma")


def test_the_terminal_says_where_the_noise_comes_from(fit: Fit) -> None:
    table = fit_table(fit)
    assert {"covariance 68 %", "FOM level"} <= set(table)
    text = fit_text(fit)
    assert text.startswith(fit.verdict)
    assert "! noise of the data: " in text


def test_offsets_are_short() -> None:
    assert offsets_text(-0.123, 0.1235) == "±0.12"
    assert offsets_text(-0.1, 0.3) == "−0.1 +0.3"
    assert offsets_text(-np.inf, np.inf) == "infinite"
    assert offsets_text(np.nan, 1.0) == "-"
    assert offsets_text(0.0, 0.5) == "−0 +0.5"
    assert offsets_text(0.0, 0.0) == "±0"


def test_json_and_folder_have_everything(fit: Fit, tmp_path: Path) -> None:
    profile = fit.profile("Film.setD")
    save_fit(fit, tmp_path, command=["metagenx", "fit"], profiles=[profile], errors="covariance")
    verdict = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))
    first = verdict["parameters"][0]
    assert set(first["errors"]) == set(KINDS)
    assert first["errors"]["covariance"]["determined"] is True
    assert verdict["error_bars"]["covariance"]["degrees_of_freedom"] == 47
    low, high = verdict["profiles"][0]["intervals"]["68.3 %"]
    assert low < fit.values[0] < high
    correlations = pd.read_csv(tmp_path / "correlations.csv", index_col=0)
    np.testing.assert_allclose(correlations.to_numpy(), fit.correlations.to_numpy())
    page = Page(tmp_path / "report.html")
    assert "errors" in page.sections
    for words in ("Error bars", "Correlations of the errors", "Profile of Film.setD", "draws from the covariance"):
        assert words in page.text, words
    np.testing.assert_allclose(page.csv("profile_0.csv")["FOM"], profile.foms)
    sld = page.csv("sld.csv")
    assert (sld["16 %"] <= sld["84 %"]).all()
    assert (sld["2.5 %"] < sld["97.5 %"]).any()
    file = genx_file.read(tmp_path / "best.hgx")
    assert file.options["metagenx"]["error column"] == "covariance"
    low, high = (float(part) for part in file.fitted_rows[0].error.strip("(),").split(","))
    offsets = fit.error_bars.offsets("covariance")
    assert (low, high) == pytest.approx((offsets[0][0], offsets[1][0]), rel=1e-3)


def test_the_file_says_which_kind_its_error_column_holds(fit: Fit, tmp_path: Path) -> None:
    path = fit.save(tmp_path / "a.hgx")
    file = genx_file.read(path)
    assert file.options["metagenx"]["error column"] == "FOM level"
    assert float(file.fitted_rows[0].error.strip("(),").split(",")[0]) == pytest.approx(
        fit.error_bars.level_low[0], rel=1e-3
    )
    with pytest.raises(InputError, match="no error bars called"):
        fit.save(tmp_path / "b.hgx", errors="both")


def test_the_posterior_is_in_the_page(fit: Fit, tmp_path: Path) -> None:
    pytest.importorskip("bumps.dream.core")
    posterior = fit.mcmc(samples=3000)
    bars = fit.error_bars.covariance
    assert bars is not None
    assert (np.abs(posterior.median - fit.values) < 3 * bars.errors).all()
    # The likelihood is Gaussian, which knows more than the median that the fit is: π/2 at most, in squares.
    ratio = np.std(posterior.samples, axis=0) / bars.errors
    assert (ratio > 0.55).all()
    assert (ratio < 1.25).all()
    save_fit(fit, tmp_path, posterior=posterior)
    assert len(pd.read_csv(tmp_path / "mcmc.csv")) == len(posterior.samples)
    assert "Posterior" in Page(tmp_path / "report.html").text
    assert "MCMC" in fit_text(fit, posterior=posterior)
    assert fit_summary(fit, posterior=posterior)["mcmc"]["draws"] == len(posterior.samples)


def test_a_parameter_without_influence_is_in_words_everywhere(tmp_path: Path) -> None:
    script = SCRIPT.replace("Amb = model.Layer()", "Amb = model.Layer(d=5.0)")
    file = film(name="film", script=script)
    file.table.append(genx_file.Row("Amb.setD", 5.0, True, 0.0, 10.0))
    fit = metagenx.fit(metagenx.Model(file), seed=1, max_runs=1, **QUICK)
    assert "infinite" in set(fit_table(fit)["covariance 68 %"])
    assert "no influence on the simulation at the best fit, so no error bar: Amb.setD" in fit_text(fit)
    assert fit_summary(fit)["parameters"][3]["errors"]["covariance"]["determined"] is False
    assert fit.save(tmp_path / "a.hgx", errors="covariance").is_file()
    assert genx_file.read(tmp_path / "a.hgx").fitted_rows[3].error == "-"


def test_a_fit_of_a_function_says_why_there_is_no_covariance() -> None:
    from metagenx.fitting.problem import FunctionProblem

    problem = FunctionProblem(lambda v: ((v - 0.3) ** 2).sum(axis=1) + 1.0, [[0, 1]] * 2, vectorised=True)
    fit = metagenx.fit(problem, max_runs=1)
    assert fit.evaluations == fit.restarts.evaluations
    assert "no covariance: a function without data" in fit_text(fit)
    assert error_bars_section(fit).elements
    with pytest.raises(InputError, match="a profile needs a problem with data"):
        fit.profile("x0")


def test_mistakes_are_found_before_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = metagenx.Model(film()).problem()
    with pytest.raises(InputError, match=r"Did you mean Film\.setD"):
        prepare_extras(problem, ["Film.setd"], False)
    monkeypatch.setitem(__import__("sys").modules, "bumps.dream.core", None)
    with pytest.raises(InputError, match="pip install"):
        prepare_extras(problem, [], True)


def test_an_interrupted_fit_has_error_bars_if_they_are_quick_and_no_extras() -> None:
    calls = iter(range(10**6))
    fit = metagenx.fit(metagenx.Model(film()), should_stop=lambda: next(calls) > 30, **QUICK)
    assert fit.was_interrupted
    assert fit.error_bars.covariance is not None
    said: list[str] = []
    assert extras_of_fit(fit, ["Film.setD"], True, say=said.append) == ([], None)
    assert "interrupted" in said[0]


def test_zeros_in_the_data_do_not_count_in_a_log_figure_of_merit(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.hgx", name="film")
    file = genx_file.read(path)
    file.data[0].y[[1, 5]] = 0.0
    file.data[0].y[7] = np.nan
    fit = metagenx.fit(metagenx.Model(file), seed=1, max_runs=1, **QUICK)
    assert fit.error_bars.covariance is not None
    assert fit.error_bars.covariance.noise.degrees_of_freedom == 50 - 3 - 3
