"""An experiment that is slow enough to be disturbed, and the tables of two runs, compared but for times and hosts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

CHANGING = ("seconds", "host")

_SLOW = f"""
name: disturbed
model: {{function: {Path(__file__).parent / "problems.py"}:slow}}
search_space:
  version: 1
  algorithm: de
  parameters: {{kr: {{float: [0.1, 0.9]}}}}
  fixed: {{use_stagnation: true}}
test: {{start: {{perturb: 0 %}}}}
tune: {{trials: 4, validate: 14}}
budget: {{evaluations: EVALUATIONS}}
seed: 5
"""


def slow_experiment(path: Path, evaluations: int) -> Path:
    """Write the experiment to a file."""
    path.write_text(_SLOW.replace("EVALUATIONS", str(evaluations)), encoding="utf-8")
    return path


def tables(run: Path) -> dict[str, str]:
    """Every result of a run as text, without what may differ between two runs of the same experiment."""
    found = {}
    for path in sorted(run.glob("*.csv")):
        header, *lines = path.read_text(encoding="utf-8").splitlines()
        kept = [i for i, name in enumerate(header.split(",")) if name not in CHANGING]
        assert len(kept) >= len(header.split(",")) - len(CHANGING)
        found[path.name] = "\n".join(",".join(line.split(",")[i] for i in kept) for line in [header, *lines])
    found["verdict.json"] = json.dumps(json.loads((run / "verdict.json").read_text(encoding="utf-8")), sort_keys=True)
    with np.load(run / "traces.npz") as archive:
        found["traces.npz"] = json.dumps({name: archive[name].tolist() for name in archive.files})
    return found


def the_run(out: Path, name: str) -> Path:
    """The only run folder of an experiment."""
    runs = [path for path in (out / name).iterdir() if path.is_dir() and not path.is_symlink()]
    assert len(runs) == 1, runs
    return runs[0]


_AUTOMATIC = f"""
name: automatic
model: {{function: {Path(__file__).parent / "problems.py"}:PROBLEM}}
test: {{start: {{perturb: 0 %}}}}
tune: {{trials: 14, validate: 20, searcher: random}}
budget: {{evaluations: EVALUATIONS}}
seed: 6
"""


def automatic_experiment(path: Path, problem: str, evaluations: int) -> Path:
    """Write an experiment that names no search space to a file."""
    path.write_text(_AUTOMATIC.replace("PROBLEM", problem).replace("EVALUATIONS", str(evaluations)), encoding="utf-8")
    return path
