"""Makes film.hgx: a simulated X-ray measurement of a molybdenum/silicon mirror, with counting noise.

The film is ours: sixteen Mo/Si bilayers on a silicon wafer with its native oxide, capped by silicon that has oxidised
in air, measured with a laboratory diffractometer (Cu Kα, parallel beam) from 0.2° to 8° in 2θ. The parameter table starts
from what a grower would write down, not from the truth; the truth stands below.

    python experiments/make_film.py            writes experiments/film.hgx; the same file every time
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import metagenx
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row, write

SEED = 2014
COUNTS_IN_DIRECT_BEAM = 2.0e7

SCRIPT = """\
import models.spec_nx as model
from models.utils import UserVars, fp, fw, bc, bw

# BEGIN Instrument DO NOT CHANGE
from models.utils import create_fp, create_fw
inst = model.Instrument(probe='x-ray', wavelength=1.5406, coords='2θ', I0=1.0, res=0.006, restype='fast conv', respoints=5, resintrange=2, beamw=0.05, footype='gauss beam', samplelen=15.0, incangle=0.0, pol='uu', Ibkg=1.5e-7, tthoff=0.0,)
inst_fp = create_fp(inst.wavelength); inst_fw = create_fw(inst.wavelength)

fp.set_wavelength(inst.wavelength); fw.set_wavelength(inst.wavelength)
# END Instrument

# BEGIN Sample DO NOT CHANGE
Amb = model.Layer(sigma=0.0, dens=1.0, d=0.0, f=(1e-20+1e-20j), b=0, xs_ai=0.0, magn=0.0, magn_ang=0.0)
Cap = model.Layer(sigma=4.0, dens=0.0221, d=20.0, f=fp.Si + fp.O*2, b=0, xs_ai=0.0, magn=0.0, magn_ang=0.0)
Si = model.Layer(sigma=4.0, dens=0.04996, d=41.0, f=fp.Si, b=0, xs_ai=0.0, magn=0.0, magn_ang=0.0)
Mo = model.Layer(sigma=4.0, dens=0.0642, d=28.0, f=fp.Mo, b=0, xs_ai=0.0, magn=0.0, magn_ang=0.0)
Oxide = model.Layer(sigma=4.0, dens=0.0221, d=15.0, f=fp.Si + fp.O*2, b=0, xs_ai=0.0, magn=0.0, magn_ang=0.0)
Sub = model.Layer(sigma=3.0, dens=0.04996, d=0.0, f=fp.Si, b=0, xs_ai=0.0, magn=0.0, magn_ang=0.0)

Surface = model.Stack(Layers=[Cap], Repetitions = 1)
Mirror = model.Stack(Layers=[Mo, Si], Repetitions = 16)
Buffer = model.Stack(Layers=[Oxide], Repetitions = 1)

sample = model.Sample(Stacks = [Buffer, Mirror, Surface], Ambient = Amb, Substrate = Sub)
# END Sample

# BEGIN Parameters DO NOT CHANGE
cp = UserVars()
cp.new_var('period', 69.0)
cp.new_var('gamma', 0.40)
# END Parameters

SLD = []
def Sim(data):
    I = []
    SLD[:] = []
    # BEGIN Dataset 0 DO NOT CHANGE
    Mo.setD(cp.period*cp.gamma)
    Si.setD(cp.period*(1.0 - cp.gamma))
    d = data[0]
    I.append(sample.SimSpecular(d.x, inst))
    if _sim: SLD.append(sample.SimSLD(None, None, inst))
    # END Dataset 0
    return I
"""

#        name               start     fit    minimum  maximum   truth
TABLE = [
    ("cp.setPeriod",        69.0,     True,  62.0,    76.0,     67.83),
    ("cp.setGamma",         0.40,     True,  0.25,    0.55,     0.372),
    ("Mo.setDens",          0.0642,   True,  0.054,   0.068,    0.0617),
    ("Mo.setSigma",         4.0,      True,  1.0,     9.0,      5.6),
    ("Si.setSigma",         4.0,      True,  1.0,     9.0,      3.1),
    ("",                    0.0,      False, 0.0,     0.0,      0.0),
    ("Cap.setD",            20.0,     True,  5.0,     45.0,     26.4),
    ("Cap.setDens",         0.0221,   True,  0.017,   0.027,    0.0208),
    ("Cap.setSigma",        4.0,      True,  1.0,     9.0,      4.7),
    ("Oxide.setD",          15.0,     True,  5.0,     40.0,     18.9),
    ("Sub.setSigma",        3.0,      True,  0.5,     8.0,      2.4),
    ("",                    0.0,      False, 0.0,     0.0,      0.0),
    ("inst.setI0",          1.0,      True,  0.7,     1.4,      1.08),
    ("inst.setBeamw",       0.05,     True,  0.03,    0.08,     0.056),
    ("inst.setRes",         0.006,    False, 0.003,   0.012,    0.006),
]  # fmt: skip

CONFIG = {
    "solver": {
        "km": "0.6", "kr": "0.6", "create trial": "best_1_bin",
        "use pop mult": "False", "pop mult": "3", "pop size": "50",
        "use max generations": "False", "max generations": "500", "max generation mult": "6",
        "use start guess": "True", "use boundaries": "True", "min parameter spread": "0.0",
        "allowed fom discrepancy": "1e-10", "max log elements": "100000", "errorbar level": "1.05",
        "figure of merit": "log", "ignore fom nan": "True", "ignore fom inf": "True",
        "limit fit range": "False", "fit xmin": "0.0", "fit xmax": "180.0",
        "use parallel processing": "False", "use autosave": "False", "save all evals": "False",
    }
}  # fmt: skip


def measured(rng: np.random.Generator, reflectivity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reflectivity and its error, each (n_points,), as counted: Poisson counts over the counts of the direct beam."""
    counts = rng.poisson(COUNTS_IN_DIRECT_BEAM * reflectivity)
    return counts / COUNTS_IN_DIRECT_BEAM, np.sqrt(np.maximum(counts, 1)) / COUNTS_IN_DIRECT_BEAM


def film() -> GenxFile:
    """The film as a GenX file: simulated at the truth, starting from the grower's guess."""
    two_theta = np.round(np.arange(0.2, 8.0001, 0.02), 4)
    nothing = np.full_like(two_theta, 1.0)
    rows = [Row(name, start, fit, low, high) for name, start, fit, low, high, _ in TABLE]
    truth = {name: value for name, *_, value in TABLE if name}
    measurement = DataSet("Mo/Si mirror, Cu Kα", two_theta, nothing, nothing)
    file = GenxFile(script=SCRIPT, fom_name="log", table=rows, data=DataList([measurement]), options=CONFIG)
    (ideal,) = metagenx.Model(file).simulate(truth)
    y, error = measured(np.random.default_rng(SEED), ideal)
    measurement = DataSet(measurement.name, two_theta, y, error)
    return GenxFile(script=SCRIPT, fom_name="log", table=rows, data=DataList([measurement]), options=CONFIG)


if __name__ == "__main__":
    write(film(), Path(__file__).with_name("film.hgx"))
