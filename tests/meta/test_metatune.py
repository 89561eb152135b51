"""The tuner's tuner: settings, profiles, the race of profiles, and one whole run on Ray."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metagenx.errors import ConfigError, InputError, Interrupted
from metagenx.meta.experiment import load_experiment
from metagenx.meta.metatune import check_surrogate, metatune, plan
from metagenx.meta.metatune_experiment import load_meta
from metagenx.meta.metatune_race import MetaRace, MetaRules, paired_test
from metagenx.meta.metatune_tasks import Ground, TuningTask, areas, score, tasks_of
from metagenx.meta.profile import HAND_MADE, Profile, built_in_profiles, load_profile
from metagenx.meta.replay import TabularBenchmark
from metagenx.meta.tuner_settings import TunerSettings, describe
from metagenx.meta.tuner_space import load_tuner_space, tuner_at

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


# ------------------------------------------------------------------------------------------ settings and profiles


def test_settings_tell_all_mistakes_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        TunerSettings(searcher="tpa", growth=99, trials=2.5)  # type: ignore[arg-type]
    assert [mistake.path for mistake in caught.value.mistakes] == ["searcher", "trials", "growth"]
    assert caught.value.mistakes[0].suggestion == "tpe"


def test_every_built_in_profile_loads_and_the_hand_made_one_is_the_default() -> None:
    assert {"default", HAND_MADE} <= set(built_in_profiles())
    for name in built_in_profiles():
        assert load_profile(name).name
    assert load_profile(HAND_MADE).settings == TunerSettings()


def test_a_profile_survives_its_file_and_a_wrong_one_tells_where(tmp_path: Path) -> None:
    made = Profile("mine", TunerSettings(searcher="racing", growth=3.0), "for long runs", {"seed": 1})
    made.write(tmp_path / "mine.yaml")
    assert load_profile("mine.yaml", tmp_path) == made
    (tmp_path / "bad.yaml").write_text("version: 1\nsettings:\n  groth: 2\n  rungs: 0\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_profile("bad.yaml", tmp_path)
    found = {mistake.path: (mistake.line, mistake.suggestion) for mistake in caught.value.mistakes}
    assert found == {"settings.groth": (3, "growth"), "settings.rungs": (4, None)}
    with pytest.raises(InputError, match="hand-made"):
        load_profile("hand-mad", tmp_path)


def test_an_experiment_takes_a_profile_but_its_own_words_go_before(tmp_path: Path) -> None:
    Profile("mine", TunerSettings(searcher="lus", trials=9, cohorts=5, rungs=4)).write(tmp_path / "mine.yaml")
    film = EXPERIMENTS / "film.hgx"
    (tmp_path / "a.yaml").write_text(f"model: {{file: {film}}}\ntune: {{profile: mine.yaml, trials: 7}}\n")
    tuner = load_experiment(tmp_path / "a.yaml").tuner
    assert (tuner.searcher, tuner.trials, tuner.cohorts, tuner.rungs) == ("lus", 7, 5, 4)
    plain = load_experiment(tmp_path / "a.yaml", ["tune.profile=hand-made", "tune.trials="])
    assert plain.tuner == TunerSettings()
    assert plain.hash != load_experiment(tmp_path / "a.yaml").hash
    with pytest.raises(ConfigError, match="no tuner profile"):
        load_experiment(tmp_path / "a.yaml", ["tune.profile=theirs"])


def test_every_point_of_the_space_is_a_tuner() -> None:
    space = load_tuner_space("tuner")
    rng = np.random.default_rng(0)
    for _ in range(200):
        tuner_at(space, space.sample(rng))
    assert set(space.names) <= {option.name for option in describe()}


# ------------------------------------------------------------------------------------------ tasks and their areas


def test_the_parts_of_a_curve_count_by_their_width_in_log_evaluations() -> None:
    tasks = tasks_of(["A"], [1_000, 100, 100_000], [0])
    assert [(task.begin, task.budget) for task in tasks] == [(25, 100), (100, 1_000), (1_000, 100_000)]
    values = dict(zip(tasks, (0.0, 0.3, 0.6), strict=True))
    expected = (0.3 * math.log(10) + 0.6 * math.log(100)) / math.log(4_000)
    assert areas(values) == {("A", 0): pytest.approx(expected)}
    two = {**values, **dict.fromkeys(tasks_of(["B"], [100, 1_000, 100_000], [0, 1]), 0.1)}
    assert score(two) == pytest.approx((expected + 0.1) / 2)  # B has more tasks, and counts no more


def test_other_settings_of_the_tuner_change_a_replayed_run_and_the_same_do_not() -> None:
    ground = Ground.of(TabularBenchmark.synthetic(np.random.default_rng(1)))
    default = ground.families["F0"].regret(ground.families["F0"].default)
    task = TuningTask("F0", 16_000_000, 3, 1_000_000)
    plain = ground.replay(TunerSettings(), task)
    assert plain == ground.replay(TunerSettings(), task)
    assert plain < 0.8 * default  # what is held to be the best is better long before a verdict says so
    assert ground.replay(TunerSettings(trials=1), task) > plain
    subset = TunerSettings(
        first_samples=0.3, sample_order="hardest", capping_slack=1.2, most_repeats=30, first_near=0.5
    )
    assert math.isfinite(ground.replay(subset, task))
    late = TunerSettings(search_share=0.8, confirmation_share=0.6, rungs=1)
    assert ground.replay(late, TuningTask("F0", 16_000_000, 3, 15_000_000)) >= 0.0


def test_a_family_never_learns_from_itself() -> None:
    ground = Ground.of(TabularBenchmark.from_table(families=["M1", "N2"]), ["M1", "N2"])
    space = ground.space("M1", 16_000_000, TunerSettings())
    assert space is not None
    assert space.teachers == ("N2",)
    wider = ground.space("M1", 16_000_000, TunerSettings(space_inflate=1.0))
    assert wider is not None
    assert wider.box.ranges != space.box.ranges


def test_a_surrogate_that_cannot_rank_is_refused() -> None:
    class Blind(TabularBenchmark):
        @property
        def out_of_bag(self) -> dict[str, float]:  # type: ignore[override]
            return {"M2": 0.8, "L3": 0.55}

    plain = TabularBenchmark.synthetic(np.random.default_rng(0))
    with pytest.raises(InputError, match=r"L3: 0\.55; 0\.7 is needed"):
        check_surrogate(
            Blind(**{f: getattr(plain, f) for f in ("space", "default", "samples", "n_dims", "landscapes")})
        )


# ------------------------------------------------------------------------------------------ the race of profiles


def run_race(race: MetaRace, value: float, noise: float, seed: int = 0) -> MetaRace:
    """The value of a task is ``value`` per unit of ``survivors`` above a half, and noise."""
    while not race.finished:
        found = {}
        for evaluation in race.evaluations:
            shift = value * (race.tuners[evaluation.profile].survivors - 0.5)
            number = int(evaluation.profile[1:]) if evaluation.profile[1:].isdecimal() else 0
            for task in evaluation.tasks:
                luck = np.random.default_rng([seed, number, task.number, task.budget, ord(task.family)])
                found[evaluation.profile, task] = shift + noise * luck.standard_normal()
        race.complete(found)
    return race


def test_an_automatic_space_of_the_tuner_follows_the_evidence_and_says_why() -> None:
    """The optimum lies beyond the first box, which is around what was set by hand."""
    rules = MetaRules(("A", "B"), (10, 100), trials=120, cohorts=4, finalists=2, confirm=12)
    race = MetaRace(rules, load_tuner_space("auto"))
    assert race.box is not None
    first = race.box.form("survivors")["float"]
    assert first[0] > 0.2  # a soft bound
    assert {change.kind for change in race.space_changes} == {"define"}
    run_race(race, 1.0, 0.01)
    moved = [change for change in race.space_changes if change.parameter == "survivors" and change.kind == "widen"]
    assert moved
    assert "lower end" in moved[0].reason
    assert race.winner is not None
    assert race.tuners[race.winner].survivors < first[0]


RULES = MetaRules(("A", "B"), (10, 100), trials=24, cohorts=3, repeats=1, finalists=2, confirm=12)


def test_a_profile_that_is_better_is_found_and_confirmed_on_fresh_tasks() -> None:
    race = run_race(MetaRace(RULES, load_tuner_space("tuner")), 1.0, 0.02)
    assert race.winner is not None
    assert race.tuners[race.winner].survivors < 0.35
    assert race.levels[race.winner] < 0.01
    numbers = {task.number for task in race.fresh[race.winner]}
    assert not numbers & {task.number for values in race.values.values() for task in values}


def test_luck_alone_wins_in_few_races() -> None:
    rules = MetaRules(("A", "B"), (10, 100), trials=12, cohorts=2, finalists=2, confirm=6)
    space = load_tuner_space("tuner")
    winners = 0
    for seed in range(30):
        race = run_race(MetaRace(rules, space), 0.0, 0.1, seed)
        winners += race.winner is not None
    assert winners <= 4  # 5 % over the finalists: more than 4 of 30 have a chance of 1.6 %


def test_the_paired_test_needs_differences() -> None:
    tasks = [TuningTask("A", 10, number, 2) for number in range(12)]
    base = {task: 0.1 * task.number for task in tasks}
    rng = np.random.default_rng(0)
    assert paired_test(base, base, rng) == 1.0
    assert paired_test({task: value - 0.05 for task, value in base.items()}, base, rng) < 0.001
    assert paired_test({task: value + 0.05 for task, value in base.items()}, base, rng) == 1.0
    assert paired_test(dict.fromkeys(tasks, math.inf), base, rng) == 1.0


# ------------------------------------------------------------------------------------------ experiments and runs


def test_the_experiment_that_comes_along_is_sound_and_mistakes_are_told(tmp_path: Path) -> None:
    options = ["tasks.table=synthetic", "tasks.families=[F0, F1]"]
    own = load_meta(EXPERIMENTS / "tuner.yaml", options)
    assert plan(EXPERIMENTS / "tuner.yaml", overrides=options)["profiles"] == own.experiment.trials
    assert own.hash != load_meta(EXPERIMENTS / "tuner.yaml", [*options, "seed=1"]).hash
    assert own.hash == load_meta(EXPERIMENTS / "tuner.yaml", [*options, "run.workers=7"]).hash
    bad = tmp_path / "bad.yaml"
    bad.write_text("trails: 3\ntasks:\n  budgets: 5\n  families: [M2, L9]\nsearch_space: nowhere\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_meta(bad)
    found = {mistake.path: (mistake.line, mistake.suggestion) for mistake in caught.value.mistakes}
    assert found["trails"] == (1, "trials")
    assert found["tasks.budgets"][0] == 3


SMALL = [
    "tasks.table=synthetic", "tasks.families=[F0]", "tasks.budgets=[1_000_000]", "trials=4", "rounds=2", "finalists=1",
    "tasks.confirm=5",
]  # fmt: skip


@pytest.mark.ray
def test_a_whole_run_and_the_same_again_from_its_journal(tmp_path: Path) -> None:
    """On two workers; then read again; then from the middle on one, where a task must fit beside its trial."""
    first = metatune(EXPERIMENTS / "tuner.yaml", out=tmp_path, overrides=SMALL, workers=2, dashboard=False)
    answer = json.loads((first.folder.path / "answer.json").read_text())
    assert answer["winner"] == first.answer.winner
    assert len(answer["profiles"]) == 5
    assert load_profile(str(first.profile_file)).settings == first.answer.settings
    journal = first.folder.events.read_bytes()
    again = metatune(EXPERIMENTS / "tuner.yaml", out=tmp_path, overrides=SMALL, workers=1, dashboard=False)
    assert again.folder.path == first.folder.path
    assert again.answer == first.answer
    assert first.folder.events.read_bytes() == journal
    lines = journal.splitlines(keepends=True)
    first.folder.events.write_bytes(b"".join(lines[: len(lines) // 2]) + b'{"torn')
    resumed = metatune(EXPERIMENTS / "tuner.yaml", out=tmp_path, overrides=SMALL, workers=1, dashboard=False)
    assert resumed.answer == first.answer


@pytest.mark.ray
def test_an_interrupt_is_told_and_the_same_call_goes_on(tmp_path: Path) -> None:
    asked: list[int] = []

    def soon() -> bool:
        asked.append(1)
        return len(asked) > 6

    whole: dict[str, Any] = {"out": tmp_path, "overrides": SMALL, "workers": 2, "dashboard": False}
    with pytest.raises(Interrupted, match="interrupted"):
        metatune(EXPERIMENTS / "tuner.yaml", should_stop=soon, **whole)
    result = metatune(EXPERIMENTS / "tuner.yaml", **whole)
    sessions = [json.loads(line) for line in result.folder.events.read_text().splitlines()]
    assert [event["state"] for event in sessions if event["event"] == "ended"] == ["interrupted", "finished"]
    done = [(e["details"]["profile"], str(e["details"]["tasks"])) for e in sessions if e["event"] == "round"]
    assert len(done) == len(set(done))  # nothing was done twice
