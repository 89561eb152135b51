"""Many data sets, one model: on a real Ray, with bad files, killed processes and folders that grow."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from films import SCRIPT, film, measured, write_model, write_scans

import metagenx
from metagenx.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_NOT_REACHED, EXIT_REACHED, InputError
from metagenx.genx.file import write
from metagenx.meta.batch import batch, prepare_batch
from metagenx.meta.batch_files import chains, find_files, natural_key, result_names, varying_number
from metagenx.meta.batch_plan import plan_batch
from metagenx.meta.batch_table import BatchResult
from metagenx.report.run import rebuild
from metagenx.runs import RunFolder

HERE = Path(__file__).parent
EVALUATIONS = 3_000
CHANGING = ["seconds", "host"]
TRUTH = [118.0, 121.0, 124.0, 127.0]


def numbers(result: BatchResult | Path) -> pd.DataFrame:
    """The table without what may differ between two runs."""
    folder = result if isinstance(result, Path) else result.folder.path
    table = pd.read_csv(folder / "batch.csv").drop(columns=CHANGING)
    texts = ["verdict", "started from", "failure", "notices", "model"]
    return table.astype(dict.fromkeys(texts, object)).fillna(dict.fromkeys(texts, ""))


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True), rtol=0, atol=0)


# ---------------------------------------------------------------------------------------------- which files


def test_natural_order_and_names(tmp_path: Path) -> None:
    for name in ("scan10.dat", "scan2.dat", "Scan1.dat", "notes.md", ".hidden.dat", "README.txt", "odd"):
        (tmp_path / name).write_text(name)
    (tmp_path / "deeper").mkdir()
    found = find_files([tmp_path])
    assert [file.name for file in found.files] == ["odd", "Scan1.dat", "scan2.dat", "scan10.dat"]
    assert found.left_out == ("notes.md", "README.txt")
    assert sorted(["a10b2", "a10b10", "a9", "A9b", "a010"], key=natural_key) == ["a9", "A9b", "a010", "a10b2", "a10b10"]


def test_patterns_lists_and_each_file_once(tmp_path: Path) -> None:
    for place in ("cold/scan1.dat", "cold/scan2.dat", "warm/scan1.dat"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(place)
    found = find_files([tmp_path / "*" / "scan1.dat", tmp_path / "cold", tmp_path / "cold" / "scan2.dat"])
    assert [file.name for file in found.files] == ["cold/scan1.dat", "cold/scan2.dat", "warm/scan1.dat"]
    in_folders = chains(found.files, warm_start=True)
    assert [[file.name for file in chain] for chain in in_folders] == [
        ["cold/scan1.dat", "cold/scan2.dat"],
        ["warm/scan1.dat"],
    ]
    assert len(chains(found.files, warm_start=False)) == 3
    assert result_names(found.files) == {
        "cold/scan1.dat": "cold-scan1.dat.hgx",
        "cold/scan2.dat": "scan2.hgx",
        "warm/scan1.dat": "warm-scan1.dat.hgx",
    }


def test_what_cannot_be_read_is_a_file_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.dat").write_bytes(b"")
    (tmp_path / "gone.dat").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.dat")
    found = find_files([tmp_path])
    assert {file.name: file.unreadable is not None for file in found.files} == {
        "empty.dat": True, "gone.dat": True, "pipe.dat": True,
    }  # fmt: skip


@pytest.mark.parametrize("items", [[], ["nowhere"], ["*.nothing"], ["."]])
def test_nothing_to_fit_is_said(items: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        find_files(items)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["film_10K.dat", "film_300K.dat"], [10.0, 300.0]),
        (["t_1.5.dat", "t_1.25.dat"], [1.5, 1.25]),
        (["T-5.ort", "T-10.ort"], [5.0, 10.0]),  # a hyphen between word and number joins them
        (["a -5 V.dat", "a 5 V.dat"], [-5.0, 5.0]),
        (["a1_b2.dat", "a2_b3.dat"], None),
        (["a.dat", "b.dat"], None),
        (["a1.dat"], None),
        (["a1.dat", "a01.dat"], None),
    ],
)
def test_the_number_in_which_names_differ(names: list[str], expected: list[float] | None) -> None:
    assert varying_number(names) == expected


# ---------------------------------------------------------------------------------------------- fits


@pytest.fixture(scope="module")
def two_cores() -> Iterator[None]:
    from metagenx.meta.ray_session import ray_session

    with ray_session(2, dashboard=False):
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.hgx, and scans/ with four measurements and three files that are none."""
    place = tmp_path_factory.mktemp("batch")
    write_model(place / "model.hgx")
    write_scans(place / "scans", TRUTH)
    write(film(measured(130.0, 9), name="fifth"), place / "scans" / "scan5.hgx")
    (place / "scans" / "scan2b.ort").write_text(
        "# # ORSO reflectivity data file | 1.0 standard | YAML encoding\nnothing"
    )
    (place / "scans" / "scan3b.dat").write_text("no numbers here")
    (place / "scans" / "scan4b.dat").write_bytes(b"")
    (place / "scans" / "notes.md").write_text("not a measurement")
    return place


