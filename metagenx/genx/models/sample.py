"""The sample of spec_nx: layers in stacks, between a substrate and the ambient medium."""

from __future__ import annotations

from dataclasses import dataclass, field

from metagenx.genx.models.base import ModelParamBase
from metagenx.genx.models.energy_simulation import EnergySpecular
from metagenx.genx.models.sample_methods import SampleMethods, Simulations
from metagenx.genx.models.sld_profile import SLD_calculations
from metagenx.genx.models.specular_simulation import Specular, SpecularField
from metagenx.genx.models.spin_flip_simulation import PolSpecular

__all__ = ["Layer", "Sample", "Stack"]


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
class Sample(SampleMethods, ModelParamBase):
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

    _simulations = Simulations(Specular, PolSpecular, SpecularField, EnergySpecular, SLD_calculations)
