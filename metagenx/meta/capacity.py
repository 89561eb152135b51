"""How many cores a cluster may grow to, as its head knows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

BOOTSTRAP = Path("~/ray_bootstrap_config.yaml")  # Ray's launcher leaves the cluster file there, on the head


def announced_cpus(path: Path = BOOTSTRAP) -> int:
    """Cores of all worker nodes that the autoscaler may start; 0 if this is no head of such a cluster."""
    import yaml

    try:
        content = yaml.safe_load(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return 0
    if not isinstance(content, Mapping) or not isinstance(content.get("available_node_types"), Mapping):
        return 0
    kinds: Mapping[str, Any] = content["available_node_types"]
    head, left, total = content.get("head_node_type"), content.get("max_workers", 0), 0.0
    found = [(_cpus(kind), kind.get("max_workers", left)) for name, kind in kinds.items() if name != head]
    for cpus, most in sorted(found, reverse=True):
        total, left = total + cpus * min(left, most), left - min(left, most)
    return int(total)


def _cpus(kind: Mapping[str, Any]) -> float:
    resources = kind.get("resources")
    found = resources.get("CPU", 0) if isinstance(resources, Mapping) else 0
    return float(found) if isinstance(found, int | float) else 0.0
