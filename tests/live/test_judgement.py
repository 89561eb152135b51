"""When data and fit do not belong together; which precision is meant; when it is time to end."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from metagenx.errors import InputError
from metagenx.live.belonging import History, Look, Residuals
from metagenx.live.command import end_of
from metagenx.live.precision import wanted_precisions

NAMES = ("L1.setD", "Sub.setSigma")
VALUES, ERRORS = np.array([100.0, 4.0]), np.array([0.5, 0.2])


def _residuals(
    rng: np.random.Generator, n: int = 100, misfit: float = 0.0, relative: float = 0.03, off: float = 0.0, new: int = 0
) -> Residuals:
    """Of a model that is off by ``misfit``, the last ``new`` points by ``off`` standard deviations."""
    z = rng.standard_normal(n) * np.sqrt(1.0 + (misfit / relative) ** 2)
    if new:
        z[-new:] += off
    reduced = float(np.sum(z**2) / (n - 2))
    return Residuals(z, np.arange(float(n)), relative, reduced, n - 2, float(np.sqrt(max(reduced - 1, 0.0))) * relative)


def _judge(history: History, residuals: Residuals, **changes: object) -> str:
    asked: dict[str, object] = {
        "values": VALUES,
        "errors": ERRORS,
        "minimum": 1,
        "is_certain": True,
        "one_sample": True,
    }
    is_again = bool(changes.pop("is_again", False))
    asked |= changes
    return history.judge(Look(residuals, 0.1, NAMES, **asked), is_again=is_again).level  # type: ignore[arg-type]


def test_a_good_measurement_never_alarms_however_long_it_is_counted() -> None:
    rng = np.random.default_rng(1)
    history = History()
    # The model is off by 2 %: χ² grows with the counts, from 1.2 to 45, and that is no news.
    levels = [_judge(history, _residuals(rng, misfit=0.02, relative=0.05 / np.sqrt(k))) for k in range(1, 200)]
    assert "bad" not in levels


def test_growing_scans_of_a_good_sample_never_alarm() -> None:
    rng = np.random.default_rng(2)
    z = rng.standard_normal(400)
    history = History()
    for n in range(30, 400):
        part = z[:n]
        reduced = float(np.sum(part**2) / (n - 2))
        found = Residuals(part, np.arange(float(n)), 0.03, reduced, n - 2, 0.03 * float(np.sqrt(max(reduced - 1, 0.0))))
        assert _judge(history, found) == "good"


def test_another_sample_is_noticed_at_once() -> None:
    rng = np.random.default_rng(3)
    history = History()
    for _ in range(5):
        assert _judge(history, _residuals(rng, misfit=0.02)) != "bad"
    assert _judge(history, _residuals(rng, misfit=0.3)) == "bad"


def test_a_misfit_before_fits_agree_is_believed_only_when_it_stays() -> None:
    rng = np.random.default_rng(4)
    history = History()
    for _ in range(5):
        _judge(history, _residuals(rng))
    levels = [_judge(history, _residuals(rng, misfit=0.3), is_certain=False) for _ in range(3)]
    assert levels == ["warning", "warning", "bad"]


def test_newest_points_that_do_not_follow() -> None:
    rng = np.random.default_rng(5)
    history = History()
    for n in range(60, 70):
        assert _judge(history, _residuals(rng, n)) == "good"
    assert _judge(history, _residuals(rng, 71, off=12.0, new=1)) == "bad"


def test_a_parameter_that_jumps_within_its_minimum() -> None:
    rng = np.random.default_rng(6)
    history = History()
    _judge(history, _residuals(rng))
    assert _judge(history, _residuals(rng), values=np.add(VALUES, [0.0, 1.0])) == "good"
    assert _judge(history, _residuals(rng), values=np.add(VALUES, [8.0, 1.0])) == "bad"
    assert _judge(history, _residuals(rng), values=np.add(VALUES, [8.0, 1.0]), minimum=2) == "good"
    assert _judge(history, _residuals(rng), values=np.add(VALUES, [30.0, 1.0]), one_sample=False) == "good"


def test_a_jump_is_told_once_and_never_of_a_fit_that_is_not_certain() -> None:
    rng = np.random.default_rng(9)
    history = History()
    _judge(history, _residuals(rng), values=np.add(VALUES, 30.0), is_certain=False)
    assert _judge(history, _residuals(rng)) == "good"
    moved = np.add(VALUES, [8.0, 0.0])
    assert [_judge(history, _residuals(rng), values=moved) for _ in range(2)] == ["bad", "good"]


def test_a_second_look_replaces_the_first() -> None:
    rng = np.random.default_rng(7)
    history = History()
    _judge(history, _residuals(rng))
    before = list(history.misfits)
    _judge(history, _residuals(rng, misfit=0.01))
    _judge(history, _residuals(rng, misfit=0.01), is_again=True)
    assert len(history.misfits) == len(before) + 1


def test_without_errors_the_figure_of_merit_is_compared() -> None:
    nothing = replace(_residuals(np.random.default_rng(8)), reduced=np.nan)
    history = History()
    foms = [0.1, 0.11, 0.1, 0.5]
    levels = [
        history.judge(Look(nothing, fom, NAMES, VALUES, ERRORS, 1, is_certain=True, one_sample=True)).level
        for fom in foms
    ]
    assert levels == ["good", "good", "good", "bad"]


def test_a_history_goes_on_after_it_was_written_down() -> None:
    import json

    rng = np.random.default_rng(10)
    history, again = History(), History()
    for n in range(60, 70):
        _judge(history, _residuals(rng, n))
    again.restore(json.loads(json.dumps(history.to_json())))
    assert again.to_json() == history.to_json()
    new = _residuals(rng, 71, off=12.0, new=1)
    assert _judge(again, new) == _judge(history, new) == "bad"


def test_precision_names() -> None:
    names = ("Fe.setD", "Cr.setD", "Fe.setSigma", "inst.setI0")
    assert [(w.name, w.precision) for w in wanted_precisions(["thickness 0.5"], names)] == [
        ("Fe.setD", 0.5),
        ("Cr.setD", 0.5),
    ]
    assert [w.name for w in wanted_precisions(["fe 1"], names)] == ["Fe.setD", "Fe.setSigma"]
    assert {w.name: w.precision for w in wanted_precisions(["thickness 0.5", "fe.setd 0,1"], names)} == {
        "Fe.setD": 0.1,
        "Cr.setD": 0.5,
    }
    for wrong in ("Fe.setD", "Fe.setD zero", "Fe.setD -1", "0.5", "Fe.setD nan"):
        with pytest.raises(InputError, match="no precision"):
            wanted_precisions([wrong], names)
    with pytest.raises(InputError, match="no fitted parameter") as error:
        wanted_precisions(["Fe.setDens 1"], names)
    assert "Fe.setD" in str(error.value)


def test_until() -> None:
    at = time.mktime((2026, 1, 15, 23, 0, 0, 0, 0, -1))
    clock = [at]

    def now() -> float:
        return clock[0]

    morning, span = end_of("06:30", (), now=now), end_of("90min", (), now=now)
    assert not morning(None)
    assert not span(None)
    clock[0] = at + 5400.0
    assert span(None)
    assert not morning(None)
    clock[0] = at + 7.5 * 3600.0
    assert morning(None)
    for wrong in ("25:00", "soon", "5 days", ""):
        with pytest.raises(InputError, match="no time to end"):
            end_of(wrong, ())
    with pytest.raises(InputError, match="needs a --precision"):
        end_of("precision", ())
