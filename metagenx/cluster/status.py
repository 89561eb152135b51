"""What of a cluster is there, what it works on, and what it costs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metagenx.cluster.check import check_cluster
from metagenx.cluster.cost import Price
from metagenx.cluster.file import ClusterFile, require_launcher
from metagenx.cluster.launcher import nodes, record_of, tunnel
from metagenx.cluster.places import price_now
from metagenx.errors import MetagenxError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Status:
    """The nodes (id → head or worker) and our jobs of a cluster."""

    name: str
    nodes: dict[str, str]
    jobs: list[dict[str, Any]] = field(default_factory=list)
    reached: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"name": self.name, "nodes": self.nodes, "jobs": self.jobs, "reached": self.reached}

    @property
    def text(self) -> str:
        """For people."""
        if not self.nodes:
            return f"{self.name}: nothing is there, nothing costs"
        workers = sum(kind == "worker" for kind in self.nodes.values())
        lines = [f"{self.name}: {len(self.nodes) - workers} head, {workers} workers"]
        lines += [f"  {kind:<7} {node}" for node, kind in sorted(self.nodes.items(), key=lambda item: item[::-1])]
        if not self.reached:
            lines.append("  the head does not answer")
        lines += [f"  run     {job['job']}: {job['status'].lower()}" for job in self.jobs]
        return "\n".join(lines)


@dataclass(frozen=True)
class Cost:
    """What a cluster costs an hour when it is largest, and what it has cost at most since it was started here."""

    name: str
    price: Price | None
    hours: float | None
    so_far: float | None

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        price = None if self.price is None else vars(self.price)
        return {"name": self.name, "price_per_hour": price, "hours": self.hours, "at_most_so_far": self.so_far}

    @property
    def text(self) -> str:
        """For people."""
        lines = [self.price.line if self.price else "what it costs is not known: no prices in the cluster file"]
        if self.hours is None:
            lines.append("it was not started from this machine")
        elif self.price is not None and self.so_far is not None:
            amounts = f"{self.hours * self.price.head:.2f} to {self.so_far:.2f} {self.price.currency}"
            lines.append(f"up since {self.hours:.1f} h: {amounts}, by how many workers there were")
        return "\n".join(lines)


def status(path: Path, say: Say) -> Status:
    """Look at a cluster.

    Raises
    ------
    InputError : the file is wrong, or the cloud does not let us in.
    """
    from metagenx.cluster.jobs import Jobs

    file = check_cluster(path)
    require_launcher(file, "shows")
    found = nodes(file)
    if "head" not in found.values():
        return Status(file.name, found)
    with contextlib.suppress(MetagenxError), tunnel(file, say) as address:
        return Status(file.name, found, Jobs(address).list(), reached=True)
    return Status(file.name, found)


def cost(path: Path) -> Cost:
    """What a cluster costs; nothing is contacted but the price list of the cloud, if it has one."""
    file: ClusterFile = check_cluster(path)
    price = price_now(file)
    started = record_of(file).get("started")
    hours = None if started is None else (time.time() - float(started)) / 3600.0
    so_far = None if hours is None or price is None else hours * price.most
    return Cost(file.name, price, hours, so_far)
