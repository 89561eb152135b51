"""The command line: one JSON object, exit codes, messages for every mistake, and what signals and pipes do to it."""

from __future__ import annotations

import functools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import metagenx
from metagenx.cli import main
from metagenx.genx import file as genx_file
from metagenx.genx import script as genx_script
from metagenx.genx.data import DataList, DataSet

FILM = Path(__file__).parents[1] / "experiments" / "film.hgx"
COMMANDS = ("init", "inspect", "simulate", "fit", "repeat", "tune", "report", "doctor")


def run(*arguments: str | Path) -> Result:
    """A command in this process."""
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


def the_json(result: Result) -> dict[str, Any]:
    """The one object on stdout."""
    assert result.stdout.count("\n") == 1, result.stdout
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def process(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    command = [sys.executable, "-m", "metagenx", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, **options)


@pytest.fixture
def altered(tmp_path: Path) -> Callable[..., Path]:
    """Makes a copy of the film with other fields."""

    def make(**changes: Any) -> Path:
        source = genx_file.read(FILM)
        path = tmp_path / "altered.hgx"
        genx_file.write(replace(source, source=None, path=None, **changes), path)
        return path

    return make


# ---------------------------------------------------------------------------------------------------- starting up


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from metagenx.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'scipy', 'pandas', 'ray', 'pydantic', 'rich', 'bokeh', 'h5py', 'jinja2', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stderr.strip() == "[]"
    assert "metagenx tune experiments/film.yaml" in found.stdout
    # Processor time, which a busy machine does not change much: little more than click itself.
    click = min(_processor_seconds([sys.executable, "-c", "import click"]) for _ in range(3))
    ours = min(_processor_seconds([sys.executable, "-m", "metagenx", "--help"]) for _ in range(3))
    assert ours < click + 0.15


def test_a_fit_imports_and_compiles_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys\nimport metagenx.physics.compiled\nfrom numba.core import event\n"
        "class Compiles(event.Listener):\n"
        "    count = 0\n"
        "    def on_start(self, event): self.count += 1\n"
        "    def on_end(self, event): pass\n"
        "compiles = Compiles()\nevent.register('numba:compile', compiles)\n"
        "from metagenx.cli import main\n"
        f"try: main(['fit', {str(FILM)!r}, '--evals', '200', '-q', '--cores', '1'])\n"
        "except SystemExit as end: assert end.code == 3, end.code\n"
        "slow = {'pandas', 'scipy.stats', 'ray', 'pydantic', 'bokeh', 'jinja2', 'pyarrow', 'metagenx.genx.loaders'}\n"
        "print(compiles.count, sorted(slow & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code]
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stderr for _ in range(2)]
    assert said[1].split("\n")[-2] == "0 []"  # the first may have compiled what was not on disk


