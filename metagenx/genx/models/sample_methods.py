"""What a script can ask of a sample of any library that simulates specular reflectivity."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.genx.models.specular_simulation import OffSpecular

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Simulations:
    """The functions of a library that simulate its samples, as scripts can call them too."""

    specular: Callable[..., Any]
    polarised: Callable[..., Any]
    field: Callable[..., Any]
    energy: Callable[..., Any]
    profile: Callable[..., Any]


class SampleMethods:
    """A sample that simulates itself; ``-sample`` is its other side, which follows later changes of the layers."""

    _simulations: ClassVar[Simulations]
    # Whether it is seen from the other side. Not a field: it is no parameter.
    _inverted = False

    def __neg__(self) -> Self:
        other = copy.copy(self)
        other._inverted = not self._inverted
        return other

    def SimSpecular(self, x: ArrayLike, instrument: Any) -> Array:
        """Measured specular reflectivity, (n_points,) or (n_population, n_points)."""
        curve: Array = self._simulations.specular(x, self, instrument)
        return curve

    def SimPolSpecular(self, x: ArrayLike, p1: Any, p2: Any, F1: Any, F2: Any, instrument: Any) -> Array:
        """Measured spin-flip reflectivity with imperfect polarisers (p1, p2) and flippers (F1, F2)."""
        curve: Array = self._simulations.polarised(x, p1, p2, F1, F2, self, instrument)
        return curve

    def SimSpecularField(self, x: ArrayLike, instrument: Any) -> NDArray[np.complex128]:
        """Complex reflected amplitude (of the mean thickness), without footprint, resolution and I0."""
        amplitude: NDArray[np.complex128] = self._simulations.field(x, self, instrument)
        return amplitude

    def SimEnergySpecular(self, energy: ArrayLike, x: ArrayLike, instrument: Any) -> Array:
        """Reflectivity of x-rays as a function of the photon energy in eV, at a fixed x."""
        curve: Array = self._simulations.energy(energy, x, self, instrument)
        return curve

    def SimOffSpecular(self, *arguments: Any) -> Array:
        """Not available: off-specular scattering is the subject of models.interdiff."""
        return OffSpecular(*arguments, self)

    def SimSLD(self, z: ArrayLike | None, item: str | None, instrument: Any) -> Any:
        """Profile of the scattering length density along the depth z in Å (None: chosen to fit; of mean thickness)."""
        return self._simulations.profile(z, item, self, instrument)
