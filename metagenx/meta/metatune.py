"""``metagenx metatune``: which settings of the tuner itself find good settings soonest?

By layers of cost: whole tuning runs are replayed on a benchmark of measured settings, whose surrogate must rank
settings it has not seen (out-of-bag rank correlation of at least 0.7); the best profiles do fresh replays; the winner
does real tuning runs beside the hand-made profile. The answer is a profile, or "keep the hand-made one" when that is
the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from metagenx.errors import InputError, Interrupted
from metagenx.meta.families import FAMILIES
from metagenx.meta.interrupts import interrupts
from metagenx.meta.metatune_experiment import LoadedMeta, load_meta
from metagenx.meta.metatune_race import Evaluation, MetaRace
from metagenx.meta.metatune_real import RealRun
from metagenx.meta.metatune_tasks import Ground, TuningTask, score
from metagenx.meta.profile import HAND_MADE, Profile
from metagenx.meta.progress import Listener, Progress, silent
from metagenx.meta.ray_session import cores, ray_session
from metagenx.meta.replay import LEAST_CORRELATION, TabularBenchmark
from metagenx.meta.sessions import session
from metagenx.meta.tuner_settings import TunerSettings
from metagenx.runs import (
    DEFAULT_BASE,
    Journal,
    RoundDecided,
    RunFolder,
    find_run,
    write_atomically,
)
from metagenx.runs.files import to_json

REPLAYED, REAL = "metatune replay", "metatune real"
REPLAY_SECONDS = 0.15  # of one replayed tuning run, for the plan
PART = 9  # replays in one piece of work: what a Ctrl-C or a lost process costs at the most
REAL_SECONDS = 60e-6  # of one evaluation of a real fit, all included, for the plan


@dataclass(frozen=True)
class MetaAnswer:
    """What was found.

    Parameters
    ----------
    winner : the profile that is better; None: the hand-made one stays.
    line : the answer in one line.
    out_of_bag : family → rank correlation of the surrogate.
    profiles : a row for each profile, the best first.
    real : profile → its real runs; the hand-made one among them.
    space : changes of the space of profiles, with reasons.
    """

    winner: str | None
    line: str
    out_of_bag: dict[str, float]
    profiles: list[dict[str, Any]]
    real: dict[str, list[RealRun]]
    settings: TunerSettings
    space: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values: ``answer.json``."""
        return {
            "command": "metatune",
            "winner": self.winner,
            "line": self.line,
            "out_of_bag": self.out_of_bag,
            "settings": self.settings.changes(),
            "space": self.space,
            "profiles": self.profiles,
            "real": {name: [run.to_json() for run in runs] for name, runs in self.real.items()},
        }


@dataclass(frozen=True)
class MetaResult:
    """A run of ``metagenx metatune``: what was asked, where it is, and its answer."""

    loaded: LoadedMeta
    folder: RunFolder
    answer: MetaAnswer

    @property
    def profile_file(self) -> Path:
        """The profile of the answer; ``metagenx tune --profile`` takes it."""
        return profile_file(self.folder)


def profile_file(folder: RunFolder) -> Path:
    """Where the profile of the answer is."""
    return folder.path / "profile.yaml"


def answer_file(folder: RunFolder) -> Path:
    """Where the answer is, as JSON."""
    return folder.path / "answer.json"


