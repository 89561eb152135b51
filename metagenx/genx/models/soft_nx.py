"""``models.soft_nx``: specular reflectivity of layers that are described by their scattering length densities.

All but the layers is spec_nx's. What differs from physics as in GenX: `soft_optics`, and the sign of the
asymmetry of the probe ``neutron pol``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.genx.models import numpy_names
from metagenx.genx.models.base import ModelParamBase
from metagenx.genx.models.energy_simulation import energy_scan
from metagenx.genx.models.footprint_objects import GaussianBeamOffset, SquareBeamOffset, TrapezoidBeam
from metagenx.genx.models.instrument import Coords, FootType, Instrument, Polarization, Probe, ResType, option
from metagenx.genx.models.measurement import Points, Reflectivity, measure
from metagenx.genx.models.notices import note
from metagenx.genx.models.numpy_names import *  # noqa: F403
from metagenx.genx.models.recording import Kind, recorded
from metagenx.genx.models.resolution_objects import GaussianResolution, TrapezoidResolution, XrayKalpha
from metagenx.genx.models.sample_methods import SampleMethods, Simulations
from metagenx.genx.models.sample_table import SampleTable, sample_table
from metagenx.genx.models.sld_profile import Unrolled, magnetic_components, profiles_of_table
from metagenx.genx.models.soft_optics import numbers_of_densities, scattering_length_densities
from metagenx.genx.models.specular_simulation import OffSpecular, field_of_table, reflected
from metagenx.genx.models.spin_flip_simulation import mixed_channels, spin_flip_channel

__all__ = [
    *numpy_names.__all__,
    "Coords",
    "EnergySpecular",
    "FootType",
    "GaussianBeamOffset",
    "GaussianResolution",
    "Instrument",
    "Layer",
    "OffSpecular",
    "PolSpecular",
    "Polarization",
    "Probe",
    "ResType",
    "SLD_calculations",
    "Sample",
    "Specular",
    "SpecularField",
    "SquareBeamOffset",
    "Stack",
    "TrapezoidBeam",
    "TrapezoidResolution",
    "XrayKalpha",
]

Array = NDArray[np.float64]

# As GenX writes them.
_XRAY_UNIT = r"10^{-6}\AA^{2}"
_NEUTRON_UNIT = r"10^{-6}/\AA^{2}"

_OPPOSITE = (
    "models.soft_nx, probe 'neutron pol': the asymmetry is (dd − uu)/(dd + uu), as in GenX; the other probes and "
    "models.spec_nx have the opposite sign"
)


@dataclass
class Layer(ModelParamBase):
    """A homogeneous layer.

    Parameters
    ----------
    sigma : root mean square roughness of the top interface, Å.
    d : thickness, Å.
    sld_n : scattering length density for neutrons, 1e-6 Å⁻²; a negative imaginary part absorbs.
    sld_x : the same for x-rays.
    sld_m : magnetic scattering length density, 1e-6 Å⁻².
    magn_ang : angle of the moment against the neutron polarisation, degrees.
    """

    sigma: float = 0.0
    d: float = 0.0
    sld_n: complex = 1e-20j
    sld_x: complex = 1e-20j
    sld_m: float = 0.0
    magn_ang: float = 0.0


@dataclass
class Stack(ModelParamBase):
    """Layers, bottom → top, that repeat together; ``Repetitions`` is rounded to a whole number."""

    Layers: list[Layer] = field(default_factory=list)
    Repetitions: int = 1


@dataclass
class Sample(SampleMethods, ModelParamBase):
    """Stacks, bottom → top, between a substrate and the ambient medium; ``-sample`` is its other side.

    Parameters
    ----------
    crop_sld : without effect, as in GenX (in spec_nx it shortens the profiles).
    """

    Stacks: list[Stack] = field(default_factory=list)
    Ambient: Layer = field(default_factory=Layer)
    Substrate: Layer = field(default_factory=Layer)
    crop_sld: int = 0


def Specular(x: ArrayLike, sample: Any, instrument: Any) -> Array:
    """Measured specular reflectivity; see `spec_nx.Specular`.

    The asymmetry of the probe ``neutron pol`` is (dd − uu)/(dd + uu), as in GenX.

    Raises
    ------
    InputError : an option or number of the sample or the instrument cannot be used.
    """
    placeholder = recorded(_RECORDED, x, sample, instrument)
    return _measured(x, sample_table(sample), instrument, sample) if placeholder is None else placeholder


def _measured(x: ArrayLike, table: SampleTable, instrument: Any, sample: Any = None) -> Array:
    def curve(points: Points) -> Reflectivity:
        reflectivity, fitted = reflected(sample, table, instrument, points, optics_of=scattering_length_densities)
        if not _is_opposite(instrument):
            return reflectivity, fitted
        note(_OPPOSITE)
        return -reflectivity, fitted

    return measure(x, instrument, curve)


_RECORDED = Kind(_measured, numbers_of_densities)


def PolSpecular(x: ArrayLike, p1: Any, p2: Any, F1: Any, F2: Any, sample: Any, instrument: Any) -> Array:
    """Measured spin-flip reflectivity with imperfect polarisers and flippers; see `spec_nx.PolSpecular`."""
    table = sample_table(sample)

    def measured(which: Polarization) -> Array:
        def curve(points: Points) -> Reflectivity:
            return spin_flip_channel(sample, table, points, which, optics_of=scattering_length_densities)

        return measure(x, instrument, curve)

    return mixed_channels(measured, p1, p2, F1, F2, instrument)


def SpecularField(x: ArrayLike, sample: Any, instrument: Any) -> NDArray[np.complex128]:
    """Complex reflected amplitude of the sample; see `spec_nx.SpecularField`."""
    return field_of_table(x, sample_table(sample), instrument, scattering_length_densities)


def EnergySpecular(energy: ArrayLike, x: ArrayLike, sample: Any, instrument: Any) -> Array:
    """Reflectivity of x-rays at a fixed angle as a function of the photon energy, with the same sld_x at all."""
    return energy_scan(energy, x, sample_table(sample), instrument, optics_of=scattering_length_densities)


def SLD_calculations(z: ArrayLike | None, item: str | None, sample: Any, instrument: Any) -> Any:
    """Depth profiles of a sample in 1e-6 Å⁻²; see `spec_nx.SLD_calculations`.

    All neutron probes but ``neutron`` have ``Re non-mag``, ``Im non-mag`` and ``mag``, time of flight too.
    """
    return profiles_of_table(sample_table(sample), z, item, sample, instrument, _profiles, crop=False)


Sample._simulations = Simulations(Specular, PolSpecular, SpecularField, EnergySpecular, SLD_calculations)


def _is_opposite(instrument: Any) -> bool:
    return (
        option(instrument, "probe", Probe) is Probe.neutron_pol
        and option(instrument, "pol", Polarization) is Polarization.asymmetry
    )


def _profiles(layers: Unrolled, z: Any, instrument: Any) -> dict[str, Any]:
    depths, along = layers.along(z)
    probe = option(instrument, "probe", Probe)
    if probe in (Probe.xray, Probe.neutron):
        xray = probe is Probe.xray
        sld = along(layers.row("sld_x" if xray else "sld_n", complex))
        return {"Re": sld.real, "Im": sld.imag, "z": depths, "SLD unit": _XRAY_UNIT if xray else _NEUTRON_UNIT}
    sld, magnetic = along(layers.row("sld_n", complex)), layers.row("sld_m")
    result = {"Re non-mag": sld.real, "Im non-mag": sld.imag, "mag": along(magnetic), "z": depths}
    return {**result, **magnetic_components(layers, magnetic, along, probe), "SLD unit": _NEUTRON_UNIT}
