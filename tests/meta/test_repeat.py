"""Robustness tests: independent fits, on a real Ray."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tables import tables

import metagenx
from metagenx.errors import InputError
from metagenx.meta.minima import find_minima, spread
from metagenx.meta.records import FitRecord
from metagenx.meta.repeat import repeat
from metagenx.meta.statistics import wilson

PROBLEM = f"{Path(__file__).with_name('problems.py')}:rastrigin"
FILM = Path(__file__).parents[2] / "experiments" / "film.hgx"


@pytest.fixture(scope="module")
def two_cores() -> Iterator[None]:
    from metagenx.meta.ray_session import ray_session

    with ray_session(2, dashboard=False):
        yield


@pytest.mark.ray
def test_repeats_do_not_depend_on_workers_and_count_what_they_found(two_cores: None, tmp_path: Path) -> None:
    one = repeat(PROBLEM, 24, seed=3, out=tmp_path / "one", workers=1)
    two = repeat(PROBLEM, 24, seed=3, out=tmp_path / "two", workers=2)
    assert tables(one.folder.path) == tables(two.folder.path)
    assert len(one.table) == 24
    hits = int(one.table["success"].sum())
    assert one.rate == wilson(hits, 24)
    assert 0 < hits < 24
    assert sum(len(minimum.repeats) for minimum in one.minima) == 24
    assert len(one.minima[0].repeats) == hits
    assert one.minima[0].fom == one.table["FOM"].min()
    assert list(one.parameters["parameter"]) == [f"x{i}" for i in range(6)]
    assert (one.parameters["all std"] >= one.parameters["std"]).all()
    assert one.verdict.startswith(f"{hits} of 24 fits")
    assert one.reached
    other = repeat(PROBLEM, 24, seed=4, out=tmp_path / "one", workers=2)
    assert other.folder.path != one.folder.path
    assert not np.array_equal(other.table["FOM"], one.table["FOM"])


@pytest.mark.ray
def test_film_from_perturbed_starts(two_cores: None, tmp_path: Path) -> None:
    model = metagenx.load(FILM)
    fitted = repeat(model, 3, seed=1, out=tmp_path, workers=2, max_evaluations=400)
    assert [record.stop for record in fitted.records] == ["cutoff"] * 3
    everything = repeat(FILM, 3, of="all", seed=1, out=tmp_path, workers=2, max_evaluations=400)
    assert "not fitted" in everything.notices[0]
    # Same populations, same moves; what differs is the model.
    assert [r.fom for r in everything.records] != [r.fom for r in fitted.records]
    assert fitted.save(tmp_path / "best.hgx").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"n": 0}, "n is 0"), ({"perturb": -0.1}, "perturb is -0.1"), ({"of": "some"}, "one of fitted, all")],
)
def test_arguments_are_checked(options: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        repeat(PROBLEM, out=tmp_path, **options)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def _ended(number: int, fom: float, *values: float, errors: tuple[float, ...] | None = None) -> FitRecord:
    return FitRecord(
        "repeat", "file", "data", number, fom, values, 100, 5, "stagnation", 0.1, ((100, fom),), errors=errors
    )


def test_minima_are_told_apart_by_parameters_as_well_as_by_fom() -> None:
    bounds = np.array([[0.0, 10.0], [0.0, 10.0]])
    records = [
        _ended(0, 1.000, 2.0, 2.0, errors=(0.1, np.nan)),
        _ended(1, 1.005, 2.2, 2.1, errors=(0.1, 0.1)),  # within three error bars, and 2 % of the bounds
        _ended(2, 1.005, 2.4, 2.0, errors=(0.1, 0.1)),  # as good, but elsewhere
        _ended(3, 1.300, 2.0, 2.0, errors=(0.1, 0.1)),  # at the same place, but not at its bottom
        _ended(4, np.nan, 0.0, 0.0),
    ]
    minima = find_minima(records, bounds)
    assert [minimum.repeats for minimum in minima] == [(0, 1), (2,), (3,)]
    table = spread(records, ["a", "b"], minima[0].repeats)
    assert table["best"].tolist() == [2.0, 2.0]
    assert table["max"].tolist() == [2.2, 2.1]
    assert table["all max"].tolist() == [2.4, 2.1]
    assert find_minima(records[4:], bounds) == []