def metatune(
    experiment: str | Path,
    *,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    workers: int | None = None,
    where: str | None = None,
    resume: bool = True,
    progress: Listener = silent,
    should_stop: Callable[[], bool] = lambda: False,
    dashboard: bool = True,
) -> MetaResult:
    """Search the tuner's own settings, confirm the best, write the run folder.

    Parameters
    ----------
    experiment : its YAML file.
    out : folder of all runs; default ``runs``.
    overrides : ``"trials=20"`` …, as ``--set`` takes them.
    workers : tuning runs at once; default: what the experiment says, else one per core. Changes no number.
    where : as for :func:`metagenx.tune`.
    resume : go on with (or read again) the last run of the same experiment; False starts a new one.

    Raises
    ------
    InputError : a mistake in the experiment; a table whose surrogate cannot be trusted.
    Interrupted, ResourcesSpent : the same call goes on.
    """
    loaded = load_meta(experiment, overrides)
    own = loaded.experiment
    base = Path(out) if out is not None else DEFAULT_BASE
    folder = find_run(base, own.name, loaded.hash) if resume else None
    if folder is None:
        inputs = {Path(experiment).name: Path(experiment).read_bytes()}
        folder = RunFolder.create(
            base, own.name, identity=loaded.hash, config=loaded.resolved(), seed=own.seed, inputs=inputs
        )
    else:
        said = "has this run, finished: its answer is read again" if folder.is_finished else "is gone on with"
        progress(Progress("notice", f"{folder.path} {said}"))
    benchmark = loaded.benchmark()
    progress(Progress("notice", out_of_bag_line(benchmark)))
    check_surrogate(benchmark)
    ground = Ground.of(benchmark)
    run = _Run(loaded, folder, ground, progress, should_stop, workers or own.run.workers, where or own.run.where)
    run.dashboard = dashboard
    run.work()
    answer = _answer(run, benchmark.out_of_bag)
    write_atomically(answer_file(folder), to_json(answer.to_json(), indent=2) + "\n")
    write_atomically(folder.verdict, to_json({"line": answer.line, "winner": answer.winner}, indent=2) + "\n")
    evidence = {
        "experiment": own.name,
        "seed": own.seed,
        "families": list(own.tasks.families),
        "budgets": list(own.tasks.budgets),
        "line": answer.line,
    }
    Profile(answer.winner or HAND_MADE, answer.settings, answer.line, evidence).write(profile_file(folder))
    progress(Progress("finished", answer.line, "done"))
    return MetaResult(loaded, folder, answer)


def plan(experiment: str | Path, *, overrides: Sequence[str] = (), workers: int | None = None) -> dict[str, Any]:
    """What :func:`metatune` would do, and about how long it would take; raises its InputErrors."""
    own = load_meta(experiment, overrides).experiment
    per_profile = len(own.tasks.families) * len(own.tasks.budgets)
    halvings = max(0, math.ceil(math.log2(max(1.0, own.trials / (2 * own.finalists)))))
    replays = per_profile * own.tasks.repeats * (own.trials + 1) * (1 + halvings / 2)
    replays += per_profile * own.tasks.confirm * (own.finalists + 1)
    real = own.real.runs * len(real_families(own.tasks.families)) * (1 + own.real.profiles)
    at_once = workers or own.run.workers or cores()
    seconds = (replays * REPLAY_SECONDS + real * own.real.budget * REAL_SECONDS) / at_once
    line = (
        f"{own.trials} tuner profiles, about {replays:,.0f} replayed tuning runs and {real} real ones of "
        f"{own.real.budget:,} evaluations: about {seconds / 60:.0f} min on {at_once} workers"
    )
    return {
        "profiles": own.trials, "replays": round(replays), "real_runs": real, "seconds": seconds, "workers": at_once,
        "line": line,
    }  # fmt: skip


def out_of_bag_line(benchmark: TabularBenchmark) -> str:
    """How well the surrogate ranks settings that it has not seen, in one line."""
    found = ", ".join(f"{name} {value:.2f}" for name, value in benchmark.out_of_bag.items())
    return f"surrogate, rank correlation out of bag: {found or 'none, the benchmark is synthetic'}"


def real_families(families: Sequence[str]) -> list[str]:
    """Those of which there are samples to fit; a synthetic benchmark has none."""
    return [name for name in families if name in FAMILIES]


def check_surrogate(benchmark: TabularBenchmark) -> None:
    """Raise InputError if the surrogate of a family cannot be trusted."""
    bad = {name: value for name, value in benchmark.out_of_bag.items() if not value >= LEAST_CORRELATION}
    if bad:
        said = ", ".join(f"{name}: {value:.2f}" for name, value in bad.items())
        raise InputError(
            f"the surrogate does not rank settings well enough ({said}; {LEAST_CORRELATION:g} is needed)",
            hint="Measure more settings (benchmarks/tabular_measure.py), or leave the family out of tasks.families.",
        )


