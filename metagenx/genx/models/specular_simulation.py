"""Simulations of spec_nx in one spin state or none: a sample and an instrument in, a curve out.

Every number of a layer or of the instrument may be a scalar or one per individual of a population,
(n_population, 1); the curve is (n_points,), or (n_population, n_points) if a population touches it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.instrument import Polarization, Probe, option
from metagenx.genx.models.layer_table import column, table_row
from metagenx.genx.models.measurement import Points, Reflectivity, measure, points_of_measurement
from metagenx.genx.models.sample_table import SampleTable, sample_table
from metagenx.genx.models.spin_flip_simulation import asymmetry, spin_flip_channel
from metagenx.genx.models.values import is_population
from metagenx.physics import coordinates, potentials
from metagenx.physics.specular import (
    amplitude,
    amplitude_dispersive,
    reflectivity,
    reflectivity_dispersive,
)

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
    probe = option(instrument, "probe", Probe)
    if probe is Probe.neutron_pol_spin_flip:
        channel = option(instrument, "pol", Polarization)
        return measure(x, instrument, lambda points: spin_flip_channel(sample, points, channel))
    table = sample_table(sample)
    return measure(x, instrument, lambda points: _one_spin_curve(table, instrument, probe, points))


def SpecularField(x: ArrayLike, sample: Any, instrument: Any) -> ComplexArray:
    """Complex reflected amplitude of the sample, without footprint, resolution and I0.

    Raises
    ------
    InputError : the probe is spin flip, or pol is the asymmetry: there is no single amplitude.
    """
    probe = option(instrument, "probe", Probe)
    if probe is Probe.neutron_pol_spin_flip:
        raise InputError("SimSpecularField has no single amplitude for the probe 'neutron pol spin flip'")
    sign = _spin(probe, instrument)
    if sign is None:
        raise InputError(
            "SimSpecularField has no amplitude for the asymmetry", hint="set pol to 'uu' or 'dd'"
        )
    table = sample_table(sample)
    points = points_of_measurement(x, instrument)
    field, fitted = _one_spin(table, probe, points, sign, amplitude, amplitude_dispersive)
    return field if fitted else np.asarray(field[0])


def OffSpecular(*arguments: Any) -> Array:
    """Not part of spec_nx, in GenX neither."""
    raise InputError(
        "off-specular scattering is not part of models.spec_nx",
        hint="the model library for it is models.interdiff",
    )


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


def _one_spin_curve(table: SampleTable, instrument: Any, probe: Probe, points: Points) -> Reflectivity:
    sign = _spin(probe, instrument)
    if sign is not None:
        return _one_spin(table, probe, points, sign, reflectivity, reflectivity_dispersive)
    up, fitted = _one_spin(table, probe, points, 1, reflectivity, reflectivity_dispersive)
    down, _ = _one_spin(table, probe, points, -1, reflectivity, reflectivity_dispersive)
    return asymmetry(up, down, up + down), fitted


def _one_spin(
    table: SampleTable, probe: Probe, points: Points, sign: int, at_one_wavelength: Any, at_many: Any
) -> Reflectivity:
    """Curve (or amplitude) of x-rays or of neutrons in one spin state, by one of the two kernels."""
    layers, geometry = table.layers, (table.thickness, table.sigma, table.blocks)
    density = column(layers, "dens")
    if probe is Probe.xray:
        fields: tuple[str, ...] = ("dens", "f")
        strength = potentials.xray_strength(density, _xray_lengths(layers, points.wavelength))
        absorption = magnetic = None
    else:
        fields = ("dens", "b", "xs_ai")
        strength = potentials.neutron_strength(density, column(layers, "b", complex))
        absorption = potentials.absorption_strength(density, column(layers, "xs_ai"))
        magnetic = None
        if sign:
            fields = (*fields, "magn")
            magnetic = sign * potentials.magnetic_strength(density, column(layers, "magn"))
    if probe in _TIME_OF_FLIGHT:
        nothing = np.zeros((1, len(layers)))
        absorbed = nothing if absorption is None else absorption
        moments = nothing if magnetic is None else magnetic
        curve = at_many(points.q, points.wavelength, strength, absorbed, moments, *geometry)
    else:
        optics = potentials.potential(strength, absorption, magnetic, points.wavelength)
        curve = at_one_wavelength(points.q, *optics, *geometry)
    fitted = len(curve) > 1 or is_population(points.q, points.wavelength) or table.is_fitted(fields)
    return curve, fitted


def _xray_lengths(layers: Any, wavelength: Any) -> ComplexArray:
    """f of all layers; a function of the energy is evaluated at hc/λ."""
    values = [layer.f for layer in layers]
    if any(map(callable, values)):
        energy = coordinates.HC / wavelength
        values = [value(energy) if callable(value) else value for value in values]
    return table_row(values, "f", complex)
