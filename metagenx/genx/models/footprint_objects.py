"""Beam profiles that may be given as ``footype`` of an instrument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.genx.models.base import ModelParamBase
from metagenx.genx.models.values import number

__all__ = ["GaussianBeamOffset", "SquareBeamOffset", "TrapezoidBeam"]

Array = NDArray[np.float64]


@dataclass
class BeamProfile(ModelParamBase):
    """A beam profile: what part of the beam falls on the sample."""

    def illuminated(self, sine: Array, length: Any) -> Array:
        """Part of the beam on a sample of a `length` in mm at sin θ; shapes follow broadcasting."""
        raise NotImplementedError


@dataclass
class GaussianBeamOffset(BeamProfile):
    """Gaussian beam, standard deviation `sigma`, that misses the centre of the sample by `offset`, mm."""

    sigma: float = 0.5
    offset: float = 0.0

    def illuminated(self, sine: Array, length: Any) -> Array:
        """See `BeamProfile`."""
        from metagenx.physics import footprint

        return footprint.gaussian_with_offset(sine, length, number(self, "sigma"), number(self, "offset"))


@dataclass
class SquareBeamOffset(BeamProfile):
    """Beam of constant intensity and full `width` that misses the centre of the sample by `offset`, mm."""

    width: float = 0.1
    offset: float = 0.0

    def illuminated(self, sine: Array, length: Any) -> Array:
        """See `BeamProfile`."""
        from metagenx.physics import footprint

        return footprint.square_with_offset(sine, length, number(self, "width"), number(self, "offset"))


@dataclass
class TrapezoidBeam(BeamProfile):
    """Beam behind two slits: constant over `inner_width`, zero beyond `outer_width`, linear between, mm."""

    inner_width: float = 0.2
    outer_width: float = 0.3

    def illuminated(self, sine: Array, length: Any) -> Array:
        """See `BeamProfile`."""
        from metagenx.physics import footprint

        return footprint.trapezoid(sine, length, number(self, "inner_width"), number(self, "outer_width"))
