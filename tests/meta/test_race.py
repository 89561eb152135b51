"""The race without Ray: simulated settings with known success rates and costs."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.fitting import streams
from metagenx.fitting.settings import Settings
from metagenx.meta.blocks import FIRST_REPEAT, Block
from metagenx.meta.conductor import Conductor
from metagenx.meta.objective import Contender, standing
from metagenx.meta.paired_test import paired_ert_test
from metagenx.meta.proposals import best_cutoff
from metagenx.meta.race import Race
from metagenx.meta.race_rules import RaceRules
from metagenx.meta.records import FitRecord
from metagenx.meta.statistics import BestKnown, Runs, Target
from metagenx.meta.verdict import Verdict, judge

Truth = tuple[float, float, float]  # success rate, evaluations to a success, evaluations of a failure
BASE: Truth = (0.3, 5000.0, 7000.0)


def ert(truth: Truth) -> float:
    rate, hit, missed = truth
    return hit + (1 - rate) / rate * missed


def fit(block: Block, truth: Truth, seed: int) -> FitRecord:
    rate, hit_time, missed = truth
    rng = streams.stream(seed, "test", block.phase, block.setting, block.sample, block.first)
    success = rng.random() < rate
    hit = int(hit_time * rng.lognormal(-0.08, 0.4))
    total = int(missed * rng.lognormal(-0.045, 0.3))
    total = max(total, int(1.2 * hit)) if success else total
    fom = 1.0 if success else 1.5
    trace = ((10, 5.0), (hit if success else total // 2, fom))
    return FitRecord(
        phase=block.phase,
        setting=block.setting,
        sample=block.sample,
        repeat=block.first,
        fom=fom,
        values=(0.0,),
        evaluations=total,
        generations=total // 40,
        stop="stagnation",
        seconds=0.0,
        trace=trace,
    )


def fits(block: Block, truth: Truth, seed: int) -> list[FitRecord]:
    records, left = [], block
    while left is not None:
        records.append(fit(left, truth, seed))
        left = left.after(records[-1])
    return records


class Bench:
    """A race among simulated settings; ``truths(i)`` is what challenger i can do."""

    def __init__(self, truths: Callable[[int], Truth], base: Truth = BASE, *, seed: int = 0, **rules: object) -> None:
        self.truths = {"file": base}
        self.source, self.seed = truths, seed
        options = {"evaluations": 4_000_000, "trials": 10, "validate": 100, "seed": seed, **rules}
        file = Contender("file", Settings(), "file", pinned=True)
        self.race = Race(RaceRules(**options), [file], self._propose, ("data",))

    def _propose(self, cohort: int, n: int, race: Race) -> list[Contender]:
        found = []
        for _ in range(n):
            number = len(self.truths)
            name = f"s{number:03d}"
            self.truths[name] = self.source(number)
            found.append(Contender(name, Settings(km=0.1 + 0.001 * number), "random", {}))
        return found

    def run(self) -> Verdict:
        while not self.race.finished:
            done = [fits(block, self.truths[block.setting], self.seed) for block in self.race.blocks]
            self.race.complete([record for records in done for record in records])
        return judge(self.race)


# ------------------------------------------------------------------------------------------ the answer


def test_a_planted_better_setting_wins_with_its_true_gain() -> None:
    better = (0.7, 4000.0, 6000.0)
    bench = Bench(lambda i: better if i == 3 else BASE, seed=1)
    verdict = bench.run()
    assert verdict.winner == "s003"
    assert verdict.answer == "change"
    assert verdict.ratio is not None
    assert verdict.ratio.low < ert(BASE) / ert(better) < verdict.ratio.high
    assert "s003" in verdict.line
    assert verdict.reached


def test_worse_everywhere_is_answered_by_keep() -> None:
    verdict = Bench(lambda i: (0.08, 5000.0, 8000.0), seed=2).run()
    assert verdict.answer == "keep"
    assert verdict.winner is None
    assert verdict.complete
    assert verdict.line.startswith("keep the file's settings")
    assert math.isfinite(verdict.detectable)


def test_settings_that_fail_fast_do_not_win() -> None:
    """A run of 500 evaluations that never gets anywhere is the bargain that naive scores fall for."""
    for rate in (0.0, 0.005):
        bench = Bench(lambda i, rate=rate: (rate, 400.0, 500.0), seed=3)  # type: ignore[misc]
        assert bench.run().answer == "keep"


def test_false_changes_are_rare_when_all_settings_are_equal() -> None:
    """Eight challengers as good as the file, 80 times: one-sided 2.5 % would be two; more than six has p < 0.5 %."""
    changed = sum(
        Bench(lambda i: BASE, seed=seed, evaluations=2_500_000, trials=8).run().answer == "change" for seed in range(80)
    )
    assert changed <= 6


def test_the_best_of_the_log_would_have_been_wrong() -> None:
    """What the race guards against: among equals, the best score of the search looks clearly better than the file."""
    gains = []
    for seed in range(12):
        bench = Bench(lambda i: BASE, seed=seed)
        bench.run()
        scores = [bench.race.standing(name).score for name in bench.race.runners if bench.race.has_run(name)]
        gains.append(10 ** (math.log10(ert(BASE)) - min(scores)))
    assert np.median(gains) > 1.25


def test_a_budget_too_small_says_so() -> None:
    verdict = Bench(lambda i: BASE, seed=4, evaluations=60_000).run()
    assert verdict.answer == "keep"
    assert not verdict.complete
    assert "budget" in verdict.line


def test_out_of_time_ends_the_race_without_a_claim() -> None:
    bench = Bench(lambda i: BASE, seed=5)
    records = [record for block in bench.race.blocks for record in fits(block, BASE, 5)]
    bench.race.complete(records, out_of_time=True)
    assert bench.race.finished
    assert "the time is spent" in judge(bench.race).line


# ------------------------------------------------------------------------------------------ the course


def test_the_budget_is_kept() -> None:
    for seed in range(6):
        bench = Bench(lambda i: BASE, seed=seed)
        bench.run()
        assert bench.race.spent <= 1.03 * bench.race.rules.evaluations


def test_clear_losers_leave_early_and_the_pinned_stay() -> None:
    bench = Bench(lambda i: (0.02, 5000.0, 9000.0), seed=6)
    bench.run()
    challengers = [runner for runner in bench.race.runners.values() if runner.cohort]
    assert all(runner.left for runner in challengers)
    assert sum("clearly worse" in str(runner.left) for runner in challengers) >= 4
    spent = sum(bench.race.standing(runner.contender.name).evaluations for runner in challengers)
    assert spent < 0.5 * len(challengers) * 4 * bench.race.allotment  # of what they would cost without a race
    assert bench.race.runners["file"].left is None


def test_phases_share_no_repeat_numbers_and_equal_evaluations_decide_the_search() -> None:
    bench = Bench(lambda i: (0.6, 2000.0, 2500.0) if i % 2 else (0.3, 9000.0, 12000.0), seed=7)
    bench.run()
    numbers: dict[str, set[int]] = {}
    for (phase, _, _), records in bench.race.records.items():
        numbers.setdefault(phase, set()).update(record.repeat for record in records)
    assert not numbers["search"] & numbers["validation"]
    assert not numbers.get("confirmation", set()) & (numbers["search"] | numbers["validation"])
    spent = [bench.race.standing(n).evaluations for n, r in bench.race.runners.items() if r.cohort and r.rung == 0]
    assert max(spent) < 1.5 * min(spent)


def test_no_race_fits_every_setting_the_same_number_of_times() -> None:
    bench = Bench(lambda i: BASE, seed=8, drop_losers=False, repeats=15, trials=5)
    bench.run()
    assert {bench.race.standing(name).fits for name in bench.race.runners} == {15}


def test_a_setting_whose_every_fit_fails_is_dropped_with_the_reason() -> None:
    bench = Bench(lambda i: BASE, seed=9, trials=4)
    race = bench.race
    while not race.finished:
        done: list[FitRecord] = []
        for block in race.blocks:
            if block.setting == "s001":
                left: Block | None = block
                while left is not None:
                    empty = {
                        "fom": math.nan,
                        "values": (),
                        "evaluations": 0,
                        "trace": (),
                        "failure": "no number",
                    }
                    done.append(fit(left, BASE, 9).__class__(**{**fit(left, BASE, 9).__dict__, **empty}))
                    left = left.after(done[-1])
            else:
                done += fits(block, bench.truths[block.setting], 9)
        race.complete(done)
    assert race.runners["s001"].left == "every fit failed: no number"


def test_rescoring_when_f_star_falls() -> None:
    good = fit(Block("search", "file", "data", (0,)), (1.0, 5000.0, 7000.0), 0)
    records = {"data": [good]}
    before = standing(records, {"data": BestKnown(1.0, (0.0,))}, Target())
    after = standing(records, {"data": BestKnown(0.9, (0.0,))}, Target())
    assert before.hits == 1
    assert not before.censored
    assert after.hits == 0
    assert after.censored
    assert after.score == pytest.approx(math.log10(2 * good.evaluations))


# ------------------------------------------------------------------------------------------ order of arrival


def _conducted(order_seed: int, *, known: Sequence[FitRecord] = (), slices: int = 1) -> tuple[Bench, Conductor]:
    bench = Bench(lambda i: (0.5, 3000.0, 5000.0) if i == 2 else BASE, seed=11, evaluations=1_500_000, trials=6)
    conductor = Conductor(bench.race, known=known, slices=slices)
    shuffle = random.Random(order_seed)
    while not conductor.stopping:
        name = shuffle.choice(list(conductor.tasks))
        task = conductor.tasks[name]
        records, block = [], task.blocks[0]
        for _ in range(shuffle.randint(1, 4)):
            records.append(fit(block, bench.truths[block.setting], 11))
            left = block.after(records[-1])
            if left is None:
                break
            block = left
        conductor.record(name, records + records[:1])  # something may arrive twice
    assert conductor.error is None
    return bench, conductor


def test_the_answer_does_not_depend_on_the_order_of_arrival_or_on_slices() -> None:
    bench, conductor = _conducted(0)
    verdict = judge(bench.race).to_json()
    for order, slices in ((1, 1), (2, 3), (3, 8)):
        other, again = _conducted(order, slices=slices)
        assert again.done == conductor.done
        assert judge(other.race).to_json() == verdict
        assert other.race.decisions == bench.race.decisions


def test_a_run_goes_on_from_any_part_of_its_journal() -> None:
    bench, conductor = _conducted(0)
    everything = list(conductor.done.values())
    shuffle = random.Random(5)
    for part in (0.1, 0.5, 0.95, 1.0):
        known = everything[: int(part * len(everything))]
        shuffle.shuffle(known)
        other, again = _conducted(9, known=known, slices=4)
        assert again.done == conductor.done
        assert judge(other.race).to_json() == judge(bench.race).to_json()


def test_records_are_written_before_they_count() -> None:
    bench = Bench(lambda i: BASE, seed=12)

    def full(records: Sequence[FitRecord]) -> None:
        raise OSError(28, "No space left on device")

    conductor = Conductor(bench.race, write=full)
    (name, task), *_ = conductor.tasks.items()
    conductor.record(name, [fit(task.blocks[0], BASE, 12)])
    assert isinstance(conductor.error, OSError)
    assert conductor.stopping
    assert not conductor.done


@given(
    st.integers(1, 40),
    st.one_of(st.none(), st.integers(1, 60_000)),
    st.integers(1, 9),
    st.randoms(use_true_random=False),
)
def test_blocks_lose_and_repeat_nothing(
    count: int, evaluations: int | None, slices: int, shuffle: random.Random
) -> None:
    first = FIRST_REPEAT["validation"]
    block = Block("validation", "file", "data", tuple(range(first, first + count)), evaluations)
    whole = fits(block, BASE, 1)
    pieces = [record for piece in block.slices(slices) for record in fits(piece, BASE, 1)]
    assert sorted(record.key for record in pieces) == [record.key for record in whole]
    done = {record.key: record for record in whole}
    assert block.records(done) == whole
    some = dict(shuffle.sample(list(done.items()), k=len(done) // 2))
    left = block.without(some)
    if evaluations is None:
        missing = set() if left is None else {(*block_key(block), repeat) for repeat in left.repeats}
        assert missing == set(done) - set(some)
    else:
        prefix = next((i for i, record in enumerate(whole) if record.key not in some), len(whole))
        rest = [] if left is None else fits(left, BASE, 1)
        assert whole[:prefix] + rest == whole
    assert Block.from_json(block.to_json()) == block


def block_key(block: Block) -> tuple[str, str, str]:
    return (block.phase, block.setting, block.sample)


# ------------------------------------------------------------------------------------------ the paired test


def _runs(truth: Truth, n: int, rng: np.random.Generator) -> Runs:
    rate, hit, missed = truth
    hits = rng.random(n) < rate
    costs = np.where(hits, hit, missed) * rng.lognormal(0.0, 0.3, n)
    return Runs(costs, hits, np.arange(n))


@pytest.mark.parametrize(
    ("one", "other"),
    [(BASE, BASE), ((1.0, 5000.0, 5000.0), (1.0, 5000.0, 5000.0)), (BASE, (0.9, 20167.0, 10500.0))],
    ids=["alike", "never failing", "equal ERT, other kind"],
)
def test_level_of_the_paired_test(one: Truth, other: Truth) -> None:
    """At equal ERT the test rejects at most as often as it says: 5 % of 600, and three sigma more."""
    assert ert(one) == pytest.approx(ert(other), rel=0.01)
    rng = np.random.default_rng(0)
    rejected = sum(
        paired_ert_test([(_runs(one, 60, rng), _runs(other, 60, rng))], rng, n_permutations=399) <= 0.05
        for _ in range(600)
    )
    assert rejected <= 30 + 3 * math.sqrt(600 * 0.05 * 0.95)


def test_power_and_direction_of_the_paired_test() -> None:
    rng = np.random.default_rng(1)
    pairs = [(_runs(BASE, 150, rng), _runs((0.6, 4000.0, 6000.0), 150, rng))]
    assert paired_ert_test(pairs, rng) < 0.01
    assert paired_ert_test([(b, a) for a, b in pairs], rng) > 0.99
    nothing = Runs(np.full(20, 10.0), np.zeros(20, dtype=bool), np.arange(20))
    assert paired_ert_test([(pairs[0][0], nothing)], rng) == 1.0
    assert paired_ert_test([], rng) == 1.0


def test_best_cutoff_of_two_kinds_of_runs() -> None:
    """Quick successes and failures that drag on: the cutoff lies just above the successes."""
    hits = np.array([True] * 30 + [False] * 30)
    costs = np.where(hits, np.linspace(900.0, 1100.0, 60), 50_000.0)
    cutoff = best_cutoff(Runs(costs, hits, np.arange(60)), 1.15)
    assert cutoff is not None
    assert 900 < cutoff < 1300
    assert best_cutoff(Runs(costs[:30], hits[:30], np.arange(30)), 1.15) is None  # nothing to gain
    assert best_cutoff(Runs(costs[28:], hits[28:], np.arange(32)), 1.15) is None  # too few successes
