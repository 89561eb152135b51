"""Gather what tabular_measure.py has stored into the table that comes with metagenx, and say how good it is.

    python benchmarks/tabular_publish.py --store measured.jsonl

A surrogate is of use if it ranks settings that it has not seen: the rank correlation out of bag must reach 0.7 in every
family, else more runs are needed (run tabular_measure.py again with more evaluations).
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from measure import ROOT, arguments, finish, table
from tabular_measure import LONGEST, SEED, lines

from metagenx.meta.measured_table import MeasuredRuns, write_table
from metagenx.meta.replay import LEAST_CORRELATION, TabularBenchmark

PLACE = ROOT / "metagenx" / "meta" / "tables" / "measured.csv.gz"


def gathered(store: Path) -> list[MeasuredRuns]:
    """The waves of each setting on each sample, put together; in the order of their making."""
    rows = {}
    costs: dict[tuple[str, str], list[int]] = defaultdict(list)
    hits: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for line in lines(store):
        key = line["setting"], line["sample"]
        if line["first"] == len(costs[key]):
            rows.setdefault(key, line)
            costs[key] += line["costs"]
            hits[key] += [bool(hit) for hit in line["hits"]]
    names = ("create_trial", "km", "kr", "pop_mult")
    made = [
        MeasuredRuns(
            row["setting"],
            {name: row[name] for name in names},
            row["sample"],
            row["n_dim"],
            np.array(costs[key], dtype=float),
            np.array(hits[key], dtype=bool),
        )
        for key, row in rows.items()
    ]
    samples = sorted({row.sample for row in made})
    complete = {row.setting for row in made if all((row.setting, sample) in rows for sample in samples)}
    return [row for row in made if row.setting in complete]


def main() -> None:
    options = arguments(
        str(__doc__),
        ("--store", {"type": Path, "default": Path("measured.jsonl")}),
        ("--out", {"type": Path, "default": PLACE}),
    )
    rows = gathered(options.store)
    settings = list(dict.fromkeys(row.setting for row in rows))
    spent = int(sum(row.costs.sum() for row in rows))
    least = min(int(row.costs.sum()) for row in rows)
    runs = sum(len(row.costs) for row in rows)
    said = (
        f"{len(settings)} settings on samples 0 to 3 of three families: {runs:,} runs, {spent:,} evaluations, at least "
        f"{least:,} of every setting on every sample.\n"
        f"Made by benchmarks/tabular_measure.py (seed {SEED}) and tabular_publish.py. A run ended in the right basin\n"
        "(FOM <= 1.01 f*, parameters within three error bars), by stagnation, or after "
        f"{LONGEST:g} (parameters)^3 evaluations;\n"
        "runs: evaluations of each run, with a minus where it did not hit."
    )
    write_table(options.out, rows, said)
    print(said)
    print(f"{options.out.stat().st_size:,} bytes")
    benchmark = TabularBenchmark.from_table(options.out)
    shown, missed = [], []
    for family in benchmark.families:
        alone = TabularBenchmark.from_table(options.out, [family])
        found = benchmark.out_of_bag[family]
        default = alone.score(alone.default)
        shown.append([family, f"{found:.2f}", f"{default:.3f}", f"{alone.best[1]:.3f}", str(alone.best[0])])
        if found < LEAST_CORRELATION:
            missed.append(f"{family}: the rank correlation out of bag is {found:.2f}, it must be {LEAST_CORRELATION}")
    header = ["family", "rank correlation out of bag", "log10 ERT of the default", "of the best", "which is"]
    print(table(header, shown))
    results = {"settings": len(settings), "runs": runs, "evaluations": spent, "out_of_bag": benchmark.out_of_bag}
    finish(options, results, missed)


if __name__ == "__main__":
    main()
