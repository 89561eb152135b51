"""The fixture `ask_genx`: GenX's answers about files, from GenX itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

Ask = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def ask_genx(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Give GenX a list of requests (see genx_black_box.py) and get a list of answers."""
    from genx_environment import GenxMissing, genx_python

    try:
        python = genx_python()
    except GenxMissing as missing:
        pytest.skip(f"GenX cannot be run here: {missing}")
    script = Path(__file__).with_name("genx_black_box.py")

    def ask(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        folder = tmp_path_factory.mktemp("genx")
        path = folder / "request.json"
        path.write_text(json.dumps(requests), encoding="utf-8")
        # Away from the project, and without its settings: this is another program.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_", "COVERAGE"))}
        done = subprocess.run(
            [str(python), str(script), str(path)],
            capture_output=True,
            text=True,
            timeout=280,
            cwd=folder,
            env={**environment, "NUMBA_NUM_THREADS": "1", "HOME": os.environ.get("HOME", str(folder))},
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        answers: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        assert len(answers) == len(requests)
        return answers

    return ask
