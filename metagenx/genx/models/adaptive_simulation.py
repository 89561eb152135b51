"""Simulations of spec_adaptive: a sample is cut into slices, and these go through the simulations of spec_nx.

With a magnetic field at the sample, spin flip has optics and scattering vectors of its own (Zeeman splitting).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.genx.models.adaptive_instrument import Zeeman
from metagenx.genx.models.adaptive_slicing import depth_of_first_slice, sliced_table
from metagenx.genx.models.energy_simulation import energy_scan
from metagenx.genx.models.instrument import Coords, Polarization, Probe, option
from metagenx.genx.models.measurement import Points, Reflectivity, measure
from metagenx.genx.models.sample_table import SampleTable
from metagenx.genx.models.sld_profile import profiles_of_table, scattering_profiles
from metagenx.genx.models.specular_simulation import field_of_table, reflected
from metagenx.genx.models.spin_flip_simulation import angles, channel_of_potentials, mixed_channels, spin_flip_channel
from metagenx.genx.models.values import is_population, number, per_point
from metagenx.physics import coordinates, zeeman

__all__ = ["EnergySpecular", "PolSpecular", "SLD_calculations", "Specular", "SpecularField"]

Array = NDArray[np.float64]

# In which direction the Q of a channel moves.
_DIRECTIONS = {
    (Zeeman.plus, Polarization.up_down): 1,
    (Zeeman.plus, Polarization.down_up): -1,
    (Zeeman.minus, Polarization.up_down): -1,
    (Zeeman.minus, Polarization.down_up): 1,
}


def Specular(x: ArrayLike, sample: Any, instrument: Any) -> Array:
    """Measured specular reflectivity, (n_points,) or (n_population, n_points).

    Raises
    ------
    InputError : an option or number of the sample or the instrument cannot be used.
    """
    table = sliced_table(sample)
    if not _in_field(instrument):
        return measure(x, instrument, lambda points: reflected(sample, table, instrument, points))
    return _channel_in_field(x, sample, table, instrument, option(instrument, "pol", Polarization))


def PolSpecular(x: ArrayLike, p1: Any, p2: Any, F1: Any, F2: Any, sample: Any, instrument: Any) -> Array:
    """Measured spin-flip reflectivity with imperfect polarisers and flippers, as that of spec_nx."""
    table = sliced_table(sample)

    def measured(channel: Polarization) -> Array:
        if _in_field(instrument):
            return _channel_in_field(x, sample, table, instrument, channel)
        return measure(x, instrument, lambda points: spin_flip_channel(sample, table, points, channel))

    return mixed_channels(measured, p1, p2, F1, F2, instrument)


def SpecularField(x: ArrayLike, sample: Any, instrument: Any) -> NDArray[np.complex128]:
    """Complex reflected amplitude of the sample, without footprint, resolution and I0."""
    return field_of_table(x, sliced_table(sample), instrument)


def EnergySpecular(energy: ArrayLike, x: ArrayLike, sample: Any, instrument: Any) -> Array:
    """Reflectivity of x-rays at a fixed angle as a function of the photon energy."""
    return energy_scan(energy, x, sliced_table(sample), instrument)


def SLD_calculations(z: ArrayLike | None, item: str | None, sample: Any, instrument: Any) -> Any:
    """Depth profiles of the slices; see `sld_profile.SLD_calculations`.

    Depths count from the surface of the substrate, below which the slices begin. GenX takes depths that are given as
    counted from where they begin.
    """
    begin = depth_of_first_slice(sample)
    depths = None if z is None else np.asarray(z, dtype=float) + begin
    found = profiles_of_table(sliced_table(sample), depths, item, sample, instrument, scattering_profiles, crop=False)
    if item is not None:
        return found - begin if item == "z" else found
    for profiles in (found, found.get("Mass Density")):
        if profiles is not None:
            profiles["z"] = profiles["z"] - begin
    return found


def _in_field(instrument: Any) -> bool:
    """Whether the instrument has a field that the simulation corrects for; one of spec_nx has none."""
    if option(instrument, "probe", Probe) is not Probe.neutron_pol_spin_flip or not hasattr(instrument, "zeeman"):
        return False
    return option(instrument, "zeeman", Zeeman) is not Zeeman.none


def _channel_in_field(x: ArrayLike, sample: Any, table: SampleTable, instrument: Any, channel: Polarization) -> Array:
    direction = _DIRECTIONS.get((option(instrument, "zeeman", Zeeman), channel), 0)
    moved = _split_points(instrument, direction) if direction else None
    return measure(x, instrument, lambda points: _reflected(sample, table, instrument, points, channel), moved=moved)


def _split_points(instrument: Any, direction: int) -> Callable[[Array, Points, int], Points]:
    """The points that the flipped neutrons of a channel have."""

    def moved(x: Array, points: Points, n_places: int) -> Points:
        offset = per_point(instrument, "tthoff", x.shape[-1] // n_places, n_places)
        in_angles = option(instrument, "coords", Coords) is Coords.two_theta
        convert = zeeman.q_from_two_theta if in_angles else zeeman.q_from_q
        q = convert(x, points.wavelength, offset)  # not yet clipped
        return Points(
            coordinates.clip(zeeman.split_q(q, number(instrument, "mag_field"), direction)), points.wavelength
        )

    return moved


def _reflected(sample: Any, table: SampleTable, instrument: Any, points: Points, channel: Polarization) -> Reflectivity:
    """Spin-flip reflectivity of the slices in the field."""
    field = number(instrument, "mag_field")
    plus, minus, angle = zeeman.potentials(
        table.column("dens"),
        table.column("b", complex),
        table.column("xs_ai"),
        table.column("magn"),
        angles(table),
        points.wavelength,
        field,
    )
    curve, several = channel_of_potentials(sample, table, points, channel, plus, minus, angle)
    return curve, several or is_population(points.wavelength, field) or table.is_fitted(())
