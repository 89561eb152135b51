"""The tabular benchmark: its draws, its estimates from few runs, the tuner on it, and traps that must not look good."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from metagenx.errors import InputError
from metagenx.meta.families import MEASURED_FAMILIES
from metagenx.meta.hit_rates import log_running_times, log_running_times_by_cutoff
from metagenx.meta.measured_table import MeasuredRuns, read_table, write_table
from metagenx.meta.replay import TabularBenchmark
from metagenx.meta.replayed_tuning import tune_replayed
from metagenx.meta.surrogate import Forest


@pytest.fixture(scope="module")
def synthetic() -> TabularBenchmark:
    return TabularBenchmark.synthetic(np.random.default_rng(1))


def test_runs_cost_what_the_truth_says(synthetic: TabularBenchmark) -> None:
    costs, hits = synthetic.draw(synthetic.best[0], synthetic.instances[0], np.random.default_rng(0), 20_000)
    truth = synthetic.log10_ert(synthetic.best[0], synthetic.instances[0])
    assert np.log10(costs.sum() / hits.sum()) == pytest.approx(truth, abs=0.03)
    assert 0 < hits.sum() < len(hits)


def test_settings_and_points_are_the_same_place(synthetic: TabularBenchmark) -> None:
    point = {"create_trial": "rand_1_bin", "km": 0.5, "kr": 0.3, "pop_mult": 2.0, "max_evaluation_mult": 4.0}
    name = synthetic.instances[1]
    assert synthetic.log10_ert(synthetic.settings(point), name) == pytest.approx(synthetic.log10_ert(point, name))


def test_the_tuner_finds_a_large_gain_and_repeats_itself(synthetic: TabularBenchmark) -> None:
    once, again = (tune_replayed(synthetic, 64_000_000, 3) for _ in range(2))
    assert synthetic.regret(once.settings) < 0.5 * synthetic.regret(synthetic.default)
    assert (once.settings, once.spent, once.trajectory) == (again.settings, again.spent, again.trajectory)
    assert once.spent < 1.1 * 64_000_000


def test_running_times_of_many_counts_are_the_plain_ones() -> None:
    rate = np.array([[1e-3, 5e-4], [2e-4, 1e-4], [5e-5, 2.5e-5]])
    spent = np.full(rate.shape, 1e8)
    assert log_running_times(spent, rate * spent) == pytest.approx(-np.log10(rate), abs=1e-3)


def test_a_short_cutoff_without_a_hit_is_no_bargain() -> None:
    spent = np.array([[[1e3, 1e4]], [[1e3, 1e4]]])
    hits = np.array([[[0.0, 5.0]], [[0.0, 0.0]]])
    times = log_running_times_by_cutoff(spent, hits)
    assert (times[..., 0] > times[..., 1]).all()
    assert times[1, 0, 1] > times[0, 0, 1]


def test_the_forest_predicts_rows_that_a_tree_has_not_seen() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((200, 3))
    y = np.stack([x[:, 0] + x[:, 1], 3.0 * x[:, 0]], axis=1)
    forest = Forest(x, y, rng, n_trees=60)
    assert np.corrcoef(forest.out_of_bag[:, 0], y[:, 0])[0, 1] > 0.9
    new = rng.random((50, 3))
    assert np.corrcoef(forest.predict(new)[:, 1], 3.0 * new[:, 0])[0, 1] > 0.9


def test_a_table_survives_the_disk(tmp_path: Path) -> None:
    values = {"create_trial": "best_1_bin", "km": 0.7, "kr": 0.7, "pop_mult": 3.0}
    row = MeasuredRuns("default", values, "M2.0", 9, np.array([120.0, 4000.0]), np.array([True, False]))
    write_table(tmp_path / "t.csv.gz", [row], "made\nby a test")
    (found,) = read_table(tmp_path / "t.csv.gz")
    assert (found.setting, found.values, found.sample, found.n_dim) == ("default", values, "M2.0", 9)
    assert found.costs.tolist() == [120.0, 4000.0]
    assert found.hits.tolist() == [True, False]
    assert found.at(1000.0) == (1120.0, 1)


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"a,b\n1,2\n", mtime=0)], ids=["none", "another"])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_table(path)


def test_traps_rank_below_the_default_in_the_measured_table() -> None:
    """Settings that fail fast, and those that a forest on success rates once took for good."""
    families = MEASURED_FAMILIES
    benchmark = TabularBenchmark.from_table(families=families)
    fail_fast = {"create_trial": "best_1_bin", "km": 0.1, "kr": 0.9, "pop_mult": 0.45, "max_evaluation_mult": 10.0}
    exploit = {
        "create_trial": "simplex_best_1_bin",
        "km": 0.07,
        "kr": 0.5,
        "pop_mult": 0.8,
        "max_evaluation_mult": 10.0,
    }
    for trap in (fail_fast, {**fail_fast, "max_evaluation_mult": 1.0}, exploit):
        assert benchmark.score(trap) > benchmark.score(benchmark.default) + 0.3


def test_a_gain_on_others_samples_alone_is_no_gain() -> None:
    """The best settings of M1 are slower on M1.0: whose own file that is keeps what he has, a family changes."""
    benchmark = TabularBenchmark.from_table(families=["M1"])
    kept = tune_replayed(benchmark, 64_000_000, 1, real=["M1.0"])
    changed = tune_replayed(benchmark, 64_000_000, 1, real=benchmark.instances)
    assert kept.settings == benchmark.settings(benchmark.default)
    assert kept.verdict.reason.endswith("was not on the sample M1.0")
    assert changed.settings == changed.race.contenders[str(changed.verdict.winner)].settings
