"""What the theories of mag_refl need of the layers, as arrays (n_population | 1, n_layer), substrate first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.models.layer_table import column, table_row
from metagenx.genx.models.sample_table import SampleTable, sample_table
from metagenx.physics import coordinates, magnetic_tensor

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

_MOMENT = ("magn", "magn_ang", "magn_theta")
_INTERFACE_LAYERS = ("dd_l", "dd_u", "dmag_l", "dmag_u", "sigma_ml", "sigma_mu")
XRAY_FIELDS = ("dens", "f", "fr", "fm1", "fm2", "resdens", "resmag", *_MOMENT, *_INTERFACE_LAYERS)
NEUTRON_FIELDS = ("dens", "b", "xs_ai", *_MOMENT, *_INTERFACE_LAYERS)


@dataclass(frozen=True)
class MagneticLayers:
    """The layers of a sample; every field is read when it is first needed.

    Attributes
    ----------
    table : the layers, and how they repeat.
    """

    table: SampleTable

    def __getattr__(self, name: str) -> Array:
        # Fields of the layers that are real numbers: dens, dd_l, …
        if name.startswith("_"):
            raise AttributeError(name)
        values = column(self.table.layers, name)
        self.__dict__[name] = values
        return values

    @cached_property
    def moments(self) -> tuple[Array, Array, Array, Array, Array]:
        """Size, angle in the plane in degrees, and unit vector x, y, z of the moments."""
        return magnetic_tensor.moments(self.magn, self.magn_ang, self.magn_theta)

    @cached_property
    def b(self) -> ComplexArray:
        """Neutron scattering lengths, fm."""
        return column(self.table.layers, "b", complex)

    def scattering_lengths(self, wavelength: Any) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        """Densities c, m1, m2 of x-ray scattering lengths, electrons/Å³, at one wavelength or one per individual."""
        energy = coordinates.HC / wavelength
        lengths = [self._lengths(field, energy) for field in ("f", "fr", "fm1", "fm2")]
        f, fr, fm1, fm2 = lengths
        return magnetic_tensor.scattering_lengths(
            self.dens, (f, fr, fm1, fm2), self.resdens, self.resmag, self.moments[0]
        )

    def thickness(self, *, clip: bool) -> tuple[Array, Array, Array]:
        """Of the layers without their interface layers, and of the lower and upper interface layers, Å."""
        rest = self.table.thickness - self.dd_u - self.dd_l
        return (np.maximum(rest, 0.0) if clip else rest), self.dd_l, self.dd_u

    def widths(self, least: float = 0.0) -> tuple[Array, Array, Array]:
        """Of the step to the lower interface layer, of the top interface, of the step to the upper one, Å."""
        return self.sigma_ml + least, self.table.sigma + least, self.sigma_mu + least

    def _lengths(self, field: str, energy: Any) -> ComplexArray:
        values = [getattr(layer, field) for layer in self.table.layers]
        return table_row([value(energy) if callable(value) else value for value in values], field, complex)


def magnetic_layers(sample: Any) -> MagneticLayers:
    """The layers of a sample.

    Raises
    ------
    InputError : the sample is not made of stacks of the layers of mag_refl.
    """
    table = sample_table(sample)
    for layer in table.layers:
        if not hasattr(layer, "dmag_u"):
            raise InputError(
                f"the sample holds a {type(layer).__name__} that is not one of models.mag_refl",
                hint="make the layers with Layer of models.mag_refl",
            )
    return MagneticLayers(table)
