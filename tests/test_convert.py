"""Data in and out by the command line: convert, --data, --export, and data in an experiment."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.testing import assert_allclose, assert_array_equal

import metagenx
from metagenx.cli import main
from metagenx.errors import ConfigError, InputError
from metagenx.genx import file as genx_file
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.export_convert import convert
from metagenx.genx.export_data import export_data
from metagenx.genx.loaders import read_data, requests_from
from metagenx.genx.model import Model
from metagenx.meta.experiment import load_experiment
from metagenx.meta.preparation import prepare
from metagenx.meta.problem_source import ProblemSource, open_problem
from metagenx.meta.repeat import source_with_data
from metagenx.meta.reread import reread

FILM = Path(__file__).parents[1] / "experiments" / "film.hgx"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


def the_json(result: Result) -> dict[str, Any]:
    assert result.stdout.count("\n") == 1, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new measurement of the film, in Q: fewer points, another scale."""
    dataset = metagenx.load(FILM).data[0]
    q = 4.0 * np.pi / 1.5406 * np.sin(np.radians(dataset.x[::2] / 2.0))
    path = tmp_path_factory.mktemp("data") / "today.dat"
    np.savetxt(path, np.column_stack([q, 0.9 * dataset.y[::2], dataset.error[::2]]), header="Q (1/A)  R  dR")
    return path


# -------------------------------------------------------------------------------------------------------- out


def test_orso_out_passes_orso_s_own_validation(tmp_path: Path) -> None:
    from orsopy.fileio.base import _read_header_data

    model = metagenx.load(FILM)
    fitted = model.with_results(errors=[(-0.1, 0.2)] * len(model.file.fitted_rows))
    path = export_data(fitted, tmp_path / "film.ort")
    (header,), (rows,), version = _read_header_data(str(path), validate=True)
    assert version == "1.2"
    names = [column.get("name") or "s" + column["error_of"] for column in header["columns"]]
    assert names == ["Qz", "R", "sR", "sQz", "Rsim", "residual", "FOM"]
    dataset = model.data[0]
    assert_allclose(rows[:, 0], 4.0 * np.pi / 1.5406 * np.sin(np.radians(dataset.x / 2.0)), rtol=1e-14)
    assert_array_equal(rows[:, 1], dataset.y)
    assert_array_equal(rows[:, 2], dataset.error)
    assert np.isnan(rows[:, 3]).all()
    assert_array_equal(rows[:, 4], model.simulate()[0])
    assert_allclose(rows[:, 5], (dataset.y - rows[:, 4]) / dataset.error, rtol=1e-13)
    analysis = header["analysis"]
    assert analysis["model"]["script"] == model.file.script
    assert analysis["figure_of_merit"] == {"function": "log", "value": pytest.approx(model.fom())}
    row = model.file.fitted_rows[0]
    expected = {
        "value": row.value,
        "fit": True,
        "min": row.minimum,
        "max": row.maximum,
        "error_low": -0.1,
        "error_high": 0.2,
    }
    assert analysis["parameters"][row.name] == expected


def test_resolution_and_extra_columns_go_out_and_come_back(tmp_path: Path) -> None:
    x = np.array([0.5, 1.0, 2.0])
    dataset = DataSet("a", x, x, 0.1 * x, extra={"res": 0.01 * x, "det": 10.0 * x})
    script = "import models.spec_nx as model\ninst = model.Instrument(wavelength=1.5, coords='tth')\n"
    script += "def Sim(data):\n    return [d.x for d in data]\n"
    model = Model(genx_file.GenxFile(script=script, data=DataList([dataset, dataset.copy()]), fom_name="R1"))
    slope = 2.0 * np.pi / 1.5 * np.cos(np.radians(x / 2.0)) * np.pi / 180.0
    sets = read_data(export_data(model, tmp_path / "a.ort")).sets
    assert [item.name for item in sets] == ["a", "a 1"]
    assert_allclose(sets[0].extra["res"], 0.01 * x * slope, rtol=1e-13)
    assert_array_equal(sets[1].extra["det"], 10.0 * x)
    csv = read_data(export_data(model, tmp_path / "a.csv")).sets
    assert (len(csv), csv[0].axis) == (2, "2theta")
    for column, values in {"x": x, "y": x, "error": 0.1 * x}.items():
        assert_array_equal(getattr(csv[1], column), values)
    assert_array_equal(csv[1].extra["res"], 0.01 * x)
    assert_array_equal(csv[1].extra["det"], 10.0 * x)
    header = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "data set,2θ [°],R,dR,res [°],det,simulation,residual,FOM"
    only = read_data(export_data(model, tmp_path / "b.csv", 1)).sets
    assert len(only) == 1
    with pytest.raises(InputError, match="no data set 5"):
        export_data(model, tmp_path / "c.csv", 5)


