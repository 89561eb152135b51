"""How long metagenx takes to start: help, a small fit with compiled kernels on disk, the very first fit.

    python benchmarks/start.py            # about a minute on an idle machine
    python benchmarks/start.py --check    # exit 1 where a goal is missed

Each figure is the real time of a whole process, from its start to its end, the shortest of some; processor time beside
it, because a busy machine is slow without being wrong. The first start is that of a copy of the package without
compiled kernels, with a home of its own; the second process of that copy must not compile anything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from measure import ROOT, SHARED, arguments, finish, machine, table

GOALS = {"help": 0.15, "small fit, warm": 2.0, "small fit, first start": 8.0}  # s
COUNTING = """
import sys
import metagenx.physics.compiled
assert metagenx.__file__.startswith(sys.argv.pop(1)), metagenx.__file__
from numba.core import event
class Compiles(event.Listener):
    count = 0
    def on_start(self, event): self.count += 1
    def on_end(self, event): pass
compiles = Compiles()
event.register("numba:compile", compiles)
from metagenx.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("compiled", compiles.count, file=sys.stderr)
"""


class Measured(NamedTuple):
    """One process."""

    seconds: float
    processor: float
    errors: str


def run(*command: str, **environment: str) -> Measured:
    begun, before = time.perf_counter(), os.times()
    # -P: not the package in the folder that this was started from, but the one that is meant.
    done = subprocess.run(
        [sys.executable, "-P", *command], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    after = os.times()
    if done.returncode not in (0, 3):
        raise SystemExit(done.stderr)
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(time.perf_counter() - begun, spent, done.stderr)


def best(times: int, *command: str, **environment: str) -> Measured:
    return min((run(*command, **environment) for _ in range(times)), key=lambda found: found.seconds)


def small_film(path: Path) -> str:
    """Four parameters of an iron film on silicon, 200 points: as small as a real fit gets."""
    sys.path.insert(0, str(ROOT))
    import numpy as np

    import metagenx
    from metagenx.genx.data import DataList, DataSet
    from metagenx.genx.file import GenxFile, Row, write

    script = """\
import models.spec_nx as model
from models.utils import fp
inst = model.Instrument(probe='x-ray', wavelength=1.54, coords='2θ', Ibkg=1e-6)
Amb = model.Layer()
Film = model.Layer(d=310.0, dens=0.085, f=fp.Fe, sigma=4.0)
Sub = model.Layer(dens=0.05, f=fp.Si, sigma=3.0)
sample = model.Sample(Stacks=[model.Stack(Layers=[Film])], Ambient=Amb, Substrate=Sub)
def Sim(data):
    return [sample.SimSpecular(d.x, inst) for d in data]
"""
    x = np.linspace(0.2, 5.0, 200)
    rows = [("Film.setD", 310.0, 200.0, 400.0), ("Film.setDens", 0.085, 0.07, 0.095)]
    rows += [("Film.setSigma", 4.0, 1.0, 9.0), ("Sub.setSigma", 3.0, 1.0, 9.0)]
    points = [Row(name, value, True, low, high) for name, value, low, high in rows]
    file = GenxFile(script=script, fom_name="log", table=points, data=DataList([DataSet("film", x, x, x)]))
    (ideal,) = metagenx.Model(file).simulate({"Film.setD": 331.0, "Film.setSigma": 5.0})
    noise = np.random.default_rng(1).normal(0.0, 0.04, len(x))
    file.data = DataList([DataSet("film", x, ideal * (1 + noise), 0.04 * ideal)])
    write(file, path)
    return str(path)


def bare_copy(folder: Path) -> dict[str, str]:
    """A copy of the package that has never been used, and the environment of its first user."""
    shutil.copytree(ROOT / "metagenx", folder / "metagenx", ignore=shutil.ignore_patterns("*.nbi", "*.nbc", "*.lock"))
    home = folder / "home"
    (home / "tmp").mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder / "metagenx")], check=False)  # as pip does
    kept = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), "TMPDIR": str(home / "tmp")}
    return {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": "", **kept}


def main() -> None:
    options = arguments(__doc__ or "")
    results: dict[str, Measured] = {}
    compiled: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="metagenx-start-") as place:
        folder = Path(place)
        film = small_film(folder / "small.hgx")
        fit = ("fit", film, "-o", str(folder / "fitted.hgx"))
        files = {"small fit": fit}
        if not options.quick and SHARED.is_dir():
            multilayer = str(SHARED / "genx_files" / "X-ray_Reflectivity.hgx")
            files["X-ray_Reflectivity, 500 evaluations"] = ("fit", multilayer, "--evals", "500")
        results["help"] = best(9, "-m", "metagenx", "--help")
        for name, command in files.items():
            copy = folder / name.split()[0]
            copy.mkdir()
            environment = bare_copy(copy)
            first = run("-m", "metagenx", *command, **environment)
            second = run("-c", COUNTING, str(copy), *command, **environment)
            compiled[name] = int(second.errors.rsplit("compiled ", 1)[1])
            results[f"{name}, warm"] = best(3 if options.quick else 5, "-m", "metagenx", *command, **environment)
            results[f"{name}, first start"] = first
    rows = [
        [name, f"{found.seconds:.2f}", f"{found.processor:.2f}", f"{GOALS[name]:g}" if name in GOALS else ""]
        for name, found in results.items()
    ]
    print(machine())
    print(table(["", "s", "processor s", "goal"], rows))
    print(", ".join(f"the second process of {name} compiled {count} functions" for name, count in compiled.items()))
    missed = [f"{name}: {results[name].seconds:.2f} s, goal {goal} s" for name, goal in GOALS.items()
              if results[name].seconds > goal]  # fmt: skip
    missed += [f"{name}: compiled twice" for name, count in compiled.items() if count]
    figures = {name: {"seconds": found.seconds, "processor": found.processor} for name, found in results.items()}
    finish(options, {"start": figures, "compiled_twice": compiled}, missed)


if __name__ == "__main__":
    main()
