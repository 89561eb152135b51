"""The sample of mag_refl: layers with a resonant and a magnetic part, and with interface layers of another moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.base import ModelParamBase
from metagenx.genx.models.magnetic_profile import SLD_calculations
from metagenx.genx.models.magnetic_simulation import Specular

__all__ = ["Layer", "Sample", "Stack"]

Array = NDArray[np.float64]


@dataclass
class Layer(ModelParamBase):
    """A layer that may be magnetic, with another moment near its interfaces.

    The scattering lengths of x-rays per formula unit are f + resdens·fr without magnetism, and
    resdens·resmag·magn·fm1 and resdens·resmag·magn²·fm2 with it.

    Parameters
    ----------
    d : thickness, Å, its interface layers included.
    dens : formula units per Å³.
    sigma : root mean square roughness of the top interface, Å.
    f, fr, fm1, fm2 : x-ray scattering lengths in electrons per formula unit: away from the resonance, resonant, of
        circular and of linear magnetic dichroism; each a number or a function of the photon energy in eV.
    resdens, resmag : part of the resonant atoms, and of these the magnetic part.
    dd_l, dd_u : thickness of the lower and the upper interface layer, Å.
    dmag_l, dmag_u : relative change of the moment in them: magn·(1 + dmag).
    sigma_ml, sigma_mu : root mean square width of the step of the moment to the lower and the upper interface layer,
        Å.
    b : neutron scattering length, fm per formula unit.
    xs_ai : cross section of absorption and incoherent scattering at the wavelength used, barn per formula unit.
    magn : magnetic moment, Bohr magnetons per formula unit; a negative one points the other way.
    magn_ang : angle φ of the moment in the plane of the film, degrees: for x-rays against the x axis, which lies in
        the plane of scattering; for neutrons against their polarisation.
    magn_theta : angle of the moment out of the plane of the film, degrees.
    """

    d: float = 0.0
    dens: float = 1.0
    sigma: float = 0.0
    f: complex = 1e-20j
    fr: complex = 1e-20j
    fm1: complex = 1e-20j
    fm2: complex = 1e-20j
    resdens: float = 1.0
    resmag: float = 1.0
    dd_l: float = 0.0
    dd_u: float = 0.0
    dmag_l: float = 0.0
    dmag_u: float = 0.0
    sigma_ml: float = 0.0
    sigma_mu: float = 0.0
    b: complex = 0j
    xs_ai: float = 0.0
    magn: float = 0.0
    magn_ang: float = 0.0
    magn_theta: float = 0.0


@dataclass
class Stack(ModelParamBase):
    """Layers, bottom → top, that repeat together; ``Repetitions`` is rounded to a whole number."""

    Layers: list[Layer] = field(default_factory=list)
    Repetitions: int = 1


@dataclass
class Sample(ModelParamBase):
    """Stacks, bottom → top, between a substrate and the ambient medium.

    Parameters
    ----------
    slicing : whether the profiles of the sample are cut into thin slices without roughness, instead of layers with
        rough interfaces.
    slice_depth : step of the profiles, Å.
    sld_mult, sld_buffer : the profiles begin sld_mult·σ + sld_buffer Å below the lowest interface, and end so much
        above the highest.
    sld_delta : how much further than that substrate and ambient medium reach, Å.
    compress : whether neighbouring slices that differ little become one.
    dsld_max, dsld_offdiag_max : largest difference of the diagonal and other elements of the scattering length
        density of x-rays within a slice, r_e/Å³.
    dmag_max : the same of the magnetisation, μ_B/Å³.
    dsld_n_max, dabs_n_max : the same of the scattering length density of neutrons, fm/Å³, and of the absorption
        cross section, barn/Å³.
    """

    Stacks: list[Stack] = field(default_factory=list)
    Ambient: Layer = field(default_factory=Layer)
    Substrate: Layer = field(default_factory=Layer)
    slicing: bool = False
    slice_depth: float = 1.0
    sld_mult: float = 4.0
    sld_buffer: float = 20.0
    sld_delta: float = 5.0
    compress: bool = True
    dsld_max: float = 0.1
    dsld_offdiag_max: float = 0.1
    dmag_max: float = 0.01
    dsld_n_max: float = 0.01
    dabs_n_max: float = 0.01

    def SimSpecular(self, x: ArrayLike, instrument: Any) -> Array:
        """Measured specular reflectivity or asymmetry, (n_points,) or (n_population, n_points)."""
        return Specular(x, self, instrument)

    def SimOffSpecular(self, *arguments: Any) -> Array:
        """Not available: off-specular scattering is the subject of models.interdiff."""
        raise InputError(
            "off-specular scattering is not part of models.mag_refl",
            hint="the model library for it is models.interdiff",
        )

    def SimSLD(self, z: ArrayLike | None, item: str | None, instrument: Any) -> Any:
        """Profiles of what the probe sees along the depth z in Å (None: chosen to fit)."""
        return SLD_calculations(z, item, self, instrument)
