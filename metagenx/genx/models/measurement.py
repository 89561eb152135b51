"""From the x of a data set to Q, and from the reflectivity of the sample to what the instrument measures.

The order is GenX's: resolution grid, Q, reflectivity, footprint, average over the resolution, I0·R + Ibkg.
Shapes: x (n_points,) or (n_population, n_points); inside, the grid has n_places·n_points points, and
reflectivities are (n_population | 1, n).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.footprint_objects import BeamProfile
from metagenx.genx.models.instrument import Coords, FootType, Probe, ResType, option
from metagenx.genx.models.notices import note
from metagenx.genx.models.resolution_objects import ResolutionFunction
from metagenx.genx.models.values import is_population, number, per_point, whole_number, writable
from metagenx.physics import coordinates, footprint, resolution, smearing

Array = NDArray[np.float64]

_FULL = (ResType.full_conv_absolute, ResType.full_conv_relative)
_RELATIVE = (ResType.fast_conv_relative, ResType.full_conv_relative)
_TIME_OF_FLIGHT = (Probe.neutron_tof, Probe.neutron_pol_tof)


@dataclass(frozen=True)
class Points:
    """Where the reflectivity of the sample is needed.

    Attributes
    ----------
    q : (n,) or (n_population, n), Å⁻¹, ≥ 1e-10.
    wavelength : Å; one number, one per individual (n_population, 1), or for time of flight one per point.
    """

    q: Array
    wavelength: Any


# A curve of the sample: (n_population | 1, n), and whether anything fitted touches it.
Reflectivity = tuple[NDArray[Any], bool]


def points_of_measurement(x: ArrayLike, instrument: Any) -> Points:
    """The points themselves, without resolution."""
    return _points(_as_points(x), instrument, 1)


def measure(
    x: ArrayLike,
    instrument: Any,
    reflect: Callable[[Points], Reflectivity],
    *,
    intensity_inside: bool = False,
    moved: Callable[[Array, Points, int], Points] | None = None,
) -> Array:
    """What the instrument measures of a sample.

    Parameters
    ----------
    x : (n_points,) or (n_population, n_points), 2θ in degrees or Q in Å⁻¹.
    reflect : the sample's reflectivity.
    intensity_inside : I0 counts before the resolution, not after it; the same unless I0 changes from point to point.
    moved : called with the x of the grid, the points that belong to it, and how many places it has per point of x;
        gives the points where the reflectivity is needed instead.

    Returns
    -------
    (n_points,), or (n_population, n_points) if anything fitted touches it.

    Raises
    ------
    InputError : an option or a number of the instrument is not usable.
    """
    positions = _as_points(x)
    n_points = positions.shape[-1]
    restype = instrument.restype
    if not isinstance(restype, ResolutionFunction):
        restype = option(instrument, "restype", ResType)
    grid = _resolution_grid(positions, instrument, restype)
    places = 1 if grid is None else grid.n_places
    points = _points(positions if grid is None else grid.x, instrument, places)
    if moved is not None:
        points = moved(positions if grid is None else grid.x, points, places)
    curve, fitted = reflect(points)
    illuminated = illuminated_part(points, instrument, n_points, places)
    if illuminated is not None:
        curve = curve * illuminated
        fitted = fitted or is_population(illuminated)
    if intensity_inside:
        curve = per_point(instrument, "I0", n_points, places) * curve
    if grid is not None:
        curve = resolution.average(curve, grid.weights)
        fitted = fitted or len(grid.weights) > 1 or _depends_on_fitted(instrument, restype)
    elif restype is not ResType.none:
        curve = _fast_convolution(curve, positions, instrument, restype)
        fitted = fitted or is_population(instrument.res, instrument.resintrange)
    scale, background = per_point(instrument, "I0", n_points), per_point(instrument, "Ibkg", n_points)
    curve = curve + background if intensity_inside else scale * curve + background
    if fitted or is_population(positions, scale, background):
        return np.asarray(curve)
    return np.asarray(curve[0])


def _as_points(x: ArrayLike) -> Array:
    try:
        positions = writable(np.atleast_1d(np.asarray(x, dtype=float)))
    except (TypeError, ValueError):
        raise InputError(f"x must be an array of numbers, not {type(x).__name__}") from None
    if positions.ndim > 2:
        raise InputError(f"x must be one-dimensional, its shape is {positions.shape}")
    return positions


def _points(x: Array, instrument: Any, n_places: int) -> Points:
    n_points = x.shape[-1] // n_places
    probe = option(instrument, "probe", Probe)
    coords = option(instrument, "coords", Coords)
    offset = per_point(instrument, "tthoff", n_points, n_places)
    wavelength = number(instrument, "wavelength")
    if np.ndim(wavelength) == 0 and not wavelength > 0:
        raise InputError(f"Instrument.wavelength must be positive, it is {wavelength}")
    time_of_flight = probe in _TIME_OF_FLIGHT
    incidence = per_point(instrument, "incangle", n_points, n_places) if time_of_flight else 0.0
    if coords is Coords.two_theta:
        q = coordinates.q_from_two_theta(x, wavelength, offset)
    elif time_of_flight:
        q = coordinates.q_from_q_at_angle(x, incidence, offset)
    else:
        q = coordinates.q_from_q(x, wavelength, offset)
    if time_of_flight:
        if np.ndim(incidence) == 0 and not incidence > 0:
            raise InputError(
                f"Instrument.incangle is {incidence}: time of flight needs the angle of incidence",
                hint="inst.setIncangle(0.5) sets it to 0.5 degrees",
            )
        wavelength = coordinates.wavelength_at_angle(q, incidence)
        q = coordinates.q_at_angle(wavelength, incidence)
    return Points(q, wavelength)


def _resolution_grid(x: Array, instrument: Any, restype: ResType | ResolutionFunction) -> resolution.Grid | None:
    if not isinstance(restype, ResolutionFunction) and restype not in _FULL:
        return None
    places = whole_number(instrument, "respoints")
    reach = number(instrument, "resintrange")
    if isinstance(restype, ResolutionFunction):
        return restype.grid(x, places, reach)
    width = per_point(instrument, "res", x.shape[-1])
    return resolution.gaussian_grid(x, width * x if restype in _RELATIVE else width, places, reach)


def _depends_on_fitted(instrument: Any, restype: ResType | ResolutionFunction) -> bool:
    if isinstance(restype, ResolutionFunction):
        return is_population(instrument.resintrange, *restype.fitted_values())
    return is_population(instrument.res, instrument.resintrange)


# Steps of x may differ by this much of their mean before a fast convolution says so: x is rounded in a file.
_EVEN = 0.05


def _fast_convolution(curve: Array, x: Array, instrument: Any, restype: ResType) -> Array:
    steps = np.diff(np.atleast_2d(x)[0])
    if steps.size > 1 and np.ptp(steps) > _EVEN * abs(float(np.mean(steps))):
        note(
            f"the resolution {str(restype.value)!r} is for points at equal steps of x, and these are not (GenX does "
            "not look): take 'full conv and varying res.'"
        )
    if restype is ResType.fast_conv:
        width, reach = number(instrument, "res"), number(instrument, "resintrange")
        return smearing.convolve(curve, x, width, reach)
    width = per_point(instrument, "res", x.shape[-1])
    return smearing.smear(curve, x, width * x if restype in _RELATIVE else width)


def illuminated_part(points: Points, instrument: Any, n_points: int, n_places: int) -> Array | None:
    """Part of the beam on the sample at every point of the grid, None if it is not to be corrected for."""
    footype = instrument.footype
    if not isinstance(footype, BeamProfile):
        footype = option(instrument, "footype", FootType)
        if footype is FootType.none:
            return None
    if option(instrument, "probe", Probe) in _TIME_OF_FLIGHT:
        sine = coordinates.sine_of_angle(per_point(instrument, "incangle", n_points, n_places))
    else:
        sine = coordinates.sine_of_incidence(points.q, points.wavelength)
    length = per_point(instrument, "samplelen", n_points, n_places)
    if isinstance(footype, BeamProfile):
        return footype.illuminated(sine, length)
    width = per_point(instrument, "beamw", n_points, n_places)
    profile = footprint.gaussian if footype is FootType.gauss else footprint.square
    return profile(sine, length, width)
