"""The sample of spec_adaptive: layers with interfaces of several shapes, in stacks for several elements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metagenx.errors import InputError
from metagenx.genx.models import sample as plain
from metagenx.genx.models.adaptive_simulation import (
    EnergySpecular,
    PolSpecular,
    SLD_calculations,
    Specular,
    SpecularField,
)
from metagenx.genx.models.adaptive_slicing import RoughType, sliced_table
from metagenx.genx.models.base import ModelParamBase
from metagenx.genx.models.sample_methods import Simulations

__all__ = ["Layer", "Sample", "Stack"]


@dataclass
class Layer(plain.Layer):
    """A layer of the profile; the other fields are those of spec_nx.

    Parameters
    ----------
    rough_type : shape of the top interface.
    magn_void : whether the layer takes the magnetisation away from where it reaches.
    sigma_mag : roughness of the top interface for the magnetisation, Å; 0: that of the layer.
    """

    rough_type: RoughType = RoughType.gauss
    magn_void: bool = False
    sigma_mag: float = 0.0


@dataclass
class Stack(plain.Stack):
    """Layers, bottom → top, that repeat together.

    Parameters
    ----------
    Element : stacks of the same number lie upon each other. The lowest number is the sample; stacks of another one
        begin at its substrate, too, and what they hold is added.
    """

    Layers: list[plain.Layer] = field(default_factory=list)
    Element: int = 0


@dataclass
class Sample(plain.Sample):
    """Stacks, bottom → top, between a substrate and the ambient medium; cut into slices before it is simulated.

    Parameters
    ----------
    minimal_steps : thickness of the thinnest slices, Å.
    max_diff_n : how much dens·b in fm/Å³, plus or minus the magnetisation in Bohr magnetons per Å³, changes in a slice.
    max_diff_x : how much dens·f in electrons/Å³ changes in a slice.
    smoothen : roughness between the slices, a quarter of their thicknesses.
    crop_sigma : keep the roughness of an interface out of the next but one layer.
    """

    Stacks: list[plain.Stack] = field(default_factory=list)
    Ambient: plain.Layer = field(default_factory=Layer)
    Substrate: plain.Layer = field(default_factory=Layer)
    minimal_steps: float = 0.5
    max_diff_n: float = 0.01
    max_diff_x: float = 0.01
    smoothen: bool = False
    crop_sigma: bool = False

    _simulations = Simulations(Specular, PolSpecular, SpecularField, EnergySpecular, SLD_calculations)

    def resolveLayerParameters(self) -> LayerParameters:
        """Substrate, slices from the bottom, ambient medium, as they are simulated; of one sample.

        Raises
        ------
        InputError : a number of the sample is fitted, one slicing per individual.
        """
        table = sliced_table(self)
        if len(table.thickness) > 1:
            raise InputError("resolveLayerParameters gives the slices of one sample, not of a population")
        rows = table.unrolled()
        kinds = {"f": complex, "b": complex}
        names = ("dens", "f", "b", "xs_ai", "magn", "magn_ang")
        columns = {name: table.column(name, kinds.get(name, float)) for name in names}
        columns |= {"d": table.thickness, "sigma": table.sigma}
        return LayerParameters(**{name: values[0, rows].tolist() for name, values in columns.items()})


@dataclass
class LayerParameters(ModelParamBase):
    """The fields of all layers, a list each."""

    d: Any
    dens: Any
    sigma: Any
    f: Any
    b: Any
    xs_ai: Any
    magn: Any
    magn_ang: Any
