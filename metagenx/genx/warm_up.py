"""Small models of every library: simulating and fitting them once compiles all kernels, for all models to come.

They go through the same door as a user's model, so that kernels are compiled for the arguments that they will get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row
from metagenx.genx.model import Model

_SLABS = """\
from numpy import *
import models.{library} as model
from models.utils import UserVars, fp, bc
inst = model.Instrument({instrument})
Amb = model.Layer()
A = model.Layer(dens=0.085, d=38.0, sigma=4.0, {layer})
B = model.Layer(dens=0.055, d=24.0, sigma=3.0, {other})
Sub = model.Layer(dens=0.05, sigma=3.0, f=fp.Si, b=bc.Si)
stack = model.Stack(Layers=[A, B], Repetitions=3{stack})
sample = model.Sample(Stacks=[stack], Ambient=Amb, Substrate=Sub{sample})
SLD = []
def Sim(data):
    SLD[:] = []
    if _sim:
        SLD.append(sample.SimSLD(None, None, inst))
    return [{simulation} for d in data]
"""
_XRAY = "probe='x-ray', wavelength=1.54, Ibkg=1e-7, beamw=0.05, samplelen=10.0, res=0.002"
_BARE_XRAY = "wavelength=1.54, Ibkg=1e-7, beamw=0.05, samplelen=10.0, res=0.002"  # of interdiff, which knows no other
_NEUTRON = "wavelength=4.4, coords='q', Ibkg=1e-7, res=0.001, incangle=0.6"
_BEAMS = ("no corr", "gauss beam", "square beam")
_RESOLUTIONS = ("no conv", "fast conv", "fast conv + varying res.", "full conv and varying res.")
_FE, _CR = "f=fp.Fe, b=bc.Fe, magn=2.0, magn_ang=30.0", "f=fp.Cr, b=bc.Cr"
_PLAIN = "f=fp.Fe, b=bc.Fe"
_RESONANT = "f=14.0-3.0j, fr=2.5-5.0j, fm1=1.2-1.6j, fm2=0.3-0.2j, magn=1.6, magn_ang=35.0, magn_theta=15.0"

_SURFACE = """\
from numpy import *
import models.sxrd as model
inst = model.Instrument(wavel=0.83, alpha=0.5)
inst.set_inten(1.0)
cell = model.UnitCell(3.9, 3.9, 3.9, 90, 90, 90)
bulk = model.Slab()
bulk.add_atom('b1', 'ti', 0.0, 0.0, 0.0, 0.005, 1.0)
A = model.Slab(c=1.02)
A.add_atom('s1', 'sr', 0.0, 0.0, 0.0, 0.006, 1.0)
B = model.Slab(c=1.01)
B.add_atom('s2', 'o2m', 0.5, 0.5, 0.5, 0.01, 0.9)
turned = [model.SymTrans([[1, 0], [0, 1]]), model.SymTrans([[-1, 0], [0, -1]])]
{sample}
def Sim(data):
    return [{simulation} for d in data]
