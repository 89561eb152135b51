"""The samples on which peers.py compares kernels, in GenX's words, and our own kernels computing them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

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
    """A sample, bottom → top, and what is expected of our time against GenX's (issue, definitions)."""

    stacks: list[tuple[list[dict[str, Any]], int]]
    q: tuple[float, float, int]
    goal: float
    floor: float
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

    def for_genx(self) -> dict[str, Any]:
        """What genx_kernels.py asks for."""
        names = ("stacks", "q", "instrument", "channels", "ambient", "substrate")
        return {name: getattr(self, name) for name in names}

    def for_slab_programs(self) -> dict[str, Any]:
        """What peer_kernels.py asks for: every layer with its repetitions, ambient medium first, as numbers.

        ``layers``: thickness Å, scattering length density and its imaginary part Å⁻², roughness of the top interface
        Å, magnetic density Å⁻², angle of the moment against the polarisation, degrees.
        """
        rows = [self.substrate]
        for layers, repetitions in self.stacks:
            rows += layers * repetitions
        rows.append(self.ambient)
        return {"q": self.q, "layers": [self._numbers(row) for row in reversed(rows)], "magnetic": self.is_magnetic}

    @property
    def is_magnetic(self) -> bool:
        return len(self.channels) > 1

    def _numbers(self, layer: dict[str, Any]) -> list[float]:
        if self.instrument["probe"] == "x-ray":
            density = R_E * layer["dens"] * complex(*layer["f"])
        else:
            density = 1e-5 * layer["dens"] * complex(*layer["b"])
        moment = MOMENT * layer.get("magn", 0.0) * layer["dens"]
        angle = layer.get("magn_ang", 0.0)
        return [layer.get("d", 0.0), density.real, -density.imag, layer.get("sigma", 0.0), moment, angle]


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
