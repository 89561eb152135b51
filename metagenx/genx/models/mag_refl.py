"""``models.mag_refl``: specular reflectivity of magnetic films for resonant x-rays of any polarisation and for
polarised neutrons, with magnetic interface layers or sliced profiles."""

from __future__ import annotations

from metagenx.genx.models.magnetic_instrument import (
    Coords,
    FootType,
    Instrument,
    Polarization,
    Probe,
    ResType,
    XRayPolarization,
)
from metagenx.genx.models.magnetic_profile import SLD_calculations
from metagenx.genx.models.magnetic_sample import Layer, Sample, Stack
from metagenx.genx.models.magnetic_simulation import Specular

__all__ = [
    "Coords",
    "FootType",
    "Instrument",
    "Layer",
    "Polarization",
    "Probe",
    "ResType",
    "SLD_calculations",
    "Sample",
    "Specular",
    "Stack",
    "XRayPolarization",
]
