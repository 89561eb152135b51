"""Simulated samples with a known truth: families of layered films, as ordinary GenX models.

Within a family structure and instrument stay, the true parameters are drawn. Nothing but its number decides a sample.
The bounds lie around a nominal value that is itself off, as a grower's is: by up to 25 % in thickness and 15 % in
scattering length density (N2: 5 %), roughness between limits that fit any film.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting.problem import FloatArray
from metagenx.fitting.streams import noise_stream, twin_stream
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row
from metagenx.genx.model import Model

#: Sample numbers below it may be trained on, the others are held out.
HELD_OUT_FROM = 4
N_SAMPLES = 8

WAVELENGTH = 1.5406  # Å
THICKNESS_BOUNDS = (0.45, 2.0)  # of the nominal value, as the others
DENSITY_BOUNDS = (0.6, 1.5)
ROUGHNESS = (1.0, 12.0)  # Å
_BACKGROUND = 1e-8
_ELECTRON_RADIUS = 2.8179403e-5  # Å

_HEAD = """import models.spec_nx as model
from models.utils import UserVars, fp, fw, bc, bw

# BEGIN Instrument DO NOT CHANGE
inst = model.Instrument(probe='x-ray', wavelength={wavelength}, coords='q', I0=1.0, restype='no conv', footype='no corr', Ibkg={background!r},)
# END Instrument

# BEGIN Sample DO NOT CHANGE
Amb = model.Layer(sigma=0.0, dens=1.0, d=0.0, f=(1e-20+1e-20j), b=0, xs_ai=0.0, magn=0.0, magn_ang=0.0)
"""  # noqa: E501
_LAYER = (
    "{name} = model.Layer(sigma={sigma!r}, dens={dens!r}, d={d!r}, f=(1.0-{absorption!r}j), b=0, xs_ai=0.0, "
    "magn=0.0, magn_ang=0.0)\n"
)
_STACK = "{name} = model.Stack(Layers=[{layers}], Repetitions = {repetitions})\n"
_TAIL = """
sample = model.Sample(Stacks = [{stacks}], Ambient = Amb, Substrate = Sub)
# END Sample

# BEGIN Parameters DO NOT CHANGE
cp = UserVars()
# END Parameters

SLD = []
def Sim(data):
    I = []
    SLD[:] = []
    # BEGIN Dataset 0 DO NOT CHANGE
    d = data[0]
    I.append(sample.SimSpecular(d.x, inst))
    if _sim: SLD.append(sample.SimSLD(None, None, inst))
    # END Dataset 0
    return I
