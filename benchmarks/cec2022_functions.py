"""Three functions of CEC 2022 (A. Kumar et al., Technical Report, 2021) in 10 dimensions, compiled, as errors f − f*.

Written from their definitions; shift vectors and rotations come from opfunu, which runs in an environment of its own
and is called, not copied. Whatever is used has been compared with opfunu at 200 points to 1e-10 first (:func:`load`).
What opfunu 1.0.4 calls F3, Schaffer's F7, is the expanded Schaffer F6 with a scale of 0.005; so is ours.

    python benchmarks/cec2022_functions.py        makes that environment, compares, and prints the largest differences

METAGENX_OPFUNU_PYTHON names an interpreter that can import opfunu; without it, these commands make one:

    python -m venv opfunu
    opfunu/bin/python -m pip install opfunu==1.0.4 'setuptools<80'
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import measure  # noqa: F401  (where the tests' modules are)
import numba
import numpy as np

N_DIM, HALF_WIDTH = 10, 100.0
NUMBERS = (2, 3, 5)
SOLVED = 1e-8  # CEC: smaller errors are zero
PACKAGES = ("opfunu==1.0.4", "setuptools<80")

_EXPORT = """
import json, numpy as np
from opfunu.cec_based import cec2022
rng, out = np.random.default_rng(2022), {}
for number in (2, 3, 5):
    f = getattr(cec2022, f"F{number}2022")(ndim=10)
    points = rng.uniform(-100, 100, (200, 10))
    points[100:] = 0.02 * points[100:] + f.f_shift
    out[number] = {"shift": f.f_shift.tolist(), "matrix": np.asarray(f.f_matrix).tolist(), "points": points.tolist(),
                   "errors": [float(f.evaluate(x)) - float(f.f_global) for x in points]}
print(json.dumps(out))
"""


@dataclass(frozen=True)
class Function:
    """Number in CEC 2022, shift ``(10,)``, rotation ``(10, 10)``, largest relative difference to opfunu."""

    number: int
    shift: np.ndarray
    matrix: np.ndarray
    difference: float


@numba.njit(error_model="numpy")
def error_at(number: int, x: np.ndarray, shift: np.ndarray, matrix: np.ndarray, z: np.ndarray) -> float:
    """f − f* at a point ``(10,)``; ``z`` is scratch of that size."""
    n = len(x)
    scale, add = 2.048 / 100.0, 1.0
    if number == 3:
        scale, add = 0.5 / 100.0, 0.0
    elif number == 5:
        scale, add = 5.12 / 100.0, 0.0
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += matrix[i, j] * (scale * (x[j] - shift[j]))
        z[i] = total + add
    found = 0.0
    if number == 2:  # Rosenbrock
        for i in range(n - 1):
            found += 100.0 * (z[i] * z[i] - z[i + 1]) ** 2 + (z[i] - 1.0) ** 2
    elif number == 3:  # expanded Schaffer F6
        for i in range(n):
            squares = z[i] ** 2 + z[(i + 1) % n] ** 2
            found += 0.5 + (np.sin(np.sqrt(squares)) ** 2 - 0.5) / (1.0 + 0.001 * squares) ** 2
    else:  # Levy
        for i in range(n - 1):
            w = 1.0 + z[i] / 4.0
            found += (w - 1.0) ** 2 * (1.0 + 10.0 * np.sin(np.pi * w + 1.0) ** 2)
        last = 1.0 + z[n - 1] / 4.0
        found += np.sin(np.pi * (1.0 + z[0] / 4.0)) ** 2
        found += (last - 1.0) ** 2 * (1.0 + np.sin(2.0 * np.pi * last) ** 2)
    return found


@numba.njit
def errors_at(number: int, points: np.ndarray, shift: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The same ``(n,)`` of points ``(n, 10)``."""
    found, z = np.empty(len(points)), np.empty(points.shape[1])
    for i in range(len(points)):
        found[i] = error_at(number, points[i], shift, matrix, z)
    return found


@cache
def load() -> dict[int, Function]:
    """The functions, compared with opfunu to 1e-10; leaves with a message where they differ or opfunu cannot be had."""
    ran = subprocess.run([_python(), "-c", _EXPORT], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"opfunu does not run: {ran.stderr.strip().splitlines()[-1]}")
    found = {}
    for number, data in json.loads(ran.stdout).items():
        shift, matrix, points, errors = (np.array(data[name]) for name in ("shift", "matrix", "points", "errors"))
        mine = errors_at(int(number), points, shift, matrix)
        difference = float(np.max(np.abs(mine - errors) / np.maximum(1.0, np.abs(errors))))
        if not difference < 1e-10:
            raise SystemExit(f"F{number} differs from opfunu's by {difference:.1e}")
        found[int(number)] = Function(int(number), shift, matrix, difference)
    return found


def _python() -> str:
    named = os.environ.get("METAGENX_OPFUNU_PYTHON")
    if named:
        return named
    from genx_environment import _cache_folder

    folder: Path = _cache_folder() / "opfunu"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    if subprocess.run([str(python), "-c", "import opfunu"], capture_output=True, check=False).returncode:
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return str(python)


if __name__ == "__main__":
    for function in load().values():
        print(f"F{function.number}: at most {function.difference:.1e} from opfunu, relative")
