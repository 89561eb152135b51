"""The reflectivity kernels alone: processor time per curve, in a population, beside GenX's in the same run.

One thread each, pinned to one core, rounds alternate, medians. GenX is called through its public interface, and what
a call with a single point takes is subtracted: the figures compare kernels, not the way there. The curves of both
are compared too. Without GenX (METAGENX_GENX_PYTHON names an interpreter that has it) only ours are timed.

    python benchmarks/kernels.py [--population 100] [--quick] [--json] [--check]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import measure
import numpy as np

WAVELENGTH = 1.54
R_E = 2.8179403227e-5  # Å
MOMENT = 9.2740101e-24 * 2.853e-6 * 1e24  # Å per µ_B

IRON = {"f": (24.9, -3.2), "b": (9.45, 0.0), "dens": 0.0849}
PLATINUM = {"f": (73.0, -7.0), "b": (9.6, 0.0), "dens": 0.0662}
SILICON = {"f": (14.2, -0.33), "b": (4.15, 0.0), "dens": 0.05}
VACUUM = {"f": (0.0, 0.0), "b": (0.0, 0.0), "dens": 0.0}


def slab(material: dict[str, Any], d: float, sigma: float, **more: float) -> dict[str, Any]:
    return {**material, "d": d, "sigma": sigma, **more}


@dataclass(frozen=True)
class Case:
    """A sample in GenX's words, bottom → top, and what is expected of the ratio (issue, definitions)."""

    stacks: list[tuple[list[dict[str, Any]], int]]
    q: tuple[float, float, int]
    goal: float
    floor: float  # with vectors of 256 bits
    instrument: dict[str, Any] = field(
        default_factory=lambda: {"probe": "x-ray", "wavelength": WAVELENGTH, "coords": "q"}
    )
    channels: tuple[str | None, ...] = (None,)
    ambient: dict[str, Any] = field(default_factory=lambda: dict(VACUUM))
    substrate: dict[str, Any] = field(default_factory=lambda: slab(SILICON, 0.0, 3.0))

    @property
    def n_interface(self) -> int:
        """Interfaces with all repetitions."""
        return 1 + sum(len(layers) * repetitions for layers, repetitions in self.stacks)

    def layers(self) -> list[dict[str, Any]]:
        """Every layer once, substrate to ambient."""
        return [self.substrate, *(layer for layers, _ in self.stacks for layer in layers), self.ambient]


FEW = [slab(IRON, 20.0 + k, 3.0) for k in range(3)]
CASES = {
    "3 slabs x 200": Case([(FEW, 1)], (0.005, 0.5, 200), 10, 7),
    "10 slabs x 500": Case(
        [([slab((IRON, PLATINUM)[k % 2], 20.0 + k, 3.0) for k in range(10)], 1)], (0.005, 0.5, 500), 11, 9
    ),
    "Fe/Pt x19 + 2, 350": Case(
        [
            ([slab(PLATINUM, 30.0, 2.0)], 1),
            ([slab(IRON, 20.0, 3.0), slab(PLATINUM, 15.0, 4.0)], 19),
            ([slab(IRON, 30.0, 2.0)], 1),
        ],
        (0.005, 0.5, 350),
        33,
        28,
    ),
    "100 x 2 layers, 1000": Case(
        [([slab(IRON, 20.0, 3.0), slab(PLATINUM, 15.0, 4.0)], 100)], (0.005, 0.5, 1000), 150, 120
    ),
    "spin flip 3 x 300": Case(
        [
            (
                [
                    slab(IRON, 120.0, 4.0, magn=2.1, magn_ang=38.0),
                    slab(PLATINUM, 22.0, 3.0, magn=0.5, magn_ang=12.0),
                    slab(IRON, 80.0, 5.0, magn=2.1, magn_ang=-38.0),
                ],
                1,
            )
        ],
        (0.005, 0.3, 300),
        8,
        4,
        {"probe": "neutron pol spin flip", "wavelength": 4.4, "coords": "q"},
        ("uu", "dd", "ud", "du"),
    ),
    "time of flight 3 x 1000": Case(
        [(FEW, 1)], (0.008, 0.3, 1000), 8, 4,
        {"probe": "neutron tof", "wavelength": 4.4, "coords": "q", "incangle": 0.6},
    ),
}  # fmt: skip


