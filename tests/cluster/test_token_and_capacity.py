"""The token that nobody else can read, and how large a cluster may grow."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from metagenx.errors import InputError
from metagenx.meta.capacity import announced_cpus
from metagenx.meta.ray_token import ensure_token

ROOT = Path(__file__).resolve().parents[2]


def test_token_is_made_for_its_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    file = ensure_token()
    assert file == tmp_path / ".ray" / "auth_token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = file.read_text()
    assert len(first) == 64
    assert int(first, 16)
    file.chmod(0o644)  # as Ray itself would have made it
    assert ensure_token().read_text() == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_token_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "mine"))
    assert ensure_token() == tmp_path / "mine"
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "mine" / "inside a file"))
    with pytest.raises(InputError, match="cannot be kept safe"):
        ensure_token()


def test_announced_cores(tmp_path: Path) -> None:
    assert announced_cpus(ROOT / "cluster.yaml") == 8 * 16
    assert announced_cpus(tmp_path / "none.yaml") == 0
    file = tmp_path / "two.yaml"
    file.write_text(
        "max_workers: 3\nhead_node_type: h\navailable_node_types:\n  h: {resources: {CPU: 64}}\n"
        "  small: {resources: {CPU: 4}, max_workers: 3}\n  large: {resources: {CPU: 32}, max_workers: 2}\n"
    )
    assert announced_cpus(file) == 2 * 32 + 4
    file.write_text("{")
    assert announced_cpus(file) == 0
