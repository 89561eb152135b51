"""What a run does, as metrics of Ray: its nodes export them for Prometheus (``ray_metagenx_…``).

``clusters/grafana.json`` is a dashboard that shows them.
"""

from __future__ import annotations

import math
import time
from typing import Any

from metagenx.meta.conductor import Conductor
from metagenx.meta.targets import Target

SECONDS = 5.0

# Name → what it is; all carry the run's title, best_fom its sample too.
GAUGES = {
    "evaluations": "FOM evaluations done, those of earlier sessions included",
    "evaluations_per_second": "FOM evaluations per second, over the last seconds",
    "fits": "Fits done",
    "success_rate": "Share of fits that reached the best FOM known",
    "best_fom": "Best FOM known of a sample",
    "round": "Round of the search that is open",
    "workers": "Fits at once",
}


class RunMetrics:
    """The metrics of one run, set at most every few seconds."""

    def __init__(self, title: str) -> None:
        from ray.util.metrics import Gauge

        self._gauges: dict[str, Any] = {
            name: Gauge(f"metagenx_{name}", what, ("run", "sample") if name == "best_fom" else ("run",))
            for name, what in GAUGES.items()
        }
        self._tags = {"run": title}
        self._last: tuple[float, int] | None = None

    def update(self, conductor: Conductor, workers: int) -> None:
        """Set them from what the conductor knows."""
        now = time.monotonic()
        if self._last is not None:
            elapsed = now - self._last[0]
            if elapsed < SECONDS:
                return
            self._set("evaluations_per_second", (conductor.evaluations - self._last[1]) / elapsed)
        self._last = (now, conductor.evaluations)
        self._set("evaluations", conductor.evaluations)
        self._set("fits", len(conductor.done))
        self._set("round", conductor.rounds.round)
        self._set("workers", workers)
        best = getattr(conductor.rounds, "best", {})
        for sample, known in best.items():
            self._set("best_fom", known.fom, sample=sample)
        target = getattr(conductor.rounds, "target", Target())
        judged = [record for record in conductor.done.values() if record.sample in best]
        if judged:
            hits = sum(target.hit_time(record, best[record.sample]) is not None for record in judged)
            self._set("success_rate", hits / len(judged))

    def _set(self, name: str, value: float, **tags: str) -> None:
        if math.isfinite(value):
            self._gauges[name].set(value, {**self._tags, **tags})