@dataclass
class _Run:
    """One run in one folder: the race, what the journal knows, and Ray."""

    loaded: LoadedMeta
    folder: RunFolder
    ground: Ground
    progress: Listener
    should_stop: Callable[[], bool]
    workers: int | None
    where: str
    dashboard: bool = True
    known: dict[tuple[str, TuningTask], float] = field(default_factory=dict)
    real: dict[str, dict[str, RealRun]] = field(default_factory=dict)
    _stopped: bool = False

    def __post_init__(self) -> None:
        self.race = MetaRace(self.loaded.experiment.rules(), self.loaded.space)

    def work(self) -> None:
        """Do what is missing, safely; a run that is complete in its journal starts no Ray."""
        with self.folder.lock(), self.folder.journal() as journal:
            self._recall(journal)
            self._advance()
            if not self._jobs():
                return
            with session(self.folder, journal, {"workers": self.workers}):
                self._on_ray(journal)

    def _on_ray(self, journal: Journal) -> None:
        self.progress(Progress("notice", f"{self.folder.path}: starting Ray"))

        def stop() -> None:
            self._stopped = True
            self.progress(Progress("stopping", "stopping after the running tasks; Ctrl-C again stops at once"))

        with (
            interrupts(stop),
            ray_session(
                self.workers, where=self.where, log_folder=self.folder.ray, dashboard=self.dashboard
            ) as session,
        ):
            from metagenx.meta.metatune_on_tune import run_jobs

            self.progress(Progress("started", session.line))
            run_jobs(
                self._jobs,
                lambda job, values: self._take(journal, job, values),
                session,
                ground=self.ground,
                title=self.loaded.experiment.name,
                folder=self.folder.ray,
                should_stop=lambda: self._stopped or self.should_stop(),
            )
        if self._jobs():
            raise Interrupted("interrupted")

    # ------------------------------------------------------------------ jobs and their values

    def _jobs(self) -> list[dict[str, Any]]:
        """What the open round still wants."""
        if not self.race.finished:
            return [job for evaluation in self.race.evaluations for job in self._pieces(evaluation)]
        own, jobs = self.loaded.experiment, []
        for profile in self.to_confirm:
            for family in real_families(own.tasks.families):
                for number in range(own.real.runs):
                    name = f"{profile} {family} real {number}"
                    if name not in self.real.get(profile, {}):
                        run = {
                            "family": family,
                            "budget": own.real.budget,
                            "repeats": own.real.repeats,
                            "seed": own.seed + number,
                        }
                        jobs.append({
                            "name": name, "profile": profile, "settings": self._plain(profile), "real": [run]
                        })  # fmt: skip
        return jobs

    def _pieces(self, evaluation: Evaluation) -> list[dict[str, Any]]:
        """The tasks of an evaluation that are not done, a few at a time."""
        found = []
        for number, start in enumerate(range(0, len(evaluation.tasks), PART), start=1):
            part = evaluation.tasks[start : start + PART]
            if missing := [task for task in part if (evaluation.profile, task) not in self.known]:
                found.append({
                    "name": f"{evaluation.profile} round {evaluation.round} part {number}",
                    "profile": evaluation.profile,
                    "settings": self._plain(evaluation.profile),
                    "tasks": [[task.family, task.budget, task.number, task.begin] for task in missing],
                })  # fmt: skip
        return found

    def _plain(self, profile: str) -> dict[str, Any]:
        return dict(vars(self.race.tuners[profile]))

    @property
    def to_confirm(self) -> list[str]:
        """Profiles that do real runs: those that fresh replays have shown to be better, and the hand-made one."""
        race, own = self.race, self.loaded.experiment
        if race.winner is None or not own.real.runs or not real_families(own.tasks.families):
            return []
        good = sorted(race.finalists, key=lambda name: (name != race.winner, race.gain(name, fresh=True), name))
        good = [name for name in good if race.gain(name, fresh=True) < 0.0]
        return [HAND_MADE, *good[: own.real.profiles]]

    def _take(self, journal: Journal, job: dict[str, Any], values: Any) -> None:
        if "real" in job:
            details = {"name": job["name"], "profile": job["profile"], "run": values[0]}
            journal.append(RoundDecided(REAL, self.race.round, details))
            self._took_real(details)
            run = self.real[job["profile"]][job["name"]]
            self.progress(Progress("notice", f"{job['name']}: {run.value:+.3f} ± {run.error:.3f} decades"))
            return
        plain = [value if math.isfinite(value) else None for value in values]
        details = {"profile": job["profile"], "tasks": job["tasks"], "values": plain}
        journal.append(RoundDecided(REPLAYED, self.race.round, details))
        self._took(details)
        before = self.race.round
        self._advance()
        if self.race.round != before:
            self.progress(Progress("notice", self._standing_line()))

    def _recall(self, journal: Journal) -> None:
        for event in journal.replay().rounds:
            if event.phase == REPLAYED:
                self._took(event.details)
            elif event.phase == REAL:
                self._took_real(event.details)

    def _took(self, details: dict[str, Any]) -> None:
        for task, value in zip(details["tasks"], details["values"], strict=True):
            self.known[details["profile"], TuningTask(*task)] = math.inf if value is None else float(value)

    def _took_real(self, details: dict[str, Any]) -> None:
        self.real.setdefault(details["profile"], {})[details["name"]] = RealRun.from_json(details["run"])

    def _advance(self) -> None:
        """Close rounds that are complete."""
        while not self.race.finished and not self._jobs():
            self.race.complete(self.known)

    def _standing_line(self) -> str:
        race = self.race
        best = min(race.alive, key=lambda name: (race.gain(name), name), default=None)
        ahead = f", ahead: {best} by {-race.gain(best):.3f} decades" if best else ""
        return f"round {race.round} is over: {len(race.tuners) - 1} profiles, {len(race.alive)} in the race{ahead}"


