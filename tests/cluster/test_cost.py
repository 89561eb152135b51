"""Prices before, costs meanwhile, ceilings at the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from metagenx.cli import main
from metagenx.cluster.check import check_cluster
from metagenx.cluster.cost import CostMeter, price_of, require_price
from metagenx.cluster.places import ceilings
from metagenx.errors import EXIT_BAD_INPUT, InputError

ROOT = Path(__file__).resolve().parents[2]


def test_price_of_the_shipped_file() -> None:
    price = price_of(check_cluster(ROOT / "cluster.yaml"))
    assert price is not None
    assert price.most == pytest.approx(0.0832 + 8 * 0.714)
    assert "0.08 USD an hour for the head, up to 5.80 USD an hour with 8 workers" in price.line


def test_price_says_where_it_is_from() -> None:
    file = check_cluster(ROOT / "cluster.yaml")
    asked = price_of(file, {"head": 0.1, "worker": 0.25})
    assert asked is not None
    assert (asked.most, asked.source) == (pytest.approx(2.1), "as the cloud says now")
    partly = price_of(file, {"worker": 0.25})
    assert partly is not None
    assert partly.most == pytest.approx(0.0832 + 2.0)
    assert partly.source == "worker as the cloud says now, the rest by the cluster file"


def test_no_price_no_start(tmp_path: Path) -> None:
    file = check_cluster(ROOT / "clusters" / "gcp.yaml")
    with pytest.raises(InputError, match="what this cluster costs is not known"):
        require_price(file, price_of(file), without=False)
    require_price(file, None, without=True)
    found = CliRunner().invoke(main, ["cluster", "up", str(ROOT / "clusters" / "gcp.yaml"), "--yes"])
    assert found.exit_code == EXIT_BAD_INPUT
    free = price_of(check_cluster(ROOT / "clusters" / "on-premise.yaml"))
    assert free is not None
    assert free.most == 0.0


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_meter_counts_nodes_and_sessions(tmp_path: Path) -> None:
    clock, nodes = Clock(), [0]
    file = tmp_path / "cost.json"
    meter = CostMeter(file, (0.1, 1.0), None, 5.0, nodes=lambda: nodes[0], now=clock)
    clock.now = 3600.0  # an hour of the head alone
    assert not meter.is_reached()
    nodes[0] = 4
    clock.now = 5400.0
    assert not meter.is_reached()
    assert meter.cost == pytest.approx(0.1 + 0.5 * 4.1)
    assert json.loads(file.read_text())["cost"] == pytest.approx(2.15)
    again = CostMeter(file, (0.1, 1.0), None, 5.0, nodes=lambda: 4, now=clock)  # a second session
    clock.now += 3000.0
    assert again.is_reached()
    assert again.reached == "5 USD"
    assert again.hours == pytest.approx(1.5 + 3000 / 3600)


def test_meter_in_hours_without_prices(tmp_path: Path) -> None:
    clock = Clock()
    meter = CostMeter(tmp_path / "cost.json", None, 2.0, None, nodes=lambda: 1 // 0, now=clock)
    clock.now = 7199.0
    assert not meter.is_reached()
    clock.now = 7210.0
    assert meter.is_reached()
    assert (meter.reached, meter.cost) == ("2 hours", 0.0)


def test_the_smaller_ceiling_counts() -> None:
    file = check_cluster(ROOT / "cluster.yaml")
    price = price_of(file)
    assert ceilings(file, 3.0, None, price)["max_hours"] == 3.0
    assert ceilings(file, 30.0, 100.0, price) | {} == {
        "max_hours": 12, "max_cost": 25, "prices": (0.0832, 0.714), "currency": "USD",
    }  # fmt: skip
    with pytest.raises(InputError, match="needs a price"):
        ceilings(None, None, 5.0, None)
    assert ceilings(None, None, None, None)["max_cost"] is None
