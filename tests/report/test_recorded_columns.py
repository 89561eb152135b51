"""Settings that are listed one by one, and columns that a scientist records of every fit."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from run_here import tune_here

from metagenx.meta.experiment import load_experiment
from metagenx.meta.problem_source import ProblemSource, open_problem
from metagenx.meta.recorded import keep_record_file
from metagenx.meta.reread import reread

PROBLEMS = Path(__file__).parents[1] / "meta" / "problems.py"

TESTS = f"""
experiment = {{
    "model": {{"function": "{PROBLEMS}:rastrigin"}},
    "test": {{"repeats": 5, "start": {{"perturb": 0}}}},
    "tune": {{"racing": False, "validate": 10}},
    "budget": {{"evaluations": 400_000}},
    "seed": 7,
}}

def settings():
    return [{{"km": 0.7, "kr": 0.3}}, {{"km": 0.7, "kr": 0.7}}, {{"pop_size": 30, "kr": 0.2}}]

def record(fit):
    if fit.repeat == 3 and fit.setting == "s001":
        raise ValueError("not this one")
    far = max(abs(value - 0.37) for value in fit.values.values())
    return {{"far": far, "reached": fit.success, "members": fit.settings.pop_size}}
"""


def test_listed_settings_race_and_recorded_columns_are_in_the_table(tmp_path: Path) -> None:
    path = tmp_path / "example_tests.py"
    path.write_text(TESTS)
    folder = tune_here(path, tmp_path / "runs")
    table = pd.read_csv(folder.repeats)
    trials = pd.read_csv(folder.trials).set_index("setting")
    assert list(trials.loc[["s001", "s003"], "kr"]) == [0.3, 0.2]
    assert trials.loc["s003", "population"] == 30  # pop_size brings use_pop_mult along
    assert "s002" not in trials.index  # the same as the baseline: nothing to compare
    search = table[table["phase"] == "search"]
    assert set(search.groupby("setting").size()[["s001", "s003"]]) == {5}

    assert (table["reached"].dropna().astype(bool) == table.loc[table["reached"].notna(), "success"]).all()
    names = open_problem(ProblemSource.from_function(f"{PROBLEMS}:rastrigin")).names
    parameters = table[list(names)]
    expected = (parameters - 0.37).abs().max(axis=1)
    told = table["far"].notna()
    assert (expected[told] - table.loc[told, "far"]).abs().max() < 1e-12
    missing = table[~told]
    assert len(missing) > 0
    assert {(row.setting, row.repeat) for row in missing.itertuples()} <= {("s001", 3)}
    notices = folder.verdict.read_text()
    assert "record() failed for 1 of" in notices
    assert "line 15" in notices

    # Another record, the same fits: the table is made anew, from the journal.
    path.write_text(TESTS.replace('"far"', '"distance"').replace("fit.repeat == 3", "False"))
    changed = load_experiment(path, trust=True).record
    assert changed is not None
    keep_record_file(folder, changed)
    reread(folder, trust=True)
    again = pd.read_csv(folder.repeats)
    assert "far" not in again
    assert again["distance"].notna().all()
    assert (again["FOM"] == table["FOM"]).all()