def _processor_seconds(command: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"metagenx {command}" in result.output
    assert "--json" in result.output


def test_exit_codes_are_in_the_help_and_the_version_is_ours() -> None:
    assert all(code in run("--help").output for code in ("Exit codes", "130", "resumable"))
    assert run("--version").output.strip().endswith(metagenx.__version__)


# ---------------------------------------------------------------------------------------------------- what they do


def test_inspect() -> None:
    result = run("inspect", FILM)
    assert result.exit_code == 0
    for words in ("film.hgx", "spec_nx", "x-ray 1.5406 Å", "391 points", "12 of 13 parameters", "[Mo ", "x16"):
        assert words in result.stdout
    found = the_json(run("inspect", FILM, "--json"))
    assert (found["fom_function"], len(found["fitted"]), found["path"]) == ("log", 12, "population")


def test_simulate_writes_the_arrays(tmp_path: Path) -> None:
    out = tmp_path / "film.npz"
    found = the_json(run("simulate", FILM, "-o", out, "--json"))
    model = metagenx.load(FILM)
    assert found["fom"] == model.fom()
    with np.load(out) as arrays:
        assert set(arrays) == {"x0", "y0", "error0", "sim0", "fom"}
        np.testing.assert_array_equal(arrays["sim0"], model.simulate()[0])
        np.testing.assert_array_equal(arrays["x0"], model.data[0].x)
        assert float(arrays["fom"]) == found["fom"]
    assert the_json(run("simulate", FILM, "--fom", "diff", "--json"))["fom"] == model.fom("diff")


def test_fit_writes_files_and_says_how_far_to_trust_it(tmp_path: Path) -> None:
    out, folder = tmp_path / "fitted.hgx", tmp_path / "results"
    result = run("fit", FILM, "-o", out, "--out", folder, "--evals", "25k", "--seed", "3", "--json")
    found = the_json(result)
    assert result.exit_code == (0 if found["runs_in_best_minimum"] >= 2 else 3)
    assert found["evaluations"] <= 25_000
    assert metagenx.load(out).fom() == pytest.approx(found["fom"], rel=1e-9)
    files = {path.name for path in folder.iterdir()}
    tables = {"parameters.csv", "correlations.csv", "reflectivity.csv", "sld.csv"}
    assert files == {"best.hgx", "verdict.json", "report.html", *tables}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert found["verdict"] in page
    assert "Course of the runs" in page
    again = the_json(run("fit", FILM, "--evals", "25k", "--seed", "3", "--json"))
    assert again["fom"] == found["fom"]


def test_a_fit_that_cannot_agree_with_itself_is_not_reached() -> None:
    result = run("fit", FILM, "--evals", "300", "--json")
    assert result.exit_code == 3
    assert the_json(result)["reached"] is False


def test_settings_from_the_command_line_are_used() -> None:
    plan = the_json(run("fit", FILM, "--scheme", "jade_best", "--set", "km=0.5", "--set", "pop_size=30", "--dry-run",
                        "--json", "--evals", "9k"))  # fmt: skip
    assert plan["text"].startswith("jade_best, km 0.5")
    assert (plan["population"], plan["evaluations"]) == (30, 9000)


def test_dry_runs_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(FILM, tmp_path / "film.hgx")
    for command in (["fit", "film.hgx"], ["repeat", "film.hgx", "-n", "7"], ["tune", "film.hgx"]):
        plan = the_json(run(*command, "--dry-run", "--json"))
        assert plan["evaluations"] > 0
        assert plan["seconds"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["film.hgx"]


def test_init_writes_an_experiment_that_tune_takes(tmp_path: Path) -> None:
    shutil.copy(FILM, tmp_path / "film.hgx")
    result = run("init", tmp_path / "film.hgx")
    assert result.exit_code == 0
    path = tmp_path / "film.yaml"
    assert "film.hgx" in path.read_text(encoding="utf-8")
    assert run("tune", path, "--dry-run").exit_code == 0
    again = run("init", tmp_path / "film.hgx")
    assert again.exit_code == 2
    assert "exists already" in again.stderr


@pytest.mark.ray
def test_repeat_tune_and_report(tmp_path: Path) -> None:
    """Started as a user would; the second time the answers are read again, without a fit."""
    (tmp_path / "film.hgx").write_bytes(FILM.read_bytes())
    repeat = process("repeat", "film.hgx", "-n", "4", "--workers", "1", "--json", cwd=tmp_path)
    found = json.loads(repeat.stdout)
    assert repeat.returncode == (0 if found["reached"] else 3), repeat.stderr
    assert Path(tmp_path, found["report"]).is_file()
    assert found["fits"] == 4
    (tmp_path / "e.yaml").write_text(
        "model: {file: film.hgx}\nbudget: {evaluations: 120k}\ntune: {trials: 2}\n"
        "samples: {twins: {search: 0, held_out: 0}}\n",
        encoding="utf-8",
    )
    tune = process("tune", "e.yaml", "--workers", "1", cwd=tmp_path)
    assert tune.returncode in (0, 3), tune.stderr
    assert "report" in tune.stdout
    assert "→ " in tune.stdout
    begun = time.monotonic()
    again = process("tune", "e.yaml", "--workers", "1", "--json", cwd=tmp_path)
    assert "read again" in again.stderr
    assert json.loads(again.stdout)["line"] in tune.stdout
    assert time.monotonic() - begun < 120
    report = process("report", "--json", cwd=tmp_path)
    assert report.returncode == 0, report.stderr
    assert Path(tmp_path, json.loads(report.stdout)["report"]).is_file()


@pytest.mark.ray
def test_doctor() -> None:
    result = run("doctor", "--json")
    findings = {finding["what"]: finding for finding in the_json(result)["findings"]}
    assert {"Python", "packages", "cores", "tables", "kernels", "Ray"} <= set(findings)
    assert findings["kernels"]["ok"]
    assert findings["tables"]["ok"]


# ---------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "--nonsense", "x.hgx"], ["fit"], ["nonsense"], ["fit", FILM, "--evals", "many"],
        ["fit", FILM, "--evals", "inf"],
        ["fit", FILM, "--evals", "0"], ["fit", FILM, "--seed", "-1"], ["repeat", FILM, "--perturb", "half"],
        ["repeat", FILM, "--perturb", "200%"], ["repeat", FILM, "-n", "1"], ["repeat", FILM, "--of", "some"],
        ["fit", FILM, "--set", "kmm=0.5"], ["fit", FILM, "--set", "km=much"], ["fit", FILM, "--scheme", "best1bin"],
        ["simulate", FILM, "--fom", "chi"], ["fit", FILM, "--fom", "chi"], ["tune", FILM, "--set", "tune.trails=3"],
        ["tune", "missing.yaml"], ["inspect", "missing.hgx"], ["report", "missing"], ["report", "--out", "nowhere"],
    ],
    ids=lambda arguments: " ".join(map(str, arguments)).replace(str(FILM), "FILM"),
)  # fmt: skip
def test_a_mistake_is_one_object_and_exit_code_2(arguments: list[str], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, "--json")
    assert result.exit_code == 2, result.output
    error = the_json(result)["error"]
    assert error["message"]
    assert "Traceback" not in result.output
    assert result.stderr.strip()
    assert not list(tmp_path.iterdir())


