"""Spaces that define and refine themselves, on objectives whose optimum is known."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from metagenx.errors import ConfigError
from metagenx.fitting.streams import stream
from metagenx.meta.automatic_space import STUDY, DefinedSpace, ProblemShape, Taught, define_space
from metagenx.meta.box import Box
from metagenx.meta.parameters import ChoiceParameter, FloatParameter, IntParameter
from metagenx.meta.predictability import predictability
from metagenx.meta.replay import TabularBenchmark
from metagenx.meta.replayed_tuning import tune_replayed
from metagenx.meta.space import Point, SearchSpace
from metagenx.meta.space_account import space_account
from metagenx.meta.space_changes import Change, SpacePolicy, Trial, importance, refine
from metagenx.meta.space_experience import correlations_of_tables, taught_by_store
from metagenx.meta.space_file import load_space

SCHEMES = ("best_1_bin", "rand_1_bin", "jade_best")


def superset() -> SearchSpace:
    parameters = {
        "create_trial": ChoiceParameter(SCHEMES),
        "km": FloatParameter(0.1, 1.5),
        "kr": FloatParameter(0.0, 1.0),
        "pop_mult": FloatParameter(0.4, 40.0, log=True),
    }
    return SearchSpace(parameters, {}, (), {}, "test")


def first_box() -> Box:
    return Box.whole(superset()).with_values("km", 0.3, 0.6).with_values("pop_mult", 1.0, 4.0)


def searched(
    score: Callable[[Point], float], box: Box, *, rounds: int, n: int = 40, noise: float = 0.02, seed: int = 0
) -> tuple[Box, list[Trial], list[Change]]:
    """A search of a few rounds: draws inside the box, some anywhere, and the box follows."""
    rng, policy = np.random.default_rng(seed), SpacePolicy()
    trials: list[Trial] = []
    changes: list[Change] = []
    for _ in range(rounds):
        for _ in range(n):
            point = box.space.sample(rng)
            if rng.random() >= policy.whole:
                point = box.squeeze(point, rng)
            trials.append(Trial(point, score(point) + noise * rng.standard_normal()))
        box, new = refine(box, trials, policy)
        changes += new
    return box, trials, changes


def bowl(point: Point) -> float:
    """Best at km 1.1 and a population of 12 per parameter, both outside the first box; kr means nothing."""
    scheme = 0.0 if point["create_trial"] == "rand_1_bin" else 0.5
    return scheme + 2.0 * abs(point["km"] - 1.1) + 0.4 * abs(math.log(point["pop_mult"] / 12.0))


@pytest.mark.parametrize("seed", range(3))
def test_an_optimum_outside_the_first_box_is_found(seed: int) -> None:
    box, trials, changes = searched(bowl, first_box(), rounds=8, seed=seed)
    low, high = box.form("km")["float"]
    assert low < 1.1 < high, changes
    assert {"widen", "narrow"} <= {change.kind for change in changes}
    best = min(trials, key=lambda trial: trial.score).point
    assert best["create_trial"] == "rand_1_bin"
    assert abs(best["km"] - 1.1) < 0.15
    assert 6.0 < best["pop_mult"] < 24.0


def test_what_means_nothing_is_frozen_and_what_matters_is_not() -> None:
    box, trials, changes = searched(bowl, Box.whole(superset()), rounds=1, n=300)
    assert box.is_frozen("kr")
    assert not box.is_frozen("km")
    (change,) = [change for change in changes if change.parameter == "kr"]
    assert change.kind == "freeze"
    assert "importance" in change.reason
    elite = sorted(trials, key=lambda trial: trial.score)[:45]
    shares = importance(box, elite, trials)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["km"] > 0.2 > 0.05 > shares["kr"]


def test_noise_alone_changes_nothing_for_certain_parameters_and_never_everything() -> None:
    rng = np.random.default_rng(5)
    space = superset()
    for _ in range(20):
        trials = [Trial(space.sample(rng), float(rng.standard_normal())) for _ in range(60)]
        box, _ = refine(Box.whole(space), trials)
        assert len(box.searched) >= 2


def test_hard_bounds_never_move_and_soft_ones_by_half() -> None:
    box = first_box()
    at_top = [Trial({"km": 0.6, "kr": 1.0, "pop_mult": 2.0, "create_trial": "best_1_bin"}, 1.0 + i) for i in range(5)]
    found, changes = refine(box, at_top)
    assert [change.parameter for change in changes] == ["km"]  # kr sits at a hard bound, pop_mult in the middle
    assert found.form("km")["float"] == pytest.approx([0.3, 0.75], abs=1e-3)
    assert "5 of the best 5" in changes[0].reason
    for _ in range(20):
        found, _ = refine(found, at_top)
    assert all(0.0 <= low <= high <= 1.0 for low, high in found.ranges.values())
    far = [Trial({"km": 1.2, "kr": 0.5, "pop_mult": 2.0, "create_trial": "best_1_bin"}, 1.0 + i) for i in range(2)]
    assert refine(box, far)[0] == box  # two settings are not the best five
    found, _ = refine(box, [*far, *([Trial({**at_top[0].point, "km": 0.45}, 9.0)] * 3)])
    assert found.contains(far[0].point)  # beyond the bound: as far as they lie


def test_a_choice_is_dropped_by_evidence_and_comes_back() -> None:
    def trial(scheme: str, score: float, optimistic: float) -> Trial:
        return Trial({"create_trial": scheme, "km": 0.5, "kr": 0.5, "pop_mult": 2.0}, score, optimistic)

    good = [trial("best_1_bin", 4.0, 3.8), trial("jade_best", 4.1, 3.9), *[trial("best_1_bin", 4.3, 3.8)] * 3]
    bad = [trial("rand_1_bin", math.inf, 4.5)] * 3
    box, changes = refine(first_box(), [*good, *bad[:2]])
    assert not changes  # two settings say too little
    box, changes = refine(first_box(), [*good, *bad])
    assert box.alive["create_trial"] == ("best_1_bin", "jade_best")
    assert changes[0].kind == "drop"
    box, changes = refine(box, [trial("rand_1_bin", 3.0, 2.9), trial("rand_1_bin", 3.1, 2.9), *good])
    assert "rand_1_bin" in box.alive["create_trial"]
    assert changes[0].kind == "widen"


def test_a_frozen_parameter_opens_when_the_best_lie_elsewhere() -> None:
    box = first_box().frozen_at("kr", 0.4)
    inside = [Trial({"km": 0.45, "kr": 0.4, "pop_mult": 2.0, "create_trial": "best_1_bin"}, 1.0 + i) for i in range(5)]
    assert refine(box, inside)[0].is_frozen("kr")
    elsewhere = [Trial({**trial.point, "kr": 0.8}, trial.score - 1.0) for trial in inside[:2]]
    found, _ = refine(box, [*inside, *elsewhere])
    assert found.form("kr")["float"] == pytest.approx([0.4, 0.8])


def test_proposals_are_moved_into_the_box_evenly() -> None:
    box = first_box().with_alive("create_trial", ("best_1_bin", "jade_best")).frozen_at("kr", 0.5)
    rng = np.random.default_rng(1)
    squeezed = [box.squeeze(point, rng) for point in box.space.sobol(256, rng)]
    assert all(box.contains(point) and box.space.contains(point) for point in squeezed)
    km = np.sort([point["km"] for point in squeezed])
    assert np.abs(km - np.linspace(0.3, 0.6, 256)).max() < 0.01  # as even as the sequence was
    assert {point["kr"] for point in squeezed} == {0.5}
    inside = {"create_trial": "best_1_bin", "km": 0.4, "kr": 0.5, "pop_mult": 2.0}
    assert box.draw_inside(inside, rng) == inside
    moved = box.draw_inside({**inside, "km": 1.4}, rng)
    assert box.contains(moved)
    assert {**moved, "km": 0.4} == inside  # only what lay outside is drawn anew


def test_a_box_is_a_space_of_its_own() -> None:
    parameters = {
        "create_trial": ChoiceParameter(SCHEMES),
        "km": FloatParameter(0.1, 1.5),
        "stagnation_generations": IntParameter(5, 100, log=True),
    }
    from metagenx.meta.conditions import Condition

    never = (Condition("create_trial", "=", ("jade_best",)), Condition("km", "<", (0.3,)))
    space = SearchSpace(parameters, {}, (never,), {"use_stagnation": True}, "test")
    box = Box.whole(space).with_values("stagnation_generations", 10, 60).with_alive("create_trial", ("best_1_bin",))
    mine = box.as_space()
    assert mine.fixed == {"use_stagnation": True, "create_trial": "best_1_bin"}
    assert mine.forbid == ()
    assert mine.parameters["stagnation_generations"] == IntParameter(10, 60, log=True)
    assert box.form("create_trial") == {"fixed": "best_1_bin"}


def test_the_same_evidence_in_any_order_gives_the_same_changes() -> None:
    _, trials, _ = searched(bowl, first_box(), rounds=2)
    first = refine(first_box(), trials)
    again = refine(first_box(), list(reversed(trials)))
    assert first[0] == again[0]
    assert [change.to_json() for change in first[1]] == [change.to_json() for change in again[1]]
    assert [Change.from_json(change.to_json()) for change in first[1]] == first[1]


# ---------------------------------------------------------------------- the first box, and runs in it


def test_the_first_box_follows_from_the_problem() -> None:
    space = load_space("auto")
    assert space.automatic
    assert not load_space("de-core").automatic
    found = define_space(space, ProblemShape(12, 1.5), 12_000_000)
    assert found.box.form("pop_mult")["float"] == [0.5, 15.0]  # max(5, n/2) to 15 n members
    assert found.box.form("max_evaluation_mult")["float"] == [4.0, 54.0]  # to GenX's own 54 n³
    assert all(found.reasons.values())
    wide = define_space(space, ProblemShape(12, 5.0), 12_000_000)
    assert wide.box.form("pop_mult")["float"][0] > 0.5
    poor = define_space(space, ProblemShape(12, 1.5), 1_000_000)
    assert poor.box.form("max_evaluation_mult")["float"][1] < 54.0
    for n_dim in (1, 2, 5, 40, 200):
        for budget in (1, 1000, 10**9):
            box = define_space(space, ProblemShape(n_dim), budget).box
            assert box.as_space().sample(np.random.default_rng(0))
    assert DefinedSpace.from_json(space, found.to_json()) == found


def test_like_problems_teach_and_unlike_ones_do_not() -> None:
    space, rng = superset(), np.random.default_rng(2)
    points = [space.sample(rng) for _ in range(160)]
    teacher = Taught("film", ProblemShape(12, 1.5), tuple(Trial(point, bowl(point)) for point in points))
    found = define_space(space, ProblemShape(14, 1.5), 10**8, [teacher])
    assert found.teachers == ("film",)
    assert found.box.contains({"km": 1.1})  # its best lie above what the problem alone says
    assert not define_space(space, ProblemShape(14, 1.5), 10**8).box.contains({"km": 1.1})
    assert any("160 settings on 1 like problems (film)" in change.reason for change in found.changes)
    assert min(map(bowl, found.suggestions)) == min(map(bowl, points))
    assert define_space(space, ProblemShape(60, 1.5), 10**8, [teacher]).teachers == ()
    few = Taught("few", ProblemShape(12, 1.5), teacher.trials[:10])
    assert define_space(space, ProblemShape(12, 1.5), 10**8, [few]).teachers == ()


def test_the_store_teaches_what_restarted_runs_cost() -> None:
    def row(settings: str, evaluations: int, fom: float) -> dict[str, object]:
        return {
            "command": "tune", "n_parameters": 2, "failure": "", "problem": "p" * 32, "name": "film",
            "settings": settings,
            "lower": [0.0, 0.0], "upper": [1.0, 1.0], "start": [0.5, 0.5], "n_points": 10, "n_layers": 3, "noise": 0.1,
            "fom": fom, "known_fom": 1.0, "values": [0.1, 0.1], "errors": [], "evaluations": evaluations,
            "generations": 1, "stop": "stagnation", "seconds": 0.1, "hit_evaluations": [evaluations], "hit_foms": [fom],
        }  # fmt: skip

    rows = [
        row('{"km":0.5}', 100, 1.0),
        row('{"km":0.5}', 300, 1.0),
        row('{"km":0.9}', 500, 2.0),
        row("nonsense", 1, 1.0),
    ]
    (taught,) = taught_by_store(rows, lambda settings, n_dim: {"km": settings.km})
    assert taught.shape.n_dim == 2
    by_km = {trial.point["km"]: trial for trial in taught.trials}
    assert set(by_km) == {0.5, 0.9}
    assert not by_km[0.5].censored
    assert math.log10(200.0) < by_km[0.5].score < math.log10(200.0) + 0.5  # the mean, and a standard error
    assert by_km[0.9].censored


def test_a_run_in_an_automatic_space_is_the_same_again_and_probes_cheaply(monkeypatch: pytest.MonkeyPatch) -> None:
    from metagenx.meta import replayed_tuning

    races = []

    class Kept(replayed_tuning._ReplayedRace):
        def __post_init__(self) -> None:
            super().__post_init__()
            races.append(self)

    monkeypatch.setattr(replayed_tuning, "_ReplayedRace", Kept)
    benchmark = TabularBenchmark.synthetic(stream(1, "test"), samples=2)
    defined = define_space(benchmark.space, ProblemShape(10, 1.5), 40_000_000)
    for _ in range(2):
        tune_replayed(benchmark, 40_000_000, 7, defined=defined)
    first, again = races
    assert [d.to_json() for d in first.decisions] == [d.to_json() for d in again.decisions]
    assert first.decisions[0].space == defined.changes  # the journal begins with how the space was defined
    assert len(first.space_changes) > len(defined.changes)
    probes = [i for i, decision in enumerate(first.decisions) if decision.stage == "probe"]
    assert len(probes) == 1
    cost = first.decisions[probes[0]].evaluations - first.decisions[probes[0] - 1].evaluations
    assert 0 < cost <= 0.05 * 40_000_000
    assert {"file"} <= set(first.contenders)


def test_a_switch_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: de-core\nautomatic: perhaps\n")
    with pytest.raises(ConfigError, match="automatic"):
        load_space("mine.yaml", tmp_path)


# ---------------------------------------------------------------------- who may teach, and what stands in


def test_a_problem_whose_scores_are_luck_teaches_nothing() -> None:
    """The same points and the same number of successes; only the order of the scores is chance."""
    space, rng = superset(), np.random.default_rng(3)
    points = [space.sample(rng) for _ in range(160)]
    scores = [bowl(point) for point in points]
    good = Taught("film", ProblemShape(12, 1.5), tuple(map(Trial, points, scores)))
    luck = Taught("luck", ProblemShape(12, 1.5), tuple(map(Trial, points, rng.permutation(scores).tolist())))
    assert predictability(space, good.trials) > 0.7 > 0.4 > predictability(space, luck.trials)
    assert define_space(space, ProblemShape(12, 1.5), 10**8, [good, luck]).teachers == ("film",)
    weak = dataclasses.replace(good, correlation=0.69)
    assert define_space(space, ProblemShape(12, 1.5), 10**8, [weak]).teachers == ()


def test_correlations_are_known_of_the_tables_that_they_were_written_for_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of other tables nothing is known, so they teach nothing until somebody has looked."""
    from metagenx.meta import space_experience

    families, path = {"L3": 0.27, "M2": 0.54}, tmp_path / "correlations.json"
    content = space_experience.content_of_tables()
    monkeypatch.setattr(space_experience, "CORRELATIONS", path)
    path.write_text(json.dumps({"tables": content, "correlations": families}))
    assert correlations_of_tables() == families
    path.write_text(json.dumps({"tables": "of another table", "correlations": families}))
    assert correlations_of_tables() == {}


