"""``models.spec_inhom``: stacks with gradients, neutron supermirrors, and films of uneven thickness.

All else is spec_nx's. As in GenX, Repetitions are cut off to a whole number (spec_nx: rounded), I0 counts before
the resolution, and x-rays are not absorbed: of f only the real part goes into the reflectivity. (The fact sheet
does not name the last; the reference cases show it to 1e-13.)
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models import numpy_names, sample
from metagenx.genx.models.base import AlternativeStrEnum, ModelParamBase
from metagenx.genx.models.energy_simulation import energy_scan
from metagenx.genx.models.footprint_objects import GaussianBeamOffset, SquareBeamOffset, TrapezoidBeam
from metagenx.genx.models.inhomogeneous_table import SigmaGradientType, inhomogeneous_table, repeated_values
from metagenx.genx.models.instrument import Coords, FootType, Instrument, Polarization, Probe, ResType, option
from metagenx.genx.models.measurement import Points, Reflectivity, measure
from metagenx.genx.models.notices import note
from metagenx.genx.models.numpy_names import *  # noqa: F403
from metagenx.genx.models.optics import Optics, scattering_lengths
from metagenx.genx.models.resolution_objects import GaussianResolution, TrapezoidResolution, XrayKalpha
from metagenx.genx.models.sample_methods import SampleMethods, Simulations
from metagenx.genx.models.sample_table import SampleTable
from metagenx.genx.models.scattering_lengths import ScatteringLength
from metagenx.genx.models.sld_profile import profiles_of_table, scattering_profiles
from metagenx.genx.models.specular_simulation import OffSpecular, field_of_table, reflected
from metagenx.genx.models.spin_flip_simulation import mixed_channels, spin_flip_channel
from metagenx.genx.models.values import is_population, number, whole_number
from metagenx.physics import thickness_distribution
from metagenx.physics.thickness_distribution import ThicknessDistribution

__all__ = [
    *numpy_names.__all__,
    "Coords",
    "EnergySpecular",
    "FootType",
    "GaussianBeamOffset",
    "GaussianResolution",
    "InhomogeneityType",
    "Instrument",
    "Layer",
    "OffSpecular",
    "PolSpecular",
    "Polarization",
    "Probe",
    "ResType",
    "SLD_calculations",
    "Sample",
    "SigmaGradientType",
    "Specular",
    "SpecularField",
    "SquareBeamOffset",
    "Stack",
    "TrapezoidBeam",
    "TrapezoidResolution",
    "XrayKalpha",
]

Array = NDArray[np.float64]

_NOT_ABSORBED = (
    "models.spec_inhom: of scattering lengths from the tables (fp, bc, …) the imaginary part, which is absorption, is "
    "left out of the reflectivity, as in GenX; a number such as complex(fp.Ni) keeps it, and models.spec_nx has it"
)


class InhomogeneityType(AlternativeStrEnum):
    """How the thickness is distributed over the sample."""

    gauss = "gauss"
    half_gauss = "semi-gauss"
    pulsed_laser = "empiric PLD"


@dataclass
class Layer(sample.Layer):
    """A layer of spec_nx that may change from one repetition of its stack to the next.

    Parameters
    ----------
    sigma_gradient, d_gradient : are added to those of the stack.
    """

    sigma_gradient: float = 0.0
    d_gradient: float = 0.0


@dataclass
class Stack(ModelParamBase):
    """Layers, bottom → top, that repeat together and change on the way.

    With N repetitions, i = 0 … N − 1 from the bottom and the gradient g of stack and layer together:

    Parameters
    ----------
    Repetitions : cut off to a whole number; m value of a supermirror of Schelten and Mika.
    sigma_gtype, sigma_gradient : σ·(1 + g·u), σ·sqrt(1 + (g·u)²), σ + g·u or sqrt(σ² + (g·u)²), u = i/(N − 1).
    d_gradient : d·(1 − g·(½ − i/N)).
    dens_gradient : dens·(1 − g·(½ − i/Repetitions)).
    beta_sm : above 0 a supermirror of Schelten and Mika, of bilayers as thick as they need and shared in
        proportion to the d of the layers; −1 … −0.6 one of Hayter and Mook for the reflectivity −beta_sm,
        thickest bilayer on top (negative Repetitions: at the bottom), its layers of largest and smallest
        scattering length density resized.
    sm_scale : multiplies the thicknesses of a supermirror, of which the gradient is 1 + d_gradient·u.
    """

    Layers: list[Layer] = field(default_factory=list)
    Repetitions: float = 1.0
    sigma_gtype: SigmaGradientType = SigmaGradientType.relative_linear
    sigma_gradient: float = 0.0
    d_gradient: float = 0.0
    dens_gradient: float = 0.0
    beta_sm: float = 0.0
    sm_scale: float = 1.0

    def resolveLayerParameter(self, parameter: str) -> list[Any]:
        """One parameter of all layers, every repetition written out, bottom → top.

        Raises
        ------
        InputError : layers have no such parameter, or the individuals of a population differ in the number of layers.
        """
        names = [one.name for one in fields(Layer)]
        if parameter not in names:
            raise InputError(f"Layer has no parameter {parameter!r}", hint=f"there are {', '.join(names)}")
        return repeated_values(self, parameter)


@dataclass
class Sample(SampleMethods, ModelParamBase):
    """Stacks, bottom → top, between a substrate and the ambient medium; ``-sample`` is its other side.

    Reflectivities are averages over thicknesses, all layers in proportion.

    Parameters
    ----------
    sigma_inhom : width of the distribution of thicknesses, %; 0: one thickness.
    lscale_inhom, flatwidth_inhom : part of the Lorentzian, and width (%) of the flat top, of ``empiric PLD``.
    steps_inhom : number of thicknesses.
    type_inhom : form of the distribution.
    crop_sld : for `SimSLD` only: keep that many layers at both ends and make one empty layer of those
        between; a negative number replaces them by a dummy of 5 Å.
    """

    Stacks: list[Stack] = field(default_factory=list)
    Ambient: Layer = field(default_factory=Layer)
    Substrate: Layer = field(default_factory=Layer)
    sigma_inhom: float = 0.0
    lscale_inhom: float = 0.9
    flatwidth_inhom: float = 0.3
    steps_inhom: int = 20
    type_inhom: InhomogeneityType = InhomogeneityType.pulsed_laser
    crop_sld: int = 200


def refracting_lengths(table: SampleTable, probe: Probe, wavelength: Any) -> Optics:
    """As `optics.scattering_lengths`, without the imaginary parts of values from the tables, as in GenX.

    Values of `fp`, `bc` and so on are a type of their own, sums and multiples of them included; a plain complex
    number (also what ``setFimag`` leaves) keeps its imaginary part.
    """
    optics = scattering_lengths(table, probe, wavelength)
    values = [layer.f if probe is Probe.xray else layer.b for layer in table.layers]
    rows = [i for i, value in enumerate(values) if isinstance(value, ScatteringLength)]
    if not rows or not np.any(optics.strength[:, rows].imag):
        return optics
    strength = optics.strength.copy()
    strength[:, rows] = strength[:, rows].real
    note(_NOT_ABSORBED)
    return replace(optics, strength=strength)


def Specular(x: ArrayLike, sample: Any, instrument: Any) -> Array:
    """Measured specular reflectivity, averaged over the thicknesses; see `spec_nx.Specular`.

    Footprint, I0 and resolution act on the average, in this order; Ibkg is added to the end.

    Raises
    ------
    InputError : an option or number of the sample or the instrument cannot be used.
    """
    table, distribution = inhomogeneous_table(sample), _distribution(sample)
    fitted_distribution = _distribution_is_fitted(sample)

    def curve(points: Points) -> Reflectivity:
        reflectivity, fitted = reflected(
            sample, table, instrument, points, optics_of=refracting_lengths, distribution=distribution
        )
        return reflectivity, fitted or fitted_distribution

    return measure(x, instrument, curve, intensity_inside=True)


def PolSpecular(x: ArrayLike, p1: Any, p2: Any, F1: Any, F2: Any, sample: Any, instrument: Any) -> Array:
    """Measured spin-flip reflectivity with imperfect polarisers and flippers; see `spec_nx.PolSpecular`."""
    table, distribution = inhomogeneous_table(sample), _distribution(sample)
    fitted_distribution = _distribution_is_fitted(sample)

    def measured(which: Polarization) -> Array:
        def curve(points: Points) -> Reflectivity:
            reflectivity, fitted = spin_flip_channel(
                sample, table, points, which, optics_of=refracting_lengths, distribution=distribution
            )
            return reflectivity, fitted or fitted_distribution

        return measure(x, instrument, curve, intensity_inside=True)

    return mixed_channels(measured, p1, p2, F1, F2, instrument)


def SpecularField(x: ArrayLike, sample: Any, instrument: Any) -> NDArray[np.complex128]:
    """Complex reflected amplitude of the mean thickness; see `spec_nx.SpecularField`."""
    return field_of_table(x, inhomogeneous_table(sample), instrument, refracting_lengths)


def EnergySpecular(energy: ArrayLike, x: ArrayLike, sample: Any, instrument: Any) -> Array:
    """Reflectivity of x-rays against the photon energy, averaged over the thicknesses; see `spec_nx.EnergySpecular`."""
    return energy_scan(energy, x, inhomogeneous_table(sample), instrument, distribution=_distribution(sample))


def SLD_calculations(z: ArrayLike | None, item: str | None, sample: Any, instrument: Any) -> Any:
    """Depth profiles of a sample of mean thickness; see `spec_nx.SLD_calculations`."""
    return profiles_of_table(inhomogeneous_table(sample), z, item, sample, instrument, scattering_profiles)


Sample._simulations = Simulations(Specular, PolSpecular, SpecularField, EnergySpecular, SLD_calculations)


def _distribution(sample: Any) -> ThicknessDistribution | None:
    """The distribution of thicknesses; None if there is only one."""
    percent = number(sample, "sigma_inhom")
    if np.ndim(percent) == 0 and percent == 0:
        return None
    width, n_steps = percent / 100, whole_number(sample, "steps_inhom")
    if n_steps < 1:
        raise InputError(f"Sample.steps_inhom must be at least 1, it is {n_steps}")
    kind = option(sample, "type_inhom", InhomogeneityType)
    if kind is InhomogeneityType.gauss:
        return thickness_distribution.gaussian(width, n_steps)
    if kind is InhomogeneityType.half_gauss:
        return thickness_distribution.half_gaussian(width, n_steps)
    part, flat = number(sample, "lscale_inhom"), number(sample, "flatwidth_inhom") / 100
    return thickness_distribution.pulsed_laser(width, n_steps, part, flat)


def _distribution_is_fitted(sample: Any) -> bool:
    return is_population(sample.sigma_inhom, sample.lscale_inhom, sample.flatwidth_inhom)
