"""Simulations of mag_refl: a sample and an instrument in, a curve out.

Every number of a layer or of the instrument may be a scalar or one per individual of a population,
(n_population, 1); the curve is (n_points,), or (n_population, n_points) if a population touches it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models import instrument as spec_nx
from metagenx.genx.models.last_result import last_result
from metagenx.genx.models.magnetic_channels import channel_of_xrays, combined, spin_flip_channel
from metagenx.genx.models.magnetic_instrument import Polarization, Probe, ResType, XRayPolarization
from metagenx.genx.models.magnetic_layers import (
    NEUTRON_FIELDS,
    XRAY_FIELDS,
    MagneticLayers,
    magnetic_layers,
)
from metagenx.genx.models.magnetic_slicing import SLICING_FIELDS, curve_of_slices, is_sliced
from metagenx.genx.models.measurement import Points, Reflectivity, illuminated_part, measure
from metagenx.genx.models.notices import note
from metagenx.genx.models.values import is_population, number
from metagenx.physics import (
    coordinates,
    interface_layers,
    magnetic_spin_flip,
    magnetic_tensor,
    magnetic_xray,
    potentials,
)
from metagenx.physics.specular import reflectivity

__all__ = ["Specular"]

Array = NDArray[np.float64]

_XRAYS = (Probe.xray, Probe.xray_simple, Probe.xray_anisotropic)
_MIXED = (Probe.xray_anisotropic, Probe.neutron_pol_spin_flip)
_FM, _BARN = 1e-5, 1e-8  # Å, Å²
_LEAST_WIDTH = 1e-9  # Å, of the steps where waves mix; GenX's value
_LEAST_ANGLE = 1e-8  # degrees

_DIGITS_OF_GENX = (
    "mag_refl: GenX solves the waves of 'x-ray anis.' in closed form and loses digits by it; below the critical angle "
    "its curves differ from these by up to 2e-9 of the incident beam (1e-5 of a weak channel), and by 1e-3 of a value "
    "where a moment lies along y (magn_ang near 90)"
)
_ROOT_OF_SQUARE = (
    "mag_refl: without slicing a scattering length b with a negative real part counts as positive, as in GenX, whose "
    "formula takes the root of b²; with slicing it keeps its sign"
)
_WHOLE_MOMENT = (
    "mag_refl: with slicing the probes 'neutron pol' and 'neutron pol tof' see |magn| whatever its angles and its "
    "sign, as in GenX; without slicing they see its component along the polarisation"
)
_SIGN_OF_ANGLE = (
    "mag_refl: with slicing the probe 'neutron pol spin flip' takes the angles of moments between 0 and 180 degrees, "
    "as in GenX: φ and −φ are the same"
)

# What channels there are, in one list with their names in errors.
_CHANNELS: dict[Probe, tuple[str, ...]] = {
    Probe.xray_simple: ("circ+", "circ-", "tot", "ass"),
    Probe.neutron_pol: ("uu", "dd", "ass"),
    Probe.neutron_pol_tof: ("uu", "dd", "ass"),
}


def Specular(x: ArrayLike, sample: Any, instrument: Any) -> Array:
    """Measured specular reflectivity, or asymmetry.

    Parameters
    ----------
    x : (n_points,) or (n_population, n_points), in the coordinates of the instrument.

    The asymmetry of anisotropic x-rays is convoluted with the resolution, but has no footprint, I0 and background.
    The footprint of time of flight is that of the instrument's wavelength at this Q, not of `incangle`: as in GenX.

    Raises
    ------
    InputError : an option or number of the sample or the instrument cannot be used.
    """
    probe = spec_nx.option(instrument, "probe", Probe)
    channel = _channel(probe, instrument)
    layers = magnetic_layers(sample)
    sliced = is_sliced(sample)
    if sliced and probe is Probe.xray and channel != "tot":
        raise InputError(f"the probe 'x-ray' with slicing has no polarisation {channel!r}", hint="set xpol to 'tot'")

    _tell(layers, probe, sliced=sliced)

    time_of_flight = probe is Probe.neutron_pol_tof
    bare = probe in (Probe.xray_simple, Probe.xray_anisotropic) and channel == "ass"
    measuring = _as_of_spec_nx(instrument, probe, bare=bare)
    n_points = np.shape(np.atleast_1d(np.asarray(x)))[-1]

    def reflect(points: Points) -> Reflectivity:
        if not time_of_flight:
            return reflected(points)
        curve, fitted = reflected(Points(points.q, np.abs(points.wavelength)) if sliced else points)
        illuminated = _illuminated_at_wavelength(points, instrument, n_points)
        if illuminated is None:
            return curve, fitted
        return curve * illuminated, fitted or is_population(illuminated)

    def reflected(points: Points) -> Reflectivity:
        beyond = np.isnan(points.q)
        if np.any(beyond):  # an individual with a NaN would be NaN at all points
            points = Points(np.where(beyond, 1e-10, points.q), points.wavelength)
        if sliced:
            curve = curve_of_slices(sample, layers, instrument, probe, channel, points)
            fields: tuple[str, ...] = (*XRAY_FIELDS, *NEUTRON_FIELDS)  # slices are chosen by all of them
            options: list[Any] = [getattr(sample, field) for field in SLICING_FIELDS]
        else:
            curve = _curve(sample, layers, probe, channel, points)
            fields, options = (XRAY_FIELDS if probe in _XRAYS else NEUTRON_FIELDS), []
        if np.any(beyond):
            curve = np.where(beyond, np.nan, curve)
        fitted = len(curve) > 1 or is_population(points.q, points.wavelength, *options)
        return curve, fitted or layers.table.is_fitted(fields)

    return measure(x, measuring, reflect, moved=_from_below if time_of_flight else _above_horizon)


def _tell(layers: MagneticLayers, probe: Probe, *, sliced: bool) -> None:
    """Note where GenX's numbers are not what one expects."""
    if probe is Probe.xray_anisotropic:
        note(_DIGITS_OF_GENX)
    elif probe is Probe.neutron_pol_spin_flip:
        if sliced and np.any((layers.moments[0] > 0) & (layers.moments[3] < -1e-12)):
            note(_SIGN_OF_ANGLE)
    elif probe in (Probe.neutron_pol, Probe.neutron_pol_tof):
        if sliced and np.any((layers.moments[0] > 0) & (layers.moments[2] < 1)):
            note(_WHOLE_MOMENT)
        if not sliced and np.any(layers.b.real < 0):
            note(_ROOT_OF_SQUARE)