def test_an_earlier_study_stands_in_where_nobody_may_teach() -> None:
    space, film = load_space("auto"), ProblemShape(12, 1.5)
    found = define_space(space, film, 12_000_000, lessons=[STUDY]).box
    assert found.alive["create_trial"] == ("best_1_bin", "rand_1_bin", "simplex_best_1_bin")
    assert found.form("km")["float"] == pytest.approx([0.55, 1.0])
    assert found.form("pop_mult")["float"] == pytest.approx([0.5, 4.0])
    # Not with wide limits, which reward what the study did not see, nor for problems of another size.
    for shape in (ProblemShape(12, 5.0), ProblemShape(60, 1.5), ProblemShape(2, 1.5)):
        with_study = define_space(space, shape, 12_000_000, lessons=[STUDY])
        assert with_study.box == define_space(space, shape, 12_000_000).box
    # They are soft: what is better beyond them is searched there.
    beyond = {"create_trial": "jade_best", "km": 0.8, "kr": 0.5, "pop_mult": 8.0, "max_evaluation_mult": 9.0}
    best = [Trial({**beyond, "stagnation_generations": 20}, 1.0 + i) for i in range(2)]
    inside = {**best[0].point, "create_trial": "best_1_bin", "pop_mult": 2.0}
    moved, _ = refine(found, [*best, *(Trial(inside, 3.0 + i) for i in range(3))])
    assert moved.contains(best[0].point)


