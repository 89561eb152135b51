"""Numbers as people read them say what the numbers are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.meta.intervals import Interval
from metagenx.report.numbers import (
    count,
    duration,
    percent,
    rate_text,
    ratio_text,
    time_text,
    times,
    whole,
    with_error,
    worse_by,
)

_FACTORS = {"k": 1e3, "M": 1e6, "G": 1e9}


@given(st.floats(1e-3, 1e12))
def test_counts_are_right_to_three_digits(value: float) -> None:
    text = count(value)
    back = float(text.rstrip("kMG")) * _FACTORS.get(text[-1], 1.0)
    assert back == pytest.approx(value, rel=6e-3)
    assert len(text) <= 9


@given(st.floats(-1e5, 1e5), st.floats(1e-5, 1e3))
def test_a_value_is_not_rounded_by_more_than_a_part_of_its_error(value: float, error: float) -> None:
    assert abs(float(with_error(value, error)) - value) <= 0.1 * error + 1e-6 * abs(value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (count(9412), "9.41k"), (count(999.9), "1k"), (count(math.inf), "∞"), (count(math.nan), "?"),
        (whole(1234567), "1 234 567"), (percent(0.97), "97 %"), (percent(0.004), "0.4 %"), (percent(math.nan), "?"),
        (times(3.64), "3.6"), (times(67.2), "67"), (times(1484.0), "1.48k"),
        (duration(45), "45 s"), (duration(700), "12 min"), (duration(9000), "2.5 h"),
        (worse_by(0.016), "1.6 %"), (worse_by(3.14), "4.1 times"),
        (rate_text(Interval(0.97, 0.92, 0.99)), "97 % (92–99)"), (rate_text(Interval(math.nan, 0, 1)), "not measured"),
        (time_text(Interval(9400, 8100, 10900)), "9.4k (8.1k–10.9k)"),
        (time_text(Interval(2e5, 1.2e5, math.inf, censored=True)), "more than 120k, no success seen"),
        (ratio_text(Interval(3.6, 2.6, 4.7)), "3.6× (2.6–4.7)"),
        (ratio_text(Interval(3.6, 2.6, math.inf)), "3.6× (2.6–∞)"),
    ],
)  # fmt: skip
def test_texts(text: str, wanted: str) -> None:
    assert text == wanted
