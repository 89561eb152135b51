"""The width of the vectors: chosen before numba is imported, and without influence on the numbers."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

PROGRAM = """
import sys
{before}
import numpy as np
from metagenx.physics import compiled, specular
rng = np.random.default_rng(1)
potential = -rng.uniform(0, 4e-3, (3, 6)) + 1j * rng.uniform(0, 4e-4, (3, 6))
potential[:, -1] = 0
blocks = specular.Blocks((1, 3), (3, 5), np.array([[7, 1], [1, 2], [0, 4]]))
r = specular.amplitude(
    np.linspace(1e-10, 0.6, 300), potential, np.ones(3), rng.uniform(0, 100, (3, 6)), rng.uniform(0, 8, (3, 6)), blocks
)
sys.stdout.buffer.write(compiled.vector_bits().to_bytes(2, "little") + r.tobytes())
"""


def run(bits: str, before: str = "") -> tuple[int, np.ndarray]:
    environment = {name: value for name, value in os.environ.items() if name != "METAGENX_VECTOR_BITS"}
    if bits:
        environment["METAGENX_VECTOR_BITS"] = bits
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)],
        env=environment,
        capture_output=True,
        check=True,
    )
    return int.from_bytes(done.stdout[:2], "little"), np.frombuffer(done.stdout[2:], dtype=complex)


@pytest.mark.timeout(600)
def test_same_numbers_for_each_width() -> None:
    narrow, expected = run("256")
    wide, numbers = run("512")
    assert narrow == 256
    assert wide in (256, 512)  # 512 only where the processor has it
    np.testing.assert_allclose(numbers, expected, rtol=1e-13, atol=1e-16)


@pytest.mark.timeout(600)
def test_no_choice_is_made_for_others() -> None:
    width, numbers = run("512", before="import numba")
    assert width == 0
    np.testing.assert_allclose(numbers, run("")[1], rtol=1e-13, atol=1e-16)
