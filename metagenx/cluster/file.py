"""A cluster file: what Ray's cluster launcher (or KubeRay) reads, and a section of our own inside it.

The section ``provider.metagenx`` is ours (Ray allows further keys there)::

    metagenx:
      ssh_from: me              # who may ssh to the nodes: me, everyone, or a network such as 192.0.2.0/24
      idle_minutes: 15          # the head ends the cluster so long after the last sign of life of a run; 0: never
      max_hours: 12             # ceilings of one run
      max_cost: 25
      currency: USD
      prices_per_hour: {head: 0.0832, worker: 0.714}
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metagenx.errors import InputError
from metagenx.meta.mistakes import Mistakes
from metagenx.meta.yaml_lines import Document, KeyPath, parse_yaml, read_yaml

OPTIONS = ("ssh_from", "idle_minutes", "max_hours", "max_cost", "currency", "prices_per_hour")
_MACHINE_KEYS = ("InstanceType", "machineType", "size", "vmSize")


@dataclass(frozen=True)
class Options:
    """The section ``provider.metagenx``; ``idle_minutes`` 0 means that the head never ends the cluster."""

    ssh_from: str = "me"
    idle_minutes: float = 15.0
    max_hours: float | None = None
    max_cost: float | None = None
    currency: str = "USD"
    prices_per_hour: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeType:
    """One kind of node: how many CPUs Ray may use there (None: all it has), how many there may be, what it is."""

    name: str
    cpus: float | None
    minimum: int
    maximum: int
    machine: str
    is_spot: bool


@dataclass(frozen=True)
class ClusterFile:
    """A cluster file that has been read; that it is right says :func:`metagenx.cluster.check.check_cluster`.

    Parameters
    ----------
    kind : ``ray`` for Ray's cluster launcher, ``kuberay`` for a RayCluster of Kubernetes.
    document : the file, with its lines.
    nodes : kinds of nodes by name, those of the head among them.
    head : name of the head's kind.
    """

    path: Path
    kind: str
    document: Document
    name: str
    provider: str
    nodes: dict[str, NodeType]
    head: str
    options: Options

    @property
    def content(self) -> dict[str, Any]:
        """The file as plain values."""
        return self.document.data

    @property
    def most_workers(self) -> int:
        """How many worker nodes there may be at once."""
        workers = sum(node.maximum for node in self.nodes.values() if node.name != self.head)
        limit = self.content.get("max_workers")
        return min(workers, limit) if isinstance(limit, int) else workers

    @property
    def most_cpus(self) -> int | None:
        """CPUs for fits when all workers are there; None if the file does not say (machines of one's own)."""
        total, left = 0.0, self.most_workers
        kinds = [node for node in self.nodes.values() if node.name != self.head]
        if any(node.cpus is None for node in kinds):
            return None
        for node in sorted(kinds, key=lambda node: -(node.cpus or 0.0)):
            count = min(left, node.maximum)
            total, left = total + count * (node.cpus or 0.0), left - count
        return int(total) or None


def read_cluster_file(path: Path) -> ClusterFile:
    """Read a cluster file.

    Raises
    ------
    FileFormatError : it cannot be read.
    ConfigError : it is not YAML, or no cluster file, or our own section in it is wrong.
    """
    documents = _documents(path.expanduser())
    for document in documents:
        if document.data.get("kind") == "RayCluster":
            return _kuberay(path, document)
    document = documents[0]
    mistakes = Mistakes(document)
    if len(documents) > 1:
        mistakes.add((), "holds several documents (---), none of which is a RayCluster")
    provider = document.data.get("provider")
    if not isinstance(provider, Mapping) or "cluster_name" not in document.data:
        mistakes.add((), "is no cluster file: it needs cluster_name and provider")
        raise mistakes.error()
    options = _options(provider.get("metagenx"), mistakes)
    if mistakes:
        raise mistakes.error()
    kind = str(provider.get("type", ""))
    types = _section(document.data.get("available_node_types"))
    nodes = {name: _node_type(name, _section(value), document.data) for name, value in types.items()}
    head = str(document.data.get("head_node_type", ""))
    if kind == "local":
        nodes, head = _machines(provider), "head"
    return ClusterFile(path, "ray", document, str(document.data["cluster_name"]), kind, nodes, head, options)


def is_cluster_file(where: str) -> bool:
    """Whether ``--where`` names a file rather than an address."""
    return Path(where).suffix.lower() in (".yaml", ".yml")


def _documents(path: Path) -> list[Document]:
    """The documents of a file, lines counted through; read_yaml's own message for what cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return [read_yaml(path)]
    if not re.search(r"^---\s*$", text, re.MULTILINE) or "kind: RayCluster" not in text:
        return [read_yaml(path)]
    found, line = [], 0
    for part in re.split(r"^---[ \t]*\n", text, flags=re.MULTILINE):
        if part.strip():
            found.append(parse_yaml("\n" * line + part, str(path)))
        line += part.count("\n") + 1
    return found


def _section(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _node_type(name: str, value: Mapping[str, Any], content: Mapping[str, Any]) -> NodeType:
    config = _section(value.get("node_config"))
    flat = config | _section(config.get("azure_arm_parameters"))
    machine = next((str(flat[key]) for key in _MACHINE_KEYS if key in flat), "")
    is_head = name == content.get("head_node_type")
    limit = content.get("max_workers", 0)
    cpus = _section(value.get("resources")).get("CPU")
    return NodeType(
        name,
        float(cpus) if isinstance(cpus, int | float) else None,
        _count(value.get("min_workers", 0)),
        _count(value.get("max_workers", 0 if is_head else limit)),
        machine,
        _is_spot(config, flat),
    )


def _is_spot(config: Mapping[str, Any], flat: Mapping[str, Any]) -> bool:
    scheduling = config.get("scheduling")
    rules = scheduling if isinstance(scheduling, list) else [scheduling]
    return (
        _section(config.get("InstanceMarketOptions")).get("MarketType") == "spot"
        or any(_section(rule).get("preemptible") is True for rule in rules)
        or any(_section(rule).get("provisioningModel") == "SPOT" for rule in rules)
        or str(flat.get("priority", "")).lower() == "spot"
    )


def _machines(provider: Mapping[str, Any]) -> dict[str, NodeType]:
    workers = provider.get("worker_ips")
    count = len(workers) if isinstance(workers, list) else 0
    return {
        "head": NodeType("head", None, 0, 0, str(provider.get("head_ip", "")), False),
        "worker": NodeType("worker", None, count, count, "", False),
    }


def _kuberay(path: Path, document: Document) -> ClusterFile:
    spec = _section(document.data.get("spec"))
    head = _section(spec.get("headGroupSpec"))
    nodes = {"head": NodeType("head", _cpus_of_pod(head), 0, 0, "pod", False)}
    groups = spec.get("workerGroupSpecs")
    for group in groups if isinstance(groups, list) else []:
        name = str(_section(group).get("groupName", "worker"))
        minimum, maximum = _count(group.get("minReplicas", 0)), _count(group.get("maxReplicas", 0))
        nodes[name] = NodeType(name, _cpus_of_pod(group), minimum, maximum, "pod", False)
    name = str(_section(document.data.get("metadata")).get("name", ""))
    return ClusterFile(path, "kuberay", document, name, "kuberay", nodes, "head", Options(idle_minutes=0.0))


def _cpus_of_pod(group: Mapping[str, Any]) -> float | None:
    """CPUs that Ray uses in a pod: what ``num-cpus`` says, else the limit of its first container."""
    given = _section(group.get("rayStartParams")).get("num-cpus")
    if given is not None:
        return _number(given)
    spec = _section(_section(group.get("template")).get("spec"))
    containers = spec.get("containers")
    first = _section(containers[0]) if isinstance(containers, list) and containers else {}
    resources = _section(first.get("resources"))
    text = str((_section(resources.get("limits")) or _section(resources.get("requests"))).get("cpu", ""))
    value = _number(text.removesuffix("m"))
    return None if value is None else math.ceil(value / 1000 if text.endswith("m") else value)


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _options(value: object, mistakes: Mistakes) -> Options:
    path: KeyPath = ("provider", "metagenx")
    if value is None:
        return Options()
    if not isinstance(value, Mapping):
        mistakes.add(path, 'must be a section of "key: value" lines')
        return Options()
    for key in value:
        if key not in OPTIONS:
            mistakes.unknown((*path, key), key, OPTIONS, "is an unknown key")
    found: dict[str, Any] = {key: value[key] for key in OPTIONS if value.get(key) is not None}
    for key in ("idle_minutes", "max_hours", "max_cost"):
        if key in found and not _is_amount(found[key], allow_zero=key == "idle_minutes"):
            mistakes.add((*path, key), f"is {found.pop(key)!r}, it must be a number above 0")
    if "ssh_from" in found:
        found["ssh_from"] = _network(found["ssh_from"], (*path, "ssh_from"), mistakes)
    if "currency" in found and not re.fullmatch(r"[A-Z]{3}", str(found["currency"])):
        mistakes.add((*path, "currency"), "must be three letters, such as USD")
    if "prices_per_hour" in found:
        found["prices_per_hour"] = _prices(found["prices_per_hour"], (*path, "prices_per_hour"), mistakes)
    return Options(**found)


def _prices(value: object, path: KeyPath, mistakes: Mistakes) -> dict[str, float]:
    if not isinstance(value, Mapping):
        mistakes.add(path, "must give a price for each kind of node, such as {head: 0.08, worker: 0.71}")
        return {}
    for name, price in value.items():
        if not _is_amount(price, allow_zero=True):
            mistakes.add((*path, name), f"is {price!r}, it must be a price per hour")
    return {name: float(price) for name, price in value.items() if _is_amount(price, allow_zero=True)}


def _network(value: object, path: KeyPath, mistakes: Mistakes) -> str:
    text = str(value)
    if text in ("me", "everyone"):
        return text
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        mistakes.add(path, f"is {text!r}, it must be me, everyone, or a network such as 192.0.2.0/24")
        return "me"


def _is_amount(value: object, *, allow_zero: bool) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return is_number and (value > 0 or (allow_zero and value == 0))  # type: ignore[operator]


def require_launcher(file: ClusterFile, what: str) -> None:
    """Raise InputError for a file that Ray's cluster launcher cannot start."""
    if file.kind == "kuberay":
        raise InputError(
            f"Kubernetes {what} this cluster, not Ray's launcher",
            where=str(file.path),
            hint="kubectl apply -f FILE starts it, kubectl delete -f FILE ends it; the file says how to reach it.",
        )
