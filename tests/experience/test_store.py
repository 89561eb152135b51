"""The user's experience: rows survive, many processes write at once, damage is told, nothing is doubled."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metagenx.errors import InputError
from metagenx.experience.features import Features, features_of_file
from metagenx.experience.place import experience_folder
from metagenx.experience.rows import COLUMNS, Origin, row_of_run
from metagenx.experience.store import INBOX, Store, remember
from metagenx.experience.summary import summary

FEATURES = Features("0123456789abcdef" * 2, 2, (0.0, 1.0), (1.0, 3.0), (0.5, 2.0), 40, 1, 3, 0.02, "log")


def row(repeat: int = 0, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "settings": '{"km":0.6}', "fom": 0.1 + repeat / 7.0, "values": [0.1, 0.2], "evaluations": 1000 + repeat,
        "generations": 20, "stop": "stagnation", "seconds": 0.25, "trace": [(4, 3.0), (900, 0.1)], "repeat": repeat,
    }  # fmt: skip
    return row_of_run(Origin("tune", "film", 7), FEATURES, **{**given, **changes})


@pytest.mark.parametrize("gather", [False, True])
def test_a_row_comes_back_to_the_last_digit(tmp_path: Path, gather: bool) -> None:
    store = Store(tmp_path / "store")
    store.append([row(fom=math.nan, failure="no FOM", values=[], trace=[]), row(3, fom=1 / 3)], gather=gather)
    assert bool(store.files()) == gather
    one, two = store.read().rows
    assert set(one) == set(COLUMNS)
    assert math.isnan(one["fom"])
    assert (one["failure"], one["values"], one["hit_foms"]) == ("no FOM", [], [])
    assert two["fom"] == 1 / 3
    assert two["upper"] == [1.0, 3.0]
    assert list(zip(two["hit_evaluations"], two["hit_foms"], strict=True)) == [(4, 3.0), (900, 0.1)]
    assert two["problem"] == FEATURES.problem
    assert isinstance(two["seed"], int)


def test_the_same_run_counts_once_and_an_empty_store_is_empty(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.read().rows == []
    for gather in (False, True, False):
        store.append([row(1), row(2)], gather=gather)
    assert len(store.read().rows) == 2
    assert store.gather() == 2
    assert len(store.read().rows) == 2
    assert not list((tmp_path / INBOX).iterdir())


def test_many_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_store import row; from pathlib import Path;"
        "from metagenx.experience.store import Store; s = Store(Path(sys.argv[2])); n = int(sys.argv[3]);"
        "[s.append([row(100 * n + i)], gather=i % 5 == 4) for i in range(12)]"
    )
    arguments = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)]
    running = [subprocess.Popen([*arguments, str(n)]) for n in range(3)]
    assert [process.wait(timeout=240) for process in running] == [0, 0, 0]
    assert {r["repeat"] for r in Store(tmp_path).read().rows} == {100 * n + i for n in range(3) for i in range(12)}


def test_damaged_files_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append([row(1)], gather=True)
    store.append([row(2)])
    (tmp_path / "torn.parquet").write_bytes(store.files()[0].read_bytes()[:-20])
    (tmp_path / "text.parquet").write_text("no table")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    (tmp_path / INBOX / "torn.jsonl").write_text(json.dumps({"id": "x"}) + '\n{"id": "y", "seed"')
    found = store.read()
    assert {r["repeat"] for r in found.rows} >= {1, 2}
    assert {Path(path).name for path in found.damaged} == {
        "torn.parquet",
        "text.parquet",
        "other.parquet",
        "torn.jsonl",
    }
    store.gather()
    assert {r["repeat"] for r in store.read().rows} >= {1, 2}
    assert (tmp_path / INBOX / "torn.damaged").is_file()


@given(content=st.binary(max_size=60))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_lies_in_the_inbox_is_read_or_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / INBOX).mkdir(exist_ok=True)
    (tmp_path / INBOX / "a.jsonl").write_bytes(content)
    found = Store(tmp_path).read()
    assert found.rows == []
    assert bool(found.damaged) == bool(content.splitlines())


def test_merge_takes_what_is_new_and_export_can_be_merged(tmp_path: Path) -> None:
    mine, other = Store(tmp_path / "mine"), Store(tmp_path / "other")
    mine.append([row(1), row(2)])
    other.append([row(2), row(3)], gather=True)
    assert mine.merge([other.folder]) == 1
    assert mine.merge([other.folder]) == 0
    assert mine.export(tmp_path / "all.parquet") == 3
    assert mine.export(tmp_path / "all.csv") == 3
    assert list(pd.read_csv(tmp_path / "all.csv").columns) == list(COLUMNS)
    assert Store(tmp_path / "new").merge([tmp_path / "all.parquet"]) == 3
    (tmp_path / "bad.parquet").write_text("nothing")
    with pytest.raises(InputError, match="cannot be read"):
        mine.merge([tmp_path / "bad.parquet"])
    with pytest.raises(InputError, match=r"neither .parquet nor .csv"):
        mine.export(tmp_path / "all.xlsx")


def test_the_summary_and_the_best_known_fom(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append([row(2), row(0, values=[5.0, 6.0]), row(1, fom=math.nan)])
    assert store.best_known(FEATURES.problem) == (0.1, (5.0, 6.0))
    assert store.best_known("another") is None
    (only,) = summary(store).problems
    assert (only["runs"], only["best_fom"], only["evaluations"]) == (3, 0.1, 3003)
    assert "film" in summary(store).text


def test_where_it_lies_and_how_to_opt_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert experience_folder({"METAGENX_EXPERIENCE": "off"}) is None
    assert experience_folder({"METAGENX_EXPERIENCE": str(tmp_path)}) == tmp_path
    if sys.platform.startswith("linux"):
        assert experience_folder({"XDG_DATA_HOME": "/x"}) == Path("/x/metagenx/experience")
        assert experience_folder({"HOME": "/h"}) == Path("/h/.local/share/metagenx/experience")
    monkeypatch.setenv("METAGENX_EXPERIENCE", "off")
    assert remember([row()]) is None
    with pytest.raises(InputError, match="no experience is kept"):
        Store()


def test_a_store_that_cannot_be_written_spoils_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("METAGENX_EXPERIENCE", str(tmp_path / "file" / "store"))
    assert "was not kept" in str(remember([row()]))


# ------------------------------------------------------------------------------------------------- from fits


def test_a_fit_files_its_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "meta"))
    from films import film, measured

    import metagenx
    from metagenx.fitting.settings import Settings

    monkeypatch.setenv("METAGENX_EXPERIENCE", str(tmp_path))
    model = metagenx.Model(film(measured(120.0, 1)))
    found = metagenx.fit(model, seed=3, max_runs=2, cores=1)
    rows = Store(tmp_path).read().rows
    assert [r["repeat"] for r in rows] == [0, 1]
    assert min(r["fom"] for r in rows) == found.fom
    assert {(r["command"], r["seed"], r["n_parameters"], r["n_points"]) for r in rows} == {("fit", 3, 2, 40)}
    assert rows[0]["n_layers"] == 3
    assert rows[0]["noise"] == pytest.approx(0.02)
    again = Settings.from_values(json.loads(rows[0]["settings"]))
    assert again.polish == "alternate"
    assert again.use_luby
    # Another start is the same problem, other limits are not.
    assert features_of_file(model.with_values([130.0, 5.0]).file).problem == rows[0]["problem"]
    other = film(measured(120.0, 1))
    other.table[0].maximum = 151.0
    assert features_of_file(other).problem != rows[0]["problem"]
    assert np.isfinite(rows[0]["seconds"])


# ------------------------------------------------------------------------------------------- on the command line


def test_the_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from metagenx.cli import main
    from metagenx.errors import EXIT_BAD_INPUT, EXIT_REACHED

    def run(*arguments: object) -> Any:
        return CliRunner().invoke(main, ["experience", *map(str, arguments)], catch_exceptions=False)

    monkeypatch.setenv("METAGENX_EXPERIENCE", str(tmp_path / "mine"))
    assert "nothing yet" in run("list").output
    Store(tmp_path / "other").append([row(1), row(2)], gather=True)
    (tmp_path / "other" / "bad.parquet").write_text("no")
    refused = run("merge", tmp_path / "other")
    assert refused.exit_code == EXIT_BAD_INPUT
    assert "bad.parquet" in refused.output
    (tmp_path / "other" / "bad.parquet").unlink()
    assert json.loads(run("merge", tmp_path / "other", "--json").stdout)["new"] == 2
    found = json.loads(run("list", "--json").stdout)
    assert (found["runs"], found["problems"][0]["evaluations"]) == (2, 2003)
    assert run("export", tmp_path / "all.csv").exit_code == EXIT_REACHED
    assert len(pd.read_csv(tmp_path / "all.csv")) == 2
    monkeypatch.setenv("METAGENX_EXPERIENCE", "off")
    assert run("list").exit_code == EXIT_BAD_INPUT
    assert run("list", "--folder", tmp_path / "mine").exit_code == EXIT_REACHED
