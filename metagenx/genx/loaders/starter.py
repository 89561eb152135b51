"""A model file for data alone: the model in their ORSO header, or a bare substrate as a place to begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metagenx.genx.data import DataList
from metagenx.genx.file import GenxFile, Row, error_text
from metagenx.genx.loaders.coordinates import axes_of_model, converted
from metagenx.genx.loaders.measured import MeasuredSet

_SCRIPT = """\
from numpy import *
import models.spec_nx as model
from models.utils import UserVars, fp, fw, bc, bw

# BEGIN Instrument DO NOT CHANGE
from models.utils import create_fp, create_fw
inst = model.Instrument(probe={probe!r}, wavelength={wavelength!r}, coords={coords!r}, I0=1.0, Ibkg=0.0,
                        res=0.001, restype={restype!r}, respoints=5, resintrange=2.0, beamw=0.01, footype='no corr',
                        samplelen=10.0, incangle=0.0, pol='uu')
inst_fp = create_fp(inst.wavelength)
inst_fw = create_fw(inst.wavelength)
fp.set_wavelength(inst.wavelength)
fw.set_wavelength(inst.wavelength)
# END Instrument

# BEGIN Sample DO NOT CHANGE
Amb = model.Layer(sigma=0.0, dens=0.0, d=0.0, f=(0+0j), b=0j, magn=0.0, magn_ang=0.0, sld_x=0j, sld_n=0j)
Sub = model.Layer(sigma=3.0, dens=0.0499, d=0.0, f=fp.Si, b=bc.Si, magn=0.0, magn_ang=0.0, sld_x=0j, sld_n=0j)
top = model.Stack(Layers=[], Repetitions=1)
sample = model.Sample(Stacks=[top], Ambient=Amb, Substrate=Sub)
# END Sample

# BEGIN Parameters DO NOT CHANGE
cp = UserVars()
# END Parameters

SLD = []


def Sim(data):
    I = []
    SLD[:] = []
{blocks}    return I
"""
_BLOCK = """\
    # BEGIN Dataset {index} DO NOT CHANGE
    d = data[{index}]
{resolution}    I.append(sample.SimSpecular(d.x, inst))
    if _sim:
        SLD.append(sample.SimSLD(None, None, inst))
    # END Dataset {index}
"""


def starter_file(sets: Sequence[MeasuredSet], *, trust: bool = False) -> tuple[GenxFile, list[str]]:
    """A .hgx of measurements, and what a user should know about its model.

    The model is the one in the analysis block of an ORSO header that metagenx wrote, if it fits the number of sets;
    its script passes the same wall as any other, and x is brought to the coordinates of its instrument.
    """
    data = DataList(item.dataset() for item in sets)
    stored = _stored_model(sets)
    if stored is not None:
        return _with_data(stored, sets, trust), ["the model is the one in the header of the ORSO file"]
    first = sets[0]
    neutron = "neutron" in str(_inside(first.meta, "data_source", "experiment").get("probe", ""))
    blocks = "".join(
        _BLOCK.format(index=i, resolution="    inst.setRes(d.res)\n" if "res" in item.extra else "")
        for i, item in enumerate(sets)
    )
    script = _SCRIPT.format(
        probe="neutron" if neutron else "x-ray",
        wavelength=float(first.wavelength or (4.0 if neutron else 1.5406)),
        coords="q" if first.axis != "2theta" else "2θ",
        restype="full conv and varying res." if all("res" in item.extra for item in sets) else "no conv",
        blocks=blocks,
    )
    table = [Row("inst.setI0", 1.0, True, 0.1, 10.0), Row("Sub.setSigma", 3.0, True, 0.0, 20.0)]
    notices = ["there is no model in the file: it gets a bare silicon substrate, as a place to begin in GenX"]
    if not first.axis:
        notices.append("the file does not say what x is; the model takes it as Q in Å⁻¹")
    return GenxFile(script=script, table=table, data=data, fom_name="log"), notices


def _with_data(file: GenxFile, sets: Sequence[MeasuredSet], trust: bool) -> GenxFile:
    """The stored model with the data in its own coordinates: ORSO files hold Qz, the model may work in 2θ."""
    from metagenx.genx.model import Model

    file.data = DataList(item.dataset() for item in sets)
    axes = axes_of_model(Model(file, trust=trust).namespace, file.script, len(sets))
    for index, (item, axis) in enumerate(zip(sets, axes, strict=True)):
        if axis.axis == "2theta" and item.axis == "q" and axis.wavelength:
            file.data[index] = converted(item, "2theta", axis.wavelength, item.name).dataset()
    return file


def _stored_model(sets: Sequence[MeasuredSet]) -> GenxFile | None:
    analysis = _inside(sets[0].meta, "analysis")
    script = _inside(analysis, "model").get("script")
    parameters = analysis.get("parameters")
    count = _inside(analysis, "model").get("data_sets", len(sets))
    if not isinstance(script, str) or not isinstance(parameters, dict) or count != len(sets):
        return None
    table = []
    for name, described in parameters.items():
        if not isinstance(described, dict):
            continue
        value, low, high = (_number(described.get(key)) for key in ("value", "min", "max"))
        fit = bool(described.get("fit", False))
        low_error, high_error = (described.get(key) for key in ("error_low", "error_high"))
        known = isinstance(low_error, int | float) and isinstance(high_error, int | float)
        text = error_text(float(low_error or 0.0), float(high_error or 0.0)) if known else "-"
        table.append(Row(str(name), value, fit, low, high, text))
    fom = _inside(analysis, "figure_of_merit").get("function", "log")
    return GenxFile(script=script, table=table, fom_name=fom if isinstance(fom, str) else "log")


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _inside(known: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        known = known.get(key, {}) if isinstance(known, dict) else {}
    return known if isinstance(known, dict) else {}