def test_suggestions_for_what_was_probably_meant(tmp_path: Path) -> None:
    assert "did you mean best_1_bin" in run("fit", FILM, "--scheme", "best1bin").stderr
    assert "did you mean km" in run("fit", FILM, "--set", "kmm=0.5").stderr
    bad = tmp_path / "bad.yaml"
    bad.write_text(f"model: {{file: {FILM}}}\ntune:\n  trails: 3\nseed: many\n", encoding="utf-8")
    result = run("tune", bad, "--json")
    error = the_json(result)["error"]
    assert result.exit_code == 2
    assert [mistake["line"] for mistake in error["mistakes"]] == [3, 4]
    assert error["mistakes"][0]["suggestion"] == "trials"


@pytest.mark.parametrize("content", [b"", b"not a file of GenX", b"PK\x03\x04 truncated", b"\x89HDF\r\n\x1a\n garbage"])
@pytest.mark.parametrize("ending", [".hgx", ".gx"])
def test_wrong_files(tmp_path: Path, content: bytes, ending: str) -> None:
    path = tmp_path / f"wrong{ending}"
    path.write_bytes(content)
    result = run("inspect", path, "--json")
    assert result.exit_code == 2
    assert the_json(result)["error"]["kind"] == "FileFormatError"
    assert path.name in result.stderr


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_truncated_files(tmp_path: Path, share: float) -> None:
    content = FILM.read_bytes()
    path = tmp_path / "cut.hgx"
    path.write_bytes(content[: int(share * len(content))])
    result = run("inspect", path, "--json")
    assert result.exit_code == 2
    assert "cut.hgx" in result.stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("    raise ValueError('no light')", "no light"),
        ("    return [nothing]", "nothing"),
        ("    return [1.0 / 0.0]", "ZeroDivisionError"),
        ("    import os", "os"),
        ("    return [d.x[:3] for d in data]", "data set 0"),
        ("    this is no Python", "syntax"),
    ],
)
def test_scripts_that_fail_say_where(altered: Callable[..., Path], line: str, words: str) -> None:
    script = f"def Sim(data):\n{line}\n"
    result = run("inspect", altered(script=script, table=[]), "--json")
    assert result.exit_code == 2, result.output
    error = the_json(result)["error"]
    assert words in result.stderr
    assert "line 2" in str(error["where"]) or "line 2" in error["message"] or "data set" in error["message"]


def test_an_endless_loop_ends(altered: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    short = functools.partial(genx_script.Limits, load=1.0, call=1.0)
    monkeypatch.setattr(genx_script, "Limits", short)
    result = run("simulate", altered(script="def Sim(data):\n    while True:\n        pass\n", table=[]), "--json")
    assert result.exit_code == 2
    assert "stopped after" in the_json(result)["error"]["message"]


def test_rows_that_name_nothing_are_all_listed(altered: Callable[..., Path]) -> None:
    rows = genx_file.read(FILM).table
    table = [replace(rows[0], name="cp.setNothing"), replace(rows[1], name="Nobody.setD"), *rows[2:]]
    result = run("inspect", altered(table=table))
    assert result.exit_code == 2
    assert "cp.setNothing" in result.stderr
    assert "Nobody.setD" in result.stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"minimum": 80.0, "maximum": 60.0}, "cp.setPeriod"),
        ({"value": 500.0}, "cp.setPeriod"),
        ({"minimum": float("nan")}, "cp.setPeriod"),
    ],
)
def test_limits_that_make_no_sense_stop_a_fit(
    altered: Callable[..., Path], change: dict[str, float], words: str
) -> None:
    rows = genx_file.read(FILM).table
    path = altered(table=[replace(rows[0], **change), *rows[1:]])
    result = run("fit", path, "--evals", "500", "--json")
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    if "value" not in change:
        assert run("simulate", path).exit_code == 0  # a simulation needs no limits