def test_what_is_no_reflectivity_is_not_written_as_orso(tmp_path: Path, shared: Path) -> None:
    model = metagenx.load(shared / "genx_files" / "Peakfit_Gauss.hgx")
    with pytest.raises(InputError, match=r"no Qz for an ORSO file(.|\n)*\.csv"):
        export_data(model, tmp_path / "a.ort")
    assert len(read_data(export_data(model, tmp_path / "a.csv")).sets[0].x) == len(model.data[0].x)


# ---------------------------------------------------------------------------------------------------- convert


def test_a_model_there_and_back_through_orso(tmp_path: Path) -> None:
    there = the_json(run("convert", FILM, tmp_path / "film.ort", "--json"))
    assert (there["data_sets"], there["points"]) == (1, 391)
    assert run("convert", tmp_path / "film.ort", tmp_path / "back.hgx").exit_code == 0
    one, two = metagenx.load(FILM), metagenx.load(tmp_path / "back.hgx")
    assert two.file.script == one.file.script
    assert_allclose(two.data[0].x, one.data[0].x, rtol=1e-13)
    assert [r.name for r in two.file.fitted_rows] == [r.name for r in one.file.fitted_rows]
    assert two.fom() == pytest.approx(one.fom(), rel=1e-10)


def test_old_files_become_new_ones(tmp_path: Path, shared: Path) -> None:
    for path in sorted((shared / "genx_files").glob("*.gx")):
        done = convert(path, tmp_path / f"{path.stem}.hgx")
        old, new = genx_file.read(path), genx_file.read(done.target)
        assert new.script == old.script
        assert [row.name for row in new.table] == [row.name for row in old.table]
        assert_array_equal(new.data[0].x, old.data[0].x)


def test_a_hgx_stays_byte_for_byte(tmp_path: Path) -> None:
    convert(FILM, tmp_path / "copy.hgx")
    assert (tmp_path / "copy.hgx").read_bytes() == FILM.read_bytes()


@pytest.mark.parametrize(("header", "coords"), [("Q [1/A] R dR dQ", "q"), ("2theta R dR dQ", "2θ"), ("a b c d", "q")])
def test_data_alone_get_a_model_to_begin_with(tmp_path: Path, header: str, coords: str) -> None:
    x = np.linspace(0.01, 0.3, 30)
    np.savetxt(tmp_path / "a.dat", np.column_stack([x, x, x, 0.01 * x]), header=header)
    done = convert(tmp_path / "a.dat", tmp_path / "a.hgx")
    assert any("bare silicon substrate" in notice for notice in done.notices)
    model = metagenx.load(tmp_path / "a.hgx")
    assert_array_equal(model.data[0].x, x)
    assert model.namespace["inst"].coords == coords
    simulated = model.simulate()[0]
    assert np.isfinite(simulated).all()
    assert simulated[0] == pytest.approx(1.0, abs=0.05)
    assert len(model.problem().names) == 2


