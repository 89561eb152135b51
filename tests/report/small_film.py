"""A small film as a GenX file, quick to fit, with names that a stranger might have chosen to harm a web page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import metagenx
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row, write

EVIL = "<script>alert('data')</script>"

SCRIPT = """\
import models.spec_nx as model
from models.utils import fp
inst = model.Instrument(probe='x-ray', wavelength=1.54, coords='2θ', I0=1.0, Ibkg=1e-6)
Amb = model.Layer()
Film = model.Layer(d=120.0, dens=0.085, f=fp.Fe, sigma=4.0)
Sub = model.Layer(dens=0.05, f=fp.Si, sigma=3.0)
sample = model.Sample(Stacks=[model.Stack(Layers=[Film])], Ambient=Amb, Substrate=Sub)
SLD = []
def Sim(data):
    SLD[:] = []
    if _sim: SLD.append(sample.SimSLD(None, None, inst))
    return [sample.SimSpecular(d.x, inst) for d in data]
"""
# Settings that are easy to beat.
OPTIONS = {
    "solver": {
        "km": "0.9", "kr": "0.3", "create trial": "rand_1_bin", "use pop mult": "False", "pop size": "50",
        "figure of merit": "log",
    }
}  # fmt: skip
TRUTH = {"Film.setD": 131.0, "Film.setDens": 0.083, "Film.setSigma": 5.0}


def film(*, name: str = EVIL, script: str = SCRIPT, **changes: object) -> GenxFile:
    """The film with noise from a fixed seed; ``changes`` are fields of the file."""
    x = np.linspace(0.3, 5.0, 50)
    table = [
        Row("Film.setD", 120.0, True, 90.0, 160.0),
        Row("Film.setDens", 0.085, True, 0.07, 0.095),
        Row("Film.setSigma", 4.0, True, 1.0, 9.0),
    ]
    blank = GenxFile(
        script=SCRIPT, fom_name="log", table=table, data=DataList([DataSet(name, x, 0 * x + 1, 0 * x + 1)])
    )
    (ideal,) = metagenx.Model(blank).simulate(TRUTH)
    noise = np.random.default_rng(3).normal(0.0, 0.05, size=len(x))
    data = DataList([DataSet(name, x, ideal * (1 + noise), 0.05 * ideal)])
    fields: dict[str, object] = {
        "script": script,
        "fom_name": "log",
        "table": table,
        "data": data,
        "options": OPTIONS,
        **changes,
    }
    return GenxFile(**fields)  # type: ignore[arg-type]


def write_film(path: Path, **changes: object) -> Path:
    """The film as a file."""
    write(film(**changes), path)
    return path
