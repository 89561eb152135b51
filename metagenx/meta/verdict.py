"""The answer of a race: change the settings, or keep them; with what was measured on fresh repeats.

The **baseline** is the file's settings with the stagnation stop of this package, restarted until the right
basin is found. It is the harder one to beat: the stop alone often saves most of the evaluations. The same
settings as GenX runs them, without the stop, are the row ``shipped``: measured on a few whole runs, because
each is dear, and never used to make a gain look larger.

A gain is the geometric mean over the samples, all that were validated: the user's own, the twins that the search saw,
and those that it did not. It is told for each group apart, beside what the search itself had seen: the drop between
them is what luck and over-tuning had added.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metagenx.fitting import streams
from metagenx.meta import statistics
from metagenx.meta.goals import AT_EQUAL_LENGTH, EXPECTED_COST, FOM_AT_BUDGET, GOALS, PARETO
from metagenx.meta.paired_test import paired_ert_test
from metagenx.meta.race import Race
from metagenx.meta.race_rules import SHIPPED
from metagenx.meta.records import BASELINE, number_to_json
from metagenx.meta.statistics import Interval, Runs

ACCEPT_ALPHA = 0.025  # one-sided: the 95 % interval of the ratio must exclude 1


@dataclass(frozen=True)
class Measured:
    """One setting on fresh repeats of the user's own samples: success rate, and ERT (geometric mean over them).

    ``time`` is what the goal counts (:mod:`~metagenx.meta.goals`), ``cost`` the mean evaluations of a fit, until it
    succeeds or ends.
    """

    setting: str
    fits: int
    rate: Interval
    time: Interval
    median_fom: float
    cost: float = math.nan

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "setting": self.setting,
            "fits": self.fits,
            "success_rate": self.rate.to_json(),
            "expected_evaluations": self.time.to_json(),
            "median_fom": number_to_json(self.median_fom),
            "mean_evaluations_of_a_fit": number_to_json(self.cost),
        }


@dataclass(frozen=True)
class Gains:
    """ERT(baseline)/ERT(rival), apart for what the search saw and what it did not; None where nothing was measured.

    Parameters
    ----------
    training : on the fits by which the rival was found.
    held_out_seeds : on fresh repeats of the samples that the search saw.
    held_out_samples : on samples that it did not see; from two on, an interval for samples of the kind.
    """

    training: Interval | None = None
    held_out_seeds: Interval | None = None
    held_out_samples: Interval | None = None

    def drop(self, held_out: Interval | None) -> float:
        """By what factor a gain is smaller than in training; nan if one of them is not known."""
        known = self.training is not None and held_out is not None and held_out.estimate > 0
        return self.training.estimate / held_out.estimate if known and self.training and held_out else math.nan

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        found: dict[str, Any] = {
            name: None if gain is None else gain.to_json()
            for name, gain in (
                ("training", self.training),
                ("held_out_seeds", self.held_out_seeds),
                ("held_out_samples", self.held_out_samples),
            )
        }
        found["drop_to_held_out_seeds"] = number_to_json(self.drop(self.held_out_seeds))
        found["drop_to_held_out_samples"] = number_to_json(self.drop(self.held_out_samples))
        return found


@dataclass(frozen=True)
class Verdict:
    """What a race ended with.

    Parameters
    ----------
    answer : ``change`` or ``keep``.
    winner : the settings to change to; None for keep.
    rival : who was validated against the baseline, winner or not.
    ratio : ERT(baseline)/ERT(rival) on the validation's repeats (the confirmation's, if it ended there);
        above 1 the rival needs fewer evaluations. None if nobody came so far.
    by_sample : the same for each sample.
    gains : the same apart for training, held-out seeds and held-out samples.
    p_value : of the paired test behind it, one-sided.
    detectable : the smallest ratio that this run's validation finds with 80 % power.
    measured : baseline, rival and the file as shipped on the validation's repeats.
    reason : why the answer is what it is, one clause.
    complete : whether the validation took place.
    reached : whether the settings of the answer found the right basin at all.
    notes : what baseline and shipped mean here, and what was not measured; a sentence each.
    goal : what "better" means.
    front : of the settings in ``measured``, those that no other beats in both success rate and cost of a fit.
    """

    answer: str
    baseline: str
    winner: str | None
    rival: str | None
    ratio: Interval | None
    by_sample: dict[str, Interval]
    p_value: float | None
    detectable: float
    measured: tuple[Measured, ...]
    reason: str
    complete: bool
    reached: bool
    notes: tuple[str, ...] = ()
    gains: Gains = Gains()
    goal: str = EXPECTED_COST
    front: tuple[str, ...] = ()

    @property
    def worst_sample(self) -> str | None:
        """The sample with the smallest gain; None if nobody was compared."""
        return _worst(self.by_sample)

    @property
    def line(self) -> str:
        """The answer in one line."""
        able = (
            f"a ratio of {self.detectable:.2g} would have been seen"
            if math.isfinite(self.detectable)
            else "too few successes to say what would have been seen"
        )
        name = "the file's settings" if self.baseline == BASELINE else f"the settings {self.baseline}"
        if self.winner is not None and self.ratio is not None:
            gain = f"{_ratio(self.ratio)} {GOALS[self.goal].gain} than {name}"
            return f"change to {self.winner}: {gain} ({able})"
        if not self.complete:
            return f"keep {name}: {self.reason}, so nothing was validated; run it again with a larger budget"
        if not self.reached:
            return f"keep {name}: none of their fits found the right minimum, nor did another setting beyond doubt"
        compared = ""
        if self.ratio is not None and math.isfinite(self.ratio.estimate):
            compared = f", the best rival {self.rival}: {_ratio(self.ratio)}"
        return f"keep {name}: {self.reason}{compared} ({able})"

    def to_json(self) -> dict[str, Any]:
        """Plain values, for ``verdict.json`` and ``--json``."""
        return {
            "answer": self.answer,
            "line": self.line,
            "goal": self.goal,
            "measure": GOALS[self.goal].measure,
            "front": list(self.front),
            "baseline": self.baseline,
            "winner": self.winner,
            "rival": self.rival,
            "ratio": None if self.ratio is None else self.ratio.to_json(),
            "ratio_by_sample": {sample: ratio.to_json() for sample, ratio in self.by_sample.items()},
            "worst_sample": self.worst_sample,
            "gains": self.gains.to_json(),
            "p_value": self.p_value,
            "smallest_detectable_ratio": number_to_json(self.detectable),
            "validation": [measured.to_json() for measured in self.measured],
            "reason": self.reason,
            "complete": self.complete,
            "reached": self.reached,
            "notes": list(self.notes),
        }


def judge(race: Race) -> Verdict:
    """The verdict of a finished race, all fits scored against the f* known at its end."""
    baseline, rival, seed = race.rules.baseline, race.winner, race.rules.seed
    phase = "validation"
    complete = len(race.records.get((phase, baseline, race.samples[0]), ())) >= race.fewest_fits
    if rival is None and race.finalists:
        phase = "confirmation"
        rival = min(race.finalists, key=lambda name: (*race.judged(name, phase).rank, name))
    ratio, by_sample, p_value, accepted, gains = None, {}, None, False, Gains()
    if rival is not None:
        pairs = race.pairs(baseline, rival, phase)
        rng = streams.stream(seed, "verdict", phase, rival)
        ratio, p_value = _compared(race, list(pairs.values()), rng)
        by_sample = {sample: statistics.ratio_interval(*pair, rng) for sample, pair in pairs.items()}
        gains = _gains(race, rival, phase)
        accepted = phase == "validation" and _is_better(ratio, p_value) and not _harmed(race, pairs)
    measured = tuple(
        _measured(race, name)
        for name in dict.fromkeys([baseline, *([race.winner] if race.winner else []), *_others(race), SHIPPED])
        if any(race.records.get(("validation", name, sample)) for sample in race.own_samples)
    )
    answer = rival if accepted else baseline
    return Verdict(
        answer="change" if accepted else "keep",
        baseline=baseline,
        winner=rival if accepted else None,
        rival=rival,
        ratio=ratio,
        by_sample=by_sample,
        p_value=p_value,
        detectable=_detectable(race, ratio),
        measured=measured,
        reason="better on repeats that the search never saw" if accepted else _why_not(race, complete, by_sample),
        complete=complete,
        reached=any(
            m.setting == answer and (race.target.goal == FOM_AT_BUDGET or m.rate.estimate > 0) for m in measured
        ),
        notes=_notes(race, by_sample, gains),
        gains=gains,
        goal=race.target.goal,
        front=front(measured),
    )


def accepted_winner(race: Race) -> str | None:
    """The settings to change to, as :func:`judge` finds them, without all that only a report needs."""
    name = race.winner
    if name is None:
        return None
    pairs = race.pairs(race.rules.baseline, name, "validation")
    if _harmed(race, pairs):
        return None
    rng = streams.stream(race.rules.seed, "verdict", "validation", name)
    return name if _is_better(*_compared(race, list(pairs.values()), rng)) else None


def _compared(race: Race, pairs: list[tuple[Runs, Runs]], rng: np.random.Generator) -> tuple[Interval, float]:
    """ERT(baseline)/ERT(rival) with its interval, and the p value of the paired test."""
    precision = race.rules.precision
    ratio = statistics.mean_ratio_interval(pairs, rng, n_draws=precision.draws)
    return ratio, paired_ert_test(pairs, rng, n_permutations=precision.permutations)


def _harmed(race: Race, pairs: Mapping[str, tuple[Runs, Runs]]) -> Sequence[str]:
    """Names of the user's own samples, or of those held out, if they look worse in the mean; else nothing.

    What was gained on twins of the search alone is no gain.
    """
    for names in (race.own_samples, race.held_out):
        known = [pairs[name] for name in names if name in pairs]
        ratios = [statistics.log_ratio(*known[index])[0] for index in statistics.informative(known)]
        if sum(ratios) < 0.0:
            return names
    return ()


def _is_better(ratio: Interval, p_value: float) -> bool:
    return ratio.low > 1.0 and p_value <= ACCEPT_ALPHA


def _others(race: Race) -> list[str]:
    return list(race.finalists) if race.target.goal == PARETO else []


def front(measured: Sequence[Measured]) -> tuple[str, ...]:
    """Names of those that no other beats in both success rate and mean cost of a fit, the surest first."""

    def beats(a: Measured, b: Measured) -> bool:
        no_worse = a.rate.estimate >= b.rate.estimate and a.cost <= b.cost
        return no_worse and (a.rate.estimate > b.rate.estimate or a.cost < b.cost)

    alive = [m for m in measured if m.rate.estimate > 0]
    found = [m for m in alive if not any(beats(other, m) for other in alive)]
    return tuple(m.setting for m in sorted(found, key=lambda m: (-m.rate.estimate, m.cost, m.setting)))


def _gains(race: Race, rival: str, phase: str) -> Gains:
    """The gain of a setting in training and on what was held out."""
    baseline, seed = race.rules.baseline, race.rules.seed

    def gain(phase: str, samples: Sequence[str], *, over_instances: bool = False) -> Interval | None:
        found = [pair for sample, pair in race.pairs(baseline, rival, phase).items() if sample in samples]
        if not statistics.informative(found):
            return None
        rng = streams.stream(seed, "gain", phase, rival, *samples)
        return statistics.mean_ratio_interval(found, rng, over_instances=over_instances and len(found) > 1)

    is_final = phase == "validation"
    return Gains(
        training=gain("search", race.samples),
        held_out_seeds=gain(phase, race.samples),
        held_out_samples=gain(phase, race.held_out, over_instances=True) if is_final and race.held_out else None,
    )


def _notes(race: Race, by_sample: dict[str, Interval], gains: Gains) -> tuple[str, ...]:
    found = []
    if race.target.goal in AT_EQUAL_LENGTH:
        found.append("fits are compared at equal length, test.max_evaluations, unless a setting ends them before")
    elif race.rules.baseline == BASELINE:
        found.append("file: the settings in the file; a fit also ends when it has stagnated, and is started again")
    if race.shipped is not None:
        runs = sum(map(len, race.of("validation", SHIPPED).values()))
        one = f"{race.full_cost:,} evaluations"
        found.append(
            f"shipped: the same as GenX runs them, to the last generation; {runs} whole runs of {one} each"
            if runs
            else f"shipped (the same as GenX runs them, to the last generation) was not measured: one run takes {one}"
        )
    if len(by_sample) > 1:
        worst = _worst(by_sample)
        found += [f"worst sample: {worst}, {_ratio(by_sample[worst])}"] if worst is not None else []
    if race.left_out:
        found.append(f"twins that the budget did not pay for were left out: {', '.join(race.left_out)}")
    for gain, where in (
        (gains.held_out_seeds, "on fresh seeds of the samples that the search saw"),
        (gains.held_out_samples, f"on the {len(race.held_out)} samples that it did not see"),
    ):
        if gain is not None and gains.training is not None:
            found.append(f"gain {where}: {_ratio(gain)}, in the search it was {_times(gains.training.estimate)}x")
    return tuple(found)


def _worst(by_sample: Mapping[str, Interval]) -> str | None:
    known = {sample: ratio.estimate for sample, ratio in by_sample.items() if math.isfinite(ratio.estimate)}
    return min(known, key=lambda sample: (known[sample], sample), default=None)


def _why_not(race: Race, complete: bool, by_sample: Mapping[str, Interval]) -> str:
    if race.winner is not None:
        harmed = _harmed(race, race.pairs(race.rules.baseline, race.winner, "validation"))
        if len(by_sample) > 1 and harmed:
            worst = _worst({sample: by_sample[sample] for sample in harmed if sample in by_sample})
            where = ", which the search never saw" if worst in race.held_out else ""
            return f"what was better on the whole was not on the sample {worst}{where}"
        return "nothing was better beyond doubt on repeats that the search never saw"
    return race.why or ("nothing was better" if complete else "the budget is spent")


def _detectable(race: Race, ratio: Interval | None) -> float:
    """From the spread seen in the validation; of nobody but the baseline, as if the rival were like it."""
    validated = race.has_run(race.rules.baseline, "validation")
    if ratio is not None and validated and race.winner is not None:
        error = statistics.standard_error(ratio)
        if math.isfinite(error):
            return statistics.smallest_detectable_ratio(error)
    hits = race.standing(race.rules.baseline, "validation" if validated else "search").hits
    return statistics.smallest_detectable_ratio(statistics.planned_standard_error(hits))


def _measured(race: Race, name: str) -> Measured:
    found = race.standing(name, "validation", race.own_samples)
    rng = streams.stream(race.rules.seed, "measured", name)
    times = [statistics.ert_interval(runs, rng) for runs in found.runs.values()]
    foms = sorted(r.fom for s in race.own_samples for r in race.of("validation", name)[s] if math.isfinite(r.fom))
    plain = _successes(race, name)
    hits = sum(runs.successes for runs in plain)
    return Measured(
        setting=name,
        fits=found.fits,
        rate=statistics.wilson(hits, found.fits),
        time=times[0] if len(times) == 1 else _geometric_mean(times),
        median_fom=foms[len(foms) // 2] if foms else math.nan,
        cost=sum(runs.evaluations for runs in plain) / max(found.fits, 1),
    )


def _successes(race: Race, name: str) -> list[Runs]:
    """The fits of the validation by success and evaluations, whatever the goal is."""
    target, records = dataclasses.replace(race.target, goal=EXPECTED_COST), race.of("validation", name)
    return [statistics.score(records[s], race.best[s], target) for s in race.own_samples if s in race.best]


def _geometric_mean(times: list[Interval]) -> Interval:
    """Mean of the logs, their half-widths added in quadrature, each side on its own."""
    logs = [(math.log(t.estimate), math.log(max(t.low, 1.0)), math.log(t.high)) for t in times]
    centre = math.fsum(log[0] for log in logs) / len(logs)
    down = math.sqrt(math.fsum((log[0] - log[1]) ** 2 for log in logs)) / len(logs)
    up = math.sqrt(math.fsum((log[2] - log[0]) ** 2 for log in logs)) / len(logs)
    return Interval(
        math.exp(centre),
        math.exp(centre - down),
        math.exp(centre + up),
        censored=any(t.censored for t in times),
    )


def _ratio(ratio: Interval) -> str:
    return f"{_times(ratio.estimate)}x [{_times(ratio.low)}, {_times(ratio.high)}]"


def _times(value: float) -> str:
    return f"{value:.0f}" if 100 <= value < 1e6 else f"{value:.2g}"
