"""The Grafana file asks for metrics that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

from metagenx.meta.ray_metrics import GAUGES

ROOT = Path(__file__).resolve().parents[2]


def test_grafana_asks_for_what_there_is() -> None:
    dashboard = json.loads((ROOT / "clusters" / "grafana.json").read_text())
    asked = set(re.findall(r"ray_metagenx_(\w+)", json.dumps(dashboard)))
    assert asked <= {*GAUGES, "cost"}
    assert {"evaluations_per_second", "success_rate", "best_fom", "cost"} <= asked
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