def test_two_theta_needs_a_wavelength_for_orso(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("2theta,I\n1,2\n2,1\n")
    result = run("convert", tmp_path / "a.csv", tmp_path / "a.ort")
    assert result.exit_code == 2
    assert "--wavelength" in result.stderr
    assert run("convert", tmp_path / "a.csv", tmp_path / "a.ort", "--wavelength", "1.54").exit_code == 0
    assert_allclose(read_data(tmp_path / "a.ort").sets[0].x, 4 * np.pi / 1.54 * np.sin(np.radians([0.5, 1.0])))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.hgx", "a.ort"], "no such file"),
        ([FILM, "a.gx"], "not written"),
        ([FILM, "a.xlsx"], "this ending is not known"),
        ([FILM, "folder/that/is/not/a.csv"], "no such folder"),
        ([FILM, "a.csv", "--data", "3"], "no data set 3"),
        ([FILM, "a.hgx", "--data", "0"], "keeps all its data sets"),
    ],
)
def test_conversions_that_cannot_be(tmp_path: Path, monkeypatch: Any, arguments: list[Any], words: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("convert", *arguments, "--json")
    assert result.exit_code == 2
    assert words in the_json(result)["error"]["message"]
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------ new data in


def test_simulate_with_new_data(measured: Path) -> None:
    result = run("simulate", FILM, "--data", measured, "--json")
    assert result.exit_code == 0
    assert "converted from Q in Å⁻¹ to 2θ" in result.stderr
    assert the_json(result)["fom"] != pytest.approx(metagenx.load(FILM).fom(), rel=1e-3)


def test_fit_new_data_and_export(measured: Path, tmp_path: Path) -> None:
    out, ort, csv = (tmp_path / name for name in ("new.hgx", "new.ort", "new.csv"))
    result = run("fit", FILM, "--data", f"0={measured}", "--evals", "600", "-o", out, "--export", ort, "--export", csv)
    assert result.exit_code in (0, 3)
    model = metagenx.load(out)
    assert_allclose(model.data[0].x_raw, metagenx.load(FILM).data[0].x[::2], rtol=1e-12)
    assert len(read_data(ort).sets[0].x) == len(read_data(csv).sets[0].x) == len(model.data[0].x)
    assert run("fit", FILM, "--export", tmp_path / "a.txt").exit_code == 2  # before the fit, not after it


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "nothing.ort"], "no such file"),
        (["--data-x", "q"], "need --data"),
        (["--data", FILM], "GenX model"),
        (["--data", "1={}"], "there is no data set 1"),
        (["--data", "{}", "--data", "{}"], "the files hold 2 measurements"),
        (["--data", "{}", "--data-format", "nix"], "no data format"),
        (["--data", "{}", "--data-columns", "x"], "do not fit the 3 columns"),
    ],
)
def test_data_that_do_not_fit(measured: Path, arguments: list[Any], words: str) -> None:
    import re

    for command in ("simulate", "fit"):
        result = run(command, FILM, *[str(text).replace("{}", str(measured)) for text in arguments], "--json")
        assert result.exit_code == 2
        assert re.search(words, the_json(result)["error"]["message"])


# -------------------------------------------------------------------------------------------- in an experiment


def write_experiment(folder: Path, text: str) -> Path:
    (folder / "film.hgx").write_bytes(FILM.read_bytes())
    (folder / "film.yaml").write_text(text)
    return folder / "film.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "model: {file: film.hgx, data: today.dat}",
        "model: {file: film.hgx}\ndata: today.dat",
        "model:\n  file: film.hgx\n  data: {0: {file: today.dat, format: text}}",
        "model:\n  file: film.hgx\n  data: [today.dat]",
    ],
)
def test_data_in_an_experiment(tmp_path: Path, measured: Path, text: str) -> None:
    (tmp_path / "today.dat").write_bytes(measured.read_bytes())
    experiment = load_experiment(write_experiment(tmp_path, text))
    described = experiment.resolved()["model"]["files"]["data"]["data"][0]
    assert described["file"].endswith("today.dat")
    assert len(described["sha256"]) == 64
    plain = load_experiment(tmp_path / "film.hgx")
    assert experiment.hash != replace(plain, name=experiment.name).hash
    preparation = prepare(experiment)
    problem = preparation.problems["data"]
    assert problem.n_points == len(read_data(measured).sets[0].x)  # type: ignore[attr-defined]
    assert any("converted from Q" in notice for notice in preparation.notices)
    by_option = load_experiment(tmp_path / "film.hgx", ["model.data=" + str(tmp_path / "today.dat")])
    assert [item.sha256 for item in by_option.samples[0].data] == [described["sha256"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model: {file: film.hgx, data: nothing.ort}", "no such file"),
        ("model: {file: film.hgx, data: {one: today.dat}}", "not the number of a data set"),
        ("model: {files: [film.hgx, film.hgx], data: today.dat}", "goes with model.file only"),
        ("model: {file: film.hgx, data: today.dat}\ndata: today.dat", "give it once"),
        ("model: {file: film.hgx, data: {0: {file: today.dat, typo: 1}}}", "no key of data"),
    ],
)
def test_mistakes_of_data_in_an_experiment(tmp_path: Path, measured: Path, text: str, words: str) -> None:
    (tmp_path / "today.dat").write_bytes(measured.read_bytes())
    with pytest.raises(ConfigError, match=words) as caught:
        load_experiment(write_experiment(tmp_path, text))
    assert all(mistake.line for mistake in caught.value.mistakes)


