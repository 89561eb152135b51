"""Simulations of interdiff: the specular curve, and scans off the specular condition (fact sheet 4.4).

Every number of a layer, the sample or the instrument may be a scalar or one per individual of a population,
(n_population, 1); the curve is (n_points,), or (n_population, n_points) if a population touches it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.instrument import Coords, FootType, option
from metagenx.genx.models.interdiff_instrument import DetType, ResType, reflectometer
from metagenx.genx.models.layer_table import column
from metagenx.genx.models.measurement import Points, Reflectivity, illuminated_part, measure, points_of_measurement
from metagenx.genx.models.notices import note
from metagenx.genx.models.resolution_objects import ResolutionFunction
from metagenx.genx.models.sample_table import SampleTable, sample_table
from metagenx.genx.models.specular_simulation import reflected
from metagenx.genx.models.values import is_population, number, per_point, whole_number
from metagenx.physics import coordinates, correlation, diffuse, smearing
from metagenx.physics.elementwise import erf

__all__ = ["OffSpecular", "Specular"]

Array = NDArray[np.float64]

# Keeps the factor of a sharp graded interface computable, Å; GenX's value.
_LEAST_INTERDIFFUSION = 1e-5

# The recursion needs a Q that is not zero, Å⁻¹; far below where the reflectivity changes.
_LEAST_Q = 1e-14


@dataclass(frozen=True)
class _Scan:
    """Where the detector and the beam are: all (n_population | 1, n_points), the wave number (n_population | 1, 1).

    Attributes
    ----------
    alpha, beta : angles of incidence and exit, degrees. q_x, q_z : Å⁻¹.
    offset : distance from the specular condition, in the unit of the scan (degrees or Å⁻¹).
    half : half the scattering angle, rad.
    """

    alpha: Array
    beta: Array
    q_x: Array
    q_z: Array
    offset: Array
    half: Array
    wave_number: Array
    coords: Coords


def Specular(x: ArrayLike, sample: Any, instrument: Any) -> Array:
    """Measured specular reflectivity: Parratt's recursion with Névot–Croce factors of the total roughness.

    Parameters
    ----------
    x : (n_points,) or (n_population, n_points), 2θ in degrees or q in Å⁻¹.
    """
    return _specular(x, sample, reflectometer(instrument))


def _specular(x: ArrayLike, sample: Any, instrument: Any) -> Array:
    """Specular curve of an instrument of spec_nx; as in GenX's interdiff I0 counts before the resolution.

    Points below 0, which a resolution around 0 has, reflect as those above it, and a footprint below 0 is negative:
    fact sheet 4.4 has no least Q, that of the other libraries (3.2) has one.
    """
    table = sample_table(sample)

    def signed(x: Array, points: Points, n_places: int) -> Points:
        if not np.any(points.q <= coordinates.Q_MINIMUM):
            return points
        above = points_of_measurement(np.abs(x), instrument).q
        return Points(np.where(above <= coordinates.Q_MINIMUM, 0.0, np.sign(x) * above), points.wavelength)

    def curve(points: Points) -> Reflectivity:
        above = Points(np.maximum(np.abs(points.q), _LEAST_Q), points.wavelength)
        return reflected(sample, table, instrument, above)

    return measure(x, instrument, curve, intensity_inside=True, moved=signed)


def OffSpecular(two_theta_or_qz: ArrayLike, theta_or_qx: ArrayLike, sample: Any, instrument: Any) -> Array:
    """Measured scattering off the specular condition: the specular peak, the diffuse part, the background.

    Parameters
    ----------
    two_theta_or_qz : 2θ in degrees or q_z in Å⁻¹: one number, or one per point.
    theta_or_qx : θ in degrees or q_x in Å⁻¹, (n_points,) or (n_population, n_points).

    Returns
    -------
    (n_points,), or (n_population, n_points) if anything fitted touches it.

    In q coordinates GenX takes degrees for radians in the exit angle, which leaves nothing of the diffuse part, and the
    number of degrees 2α for q in the specular peak; here both are what they should be, with a notice.

    Raises
    ------
    InputError : an option or number of the sample or the instrument cannot be used.
    """
    scan = _scan(two_theta_or_qz, theta_or_qx, instrument)
    table = sample_table(sample)
    n_points = scan.alpha.shape[1]
    width = _detector_width(instrument)
    peak, scale = _peak(scan, sample, instrument, width)
    scattered = _diffuse(scan, table, sample, instrument)
    resolution = instrument.restype
    if isinstance(resolution, ResolutionFunction) or option(instrument, "restype", ResType) is not ResType.none:
        scattered = _smeared(scattered, scan, instrument, width)
    factor = per_point(instrument, "I0_offspec", n_points)
    curve = peak + scattered * (factor * scale) + per_point(instrument, "Ibkg", n_points)
    return curve if _is_fitted(curve, table, sample, instrument, two_theta_or_qz, theta_or_qx) else np.asarray(curve[0])


def _scan(first: ArrayLike, second: ArrayLike, instrument: Any) -> _Scan:
    a, b = np.broadcast_arrays(_numbers(first, "2θ or q_z"), _numbers(second, "θ or q_x"))
    coords = option(instrument, "coords", Coords)
    wavelength = number(instrument, "wavelength")
    if np.ndim(wavelength) == 0 and not wavelength > 0:
        raise InputError(f"Instrument.wavelength must be positive, it is {wavelength}")
    k = np.atleast_2d(2 * np.pi / np.asarray(wavelength, dtype=float))
    a, b = np.atleast_2d(a).copy(), np.atleast_2d(b).copy()
    if coords is Coords.two_theta:
        alpha, beta, half = b, a - b, np.radians(a) / 2
        incident, exit_ = np.radians(alpha), np.radians(beta)
        q_x, q_z = k * (np.cos(incident) - np.cos(exit_)), k * (np.sin(incident) + np.sin(exit_))
        return _Scan(alpha, beta, q_x, q_z, a / 2 - b, half, k, coords)
    note(
        "off-specular scattering in q coordinates: GenX computes the exit angle in mixed units, which leaves out the "
        "diffuse part; here it is right, so the numbers differ from GenX's"
    )
    q_z, q_x = a, b
    with np.errstate(invalid="ignore"):
        half = np.arcsin(q_z / (2 * k))
    tilt = np.arctan2(q_x, q_z)
    return _Scan(np.degrees(half + tilt), np.degrees(half - tilt), q_x, q_z, q_x, half, k, coords)


def _numbers(values: ArrayLike, name: str) -> Array:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"SimOffSpecular: {name} must be a number or an array of numbers") from None
    if array.ndim > 2:
        raise InputError(f"SimOffSpecular: {name} must be one-dimensional, its shape is {array.shape}")
    return array


def _detector_width(instrument: Any) -> Any:
    width = number(instrument, "detres")
    if np.ndim(width) == 0 and not width > 0:
        raise InputError(
            f"Instrument.detres must be positive, it is {width}",
            hint="it is the full width of the detector's acceptance in degrees of 2θ",
        )
    return width


def _diffuse(scan: _Scan, table: SampleTable, sample: Any, instrument: Any) -> Array:
    """The diffuse part without resolution, times I0 and the footprint."""
    layers = table.layers
    n_order = whole_number(instrument, "taylor_n")
    if n_order == 0:
        raise InputError("Instrument.taylor_n is 0: at least one order of the series is needed", hint="2 is usual")
    wavelength = np.atleast_2d(np.asarray(number(instrument, "wavelength"), dtype=float))
    squares, waves = diffuse.single_precision_squares(column(layers, "dens"), column(layers, "f", complex), wavelength)
    graded = column(layers, "sigmai")
    total = table.sigma
    correlated = np.sqrt(total**2 - np.minimum(total, graded) ** 2)
    lateral, hurst = (np.atleast_2d(np.asarray(number(sample, name), dtype=float)) for name in ("eta_x", "h"))
    spectrum = correlation.orders(scan.q_x, lateral, hurst, abs(n_order), fixed_grid=n_order < 0)
    intensity = diffuse.diffuse_intensity(
        scan.q_x,
        scan.q_z,
        (scan.alpha > 0) & (scan.beta > 0),
        scan.wave_number,
        squares,
        waves,
        table.thickness,
        correlated,
        graded + _LEAST_INTERDIFFUSION,
        np.atleast_2d(np.asarray(number(sample, "eta_z"), dtype=float)),
        spectrum,
        table.blocks,
    )
    n_points = scan.alpha.shape[1]
    intensity = np.asarray(intensity * per_point(instrument, "I0", n_points))
    beam = _illumination(scan, instrument)
    return intensity if beam is None else np.asarray(intensity * beam)


def _illumination(scan: _Scan, instrument: Any) -> Array | None:
    """Part of the beam on the sample at the angle of incidence; None if it is not corrected for."""
    view = reflectometer(instrument)
    if not isinstance(view.footype, str) or view.footype != FootType.none:
        q = 2 * scan.wave_number * np.sin(np.radians(scan.alpha))
        return illuminated_part(Points(q, view.wavelength), view, scan.alpha.shape[1], 1)
    return None


def _peak(scan: _Scan, sample: Any, instrument: Any, width: Any) -> tuple[Array, Any]:
    """The specular peak as the detector sees it, and the factor that puts the diffuse part on its scale."""
    n_points = scan.alpha.shape[1]
    view = reflectometer(instrument, Ibkg=0.0)
    x = 2 * scan.alpha
    if scan.coords is Coords.q:
        x = 2 * scan.wave_number * np.sin(np.radians(scan.alpha))
    specular = np.atleast_2d(_specular(x, sample, view))
    resolution = per_point(instrument, "res", n_points)
    if option(instrument, "dettype", DetType) is DetType.gauss:
        sigma = np.sqrt((resolution / 2) ** 2 + (width / 2) ** 2)
        reach = sigma
        if scan.coords is Coords.q:
            reach = scan.wave_number * (np.cos(scan.half) - np.cos(scan.half * (1 + sigma / scan.q_z)))
        return (
            specular * np.exp(-0.5 * (scan.offset / reach) ** 2),
            width * np.sqrt(12.0) * (np.pi / 180) * np.sqrt(1 + (resolution / width) ** 2),
        )
    if scan.coords is Coords.q:
        raise InputError(
            "the detector type 'slit' is for 2θ coordinates only", hint="set dettype to 'gauss' or coords to '2θ'"
        )
    gain = 1 / _gate(np.zeros(1), width, resolution)
    return specular * _gate(scan.offset, width, resolution) * gain, width * (np.pi / 180) * gain


def _gate(x: Array, width: Any, resolution: Any) -> Array:
    """A slit of the full width detres/2 seen with a beam of the standard deviation res/2, all in degrees."""
    half, blur = np.asarray(width) / 4, np.sqrt(2.0) * np.abs(np.asarray(resolution)) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(0.5 * (erf((x + half) / blur) - erf((x - half) / blur)))


def _smeared(intensity: Array, scan: _Scan, instrument: Any, width: Any) -> Array:
    """The diffuse part with the resolution of the beam or of the detector, whichever the scan moves."""
    n_points = scan.alpha.shape[1]
    reach = number(instrument, "resintrange")
    resolution = number(instrument, "res")
    moving = scan.beta if scan.coords is Coords.two_theta else scan.q_x
    one_sided = np.all(moving > 0, axis=1) | np.all(moving < 0, axis=1)
    if np.all(one_sided):
        return smearing.convolve(intensity, 2 * scan.alpha, resolution, reach)
    if option(instrument, "dettype", DetType) is DetType.gauss:
        sigma = np.sqrt((resolution / 2) ** 2 + (width / 2) ** 2)
        by_detector = smearing.convolve(intensity, scan.alpha, sigma, reach)
    else:
        by_detector = _running_mean(intensity, scan.alpha, width)
    if not np.any(one_sided):
        return by_detector
    by_beam = smearing.convolve(intensity, 2 * scan.alpha, resolution, reach)
    return np.where(one_sided[:, None], by_beam, by_detector).reshape(-1, n_points)


def _running_mean(intensity: Array, alpha: Array, width: Any) -> Array:
    """Mean over as many points as half the detector's width covers, nothing beyond the ends."""
    n_points = intensity.shape[1]
    if n_points < 2:
        return intensity
    step = alpha[:, 1] - alpha[:, 0]
    half = np.asarray(width, dtype=float).reshape(-1) / 2
    n_population = max(len(intensity), len(step), len(half))
    rows = []
    for m in range(n_population):
        share = half[m % len(half)] / step[m % len(step)]
        count = max(1, round(share)) if np.isfinite(share) and share < 1e6 else 1
        full = np.convolve(intensity[m % len(intensity)], np.full(count, 1 / count))
        start = (count - 1) // 2
        rows.append(full[start : start + n_points])
    return np.array(rows)


def _is_fitted(curve: Array, table: SampleTable, sample: Any, instrument: Any, *arguments: Any) -> bool:
    if len(curve) > 1 or table.is_fitted(("dens", "f", "sigmai")):
        return True
    numbers = [getattr(sample, name) for name in ("eta_x", "eta_z", "h")]
    numbers += [value for value in instrument.__dict__.values() if isinstance(value, np.ndarray)]
    beam = instrument.footype
    if not isinstance(beam, str):
        numbers += [value for value in beam.__dict__.values() if isinstance(value, np.ndarray)]
    return is_population(*numbers, *arguments)
