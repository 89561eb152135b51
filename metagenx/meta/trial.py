"""The Ray actor: one trial of Ray Tune is one DE setting, fitted in blocks.

The actor loads its models once and is reused for one setting after the other. It holds nothing that is not in
its configuration, so there is nothing to save: what it has done is in the journal.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray import tune

from metagenx.fitting.settings import Settings
from metagenx.meta.blocks import Block, StartRule, run_one
from metagenx.meta.conductor import Task
from metagenx.meta.problem_source import ProblemSource, open_problem

IDLE_SECONDS = 0.2
RECORDS = "records"


class SettingTrial(tune.Trainable):
    """Fits of one setting; every step reports the fits of about ``portion`` seconds.

    How the fits fall into steps depends on the clock; which fits are run, and what they give, does not.
    """

    def setup(
        self,
        config: dict[str, Any],
        sources: Mapping[str, ProblemSource] | None = None,
        seed: int = 0,
        start: StartRule | None = None,
        portion: float = 1.0,
        title: str = "metagenx",
    ) -> None:
        """Remember what all trials share; ``config["work"]`` is what this one does."""
        self._sources, self._seed, self._portion = dict(sources or {}), seed, portion
        self._start, self._title = start or StartRule(), title
        for source in self._sources.values():
            open_problem(source)
        self._take(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Become another setting, or go on with a new block."""
        self._take(new_config)
        return True

    def _take(self, config: Mapping[str, Any]) -> None:
        work = json.loads(config["work"])
        self._settings = Settings.from_values(work["settings"])
        self._blocks = [Block.from_json(block) for block in work["blocks"]]

    def step(self) -> dict[str, Any]:
        """Run fits for a while; without any left, wait a moment for the scheduler to decide."""
        records: list[dict[str, Any]] = []
        begun = time.monotonic()
        while self._blocks and (not records or time.monotonic() - begun < self._portion):
            block = self._blocks[0]
            source = self._sources[block.sample]
            record = run_one(block, source, self._settings, seed=self._seed, start=self._start)
            records.append(record.to_json())
            left = block.after(record)
            self._blocks[:1] = [] if left is None else [left]
        if not records:
            time.sleep(IDLE_SECONDS)
        return {RECORDS: json.dumps(records), "fits": len(records)}

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any] | None:
        """Leave a note of what is left to do; nothing reads it but Tune itself."""
        self._last_result: Any = {}  # else Tune would store the last records with it
        left = [block.to_json() for block in self._blocks]
        Path(checkpoint_dir, "blocks.json").write_text(json.dumps(left), encoding="utf-8")
        return None

    def load_checkpoint(self, checkpoint: dict[str, Any] | str | None) -> None:
        """Nothing to do: the configuration says what is left."""

    def __repr__(self) -> str:
        return f"{self._title} fits" if hasattr(self, "_title") else "metagenx fits"


def work_of(task: Task | None) -> str:
    """A task as the actor's configuration, a JSON text; None: nothing to do yet."""
    settings = Settings() if task is None else task.settings
    blocks = [] if task is None else [block.to_json() for block in task.blocks]
    return json.dumps({"settings": dataclasses.asdict(settings), "blocks": blocks})
