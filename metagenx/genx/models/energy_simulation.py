"""Simulation at a fixed angle as a function of the photon energy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.instrument import Coords, Probe, ResType, option
from metagenx.genx.models.layer_table import table_row
from metagenx.genx.models.optics import OpticsOf, scattering_lengths
from metagenx.genx.models.resolution_objects import ResolutionFunction
from metagenx.genx.models.sample_table import SampleTable, sample_table
from metagenx.genx.models.thickness_average import averaged
from metagenx.genx.models.values import is_population, per_point
from metagenx.physics import coordinates, potentials
from metagenx.physics.specular import reflectivity, reflectivity_dispersive
from metagenx.physics.thickness_distribution import ThicknessDistribution

__all__ = ["EnergySpecular"]

Array = NDArray[np.float64]


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
    return energy_scan(energy, x, sample_table(sample), instrument)


def energy_scan(
    energy: ArrayLike,
    x: ArrayLike,
    table: SampleTable,
    instrument: Any,
    *,
    optics_of: OpticsOf = scattering_lengths,
    distribution: ThicknessDistribution | None = None,
) -> Array:
    """Scan of the photon energy of a table of layers; see `EnergySpecular` and `specular_simulation.reflected`."""
    if option(instrument, "probe", Probe) is not Probe.xray:
        raise InputError("SimEnergySpecular scans the photon energy: its probe is 'x-ray'")
    resolution = instrument.restype
    if isinstance(resolution, ResolutionFunction) or option(instrument, "restype", ResType) is not ResType.none:
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
    wave = (q, wavelength)
    if optics_of is scattering_lengths and any(callable(layer.f) for layer in table.layers):
        fields: tuple[str, ...] = ("dens", "f")
        curve = averaged(
            lambda d: _dispersive_layers(table, d, energies, *wave),
            table.thickness,
            distribution,
            table.fixed_thickness,
        )
    else:
        # Nothing but a function of the energy would depend on the wavelength that is given here.
        optics = optics_of(table, Probe.xray, 1.0)
        fields, nothing = optics.fields, np.zeros((1, len(table.layers)))
        layers = (optics.strength, nothing, nothing)

        def simulate(thickness: Array) -> Array:
            return reflectivity_dispersive(*wave, *layers, thickness, table.sigma, table.blocks)

        curve = averaged(simulate, table.thickness, distribution, table.fixed_thickness)
    scale, background = per_point(instrument, "I0", n_points), per_point(instrument, "Ibkg", n_points)
    curve = scale * curve + background
    fitted = table.is_fitted(fields) or is_population(energies, positions, offset, scale, background)
    return curve if fitted or len(curve) > 1 else np.asarray(curve[0])


def _dispersive_layers(table: SampleTable, thickness: Array, energies: Array, q: Array, wavelength: Array) -> Array:
    """Reflectivity of layers of which some have an f that is a function of the energy, (n_population | 1, n_energy)."""
    layers, density = table.layers, table.column("dens")
    # Every energy of every individual is a sample of its own: (n_population · n_energy, n_layer).
    rows = np.atleast_2d(wavelength)
    columns = [None if callable(layer.f) else table_row([layer.f], "f", complex) for layer in layers]
    n_population = max(len(density), len(rows), *(1 if one is None else len(one) for one in columns))
    n_energy = energies.shape[-1]
    f = np.empty((n_population, n_energy, len(layers)), dtype=complex)
    for i, (layer, column) in enumerate(zip(layers, columns, strict=True)):
        f[:, :, i] = layer.f(energies) if column is None else column
    strength = potentials.xray_strength(density[:, None, :], f).reshape(-1, len(layers))
    optics = potentials.potential(strength, None, None, np.broadcast_to(rows, (n_population, n_energy)).reshape(-1, 1))
    potential = optics[0].reshape(n_population, n_energy, -1).transpose(0, 2, 1)
    ambient = optics[1].reshape(n_population, n_energy)
    return reflectivity(q, potential, ambient, thickness, table.sigma, table.blocks)
