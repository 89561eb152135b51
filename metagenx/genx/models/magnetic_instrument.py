"""The instrument of mag_refl: x-rays of any polarisation and polarised neutrons."""

from __future__ import annotations

from dataclasses import dataclass

from metagenx.genx.models.base import AlternativeStrEnum, ModelParamBase
from metagenx.genx.models.footprint_objects import BeamProfile
from metagenx.genx.models.instrument import Coords, FootType, Polarization

__all__ = ["Coords", "FootType", "Instrument", "Polarization", "Probe", "ResType", "XRayPolarization"]


class Probe(AlternativeStrEnum):
    """What is scattered, and by which theory."""

    xray = "x-ray"
    xray_simple = "x-ray simpl. anis."
    xray_anisotropic = "x-ray anis."
    neutron_pol = "neutron pol"
    neutron_pol_tof = "neutron pol tof"
    neutron_pol_spin_flip = "neutron pol spin flip"


class XRayPolarization(AlternativeStrEnum):
    """Polarisation of the x-rays before and after the sample, or the asymmetry of circular ones."""

    total = "tot"
    circular_plus = "circ+"
    circular_minus = "circ-"
    sigma = "σ"
    pi = "π"
    sigma_sigma = "σ-σ"
    sigma_pi = "σ-π"
    pi_pi = "π-π"
    pi_sigma = "π-σ"
    asymmetry = "ass"

    @classmethod
    def _alternatives(cls) -> dict[str, str]:
        return {
            "sigma": "σ", "pi": "π",
            "sigma-sigma": "σ-σ", "sigma-pi": "σ-π", "pi-pi": "π-π", "pi-sigma": "π-σ",
        }  # fmt: skip


class ResType(AlternativeStrEnum):
    """How the resolution is taken into account."""

    none = "no conv"
    fast_conv = "fast conv"
    fast_conv_varying = "fast conv + varying res."
    full_conv = "full conv and varying res."


@dataclass
class Instrument(ModelParamBase):
    """An instrument, as ``Instrument`` of GenX's mag_refl.

    Options may be given as text, in an alternative spelling, or as their number in the declared order.

    Parameters
    ----------
    probe : what is scattered, and by which theory.
    wavelength : Å. For time of flight it follows from x and `incangle`.
    coords : what x is; time of flight knows Q only.
    I0, Ibkg : the curve is I0·R + Ibkg, except for the asymmetry of anisotropic x-rays.
    res : standard deviation in units of x; may have one value per point.
    restype, respoints, resintrange : as in spec_nx, without relative resolutions and resolution objects.
    beamw, footype, samplelen : as in spec_nx.
    incangle : angle of incidence of time of flight, degrees; may have one value per point.
    xpol : polarisation of x-rays.
    npol : polarisation of neutrons.
    """

    probe: Probe = Probe.xray
    wavelength: float = 1.54
    coords: Coords = Coords.two_theta
    I0: float = 1.0
    Ibkg: float = 0.0
    res: float = 0.001
    restype: ResType = ResType.none
    respoints: int = 5
    resintrange: float = 2.0
    beamw: float = 0.01
    footype: FootType | BeamProfile = FootType.none
    samplelen: float = 10.0
    incangle: float = 0.5
    xpol: XRayPolarization = XRayPolarization.total
    npol: Polarization = Polarization.up_up
