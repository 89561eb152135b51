"""The portfolio: learned from what was measured, written down for the tables that are here, told where it is used."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import metagenx
from metagenx.cli import main
from metagenx.errors import InputError
from metagenx.experience.features import Features
from metagenx.experience.rows import Origin, row_of_run
from metagenx.experience.store import Store
from metagenx.fitting.settings import Settings
from metagenx.genx import file as genx_file
from metagenx.meta import portfolio as module
from metagenx.meta import portfolio_choice
from metagenx.meta.automatic_space import ProblemShape
from metagenx.meta.measured_table import MeasuredRuns, built_in_tables, read_table
from metagenx.meta.portfolio import Portfolio, learn, learn_from_tables, shipped_portfolio
from metagenx.meta.portfolio_choice import NOT_KNOWN, advice_for, own_problems

FILM = Path(__file__).parents[2] / "experiments" / "film.hgx"
SMALL, LARGE = ProblemShape(5, 1.0, 70, 3), ProblemShape(20, 1.0, 70, 6)
SHAPES = {"A": SMALL, "B": LARGE}


def cells(setting: str, km: float, **costs: tuple[int, int]) -> list[MeasuredRuns]:
    """Ten runs on two samples of each family; family → evaluations of a run, and how many of the ten hit."""
    values = {"create_trial": "best_1_bin", "km": km, "kr": 0.7, "pop_mult": 3.0}
    return [
        MeasuredRuns(setting, values, f"{family}.{n}", 5, np.full(10, float(cost)), np.arange(10) < hits)
        for family, (cost, hits) in costs.items()
        for n in range(2)
    ]


def planted() -> dict[str, list[MeasuredRuns]]:
    rows = [
        *cells("default", 0.70, A=(1000, 5), B=(1000, 5)),
        *cells("good for A", 0.55, A=(200, 9), B=(1000, 1)),
        *cells("good for B", 0.95, A=(1000, 1), B=(150, 9)),
        *cells("as good as the default", 0.71, A=(1000, 5), B=(1000, 5)),
        *cells("fails fast", 0.10, A=(5, 0), B=(5, 0)),
    ]
    return {family: [row for row in rows if row.sample.startswith(family)] for family in "AB"}


def test_it_holds_what_covers_the_problems_and_no_more() -> None:
    found = learn(planted(), SHAPES)
    assert [member.name for member in found.members] == ["default", "good for B", "good for A"]
    assert [problem.runs for problem in found.problems] == [100, 100]
    assert found.runs == 200
    assert found.problems[0].member_runs == (20, 20, 20)


def test_it_chooses_by_what_a_file_is_like_and_knows_what_it_does_not_know() -> None:
    found = learn(planted(), SHAPES)
    near_a, near_b = replace(SMALL, n_dim=6), replace(LARGE, n_dim=18)
    assert advice_for(near_a, found, []).values["km"] == 0.55
    assert advice_for(near_b, found, []).values["km"] == 0.95
    unlike = advice_for(ProblemShape(200, 0.01, 3000, 40), found, [])
    assert (unlike.source, unlike.values, unlike.runs) == ("file", {}, 0)
    assert "the file's own settings stay" in unlike.sentence
    assert unlike.with_changes({"km": 0.3}) == {"km": 0.3}
    assert NOT_KNOWN in advice_for(near_a, None, []).sentence


def test_a_table_without_the_default_is_refused() -> None:
    rows = {name: [row for row in own if row.setting != "default"] for name, own in planted().items()}
    with pytest.raises(InputError, match="lacks the setting 'default'"):
        learn(rows, SHAPES)


def test_what_is_shipped_is_what_the_table_teaches_and_counts_its_runs() -> None:
    shipped, fresh = shipped_portfolio(), learn_from_tables()
    assert shipped is not None
    assert [m.values for m in shipped.members] == [m.values for m in fresh.members]
    for mine, theirs in zip(shipped.problems, fresh.problems, strict=True):
        assert mine.scores == pytest.approx(theirs.scores, rel=1e-9)
        assert (mine.member_runs, mine.evaluations) == (theirs.member_runs, theirs.evaluations)
    rows = read_table(built_in_tables()["measured"])
    assert shipped.runs == sum(len(row.costs) for row in rows) == 81_898  # as the head of the table says
    assert shipped.evaluations == 58_448_452
    assert Portfolio.from_json(json.loads(json.dumps(shipped.to_json()))) == shipped


@pytest.mark.parametrize("damage", ["another table", "torn", "no file"])
def test_a_portfolio_of_another_table_teaches_nothing(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "portfolio.json"
    monkeypatch.setattr(module, "PORTFOLIO", path)
    text = (Path(module.__file__).parent / "tables" / "portfolio.json").read_text(encoding="utf-8")
    if damage != "no file":
        path.write_text(text.replace('"tables": "', '"tables": "0') if damage == "another table" else text[:200])
    assert shipped_portfolio() is None


def test_what_a_user_names_himself_stays() -> None:
    advice = advice_for(SMALL, learn(planted(), SHAPES), [])
    both = advice.with_changes({"kr": 0.2})
    assert (both["km"], both["kr"], both["use_pop_mult"]) == (0.55, 0.2, True)
    sized = advice.with_changes({"pop_size": 40, "use_pop_mult": False})
    assert Settings(**sized).population_size(5) == 40
    with pytest.raises(InputError, match="chooses create_trial best_1_bin"):
        advice.with_changes({"create_trial": "jade_best"})


def own_rows(n_runs: int = 12, seed: int = 1, **changes: Any) -> list[dict[str, Any]]:
    """Runs of three settings on one small problem; km 0.9 hits in every run and the others in one of four."""
    features = Features("ab" * 16, 5, (0.5,) * 5, (1.5,) * 5, (1.0,) * 5, 70, 1, 3)
    rows = []
    for km in (0.3, 0.6, 0.9):
        for repeat in range(n_runs):
            fom = 1.0 if km == 0.9 or repeat % 4 == 0 else 3.0
            rows.append(
                row_of_run(
                    Origin("tune", "mine", seed), features, settings=Settings(km=km, **changes).key(), fom=fom,
                    values=[1.0] * 5, errors=[0.1] * 5, evaluations=2000, generations=50, stop="stagnation",
                    seconds=0.1, trace=[(10, 9.0), (900, fom)], repeat=repeat,
                )
            )  # fmt: skip
    return rows


def test_own_runs_teach_where_they_are_more_alike() -> None:
    (mine,) = own_problems(own_rows())
    assert (mine.values["km"], mine.n_settings, mine.runs, mine.setting_runs) == (0.9, 3, 36, 12)
    advice = advice_for(SMALL, learn(planted(), {"A": replace(SMALL, n_dim=8), "B": LARGE}), [mine])
    assert (advice.source, advice.runs, advice.values["km"]) == ("own runs", 36, 0.9)
    assert "36 runs, 12 of them" in advice.sentence
    assert advice_for(LARGE, learn(planted(), SHAPES), [mine]).source == "portfolio"


@pytest.mark.parametrize("changes", [{"n_runs": 9}, {"polish": "greedy"}, {"create_trial": "cma_es"}])
def test_too_few_own_runs_or_others_of_another_kind_teach_nothing(changes: dict[str, Any]) -> None:
    assert own_problems(own_rows(**changes)) == []


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """A command in this process, with a store of its own."""
    monkeypatch.setenv("METAGENX_EXPERIENCE", str(tmp_path / "store"))
    return lambda *words: CliRunner().invoke(main, list(map(str, words)), catch_exceptions=False)


def test_it_is_shown_with_its_runs_and_a_store_beside_it(command: Callable[..., Result], tmp_path: Path) -> None:
    shown = command("experience", "portfolio")
    assert shown.exit_code == 0
    assert "81,898 runs" in shown.stdout
    assert "teach nothing yet" in shown.stdout
    Store(tmp_path / "store").append(own_rows())
    found = json.loads(command("experience", "portfolio", "--json").stdout)
    assert found["portfolio"]["runs"] == 81_898
    assert [own["runs"] for own in found["own"]] == [36]


def test_a_fit_takes_them_and_tells_it_everywhere(command: Callable[..., Result], tmp_path: Path) -> None:
    words = ("fit", FILM, "--settings-from", "portfolio", "--evals", "3000", "-j", 1)
    first = command(*words, "--json", "--out", tmp_path / "out")
    told = json.loads(first.stdout)["settings_from"]
    assert told["source"] == "portfolio"
    assert told["runs"] > 10_000
    assert told["sentence"] in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["settings_from"] == told
    used = Settings.from_options(metagenx.load(tmp_path / "out" / "best.hgx").options)
    n_dim = len(metagenx.load(FILM).file.fitted_rows)
    asked = Settings(**told["settings"])
    assert (used.create_trial, used.km, used.kr) == (asked.create_trial, asked.km, asked.kr)
    assert used.population_size(n_dim) == asked.population_size(n_dim)  # GenX's pop_mult is whole: a size is written
    again = json.loads(command(*words, "--json").stdout)  # its own runs are in the store by now
    assert again["fom"] == json.loads(first.stdout)["fom"]
    assert told["sentence"] in command(*words).stdout
    assert json.loads(command("fit", FILM, "--evals", 500, "-j", 1, "--json").stdout)["settings_from"] is None


def test_a_file_like_nothing_known_keeps_its_settings(
    command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portfolio_choice, "shipped_portfolio", lambda: learn(planted(), {"A": LARGE, "B": LARGE}))
    model = genx_file.read(FILM)
    kept = [replace(row, fit=row.fit and number < 1) for number, row in enumerate(model.table)]
    path = tmp_path / "one.hgx"
    genx_file.write(replace(model, table=kept, source=None, path=None), path)
    plan = json.loads(command("fit", path, "--settings-from", "portfolio", "--dry-run", "--json").stdout)
    assert plan["settings_from"]["source"] == "file"
    plain = json.loads(command("fit", path, "--dry-run", "--json").stdout)
    assert plan["population"] == plain["population"]


def test_what_contradicts_is_told(command: Callable[..., Result]) -> None:
    wrong = command("fit", FILM, "--settings-from", "portfolio", "--as-in-file")
    assert (wrong.exit_code, "contradict" in wrong.stderr) == (2, True)
    other = command("fit", FILM, "--settings-from", "portfolio", "--scheme", "jade_best")
    assert (other.exit_code, "jade_best was asked for" in other.stderr) == (2, True)
