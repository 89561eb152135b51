"""The race: which fits are run next, which settings go on, and which one is confirmed and validated.

Pure logic, no Ray and no clock: the state follows from the records of completed rounds alone, so the same
race is run on one worker and on a thousand, and again from the journal. A round is a list of blocks; when all
of them are done, in whatever order, :meth:`Race.complete` decides and opens the next round.

1. **Reference.** The pinned settings (the file's own and the best published ones) are fitted; this gives a
   first f*, the cost of a fit, and from it how many settings the budget can compare. Where the search space
   defines itself, a probe of a few settings follows, at a small, fixed share of the budget.
2. **Search.** Settings arrive in cohorts. Each climbs rungs of growing, equal *evaluations* (not equal fits).
   At each rung those clearly worse than the incumbent are dropped (a test whose error rate is spent over all
   looks), then only the better half goes on. The incumbent is the setting with the best pessimistic score, so
   luck does not make one.
3. **Confirmation.** The best few and the baseline on fresh repeats, equally many fits of each. This takes
   away what luck gave the best of many. Who shows no sign of being better there leaves.
4. **Validation.** The one that is left, and the baseline, on repeats never used before. Only this decides
   whether the settings are changed, so the chance of a false change is that of one test, however long the
   search was.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from metagenx.errors import InputError
from metagenx.fitting import streams
from metagenx.fitting.settings import Settings
from metagenx.meta import statistics
from metagenx.meta.blocks import FIRST_REPEAT, Block
from metagenx.meta.goals import EXPECTED_COST, FOM_AT_BUDGET, PARETO
from metagenx.meta.objective import Contender, Standing, best_known, standing
from metagenx.meta.paired_test import paired_ert_test
from metagenx.meta.race_rules import (
    COMFORTABLE_FITS,
    FEWEST_CHALLENGERS,
    FEWEST_FITS,
    FEWEST_PROBED,
    FEWEST_SHIPPED,
    FORESEEN,
    MOST_PROBED,
    MOST_SHIPPED,
    Decision,
    RaceRules,
    Runner,
)
from metagenx.meta.records import FitRecord
from metagenx.meta.space_changes import Change
from metagenx.meta.statistics import BestKnown, Runs, Target

_BETTER_PART = {0.5: "in the better half"}

Proposer = Callable[[int, int, "Race"], list[Contender]]
"""(cohort, how many, the race so far) → contenders; their names are given by the race."""


@dataclass
class Race:
    """State of a race; see the module.

    Parameters
    ----------
    rules : what may be spent and how.
    pinned : settings that always race, the baseline among them.
    shipped : the file's settings as GenX runs them, measured at the end; None: not measured.
    propose : makes new contenders.
    samples : names of the samples that the search sees.
    held_out : names of the samples that only the validation sees.
    real : names of the user's own samples, on which ``shipped`` is measured; default: all of ``samples``.
    longest : most evaluations of one fit of given settings; without it there is no probe.
    target : what a success is.
    best : f* known before the race, by sample.
    full_cost : evaluations of one fit of ``shipped``.
    """

    rules: RaceRules
    pinned: Sequence[Contender]
    propose: Proposer
    samples: Sequence[str]
    target: Target = field(default_factory=Target)
    best: dict[str, BestKnown] = field(default_factory=dict)
    shipped: Contender | None = None
    full_cost: int = 0
    held_out: Sequence[str] = ()
    real: Sequence[str] | None = None
    longest: Callable[[Settings], int] | None = None

    stage: str = "reference"
    round: int = 0
    blocks: list[Block] = field(default_factory=list)
    runners: dict[str, Runner] = field(default_factory=dict)
    records: dict[tuple[str, str, str], list[FitRecord]] = field(default_factory=lambda: defaultdict(list))
    decisions: list[Decision] = field(default_factory=list)
    spent: int = 0
    cohort: int = 0
    n_proposed: int = 0
    n_probed: int = 0
    allotment: int = 0
    n_trials: int = 0
    finalists: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    winner: str | None = None
    why: str = ""
    space_changes: list[Change] = field(default_factory=list)
    _reference: Mapping[str, Runs] = field(default_factory=dict)
    _first_looks: bool = False

    def __post_init__(self) -> None:
        for contender in self.pinned:
            self.runners[contender.name] = Runner(contender, cohort=0)
        assert self.rules.baseline in self.runners
        self._add_reference(FORESEEN)

    # ------------------------------------------------------------------ what the driver uses

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to run."""
        return self.stage == "done"

    @property
    def contenders(self) -> dict[str, Contender]:
        """All settings that were ever in the race, by name."""
        found = {name: runner.contender for name, runner in self.runners.items()}
        return found if self.shipped is None else {**found, self.shipped.name: self.shipped}

    def may_return(self, setting: str) -> bool:
        """Whether a later round of the search may ask for this setting again."""
        if self.stage not in {"reference", "probe", "search"} or setting not in self.runners:
            return False
        runner = self.runners[setting]
        return runner.left is None and (not runner.cohort or runner.rung < self._rungs)

    def foreseen(self, setting: str, sample: str) -> float:
        """About how many evaluations a fit takes: by its own fits on the sample, by those on others, by the most that
        it may take.
        """
        for samples in ([sample], self.everything):
            seen = [self.work(phase, setting, name) for phase in FIRST_REPEAT for name in samples]
            if fits := sum(count for count, _ in seen):
                return sum(spent for _, spent in seen) / fits
        if self.shipped is not None and setting == self.shipped.name:
            return float(self.full_cost)
        return (
            1.0 if self.longest is None else self._share_of_longest() * self.longest(self.contenders[setting].settings)
        )

    def _share_of_longest(self) -> float:
        """What the baseline's fits took, in parts of the most they might have taken."""
        baseline = self.rules.baseline
        assert self.longest is not None
        if not self.has_run(baseline):
            return 1.0
        return self.foreseen(baseline, "") / self.longest(self.runners[baseline].contender.settings)

    def complete(self, records: Sequence[FitRecord], *, out_of_time: bool = False) -> Decision:
        """Take the records of this round's blocks, decide, and open the next round.

        ``out_of_time`` ends the race here; what is not validated is then not claimed.
        """
        assert not self.finished
        for record in sorted(records, key=lambda record: record.order):
            self.records[record.phase, record.setting, record.sample].append(record)
            self.spent += record.evaluations
        self.best = best_known(records, self.best)
        if self.stage == "reference":
            self._check_baseline(records)
        stage, number = self.stage, self.round
        before = {name for name, runner in self.runners.items() if runner.left}
        changed = len(self.space_changes) if self.decisions else 0  # the first round tells how the space was defined
        self.blocks = []
        if out_of_time:
            self.why = "the time is spent"
            self._end()
        else:
            self._next_round()
        decision = Decision(
            round=number,
            stage=stage,
            evaluations=self.spent,
            best={sample: known.fom for sample, known in self.best.items()},
            incumbent=self.incumbent(),
            left={name: r.left for name, r in self.runners.items() if r.left and name not in before},
            note=self.why if self.finished else "",
            out_of_time=out_of_time,
            space=tuple(self.space_changes[changed:]),
        )
        self.decisions.append(decision)
        self.round += 1
        return decision

    def _check_baseline(self, records: Sequence[FitRecord]) -> None:
        """Without a single figure of merit there is nothing to tune."""
        for sample in self.samples:
            if sample not in self.best:
                reason = next((r.failure for r in records if r.sample == sample and r.failure), "no FOM is finite")
                raise InputError(
                    f"no fit with the file's settings gave a figure of merit: {reason}",
                    where=sample,
                    hint="Simulate the model at its start values, and look at its limits and data: metagenx inspect.",
                )

    # ------------------------------------------------------------------ how settings stand

    @property
    def own_samples(self) -> Sequence[str]:
        """Names of the samples that are the user's own measurements."""
        return self.samples if self.real is None else self.real

    @property
    def everything(self) -> tuple[str, ...]:
        """Names of all samples, twins that were left out among them."""
        return tuple(dict.fromkeys((*self.samples, *self.held_out, *self.left_out)))

    def samples_of(self, phase: str) -> tuple[str, ...]:
        """Names of the samples that a phase uses."""
        return (*self.samples, *self.held_out) if phase == "validation" else tuple(self.samples)

    def of(self, phase: str, name: str) -> dict[str, list[FitRecord]]:
        """Records of one setting in one phase, by sample, twins that were left out among them."""
        return {sample: self.records.get((phase, name, sample), []) for sample in self.everything}

    def standing(self, name: str, phase: str = "search", samples: Sequence[str] | None = None) -> Standing:
        """How a setting stands in a phase on all its samples, or on some, against what is known of f* now."""
        chosen = self.samples_of(phase) if samples is None else samples
        known = {sample: self.best[sample] for sample in chosen if sample in self.best}
        return standing(self.of(phase, name), known, self.target)

    def judged(self, name: str, phase: str = "search") -> Standing:
        """How a setting stands on the samples that the baseline has solved, by which the race decides.

        A sample that the baseline has not solved has no ratio to it yet; if it has solved none, those that anybody has.
        """
        solved = self._solved(phase)
        if phase == "search":
            seen = self._seen(name)
            solved = [sample for sample in solved if sample in seen] or seen
        return self.standing(name, phase, solved)

    def comparable_score(self, name: str) -> float:
        """The score in the search; of a setting that has not seen all samples, moved by what those it has not seen
        change for the baseline.
        """
        found, baseline = self.judged(name), self.rules.baseline
        if len(found.runs) == len(all_of_them := self.judged(baseline).runs) or not found.runs:
            return found.score
        return (
            found.score
            + self.standing(baseline, "search", list(all_of_them)).score
            - (self.standing(baseline, "search", list(found.runs)).score)
        )

    def _seen(self, name: str) -> list[str]:
        """Names of the samples on which a setting has been fitted in the search; all of them if it has not begun."""
        seen = [sample for sample in self.samples if self.records.get(("search", name, sample))]
        return seen or list(self.samples)

    def _has_seen_all(self, name: str) -> bool:
        return self.has_run(name) and len(self._seen(name)) == len(self.samples)

    def _solved(self, phase: str) -> list[str]:
        def by(name: str) -> set[str]:
            return {sample for sample, runs in self.standing(name, phase).runs.items() if runs.successes}

        solved = by(self.rules.baseline) or set[str]().union(*(by(n) for n in self.runners if self.has_run(n, phase)))
        return [sample for sample in self.samples_of(phase) if sample in solved or not solved]

    def pairs(self, baseline: str, challenger: str, phase: str) -> dict[str, tuple[Runs, Runs]]:
        """Scored runs of two settings in a phase, by sample."""
        ours, theirs = self.standing(baseline, phase).runs, self.standing(challenger, phase).runs
        return {sample: (ours[sample], theirs[sample]) for sample in ours}

    def incumbent(self) -> str:
        """The setting with the best pessimistic score of the search; the baseline as long as none has a
        success.
        """
        names = [name for name, runner in self.runners.items() if runner.left is None and self._has_seen_all(name)]
        scores = {name: self.judged(name).pessimistic for name in names}
        best = min(scores, key=lambda name: (scores[name], name != self.rules.baseline), default=self.rules.baseline)
        return best if math.isfinite(scores.get(best, math.inf)) else self.rules.baseline

    def cost_of_fit(self, name: str) -> float:
        """Mean evaluations of one fit of a setting, summed over the samples."""
        total = 0.0
        for sample in self.samples:
            seen = [self.work(phase, name, sample) for phase in FIRST_REPEAT]
            fits = sum(count for count, _ in seen)
            total += max(1.0, sum(spent for _, spent in seen) / fits) if fits else 1.0
        return total

    def work(self, phase: str, name: str, sample: str) -> tuple[int, int]:
        """Fits of a setting on a sample in a phase, and their evaluations."""
        done = self.records.get((phase, name, sample), [])
        return len(done), sum(record.evaluations for record in done)

    def has_run(self, name: str, phase: str = "search") -> bool:
        """Whether there are fits of a setting from a phase."""
        return any(self.records.get((phase, name, sample)) for sample in self.samples_of(phase))

    # ------------------------------------------------------------------ rounds

    def _next_round(self) -> None:
        if self.stage == "reference":
            if not self.round:
                self._add_reference(self.rules.tuner.reference_fits)
                if self.blocks:
                    return
            self._reference = self.standing(self.rules.baseline).runs
            self._plan_search()
            if self._open_probe():
                self.stage = "probe"
                return
            self.stage = "search"
        elif self.stage == "probe":
            self._judge_probe()
            self.stage = "search"
        elif self.stage == "search":
            if self._finish_first_looks():
                return
            self._judge_rungs()
        elif self.stage == "confirmation":
            self._judge_finalists()
            self._open_validation()
            return
        elif self.stage == "validation":
            self._end()
            return
        if not self._open_search():
            self._open_confirmation()

    def _add_reference(self, fits: int) -> None:
        """Fits of the pinned settings, by which the search is planned; a few first, which tell what the rest cost."""
        share = int(0.5 * self.rules.tuner.search_share * self.rules.evaluations / len(self.pinned))
        for name in self.runners:
            self._add_blocks(name, share, min(fits, self._most_repeats), self.samples, in_sequence=True)

    def _plan_search(self) -> None:
        """How many settings can be compared, and with how many evaluations on the first rung.

        Each rung grows, and a part of the settings leaves: if it doubles and half of them leave, a setting costs
        (1 + rungs)/2 allotments on average. An allotment buys the baseline about two successes at least, or the
        comparison would be between lucky draws.
        """
        rules, tuner = self.rules, self.rules.tuner
        budget = tuner.search_share * rules.evaluations
        pinned = len(self.pinned) * tuner.growth ** (self._rungs - 1)
        each = self._allotments_of_a_setting()
        widest = budget / (rules.trials * each + pinned)
        narrowest = budget / (FEWEST_CHALLENGERS * each + pinned)
        while self._needed() > narrowest and len(self.samples) > len(self.own_samples):
            self._leave_out_last()
        needed = self._needed()
        self.allotment = max(1, int(min(max(widest, needed), narrowest)))
        affordable = (budget / self.allotment - pinned) / each
        if not rules.drop_losers:
            self.allotment = int(self._most_repeats * self.cost_of_fit(rules.baseline))
            affordable = budget / self.allotment - len(self.pinned)
        self.n_trials = max(0, min(rules.trials, int(affordable)))
        if self.allotment < self.cost_of_fit(rules.baseline):
            self.n_trials = 0
            self.why = "the budget does not pay for a search"

    def _allotments_of_a_setting(self) -> float:
        """What a setting costs on average: each rung is reached by the survivors of the one before."""
        tuner = self.rules.tuner
        shares = [len(self._samples_of_rung(rung)) / len(self.samples) for rung in range(self._rungs)]
        costs = [share * tuner.growth**rung for rung, share in enumerate(shares)]
        steps = [cost - before for cost, before in zip(costs, [0.0, *costs], strict=False)]
        return sum(tuner.survivors**rung * step for rung, step in enumerate(steps))

    def _needed(self) -> float:
        """Evaluations that bring the baseline about two successes on each sample, or as many as the tuner wants.

        Where every fit gives a figure, four in all do, one on each sample at least.
        """
        name, wanted = self.rules.baseline, self.rules.tuner.first_successes
        if self.target.goal == FOM_AT_BUDGET:
            return max(1.0, wanted * 2.0 / len(self.samples)) * self.cost_of_fit(name)
        plain = replace(self.target, goal=EXPECTED_COST)  # other goals count something else than evaluations
        known = {sample: self.best[sample] for sample in self.judged(name).runs}
        runs_of = standing(self.of("search", name), known, plain).runs
        time = sum(statistics.expected_running_time(runs)[0] for runs in runs_of.values())
        return wanted * max(2.0 * self.cost_of_fit(name), time if math.isfinite(time) else 0.0)

    def _leave_out_last(self) -> None:
        """A small budget does not pay for all twins; the user's own samples stay."""
        *rest, last = self.samples
        self.samples = tuple(rest)
        self.left_out.append(last)

    @property
    def fewest_fits(self) -> int:
        """Fits of a setting below which a comparison is not made."""
        return min(FEWEST_FITS, self.rules.validate)

    @property
    def _rungs(self) -> int:
        return self.rules.tuner.rungs if self.rules.drop_losers else 1

    @property
    def _most_repeats(self) -> int:
        """Most fits of a setting on a sample in the search."""
        rules = self.rules
        return min(rules.repeats, rules.tuner.most_repeats or rules.repeats) if rules.drop_losers else rules.repeats

    def _samples_of_rung(self, rung: int) -> Sequence[str]:
        """Names of the samples that a rung sees: some on the first, if the tuner wants it so, all on the last."""
        share = self.rules.tuner.first_samples ** ((self._rungs - 1 - rung) / max(1, self._rungs - 1))
        count = max(1, math.ceil(share * len(self.samples) - 1e-9))
        return self.samples if count >= len(self.samples) else self._ordered_samples()[:count]

    def _ordered_samples(self) -> list[str]:
        """Names of the samples in the order in which the rungs take them in."""
        order, names = self.rules.tuner.sample_order, list(self.samples)
        if order == "given":
            return names
        runs = self._reference
        times = {name: statistics.expected_running_time(runs[name])[0] for name in names}
        solved = sorted((n for n in names if runs[n].successes), key=times.__getitem__, reverse=order == "hardest")
        return solved + [name for name in names if name not in solved]

    @property
    def _cohorts(self) -> int:
        """Rounds of proposals; the probe is one more."""
        return self.rules.cohorts + bool(self.n_probed)

    def _open_probe(self) -> bool:
        """A first look at a few settings, which costs its share of the budget at the most; False if that buys too few.

        Their fits are the first ones of the search for those that go on.
        """
        count = min(MOST_PROBED, self.n_trials // 2)
        if not (self.rules.probe_share and self.rules.drop_losers and self.longest) or count < FEWEST_PROBED:
            return False
        fits = 2 if len(self.samples) == 1 else 1
        left, probed = self.rules.probe_share * self.rules.evaluations, []
        taken = {contender.settings.hash() for contender in self.contenders.values()}
        for contender in self.propose(0, count, self):
            most = self.longest(contender.settings) * fits * len(self.samples)
            if most <= left and contender.settings.hash() not in taken:
                left -= most
                probed.append(contender)
        if len(probed) < FEWEST_PROBED:
            return False
        for contender in probed:
            self.runners[contender.name] = Runner(contender, cohort=1)
            self._add_fits("search", contender.name, fits)
        self.n_probed = self.n_proposed = len(probed)
        self.cohort = 1
        return True

    def _judge_probe(self) -> None:
        """The better half of the probe goes on into the search."""
        probed = [name for name, runner in self.runners.items() if runner.cohort]
        ranked = sorted(probed, key=lambda name: (*self.judged(name).rank, name))
        for name in ranked[math.ceil(len(ranked) / 2) :]:
            self.runners[name].left = "not in the better half of the probe"

    def _open_search(self) -> bool:
        """Blocks of the next search round; False if the search is over."""
        if self.spent > 1.25 * self.rules.tuner.search_share * self.rules.evaluations:
            return False
        waiting = self.cohort < self._cohorts and self.n_proposed < self.n_trials
        if waiting:
            self._add_cohort()
        climbing = self._climb_all()
        if climbing and not self.blocks:  # their fits are so dear that the next rung is paid for already
            self._judge_rungs()
            return self._open_search()
        return bool(self.blocks)

    def _climb_all(self) -> bool:
        """Blocks of all settings in the search; whether any but the pinned is on its way up."""
        # The pinned are what the others are compared with: they have their whole share at once.
        for contender in self.pinned:
            self._climb(contender.name, self._rungs - 1)
        climbing = [n for n, r in self.runners.items() if r.cohort and r.left is None and r.rung < self._rungs]
        for name in climbing:
            self._climb(name, self.runners[name].rung)
        return bool(climbing)

    def _finish_first_looks(self) -> bool:
        """What a first look found to be missing until the rung is reached; False if nothing is."""
        if self._first_looks:
            self._first_looks = False
            self._climb_all()
        return bool(self.blocks)

    def _add_cohort(self) -> None:
        left = self._cohorts - self.cohort
        count = -(-(self.n_trials - self.n_proposed) // left)
        taken = {contender.settings.hash() for contender in self.contenders.values()}
        for contender in self.propose(self.cohort, count, self):
            if contender.settings.hash() not in taken and self.n_proposed < self.n_trials:
                taken.add(contender.settings.hash())
                self.n_proposed += 1
                self.runners[contender.name] = Runner(contender, cohort=self.cohort + 1)
        self.cohort += 1

    def _climb(self, name: str, rung: int) -> None:
        """Blocks that bring a setting up to a rung."""
        if self.rules.drop_losers:
            evaluations = int(self.allotment * self.rules.tuner.growth**rung)
            self._add_blocks(name, evaluations, self._most_repeats, self._samples_of_rung(rung))
        else:
            self._add_fits("search", name, self.rules.repeats)

    def _add_blocks(
        self, name: str, evaluations: int, fits: int, samples: Sequence[str], *, in_sequence: bool = False
    ) -> None:
        """What is missing until a setting has had its evaluations, split equally over all samples, on some of them.

        It is a number of fits, which can be done side by side: a few for a first look, and as soon as they tell what
        one costs, the rest. ``in_sequence``: the first look ends when the evaluations are spent.
        """
        share = -(-evaluations // len(self.samples))
        for sample in samples:
            done, spent = self.work("search", name, sample)
            if spent >= share or fits <= done:
                continue
            if in_sequence and (done < FORESEEN or not spent):
                self.blocks.append(Block("search", name, sample, _repeats("search", done, fits), share - spent))
            elif done < FORESEEN:
                self.blocks.append(Block("search", name, sample, _repeats("search", done, min(fits, FORESEEN))))
                self._first_looks = True
            elif spent:  # else it cannot run
                most = done + math.ceil((share - spent) * done / spent)
                self.blocks.append(Block("search", name, sample, _repeats("search", done, min(fits, most))))

    def _add_fits(self, phase: str, name: str, fits: int, samples: Sequence[str] | None = None) -> None:
        for sample in self.samples_of(phase) if samples is None else samples:
            repeats = _repeats(phase, len(self.records.get((phase, name, sample), [])), fits)
            if repeats:
                self.blocks.append(Block(phase, name, sample, repeats))

    def _judge_rungs(self) -> None:
        """After a search round: who climbed, who is dropped, who is not among the better half."""
        incumbent = self.incumbent()
        groups: dict[int, list[str]] = defaultdict(list)
        for name, runner in self.runners.items():
            if runner.cohort and runner.left is None and runner.rung < self._rungs and self.has_run(name):
                groups[runner.rung].append(name)
        for rung, group in sorted(groups.items()):
            stayed = [name for name in group if not self._is_loser(name, incumbent, rung)]
            share = 1.0 if rung + 1 >= self._rungs else self.rules.tuner.survivors
            kept = math.ceil(share * len(group) - 1e-9)
            for place, name in enumerate(sorted(stayed, key=lambda n: (*self.judged(n).rank, n))):
                if place < kept:
                    self.runners[name].rung = rung + 1
                else:
                    self.runners[name].left = f"not {_BETTER_PART.get(share, f'among the best {share:.0%}')}"

    def _is_loser(self, name: str, incumbent: str, rung: int) -> bool:
        """Drop a setting that cannot run, or is clearly worse than the incumbent; notes why."""
        runner, tuner = self.runners[name], self.rules.tuner
        if failure := self.failure_of(name):
            runner.left = f"every fit failed: {failure}"
        elif self.rules.drop_losers and name != incumbent and not self.judged(incumbent).censored:
            if self._is_capped(name, incumbent):
                runner.left = f"takes more than {tuner.capping_slack:g} times as long as {incumbent}"
            elif tuner.drop_level > 0.0:
                level = statistics.AlphaSpending(tuner.drop_level, looks=self._rungs).level(rung + 1)
                rng = streams.stream(self.rules.seed, "race", self.round, name)
                pairs = self.pairs(name, incumbent, "search")
                seen = [pairs[sample] for sample in self._seen(name)]
                p = statistics.ert_test(seen, rng, n_draws=self.rules.precision.drop)
                if p <= level:
                    runner.left = f"clearly worse than {incumbent} (p = {p:.2g})"
        return runner.left is not None

    def failure_of(self, name: str) -> str | None:
        """Why the first fit of a setting failed, if all its fits in the search did."""
        failures = [r.failure for records in self.of("search", name).values() for r in records]
        return failures[0] if failures and all(failures) else None

    def _is_capped(self, name: str, incumbent: str) -> bool:
        """Whether the best that may be hoped of a setting takes longer than the incumbent at its worst, with slack."""
        slack = self.rules.tuner.capping_slack
        if slack <= 0.0:
            return False
        found = self.judged(name)
        hoped = found.score if found.censored else found.score - found.error
        return hoped > self.standing(incumbent, "search", list(found.runs)).pessimistic + math.log10(slack)

    # ------------------------------------------------------------------ confirmation and validation

    def _open_confirmation(self) -> None:
        """The best few against the baseline on fresh repeats, if the budget pays for it."""
        rules, baseline = self.rules, self.rules.baseline
        score = self.judged(baseline).score
        hopeful = []
        for name, runner in self.runners.items():
            if name != baseline and runner.left is None and self._has_seen_all(name):
                found = self.judged(name)
                if not found.censored and found.score < score:
                    hopeful.append((found.pessimistic, name))
        self.finalists = [name for _, name in sorted(hopeful)[: rules.tuner.finalists]]
        share, half = rules.tuner.confirmation_share * rules.evaluations, 0.5 * (rules.evaluations - self.spent)
        plans = [(count, min(share, half)) for count in range(len(self.finalists), 0, -1)] + [(1, half)]
        while self.finalists:
            for count, budget in plans:
                names = [baseline, *self.finalists[:count]]
                fits = int(budget / sum(map(self.cost_of_fit, names)))
                if fits >= self.fewest_fits:
                    self.finalists, self.stage = names[1:], "confirmation"
                    for name in names:
                        self._add_fits("confirmation", name, min(fits, rules.validate))
                    return
            if len(self.samples) == len(self.own_samples):
                break
            self._leave_out_last()
        if self.finalists:
            self.finalists, self.why = [], "the budget does not pay for a confirmation"
        if not hopeful:
            self.why = self.why or "nothing looked better in the search"
        self._open_validation()

    def _judge_finalists(self) -> None:
        """Who is left for the validation: the best of those that show a sign of being better."""
        levels = {}
        for name in self.finalists:
            rng = streams.stream(self.rules.seed, "confirmation", name)
            pairs = list(self.pairs(self.rules.baseline, name, "confirmation").values())
            levels[name] = paired_ert_test(pairs, rng, n_permutations=self.rules.precision.permutations)
        passed = [name for name in self.finalists if levels[name] <= self.rules.tuner.confirm_level]
        self.winner = min(passed, key=lambda n: (*self.judged(n, "confirmation").rank, n), default=None)
        for name in self.finalists:
            if name != self.winner and not self.runners[name].contender.pinned:
                self.runners[name].left = (
                    f"not confirmed (p = {levels[name]:.2g})" if name not in passed else "not the best confirmed"
                )
        if self.winner is None:
            self.why = "nothing that looked better in the search was better on fresh repeats"

    def _open_validation(self) -> None:
        """Winner and baseline, and the file as shipped, on repeats never used before."""
        rules = self.rules
        names = [rules.baseline] + ([self.winner] if self.winner else [])
        if self.target.goal == PARETO:
            names += [name for name in self.finalists if name not in names and self.has_run(name, "confirmation")]
        left = rules.evaluations - self.spent
        shipped = 0
        if self.shipped is not None and self.full_cost > 0:
            full = self.full_cost * len(self.own_samples)
            shipped = min(MOST_SHIPPED, int(min(rules.shipped_share * rules.evaluations, 0.25 * left) / full))
            shipped = shipped if shipped >= FEWEST_SHIPPED else 0
            left -= shipped * full
        each = sum(map(self.cost_of_fit, names)) / len(self.samples)  # what a fit costs elsewhere is not known
        least = min(COMFORTABLE_FITS, rules.validate)
        while left < least * each * len(self.samples_of("validation")) and self._leave_out_of_validation():
            pass
        fits = min(rules.validate, int(left / (each * len(self.samples_of("validation")))))
        if fits < self.fewest_fits:
            self.winner, self.why = None, "the budget does not pay for a validation"
            self._end()
            return
        self.stage = "validation"
        for name in names:
            self._add_fits("validation", name, fits)
        if shipped and self.shipped is not None:
            self._add_fits("validation", self.shipped.name, shipped, self.own_samples)

    def _leave_out_of_validation(self) -> bool:
        """Leave a twin out: held-out ones but for one, those of the search, the last one; False if none is left."""
        if len(self.held_out) > 1 or (self.held_out and len(self.samples) == len(self.own_samples)):
            *rest, last = self.held_out
            self.held_out = tuple(rest)
            self.left_out.append(last)
        elif len(self.samples) > len(self.own_samples):
            self._leave_out_last()
        else:
            return False
        return True

    def _end(self) -> None:
        self.stage, self.blocks = "done", []


def _repeats(phase: str, done: int, fits: int) -> tuple[int, ...]:
    """Numbers of the fits of a phase that are not done yet."""
    return tuple(range(FIRST_REPEAT[phase] + done, FIRST_REPEAT[phase] + fits))
