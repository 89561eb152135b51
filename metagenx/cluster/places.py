"""Where a run may happen: what ``--where`` names, and how it is reached."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from metagenx.cluster.check import check_cluster
from metagenx.cluster.cost import Price, price_of
from metagenx.cluster.file import ClusterFile, is_cluster_file
from metagenx.errors import InputError

Say = Callable[[str], None]


def is_far(where: str | None) -> bool:
    """Whether a run is handed over to a cluster's head, rather than driven from here."""
    return (bool(where) and (where or "").startswith(("http://", "https://"))) or bool(where and is_cluster_file(where))


def check_where(where: str | None) -> None:
    """Raise InputError for what names no place; nothing is contacted, but a cluster file is checked."""
    if where is None or where in ("local", "auto") or where.startswith(("http://", "https://")):
        return
    if is_cluster_file(where):
        check_cluster(Path(where))
        return
    host, colon, port = where.rpartition(":")
    if not (colon and host and port.isdigit() and 0 < int(port) < 65536) or "//" in where:
        raise InputError(
            f"{where!r} names no place for a run",
            where="--where",
            hint="Write local, auto, a cluster file (cluster.yaml), the address of a Ray cluster (host:6379), or of "
            "its dashboard (http://127.0.0.1:8265).",
        )


def price_now(file: ClusterFile) -> Price | None:
    """The price of a cluster, asked of the cloud where that can be done, else from the file."""
    found: dict[str, float] = {}
    if file.provider == "aws":
        with contextlib.suppress(ImportError):
            from metagenx.cluster.aws import prices

            found = prices(file)
    return price_of(file, found)


@contextlib.contextmanager
def reached(where: str, say: Say) -> Iterator[tuple[str, ClusterFile | None]]:
    """The dashboard's address of a place, reachable for as long as this lasts, and its cluster file if it has one.

    Raises
    ------
    InputError : the cluster is not up.
    ResourcesSpent : its head cannot be reached.
    """
    if not is_cluster_file(where):
        yield where, None
        return
    from metagenx.cluster.launcher import is_up, tunnel

    file = check_cluster(Path(where))
    if file.kind == "kuberay":
        raise InputError(
            "a cluster on Kubernetes is reached by a port that kubectl forwards",
            where=where,
            hint="kubectl port-forward service/NAME-head-svc 8265:8265, then --where http://127.0.0.1:8265",
        )
    if not is_up(file):
        raise InputError(f"{file.name} is not up", where=where, hint=f"metagenx cluster up {where}")
    with tunnel(file, say) as address:
        yield address, file


def ceilings(
    file: ClusterFile | None, max_hours: float | None, max_cost: float | None, price: Price | None
) -> dict[str, Any]:
    """Ceilings and prices for the driver; the smaller one where the file has one too.

    Raises
    ------
    InputError : a ceiling in money, but no price.
    """
    options = None if file is None else file.options
    hours = [value for value in (max_hours, options.max_hours if options else None) if value is not None]
    costs = [value for value in (max_cost, options.max_cost if options else None) if value is not None]
    if max_cost is not None and price is None:
        raise InputError(
            "a ceiling in money needs a price",
            where="--max-cost",
            hint="Give provider.metagenx.prices_per_hour in the cluster file, or a ceiling in hours (--max-hours).",
        )
    return {
        "max_hours": min(hours, default=None),
        "max_cost": min(costs, default=None) if price is not None else None,
        "prices": None if price is None else (price.head, price.worker),
        "currency": price.currency if price is not None else "USD",
    }
