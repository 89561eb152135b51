"""The simulations of spec_nx: a sample and an instrument in, a curve out.

Every number of a layer or of the instrument may be a scalar or one per individual of a population,
(n_population, 1); the curve is (n_points,), or (n_population, n_points) if a population touches it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.instrument import Coords, Polarization, Probe, ResType, option
from metagenx.genx.models.layer_table import column, table_row
from metagenx.genx.models.measurement import Points, Reflectivity, measure, points_of_measurement
from metagenx.genx.models.resolution_objects import ResolutionFunction
from metagenx.genx.models.sample_table import SampleTable, sample_table
from metagenx.genx.models.values import is_population, per_point
from metagenx.physics import coordinates, potentials
from metagenx.physics.specular import (
    amplitude,
    amplitude_dispersive,
    reflectivity,
    reflectivity_dispersive,
)
from metagenx.physics.spin_flip import spin_flip

__all__ = ["EnergySpecular", "OffSpecular", "PolSpecular", "Specular", "SpecularField"]

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

_MAGNETIC = (Probe.neutron_pol, Probe.neutron_pol_tof)
_TIME_OF_FLIGHT = (Probe.neutron_tof, Probe.neutron_pol_tof)
# Order of the channels that the spin flip kernel returns.
_CHANNELS = {
    Polarization.up_up: 0,
    Polarization.down_down: 1,
    Polarization.up_down: 2,
    Polarization.down_up: 3,
}


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
        return measure(x, instrument, lambda points: _spin_flip_channel(sample, points, channel))
    table = sample_table(sample)
    return measure(x, instrument, lambda points: _one_spin_curve(table, instrument, probe, points))


def PolSpecular(x: ArrayLike, p1: Any, p2: Any, F1: Any, F2: Any, sample: Any, instrument: Any) -> Array:
    """Measured spin-flip reflectivity with imperfect polarisers and flippers.

    The channel ``instrument.pol`` of F1·F2·P1·P2·(uu, ud, du, dd), A. R. Wildes, Rev. Sci. Instrum. 70, 4241
    (1999). I0, Ibkg, footprint and resolution act on each channel.

    Parameters
    ----------
    p1, p2 : part of wrongly polarised neutrons of polariser and analyser.
    F1, F2 : part of neutrons that the flippers miss.

    Raises
    ------
    InputError : the probe is not ``neutron pol spin flip``, or pol is the asymmetry.
    """
    if option(instrument, "probe", Probe) is not Probe.neutron_pol_spin_flip:
        raise InputError(
            "SimPolSpecular needs the probe 'neutron pol spin flip'",
            hint="inst.setProbe('neutron pol spin flip'); imperfect polarisers mix all four channels",
        )
    channel = option(instrument, "pol", Polarization)
    if channel is Polarization.asymmetry:
        raise InputError("SimPolSpecular gives uu, dd, ud or du, not the asymmetry")

    def measured(which: Polarization) -> Array:
        return measure(x, instrument, lambda points: _spin_flip_channel(sample, points, which))

    uu, dd = measured(Polarization.up_up), measured(Polarization.down_down)
    ud = du = measured(Polarization.up_down)
    # From the right: analyser, polariser, second flipper, first flipper.
    uu, ud, du, dd = (
        (1 - p2) * uu + p2 * ud,
        (1 - p2) * ud + p2 * uu,
        (1 - p2) * du + p2 * dd,
        (1 - p2) * dd + p2 * du,
    )
    uu, ud, du, dd = (
        (1 - p1) * uu + p1 * du,
        (1 - p1) * ud + p1 * dd,
        (1 - p1) * du + p1 * uu,
        (1 - p1) * dd + p1 * ud,
    )
    ud, dd = F2 * uu + (1 - F2) * ud, F2 * du + (1 - F2) * dd
    du, dd = F1 * uu + (1 - F1) * du, F1 * ud + (1 - F1) * dd
    return np.asarray((uu, dd, ud, du)[_CHANNELS[channel]])


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


def EnergySpecular(energy: ArrayLike, x: ArrayLike, sample: Any, instrument: Any) -> Array:
    """Reflectivity of x-rays at a fixed angle as a function of the photon energy.

    Scattering lengths that are functions of the energy (``fd.Fe``) are evaluated at every energy; GenX 3.8.13
    cannot.

    Parameters
    ----------
    energy : (n_points,), eV.
    x : where in the coordinates of the instrument; one value, or one per energy.

    Raises
    ------
    InputError : another probe than x-rays, or a resolution: neither is defined here.
    """
    if option(instrument, "probe", Probe) is not Probe.xray:
        raise InputError("SimEnergySpecular scans the photon energy: its probe is 'x-ray'")
    resolution = instrument.restype
    if (
        isinstance(resolution, ResolutionFunction)
        or option(instrument, "restype", ResType) is not ResType.none
    ):
        raise InputError("SimEnergySpecular knows no resolution", hint="inst.setRestype('no conv')")
    energies = np.atleast_1d(np.asarray(energy, dtype=float))
    positions = np.asarray(x, dtype=float)
    n_points = energies.shape[-1]
    if positions.ndim and positions.shape[-1] not in (1, n_points):
        raise InputError(f"x has {positions.shape[-1]} values for {n_points} energies")
    wavelength = coordinates.HC / energies
    offset = per_point(instrument, "tthoff", n_points)
    if option(instrument, "coords", Coords) is Coords.two_theta:
        incidence = (positions + offset) / 2
    else:
        incidence = np.degrees(np.arcsin(coordinates.sine_of_incidence(positions, wavelength))) + offset / 2
    q = coordinates.q_at_angle(wavelength, incidence)
    table = sample_table(sample)
    curve = _curve_at_energies(table, q, energies, wavelength)
    scale, background = per_point(instrument, "I0", n_points), per_point(instrument, "Ibkg", n_points)
    curve = scale * curve + background
    fitted = table.is_fitted(("dens", "f")) or is_population(energies, positions, offset, scale, background)
    return curve if fitted or len(curve) > 1 else np.asarray(curve[0])


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
    return _asymmetry(up, down, up + down), fitted


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


def _asymmetry(up: Array, down: Array, total: Array) -> Array:
    """Spin asymmetry; NaN where nothing is reflected."""
    with np.errstate(invalid="ignore"):
        return np.asarray((up - down) / total)


def _xray_lengths(layers: Any, wavelength: Any) -> ComplexArray:
    """f of all layers; a function of the energy is evaluated at hc/λ."""
    values = [layer.f for layer in layers]
    if any(map(callable, values)):
        energy = coordinates.HC / wavelength
        values = [value(energy) if callable(value) else value for value in values]
    return table_row(values, "f", complex)


def _curve_at_energies(table: SampleTable, q: Array, energies: Array, wavelength: Array) -> Array:
    """Reflectivity of x-rays at many energies, (n_population | 1, n_energy)."""
    layers, geometry = table.layers, (table.thickness, table.sigma, table.blocks)
    density = column(layers, "dens")
    if not any(callable(layer.f) for layer in layers):
        strength = potentials.xray_strength(density, column(layers, "f", complex))
        nothing = np.zeros((1, len(layers)))
        return reflectivity_dispersive(q, wavelength, strength, nothing, nothing, *geometry)
    # Every energy of every individual is a sample of its own: (n_population · n_energy, n_layer).
    rows = np.atleast_2d(wavelength)
    n_population, n_energy = max(len(density), len(rows)), energies.shape[-1]
    f = np.empty((n_population, n_energy, len(layers)), dtype=complex)
    for i, layer in enumerate(layers):
        f[:, :, i] = layer.f(energies) if callable(layer.f) else table_row([layer.f], "f", complex)
    strength = potentials.xray_strength(density[:, None, :], f).reshape(-1, len(layers))
    optics = potentials.potential(
        strength, None, None, np.broadcast_to(rows, (n_population, n_energy)).reshape(-1, 1)
    )
    potential = optics[0].reshape(n_population, n_energy, -1).transpose(0, 2, 1)
    return reflectivity(q, potential, optics[1].reshape(n_population, n_energy), *geometry)


def _spin_flip_channel(sample: Any, points: Points, channel: Polarization) -> Reflectivity:
    table = sample_table(sample)
    layers = table.layers
    density, moment = column(layers, "dens"), column(layers, "magn")
    angle = column(layers, "magn_ang")
    if np.any(angle[:, -1] != 0):
        raise InputError(
            f"magn_ang of the ambient medium must be 0, it is {angle[:, -1].max()}",
            hint="turn the angles of all layers instead: only differences and the first polariser matter",
        )
    strength = potentials.neutron_strength(density, column(layers, "b", complex))
    absorption = potentials.absorption_strength(density, column(layers, "xs_ai"))
    wavelength = points.wavelength
    u = potentials.decrement(strength, absorption, wavelength)
    magnetic = potentials.magnetic_strength(density, moment) * np.asarray(wavelength, dtype=float) ** 2
    plus, minus = potentials.spin_flip_potentials(u, magnetic, wavelength)
    arguments = (points.q, plus, minus, angle, table.thickness, table.sigma, table.blocks)
    four = _remembered_spin_flip(sample, arguments)
    fitted = (
        len(four) > 1
        or is_population(points.q, wavelength)
        or table.is_fitted(("dens", "b", "xs_ai", "magn", "magn_ang"))
    )
    if channel is Polarization.asymmetry:
        uu, dd, ud = four[:, 0], four[:, 1], four[:, 2]
        return _asymmetry(uu, dd, uu + dd + 2 * ud), fitted
    return four[:, _CHANNELS[channel]], fitted


def _remembered_spin_flip(sample: Any, arguments: tuple[Any, ...]) -> Array:
    """All four channels; the last ones are kept with the sample, for a script asks for them one by one.

    GenX keeps them by layers and Q only and so misses a change of the wavelength; here everything is
    compared.
    """
    known = sample.__dict__.get("_spin_flip")
    if known is not None and all(map(_same, known[0], arguments)):
        return np.asarray(known[1])
    four = spin_flip(*arguments)
    sample.__dict__["_spin_flip"] = (arguments, four)
    return four


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return bool(np.array_equal(a, b))
    return bool(a.first == b.first and a.last == b.last and np.array_equal(a.repetitions, b.repetitions))
