"""Minima, limits and correlations of fits whose ends are known."""

from __future__ import annotations

import numpy as np
import pytest

from metagenx.meta.records import FitRecord
from metagenx.report.ends import Ends, ends_of_records
from metagenx.report.plots_parameters import correlation_figure, ends_figure
from metagenx.report.tables_of_ends import minima_sentence, minima_table, parameter_table

BOUNDS = np.array([[0.0, 10.0], [0.0, 1.0]])
ERRORS = np.array([[0.05, 0.05], [np.nan, np.nan]])


def two_humps(n_best: int = 30, n_second: int = 8, n_lost: int = 2) -> Ends:
    """Fits around (3, 0.5) with FOM 1, around (7, 0.2) with FOM 1.2, and some anywhere."""
    rng = np.random.default_rng(1)
    records = []
    for number in range(n_best + n_second + n_lost):
        if number < n_best:
            shift = rng.normal(0, 0.02)
            values, fom = (3.0 + shift, 0.5 + 0.1 * shift + rng.normal(0, 2e-4)), 1.0 + 1e-4 * rng.random()
        elif number < n_best + n_second:
            values, fom = (7.0 + rng.normal(0, 0.02), 0.2 + rng.normal(0, 0.001)), 1.2 + 1e-4 * rng.random()
        else:
            values, fom = tuple(rng.uniform(*BOUNDS.T)), 2.0 + number
        records.append(record(number, values, fom))
    succeeded = [number < n_best for number in range(len(records))]
    return ends_of_records(records, ("d", "gamma"), BOUNDS, ERRORS, succeeded, n_failed=1)


def record(number: int, values: tuple[float, ...], fom: float) -> FitRecord:
    return FitRecord("repeat", "file", "data", number, fom, values, 100, 10, "stagnation", 0.1, ((100, fom),))


def test_two_humps_are_two_minima() -> None:
    ends = two_humps()
    assert [len(ends.minima[i].repeats) for i in ends.shared] == [30, 8]
    assert np.array_equal(ends.minimum[:30], np.zeros(30))
    table = minima_table(ends)
    assert [row[0] for row in table.rows] == ["best", "2", "elsewhere", "failed"]
    assert [int(row[3]) for row in table.rows] == [30, 8, 2, 1]
    assert "30 of 41 fits end in the best minimum; 8 of 41 end in a second minimum, 20 % worse" in minima_sentence(ends)


def test_best_values_with_error_spread_and_limit() -> None:
    ends = two_humps()
    rows = {row[0]: row for row in parameter_table(ends).rows}
    assert float(rows["d"][1]) == pytest.approx(ends.best[0], abs=0.01)
    assert rows["d"][2] == "±0.05"
    assert float(rows["d"][3]) == pytest.approx(0.02, rel=0.5)
    assert rows["gamma"][2] == "unknown"
    stuck = ends_of_records([record(0, (9.95, 0.5), 1.0)], ("d", "gamma"), BOUNDS, ERRORS, [True])
    assert stuck.at_limit == ["max", ""]
    assert parameter_table(stuck).rows[0][-1] == "at its max"


def test_correlation_of_good_fits_only() -> None:
    ends = two_humps()
    figure = correlation_figure(ends)
    assert figure is not None
    assert figure.data is not None
    r = float(figure.data.content.decode().splitlines()[1].split(",")[2])
    assert r == pytest.approx(np.corrcoef(ends.values[:30].T)[0, 1])
    assert r > 0.9
    assert correlation_figure(two_humps(n_best=5)) is None


def test_a_parameter_between_equal_limits_divides_by_nothing() -> None:
    bounds = np.array([[0.0, 10.0], [0.5, 0.5]])
    ends = ends_of_records([record(i, (1.0 + i, 0.5), 1.0) for i in range(3)], ("d", "g"), bounds, ERRORS, [True] * 3)
    assert len(ends_figure(ends).plots) == 2