def test_data_that_are_all_nan(altered: Callable[..., Path]) -> None:
    first = genx_file.read(FILM).data[0]
    data = DataList([DataSet(first.name, first.x, np.full(len(first.x), np.nan), first.error)])
    path = altered(data=data)
    inspected = run("inspect", path)
    assert inspected.exit_code == 0
    assert "all its values are NaN" in inspected.stdout
    result = run("fit", path, "--evals", "500", "--json")
    assert result.exit_code == 2
    assert "NaN" in result.stderr


def test_columns_of_unequal_length(altered: Callable[..., Path]) -> None:
    first = genx_file.read(FILM).data[0]
    data = DataList([DataSet(first.name, first.x, first.y[:-5], first.error)])
    result = run("simulate", altered(data=data), "--json")
    assert result.exit_code == 2
    assert "length" in result.stderr or "points" in result.stderr


def test_no_data_at_all(altered: Callable[..., Path]) -> None:
    empty = np.empty(0)
    result = run("fit", altered(data=DataList([DataSet("empty", empty, empty, empty)])), "--evals", "500", "--json")
    assert result.exit_code == 2


@pytest.mark.parametrize("arguments", [["fit", "--evals", "300", "-o"], ["simulate", "-o"]])
def test_places_that_cannot_be_written(arguments: list[str], tmp_path: Path) -> None:
    command, *options = arguments
    result = run(command, FILM, *options, tmp_path / "missing" / "out.hgx", "--json")
    assert result.exit_code == 2
    assert "written" in result.stderr


def test_an_internal_error_is_ours_and_leaves_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path, *, trust: bool = False) -> None:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr("metagenx.genx.model.load", broken)
    result = run("inspect", FILM, "--json")
    assert result.exit_code == 1
    error = the_json(result)["error"]
    assert error["kind"] == "internal"
    log = Path(error["log"])
    assert "a bug of ours" in log.read_text(encoding="utf-8")
    log.unlink()


# ---------------------------------------------------------------------------------------------------- pipes, signals


@pytest.mark.parametrize("options", ["", "--json"])
@pytest.mark.parametrize("reader", ["head -1", "true"])
def test_a_reader_that_goes_away(options: str, reader: str) -> None:
    command = f"set -o pipefail; {sys.executable} -m metagenx inspect {FILM} {options} | {reader}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "BrokenPipe" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stdout_that_is_closed() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m metagenx simulate {FILM} >&-"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_that_knows_no_greek() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = process("inspect", FILM, env=environment)
    assert done.returncode == 0, done.stderr
    assert "1.5406 ?" in done.stdout
    assert json.loads(process("inspect", FILM, "--json", env=environment).stdout)["data"][0]["name"].endswith("Kα")


class Fit:
    """A long fit in a process of its own."""

    def __init__(self, *options: str | Path) -> None:
        command = [sys.executable, "-m", "metagenx", "fit", str(FILM), "--evals", "3000k", *map(str, options)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        while "generation" not in self.process.stderr.readline():
            assert self.process.poll() is None

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, str, str]:
        out, errors = self.process.communicate(timeout=100)
        return self.process.returncode, out, errors


def test_ctrl_c_keeps_what_a_fit_has(tmp_path: Path) -> None:
    out = tmp_path / "fitted.hgx"
    fit = Fit("-o", out, "--json")
    time.sleep(0.5)
    fit.interrupt()
    code, text, errors = fit.end()
    assert code == 130, errors
    found = json.loads(text)
    assert found["stop"] == "interrupted"
    assert metagenx.load(out).fom() == pytest.approx(found["fom"], rel=1e-9)
    assert "Traceback" not in errors


def test_ctrl_c_twice_ends_at_once() -> None:
    fit = Fit("--json")
    begun = time.monotonic()
    for _ in range(4):  # an impatient person presses it more than twice
        fit.interrupt()
        time.sleep(0.05)
    code, text, errors = fit.end()
    assert code == 130, errors
    assert time.monotonic() - begun < 20
    assert text.count("\n") <= 1
    assert "Traceback" not in errors


# ------------------------------------------------------------------------------------------------------ error bars


def test_a_fit_with_a_profile_prints_it_and_a_wrong_name_is_told_before_the_fit(tmp_path: Path) -> None:
    name = metagenx.load(FILM).problem().names[0]
    wrong = run("fit", FILM, "--profile", name.lower())
    assert wrong.exit_code == 2
    assert f"Did you mean {name}?" in wrong.stderr
    out = tmp_path / "fitted.hgx"
    done = run("fit", FILM, "--evals", "700", "--profile", name, "--errors", "covariance", "-o", out, "--json")
    found = the_json(done)
    assert [profile["name"] for profile in found["profiles"]] == [name]
    assert found["mcmc"] is None
    assert found["error_bars"]["covariance"] is not None
    assert "Error column: covariance" in done.stderr
    assert metagenx.load(out).file.options["metagenx"]["error column"] == "covariance"
