"""Whole differential evolution fits, ours beside GenX's, one thread each, in one run.

GenX runs as it is shipped, in its own environment, through its own command line (`genx --run --nb1`), and reports its
own speed; ours runs the same file with the same settings for the same number of generations. Rounds alternate; the
figures are medians, the ratio is taken round by round.

    python benchmarks/engine.py [--quick] [--json] [--check]
"""

from __future__ import annotations

import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import measure

AIMS = {"X-ray_Reflectivity": 20.0, "SuperAdam_SiO": 20.0}
EXTRA = ["SuperAdam_SiO_full_res_calc", "D17_TOF_SiO"]
SPEED = re.compile(r"Speed: *([0-9.]+)")


def genx_speed(python: str, file: Path, generations: int) -> float:
    """Evaluations per second that GenX reports of its own fit."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-m", "genx.run", "--run", "--nb1", "--no-curses", "--mgen", str(generations)]
        command += [str(file), str(Path(folder) / "out.hgx")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, stdin=subprocess.DEVNULL)
        speeds = [float(s) for s in SPEED.findall(done.stdout + done.stderr)]
    if not speeds:
        raise SystemExit(f"GenX printed no speed for {file.name}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return statistics.median(speeds)


def our_speed(file: Path, generations: int) -> float:
    """Evaluations per second of our fit of the same file with the same settings."""
    import numpy as np

    import metagenx
    from metagenx.fitting.run import run_fit

    model = metagenx.load(file)
    problem = model.problem()
    settings = metagenx.Settings.from_options(model.options).replace(
        use_max_generations=True, max_generations=generations
    )
    start = time.perf_counter()
    result = run_fit(problem, settings, initial=np.random.default_rng(1), moves=np.random.default_rng(2))
    return result.evaluations / (time.perf_counter() - start)


def main() -> None:
    options = measure.arguments(__doc__ or "")
    from genx_environment import genx_python

    measure.pin()
    python = str(genx_python())
    rounds, generations = (3, 20) if options.quick else (7, 60)
    names = list(AIMS) if options.quick else [*AIMS, *EXTRA]
    print(measure.machine())
    rows, results, missed = [], {}, []
    for name in names:
        file = measure.SHARED / "genx_files" / f"{name}.hgx"
        our_speed(file, 5)  # compiles, or loads the cache
        pairs = [(genx_speed(python, file, generations), our_speed(file, 10 * generations)) for _ in range(rounds)]
        theirs, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(o / t for t, o in pairs)
        aim = AIMS.get(name)
        rows.append([name, f"{theirs:.0f}", f"{ours:.0f}", f"{ratio:.1f}", f"{aim:.0f}" if aim else "-"])
        results[name] = {"genx": theirs, "metagenx": ours, "ratio": ratio, "aim": aim}
        if aim and ratio < aim:
            missed.append(f"{name}: {ratio:.1f} times GenX, the aim is {aim:.0f}")
    header = ["file", "GenX, evaluations/s", "metagenx, evaluations/s", "ratio", "aim"]
    print(measure.table(header, rows))
    measure.finish(options, {"engine": results}, missed)


if __name__ == "__main__":
    main()
