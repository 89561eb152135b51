"""Every goal ends in an honest answer: what is better is told in its own words, and worse settings never win."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pandas as pd
import pytest
from run_here import tune_here

from metagenx.errors import ConfigError
from metagenx.meta.experiment import load_experiment
from metagenx.meta.goals import GOALS
from metagenx.meta.records import FitRecord
from metagenx.meta.targets import BestKnown, Target, score
from metagenx.report.run import write_report

PROBLEMS = Path(__file__).parents[1] / "meta" / "problems.py"

TEXT = """
model: {{function: {problems}:rastrigin}}
settings: [{{kr: 0.3}}, {{km: 0.1}}]
test: {{repeats: 10, start: {{perturb: 0 %}}, max_evaluations: {length}}}
tune: {{goal: {goal}, racing: off, validate: 40}}
budget: {{evaluations: 400_000}}
seed: 7
"""


def record(
    number: int, fom: float, evaluations: int, trace: list[tuple[int, float]], failure: str | None = None
) -> FitRecord:
    return FitRecord(
        "search", "s", "data", number, fom, (0.0,), evaluations, 9, "generations", 2.0, tuple(trace), failure
    )  # fmt: skip


def test_what_a_fit_costs() -> None:
    """A fit that was there after a quarter of its 400 evaluations (2 s), one that was not, one that failed."""
    fits = [
        record(0, 1.0, 400, [(1, 5.0), (100, 1.005), (200, 1.0)]),
        record(1, 3.0, 400, [(1, 3.0)]),
        record(2, math.nan, 400, [], "boom"),
    ]
    best = BestKnown(1.0, (0.0,))

    def costs(goal: str) -> tuple[list[float], list[bool]]:
        runs = score(fits, best, Target(goal=goal))
        return runs.costs.tolist(), runs.hits.tolist()

    assert costs("expected_cost") == ([100, 400, 400], [True, False, False])
    assert costs("pareto") == costs("expected_cost")
    assert costs("time") == ([500, 2000, 2000], [True, False, False])
    assert costs("success_rate") == ([1, 1, 1], [True, False, False])
    assert costs("fom_at_budget") == ([1.0, 3.0, 1e100], [True, True, False])


LONG = pytest.mark.skipif(not os.environ.get("METAGENX_LONG"), reason="METAGENX_LONG asks for it")


@pytest.mark.parametrize(
    "goal", ["fom_at_budget", "pareto", *(pytest.param(goal, marks=LONG) for goal in ("time", "success_rate"))]
)
def test_a_goal_runs_to_its_answer(goal: str, tmp_path: Path) -> None:
    """On a separable function kr = 0.3 is better by all goals, and km = 0.1 stops where it begins."""
    path = tmp_path / "goal.yaml"
    path.write_text(TEXT.format(problems=PROBLEMS, goal=goal, length=2000))
    folder = tune_here(path, tmp_path / "runs")
    verdict = json.loads(folder.verdict.read_text())
    assert verdict["winner"] == "s001", verdict["line"]
    assert GOALS[goal].gain in verdict["line"]
    assert verdict["ratio"]["low"] > 1.0
    assert verdict["reached"]
    by_name = {item["setting"]: item for item in verdict["validation"]}
    table = pd.read_csv(folder.repeats).query("phase == 'validation'")
    for name, item in by_name.items():
        mine = table[table["setting"] == name]
        assert item["fits"] == len(mine)
        assert item["success_rate"]["estimate"] == pytest.approx(mine["success"].mean())
    if goal == "fom_at_budget":  # the ratio is that of the mean FOMs, as anybody would compute it
        means = table.groupby("setting")["FOM"].mean()
        assert verdict["ratio"]["estimate"] == pytest.approx(means["file"] / means["s001"])
    if goal == "success_rate":
        rates = table.groupby("setting")["success"].mean()
        assert verdict["ratio"]["estimate"] == pytest.approx(rates["s001"] / rates["file"])
    if goal == "pareto":
        assert "s001" in verdict["front"]
        best = max(by_name.values(), key=lambda item: item["success_rate"]["estimate"])
        assert best["success_rate"] == by_name[verdict["front"][0]]["success_rate"]
        assert GOALS[goal].measure in write_report(folder).read_text()


def test_goals_at_equal_length_need_a_length(tmp_path: Path) -> None:
    path = tmp_path / "goal.yaml"
    path.write_text(f"model: {{function: {PROBLEMS}:rastrigin}}\ntune:\n  goal: success_rate\n")
    with pytest.raises(ConfigError, match=r"test\.max_evaluations"):
        load_experiment(path)
