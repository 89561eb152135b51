"""``models.interdiff``: specular reflectivity and diffuse scattering of x-rays from rough multilayers."""

from __future__ import annotations

from metagenx.genx.models import numpy_names
from metagenx.genx.models.diffuse_simulation import OffSpecular, Specular
from metagenx.genx.models.electron_profile import SLD_calculations
from metagenx.genx.models.footprint_objects import GaussianBeamOffset, SquareBeamOffset, TrapezoidBeam
from metagenx.genx.models.instrument import Coords, FootType
from metagenx.genx.models.interdiff_instrument import DetType, Instrument, ResType
from metagenx.genx.models.interdiff_sample import Layer, Sample, Stack
from metagenx.genx.models.numpy_names import *  # noqa: F403
from metagenx.genx.models.resolution_objects import GaussianResolution, TrapezoidResolution, XrayKalpha

__all__ = [
    *numpy_names.__all__,
    "Coords",
    "DetType",
    "FootType",
    "GaussianBeamOffset",
    "GaussianResolution",
    "Instrument",
    "Layer",
    "OffSpecular",
    "ResType",
    "SLD_calculations",
    "Sample",
    "Specular",
    "SquareBeamOffset",
    "Stack",
    "TrapezoidBeam",
    "TrapezoidResolution",
    "XrayKalpha",
]
