"""``models.spec_adaptive``: specular reflectivity of continuous profiles that are cut into slices as thin as needed."""

from __future__ import annotations

from metagenx.genx.models import numpy_names
from metagenx.genx.models.adaptive_instrument import Instrument, Zeeman
from metagenx.genx.models.adaptive_sample import Layer, Sample, Stack
from metagenx.genx.models.adaptive_simulation import (
    EnergySpecular,
    PolSpecular,
    SLD_calculations,
    Specular,
    SpecularField,
)
from metagenx.genx.models.adaptive_slicing import RoughType
from metagenx.genx.models.footprint_objects import GaussianBeamOffset, SquareBeamOffset, TrapezoidBeam
from metagenx.genx.models.instrument import Coords, FootType, Polarization, Probe, ResType
from metagenx.genx.models.numpy_names import *  # noqa: F403
from metagenx.genx.models.resolution_objects import GaussianResolution, TrapezoidResolution, XrayKalpha
from metagenx.genx.models.specular_simulation import OffSpecular

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
    "RoughType",
    "SLD_calculations",
    "Sample",
    "Specular",
    "SpecularField",
    "SquareBeamOffset",
    "Stack",
    "TrapezoidBeam",
    "TrapezoidResolution",
    "XrayKalpha",
    "Zeeman",
]