BAD = ["scan2b.ort", "scan3b.dat", "scan4b.dat"]


@pytest.fixture(scope="module")
def done(two_cores: None, place: Path) -> BatchResult:
    return batch(place / "scans", place / "model.hgx", seed=3, evaluations=EVALUATIONS, out=place / "two", workers=2)


@pytest.mark.ray
def test_one_row_for_each_file(done: BatchResult) -> None:
    table = done.table.set_index("file")
    assert list(table.index) == [
        "scan1.dat", "scan2.dat", "scan2b.ort", "scan3.dat", "scan3b.dat", "scan4.dat", "scan4b.dat", "scan5.hgx",
    ]  # fmt: skip
    assert list(table.index[table["status"] == "failed"]) == BAD
    assert (table.loc[BAD, "failure"] != "").all()
    assert "empty" in table.loc["scan4b.dat", "failure"]
    assert table.loc[BAD, "FOM"].isna().all()
    good = table.drop(BAD)
    assert np.abs(good["Film.setD [Å]"] - [*TRUTH, 130.0]).max() < 0.5
    for kind in ("error", "FOM level error", "spread"):  # side by side, as of a fit
        assert (good[f"Film.setD [Å] {kind}"] > 0).all(), kind
        assert table.loc[BAD, f"Film.setD [Å] {kind}"].isna().all()
    assert (good["Film.setD [Å] error"] < 0.5).all()
    assert (good["evaluations"] <= EVALUATIONS).all()
    assert set(good["status"]) == {"reached"}, good["verdict"]
    assert done.counts == {"reached": 5, "not reached": 0, "failed": 3, "not done": 0}
    assert done.verdict == "5 of 8 files reached their best minimum; 3 failed"
    assert not done.reached
    assert done.usable
    records = pd.read_csv(done.folder.repeats)
    assert records.groupby("sample")["FOM"].min().to_dict() == good["FOM"].to_dict()


@pytest.mark.ray
def test_fitted_models_hold_data_values_and_fom(done: BatchResult, place: Path) -> None:
    for row in done.table.to_dict("records"):
        if row["status"] == "failed":
            assert row["model"] == ""
            continue
        model = metagenx.load(done.folder.path / "fits" / row["model"])
        assert model.fom() == pytest.approx(row["FOM"], rel=1e-12)
        assert model.parameters.set_index("name").loc["Film.setD", "value"] == row["Film.setD [Å]"]
    columns = np.loadtxt(place / "scans" / "scan3.dat")
    (dataset,) = metagenx.load(done.folder.path / "fits" / "scan3.hgx").data
    np.testing.assert_array_equal(np.column_stack([dataset.x, dataset.y, dataset.error]), columns)