"""


def warm_up_all(say: Callable[[str], None] = lambda name: None) -> int:
    """Compile all kernels, or load them; ``say`` hears the name of each model. Returns how many models there are."""
    count = 0
    for name, file in _files():
        say(name)
        problem = Model(file, trust=True).problem()  # ours, and compiling may take longer than a script may run
        low, high = problem.bounds.T
        problem.evaluate(low + (high - low) * np.linspace(0.4, 0.6, 3)[:, None])
        if count == 0:  # what error bars need is the same for all
            problem.deviations(problem.start[None])
        count += 1
    return count


def _files() -> Iterator[tuple[str, GenxFile]]:
    """Name and file of every model."""
    for resolution in _RESOLUTIONS:
        for beam in _BEAMS if resolution == _RESOLUTIONS[0] else _BEAMS[1:2]:
            yield _slabs("spec_nx", f"{_XRAY}, coords='2θ', restype='{resolution}', footype='{beam}'")
    yield _slabs("spec_nx", f"{_XRAY}, coords='q', tthoff=0.01, restype=model.GaussianResolution(sigma=0.001)")
    for beam in ("GaussianBeamOffset", "SquareBeamOffset", "TrapezoidBeam"):
        yield _slabs("spec_nx", f"{_XRAY}, coords='2θ', footype=model.{beam}()")
    yield _slabs("soft_nx", f"{_XRAY}, coords='q'")
    for probe in ("neutron", "neutron pol", "neutron tof", "neutron pol spin flip"):
        yield _slabs("spec_nx", f"probe='{probe}', {_NEUTRON}", layer=_FE)
    yield _slabs("spec_nx", f"probe='neutron tof', {_NEUTRON}, restype='full conv and varying res.'", layer=_FE)
    yield _slabs("spec_inhom", f"probe='neutron', {_NEUTRON}", stack=", sigma_gradient=1.5")
    yield _slabs("spec_inhom", f"probe='neutron', {_NEUTRON}", stack=", beta_sm=0.08")
    yield _slabs("spec_inhom", f"probe='neutron', {_NEUTRON}", stack=", beta_sm=-0.95")
    yield _slabs("spec_inhom", f"{_XRAY}, coords='q'", sample=", sigma_inhom=2.0, steps_inhom=5")
    yield _slabs("spec_adaptive", f"{_XRAY}, coords='q'")
    yield _slabs(
        "spec_adaptive",
        f"probe='neutron pol spin flip', {_NEUTRON}, zeeman='field only', mag_field=1.0",
        layer=_FE,
    )
    yield _slabs("interdiff", f"{_BARE_XRAY}, coords='q'", layer="f=fp.Fe, sigmai=2.0", other="f=fp.Cr")
    for kind in ("gauss", "slit"):
        yield _slabs(
            "interdiff", f"{_BARE_XRAY}, coords='2θ', dettype='{kind}', detres=0.05, taylor_n=2",
            layer="f=fp.Fe, sigmai=2.0", other="f=fp.Cr", sample=", eta_z=200.0, eta_x=400.0, h=0.8",
            simulation="sample.SimOffSpecular(1.8, d.x, inst)",
        )  # fmt: skip
    slicing = ", slicing=True, slice_depth=3.0"
    for probe, polarisation in (("x-ray", "tot"), ("x-ray anis.", "σ-π")):
        for sample in ("", slicing):
            instrument = f"probe='{probe}', wavelength=14.6, coords='2θ', xpol='{polarisation}'"
            yield _slabs("mag_refl", instrument, layer=_RESONANT, sample=sample)
    for probe in ("neutron pol", "neutron pol spin flip"):
        for sample in ("", slicing):
            yield _slabs(
                "mag_refl", f"probe='{probe}', wavelength=4.4, coords='q', npol='uu'", layer=_FE, sample=sample
            )
    yield _surface("model.Sample(inst, bulk, [A, B], cell, surface_sym=turned, bulk_sym=turned)", "sample.calc_f")
    yield _superlattice()


def _slabs(
    library: str,
    instrument: str,
    *,
    layer: str = _PLAIN,
    other: str = _CR,
    stack: str = "",
    sample: str = "",
    simulation: str = "sample.SimSpecular(d.x, inst)",
) -> tuple[str, GenxFile]:
    script = _SLABS.format(
        library=library, instrument=instrument, layer=layer, other=other, stack=stack, sample=sample,
        simulation=simulation,
    )  # fmt: skip
    x = np.linspace(0.1, 4.0, 40) if "2θ" in instrument else np.linspace(0.01, 0.2, 40)
    table = [Row("A.setD", 38.0, True, 30.0, 50.0), Row("A.setSigma", 4.0, True, 1.0, 8.0)]
    data = DataSet("", x, np.full_like(x, 1e-3), np.full_like(x, 1e-4))
    return f"{library}, {instrument.split(',')[0]}", _file(script, table, data)


def _surface(sample: str, simulation: str) -> tuple[str, GenxFile]:
    script = _SURFACE.format(sample=f"sample = {sample}", simulation=f"abs({simulation}(d.h, d.k, d.x))**2")
    return "sxrd", _file(script, [Row("A.set_c", 1.02, True, 0.9, 1.1)], _rod())


def _superlattice() -> tuple[str, GenxFile]:
    sample = """\
import models.sxrd_mult as multilayer
layers = multilayer.SLStandard(inst, cell, A, B)
layers.setna(4.0)
layers.setsigmaa(0.4)
layers.setnb(2.0)
layers.setsigmab(0.3)
layers.setrepetitions(5)
sample = multilayer.SLSample(inst, bulk, layers, cell)
"""
    script = _SURFACE.format(sample=sample, simulation="sample.calc_i(d.h, d.k, d.x)")
    return "sxrd_mult", _file(script, [Row("layers.setna", 4.0, True, 2.0, 6.0)], _rod())


def _rod() -> DataSet:
    x = np.linspace(0.1, 2.9, 20)
    return DataSet("", x, np.ones_like(x), np.full_like(x, 0.1), extra={"h": np.ones_like(x), "k": np.zeros_like(x)})


def _file(script: str, table: list[Row], data: DataSet) -> GenxFile:
    return GenxFile(script=script, fom_name="log", table=table, data=DataList([data]))
