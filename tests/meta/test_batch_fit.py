"""One file of a batch, without Ray: the strategy, its limits, and the plain run of --as-in-file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from films import write_model, write_scans

from metagenx.fitting.api import evaluations_of_full_run
from metagenx.meta.batch import prepare_batch
from metagenx.meta.batch_fit import Answer, Job, fit_file


def fitted(place: Path, **options: Any) -> tuple[Answer, Any]:
    """The answer for a film of 118 Å, and the rules it was made by."""
    (scan,) = write_scans(place / "scans", [118.0])
    prepared = prepare_batch(scan, write_model(place / "model.hgx"), seed=3, **options)
    (file,) = prepared.files
    return fit_file(prepared.rules, Job(0, file.name, file.content(), file.sha256)), prepared.rules


def test_a_file_is_fitted_with_auto_until_its_evaluations_are_spent(tmp_path: Path) -> None:
    answer, rules = fitted(tmp_path, evaluations=3_000)
    details = answer.details
    assert details["status"] == "reached"
    assert details["complete"] == details["same"] >= 3  # two parameters, one minimum
    assert 2_000 < sum(record.evaluations for record in answer.records) <= 3_000
    assert answer.best is not None
    assert answer.best.values[0] == pytest.approx(118.0, abs=0.5)
    plain, _ = fitted(tmp_path / "plain", as_in_file=True)
    assert plain.best is not None
    assert answer.best.fom == pytest.approx(plain.best.fom, rel=1e-6)
    assert len(plain.records) == 1
    assert plain.records[0].evaluations == evaluations_of_full_run(rules.settings, 2)


def test_settings_of_the_user_stay_as_they_are(tmp_path: Path) -> None:
    for chosen, generations in ((None, set()), (4, {4})):
        options = {} if chosen is None else {"stagnation_generations": chosen}
        prepared = prepare_batch(
            write_scans(tmp_path / "scans", [118.0]), write_model(tmp_path / "model.hgx"), seed=3, **options
        )
        rules = prepared.rules
        assert rules.strategy is not None
        patience = {
            rules.strategy.settings_of(rules.settings, rules.chosen, run, 2).stagnation_generations for run in range(7)
        }
        assert patience == (generations or {10, 20, 40})
