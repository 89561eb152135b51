"""Resolution functions that may be given as ``restype`` of an instrument; all are full convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metagenx.genx.models.base import ModelParamBase
from metagenx.genx.models.values import number, per_point

if TYPE_CHECKING:
    from metagenx.physics.resolution import Grid

__all__ = ["GaussianResolution", "TrapezoidResolution", "XrayKalpha"]

Array = NDArray[np.float64]


@dataclass
class ResolutionFunction(ModelParamBase):
    """A resolution function: where to simulate around each x, and with which weights."""

    def grid(self, x: Array, n_places: int, reach: Any) -> Grid:
        """Grid of `n_places` places per point, x (n_points,) or (n_population, n_points); `reach` in σ."""
        raise NotImplementedError

    def fitted_values(self) -> tuple[Any, ...]:
        """The numbers it depends on."""
        raise NotImplementedError


@dataclass
class GaussianResolution(ResolutionFunction):
    """Normal distribution of standard deviation `sigma` in units of x, one for all points or one per
    point."""

    sigma: float = 0.005

    def grid(self, x: Array, n_places: int, reach: Any) -> Grid:
        """See `ResolutionFunction`."""
        from metagenx.physics.resolution import gaussian_grid

        return gaussian_grid(x, per_point(self, "sigma", x.shape[-1]), n_places, reach)

    def fitted_values(self) -> tuple[Any, ...]:
        """See `ResolutionFunction`."""
        return (self.sigma,)


@dataclass
class TrapezoidResolution(ResolutionFunction):
    """Trapezoid: constant over the full width `inner_width`, zero beyond `outer_width`, in units of x."""

    inner_width: float = 0.02
    outer_width: float = 0.0

    def grid(self, x: Array, n_places: int, reach: Any) -> Grid:
        """See `ResolutionFunction`; `reach` is not used."""
        from metagenx.physics.resolution import trapezoid_grid

        return trapezoid_grid(x, number(self, "inner_width"), number(self, "outer_width"), n_places)

    def fitted_values(self) -> tuple[Any, ...]:
        """See `ResolutionFunction`."""
        return (self.inner_width, self.outer_width)


@dataclass
class XrayKalpha(ResolutionFunction):
    """The Kα doublet of a laboratory source, each line a normal distribution; energies in eV (copper by
    default)."""

    sigma_2theta: float = 0.005
    energy_alpha1: float = 8047.78
    energy_alpha2: float = 8027.83
    ratio12: float = 2.0

    def grid(self, x: Array, n_places: int, reach: Any) -> Grid:
        """See `ResolutionFunction`; 2·n_places places."""
        from metagenx.physics.resolution import kalpha_grid

        sigma = per_point(self, "sigma_2theta", x.shape[-1])
        energy1, energy2 = number(self, "energy_alpha1"), number(self, "energy_alpha2")
        return kalpha_grid(x, sigma, energy1, energy2, number(self, "ratio12"), n_places, reach)

    def fitted_values(self) -> tuple[Any, ...]:
        """See `ResolutionFunction`."""
        return (self.sigma_2theta, self.energy_alpha1, self.energy_alpha2, self.ratio12)
