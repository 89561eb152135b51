"""A tuning run and a robustness test in this process: the plan, the fits, the journal and the tables, without Ray."""

from __future__ import annotations

from pathlib import Path

from metagenx.fitting.settings import Settings
from metagenx.meta.blocks import Block, StartRule, run_one
from metagenx.meta.conductor import Rounds
from metagenx.meta.experiment import load_experiment
from metagenx.meta.objective import Contender
from metagenx.meta.outcome import write_outcome
from metagenx.meta.preparation import Problems, prepare
from metagenx.meta.problem_source import ProblemSource, open_problem
from metagenx.meta.records import BASELINE, FitRecord
from metagenx.meta.repeat import SAMPLE, Repeats, notices_of, repeat_result
from metagenx.meta.tune import new_race
from metagenx.meta.verdict import judge
from metagenx.runs import (
    BestFound,
    FitDone,
    Journal,
    RoundDecided,
    RunFolder,
    SessionEnded,
    SessionStarted,
    SettingAdded,
    machine,
)


def tune_here(path: Path, base: Path, *, rounds: int | None = None, killed: bool = False) -> RunFolder:
    """Tune as ``metagenx tune`` does; end after so many rounds, as if killed then, in the midst of the next one."""
    experiment = load_experiment(path, trust=True)
    preparation = prepare(experiment, trust=True)
    assert experiment.budget.evaluations is not None
    race = new_race(preparation, experiment.budget.evaluations)
    folder = RunFolder.for_experiment(base, experiment, command=["/usr/bin/metagenx", "tune", str(path)])
    folder.session_started(["metagenx"])
    with folder.lock(), folder.journal() as journal:
        journal.append(SessionStarted(machine()["host"], 1, {"machine": machine(), "workers": 1}))
        work(race, journal, preparation.sources, experiment.seed, preparation.start, rounds)
        if killed:
            return folder
        journal.append(SessionEnded("finished"))
        write_outcome(folder, preparation, race, judge(race), journal.replay().records)
    folder.session_ended("finished")
    return folder


def work(
    plan: Rounds,
    journal: Journal,
    sources: dict[str, ProblemSource],
    seed: int,
    start: StartRule,
    rounds: int | None = None,
) -> None:
    """Do the rounds of a plan, or so many of them and the first half of the next."""
    done = 0
    while not plan.finished:
        stops = done == rounds
        blocks = plan.blocks[: len(plan.blocks) // 2] if stops else plan.blocks
        records = [record for block in blocks for record in fits(block, plan, sources, seed, start)]
        journal.append(*map(FitDone, records))
        if stops:
            return
        decision = plan.complete(records)
        known = journal.replay().settings
        journal.append(
            *(SettingAdded(n, c.to_json()) for n, c in plan.contenders.items() if n not in known),
            *(BestFound(sample, best) for sample, best in plan.best.items()),  # type: ignore[attr-defined]
            RoundDecided(decision.stage, decision.round, decision.to_json()),
        )
        done += 1


def fits(block: Block, plan: Rounds, sources: dict[str, ProblemSource], seed: int, start: StartRule) -> list[FitRecord]:
    """The fits of one block."""
    records, left = [], block
    while left is not None:
        record = run_one(left, sources[left.sample], plan.contenders[left.setting].settings, seed=seed, start=start)
        records.append(record)
        left = left.after(record)  # type: ignore[assignment]
    return records


def repeat_here(file: Path, base: Path, n: int = 12) -> RunFolder:
    """Repeat as ``metagenx repeat`` does."""
    source = ProblemSource.from_file(file)
    problems = Problems({SAMPLE: source}, {SAMPLE: open_problem(source)})
    settings = Settings(use_stagnation=True)
    config = {"n": n, "perturb": 0.1, "of": "fitted", "seed": 5, "settings": {"use_stagnation": True}}
    inputs = {file.name: file.read_bytes()}
    folder = RunFolder.create(base, f"{file.stem}-repeat", identity="abcd" * 16, config=config, seed=5, inputs=inputs)
    plan = Repeats(Contender(BASELINE, settings, "file"), n, problems.best())
    with folder.lock(), folder.journal() as journal:
        journal.append(SessionStarted(machine()["host"], 1, {"machine": machine(), "workers": 1}))
        work(plan, journal, problems.sources, 5, StartRule(0.1))
        journal.append(SessionEnded("finished"))
        records = journal.replay().records
    folder.update_manifest(state="finished")
    repeat_result(folder, problems, records, plan, 5, notices_of("fitted", False, 0.1))
    return folder
