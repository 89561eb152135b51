"""Our six schemes against recorded runs of GenX's own differential evolution.

For every file, scheme and generation 10, 30 and last: the 0.5 to 99.5 % band of the best FOM over our runs,
and how many of GenX's recorded runs lie outside. Over all, no more may be outside than the binomial law
allows at 1 %. Our runs use the recorded settings and the engine of every fit; independent runs share a batch.

    python benchmarks/schemes_against_genx.py [--quick] [--json] [--check] [--runs 1000] [--seed 1]
        [--files NAME,NAME] [--schemes NAME,NAME] [--store FILE.npz]

`--store` keeps what is finished, and an interrupted benchmark goes on from there. `--quick`: 100 runs, the
X-ray file, generations 10 and 30.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measure import SHARED, arguments, finish, machine, pin, table
from scipy.stats import binom, ks_2samp

import metagenx
from metagenx.fitting import de
from metagenx.fitting.problem import Problem
from metagenx.fitting.schemes import SCHEMES
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream

FILES = ("X-ray_Reflectivity", "SuperAdam_SiO", "D17_TOF_SiO")
BAND = (0.005, 0.995)
LEVEL = 0.01
TOGETHER = 100  # runs in lockstep
ROWS_AT_ONCE = 512  # of one evaluation: what stays in the cache


@dataclass(frozen=True)
class Recorded:
    """What GenX did on one file."""

    name: str
    manifest: dict[str, Any]
    foms: dict[str, np.ndarray]  # scheme → (repeat, generation)
    evaluations: dict[str, np.ndarray]

    @property
    def generations(self) -> int:
        return int(self.manifest["generations"])

    @property
    def checked(self) -> tuple[int, ...]:
        return (10, 30, self.generations)

    def settings(self, scheme: str, generations: int) -> Settings:
        return Settings(
            **self.manifest["settings"],
            create_trial=scheme,
            use_max_generations=True,
            max_generations=generations,
            # Only JADE looks into the log, and a hundred logs are much memory.
            max_log_elements=100_000 if scheme == "jade_best" else 1,
        )


def recorded(name: str) -> Recorded:
    folder = SHARED / "reference"
    manifest = json.loads((folder / f"convergence_{name}.json").read_text(encoding="utf-8"))
    with np.load(folder / f"convergence_{name}.npz") as arrays:
        foms = {scheme: arrays[f"fom__{scheme}"] for scheme in manifest["schemes"]}
        evaluations = {scheme: arrays[f"n_eval__{scheme}"] for scheme in manifest["schemes"]}
    return Recorded(name, manifest, foms, evaluations)


def problem_of(record: Recorded) -> Problem:
    """The file as a problem; its fitted rows must be those of the record."""
    problem = metagenx.load(SHARED / "genx_files" / f"{record.name}.hgx").problem()
    rows = [row for row in record.manifest["parameters"] if row[0] and row[2]]
    table_of_record = [(name, value, low, high) for name, value, _, low, high, _ in rows]
    ours = list(zip(problem.names, problem.start, *problem.bounds.T, strict=True))
    if ours != table_of_record:
        raise SystemExit(f"{record.name}: the fitted rows of the file are not those of the record")
    return problem


def runs_in_lockstep(
    problem: Problem, settings: Settings, sample: str, seed: int, first: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Best FOM and evaluations (run, generation) of independent runs, evaluated in common batches."""
    states = [
        de.begin(
            settings,
            problem.bounds,
            initial=initial_stream(seed, sample, run),
            moves=moves_stream(seed, settings.hash(), sample, run),
            start=problem.start,
        )
        for run in range(first, first + count)
    ]
    spent: list[dict[int, int]] = [{} for _ in states]
    running = list(range(count))
    while running:
        asked = [de.ask(states[i]) for i in running]
        foms = evaluate(problem, np.concatenate(asked))
        ends = np.cumsum([len(vectors) for vectors in asked])
        for i, part in zip(running, np.split(foms, ends[:-1]), strict=True):
            de.tell(states[i], part)
            spent[i].setdefault(states[i].generation, states[i].evaluations)
        running = [i for i in running if states[i].stop is None]
    wrong = [state.stop for state in states if state.stop != "max generations"]
    if wrong:
        raise SystemExit(f"{sample}, {settings.create_trial}: a run ended by {wrong[0]}")
    foms_of_runs = np.array([[fom for _, fom in state.fom_log] for state in states])
    return foms_of_runs, np.array([[by[g] for g in range(settings.max_generations + 1)] for by in spent])


def evaluate(problem: Problem, vectors: np.ndarray) -> np.ndarray:
    parts = [problem.evaluate(vectors[i : i + ROWS_AT_ONCE]) for i in range(0, len(vectors), ROWS_AT_ONCE)]
    return np.concatenate(parts)


