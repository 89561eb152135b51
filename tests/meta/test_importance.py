"""Importance: what decides the score is found, what does not is not, and too few settings are told to be."""

from __future__ import annotations

import numpy as np
import pytest

from metagenx.meta.importance import FEWEST_SETTINGS, importance


def space(n: int, seed: int) -> dict[str, list[object]]:
    rng = np.random.default_rng(seed)
    schemes = rng.choice(["best_1_bin", "rand_1_bin", "jade_best"], n)
    return {
        "create_trial": schemes.tolist(),
        "km": np.where(schemes == "jade_best", np.nan, rng.random(n)).tolist(),
        "kr": rng.random(n).tolist(),
        "pop_mult": np.exp(rng.uniform(0, 3, n)).tolist(),
    }


def test_what_decides_is_found() -> None:
    """Of two effects without interaction the shares are those of their variances; what has none gets little."""
    values = space(90, 1)
    rng = np.random.default_rng(2)
    scheme = np.array(
        [{"best_1_bin": 0.0, "rand_1_bin": 0.5, "jade_best": 1.0}[str(s)] for s in values["create_trial"]]
    )
    population = np.log(np.array(values["pop_mult"], dtype=float)) / 3.0
    score = scheme + population + 0.02 * rng.normal(size=90)
    found = importance(values, score.tolist(), np.random.default_rng(3))
    shares = {s.name: s for s in found.shares}
    assert found.correlation > 0.8
    true = scheme.var() / (scheme.var() + population.var())
    assert shares["create_trial"].share == pytest.approx(true, abs=0.15)
    assert shares["pop_mult"].share == pytest.approx(1 - true, abs=0.15)
    assert shares["kr"].share < 0.05
    assert shares["create_trial"].low > shares["kr"].high
    assert all(0 <= s.low <= s.share <= s.high <= 1 for s in found.shares)
    assert sum(s.share for s in found.shares) + found.interactions == pytest.approx(1.0)


def test_noise_and_too_few_settings_tell_nothing() -> None:
    values = space(60, 4)
    noise = np.random.default_rng(5).normal(size=60).tolist()
    assert "do not follow" in importance(values, noise, np.random.default_rng(6)).why_not
    few = importance(space(FEWEST_SETTINGS - 1, 7), noise[: FEWEST_SETTINGS - 1], np.random.default_rng(8))
    assert "too few" in few.why_not
    assert not few.shares
    assert "same" in importance(values, [1.0] * 60, np.random.default_rng(9)).why_not
