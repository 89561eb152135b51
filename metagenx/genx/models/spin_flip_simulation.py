"""Simulations with spin flip: all four channels, perfect and imperfect polarisers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.instrument import Polarization, Probe, option
from metagenx.genx.models.last_result import last_result
from metagenx.genx.models.measurement import Points, Reflectivity, measure
from metagenx.genx.models.optics import OpticsOf, scattering_lengths
from metagenx.genx.models.sample_table import SampleTable, sample_table
from metagenx.genx.models.thickness_average import averaged
from metagenx.genx.models.values import is_population
from metagenx.physics import potentials
from metagenx.physics.spin_flip import spin_flip
from metagenx.physics.thickness_distribution import ThicknessDistribution

__all__ = ["PolSpecular"]

Array = NDArray[np.float64]

# Order of the channels that the spin flip kernel returns, and what follows them.
_CHANNELS = {
    Polarization.up_up: 0,
    Polarization.down_down: 1,
    Polarization.up_down: 2,
    Polarization.down_up: 3,
    Polarization.asymmetry: 4,
}


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
    table = sample_table(sample)

    def measured(which: Polarization) -> Array:
        return measure(x, instrument, lambda points: spin_flip_channel(sample, table, points, which))

    return mixed_channels(measured, p1, p2, F1, F2, instrument)


def mixed_channels(
    measured: Callable[[Polarization], Array], p1: Any, p2: Any, F1: Any, F2: Any, instrument: Any
) -> Array:
    """What imperfect polarisers and flippers make of the four channels; see `PolSpecular`.

    Parameters
    ----------
    measured : the curve of a channel with perfect ones.
    """
    if option(instrument, "probe", Probe) is not Probe.neutron_pol_spin_flip:
        raise InputError(
            "SimPolSpecular needs the probe 'neutron pol spin flip'",
            hint="inst.setProbe('neutron pol spin flip'); imperfect polarisers mix all four channels",
        )
    channel = option(instrument, "pol", Polarization)
    if channel is Polarization.asymmetry:
        raise InputError("SimPolSpecular gives uu, dd, ud or du, not the asymmetry")
    uu, dd = measured(Polarization.up_up), measured(Polarization.down_down)
    ud, du = measured(Polarization.up_down), measured(Polarization.down_up)
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


def spin_flip_channel(
    sample: Any,
    table: SampleTable,
    points: Points,
    channel: Polarization,
    *,
    optics_of: OpticsOf = scattering_lengths,
    distribution: ThicknessDistribution | None = None,
) -> Reflectivity:
    """Reflectivity of one channel, or the asymmetry, at the points; see `specular_simulation.reflected`."""
    angle, wavelength = angles(table), points.wavelength
    optics = optics_of(table, Probe.neutron_pol_spin_flip, wavelength)
    nothing = np.zeros((1, len(table.layers)))
    u = potentials.decrement(optics.strength, nothing if optics.absorption is None else optics.absorption, wavelength)
    moments = nothing if optics.magnetic is None else optics.magnetic
    magnetic = moments * np.asarray(wavelength, dtype=float) ** 2
    plus, minus = potentials.spin_flip_potentials(u, magnetic, wavelength)
    fitted = is_population(wavelength) or table.is_fitted((*optics.fields, "magn_ang"))
    curve, several = channel_of_potentials(sample, table, points, channel, plus, minus, angle, distribution)
    return curve, fitted or several


def channel_of_potentials(
    sample: Any,
    table: SampleTable,
    points: Points,
    channel: Polarization,
    plus: NDArray[np.complex128],
    minus: NDArray[np.complex128],
    angle: Array,
    distribution: ThicknessDistribution | None = None,
) -> Reflectivity:
    """Reflectivity of one channel, or the asymmetry, of layers with these potentials in Å⁻² and angles in degrees."""
    arguments = (points.q, plus, minus, angle, table.thickness, table.sigma, table.blocks)
    channels = _channels(sample, arguments, distribution, table.fixed_thickness)
    return channels[:, _CHANNELS[channel]], len(channels) > 1 or is_population(points.q)


def angles(table: SampleTable) -> Array:
    """Angles of the moments, (n_population | 1, n_layer), degrees.

    Raises
    ------
    InputError : that of the ambient medium is not 0.
    """
    angle = table.column("magn_ang")
    if np.any(angle[:, -1] != 0):
        raise InputError(
            f"magn_ang of the ambient medium must be 0, it is {angle[:, -1].max()}",
            hint="turn the angles of all layers instead: only differences and the first polariser matter",
        )
    return angle


def asymmetry(up: Array, down: Array, total: Array) -> Array:
    """Spin asymmetry; NaN where nothing is reflected."""
    with np.errstate(invalid="ignore"):
        return np.asarray((up - down) / total)


def _channels(
    sample: Any, arguments: tuple[Any, ...], distribution: ThicknessDistribution | None, fixed: Array | None
) -> Array:
    """All four channels and the asymmetry."""
    q, plus, minus, angle, thickness, sigma, blocks = arguments

    def channels(thickness: Array) -> Array:
        four = spin_flip(q, plus, minus, angle, thickness, sigma, blocks)
        uu, dd, ud = four[:, 0], four[:, 1], four[:, 2]
        return np.concatenate([four, asymmetry(uu, dd, uu + dd + 2 * ud)[:, None]], axis=1)

    key = (*arguments, *(distribution or ()), *(() if fixed is None else (fixed,)))
    return last_result(sample, "spin_flip", key, lambda: averaged(channels, thickness, distribution, fixed))
