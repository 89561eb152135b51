"""Speed beside GenX, refnx and refl1d, in one run: kernels, and whole differential evolution fits.

One thread each, all pinned to one core; every program is a process of its own that waits while another one works, so
rounds alternate. Figures are processor time, medians over the rounds; ratios are taken round by round. Kernels are
called through what each library offers, and what a call with a single point takes is subtracted; curves are compared
as well. Fits run GenX's own command line (`genx --run --nb1`) on the file, and ours with the same settings. Files
with a resolution object are also fitted by GenX with its stack inspection remembered, see genx_clock: both ratios are
given, and the second one is the fair one.

    python benchmarks/peers.py [--quick] [--only kernels|loops] [--check] [--json] [--write]

GenX and the other libraries live in environments of their own (METAGENX_GENX_PYTHON, METAGENX_PEERS_PYTHON, see
peer_environment.py), which are made when they are missing.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np
import peak
import peer_programs as programs
from kernel_cases import CASES, our_kernel

REFNX_GOAL, REFNX_FLOOR = 5.0, 3.0
PAGE = measure.ROOT / "docs" / "speed.md"
_BEGIN, _END = "<!-- peers: {} -->", "<!-- peers: end -->"
# Of vector instructions that a layer and a point take in the general kernel, counted in the prototype.
_INSTRUCTIONS = 168


@dataclass(frozen=True)
class Loop:
    """A file to fit, and what is expected of our speed against GenX's: as shipped, and without its stack inspection."""

    file: str
    goal: float | None = None
    floor: float | None = None
    fair_goal: float | None = None
    fair_floor: float | None = None
    has_resolution_object: bool = False
    generations: int = 4  # of GenX, a round


LOOPS = {
    "X-ray_Reflectivity": Loop("genx_files/X-ray_Reflectivity.hgx", 40, 25, generations=6),
    "SuperAdam_SiO": Loop("genx_files/SuperAdam_SiO.hgx", 60, 40, 10, 6, has_resolution_object=True),
    "SuperAdam_SiO_full_res_calc": Loop("genx_files/SuperAdam_SiO_full_res_calc.hgx", has_resolution_object=True),
    "D17_TOF_SiO": Loop("genx_files/D17_TOF_SiO.hgx", 20, 10, has_resolution_object=True),
    "SXRD": Loop("genx_files/SXRD.hgx", 10, 5, generations=2),
    "spin flip, four channels": Loop(
        "reference/public/spin_flip_four_channels_00.hgx", 10, 5, has_resolution_object=True, generations=10
    ),
}


def _median_ratio(theirs: list[float], ours: list[float]) -> float:
    return statistics.median(t / o for t, o in zip(theirs, ours, strict=True))


# Kernels ------------------------------------------------------------------------------------------------------------


def kernels(rounds: int, n_population: int, genx: Any, peers: Any) -> list[dict[str, Any]]:
    """One row per case: microseconds per curve of every program, ratios, deviations."""
    rows = []
    for name, case in CASES.items():
        call = our_kernel(case, n_population)
        curve = call()[0]
        found: dict[str, Any] = {"case": name, "goal": case.goal, "floor": case.floor}
        others: dict[str, Callable[[], float]] = {}
        if genx:
            found["deviation"] = _deviation(curve, genx.curves(case.for_genx()))
            others["GenX"] = lambda: genx.seconds(3)
        if peers:
            for library in ("refnx", "refl1d"):
                theirs = peers.curves(case.for_slab_programs(), library)
                found[f"deviation of {library}"] = _deviation(curve, theirs)
                peers.seconds(library, 2)
                others[library] = lambda library=library: peers.seconds(library, 5)  # type: ignore[misc]
        times: dict[str, list[float]] = {who: [] for who in ("ours", *others)}
        for _ in range(rounds):
            for who, seconds in others.items():
                times[who].append(seconds())
            times["ours"].append(min(programs.processor_seconds(call) for _ in range(3)) / n_population)
        for who, seen in times.items():
            found[who] = statistics.median(seen)
            found[f"{who} / ours"] = _median_ratio(seen, times["ours"])
        found["per layer"] = found["ours"] / case.n_interface / case.q[2]
        rows.append(found)
    return rows


