"""The instrument of a reflectivity measurement: beam, coordinates, resolution, footprint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from metagenx.errors import InputError
from metagenx.genx.models.base import AlternativeStrEnum, ModelParamBase
from metagenx.genx.models.footprint_objects import BeamProfile
from metagenx.genx.models.resolution_objects import ResolutionFunction

__all__ = ["Coords", "FootType", "Instrument", "Polarization", "Probe", "ResType"]


class Probe(AlternativeStrEnum):
    """What is scattered."""

    xray = "x-ray"
    neutron = "neutron"
    neutron_pol = "neutron pol"
    neutron_pol_spin_flip = "neutron pol spin flip"
    neutron_tof = "neutron tof"
    neutron_pol_tof = "neutron pol tof"


class Coords(AlternativeStrEnum):
    """What x is: Q in Å⁻¹ or 2θ in degrees."""

    q = "q"
    two_theta = "2θ"

    @classmethod
    def _alternatives(cls) -> dict[str, str]:
        return {"tth": "2θ"}


class Polarization(AlternativeStrEnum):
    """Polarisation before and after the sample, or the spin asymmetry."""

    up_up = "uu"
    down_down = "dd"
    up_down = "ud"
    down_up = "du"
    asymmetry = "ass"

    @classmethod
    def _alternatives(cls) -> dict[str, str]:
        return {"++": "uu", "--": "dd", "+-": "ud", "-+": "du"}


class ResType(AlternativeStrEnum):
    """How the resolution is taken into account."""

    none = "no conv"
    fast_conv = "fast conv"
    fast_conv_varying = "fast conv + varying res."
    fast_conv_relative = "fast conv + varying res. (dx/x)"
    full_conv_absolute = "full conv and varying res."
    full_conv_relative = "full conv and varying res. (dx/x)"


class FootType(AlternativeStrEnum):
    """Profile of the beam along the sample."""

    none = "no corr"
    gauss = "gauss beam"
    square = "square beam"


@dataclass
class Instrument(ModelParamBase):
    """An instrument, as GenX's ``Instrument``.

    Options may be given as text, in an alternative spelling, or as their number in the declared order.

    Parameters
    ----------
    probe : what is scattered.
    wavelength : Å. For time of flight it follows from x and `incangle`.
    I0, Ibkg : the curve is I0·R + Ibkg.
    pol : polarisation channel, or the asymmetry ``ass``.
    coords : what x is.
    tthoff : added to every 2θ, degrees.
    incangle : angle of incidence of time of flight, degrees; may have one value per point.
    restype : how the resolution is taken into account, or a resolution object.
    res : standard deviation in units of x (2θ in degrees or Q in Å⁻¹), or relative for ``(dx/x)``; may have
        one value per point.
    respoints, resintrange : places per point of a full convolution, and its half range in standard
        deviations.
    footype : profile of the beam, or a beam object.
    beamw : width of the beam, mm: standard deviation (gauss) or full width (square).
    samplelen : length of the sample along the beam, mm.
    """

    probe: Probe = Probe.xray
    wavelength: float = 1.54
    I0: float = 1.0
    Ibkg: float = 0.0
    pol: Polarization = Polarization.up_up
    coords: Coords = Coords.two_theta
    tthoff: float = 0.0
    incangle: float = 0.5
    restype: ResType | ResolutionFunction = ResType.none
    res: float = 0.001
    respoints: int = 5
    resintrange: float = 2.0
    footype: FootType | BeamProfile = FootType.none
    beamw: float = 0.01
    samplelen: float = 10.0


Option = TypeVar("Option", bound=AlternativeStrEnum)


def option(instrument: Any, field: str, kind: type[Option]) -> Option:
    """The option that a field of the instrument names, whatever its spelling.

    Raises
    ------
    InputError : no such option; all are listed.
    """
    value = getattr(instrument, field)
    if type(value) is kind:
        return value
    try:
        return kind(value)
    except (ValueError, TypeError):
        raise InputError(
            f"{type(instrument).__name__}.{field} has no option {value!r}",
            hint="the options are " + ", ".join(repr(str(member.value)) for member in kind),
        ) from None
