"""Families of simulated films: a number decides a sample, the truth lies inside the bounds, N2 is known better."""

from __future__ import annotations

import numpy as np
import pytest

from metagenx.errors import InputError
from metagenx.meta.families import FAMILIES, sample

PARAMETERS = {"M1": 6, "M2": 9, "N2": 9, "L3": 12, "ML": 14}


@pytest.mark.parametrize("number", [0, 3, 57])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_truth_lies_inside_the_bounds_and_the_start_knows_nothing_of_it(family: str, number: int) -> None:
    made, again = sample(family, number), sample(family, number)
    rows = [row for row in made.model.file.table if row.fit]
    assert len(rows) == PARAMETERS[family]
    low, high = np.array([(row.minimum, row.maximum) for row in rows]).T
    start = np.array([row.value for row in rows])
    assert (low < made.truth).all()
    assert (made.truth < high).all()
    assert (low <= start).all()
    assert (start <= high).all()
    assert not np.isclose(start, made.truth).all()
    assert np.array_equal(made.truth, again.truth)
    assert np.array_equal(made.model.file.data[0].y, again.model.file.data[0].y)


def test_films_that_are_known_well_have_narrow_bounds() -> None:
    def width(family: str) -> float:
        row = next(row for row in sample(family, 0).model.file.table if row.name == "L1.setD")
        return row.maximum / row.minimum

    assert width("M2") == pytest.approx(2.0 / 0.45)
    assert width("N2") == pytest.approx(1.12 / 0.9)


def test_no_such_family() -> None:
    with pytest.raises(InputError, match="XY"):
        sample("XY", 0)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_films_absorb(family: str) -> None:
    """An n = 1 - δ + iβ with β > 0: below its critical edge nothing reflects more than all."""
    made = sample(family, 0)
    file = made.model.file
    values = {row.name: value for row, value in zip((r for r in file.table if r.fit), made.truth, strict=True)}
    values |= {"inst.setI0": 1.0} | {name: 0.0 for name in values if name == "inst.setIbkg"}
    curve = made.model.simulate(values)[0]
    assert curve.max() < 1.0
