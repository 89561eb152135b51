"""A whole fit on one core and on all: real time, and that the answer and its cost are the same.

    python benchmarks/parallel_fit.py             # three files, a few minutes on an idle machine
    python benchmarks/parallel_fit.py --check     # exit 1 if an answer differs, or two cores gain less than 1.3x

One process a fit, `metagenx.fit(model, cores=…)` timed inside it, so that what the other processes cost at their start
is included and what all fits pay alike is not. Rounds are interleaved; medians.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from measure import ROOT, SHARED, arguments, finish, machine, table

FILES = ("SuperAdam_SiO", "X-ray_Reflectivity", "D17_TOF_SiO")
LEAST_GAIN = 1.3  # of 2 cores, for fits of LONG s and more on one
LONG = 5.0
FIT = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import metagenx
model = metagenx.load(sys.argv[2])
problem = model.problem()
begun = time.perf_counter()
fit = metagenx.fit(model, int(sys.argv[4]), problem=problem, cores=int(sys.argv[3]))
print(json.dumps({
    "seconds": time.perf_counter() - begun, "fom": fit.fom, "values": fit.values.tolist(), "cores": fit.restarts.cores,
    "evaluations": fit.evaluations, "in_vain": fit.restarts.in_vain, "runs": len(fit.restarts.runs),
}))
"""


def fit(name: str, cores: int, seed: int) -> dict[str, float]:
    file = str(SHARED / "genx_files" / f"{name}.hgx")
    command = [sys.executable, "-c", FIT, str(ROOT), file, str(cores), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from metagenx.fitting.cores import usable_cores

    options = arguments(
        __doc__ or "", ("--rounds", {"type": int, "default": 3}), ("--files", {"default": ",".join(FILES)})
    )
    names = options.files.split(",")[: 1 if options.quick else None]
    rounds = 1 if options.quick else options.rounds
    cores = usable_cores()
    rows, results, missed = [], {}, []
    for name in names:
        pairs = [(fit(name, 1, seed), fit(name, cores, seed)) for seed in range(rounds)]
        same = all(a[key] == b[key] for a, b in pairs for key in ("fom", "values", "evaluations", "runs"))
        one, all_of_them = (statistics.median(pair[i]["seconds"] for pair in pairs) for i in (0, 1))
        gain = statistics.median(a["seconds"] / b["seconds"] for a, b in pairs)
        used = max(int(b["cores"]) for _, b in pairs)
        vain = statistics.median(b["in_vain"] / b["evaluations"] for _, b in pairs)
        rows.append([name, f"{one:.2f}", f"{all_of_them:.2f}", f"{gain:.2f}", str(used), f"{100 * vain:.0f} %",
                     "the same" if same else "NOT the same"])  # fmt: skip
        results[name] = {"one": one, "all": all_of_them, "gain": gain, "cores": used, "in_vain": vain, "same": same}
        if not same:
            missed.append(f"{name}: another answer or cost on {cores} cores")
        if cores > 1 and one > LONG and gain < LEAST_GAIN:
            missed.append(f"{name}: {gain:.2f}x on {used} cores")
    print(machine())
    header = ["file", "1 core, s", f"{cores} cores, s", "gain", "used", "in vain", "answer and cost"]
    print(table(header, rows))
    finish(options, {"parallel_fit": results}, missed)


if __name__ == "__main__":
    main()