def test_the_hash_follows_the_content_not_the_place(tmp_path: Path, measured: Path) -> None:
    hashes = []
    for number, content in enumerate([measured.read_bytes()] * 2 + [measured.read_bytes() + b"0.57 1e-7 1e-7\n"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "today.dat").write_bytes(content)
        hashes.append(load_experiment(write_experiment(folder, "model: {file: film.hgx, data: today.dat}")).hash)
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_problem_of_a_repeat_is_the_same_every_time(measured: Path) -> None:
    source, requests = ProblemSource.from_file(FILM), requests_from([str(measured)])
    first, copies = source_with_data(source, requests)
    second, _ = source_with_data(source, requests)
    assert first.content == second.content != source.content  # so that a run is found again
    assert copies == {"today.dat": measured.read_bytes()}
    assert open_problem(first).n_points == len(read_data(measured).sets[0].x)  # type: ignore[attr-defined]
    plan = the_json(run("repeat", FILM, "--data", measured, "--dry-run", "--set", "max_evaluations=200", "--json"))
    assert plan["fits"] == 50


@pytest.mark.ray
def test_repeat_with_new_data_and_its_report_from_the_run_folder(tmp_path: Path, measured: Path) -> None:
    data = tmp_path / "today.dat"
    data.write_bytes(measured.read_bytes())
    arguments = ("repeat", FILM, "--data", data, "-n", 2, "--out", tmp_path / "runs", "--set", "max_evaluations=300")
    result = run(*arguments, "--json")
    assert result.exit_code in (0, 3), result.output
    folder = next((tmp_path / "runs" / "film-repeat").glob("20*"))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["config"]["data"][0]["file"] == str(data)
    assert (folder / "inputs" / "today.dat").read_bytes() == measured.read_bytes()
    best = metagenx.load(folder / "best.hgx")
    assert len(best.data[0].x) == len(read_data(measured).sets[0].x)
    before = (folder / "repeats.csv").read_bytes()
    data.unlink()  # the run folder is enough
    assert run("report", folder).exit_code == 0
    assert (folder / "repeats.csv").read_bytes() == before


def test_tune_with_new_data_and_its_tables_from_the_run_folder(
    tmp_path: Path, measured: Path, monkeypatch: Any
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "report"))
    from run_here import tune_here

    (tmp_path / "today.dat").write_bytes(measured.read_bytes())
    text = (
        "model: {file: film.hgx, data: {0: today.dat}}\n"
        "tune: {trials: 2, rounds: 1, validate: 2}\ntest: {repeats: 2, max_evaluations: 300}\n"
        "budget: {evaluations: 9000}\n"
    )
    experiment = write_experiment(tmp_path, text)
    folder = tune_here(experiment, tmp_path / "runs")
    described = folder.manifest()["config"]["model"]["files"]["data"]["data"]
    assert (described[0]["index"], len(described[0]["sha256"])) == (0, 64)
    assert (folder.inputs / "today.dat").read_bytes() == measured.read_bytes()
    assert len(metagenx.load(folder.best).data[0].x) == len(read_data(measured).sets[0].x)
    before = folder.repeats.read_bytes()
    for path in (tmp_path / "today.dat", tmp_path / "film.hgx", experiment):
        path.unlink()  # the run folder is enough
    folder.repeats.unlink()
    reread(folder)
    assert folder.repeats.read_bytes() == before