def _deviation(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest relative difference; of weak intensities, relative to a thousandth of the strongest."""
    theirs = theirs.reshape(ours.shape)
    return float(np.max(np.abs(ours - theirs) / np.maximum(theirs, 1e-3 * theirs.max())))


def table_of_kernels(rows: list[dict[str, Any]]) -> str:
    header = ["case", "ours, µs", "ns per layer and q", "GenX, µs", "ratio", "goal", "floor"]
    header += ["refnx, µs", "ratio", "refl1d, µs", "ratio", "deviation: GenX", "refnx", "refl1d"]
    lines = []
    for row in rows:
        line = [row["case"], f"{row['ours'] * 1e6:.1f}", f"{row['per layer'] * 1e9:.2f}"]
        line += [_us(row, "GenX"), _times(row, "GenX"), f"{row['goal']:.0f}", f"{row['floor']:.0f}"]
        line += [_us(row, "refnx"), _times(row, "refnx"), _us(row, "refl1d"), _times(row, "refl1d")]
        line += [_tiny(row, "deviation"), _tiny(row, "deviation of refnx"), _tiny(row, "deviation of refl1d")]
        lines.append(line)
    return measure.table(header, lines)


def _us(row: dict[str, Any], who: str) -> str:
    return f"{row[who] * 1e6:.1f}" if who in row else "-"


def _times(row: dict[str, Any], who: str) -> str:
    return f"{row[f'{who} / ours']:.1f}" if who in row else "-"


def _tiny(row: dict[str, Any], key: str) -> str:
    return f"{row[key]:.0e}" if key in row else "-"


def missed_by_kernels(rows: list[dict[str, Any]]) -> list[str]:
    missed = []
    for row in rows:
        name = row["case"]
        if "GenX" in row and not row["GenX / ours"] >= row["floor"]:
            missed.append(f"{name}: {row['GenX / ours']:.1f} times GenX, the floor is {row['floor']:.0f}")
        if "GenX" in row and not row["deviation"] < 1e-8:
            missed.append(f"{name}: the curves differ from GenX's by {row['deviation']:.1e}")
        if "refnx" in row and not row["refnx / ours"] >= REFNX_FLOOR:
            missed.append(f"{name}: {row['refnx / ours']:.1f} times refnx, the floor is {REFNX_FLOOR:.0f}")
    return missed


def about_the_peak(rows: list[dict[str, Any]], bits: int) -> str:
    """Our time per layer and point of the general kernel beside what this core can do."""
    best = peak.gigaflops(bits)
    general = next(row for row in rows if row["case"].startswith("10 slabs"))
    ours = general["per layer"] * 1e9
    least = _INSTRUCTIONS / (best / 2)
    return (
        f"Peak of this core, measured: {best:.0f} GF/s with vectors of {bits} bits (a fused multiply-add is two "
        f"operations). The general kernel takes {_INSTRUCTIONS} instructions a layer and point, so {least:.1f} ns "
        f"at the peak; it needs {ours:.1f} ns ({100 * least / ours:.0f} %)."
    )


# Fits ---------------------------------------------------------------------------------------------------------------


def loops(names: list[str], rounds: int, python: Path) -> list[dict[str, Any]]:
    """One row per file: microseconds per evaluation, ratios."""
    rows = []
    for name in names:
        loop = LOOPS[name]
        file = measure.SHARED / loop.file
        ours = programs.OurFit(file)
        variants = {"as shipped": False} | ({"fair": True} if loop.has_resolution_object else {})
        fits = {
            variant: programs.GenxFit(python, file, loop.generations, remembered=remembered)
            for variant, remembered in variants.items()
        }
        times: dict[str, list[float]] = {who: [] for who in ("ours", *fits)}
        try:
            ours.seconds(5)
            for _ in range(rounds):
                for variant, fit in fits.items():
                    times[variant].append(fit.seconds() / ours.population)
                times["ours"].append(min(ours.seconds(10 * loop.generations) for _ in range(2)))
        finally:
            for fit in fits.values():
                fit.close()
        row: dict[str, Any] = {"file": name, "loop": loop, "population": ours.population, "path": ours.path}
        for who, seen in times.items():
            row[who] = statistics.median(seen)
            row[f"{who} / ours"] = _median_ratio(seen, times["ours"])
        row["same foms"] = len({tuple(fit.foms) for fit in fits.values()}) == 1
        rows.append(row)
        print(f"{name}: {row['as shipped / ours']:.1f} times GenX", flush=True)
    return rows


def table_of_loops(rows: list[dict[str, Any]]) -> str:
    header = ["file", "population", "ours, µs", "GenX, µs", "ratio", "goal", "floor", "fair GenX, µs", "ratio"]
    header += ["goal", "floor"]
    lines = []
    for row in rows:
        loop: Loop = row["loop"]
        line = [
            row["file"],
            str(row["population"]),
            _us(row, "ours"),
            _us(row, "as shipped"),
            _times(row, "as shipped"),
        ]
        line += [_aim(loop.goal), _aim(loop.floor), _us(row, "fair"), _times(row, "fair")]
        lines.append([*line, _aim(loop.fair_goal), _aim(loop.fair_floor)])
    return measure.table(header, lines)


def _aim(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def missed_by_loops(rows: list[dict[str, Any]]) -> list[str]:
    missed = []
    for row in rows:
        loop: Loop = row["loop"]
        for variant, floor in (("as shipped", loop.floor), ("fair", loop.fair_floor)):
            if floor is not None and not row[f"{variant} / ours"] >= floor:
                missed.append(
                    f"{row['file']}: {row[f'{variant} / ours']:.1f} times GenX {variant}, the floor is {floor}"
                )
        if not row["same foms"]:
            missed.append(f"{row['file']}: GenX with its stack inspection remembered gives other FOMs")
    return missed


# All of it ----------------------------------------------------------------------------------------------------------


def write(parts: dict[str, str]) -> None:
    """Put new tables into the page, between their marks."""
    text = PAGE.read_text(encoding="utf-8")
    for name, part in parts.items():
        before, rest = text.split(_BEGIN.format(name), 1)
        _, after = rest.split(_END, 1)
        text = f"{before}{_BEGIN.format(name)}\n{part}\n{_END}{after}"
    PAGE.write_text(text, encoding="utf-8")


def main() -> None:
    options = measure.arguments(
        __doc__ or "",
        ("--only", {"choices": ("kernels", "loops"), "help": "one half of it"}),
        ("--write", {"action": "store_true", "help": f"write the tables into {PAGE.name}"}),
        ("--files", {"nargs": "+", "choices": tuple(LOOPS), "metavar": "FILE", "help": "fit only these"}),
        ("--rounds", {"type": int, "help": "at least 5; default 11 for kernels, 5 for loops"}),
    )
    measure.pin()
    from metagenx.physics.compiled import vector_bits

    bits = vector_bits()
    where = f"{measure.machine()}, vectors of {bits} bits"
    print(where)
    parts: dict[str, str] = {}
    results: dict[str, Any] = {"vector_bits": bits}
    missed: list[str] = []
    if options.only != "loops":
        genx, peers = programs.find_genx(), programs.find_peers()
        rows = kernels(options.rounds or (5 if options.quick else 11), 100, genx, peers)
        for process in (genx, peers):
            if process:
                process.close()
        parts["kernels"] = f"{where}\n\n{table_of_kernels(rows)}\n\n{about_the_peak(rows, bits)}"
        print(f"\n{table_of_kernels(rows)}\n\n{about_the_peak(rows, bits)}")
        results["kernels"] = rows
        missed += missed_by_kernels(rows)
    if options.only != "kernels":
        python = programs.genx_interpreter()
        if python is None:
            raise SystemExit("without GenX there is no fit to compare with")
        quick = ["X-ray_Reflectivity", "SuperAdam_SiO"]
        names = options.files or (quick if options.quick else list(LOOPS))
        found = loops(names, options.rounds or (3 if options.quick else 5), python)
        parts["loops"] = f"{where}\n\n{table_of_loops(found)}"
        print(f"\n{table_of_loops(found)}")
        results["loops"] = [{k: v for k, v in row.items() if k != "loop"} for row in found]
        missed += missed_by_loops(found)
    if options.write:
        write(parts)
    measure.finish(options, results, missed)


if __name__ == "__main__":
    main()
