"""The sample of spec_nx: layers in stacks, between a substrate and the ambient medium."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.genx.models.base import ModelParamBase
from metagenx.genx.models.energy_simulation import EnergySpecular
from metagenx.genx.models.sld_profile import SLD_calculations
from metagenx.genx.models.specular_simulation import OffSpecular, Specular, SpecularField
from metagenx.genx.models.spin_flip_simulation import PolSpecular

__all__ = ["Layer", "Sample", "Stack"]

Array = NDArray[np.float64]


@dataclass
class Layer(ModelParamBase):
    """A homogeneous layer.

    Parameters
    ----------
    d : thickness, Å.
    dens : formula units per Å³.
    sigma : root mean square roughness of the top interface, Å.
    f : x-ray scattering length, electrons per formula unit, or a function of the photon energy in eV.
    b : neutron scattering length, fm per formula unit.
    xs_ai : cross section of absorption and incoherent scattering at the wavelength used, barn per formula
        unit.
    magn : magnetic moment, Bohr magnetons per formula unit.
    magn_ang : angle of the moment against the neutron polarisation, degrees.
    """

    d: float = 0.0
    dens: float = 1.0
    sigma: float = 0.0
    f: complex = 1e-20j
    b: complex = 0j
    xs_ai: float = 0.0
    magn: float = 0.0
    magn_ang: float = 0.0


@dataclass
class Stack(ModelParamBase):
    """Layers, bottom → top, that repeat together; ``Repetitions`` is rounded to a whole number."""

    Layers: list[Layer] = field(default_factory=list)
    Repetitions: int = 1


@dataclass
class Sample(ModelParamBase):
    """Stacks, bottom → top, between a substrate and the ambient medium.

    ``-sample`` is the same sample seen from the other side; it follows later changes of the layers.

    Parameters
    ----------
    crop_sld : for `SimSLD` only: keep that many layers at both ends and make one empty layer of those
        between; a negative number replaces them by a dummy of 5 Å.
    """

    Stacks: list[Stack] = field(default_factory=list)
    Ambient: Layer = field(default_factory=Layer)
    Substrate: Layer = field(default_factory=Layer)
    crop_sld: int = 0

    # Whether it is seen from the other side. Not a field: it is no parameter.
    _inverted = False

    def __neg__(self) -> Sample:
        other = copy.copy(self)
        other._inverted = not self._inverted
        return other

    def SimSpecular(self, x: ArrayLike, instrument: Any) -> Array:
        """Measured specular reflectivity, (n_points,) or (n_population, n_points)."""
        return Specular(x, self, instrument)

    def SimPolSpecular(self, x: ArrayLike, p1: Any, p2: Any, F1: Any, F2: Any, instrument: Any) -> Array:
        """Measured spin-flip reflectivity with imperfect polarisers (p1, p2) and flippers (F1, F2)."""
        return PolSpecular(x, p1, p2, F1, F2, self, instrument)

    def SimSpecularField(self, x: ArrayLike, instrument: Any) -> NDArray[np.complex128]:
        """Complex reflected amplitude, without footprint, resolution and I0."""
        return SpecularField(x, self, instrument)

    def SimEnergySpecular(self, energy: ArrayLike, x: ArrayLike, instrument: Any) -> Array:
        """Reflectivity of x-rays as a function of the photon energy in eV, at a fixed x."""
        return EnergySpecular(energy, x, self, instrument)

    def SimOffSpecular(self, *arguments: Any) -> Array:
        """Not available: off-specular scattering is the subject of models.interdiff."""
        return OffSpecular(*arguments, self)

    def SimSLD(self, z: ArrayLike | None, item: str | None, instrument: Any) -> Any:
        """Profile of the scattering length density along the depth z in Å (None: chosen to fit)."""
        return SLD_calculations(z, item, self, instrument)