def _channel(probe: Probe, instrument: Any) -> str:
    kind: Any = XRayPolarization if probe in _XRAYS else Polarization
    channel = str(spec_nx.option(instrument, "xpol" if probe in _XRAYS else "npol", kind).value)
    allowed = _CHANNELS.get(probe)
    if allowed is not None and channel not in allowed:
        raise InputError(
            f"the probe {str(probe.value)!r} has no channel {channel!r}",
            hint="the channels are " + ", ".join(map(repr, allowed)),
        )
    return channel


def _as_of_spec_nx(instrument: Any, probe: Probe, *, bare: bool) -> spec_nx.Instrument:
    """The instrument in the terms of spec_nx, whose machinery makes points, footprint and resolution."""
    coords = spec_nx.option(instrument, "coords", spec_nx.Coords)
    if probe is Probe.neutron_pol_tof and coords is not spec_nx.Coords.q:
        raise InputError("the probe 'neutron pol tof' needs coords 'q'", hint="inst.setCoords('q')")
    restype = spec_nx.option(instrument, "restype", ResType)
    return spec_nx.Instrument(
        probe=spec_nx.Probe.neutron_pol_tof if probe is Probe.neutron_pol_tof else spec_nx.Probe.xray,
        wavelength=instrument.wavelength,
        I0=1.0 if bare else instrument.I0,
        Ibkg=0.0 if bare else instrument.Ibkg,
        coords=coords,
        incangle=instrument.incangle,
        restype=spec_nx.ResType(restype.value),
        res=instrument.res,
        respoints=instrument.respoints,
        resintrange=instrument.resintrange,
        footype=spec_nx.FootType.none if bare or probe is Probe.neutron_pol_tof else instrument.footype,
        beamw=instrument.beamw,
        samplelen=instrument.samplelen,
    )


def _above_horizon(x: Array, points: Points, n_places: int) -> Points:
    """Points at 1e-8° at least; NaN where there is no angle at all because Q is beyond back-scattering."""
    largest = 4 * np.pi / np.asarray(points.wavelength, dtype=float)
    q = np.maximum(points.q, largest * np.sin(np.radians(_LEAST_ANGLE)))
    return Points(np.where(np.isnan(coordinates.sine_of_incidence(q, points.wavelength)), np.nan, q), points.wavelength)