def _answer(run: _Run, out_of_bag: dict[str, float]) -> MetaAnswer:
    """The winner of the fresh replays, unless its real runs are clearly worse than those of the hand-made profile."""
    race, own = run.race, run.loaded.experiment
    real = {name: [runs[key] for key in sorted(runs)] for name, runs in sorted(run.real.items())}
    winner = race.winner
    line = "keep the hand-made profile: no profile was better on fresh replays"
    if winner is not None:
        mine, base, p = score(race.fresh[winner]), score(race.fresh[HAND_MADE]), race.levels[winner]
        line = (
            f"{winner} has {100 * (1 - mine / base):.0f} % less area under the regret curve than the hand-made profile "
            f"({mine:.3f} and {base:.3f} decades, {own.tasks.confirm} fresh replays of each family, p = {p:.2g})"
        )
        if worse := _real_loss(real.get(winner, []), real.get(HAND_MADE, [])):
            line = f"keep the hand-made profile: {winner} was better by replay, but worse in real runs ({worse})"
            winner = None
        elif real.get(winner):
            line += f"; {len(real.get(winner, []))} real runs do not speak against it"
    settings = race.tuners[winner] if winner else TunerSettings()
    space = [change.to_json() for change in race.space_changes]
    return MetaAnswer(winner, line, dict(out_of_bag), race.to_json(), real, settings, space)


def _real_loss(ours: Sequence[RealRun], base: Sequence[RealRun]) -> str | None:
    """In words by how much real runs were worse, if by more than two standard errors."""
    theirs = {(run.family, run.seed): run for run in base}
    pairs = [(run, theirs[run.family, run.seed]) for run in ours if (run.family, run.seed) in theirs]
    pairs = [pair for pair in pairs if pair[0].changed or pair[1].changed]
    if not pairs:
        return None
    differences = np.array([mine.value - other.value for mine, other in pairs])
    within = math.sqrt(sum(mine.error**2 + other.error**2 for mine, other in pairs)) / len(pairs)
    mean = float(differences.mean())
    return f"{mean:+.2f} ± {within:.2f} decades" if mean > 2.0 * within else None
