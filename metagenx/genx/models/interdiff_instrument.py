"""The instrument of interdiff: a diffractometer with a detector slit, for specular and off-specular scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metagenx.genx.models.base import AlternativeStrEnum, ModelParamBase
from metagenx.genx.models.footprint_objects import BeamProfile
from metagenx.genx.models.instrument import Coords, FootType, option
from metagenx.genx.models.instrument import Instrument as Reflectometer
from metagenx.genx.models.resolution_objects import ResolutionFunction

__all__ = ["DetType", "Instrument", "ResType"]


class ResType(AlternativeStrEnum):
    """How the resolution is taken into account."""

    none = "no conv"
    fast_conv = "fast conv"
    fast_conv_varying = "fast conv + varying res."
    full_conv_absolute = "full conv and varying res."


class DetType(AlternativeStrEnum):
    """What the detector accepts: a box or a normal distribution of width `detres`."""

    slit = "slit"
    gauss = "gauss"


@dataclass
class Instrument(ModelParamBase):
    """An instrument, as the ``Instrument`` of GenX's interdiff.

    Parameters
    ----------
    wavelength : Å.
    coords : what the arguments of the simulations are: (2θ, θ) in degrees or (q_z, q_x) in Å⁻¹.
    I0 : of the beam. I0_offspec : a factor of the diffuse part. Ibkg : background.
    restype, res, respoints, resintrange, footype, beamw, samplelen : as in spec_nx.
    detres : full width of the detector's acceptance, degrees of 2θ.
    dettype : its shape.
    taylor_n : how many orders of Taylor's series count for the correlation of the interfaces. Negative: the
        transform of the correlation function is interpolated in a table of fixed places.
    """

    wavelength: float = 1.54
    coords: Coords = Coords.two_theta
    I0: float = 1.0
    I0_offspec: float = 1.0
    Ibkg: float = 0.0
    restype: ResType | ResolutionFunction = ResType.none
    res: float = 0.001
    detres: float = 0.01
    dettype: DetType = DetType.gauss
    respoints: int = 5
    resintrange: float = 2.0
    footype: FootType | BeamProfile = FootType.none
    beamw: float = 0.01
    samplelen: float = 10.0
    taylor_n: int = 2


_SHARED = ("wavelength", "I0", "Ibkg", "res", "respoints", "resintrange", "footype", "beamw", "samplelen")


def reflectometer(instrument: Any, **changes: Any) -> Reflectometer:
    """The same as an instrument of spec_nx, for the specular part.

    Parameters
    ----------
    changes : fields that it has otherwise.
    """
    values = {name: getattr(instrument, name) for name in _SHARED}
    values["coords"] = option(instrument, "coords", Coords)
    restype = instrument.restype
    if not isinstance(restype, ResolutionFunction):
        restype = str(option(instrument, "restype", ResType).value)
    return Reflectometer(restype=restype, **(values | changes))
