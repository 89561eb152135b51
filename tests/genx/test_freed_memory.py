"""A fit does not give its memory back to the system after every generation."""

from __future__ import annotations

import platform
import resource
from pathlib import Path

import numpy as np
import pytest

import metagenx


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_a_generation_needs_no_new_pages(shared: Path) -> None:
    problem = metagenx.load(shared / "genx_files" / "SuperAdam_SiO.hgx").problem()
    vectors = np.random.default_rng(1).uniform(*problem.bounds.T, (50, len(problem.names)))
    for _ in range(3):
        problem.evaluate(vectors)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        problem.evaluate(vectors)
    # It was 750 in every generation: a population's arrays, filled with zeros again and again.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 1000
