"""What a cluster costs: its price per hour before anything is started, and what a run has cost so far."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metagenx.cluster.file import ClusterFile
from metagenx.errors import InputError, MetagenxError
from metagenx.runs.files import to_json, write_atomically

LOOK_SECONDS = 10.0


@dataclass(frozen=True)
class Price:
    """Price per hour of the head, of one worker (the dearest kind), and of the whole cluster at its largest."""

    head: float
    worker: float
    most: float
    currency: str
    workers: int
    source: str

    @property
    def line(self) -> str:
        """The price in one line."""
        head, most = f"{self.head:.2f} {self.currency}", f"{self.most:.2f} {self.currency}"
        return f"{head} an hour for the head, up to {most} an hour with {self.workers} workers ({self.source})"


def price_of(file: ClusterFile, found: dict[str, float] | None = None) -> Price | None:
    """The price of a cluster; None if it is not known.

    Parameters
    ----------
    found : prices per hour by kind of node that were asked of the cloud; they come before those in the file.
    """
    if file.provider == "local":
        return Price(0.0, 0.0, 0.0, file.options.currency, file.most_workers, "machines of your own")
    prices = {**file.options.prices_per_hour, **(found or {})}
    workers = [node for node in file.nodes.values() if node.name != file.head and node.maximum]
    if file.head not in prices or any(node.name not in prices for node in workers):
        return None
    total, left = prices[file.head], file.most_workers
    for node in sorted(workers, key=lambda node: -prices[node.name]):
        count = min(left, node.maximum)
        total, left = total + count * prices[node.name], left - count
    dearest = max((prices[node.name] for node in workers), default=0.0)
    asked = {name for name in (file.head, *(node.name for node in workers)) if name in (found or {})}
    if len(asked) == 1 + len(workers):
        source = "as the cloud says now"
    elif asked:
        source = f"{' and '.join(sorted(asked))} as the cloud says now, the rest by the cluster file"
    else:
        source = "prices in the cluster file; spot costs less"
    return Price(prices[file.head], dearest, total, file.options.currency, file.most_workers, source)


def require_price(file: ClusterFile, price: Price | None, *, without: bool) -> None:
    """Refuse to start what nobody knows the price of; raises InputError."""
    if price is None and not without:
        raise InputError(
            "what this cluster costs is not known",
            where=str(file.path),
            hint="Give provider.metagenx.prices_per_hour: {head: …, worker: …} from your price list, "
            "or --without-price.",
        )


class CostMeter:
    """What a run costs, and whether a ceiling is reached.

    Counts head and nodes that are there as long as the run works, sessions before this one included; nodes cost from
    when they join to when they leave. What a cloud bills while nodes boot and wind down comes on top.

    Parameters
    ----------
    file : where it is kept, in the run folder.
    prices : of the head and of one worker, per hour; None: only hours are counted.
    nodes : how many worker nodes there are now; default: asks Ray.
    """

    def __init__(
        self,
        file: Path,
        prices: tuple[float, float] | None,
        max_hours: float | None,
        max_cost: float | None,
        currency: str = "USD",
        *,
        nodes: Callable[[], int] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.file, self.prices, self.max_hours, self.max_cost = file, prices, max_hours, max_cost
        self.currency, self._nodes, self._now = currency, nodes or _worker_nodes, now
        self.reached = ""
        self._gauge: Any = None
        self.hours, self.cost = 0.0, 0.0
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            before = json.loads(file.read_text(encoding="utf-8"))
            self.hours, self.cost = float(before["hours"]), float(before["cost"])
        self._last = now()

    def is_reached(self) -> bool:
        """Count what has passed since the last time; whether a ceiling is reached, which ends the run."""
        elapsed = self._now() - self._last
        if elapsed >= LOOK_SECONDS:
            self._last += elapsed
            self.hours += elapsed / 3600.0
            if self.prices is not None:
                self.cost += elapsed / 3600.0 * (self.prices[0] + self._nodes() * self.prices[1])
            if self.max_hours is not None and self.hours >= self.max_hours:
                self.reached = f"{self.max_hours:g} hours"
            elif self.max_cost is not None and self.cost >= self.max_cost:
                self.reached = f"{self.max_cost:g} {self.currency}"
            with contextlib.suppress(MetagenxError):  # a full disk is told by the journal
                self.save()
            self._export()
        return bool(self.reached)

    def why_end(self) -> str:
        """Count, and say which ceiling is reached; nothing as long as none is."""
        return f"the ceiling of {self.reached} is reached; what is done is kept" if self.is_reached() else ""

    def _export(self) -> None:
        """The cost as a metric, where Ray runs."""
        import ray

        if self.prices is not None and ray.is_initialized():
            from ray.util.metrics import Gauge

            self._gauge = self._gauge or Gauge("metagenx_cost", "Cost of the run so far", ("currency",))
            self._gauge.set(self.cost, {"currency": self.currency})

    def save(self) -> None:
        """Keep what was counted; raises as write_atomically."""
        kept = {"hours": self.hours, "cost": self.cost, "currency": self.currency, "prices": self.prices}
        write_atomically(self.file, to_json(kept, indent=2) + "\n")


def _worker_nodes() -> int:
    """Nodes that are there, without the head."""
    import ray

    if not ray.is_initialized():
        return 0
    nodes = [node for node in ray.nodes() if node.get("Alive")]  # type: ignore[no-untyped-call]
    return sum("node:__internal_head__" not in node.get("Resources", {}) for node in nodes)