def _from_below(x: Array, points: Points, n_places: int) -> Points:
    """Time of flight at negative Q has a negative wavelength, as in GenX: layers without slicing amplify there."""
    below = x < 0
    if not np.any(below):
        return points
    # The points are those of the lowest Q there is, and q·λ is constant.
    scale = np.where(below, np.maximum(-x / coordinates.Q_MINIMUM, 1.0), 1.0)
    return Points(points.q * scale, points.wavelength / np.where(below, -scale, scale))


def _illuminated_at_wavelength(points: Points, instrument: Any, n_points: int) -> Array | None:
    """Part of the beam on the sample for time of flight: at the angle that Q has at the instrument's wavelength."""
    wavelength = number(instrument, "wavelength")
    largest = 4 * np.pi / np.asarray(wavelength, dtype=float)
    q = np.where(np.asarray(points.wavelength) < 0, 0.0, points.q)
    q = np.clip(q, largest * np.sin(np.radians(_LEAST_ANGLE)), largest * (1 - 1e-15))
    beam = _as_of_spec_nx(instrument, Probe.neutron_pol, bare=False)
    return illuminated_part(Points(q, wavelength), beam, n_points, q.shape[-1] // n_points)


def _curve(sample: Any, layers: MagneticLayers, probe: Probe, channel: str, points: Points) -> Array:
    """Curve (n_population | 1, n) of layers with rough interfaces."""
    blocks = layers.table.blocks
    if probe is Probe.xray:
        strength = potentials.xray_strength(np.ones((1, 1)), layers.scattering_lengths(points.wavelength)[0])
        optics = potentials.potential(strength, None, None, points.wavelength)
        return reflectivity(points.q, *optics, layers.thickness(clip=True)[0], layers.table.sigma, blocks)
    if probe is Probe.xray_anisotropic:
        chi, kind = magnetic_tensor.tensors(
            _as_table(points.wavelength), layers.scattering_lengths(points.wavelength), layers.moments[2:],
            (layers.dmag_l, layers.dmag_u),
        )  # fmt: skip
        return magnetic_xray.reflectivity(
            channel_of_xrays(channel),
            coordinates.sine_of_incidence(points.q, points.wavelength), _as_table(points.wavelength), chi, kind,
            layers.thickness(clip=False), layers.widths(_LEAST_WIDTH), blocks,
        )  # fmt: skip
    if probe is Probe.neutron_pol_spin_flip:
        return _spin_flip(sample, layers, channel, points)
    theory = interface_layers.XRAYS if probe is Probe.xray_simple else interface_layers.NEUTRONS
    size, _, along = layers.moments[:3]
    if probe is Probe.xray_simple:
        charge, circular, _ = layers.scattering_lengths(points.wavelength)
        lengths = (np.zeros((1, charge.shape[1])), charge, np.zeros((1, charge.shape[1])))
        # cosθ_m·cosφ is the x component of the moment's direction
        magnetic = circular.real * along + 1j * (circular.imag * along)
    else:
        lengths = (layers.dens, layers.b * _FM, layers.xs_ai * _BARN)
        magnetic = potentials.magnetic_strength(layers.dens, size) * along + 0j

    def one(sign: int) -> Array:
        return interface_layers.reflectivity(
            theory, points.q, _as_table(points.wavelength), lengths, sign * magnetic, (layers.dmag_l, layers.dmag_u),
            layers.thickness(clip=True), layers.widths(), blocks,
        )  # fmt: skip

    return combined(one, channel)


def _spin_flip(sample: Any, layers: MagneticLayers, channel: str, points: Points) -> Array:
    absorbed = layers.xs_ai * _BARN / (2 * np.asarray(points.wavelength))
    scale = 4 * np.pi * layers.dens
    nuclear = scale * (layers.b.real * _FM) + 1j * (scale * (layers.b.imag * _FM - absorbed))
    size, angle = layers.moments[:2]
    magnetic = scale * (potentials.BOHR_MAGNETON_LENGTH * size)
    interfaces = (layers.dmag_l, layers.dmag_u)
    thickness, widths, blocks = layers.thickness(clip=False), layers.widths(_LEAST_WIDTH), layers.table.blocks
    channels = last_result(
        sample, "spin_flip", (points.q, nuclear, magnetic, *interfaces, angle, *thickness, *widths, blocks),
        lambda: magnetic_spin_flip.reflectivity(
            points.q, nuclear, magnetic, interfaces, angle, thickness, widths, blocks
        ),
    )  # fmt: skip
    return spin_flip_channel(channels[:, 0], channels[:, 1], channels[:, 2], channel)


def _as_table(wavelength: Any) -> Array:
    return np.atleast_2d(np.asarray(wavelength, dtype=float))
