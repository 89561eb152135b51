"""A film that grows from scan to scan: a model file and a folder of measurements, made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import metagenx
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row, write

SCRIPT = """\
import models.spec_nx as model
from models.utils import fp
inst = model.Instrument(probe='x-ray', wavelength=1.54, coords='2θ', I0=1.0, Ibkg=1e-6)
Amb = model.Layer()
Film = model.Layer(d=120.0, dens=0.085, f=fp.Fe, sigma=4.0)
Sub = model.Layer(dens=0.05, f=fp.Si, sigma=3.0)
sample = model.Sample(Stacks=[model.Stack(Layers=[Film])], Ambient=Amb, Substrate=Sub)
def Sim(data):
    return [sample.SimSpecular(d.x, inst) for d in data]
"""
OPTIONS = {
    "solver": {"create trial": "best_1_bin", "use pop mult": "False", "pop size": "20", "figure of merit": "log"}
}
TABLE = (
    Row("Film.setD", 120.0, True, 100.0, 150.0),
    Row("Film.setSigma", 4.0, True, 1.0, 9.0),
    Row("Film.setDens", 0.085, False, 0.07, 0.095),
)
X = np.linspace(0.3, 5.0, 40)


def film(y: np.ndarray | None = None, *, name: str = "film", script: str = SCRIPT, error: float = 0.02) -> GenxFile:
    """The model, with a measurement or with a placeholder."""
    y = 0 * X + 1 if y is None else y
    table = [Row(**vars(row)) for row in TABLE]
    return GenxFile(
        script=script, fom_name="log", table=table, data=DataList([DataSet(name, X, y, error * y)]), options=OPTIONS
    )


def measured(thickness: float, number: int) -> np.ndarray:
    """A film of this thickness, measured with a noise of 2 %."""
    (ideal,) = metagenx.Model(film()).simulate({"Film.setD": thickness, "Film.setSigma": 5.0})
    return np.asarray(ideal * (1 + np.random.default_rng(number).normal(0.0, 0.02, size=len(X))))


def write_model(path: Path, **changes: str) -> Path:
    write(film(**changes), path)  # type: ignore[arg-type]
    return path


def write_scans(folder: Path, thicknesses: list[float], stem: str = "scan") -> list[Path]:
    """Measurements as columns of text: scan1.dat, scan2.dat …"""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, thickness in enumerate(thicknesses, start=1):
        y = measured(thickness, number)
        paths.append(folder / f"{stem}{number}.dat")
        np.savetxt(paths[-1], np.column_stack([X, y, 0.02 * y]), header="2theta(deg) intensity error")
    return paths