def our_kernel(case: Case, n_population: int) -> Callable[[], np.ndarray]:
    """A call that computes a population of samples like the case; individual 0 is the case itself."""
    from metagenx.physics import specular, spin_flip

    layers = case.layers()
    near = np.random.default_rng(1).uniform(0.98, 1.02, (3, n_population, len(layers)))
    near[:, 0] = 1.0

    def column(name: str, change: np.ndarray) -> np.ndarray:
        return np.array([layer.get(name, 0.0) for layer in layers]) * change

    density = column("dens", near[0])
    thickness, sigma = column("d", near[1]), column("sigma", near[2])
    edges = np.cumsum([1, *(len(layers) for layers, _ in case.stacks)])
    repetitions = np.array([[repetitions for _, repetitions in case.stacks]])
    blocks = specular.Blocks(tuple(map(int, edges[:-1])), tuple(map(int, edges[1:])), repetitions)
    length = case.instrument["wavelength"]
    q = np.linspace(*case.q)
    f, b = (np.array([complex(*layer[name]) for layer in layers]) for name in ("f", "b"))
    magnetic = MOMENT * column("magn", np.ones(1)) * density / (2 * np.pi)
    neutron = density * b * 1e-5 / (2 * np.pi)
    if case.instrument["probe"] == "x-ray":
        n2 = (1 - R_E * density * f * length**2 / (2 * np.pi)) ** 2
        potential = (n2 - n2[:, -1:]) * (4 * np.pi / length) ** 2
        ambient = n2[:, -1]
        return lambda: specular.reflectivity(q, potential, ambient, thickness, sigma, blocks)
    if case.instrument["probe"] == "neutron tof":
        each = 4 * np.pi * np.sin(np.radians(case.instrument["incangle"])) / q
        nothing = np.zeros((1, len(layers)))
        return lambda: specular.reflectivity_dispersive(q, each, neutron, nothing, nothing, thickness, sigma, blocks)
    plus, minus = (
        (2 * np.pi / length) ** 2 * (s * length**2) * (2 + s * length**2)
        for s in (neutron + magnetic, neutron - magnetic)
    )
    angle = column("magn_ang", np.ones(1))[None]
    return lambda: spin_flip.spin_flip(q, plus, minus, angle, thickness, sigma, blocks)


class Genx:
    """GenX in a process of its own, answering line by line."""

    def __init__(self, python: Path) -> None:
        self.process = subprocess.Popen(
            [str(python), str(Path(__file__).with_name("genx_kernels.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.answer()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("GenX ended before its answer")
        return json.loads(line)

    def ask(self, **request: Any) -> Any:
        assert self.process.stdin is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return self.answer()

    def curves(self, case: Case) -> np.ndarray:
        names = ("stacks", "q", "instrument", "channels", "ambient", "substrate")
        return np.array(self.ask(case={name: getattr(case, name) for name in names}))

    def seconds(self, calls: int) -> float:
        """Per curve, without what a call costs that has one point."""
        return float(self.ask(calls=calls) - self.ask(calls=calls, points=1))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)


def find_genx() -> Genx | None:
    from genx_environment import GenxMissing, genx_python

    try:
        return Genx(genx_python())
    except GenxMissing as missing:
        print(f"GenX is not timed: {missing}")
        return None


def our_seconds(call: Callable[[], np.ndarray], n_population: int) -> float:
    start = time.process_time()
    call()
    return (time.process_time() - start) / n_population


def main() -> None:
    options = measure.arguments(__doc__ or "", ("--population", {"type": int, "default": 100}))
    measure.pin()
    genx = find_genx()
    from metagenx.physics.compiled import vector_bits

    print(f"{measure.machine()}, vectors of {vector_bits()} bits, population {options.population}")
    rounds = 7 if options.quick else 25
    rows, results, missed = [], {}, []
    for name, case in CASES.items():
        call = our_kernel(case, options.population)
        curve = call()[0]
        deviation = None
        if genx:
            theirs = genx.curves(case)
            genx.seconds(3)
            deviation = float(np.max(np.abs(curve - theirs) / np.maximum(theirs, 1e-3 * theirs.max())))
        pairs = []
        for _ in range(rounds):
            seconds = genx.seconds(3) if genx else float("nan")
            pairs.append((seconds, min(our_seconds(call, options.population) for _ in range(3))))
        theirs_median, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(t / o for t, o in pairs)
        aim = case.goal if vector_bits() == 512 else case.floor
        per_layer = ours / case.n_interface / case.q[2]
        rows.append([
            name, f"{ours * 1e6:.1f}", f"{per_layer * 1e9:.2f}",
            f"{theirs_median * 1e6:.1f}" if genx else "-", f"{ratio:.1f}" if genx else "-",
            f"{case.goal:.0f}", f"{case.floor:.0f}", f"{deviation:.1e}" if genx else "-",
        ])  # fmt: skip
        results[name] = {
            "microseconds": ours * 1e6, "nanoseconds_per_layer_and_q": per_layer * 1e9,
            "genx_microseconds": theirs_median * 1e6 if genx else None, "ratio": ratio if genx else None,
            "goal": case.goal, "floor": case.floor, "deviation": deviation,
        }  # fmt: skip
        if genx and not ratio >= aim:
            missed.append(f"{name}: {ratio:.1f} times GenX, the aim is {aim:.0f}")
        if genx and not (deviation is not None and deviation < 1e-8):
            missed.append(f"{name}: the curves differ by {deviation:.1e}")
    if genx:
        genx.close()
    header = ["case", "ours, µs", "ns/layer/q", "GenX, µs", "ratio", "goal", "floor", "deviation"]
    print(measure.table(header, rows))
    measure.finish(options, {"vector_bits": vector_bits(), "kernels": results}, missed)


if __name__ == "__main__":
    main()