def test_the_account_of_a_space_tells_every_change_once() -> None:
    space = load_space("auto")
    defined = define_space(space, ProblemShape(12, 1.5), 12_000_000, lessons=[STUDY])
    forms = {name: parameter.to_json() for name, parameter in space.parameters.items()}
    told = [change.to_json() for change in defined.changes]
    later = {"kind": "narrow", "parameter": "kr", "before": {"float": [0.1, 1.0]}, "after": {"float": [0.3, 0.9]},
             "reason": "there they lie"}  # fmt: skip
    rounds = [
        {"round": 0, "stage": "reference", "evaluations": 100, "left": {}, "space": told},
        {"round": 1, "stage": "probe", "evaluations": 160, "left": {"s003": "not in the better half of the probe"}},
        {"round": 2, "stage": "search", "evaluations": 400, "left": {}, "space": [later]},
    ]
    account = space_account(forms, defined.to_json(), rounds)
    assert [change["round"] for change in account["changes"]] == [0] * len(told) + [2]
    assert account["first"]["kr"] == {"float": [0.1, 1.0]}
    assert account["last"]["kr"] == {"float": [0.3, 0.9]}
    assert account["superset"]["kr"] == {"float": [0.0, 1.0]}
    assert account["probe"] == {"round": 1, "evaluations": 60, "left": 1}