@pytest.mark.ray
def test_numbers_depend_on_nothing_but_the_file(done: BatchResult, place: Path, tmp_path: Path) -> None:
    """Not on workers, on neighbours, on the order in which files are named, on where they lie."""
    model = place / "model.hgx"
    one = batch(place / "scans", model, seed=3, evaluations=EVALUATIONS, out=tmp_path / "one", workers=1)
    same(numbers(one), numbers(done))
    (tmp_path / "elsewhere").mkdir()
    chosen = [shutil.copy(place / "scans" / name, tmp_path / "elsewhere" / name) for name in ("scan4.dat", "scan1.dat")]
    few = batch(chosen, metagenx.load(model), seed=3, evaluations=EVALUATIONS, out=tmp_path / "few", workers=2)
    shared = [column for column in numbers(few) if column != "number"]
    everything = numbers(done)
    same(numbers(few)[shared], everything[everything["file"].isin(["scan1.dat", "scan4.dat"])][shared])
    other = batch(chosen, model, seed=4, evaluations=EVALUATIONS, out=tmp_path / "few", workers=2)
    assert (numbers(other)["FOM"] != numbers(few)["FOM"]).all()


@pytest.mark.ray
def test_a_folder_that_grows_costs_only_what_is_new(two_cores: None, place: Path, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    write_scans(scans, TRUTH[:2])
    options: dict[str, Any] = {"seed": 3, "evaluations": EVALUATIONS, "out": tmp_path / "runs", "workers": 2}
    first = batch(scans, place / "model.hgx", **options)
    write_scans(scans, TRUTH[:3])
    heard: list[str] = []
    grown = batch(scans, place / "model.hgx", progress=lambda p: heard.append(p.text), **options)
    assert grown.folder.path != first.folder.path
    assert "2 files are taken from an earlier run" in heard
    assert len(list((grown.folder.path / "fits").iterdir())) == 3
    same(numbers(grown)[:2], numbers(first))
    again = batch(scans, place / "model.hgx", progress=lambda p: heard.append(p.kind), **options)
    assert again.folder.path == grown.folder.path
    assert "started" not in heard[heard.index("finished") + 1 :]  # nothing was left, so no Ray
    anew = batch(scans, place / "model.hgx", resume=False, **options)
    assert anew.folder.path != grown.folder.path
    same(numbers(anew), numbers(grown))


@pytest.mark.ray
def test_warm_start_begins_at_the_answer_before(two_cores: None, place: Path, tmp_path: Path) -> None:
    """Folder by folder; a file that cannot be fitted is passed over."""
    for name in ("cold", "warm"):
        write_scans(tmp_path / name, TRUTH[:3])
    (tmp_path / "cold" / "scan1b.dat").write_text("nothing")
    folders = [tmp_path / "cold", tmp_path / "warm"]
    model = place / "model.hgx"
    options: dict[str, Any] = {"seed": 3, "evaluations": 300, "warm_start": True}
    two = batch(folders, model, out=tmp_path / "two", workers=2, **options)
    table = two.table.set_index("file")
    assert table["started from"].to_dict() == {
        "cold/scan1.dat": "",
        "cold/scan1b.dat": "cold/scan1.dat",
        "cold/scan2.dat": "cold/scan1.dat",
        "cold/scan3.dat": "cold/scan2.dat",
        "warm/scan1.dat": "",
        "warm/scan2.dat": "warm/scan1.dat",
        "warm/scan3.dat": "warm/scan2.dat",
    }
    same(numbers(two), numbers(batch(folders, model, out=tmp_path / "one", workers=1, **options)))
    # The first population holds the start, so no fit ends worse than its predecessor's answer is on its own data.
    for before, after in (("scan1", "scan2"), ("scan2", "scan3")):
        start = metagenx.load(two.folder.path / "fits" / f"cold-{before}.dat.hgx")
        there = metagenx.load(two.folder.path / "fits" / f"cold-{after}.dat.hgx")
        values = {row.name: row.value for row in start.file.fitted_rows}
        assert table.loc[f"cold/{after}.dat", "FOM"] <= there.with_values(values).fom()
    independent = batch(folders, model, out=tmp_path / "two", workers=2, **{**options, "warm_start": False})
    assert independent.folder.path != two.folder.path
    assert set(independent.table["started from"]) == {""}


@pytest.mark.ray
def test_a_file_that_kills_its_process_is_one_row(two_cores: None, tmp_path: Path) -> None:
    deadly = SCRIPT + "import os\nif len(data[0].x) == 7:\n    os._exit(9)\n"
    model = write_model(tmp_path / "model.hgx", script=deadly)
    write_scans(tmp_path / "scans", TRUTH[:2])
    np.savetxt(tmp_path / "scans" / "scan1b.dat", np.loadtxt(tmp_path / "scans" / "scan1.dat")[-7:])
    result = batch(tmp_path / "scans", model, evaluations=300, out=tmp_path / "runs", workers=2, trust=True)
    assert list(result.table["status"] == "failed") == [False, True, False]
    assert "died" in result.table["failure"][1]


@pytest.mark.ray
def test_report_and_rebuild(done: BatchResult, tmp_path: Path) -> None:
    folder = RunFolder(Path(shutil.copytree(done.folder.path, tmp_path / done.folder.path.name)))
    before = {
        path.name: path.read_bytes() for path in folder.path.iterdir() if path.suffix in (".csv", ".json", ".npz")
    }
    for name in ("batch.csv", "repeats.csv", "verdict.json"):
        (folder.path / name).unlink()
    page = rebuild(folder).read_text(encoding="utf-8")
    for name, content in before.items():
        assert (folder.path / name).read_bytes() == content, name
    assert "5 of 8 files reached their best minimum" in page
    for name in (*BAD, "scan1.dat", "scan5.hgx", "Film.setSigma"):
        assert name in page
    assert "Parameters against files" in page
    assert "notes.md" in page
    assert "http-equiv" in page
    assert "<script src" not in page


# ---------------------------------------------------------------------------------------------- disturbed


class Driver:
    """A batch in a process of its own."""

    def __init__(self, place: Path, out: Path, evaluations: int) -> None:
        command = [str(HERE / "batch_driver.py"), str(place / "few"), str(place / "model.hgx"), str(out)]
        self.process = subprocess.Popen(
            [sys.executable, *command, str(evaluations)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def until(self, kind: str, files: int = 0) -> list[Any]:
        """Read until it says so, of so many files."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            heard: list[Any] = json.loads(line)
            if heard[0] == kind and heard[2] >= files:
                return heard
        raise AssertionError("it ended before that")

    def end(self) -> tuple[int, list[Any]]:
        """The exit code, and the last thing it said."""
        assert self.process.stdout is not None
        lines = self.process.stdout.read().splitlines()
        return self.process.wait(300), json.loads(lines[-1])


@pytest.mark.ray
@pytest.mark.skipif("METAGENX_LONG" not in os.environ, reason="takes two minutes: METAGENX_LONG=1")
@pytest.mark.timeout(900)  # three drivers, each with a Ray of its own
def test_killed_and_interrupted_batches_lose_nothing(two_cores: None, place: Path, tmp_path: Path) -> None:
    evaluations = 15_000  # about half a second for a file
    shutil.rmtree(place / "few", ignore_errors=True)
    write_scans(place / "few", [*TRUTH, *TRUTH[:2]])
    options: dict[str, Any] = {"seed": 3, "evaluations": evaluations, "out": tmp_path / "undisturbed", "workers": 2}
    undisturbed = batch(place / "few", place / "model.hgx", **options)

    out = tmp_path / "disturbed"
    with Driver(place, out, evaluations) as killed:
        killed.until("fits", 2)
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait(300)
    (run,) = [path for path in (out / "model-batch").iterdir() if not path.is_symlink()]
    with (run / "events.jsonl").open("ab") as journal:
        journal.write(b'{"n": 99, "event": "fit", "phase": "ba')

    with Driver(place, out, evaluations) as stopped:
        stopped.until("fits", 3)
        os.killpg(stopped.process.pid, signal.SIGINT)  # as from a terminal
        code, said = stopped.end()
    assert code == EXIT_INTERRUPTED, said
    assert "start the same command again" in said[3]
    assert json.loads((run / "manifest.json").read_text())["state"] == "interrupted"
    assert 3 <= (pd.read_csv(run / "batch.csv")["status"] != "not done").sum() <= 6

    with Driver(place, out, evaluations) as last:
        code, said = last.end()
    assert code == 0, said
    same(numbers(run), numbers(undisturbed))
    records = RunFolder(run).replay().records
    assert len({record.key for record in records}) == len(records)


# ---------------------------------------------------------------------------------------------- plan, command line


def test_plan_reads_every_file_and_fits_none(place: Path) -> None:
    prepared = prepare_batch(place / "scans", place / "model.hgx", evaluations=EVALUATIONS, warm_start=True)
    plan = plan_batch(prepared, workers=2)
    assert list(plan.unreadable) == BAD
    assert plan.workers == 1  # one chain
    assert plan.evaluations == EVALUATIONS
    assert "8 files, 5 of them can be fitted" in plan.text
    assert "left out, no data by their names: notes.md" in plan.text
    assert not (place / "runs").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"evaluations": 0}, "evaluations is 0"), ({"fom": "nonsense"}, "nonsense"), ({"km": -1.0}, "km")],
)
def test_arguments_are_checked(options: dict[str, Any], message: str, place: Path) -> None:
    with pytest.raises(InputError, match=message):
        prepare_batch(place / "scans", place / "model.hgx", **options)


def metagenx_batch(*arguments: str | Path) -> int:
    """The command line in this process, with the Ray of this process if there is one; its exit code."""
    from metagenx.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["batch", *map(str, arguments)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_mistakes_on_the_command_line(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (
        (place / "scans",),
        ("nowhere", "-m", place / "model.hgx"),
        (place / "scans", "-m", "nowhere.hgx"),
        (place / "scans", "-m", place / "model.hgx", "--set", "kmm=1"),
        (place / "scans", "-m", place / "model.hgx", "--set", "run.workers=none"),
        (place / "scans", "-m", place / "model.hgx", "--data-x", "inches"),
        (place / "scans", "-m", place / "model.hgx", "--data-format", "papyrus"),
    ):
        assert metagenx_batch(*arguments) == EXIT_BAD_INPUT
        assert "Traceback" not in capsys.readouterr().err
    assert metagenx_batch(place / "scans", "-m", place / "model.hgx", "--dry-run", "--json") == EXIT_REACHED
    assert list(json.loads(capsys.readouterr().out)["unreadable"]) == BAD
    assert list(tmp_path.iterdir()) == []


@pytest.mark.ray
def test_exit_codes(
    two_cores: None,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """0: all reached; 3: a failed row; 2: nothing but failed rows."""
    monkeypatch.chdir(tmp_path)
    common = ("-m", place / "model.hgx", "--evals", "3k", "--set", "run.workers=1", "--seed", "3", "--json")
    good, bad = place / "scans" / "scan1.dat", place / "scans" / "scan3b.dat"
    assert metagenx_batch(good, *common) == EXIT_REACHED
    found = json.loads(capsys.readouterr().out)
    assert found["reached"] is True
    assert found["rows"][0]["file"] == "scan1.dat"
    assert (tmp_path / found["report"]).is_file()
    assert [Path(path).name for path in found["fits"]] == ["scan1.hgx"]
    assert metagenx_batch(good, bad, *common) == EXIT_NOT_REACHED
    capsys.readouterr()
    assert metagenx_batch(bad, *common) == EXIT_BAD_INPUT
    assert list(json.loads(capsys.readouterr().out)["failed"]) == ["scan3b.dat"]
