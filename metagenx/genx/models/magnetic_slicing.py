"""Samples of mag_refl cut into thin slices: profiles, slices, and their curves, one individual after the other.

The number of slices depends on the values of an individual, and so does the grid of its profiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.models.last_result import last_result
from metagenx.genx.models.magnetic_channels import channel_of_xrays, combined, spin_flip_channel
from metagenx.genx.models.magnetic_instrument import Probe
from metagenx.genx.models.magnetic_layers import MagneticLayers
from metagenx.genx.models.measurement import Points
from metagenx.genx.models.values import number
from metagenx.physics import magnetic_slices, magnetic_tensor, magnetic_xray, potentials
from metagenx.physics.parratt import order_of_layers
from metagenx.physics.specular import Blocks, reflectivity, reflectivity_dispersive
from metagenx.physics.spin_flip import spin_flip

Array = NDArray[np.float64]
# (all that a calculation depends on, the calculation) → its result, or the last one
LastResult = Callable[[tuple[Any, ...], Callable[[], NDArray[Any]]], NDArray[Any]]
ComplexArray = NDArray[np.complex128]

LIMITS = ("dsld_max", "dsld_offdiag_max", "dmag_max", "dsld_n_max", "dabs_n_max")
SLICING_FIELDS = ("slice_depth", "sld_mult", "sld_buffer", "sld_delta", *LIMITS)
_MOST_POINTS = 200_000
_FM, _BARN = 1e-5, 1e-8  # Å, Å²
_LEAST_MOMENT = 1e-20  # μ_B/Å³; below it a moment has no direction


@dataclass(frozen=True)
class Slices:
    """A sample as slices, from the substrate to the ambient medium, which is the last one.

    Attributes
    ----------
    z : (n,), where they begin, Å. thickness : (n,), Å.
    chi : (3, 3, n), dielectric tensor. charge, magnetic, circular : complex (n,), densities of x-ray scattering
        lengths c, m1·m_x and m1, electrons/Å³.
    nuclear : complex (n,), fm/Å³. absorption : (n,), barn/Å³. moment, moment_x, moment_y : (n,), μ_B/Å³.
    """

    z: Array
    thickness: Array
    chi: ComplexArray
    charge: ComplexArray
    magnetic: ComplexArray
    circular: ComplexArray
    nuclear: ComplexArray
    absorption: Array
    moment: Array
    moment_x: Array
    moment_y: Array


def is_sliced(sample: Any) -> bool:
    """Whether the sample is to be sliced.

    Raises
    ------
    InputError : some individuals are, and some are not.
    """
    return _flag(sample, "slicing")


def slices_of(sample: Any, layers: MagneticLayers, wavelength: Any, individual: int = 0) -> Slices:
    """The slices of one individual.

    Raises
    ------
    InputError : the slices have no thickness, or there are too many of them.
    """

    def own(values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(values[individual if len(values) > 1 else 0])

    def setting(field: str) -> float:
        return float(own(np.atleast_2d(number(sample, field))).reshape(-1)[0])

    blocks = layers.table.blocks
    order = order_of_layers(blocks, own(blocks.repetitions), len(layers.table.layers))

    def row(values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(own(values)[order])

    step = setting("slice_depth")
    if not step > 0:
        raise InputError(f"Sample.slice_depth must be positive, it is {step}")
    d, sigma = row(layers.table.thickness), row(layers.table.sigma)
    widths = (row(layers.sigma_ml), row(layers.sigma_mu))
    ends = magnetic_slices.reach(sigma, *widths, setting("sld_mult"), setting("sld_buffer"))
    length = np.sum(d[1:-1]) + sum(ends)
    if not np.isfinite(length) or length / step > _MOST_POINTS:
        raise InputError(
            f"the sample would be cut into {length / step:.3g} slices",
            hint=f"choose a larger Sample.slice_depth; it is {step:g} Å and the profile {length:.3g} Å long",
        )
    z = magnetic_slices.grid(d, *ends, step)
    if len(z) < 2:
        raise InputError("the profile of the sample has no extent", hint="look at thicknesses and sld_buffer")
    delta = setting("sld_delta")
    profile = magnetic_slices.shares(
        z, d, sigma, (row(layers.dd_l), row(layers.dd_u)), (row(layers.dmag_l), row(layers.dmag_u)), widths,
        (ends[0] + delta, ends[1] + delta),
    )  # fmt: skip
    values = _profiles(profile, layers, own(np.atleast_2d(np.asarray(wavelength, dtype=float)))[0], wavelength, row)
    if _flag(sample, "compress"):
        scale = values.scale
        limits = {field: setting(field) for field in LIMITS}
        diagonal, other = limits["dsld_max"] * scale, limits["dsld_offdiag_max"] * scale
        chi = [diagonal if i == j else other for i in range(3) for j in range(3)]
        magnetic = 3 * [limits["dmag_max"]]
        kept = magnetic_slices.compressed(
            values.table[: len(chi) + 5], np.array([*chi, limits["dsld_n_max"], limits["dabs_n_max"], *magnetic])
        )
        table, thickness = magnetic_slices.means(values.table, kept), np.append(np.diff(z[kept]), 0.0)
        z = z[kept]
    else:
        table, thickness = values.table, np.full(len(z), step)
    return Slices(
        z=z,
        thickness=thickness,
        chi=table[:9].reshape(3, 3, -1),
        charge=table[15],
        magnetic=table[14],
        circular=table[16],
        nuclear=table[9],
        absorption=np.ascontiguousarray(table[10].real),
        moment=np.ascontiguousarray(table[11].real),
        moment_x=np.ascontiguousarray(table[12].real),
        moment_y=np.ascontiguousarray(table[13].real),
    )


@dataclass(frozen=True)
class _Profiles:
    """Rows: χ (9), nuclear, absorption, moment and its x and y parts, m1·m_x, c, m1; and λ²r_e/π."""

    table: ComplexArray
    scale: float


def _profiles(
    profile: magnetic_slices.Shares, layers: MagneticLayers, wavelength: float, wavelengths: Any, row: Any
) -> _Profiles:
    share, moment = profile.share, profile.moment
    size, _, mx, my, mz = (row(values) for values in layers.moments)
    c, m1, m2 = (row(values) for values in layers.scattering_lengths(wavelengths))
    dens = row(layers.dens)
    scale = float(wavelength**2 * potentials.ELECTRON_RADIUS / np.pi)
    once, twice = share * moment, share * moment**2
    table = np.zeros((17, len(profile.z)), dtype=np.complex128)
    chi = table[:9].reshape(3, 3, -1)
    direction = (mx, my, mz)
    charge = _summed(c, share)
    ib = [1j * scale * _summed(m1 * along, once) for along in direction]
    for i in range(3):
        for j in range(3):
            chi[i, j] = scale * _summed(m2 * (direction[i] * direction[j]), twice)
        chi[i, i] -= scale * charge
    chi[0, 1] -= ib[2]
    chi[1, 0] += ib[2]
    chi[0, 2] += ib[1]
    chi[2, 0] -= ib[1]
    chi[1, 2] -= ib[0]
    chi[2, 1] += ib[0]
    table[9] = _summed(dens * row(layers.b), share)
    table[10] = _summed(dens * row(layers.xs_ai), share)
    magnetic = dens * size
    for i, weight in enumerate((magnetic, magnetic * mx, magnetic * my)):
        table[11 + i] = _summed(weight, once)
    table[14], table[15], table[16] = _summed(m1 * mx, once), charge, _summed(m1, once)
    return _Profiles(table, scale)


def _summed(values: NDArray[Any], profiles: Array) -> NDArray[Any]:
    """Σ_k values_k·profiles_k(z), layer by layer."""
    total = np.zeros(profiles.shape[1], dtype=values.dtype)
    for value, profile in zip(values, profiles, strict=True):
        if value != 0:
            total += value * profile
    return total


def curve_of_slices(
    sample: Any, layers: MagneticLayers, instrument: Any, probe: Probe, channel: str, points: Points
) -> Array:
    """Curve (n_population | 1, n) of a sliced sample; NaN for an individual with a value that is no number."""
    wavelength = number(instrument, "wavelength")
    n_population = _population_size(sample, layers, wavelength, points)
    curves = []
    for m in range(n_population):
        own = Points(_row(points.q, m), _row(points.wavelength, m))
        slices = slices_of(sample, layers, wavelength, m)
        curves.append(_curve(slices, probe, channel, own, partial(last_result, sample, f"slices_{m}")))
    return np.array(curves)


def _curve(slices: Slices, probe: Probe, channel: str, points: Points, last: LastResult) -> Array:
    """Curve (n,) of one individual."""
    q, wavelength = points.q, points.wavelength
    n = len(slices.z)
    d, sigma, blocks = slices.thickness[None], np.zeros((1, n)), Blocks.once(n)
    if probe is Probe.xray_anisotropic:
        chi = np.ascontiguousarray(np.moveaxis(slices.chi, 2, 0))
        kind = np.empty(n, dtype=np.int64)
        magnetic_tensor.kinds_of_slices(chi, kind)
        sine = q * (float(wavelength) / (4 * np.pi))
        return magnetic_xray.reflectivity_of_slices(
            channel_of_xrays(channel), np.minimum(sine, 1.0), float(wavelength), chi, kind, slices.thickness
        )
    if probe is Probe.neutron_pol_spin_flip:
        return _spin_flip(slices, channel, points, last)
    if probe in (Probe.xray, Probe.xray_simple):
        strength = (potentials.ELECTRON_RADIUS / (2 * np.pi)) * slices.charge[None]
        if probe is Probe.xray:
            # n = 1 + χ_xx/2, with the part of m2 along x: GenX's curves tell this from the charge alone.
            along_x = -slices.chi[0, 0][None] / (2 * float(wavelength) ** 2)
            optics = potentials.potential(along_x, None, None, wavelength)
            return np.asarray(reflectivity(q, *optics, d, sigma, blocks)[0])
        magnetic = (potentials.ELECTRON_RADIUS / (2 * np.pi)) * slices.magnetic
        cosine = np.sqrt(np.maximum(1 - (q * (float(wavelength) / (4 * np.pi))) ** 2, 0.0))

        def circular(sign: int) -> Array:
            index = 1 - wavelength**2 * (strength[0][:, None] + sign * magnetic[:, None] * cosine)
            square = index * index
            potential = (square - square[-1]) * (4 * np.pi / wavelength) ** 2
            return np.asarray(reflectivity(q, potential[None], square[-1][None], d, sigma, blocks)[0])

        return combined(circular, channel)
    strength = (_FM / (2 * np.pi)) * slices.nuclear[None]
    absorption = (_BARN / (4 * np.pi)) * slices.absorption[None]
    moment = (potentials.BOHR_MAGNETON_LENGTH / (2 * np.pi)) * slices.moment[None]

    def one_spin(sign: int) -> Array:
        if probe is Probe.neutron_pol_tof:
            curve = reflectivity_dispersive(q, wavelength, strength, absorption, sign * moment, d, sigma, blocks)
            return np.asarray(curve[0])
        optics = potentials.potential(strength, absorption, sign * moment, wavelength)
        return np.asarray(reflectivity(q, *optics, d, sigma, blocks)[0])

    return combined(one_spin, channel)


def _spin_flip(slices: Slices, channel: str, points: Points, last: LastResult) -> Array:
    """With one more slice of vacuum on top, as in GenX."""
    if abs(slices.nuclear[-1]) > 1e-12 or slices.absorption[-1] > 1e-12 or abs(slices.moment[-1]) > 1e-12:
        raise InputError(
            "spin flip with slicing needs vacuum as the ambient medium",
            hint="set dens of the ambient medium to 0, or slicing to False",
        )
    in_plane = np.hypot(slices.moment_x, slices.moment_y)
    directed = in_plane > _LEAST_MOMENT
    cosine = np.divide(slices.moment_x, in_plane, out=np.ones_like(in_plane), where=directed)
    angle = np.where(directed, np.degrees(np.arccos(np.clip(cosine, -1, 1))), 0.0)
    nuclear = slices.nuclear * _FM - 1j * slices.absorption * _BARN / (2 * float(points.wavelength))
    magnetic = potentials.BOHR_MAGNETON_LENGTH * in_plane
    plus, minus = (np.append(4 * np.pi * (nuclear + sign * magnetic), 0)[None] for sign in (1, -1))
    n = len(slices.z) + 1
    key = (points.q, plus, minus, angle, slices.thickness)
    four = last(key, lambda: spin_flip(
        points.q, plus, minus, np.append(angle, 0.0)[None], np.append(slices.thickness, 0.0)[None],
        np.zeros((1, n)), Blocks.once(n),
    ))[0]  # fmt: skip
    return spin_flip_channel(four[0], four[1], four[2], channel)


def _population_size(sample: Any, layers: MagneticLayers, wavelength: Any, points: Points) -> int:
    table = layers.table
    tables = [table.thickness, table.sigma, table.blocks.repetitions, layers.b, layers.xs_ai, layers.moments[0]]
    tables += [layers.dd_l, layers.dd_u, layers.dmag_l, layers.dmag_u, layers.sigma_ml, layers.sigma_mu]
    tables += [layers.scattering_lengths(wavelength)[0]]
    tables += [np.atleast_2d(number(sample, field)) for field in SLICING_FIELDS]
    tables += [np.atleast_2d(value) for value in (wavelength, points.q, points.wavelength)]
    sizes = {len(values) for values in tables} - {1}
    if len(sizes) > 1:
        raise InputError("the sample and the instrument hold populations of different sizes")
    return max(sizes, default=1)


def _row(values: Any, m: int) -> Any:
    """What an individual has of a scalar, (n_population, 1), (n_points,) or (n_population, n_points)."""
    array = np.asarray(values)
    if array.ndim < 2:
        return values
    own = array[m if len(array) > 1 else 0]
    return float(own[0]) if own.size == 1 else np.ascontiguousarray(own)


def _flag(sample: Any, field: str) -> bool:
    values = np.atleast_1d(np.asarray(getattr(sample, field)))
    if values.dtype.kind not in "bif" or len({bool(value) for value in values.reshape(-1)}) != 1:
        raise InputError(f"Sample.{field} must be True or False, and the same for all")
    return bool(values.reshape(-1)[0])
