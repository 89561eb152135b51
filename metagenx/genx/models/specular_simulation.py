"""Simulations in one spin state or none: a sample and an instrument in, a curve out.

Every number of a layer or of the instrument may be a scalar or one per individual of a population,
(n_population, 1); the curve is (n_points,), or (n_population, n_points) if a population touches it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.instrument import Polarization, Probe, option
from metagenx.genx.models.measurement import Points, Reflectivity, measure, points_of_measurement
from metagenx.genx.models.optics import Optics, OpticsOf, numbers_of_scattering_lengths, scattering_lengths
from metagenx.genx.models.recording import Kind, recorded
from metagenx.genx.models.sample_table import SampleTable, sample_table
from metagenx.genx.models.spin_flip_simulation import asymmetry, spin_flip_channel
from metagenx.genx.models.thickness_average import averaged
from metagenx.genx.models.values import is_population
from metagenx.physics import potentials
from metagenx.physics.specular import (
    Blocks,
    amplitude,
    amplitude_dispersive,
    reflectivity,
    reflectivity_dispersive,
)
from metagenx.physics.thickness_distribution import ThicknessDistribution

__all__ = ["OffSpecular", "Specular", "SpecularField"]

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

_MAGNETIC = (Probe.neutron_pol, Probe.neutron_pol_tof)
_TIME_OF_FLIGHT = (Probe.neutron_tof, Probe.neutron_pol_tof)


def Specular(x: ArrayLike, sample: Any, instrument: Any) -> Array:
    """Measured specular reflectivity.

    Parameters
    ----------
    x : (n_points,) or (n_population, n_points), in the coordinates of the instrument.

    Raises
    ------
    InputError : an option or number of the sample or the instrument cannot be used.
    """
    placeholder = recorded(_RECORDED, x, sample, instrument)
    return _measured(x, sample_table(sample), instrument, sample) if placeholder is None else placeholder


def _measured(x: ArrayLike, table: SampleTable, instrument: Any, sample: Any = None) -> Array:
    return measure(x, instrument, lambda points: reflected(sample, table, instrument, points))


_RECORDED = Kind(_measured, numbers_of_scattering_lengths)


def SpecularField(x: ArrayLike, sample: Any, instrument: Any) -> ComplexArray:
    """Complex reflected amplitude of the sample, without footprint, resolution and I0.

    Raises
    ------
    InputError : the probe is spin flip, or pol is the asymmetry: there is no single amplitude.
    """
    return field_of_table(x, sample_table(sample), instrument)


def OffSpecular(*arguments: Any) -> Array:
    """Not part of this library, in GenX neither."""
    raise InputError(
        "off-specular scattering is not part of this model library",
        hint="the model library for it is models.interdiff",
    )


def reflected(
    sample: Any,
    table: SampleTable,
    instrument: Any,
    points: Points,
    *,
    optics_of: OpticsOf = scattering_lengths,
    distribution: ThicknessDistribution | None = None,
) -> Reflectivity:
    """Reflectivity of a table of layers for the probe and the channel of the instrument; see `measurement.measure`.

    Parameters
    ----------
    sample : with which the last spin-flip simulation is kept.
    optics_of : what the layers' numbers mean.
    distribution : average over these thicknesses.
    """
    probe = option(instrument, "probe", Probe)
    if probe is Probe.neutron_pol_spin_flip:
        channel = option(instrument, "pol", Polarization)
        return spin_flip_channel(sample, table, points, channel, optics_of=optics_of, distribution=distribution)
    sign = _spin(probe, instrument)
    optics = optics_of(table, probe, points.wavelength)

    def curve(thickness: Array) -> Array:
        def one_spin(sign: int) -> Array:
            return _one_spin(table, probe, points, optics, sign, thickness, reflectivity, reflectivity_dispersive)

        if sign is not None:
            return one_spin(sign)
        up, down = one_spin(1), one_spin(-1)
        return asymmetry(up, down, up + down)

    result = averaged(curve, table.thickness, distribution, table.fixed_thickness)
    return result, _is_fitted(result, table, points, optics)


def field_of_table(
    x: ArrayLike, table: SampleTable, instrument: Any, optics_of: OpticsOf = scattering_lengths
) -> ComplexArray:
    """Complex reflected amplitude of a table of layers; see `SpecularField`."""
    probe = option(instrument, "probe", Probe)
    if probe is Probe.neutron_pol_spin_flip:
        raise InputError("SimSpecularField has no single amplitude for the probe 'neutron pol spin flip'")
    sign = _spin(probe, instrument)
    if sign is None:
        raise InputError("SimSpecularField has no amplitude for the asymmetry", hint="set pol to 'uu' or 'dd'")
    points = points_of_measurement(x, instrument)
    optics = optics_of(table, probe, points.wavelength)
    field = _one_spin(table, probe, points, optics, sign, table.thickness, amplitude, amplitude_dispersive)
    return field if _is_fitted(field, table, points, optics) else np.asarray(field[0])


def _spin(probe: Probe, instrument: Any) -> int | None:
    """+1 or −1 for one spin state, 0 if there is none, None for the asymmetry."""
    if probe not in _MAGNETIC:
        return 0
    channel = option(instrument, "pol", Polarization)
    if channel is Polarization.asymmetry:
        return None
    if channel is Polarization.up_up:
        return 1
    if channel is Polarization.down_down:
        return -1
    raise InputError(
        f"the probe {str(probe.value)!r} has no channel {str(channel.value)!r}",
        hint="set pol to 'uu', 'dd' or 'ass', or the probe to 'neutron pol spin flip'",
    )


def _one_spin(
    table: SampleTable,
    probe: Probe,
    points: Points,
    optics: Optics,
    sign: int,
    thickness: Array,
    at_one_wavelength: Any,
    at_many: Any,
) -> NDArray[Any]:
    """Curve (or amplitude) of x-rays or of neutrons in one spin state, by one of the two kernels."""
    geometry = (thickness, table.sigma, table.blocks)
    magnetic = None if optics.magnetic is None or sign == 0 else sign * optics.magnetic
    if magnetic is not None and optics.magnetic_power != 2:
        return _point_by_point(points, optics, magnetic, geometry, at_one_wavelength)
    if probe in _TIME_OF_FLIGHT:
        nothing = np.zeros((1, len(table.layers)))
        absorbed = nothing if optics.absorption is None else optics.absorption
        moments = nothing if magnetic is None else magnetic
        curve = at_many(points.q, points.wavelength, optics.strength, absorbed, moments, *geometry)
    else:
        potential = potentials.potential(optics.strength, optics.absorption, magnetic, points.wavelength)
        curve = at_one_wavelength(points.q, *potential, *geometry)
    return np.asarray(curve)


def _point_by_point(
    points: Points, optics: Optics, magnetic: Array, geometry: tuple[Array, Array, Blocks], at_one_wavelength: Any
) -> NDArray[Any]:
    """Curve (or amplitude) of layers whose index has another power of λ than the kernels know; slow."""
    q, wavelength, blocks = np.atleast_2d(points.q), np.atleast_2d(points.wavelength), geometry[-1]
    arrays = (q, wavelength, optics.strength, magnetic, *geometry[:2], blocks.repetitions)
    curves = []
    for m in range(max(map(len, arrays))):
        q_m, wavelength_m, strength_m, magnetic_m, d_m, sigma_m, times_m = (array[m % len(array)] for array in arrays)
        potential = potentials.potential_at_points(strength_m, magnetic_m, optics.magnetic_power, wavelength_m)
        own = Blocks(blocks.first, blocks.last, times_m[None])
        curves.append(at_one_wavelength(q_m, *potential, d_m[None], sigma_m[None], own))
    return np.concatenate(curves)


def _is_fitted(curve: NDArray[Any], table: SampleTable, points: Points, optics: Optics) -> bool:
    return len(curve) > 1 or is_population(points.q, points.wavelength) or table.is_fitted(optics.fields)
