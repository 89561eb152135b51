"""A finished tuning run, a killed one and a robustness test, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_here import repeat_here, tune_here
from small_film import write_film

from metagenx.report.run import write_report
from metagenx.runs import RunFolder

EXPERIMENT = """\
name: small
model: {file: film.hgx}
samples: {twins: {search: 0, held_out: 1}}
budget: {evaluations: 450k}
tune: {trials: 3}
"""


@pytest.fixture(scope="session")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("experiment")
    write_film(folder / "film.hgx")
    path = folder / "small.yaml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def finished(experiment: Path) -> RunFolder:
    """A tuning run that ended with a better setting, and its report."""
    folder = tune_here(experiment, experiment.parent / "runs")
    write_report(folder)
    return folder


@pytest.fixture(scope="session")
def killed(experiment: Path) -> RunFolder:
    """The same, killed in its third round: a journal, no tables."""
    return tune_here(experiment, experiment.parent / "killed", rounds=2, killed=True)


@pytest.fixture(scope="session")
def repeated(experiment: Path) -> RunFolder:
    """A robustness test and its report."""
    folder = repeat_here(experiment.parent / "film.hgx", experiment.parent / "repeats")
    write_report(folder)
    return folder
