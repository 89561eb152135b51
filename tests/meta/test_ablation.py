"""The path from the baseline to the answer, and what a search tells of its parameters."""

from __future__ import annotations

import numpy as np
import pytest

from metagenx.meta.ablation import ablation


def test_the_change_that_gains_most_comes_first_and_the_path_ends_at_the_answer() -> None:
    """Costs that depend on the scheme tenfold, on km a little, on kr not at all."""
    rng = np.random.default_rng(4)
    schemes = ["best_1_bin" if bit else "rand_1_bin" for bit in rng.integers(0, 2, 200)]
    km, kr = rng.uniform(0.3, 1.0, 200), rng.uniform(0.1, 1.0, 200)
    schemes[:2] = ["rand_1_bin", "best_1_bin"]
    km[:2], kr[:2] = [0.4, 0.9], [0.2, 0.8]
    scores = [4.0 - 1.0 * (scheme == "best_1_bin") - 0.3 * k for scheme, k in zip(schemes, km, strict=True)]
    values = {"km": list(km), "kr": list(kr), "create_trial": schemes}
    steps = ablation(values, scores, 0, 1, np.random.default_rng(1))
    assert steps[0].name == "create_trial"
    assert {step.name: (step.before, step.after) for step in steps} == {
        "create_trial": ("rand_1_bin", "best_1_bin"), "km": (0.4, 0.9), "kr": (0.2, 0.8)
    }  # fmt: skip
    gains = {step.name: step.gain for step in steps}
    assert gains["create_trial"] == pytest.approx(10.0, rel=0.3)
    assert 1.1 < gains["km"] < 2.0
    assert gains["kr"] == pytest.approx(1.0, abs=0.1)
    assert float(np.prod(list(gains.values()))) == pytest.approx(10.0**1.15, rel=0.35)


def test_settings_that_are_equal_have_no_path() -> None:
    values = {"km": [0.5, 0.5, 0.7, 0.9]}
    assert ablation(values, [1.0, 1.0, 2.0, 3.0], 0, 1, np.random.default_rng(1)) == ()
