"""The reports of real runs: complete, offline, safe, with the right numbers; of killed runs too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from page_reader import Page
from run_here import tune_here
from small_film import EVIL, SCRIPT, write_film

import metagenx
from metagenx.errors import FileFormatError
from metagenx.report.labels import setting_label
from metagenx.report.run import rebuild, tune_summary, write_report
from metagenx.runs import RunFolder, open_run


@pytest.fixture(scope="module")
def page(finished: RunFolder) -> Page:
    return Page(finished.report)


@pytest.fixture(scope="module")
def repeat_page(repeated: RunFolder) -> Page:
    return Page(repeated.report)


def test_every_part_is_there(page: Page, repeat_page: Page) -> None:
    assert page.sections == [
        "answer", "genx", "fit", "parameters", "minima", "speed", "search", "cost", "again",
    ]  # fmt: skip
    assert repeat_page.sections == ["minima", "fit", "parameters", "speed", "cost", "again"]
    for title in (
        "Validation", "Data and best fit", "Depth profile", "Best values", "Where fits ended", "Minima found",
        "How soon a fit succeeds", "Work for one good fit", "Course of the fits", "Racing timeline", "What mattered",
        "Search against validation", "Command",
    ):  # fmt: skip
        assert title in page.text, title


def test_the_page_needs_no_network_and_is_small(page: Page, finished: RunFolder) -> None:
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base"}, tag
        assert "src" not in attributes
        assert str(attributes.get("href", "#")).startswith(("#", "data:")), attributes
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a)
    assert "default-src 'none'" in str(policy)
    assert finished.report.stat().st_size < 6e6


def test_names_from_files_are_text(page: Page, repeat_page: Page) -> None:
    for found in (page, repeat_page):
        assert [attributes.get("type") for attributes, _ in found.scripts] == ["application/json", None, None]
        assert EVIL not in found.source
        names = found.csv("reflectivity.csv")["name"]
        assert set(names) == {EVIL}  # the data keep the name as it is


def test_every_figure_says_what_it_shows_and_gives_its_data(page: Page) -> None:
    figures = page.source.split("<figcaption>")[1:]
    assert len(figures) >= 15
    for figure in figures:
        caption = figure.partition("</figcaption>")[0]
        sentence = caption.partition("<p>")[2].partition("<a")[0].partition("</p>")[0]
        assert len(sentence.split()) > 5, caption[:200]
        assert 'class="data"' in caption or "Validation" in caption, caption[:200]


def test_figures_hold_the_data_of_the_best_fit(page: Page, finished: RunFolder) -> None:
    model = metagenx.load(finished.best)
    table = page.csv("reflectivity.csv")
    (simulation,) = model.simulate()
    np.testing.assert_allclose(table["fit"], simulation, rtol=1e-12)
    np.testing.assert_array_equal(table["R"], model.data[0].y)
    np.testing.assert_allclose(table["Q [Å⁻¹]"], 4 * np.pi / 1.54 * np.sin(np.radians(model.data[0].x / 2)), rtol=1e-9)
    # The residual of the figure of merit log is a difference of logarithms; their mean is the FOM (N - p).
    n = len(table)
    assert np.abs(table["residual"]).sum() / (n - 3) == pytest.approx(model.fom(), rel=1e-9)
    assert page.download("best.hgx") == finished.best.read_bytes()


def test_running_times_are_those_of_the_journal(page: Page, finished: RunFolder) -> None:
    verdict = json.loads(finished.verdict.read_text())
    table = page.csv("running_times.csv").set_index("setting")
    repeats = pd.read_csv(finished.repeats)
    for setting in ("file", verdict["winner"]):
        fresh = repeats[(repeats["phase"] == "validation") & (repeats["setting"] == setting)]
        fresh = fresh[fresh["sample"] == "data"]  # the user's own measurement, not its twin
        times = fresh["evaluations to success"].fillna(fresh["evaluations"])
        assert table.loc[setting, "fits"] == len(fresh)
        assert table.loc[setting, "successes"] == fresh["success"].sum()
        assert table.loc[setting, "expected evaluations"] == pytest.approx(times.sum() / fresh["success"].sum())
        measured = next(m for m in verdict["validation"] if m["setting"] == setting)
        for name, key in (("expected evaluations", "estimate"), ("low", "low"), ("high", "high")):
            assert table.loc[setting, name] == pytest.approx(measured["expected_evaluations"][key])
    ecdf = page.csv("ecdf.csv")
    mine = ecdf[ecdf["setting"] == "file"]
    assert mine["share of fits"].iloc[-1] == pytest.approx(table.loc["file", "success rate"])
    assert mine["evaluations"].is_monotonic_increasing


def test_gains_are_told_apart_for_the_measurement_and_its_held_out_twin(page: Page, finished: RunFolder) -> None:
    verdict = json.loads(finished.verdict.read_text())
    repeats = pd.read_csv(finished.repeats)
    fresh = repeats[repeats["phase"] == "validation"]
    table = page.csv("samples.csv").set_index("sample")
    assert set(table.index) == {"data", "held-out01"} == set(fresh["sample"])
    assert set(repeats[repeats["phase"] != "validation"]["sample"]) == {"data"}
    for sample, row in table.iterrows():
        mine = fresh[fresh["sample"] == sample]
        times = {}
        for setting in ("file", verdict["winner"]):
            fits = mine[mine["setting"] == setting]
            times[setting] = fits["evaluations to success"].fillna(fits["evaluations"]).sum() / fits["success"].sum()
        assert row["gain"] == pytest.approx(times["file"] / times[verdict["winner"]])
    gains = page.csv("gains.csv").set_index("measured on")["gain"]
    assert gains["held_out_seeds"] == pytest.approx(table.loc["data", "gain"])
    assert gains["held_out_samples"] == pytest.approx(table.loc["held-out01", "gain"])
    assert verdict["ratio"]["estimate"] == pytest.approx(np.sqrt(table["gain"].prod()))
    assert verdict["worst_sample"] == table["gain"].idxmin()


def test_the_race_is_told_as_it_was(page: Page, finished: RunFolder) -> None:
    race = page.csv("race.csv").set_index("setting")
    trials = pd.read_csv(finished.trials, keep_default_na=False).set_index("setting")
    raced = trials[trials["search fits"] > 0]
    assert set(race.index) >= set(raced.index)
    for name, row in race.iterrows():
        left = trials.loc[name, "left"]
        assert row["why"] == left or not left
        assert row["fits"] == sum(trials.loc[name, f"{p} fits"] for p in ("search", "confirmation", "validation"))
    total = json.loads(finished.verdict.read_text())["evaluations"]
    assert race["last"].max() == total


def test_the_headline_is_the_verdict(page: Page, finished: RunFolder) -> None:
    verdict = json.loads(finished.verdict.read_text())
    assert verdict["answer"] == "change"
    assert verdict["line"] in page.text
    assert "fewer evaluations per good fit than with the file's settings" in page.text
    rows = page.tables["Validation"]
    assert {"file", setting_label(verdict["winner"])} <= {row[0] for row in rows[1:]}


def test_depth_profiles_carry_a_band_that_holds_the_best(repeat_page: Page) -> None:
    table = repeat_page.csv("sld.csv")
    assert set(table["unit"]) == {"r_e/Å³"}
    assert (table["2.5 %"] <= table["97.5 %"]).all()
    assert (table["16 %"] <= table["84 %"]).all()


def test_minima_add_up_to_all_fits(repeat_page: Page, repeated: RunFolder) -> None:
    rows = repeat_page.tables["Minima found"][1:]
    assert sum(int(row[3]) for row in rows) == len(repeated.replay().records)
    best = min(record.fom for record in repeated.replay().records)
    assert float(rows[0][1]) == pytest.approx(best, rel=1e-5)


def test_a_killed_run_has_a_report_that_says_so(killed: RunFolder, tmp_path: Path) -> None:
    folder = _copy(killed, tmp_path)
    assert not folder.repeats.exists()
    page = Page(rebuild(folder, say=pytest.fail))
    assert "No answer yet" in page.text
    assert "resumable" in page.text
    assert "Racing timeline" in page.text
    assert len(pd.read_csv(folder.repeats)) == len(folder.replay().records)
    assert not folder.verdict.exists()


def test_a_report_of_the_journal_alone(killed: RunFolder, tmp_path: Path) -> None:
    """Without inputs there are no names and no curves, but all that the journal knows."""
    folder = _copy(killed, tmp_path)
    shutil.rmtree(folder.inputs)
    heard: list[str] = []
    page = Page(rebuild(folder, say=heard.append))
    assert "film.hgx" in heard[0]
    assert "missing or altered" in heard[0]
    assert "parameter 1" in page.text
    assert "speed" in page.sections


def test_tables_made_again_are_the_same(finished: RunFolder, tmp_path: Path) -> None:
    folder = _copy(finished, tmp_path)
    tables = [folder.repeats, folder.trials, folder.parameters, folder.reflectivity, folder.sld, folder.traces]
    before = {path: path.read_bytes() for path in [*tables, folder.verdict, folder.settings]}
    for path in before:
        path.unlink()
    rebuild(folder, say=pytest.fail)
    for path, content in before.items():
        assert path.read_bytes() == content, path.name


def test_altered_inputs_are_noticed_and_tables_stay(finished: RunFolder, tmp_path: Path) -> None:
    folder = _copy(finished, tmp_path)
    write_film(folder.inputs / "film.hgx", name="another one")
    folder.update_manifest(note="nothing")
    before = folder.repeats.read_bytes()
    heard: list[str] = []
    rebuild(folder, say=heard.append)
    assert "altered" in heard[0]
    assert folder.repeats.read_bytes() == before


def test_a_run_that_is_being_worked_on_keeps_its_tables(finished: RunFolder, tmp_path: Path) -> None:
    folder = _copy(finished, tmp_path)
    folder.trials.unlink()
    heard: list[str] = []
    with folder.lock():
        rebuild(folder, say=heard.append)
    assert "worked on" in heard[0]
    assert not folder.trials.exists()


def test_a_torn_or_damaged_journal(finished: RunFolder, tmp_path: Path) -> None:
    folder = _copy(finished, tmp_path)
    text = folder.events.read_bytes()
    folder.events.write_bytes(text[:-20])
    write_report(folder)  # the last line was never acknowledged
    lines = text.splitlines(keepends=True)
    folder.events.write_bytes(b"".join([*lines[:5], b"x" + lines[5][1:], *lines[6:]]))
    with pytest.raises(FileFormatError, match="line 6"):
        write_report(folder)


def test_no_run_no_report(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError):
        write_report(RunFolder(tmp_path))
    with pytest.raises(FileFormatError):
        open_run(tmp_path)


def test_a_script_that_is_not_trusted_is_not_run(finished: RunFolder, tmp_path: Path) -> None:
    """The curves then come from the tables, and the page says why there is no band."""
    folder = _copy(finished, tmp_path)
    mark = tmp_path / "ran"
    write_film(folder.best, script=f"open({str(mark)!r}, 'w')\n{SCRIPT}")
    page = Page(write_report(folder))
    assert not mark.exists()
    assert "leaves the safe subset" in page.text
    assert "Data and best fit" in page.text
    assert "Depth profile" not in page.text


def test_a_python_problem_with_names_that_would_harm_a_page(tmp_path: Path) -> None:
    (tmp_path / "problem.py").write_text(
        "from metagenx.fitting.problem import FunctionProblem\n"
        "def bowl():\n"
        "    return FunctionProblem(lambda x: 1.0 + (x**2).sum(axis=1), [[-1, 1]] * 2, vectorised=True,\n"
        '        names=["<script>alert(1)</script>", "</td>&\\"\'`$$x$$"])\n',
        encoding="utf-8",
    )
    (tmp_path / "e.yaml").write_text(
        "model: {function: 'problem.py:bowl'}\nbudget: {evaluations: 20k}\ntune: {trials: 2}\n", encoding="utf-8"
    )
    folder = tune_here(tmp_path / "e.yaml", tmp_path / "runs")
    page = Page(write_report(folder))
    assert len(page.scripts) == 3
    assert "<script>alert(1)</script>" in page.text
    assert "fit" not in page.sections  # there are no curves
    heard: list[str] = []
    rebuild(folder, say=heard.append)
    assert "Python code" in heard[0]
    rebuild(folder, trust=True, say=pytest.fail)


def test_summary_is_the_verdict_with_places(finished: RunFolder) -> None:
    class Result:
        folder = finished

    summary = tune_summary(Result())  # type: ignore[arg-type]
    verdict = json.loads(finished.verdict.read_text())
    assert {key: summary[key] for key in verdict} == verdict
    assert Path(summary["report"]).is_file()
    assert [Path(path).name for path in summary["best"]] == ["best.hgx"]


def _copy(folder: RunFolder, place: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(folder.path, place / folder.path.name)))
