"""A race on several samples: what the answer says of those that the search saw and of those that it did not."""

from __future__ import annotations

import dataclasses

import pytest
from test_race import BASE, Truth, ert, fits

from metagenx.fitting.settings import Settings
from metagenx.meta.objective import Contender
from metagenx.meta.race import Race
from metagenx.meta.race_rules import RaceRules
from metagenx.meta.statistics import BestKnown
from metagenx.meta.verdict import Verdict, judge

SAMPLES, HELD_OUT = ("data", "twin01"), ("held-out01", "held-out02")
BETTER: Truth = (0.8, 2500.0, 4000.0)
WORSE: Truth = (0.1, 6000.0, 9000.0)


def race(better: dict[str, Truth], base: dict[str, Truth] | None = None, **options: object) -> tuple[Race, Verdict]:
    """Eight challengers, one of which (s003) does on each sample what ``better`` says, else what the file does."""
    base = dict.fromkeys((*SAMPLES, *HELD_OUT), BASE) | (base or {})
    names = iter(range(1, 100))

    def propose(cohort: int, n: int, race: Race) -> list[Contender]:
        chosen = [next(names) for _ in range(n)]
        return [Contender(f"s{i:03d}", Settings(km=0.1 + 0.001 * i), "random", {}) for i in chosen]

    file = Contender("file", Settings(), "file", pinned=True)
    known = {sample: BestKnown(1.0, (0.0,)) for sample in base}  # as of a twin, from its truth
    rules = RaceRules(**{"evaluations": 6_000_000, "trials": 8, "validate": 80, **options})
    found = Race(rules, [file], propose, SAMPLES, best=known, held_out=HELD_OUT, real=SAMPLES[:1])
    while not found.finished:
        records = []
        for block in found.blocks:
            truth = better.get(block.sample, base[block.sample]) if block.setting == "s003" else base[block.sample]
            records += [r for r in fits(block, truth, 1) if r is not None]
        found.complete(records)
    return found, judge(found)


def test_a_gain_is_told_for_what_the_search_saw_and_for_what_it_did_not() -> None:
    found, verdict = race(dict.fromkeys((*SAMPLES, *HELD_OUT), BETTER))
    true = ert(BASE) / ert(BETTER)
    assert verdict.winner == "s003"
    assert set(verdict.by_sample) == {*SAMPLES, *HELD_OUT}
    gains = verdict.gains
    assert gains.training is not None
    assert gains.held_out_seeds is not None
    assert gains.held_out_samples is not None
    assert gains.held_out_seeds.low < true < gains.held_out_seeds.high
    assert gains.held_out_samples.over == "instances and runs"
    assert gains.held_out_samples.low < true < gains.held_out_samples.high
    assert gains.drop(gains.held_out_samples) == pytest.approx(
        gains.training.estimate / gains.held_out_samples.estimate
    )
    assert verdict.worst_sample in verdict.by_sample
    assert any("worst sample" in note for note in verdict.notes)
    assert verdict.to_json()["gains"]["held_out_samples"]["estimate"] == gains.held_out_samples.estimate
    # Nothing of the held-out samples was seen before the validation; no numbers are shared between the phases.
    phases = {phase for (phase, _, sample) in found.records if sample in HELD_OUT}
    assert phases == {"validation"}
    assert {measured.setting: measured.fits for measured in verdict.measured}["file"] == len(
        found.records["validation", "file", "data"]
    )


def test_what_helps_only_where_it_was_found_is_not_recommended() -> None:
    _, verdict = race({**dict.fromkeys(SAMPLES, (0.95, 1000.0, 1500.0)), **dict.fromkeys(HELD_OUT, WORSE)})
    assert verdict.rival == "s003"
    assert verdict.answer == "keep"
    assert verdict.gains.held_out_samples is not None
    assert verdict.gains.held_out_samples.estimate < 1.0
    assert verdict.worst_sample in HELD_OUT
    if verdict.ratio is not None and verdict.ratio.low > 1.0:
        assert "which the search never saw" in verdict.line


def test_a_sample_that_nobody_solves_says_nothing_and_blocks_nothing() -> None:
    hopeless: Truth = (0.0, 1.0, 9000.0)
    found, verdict = race(dict.fromkeys(("data", *HELD_OUT), BETTER), {"twin01": hopeless}, evaluations=10_000_000)
    assert not found.standing("file").runs["twin01"].successes
    assert verdict.winner == "s003"
    assert verdict.ratio is not None
    assert verdict.ratio.low > 1.0


def test_giving_up_on_a_hard_sample_is_no_bargain() -> None:
    """Settings that give up after 300 evaluations on a sample that the file solves at a price."""
    quitter: Truth = (0.0, 1.0, 300.0)
    _, verdict = race({"data": (0.5, 4000.0, 6000.0), "twin01": quitter, **dict.fromkeys(HELD_OUT, quitter)})
    assert verdict.answer == "keep"


def test_the_file_as_shipped_is_measured_on_the_users_own_samples_only() -> None:
    file = Contender("file", Settings(), "file", pinned=True)
    shipped = dataclasses.replace(file, name="shipped", pinned=False)
    found = Race(
        RaceRules(evaluations=3_000_000, trials=4, validate=20), [file], lambda *_: [], SAMPLES, shipped=shipped,
        full_cost=9000, held_out=HELD_OUT, real=SAMPLES[:1],
    )  # fmt: skip
    while not found.finished:
        found.complete([r for block in found.blocks for r in fits(block, BASE, 2)])
    assert {sample for (_, name, sample) in found.records if name == "shipped"} == {"data"}


def test_a_small_budget_leaves_twins_out_and_says_so() -> None:
    everywhere = dict.fromkeys((*SAMPLES, *HELD_OUT), BETTER)
    spent = {}
    for evaluations in (350_000, 1_200_000, 6_000_000):
        found, verdict = race(everywhere, evaluations=evaluations)
        spent[evaluations] = found.spent
        assert "data" in found.samples
        assert verdict.complete
        if evaluations == 350_000:
            assert "held-out02" in found.left_out
            assert any("did not pay for" in note for note in verdict.notes)
        if evaluations == 6_000_000:
            assert not found.left_out
    assert all(found <= 1.1 * budget for budget, found in spent.items())
