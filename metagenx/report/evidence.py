"""What a run folder holds, read once for its report: the journal first, tables where they exist."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from metagenx.fitting.settings import Settings
from metagenx.meta import statistics
from metagenx.meta.goals import EXPECTED_COST, GOALS, Goal
from metagenx.meta.objective import best_known
from metagenx.meta.records import PHASES, FitRecord, setting_order, sorted_records
from metagenx.meta.search_scores import Searched
from metagenx.meta.statistics import BestKnown, Runs, Target
from metagenx.report.labels import setting_text
from metagenx.runs import FitDone, Line, Replay, RoundDecided, RunFolder, read_journal

if TYPE_CHECKING:
    import pandas as pd

TUNE, REPEAT = "tune", "repeat"


@dataclass(frozen=True)
class Round:
    """One round of the race: what it decided, and the fits that were made for it."""

    decision: RoundDecided
    records: tuple[FitRecord, ...]

    @property
    def evaluations(self) -> int:
        """Of all rounds up to this one."""
        return int(self.decision.details.get("evaluations", 0))

    @property
    def left(self) -> Mapping[str, str]:
        """Settings that left the race here, and why."""
        return dict(self.decision.details.get("left", {}))


@dataclass(frozen=True)
class Evidence:
    """Everything known of a run, whether it is finished or not."""

    folder: RunFolder
    manifest: Mapping[str, Any]
    lines: tuple[Line, ...]
    replay: Replay
    verdict: Mapping[str, Any] | None

    @classmethod
    def of(cls, folder: RunFolder) -> Evidence:
        """Read a run folder; raises FileFormatError if it is none, or its journal is damaged."""
        manifest = folder.manifest()
        lines = tuple(read_journal(folder.events))
        replay = Replay()
        for line in lines:
            replay.take(line.event)
        return cls(folder, manifest, lines, replay, _json(folder))

    # ------------------------------------------------------------------ what was asked

    @property
    def kind(self) -> str:
        """``tune`` or ``repeat``."""
        return TUNE if "search_space" in self.config else REPEAT

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.manifest.get("name", self.folder.path.name))

    @property
    def config(self) -> Mapping[str, Any]:
        """The resolved configuration."""
        found = self.manifest.get("config", {})
        return found if isinstance(found, Mapping) else {}

    @property
    def seed(self) -> int:
        """Of the run."""
        return int(self.manifest.get("seed", 0))

    @cached_property
    def target(self) -> Target:
        """What counts as success."""
        success = self.config.get("test", {}).get("success", {})
        goal = self.config.get("tune", {}).get("goal", EXPECTED_COST)
        return Target(within=success.get("fom_within", Target().within), below=success.get("fom_below"), goal=goal)

    @property
    def goal(self) -> Goal:
        """What the run compares, and how that is called."""
        return GOALS[self.target.goal]

    @property
    def state(self) -> str:
        """``finished``, ``interrupted``, ``spent``, ``failed``, or ``running`` (which may mean killed)."""
        return str(self.manifest.get("state", "running"))

    # ------------------------------------------------------------------ what happened

    @cached_property
    def records(self) -> tuple[FitRecord, ...]:
        """All fits, in the order of the tables."""
        return tuple(sorted_records(self.replay.records))

    @cached_property
    def best(self) -> Mapping[str, BestKnown]:
        """f* of every sample."""
        return best_known(self.records, self.replay.best)

    @cached_property
    def samples(self) -> tuple[str, ...]:
        """Names of the samples."""
        return tuple(dict.fromkeys([*self.config.get("model", {}).get("files", {}), *(r.sample for r in self.records)]))

    @cached_property
    def own_samples(self) -> tuple[str, ...]:
        """Names of the samples that are the user's own; the others are their twins."""
        files = self.config.get("model", {}).get("files", {})
        return tuple(sample for sample in self.samples if sample in files) or self.samples

    @cached_property
    def settings(self) -> Mapping[str, Settings]:
        """The settings of every id that the journal explains, the file's first."""
        found = self.replay.settings
        return {
            name: Settings.from_values(found[name]["settings"])
            for name in sorted(found, key=setting_order)
            if "settings" in found[name]
        }

    @cached_property
    def n_dim(self) -> int:
        """Fitted parameters; of the largest sample, if there are several."""
        return max((len(record.values) for record in self.records), default=1)

    @cached_property
    def searched(self) -> Searched:
        """The search by itself: scores, what was varied, what mattered."""
        points = {name: found.get("point") or {} for name, found in self.replay.settings.items()}
        return Searched(self.records, self.best, self.target, self.settings, points, self.seed)

    def what(self, setting: str) -> str:
        """What a setting is, in a few words; nothing if the journal does not say."""
        return setting_text(self.settings[setting], self.n_dim) if setting in self.settings else ""

    @cached_property
    def _groups(self) -> dict[tuple[str, str], list[FitRecord]]:
        groups: dict[tuple[str, str], list[FitRecord]] = {}
        for record in self.records:
            groups.setdefault((record.phase, record.setting), []).append(record)
        return groups

    def of_setting(self, setting: str, phase: str) -> list[FitRecord]:
        """Fits of a setting in a phase."""
        return self._groups.get((phase, setting), [])

    def names_in(self, phase: str) -> list[str]:
        """Settings with fits in a phase, in the order of the tables."""
        return [setting for found, setting in self._groups if found == phase]

    @property
    def phases(self) -> list[str]:
        """Phases with fits, in order."""
        seen = {record.phase for record in self.records}
        return [phase for phase in PHASES if phase in seen]

    def scored(self, records: Sequence[FitRecord]) -> list[Runs]:
        """Fits judged against what is known now, one entry per sample that has any."""
        found = []
        for sample in self.samples:
            mine = [record for record in records if record.sample == sample]
            if mine and sample in self.best:
                found.append(statistics.score(mine, self.best[sample], self.target))
        return found

    def is_success(self, record: FitRecord) -> bool:
        """Whether a fit ended in the right basin."""
        return self.hit_time(record) is not None

    def hit_time(self, record: FitRecord) -> int | None:
        """Evaluations until a fit reached the target, or None."""
        known = self.best.get(record.sample)
        return None if known is None else self.target.hit_time(record, known)

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        """The rounds that were decided, each with its fits: between two decisions the journal holds those of one."""
        found: list[Round] = []
        waiting: list[FitRecord] = []
        seen: set[int] = set()
        for line in self.lines:
            if isinstance(line.event, FitDone):
                waiting.append(line.event.record)
            elif isinstance(line.event, RoundDecided) and line.event.round not in seen:
                seen.add(line.event.round)
                found.append(Round(line.event, tuple(waiting)))
                waiting = []
        return tuple(found)

    # ------------------------------------------------------------------ tables and times

    @cached_property
    def parameters(self) -> pd.DataFrame | None:
        """The table of the best fit's parameters, if it was written."""
        import pandas as pd

        try:
            return pd.read_csv(self.folder.parameters, keep_default_na=True)
        except (OSError, ValueError):
            return None

    def names(self, sample: str) -> tuple[str, ...]:
        """Names of the fitted parameters of a sample; numbers where no table says more."""
        table = self.parameters_of(sample)
        n_dim = max((len(record.values) for record in self.records if record.sample == sample), default=0)
        if table is not None and len(table) == n_dim:
            return tuple(map(str, table["parameter"]))
        return tuple(f"parameter {i + 1}" for i in range(n_dim))

    def parameters_of(self, sample: str) -> pd.DataFrame | None:
        """The rows of a sample in :attr:`parameters`."""
        table = self.parameters
        if table is None or "sample" not in table.columns:
            return table if sample == self.samples[0] else None
        mine = table[table["sample"].astype(str) == sample]
        return mine.reset_index(drop=True) if len(mine) else None

    @property
    def evaluations(self) -> int:
        """Of all fits."""
        return sum(record.evaluations for record in self.records)

    @property
    def seconds_of_work(self) -> float:
        """Of all fits together, on whatever cores."""
        return math.fsum(record.seconds for record in self.records if math.isfinite(record.seconds))

    @cached_property
    def wall_seconds(self) -> float:
        """From the first to the last line of each session of the journal, without the time between sessions."""
        total, begun, last = 0.0, None, None
        for line in self.lines:
            now = _time(line.time)
            if line.event.kind == "started":
                total += (last - begun).total_seconds() if begun and last else 0.0
                begun = now
            last = now
        return total + ((last - begun).total_seconds() if begun and last else 0.0)


def _json(folder: RunFolder) -> dict[str, Any] | None:
    try:
        found = json.loads(folder.verdict.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
