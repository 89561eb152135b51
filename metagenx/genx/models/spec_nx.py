"""``models.spec_nx``: specular reflectivity of x-rays and neutrons, polarised or not, from stacks of
layers."""

from __future__ import annotations

from metagenx.genx.models import numpy_names
from metagenx.genx.models.energy_simulation import EnergySpecular
from metagenx.genx.models.footprint_objects import GaussianBeamOffset, SquareBeamOffset, TrapezoidBeam
from metagenx.genx.models.instrument import Coords, FootType, Instrument, Polarization, Probe, ResType
from metagenx.genx.models.numpy_names import *  # noqa: F403
from metagenx.genx.models.resolution_objects import GaussianResolution, TrapezoidResolution, XrayKalpha
from metagenx.genx.models.sample import Layer, Sample, Stack
from metagenx.genx.models.sld_profile import SLD_calculations
from metagenx.genx.models.specular_simulation import OffSpecular, Specular, SpecularField
from metagenx.genx.models.spin_flip_simulation import PolSpecular

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
