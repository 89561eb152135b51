"""A full disk is told once, by what could not be kept; the log of Ray, on the same disk, does not speak over it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from metagenx.errors import ResourcesSpent
from metagenx.meta.ray_session import _quiet_loggers

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_the_message_of_a_full_disk_comes_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tune.log").symlink_to(FULL)
    logger = logging.getLogger("ray")
    before = logger.handlers[:]
    with pytest.raises(ResourcesSpent, match="the disk is full"), _quiet_loggers(tmp_path):  # noqa: PT012
        logger.warning("a node died")
        raise ResourcesSpent("the disk is full")
    assert logger.handlers == before
    assert "Traceback" not in capsys.readouterr().err
