"""Simulations of spec_nx with spin flip: all four channels, perfect and imperfect polarisers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.instrument import Polarization, Probe, option
from metagenx.genx.models.layer_table import column
from metagenx.genx.models.measurement import Points, Reflectivity, measure
from metagenx.genx.models.sample_table import sample_table
from metagenx.genx.models.values import is_population
from metagenx.physics import potentials
from metagenx.physics.spin_flip import spin_flip

__all__ = ["PolSpecular"]

Array = NDArray[np.float64]

# Order of the channels that the spin flip kernel returns.
_CHANNELS = {
    Polarization.up_up: 0,
    Polarization.down_down: 1,
    Polarization.up_down: 2,
    Polarization.down_up: 3,
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
    if option(instrument, "probe", Probe) is not Probe.neutron_pol_spin_flip:
        raise InputError(
            "SimPolSpecular needs the probe 'neutron pol spin flip'",
            hint="inst.setProbe('neutron pol spin flip'); imperfect polarisers mix all four channels",
        )
    channel = option(instrument, "pol", Polarization)
    if channel is Polarization.asymmetry:
        raise InputError("SimPolSpecular gives uu, dd, ud or du, not the asymmetry")

    def measured(which: Polarization) -> Array:
        return measure(x, instrument, lambda points: spin_flip_channel(sample, points, which))

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


def spin_flip_channel(sample: Any, points: Points, channel: Polarization) -> Reflectivity:
    """Reflectivity of one channel, or the asymmetry, at the points; see `measurement.measure`."""
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
        return asymmetry(uu, dd, uu + dd + 2 * ud), fitted
    return four[:, _CHANNELS[channel]], fitted


def asymmetry(up: Array, down: Array, total: Array) -> Array:
    """Spin asymmetry; NaN where nothing is reflected."""
    with np.errstate(invalid="ignore"):
        return np.asarray((up - down) / total)


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