def our_runs(record: Recorded, scheme: str, options: Any, generations: int) -> tuple[np.ndarray, np.ndarray]:
    """Our runs of one file and scheme, from the store as far as they are there."""
    key = f"{record.name}__{scheme}__{options.seed}__{generations}"
    store = Path(options.store) if options.store else None
    kept = dict(np.load(store)) if store and store.exists() else {}
    foms = kept.get(f"fom__{key}", np.empty((0, generations + 1)))
    spent = kept.get(f"n_eval__{key}", np.empty((0, generations + 1)))
    problem = problem_of(record) if len(foms) < options.runs else None
    while problem is not None and len(foms) < options.runs:
        count = min(TOGETHER, options.runs - len(foms))
        settings = record.settings(scheme, generations)
        new = runs_in_lockstep(problem, settings, record.name, options.seed, len(foms), count)
        foms, spent = np.concatenate([foms, new[0]]), np.concatenate([spent, new[1]])
        if store:
            kept |= {f"fom__{key}": foms, f"n_eval__{key}": spent}
            part = store.with_suffix(".part.npz")
            np.savez(part, **kept)
            part.replace(store)
    return foms[: options.runs], spent[: options.runs]


def compare(record: Recorded, scheme: str, generation: int, ours: np.ndarray) -> dict[str, Any]:
    """One row: our band, and GenX's values in it."""
    theirs = record.foms[scheme][:, generation]
    # Weibull's plotting positions: a new value of the same law falls outside with just the named probability.
    low, middle, high = np.quantile(ours[:, generation], [BAND[0], 0.5, BAND[1]], method="weibull")
    outside = (theirs < low) | (theirs > high)
    return {
        "file": record.name,
        "scheme": scheme,
        "generation": generation,
        "low": float(low),
        "median": float(middle),
        "high": float(high),
        "genx_min": float(theirs.min()),
        "genx_median": float(np.median(theirs)),
        "genx_max": float(theirs.max()),
        "values": len(theirs),
        "outside": int(outside.sum()),
        "p_ks": float(ks_2samp(theirs, ours[:, generation]).pvalue),
    }


def main() -> None:
    options = arguments(
        __doc__ or "",
        ("--runs", {"type": int, "default": None, "help": "our runs per file and scheme (1000; quick 100)"}),
        ("--seed", {"type": int, "default": 1}),
        ("--files", {"default": None}),
        ("--schemes", {"default": ",".join(SCHEMES)}),
        ("--store", {"default": None, "help": "npz file that keeps finished runs"}),
    )
    pin()
    options.runs = options.runs or (100 if options.quick else 1000)
    files = (options.files or ("X-ray_Reflectivity" if options.quick else ",".join(FILES))).split(",")
    print(machine())
    rows: list[dict[str, Any]] = []
    for name in files:
        record = recorded(name)
        checked = record.checked[:2] if options.quick else record.checked
        for scheme in options.schemes.split(","):
            begun = time.perf_counter()
            foms, spent = our_runs(record, scheme, options, checked[-1])
            rows += [compare(record, scheme, generation, foms) for generation in checked]
            seconds = time.perf_counter() - begun
            cost, genx_cost = spent[:, -1].mean(), record.evaluations[scheme][:, checked[-1]].mean()
            print(
                f"{name} {scheme}: {len(foms)} runs in {seconds:.0f} s, "
                f"{cost:.0f} evaluations a run, GenX {genx_cost:.0f}",
                flush=True,
            )
    header = [
        "file",
        "scheme",
        "generation",
        "0.5 %",
        "median",
        "99.5 %",
        "GenX min",
        "median",
        "max",
        "outside",
        "p KS",
    ]
    keys = ("low", "median", "high", "genx_min", "genx_median", "genx_max")
    print(
        table(
            header,
            [
                [
                    r["file"],
                    r["scheme"],
                    str(r["generation"]),
                    *(f"{r[k]:.5g}" for k in keys),
                    f"{r['outside']}/{r['values']}",
                    f"{r['p_ks']:.3f}",
                ]
                for r in rows
            ],
        )
    )
    outside, values = sum(r["outside"] for r in rows), sum(r["values"] for r in rows)
    allowed = int(binom.ppf(1.0 - LEVEL, values, 1.0 - (BAND[1] - BAND[0])))
    print(f"outside the band: {outside} of {values} values, {allowed} allowed ({options.runs} of our runs each)")
    missed = [f"{outside} of {values} values outside the band, {allowed} allowed"] if outside > allowed else []
    summary = {"runs": options.runs, "outside": outside, "values": values, "allowed": allowed, "rows": rows}
    finish(options, {"schemes_against_genx": summary}, missed)


if __name__ == "__main__":
    main()