"""


@dataclass(frozen=True)
class LayerKind:
    """One layer of a family: thickness in Å and scattering length density in 1e-6 Å⁻², from … to."""

    name: str
    thickness: tuple[float, float]
    sld: tuple[float, float]


@dataclass(frozen=True)
class Family:
    """Films of one structure.

    ``stacks`` from the substrate up: name, layers from the bottom up, repetitions. ``fits_background`` adds the
    background to the fitted parameters, I0 always is one. Thickness and density: by how much the nominal value is
    off, and the bounds as multiples of it.
    """

    name: str
    stacks: tuple[tuple[str, tuple[LayerKind, ...], int], ...]
    q_max: float
    fits_background: bool
    thickness_off: float = 0.25
    thickness_bounds: tuple[float, float] = THICKNESS_BOUNDS
    density_off: float = 0.15
    density_bounds: tuple[float, float] = DENSITY_BOUNDS

    @property
    def layers(self) -> tuple[LayerKind, ...]:
        """All layers, from the substrate up."""
        return tuple(layer for _, layers, _ in self.stacks for layer in layers)


_ANY = (8.0, 110.0)
_TWO = (LayerKind("L1", (60.0, 350.0), _ANY), LayerKind("L2", (30.0, 250.0), _ANY))
_THREE = (
    LayerKind("L1", (60.0, 300.0), _ANY),
    LayerKind("L2", (30.0, 200.0), _ANY),
    LayerKind("L3", (20.0, 120.0), _ANY),
)
#: M2: two layers, 9 fitted parameters; L3: three layers, 12; ML: cap / [A/B]×8 / buffer, 14; M1: one layer, 6; N2: two
#: layers that are known to 10 %, 9.
FAMILIES: dict[str, Family] = {
    "M2": Family("M2", (("Film", _TWO, 1),), 0.35, True),
    "L3": Family("L3", (("Film", _THREE, 1),), 0.4, True),
    "ML": Family(
        "ML",
        (
            ("Bottom", (LayerKind("Buffer", (30.0, 120.0), (40.0, 110.0)),), 1),
            ("ML", (LayerKind("A", (10.0, 35.0), (15.0, 50.0)), LayerKind("B", (10.0, 35.0), (60.0, 120.0))), 8),
            ("Top", (LayerKind("Cap", (15.0, 60.0), (20.0, 110.0)),), 1),
        ),
        0.5,
        False,
    ),
    "M1": Family("M1", (("Film", (LayerKind("L1", (60.0, 500.0), _ANY),), 1),), 0.3, True),
    "N2": Family("N2", (("Film", _TWO, 1),), 0.35, True, 0.05, (0.9, 1.12), 0.05, (0.9, 1.12)),
}

#: Families whose settings are measured in the table that comes with metagenx (docs/tuner.md): those where the right
#: basin takes few enough evaluations for hundreds of settings.
MEASURED_FAMILIES = ("M1", "N2", "M2")


@dataclass(frozen=True, eq=False)
class Sample:
    """A simulated measurement: its GenX model, and the true values ``(n_dim,)`` of its fitted rows."""

    family: str
    number: int
    model: Model
    truth: FloatArray

    @property
    def name(self) -> str:
        """E.g. ``M2.3``."""
        return f"{self.family}.{self.number}"

    @property
    def held_out(self) -> bool:
        """Whether nothing may be chosen by it."""
        return self.number >= HELD_OUT_FROM


def sample(family: str, number: int, seed: int = 0) -> Sample:
    """Sample ``number`` of a family.

    The start values of its table are drawn from its bounds and know nothing of the truth.

    Raises
    ------
    InputError : no such family, a number below 0.
    """
    if family not in FAMILIES or number < 0:
        raise InputError(
            f"there is no sample {number} of a family {family!r}",
            hint=f"Families are {', '.join(FAMILIES)}; samples are counted from 0.",
        )
    kind = FAMILIES[family]
    rng = twin_stream(seed, family, number)
    rows, truth = _rows(kind, rng)
    q = np.linspace(0.008, kind.q_max, int(rng.integers(60, 79)))
    intensity = 10.0 ** rng.uniform(7.5, 8.5)
    file = _file(kind, rows, DataSet("data", q, np.ones_like(q), np.ones_like(q)))
    clean = Model(file).simulate({row.name: value for row, value in zip(rows, truth, strict=True)})[0]
    counts = noise_stream(seed, family, number).poisson(np.maximum(clean, 0.0) * intensity)
    y = np.maximum(counts, 1.0) / intensity  # without a count nothing has a logarithm
    return Sample(family, number, Model(_file(kind, rows, DataSet("data", q, y, np.sqrt(y / intensity)))), truth)


def _rows(kind: Family, rng: np.random.Generator) -> tuple[list[Row], FloatArray]:
    """The fitted rows with their bounds, start drawn, and the truth."""
    found: list[tuple[str, float, float, float]] = []
    for layer in kind.layers:
        thickness = rng.uniform(*layer.thickness)
        nominal = thickness * (1.0 + rng.uniform(-kind.thickness_off, kind.thickness_off))
        low, high = kind.thickness_bounds
        found.append((f"{layer.name}.setD", thickness, low * nominal, high * nominal))
        density = rng.uniform(*layer.sld) * 1e-6 / _ELECTRON_RADIUS  # electrons / Å³, f is one electron
        nominal = density * (1.0 + rng.uniform(-kind.density_off, kind.density_off))
        low, high = kind.density_bounds
        found.append((f"{layer.name}.setDens", density, low * nominal, high * nominal))
        found.append((f"{layer.name}.setSigma", rng.uniform(2.0, 8.0), *ROUGHNESS))
    found.append(("Sub.setSigma", rng.uniform(2.0, 8.0), *ROUGHNESS))
    found.append(("inst.setI0", rng.uniform(0.85, 1.15), 0.7, 1.4))
    if kind.fits_background:
        found.append(("inst.setIbkg", 10.0 ** rng.uniform(-8.0, -7.0), 0.0, 3e-7))
    rows = [Row(name, float(rng.uniform(low, high)), True, low, high) for name, _, low, high in found]
    return rows, np.array([value for _, value, _, _ in found])


def _file(kind: Family, rows: list[Row], data: DataSet) -> GenxFile:
    layers = "".join(
        _LAYER.format(name=layer.name, sigma=5.0, dens=1.0, d=100.0, absorption=0.05) for layer in kind.layers
    )
    layers += _LAYER.format(name="Sub", sigma=3.0, dens=20.1e-6 / _ELECTRON_RADIUS, d=0.0, absorption=0.023)
    stacks = "".join(
        _STACK.format(name=name, layers=", ".join(layer.name for layer in members), repetitions=repetitions)
        for name, members, repetitions in kind.stacks
    )
    script = (
        _HEAD.format(wavelength=WAVELENGTH, background=_BACKGROUND)
        + layers
        + stacks
        + _TAIL.format(stacks=", ".join(name for name, _, _ in kind.stacks))
    )
    return GenxFile(script=script, fom_name="log", table=[Row(**vars(row)) for row in rows], data=DataList([data]))
