"""The first sentence of a report never says more than the verdict."""

from __future__ import annotations

from typing import Any

import pytest

from metagenx.meta.intervals import Interval
from metagenx.report.tune_page import headline_text, interval_of

RATIO = Interval(3.6, 2.6, 4.7).to_json()


def verdict(**changes: Any) -> dict[str, Any]:
    return {"answer": "keep", "baseline": "file", "complete": True, "ratio": RATIO, "reached": True, **changes}


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"answer": "change"}, "3.6× fewer evaluations per good fit than with the file's settings"),
        ({"answer": "change", "baseline": "genx3"}, "3.6× fewer evaluations per good fit than with GenX's defaults"),
        ({}, "Keep the file's settings: nothing was better beyond doubt"),
        ({"ratio": None, "reason": "the budget is spent"}, "Keep the file's settings: the budget is spent"),
        ({"complete": False}, "No answer: the budget ended before anything was validated, so keep the file's settings"),
    ],
)
def test_headline(changes: dict[str, Any], wanted: str) -> None:
    assert headline_text(verdict(**changes)) == wanted


def test_intervals_survive_json_with_open_ends() -> None:
    open_end = Interval(5.0, 1.0, float("inf"), censored=True, over="instances and runs")
    assert interval_of(open_end.to_json()) == open_end
    assert interval_of(None) is None
