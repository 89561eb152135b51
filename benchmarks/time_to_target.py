"""Evaluations and seconds to the right basin: GenX as shipped, metagenx's auto, and other optimisers.

Right basin: FOM within 1 % of the best known and every parameter within three of its error bars. A run starts again, by
its method's own rules, until it is there or has spent its limit. No method sees a start guess. Every candidate counts,
those of Jacobians and polish too. ERT is the sum of all evaluations over the number of hits, twice the sum if there is
none (a lower bound, marked >).

GenX as shipped is the differential evolution in the file (of the samples: its default, best_1_bin) to its limit of
generations and then from the beginning, in our engine, which draws from the same law
(benchmarks/schemes_against_genx.py); its seconds are these evaluations over its own recorded speed, one thread. The
ratio to it is generous, as nobody should start GenX after a whole run. GenX restarted: its settings with restarts
upon stagnation, or at 10 n³ evaluations. GenX at its best: the same, or with restarts at the very cutoff that turned
out to be the best for this instance, whichever is cheaper; nobody can know it before, so the fair ratio, which is to
it, is rather hard on us. All three follow from single runs, the same ones (search_runs.py): all that they cost, each
to its hit or its end, over the hits; in brackets, how many of the runs hit. A run without an improvement of 1e-4 in
200 generations is charged to its limit unseen. Of the other methods a run is a row of restarts, in brackets how many
rows hit within the limit. On samples runs share batches, and have no seconds.

    python benchmarks/time_to_target.py [--quick] [--json] [--check] [--seeds 20] [--limit 200] [--runs 80]
        [--store FILE] [--methods NAME,NAME] [--instances NAME,NAME]
        [--report docs/time_to_target.md]

`--store` keeps what is finished, and an interrupted benchmark goes on from there; `--seeds 0` only reports on it.
`--limit`: evaluations of a row of restarts in n³. `--runs`: single runs of GenX at the most. `--quick`: three
instances, five seeds, three methods.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measure import arguments, finish, machine, table
from search_company import Companion, Company
from search_methods import ALONE, METHODS, run
from search_problems import CountedProblem, best_known, held_out, instance_names, is_simulated, load_instance
from search_runs import courses

from metagenx.meta.targets import BestKnown

SHIPPED, AUTO, FAIR, AT_BEST = "GenX as shipped", "auto", "GenX restarted", "GenX at its best"
FIRST = (SHIPPED, AUTO, FAIR, AT_BEST)
ENOUGH_HITS = 5  # of GenX: more runs than seeds where they are needed
# Evaluations per second of GenX 3.8.13, one thread, its own loop, quiet machine (loaded: full_res_calc).
GENX_SPEED = {
    "X-ray_Reflectivity": 756.0,
    "SuperAdam_SiO": 396.0,
    "SuperAdam_SiO_full_res_calc": 257.0,
    "D17_TOF_SiO": 219.0,
    "SXRD": 122.0,
}
# How many times faster GenX is there without the look at the stack in each of its resolution objects (as above).
STACK_INSPECTION = {"SuperAdam_SiO": 7.5, "SuperAdam_SiO_full_res_calc": 6.9, "D17_TOF_SiO": 1.9}
GOALS = {"held-out samples": 3.0, "worst sample": 1.0, "real files, seconds": 50.0}  # the floors
KNOWN = tuple(dict.fromkeys([*FIRST, *METHODS]))
_DRAWS = 2000


@dataclass(frozen=True)
class Cost:
    """Restarted runs of one method on one instance."""

    evaluations: np.ndarray
    hits: np.ndarray
    seconds: np.ndarray

    @property
    def ert(self) -> float:
        return float(self.evaluations.sum() / max(self.hits.sum(), 0.5))

    @property
    def expected_seconds(self) -> float:
        return float(self.seconds.sum() / max(self.hits.sum(), 0.5))

    @property
    def text(self) -> str:
        mark = "" if self.hits.any() else ">"
        return f"{mark}{self.ert:.0f} ({int(self.hits.sum())}/{len(self.hits)})"


class Store:
    """What is finished, one line of JSON each; a torn last line is forgotten."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.rows: dict[tuple[str, str, int], dict[str, Any]] = {}
        self.best: dict[str, BestKnown] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path and path.exists() else []
        for line in lines:
            try:
                self._take(json.loads(line))
            except json.JSONDecodeError:
                continue

    def add(self, row: dict[str, Any]) -> None:
        self._take(row)
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    def _take(self, row: dict[str, Any]) -> None:
        if "best" in row:
            errors = row["errors"] and tuple(row["errors"])
            self.best[row["instance"]] = BestKnown(row["best"], tuple(row["values"]), errors)
        else:
            self.rows[row["method"], row["instance"], row["seed"]] = row


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a success rate."""
    z = 1.959964
    p = hits / n
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float((middle - half) / (1 + z * z / n)), float((middle + half) / (1 + z * z / n))


def measure_all(
    store: Store, names: list[str], methods: list[str], seeds: int, limit: float, most_runs: int
) -> list[str]:
    """Run what is missing; says where a lower FOM than the best known was met."""
    for name in names if seeds else ():
        problem, settings, truth = load_instance(name)
        if name not in store.best:
            best = best_known(problem, truth, settings)
            store.add({"instance": name, "best": best.fom, "values": best.values, "errors": best.errors})
        best = store.best[name]
        if {SHIPPED, FAIR, AT_BEST} & set(methods):
            _measure_genx(store, name, problem, settings, best, seeds, most_runs)
        for method in methods:
            missing = [seed for seed in range(seeds) if (method, name, seed) not in store.rows]
            if method in METHODS and missing:
                most = int(limit * len(problem.names) ** 3)
                rows = _measured(method, name, problem, settings, best, missing, most)
                for row in rows:
                    store.add(row)
                hits, spent = sum(row["hit"] for row in rows), sum(row["evaluations"] for row in rows)
                print(f"{name:28s} {method:26s} {hits}/{len(rows)} {spent / max(hits, 0.5):.0f}", file=sys.stderr)
    return [
        f"{name}: {method}, seed {seed} found {row['lowest']:.8g} below {store.best[name].fom:.8g}"
        for (method, name, seed), row in store.rows.items()
        if name in names and row["lowest"] is not None and row["lowest"] < store.best[name].fom * (1.0 - 1e-3) - 1e-12
    ]


def _measure_genx(store: Store, name: str, problem: Any, settings: Any, best: BestKnown, seeds: int, most: int) -> None:
    """Single runs, from which GenX as shipped and GenX restarted follow; at least as many as there are seeds."""
    while True:
        rows = [row for (method, instance, _), row in store.rows.items() if (method, instance) == (SHIPPED, name)]
        hits = min(sum(row["hit"] is not None for row in rows), sum(_fair(row)[1] for row in rows))
        if len(rows) >= min(seeds, most) and (hits >= min(ENOUGH_HITS, seeds) or len(rows) >= most):
            return
        begun = time.process_time()
        found = courses(problem, best, settings, name, range(len(rows), min(len(rows) + seeds, most)))
        for number, course in enumerate(found, len(rows)):
            store.add({"method": SHIPPED, "instance": name, "seed": number, **vars(course)})
        hits = sum(course.hit is not None for course in found)
        seconds = time.process_time() - begun
        print(f"{name:28s} {SHIPPED:26s} {hits}/{len(found)} in {seconds:.0f} s", file=sys.stderr)


def _fair(row: dict[str, Any]) -> tuple[int, bool]:
    """Evaluations and success of a run of GenX that may end by stagnation."""
    hit = row["hit"] is not None and row["hit"] <= row["stagnated"]
    return (row["hit"] if hit else row["stagnated"]), hit


def _measured(
    method: str, name: str, problem: Any, settings: Any, best: BestKnown, seeds: list[int], limit: int
) -> list[dict[str, Any]]:
    """Rows of restarts: side by side on a sample, one after the other on a file, where seconds are told."""
    rows: dict[int, dict[str, Any]] = {}

    def search(own: Any, seed: int) -> None:
        counted = CountedProblem(own, best, limit=limit)
        begun = time.process_time()
        run(method, counted, settings, name, seed)
        seconds = None if is_simulated(name) else time.process_time() - begun
        rows[seed] = {
            "method": method, "instance": name, "seed": seed, "evaluations": counted.evaluations,
            "hit": counted.hit is not None, "seconds": seconds, "lowest": counted.best_fom,
        }  # fmt: skip

    if is_simulated(name) and method not in ALONE:

        def companion(seed: int) -> Callable[[Companion], None]:
            return lambda own: search(own, seed)

        Company(problem).run([companion(seed) for seed in seeds])
    else:
        for seed in seeds:
            search(problem, seed)
    return [rows[seed] for seed in seeds]


def _at_best(rows: list[dict[str, Any]]) -> list[tuple[float, bool]]:
    """Evaluations and success of the runs of GenX with the restarts that turned out to be the cheapest."""

    def expected(runs: list[tuple[float, bool]]) -> float:
        return sum(cost for cost, _ in runs) / max(sum(hit for _, hit in runs), 0.5)

    choices: list[list[tuple[float, bool]]] = [[_fair(row) for row in rows]]
    for cutoff in sorted({row["hit"] for row in rows if row["hit"] is not None}):
        hits = [row["hit"] is not None and row["hit"] <= cutoff for row in rows]
        choices.append([(row["hit"] if hit else cutoff, hit) for row, hit in zip(rows, hits, strict=True)])
    return min(choices, key=expected)


def costs(store: Store, names: list[str], methods: list[str]) -> dict[tuple[str, str], Cost]:
    rows: dict[tuple[str, str], list[tuple[float, bool, float]]] = defaultdict(list)
    genx: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (method, name, _), row in sorted(store.rows.items()):
        if name not in names:
            continue
        if method == SHIPPED:
            genx[name].append(row)
            rows[SHIPPED, name].append((row["hit"] or row["whole"], row["hit"] is not None, np.nan))
            rows[FAIR, name].append((*_fair(row), np.nan))
        else:
            seconds = np.nan if row["seconds"] is None else row["seconds"]
            rows[method, name].append((row["evaluations"], row["hit"], seconds))
    for name, runs in genx.items():
        rows[AT_BEST, name] = [(*run, np.nan) for run in _at_best(runs)]
    return {
        key: Cost(*(np.array(column, dtype=float) for column in zip(*found, strict=True)))
        for key, found in rows.items()
        if key[0] in methods
    }


def ratio(found: dict[tuple[str, str], Cost], base: str, method: str, names: list[str]) -> tuple[float, float, float]:
    """Geometric mean of ERT(base) / ERT(method) with its 95 % bootstrap interval over instances and then runs."""
    names = [n for n in names if (base, n) in found and (method, n) in found]
    if not names:
        return np.nan, np.nan, np.nan
    rng = np.random.default_rng(0)

    def drawn(cost: Cost) -> np.ndarray:
        rows = rng.integers(0, len(cost.hits), (_DRAWS, len(cost.hits)))
        return np.log(cost.evaluations[rows].sum(axis=1) / np.maximum(cost.hits[rows].sum(axis=1), 0.5))

    gains = np.array([drawn(found[base, n]) - drawn(found[method, n]) for n in names])
    chosen = rng.integers(0, len(names), (len(names), _DRAWS))
    means = np.take_along_axis(gains, chosen, axis=0).mean(axis=0)
    middle = np.mean([np.log(found[base, n].ert / found[method, n].ert) for n in names])
    return float(np.exp(middle)), *(float(np.exp(q)) for q in np.quantile(means, [0.025, 0.975]))


def report(found: dict[tuple[str, str], Cost], names: list[str], methods: list[str]) -> tuple[str, dict[str, Any]]:
    """All tables as Markdown, and the figures."""
    names = [n for n in names if any((m, n) in found for m in methods)]
    methods = [m for m in methods if any((m, n) in found for n in names)]
    rows = []
    for name in names:
        cells = [found[m, name].text if (m, name) in found else "-" for m in methods]
        both = (SHIPPED, name) in found and (AUTO, name) in found
        gain = f"{found[SHIPPED, name].ert / found[AUTO, name].ert:.1f}" if both else "-"
        fair = f"{found[AT_BEST, name].ert / found[AUTO, name].ert:.1f}" if both and (AT_BEST, name) in found else "-"
        rows.append([name + ("" if held_out(name) else " (train)"), *cells, gain, fair])
    text = [table(["instance", *methods, "generous ratio", "fair ratio"], rows), ""]
    simulated = [n for n in names if is_simulated(n)]
    groups = {
        "training samples": [n for n in simulated if not held_out(n)],
        "held-out samples": [n for n in simulated if held_out(n)],
        "real files": [n for n in names if not is_simulated(n)],
    }
    figures: dict[str, Any] = {}
    rows = []
    for method in methods:
        cells = []
        for group, members in groups.items():
            for base in (SHIPPED, AT_BEST):
                middle, low, high = ratio(found, base, method, members)
                cells.append("-" if np.isnan(middle) else f"{middle:.2f} [{low:.2f}, {high:.2f}]")
                figures[f"{method} / {base} / {group}"] = [middle, low, high]
        runs = [found[method, n] for n in names if (method, n) in found]
        hits, total = int(sum(c.hits.sum() for c in runs)), sum(len(c.hits) for c in runs)
        low, high = wilson(hits, total) if total else (0.0, 1.0)
        rows.append([method, *cells, f"{hits}/{total} [{low:.3f}, {high:.3f}]"])
    header = [f"{group}, to {base}" for group in groups for base in (SHIPPED, AT_BEST)]
    text += [table(["method", *header, "success within the limit"], rows), ""]
    for base, key in ((SHIPPED, "worst sample"), (AT_BEST, "worst sample, fair")):
        gains = {
            n: found[base, n].ert / found[AUTO, n].ert for n in simulated if (base, n) in found and (AUTO, n) in found
        }
        if gains:
            worst = min(gains, key=lambda n: gains[n])
            figures[key] = gains[worst]
            text += [f"Worst sample for auto: {worst}, {gains[worst]:.2f} times fewer evaluations than {base}.", ""]
    rows, logs = [], []
    for name in groups["real files"]:
        if (AUTO, name) in found and (SHIPPED, name) in found:
            ours = found[AUTO, name].expected_seconds
            speed = GENX_SPEED.get(name, np.nan)
            theirs = found[SHIPPED, name].ert / speed
            fair = found[AT_BEST, name].ert / speed / STACK_INSPECTION.get(name, 1.0)
            if np.isfinite(theirs):
                ratios = [f"{theirs / ours:.0f}", f"{fair / ours:.0f}"]
                rows.append([name, f"{theirs:.1f}", f"{fair:.2f}", f"{ours:.3f}", *ratios])
                logs.append([np.log(theirs / ours), np.log(fair / ours)])
    if logs:
        generous, honest = (float(np.exp(mean)) for mean in np.mean(logs, axis=0))
        figures["real files, seconds"], figures["real files, seconds, fair"] = generous, honest
        header = ["file", "GenX as shipped, s", "GenX at its best and mended, s", "auto, s of one thread"]
        text += [table([*header, "generous ratio", "fair ratio"], rows), ""]
        text += [
            f"Geometric mean: {generous:.0f} generous, {honest:.0f} fair. Mended: without its look at the stack.",
            "",
        ]
    return "\n".join(text), figures


def main() -> None:
    options = arguments(
        __doc__ or "",
        ("--seeds", {"type": int, "default": 20}),
        ("--limit", {"type": float, "default": 200.0}),
        ("--runs", {"type": int, "default": 80}),
        ("--store", {"type": Path}),
        ("--methods", {}),
        ("--instances", {}),
        ("--report", {"type": Path}),
    )
    names = options.instances.split(",") if options.instances else instance_names(quick=options.quick)
    methods = options.methods.split(",") if options.methods else list(FIRST if options.quick else KNOWN)
    seeds = min(options.seeds, 5) if options.quick else options.seeds
    unknown = [m for m in methods if m not in KNOWN]
    if unknown:
        raise SystemExit(f"no such method: {', '.join(unknown)}; there are {', '.join(KNOWN)}")
    store = Store(options.store)
    fallen = measure_all(store, names, methods, seeds, options.limit, options.runs)
    text, figures = report(costs(store, names, methods), names, methods)
    print(machine())
    print(text)
    if options.report:
        command = "python benchmarks/time_to_target.py --store FILE --report docs/time_to_target.md"
        head = f"# Time to target\n\n{(__doc__ or '').split('    python')[0]}\n    {command}\n\n{machine()}\n\n"
        options.report.write_text(head + text + "\n", encoding="utf-8")
    missed = fallen
    for goal, key in (("held-out samples", f"{AUTO} / {SHIPPED} / held-out samples"), *((g, g) for g in GOALS)):
        value = figures.get(key, [np.nan])
        value = value[0] if isinstance(value, list) else value
        if value < GOALS[goal]:
            missed = [*missed, f"{goal}: {value:.2f}, the floor is {GOALS[goal]:g}"]
    finish(options, {"time_to_target": figures}, missed)


if __name__ == "__main__":
    main()
