"""GenX 3.8.13 opens, simulates and fits what we write, with the FOM that we say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import metagenx
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row, read, write

pytestmark = [pytest.mark.genx, pytest.mark.timeout(600)]

FITTED = ("simplest", "X-ray_Reflectivity.hgx")
Ask = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]

SCRIPT = """\
from numpy import *
from models.utils import UserVars
cp = UserVars()
cp.new_var('slope', 2.0)
cp.new_var('offset', 0.5)

def Sim(data):
    return [cp.slope*d.x + cp.offset*d.weight for d in data]
"""


def moved(file: GenxFile) -> GenxFile:
    """`file` after something like a fit: values, errors, log, start and settings changed."""
    rows = file.fitted_rows
    # Slightly towards the middle of the limits, so that every value stays physical.
    values = [row.value + 0.05 * ((row.minimum + row.maximum) / 2.0 - row.value) for row in rows]
    return file.with_results(
        values=values,
        errors=[(-0.01 * abs(value), 0.02 * abs(value)) for value in values],
        fom_log=[[0, 2.0], [1, 1.5], [2, 1.25]],
        start_guess=[row.value for row in rows],
        solver_options={"km": 0.55, "kr": 0.65, "create_trial": "rand_1_bin", "pop_size": 20, "use_pop_mult": False},
    )


def simplest() -> GenxFile:
    """A file made by us from nothing: a plain Python model with an extra column."""
    x = np.linspace(0.0, 1.0, 21)
    dataset = DataSet("line", x, 2.5 * x + 0.25, 0.1 + 0.0 * x, extra={"weight": 1.0 + 0.0 * x})
    table = [Row("cp.setSlope", 2.0, True, 0.0, 5.0), Row(""), Row("cp.setOffset", 0.5, True, 0.0, 1.0)]
    return GenxFile(script=SCRIPT, fom_name="chi2bars", table=table, data=DataList([dataset]))


@pytest.fixture(scope="module")
def answers(ask_genx: Ask, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What GenX says of the files that we wrote, by the name of the original; one GenX process for all.

    Of the .gx files there is one with results and one just converted, "unchanged …".
    """
    folder = tmp_path_factory.mktemp("written")
    sources = sorted((shared / "genx_files").glob("*.hgx")) + sorted((shared / "genx_files" / "legacy").glob("*.gx"))
    files = {path.name: moved(read(path)) for path in sources}
    files["simplest"] = moved(simplest())
    for path in sorted((shared / "genx_files").rglob("*.gx")):
        files[f"unchanged {path.relative_to(shared / 'genx_files').as_posix()}"] = read(path)
    requests = []
    for number, (name, file) in enumerate(files.items()):
        write(file, folder / f"{number}.hgx")
        request: dict[str, Any] = {"file": str(folder / f"{number}.hgx")}
        if name in FITTED:
            request |= {"generations": 3, "seed": 1, "save_as": str(folder / f"{number}.saved.hgx")}
        requests.append(request)
    return {
        name: {**answer, "file": Path(request["file"]), "save_as": request.get("save_as")}
        for name, request, answer in zip(files, requests, ask_genx(requests), strict=True)
    }


def test_genx_opens_all_of_them(answers: dict[str, Any]) -> None:
    failed = {name: answer["error"] for name, answer in answers.items() if "error" in answer}
    assert failed == {}
    assert len(answers) >= 25


def test_genx_finds_our_values_errors_log_and_start(answers: dict[str, Any]) -> None:
    for name, answer in answers.items():
        file = read(answer["file"])
        rows = file.fitted_rows
        assert answer["parameters"] == {"names": [r.name for r in rows], "values": [r.value for r in rows]}, name
        assert answer["errors"] == [row.error for row in file.table], name
        assert answer["fom_log"] == file.optimizer.fom_log.tolist(), name
        if not name.startswith("unchanged"):
            assert answer["fom_log"] == [[0, 2.0], [1, 1.5], [2, 1.25]], name
        assert answer["start_guess"] == file.optimizer.start_guess.tolist(), name
        assert answer["fom_function"] == file.fom_function, name
        assert answer["n_points"] == [len(dataset.x) for dataset in file.data], name


def test_genx_and_we_find_the_same_fom(answers: dict[str, Any]) -> None:
    for name, answer in answers.items():
        fom = metagenx.load(answer["file"]).fom()
        assert fom == pytest.approx(answer["fom"], rel=1e-8, abs=1e-12), name


def test_genx_fits_them(answers: dict[str, Any]) -> None:
    for name in FITTED:
        log = np.array(answers[name]["fitted_fom_log"], dtype=float)
        assert log[-1, 0] == 3
        assert log[-1, 1] <= log[0, 1] <= answers[name]["fom"]


def test_we_read_what_genx_saves_of_them(answers: dict[str, Any]) -> None:
    for name in FITTED:
        ours, theirs = read(answers[name]["file"]), read(answers[name]["save_as"])
        assert theirs.script.strip() == ours.script.strip()
        assert [row.name for row in theirs.table] == [row.name for row in ours.table]
        assert [d.name for d in theirs.data] == [d.name for d in ours.data]
        assert theirs.options["solver"]["km"] == "0.55"
        assert theirs.options["solver"]["create trial"] == "rand_1_bin"
        np.testing.assert_array_equal(theirs.data[0].x, ours.data[0].x)
        assert len(theirs.optimizer.fom_log) == 4


def test_old_files_that_genx_cannot_open_it_opens_from_us(answers: dict[str, Any], shared: Path) -> None:
    records = json.loads((shared / "genx_files" / "legacy_expected.json").read_text(encoding="utf-8"))
    for record in records:
        answer = answers[f"unchanged {record['file']}"]
        assert answer["fom"] == pytest.approx(record["genx_3_8_13"]["fom"], rel=1e-12), record["file"]
        assert answer["fom_function"] == record["fom_function"]
    assert len(records) >= 7
