"""Every loop of the kernels becomes vector instructions: one that quietly does not takes ten times as long."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys

import pytest

MODULES = ("wave_vectors", "transfer", "spin_transfer")

PROGRAM = """
import importlib, inspect, sys
import numpy as np
from metagenx.physics import compiled
import numba
from numba import types
import llvmlite.binding as llvm

llvm.set_option("", "--pass-remarks=loop-vectorize")
kinds = {"np.ndarray": types.float64[::1], "int": types.int64, "float": types.float64,
         "complex": types.complex128, "bool": types.boolean}
for name in sys.argv[1:]:
    module = importlib.import_module(f"metagenx.physics.{name}")
    for function, dispatcher in vars(module).items():
        plain = getattr(dispatcher, "py_func", None)
        if plain is None or plain.__module__ != module.__name__ or "range(8 * n)" not in inspect.getsource(plain):
            continue
        signature = tuple(kinds[p.annotation] for p in inspect.signature(plain).parameters.values())
        print("FUNCTION", name, function, file=sys.stderr, flush=True)
        # Compiled anew: what comes from the cache tells nothing.
        numba.njit(nogil=True, error_model="numpy", fastmath=compiled.RELAXED)(plain).compile(signature)
"""


@pytest.mark.timeout(600)
def test_every_loop_is_vectorised(tmp_path) -> None:
    if os.uname().machine not in ("x86_64", "AMD64"):
        pytest.skip("what vectorises was looked at on x86-64 only")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *MODULES], env=environment, capture_output=True, text=True, check=True
    )
    parts = re.split(r"^FUNCTION (\w+) (\w+)$", done.stderr, flags=re.MULTILINE)[1:]
    found = {(parts[i], parts[i + 1]): parts[i + 2].count("vectorized loop (") for i in range(0, len(parts), 3)}
    assert len(found) > 15
    if not any(found.values()):
        pytest.skip("this version of the compiler does not tell")
    import importlib

    for (module, function), n_vectorised in found.items():
        plain = getattr(importlib.import_module(f"metagenx.physics.{module}"), function).py_func
        n_loop = inspect.getsource(plain).count("range(8 * n)")
        assert n_vectorised >= n_loop, f"{module}.{function}: {n_vectorised} of {n_loop} loops"
