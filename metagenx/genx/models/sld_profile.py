"""Depth profiles of a sample: scattering length density, magnetisation, mass density of every element.

For one individual; called once per simulation for the plot, never in a fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.instrument import Probe, option
from metagenx.genx.models.layer_table import column, table_row
from metagenx.genx.models.sample_table import SampleTable, sample_table
from metagenx.genx.models.values import number
from metagenx.physics import coordinates
from metagenx.physics.profile import default_depths, interfaces, profile
from metagenx.physics.scattering import atomic_weight

__all__ = ["SLD_calculations"]

Array = NDArray[np.float64]

_XRAY_UNIT = r"r_{e}/\AA^{3}"
_NEUTRON_UNIT = r"10^{-6}\AA^{-2}"
_MASS_UNIT = "g/cm³"
# Magnetic scattering length density per Bohr magneton and Å⁻³, 1e-6 Å⁻²; as GenX plots it (the reflectivity:
# 26.4587).
_MAGNETIC = 26.45
_ATOMIC_MASS = 1.66053907  # g/cm³ per u/Å³
_DUMMY = {"d": 5.0, "dens": 0.1, "b": 12.0, "f": 100.0}


class _StandIn:
    """A layer that takes the place of cropped ones."""

    d = dens = sigma = xs_ai = magn = magn_ang = 0.0
    f = b = 0j

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


def SLD_calculations(z: ArrayLike | None, item: str | None, sample: Any, instrument: Any) -> Any:
    """Depth profiles of a sample.

    Parameters
    ----------
    z : depths in Å from the surface of the substrate; None chooses them to show everything, in steps of 0.5
        Å.
    item : None for all profiles, or the name of one.

    Returns
    -------
    dictionary of arrays: ``z``, ``Re`` and ``Im`` (x-rays in electrons per Å³, neutrons in 1e-6 Å⁻²), or for
    magnetic probes ``Re non-mag``, ``Im non-mag``, ``mag`` (with spin flip and any angle also ``mag_x``,
    ``mag_y``); the text ``SLD unit``; and ``Mass Density``, a dictionary with ``Sum`` and the elements of all
    layers whose composition is known, in g/cm³. In double precision (GenX: single).

    Raises
    ------
    InputError : a number of the sample is fitted (one profile per individual is not made), or no such item.
    """
    table = sample_table(sample)
    layers, thickness, sigma = _unrolled(table)
    result = _scattering(*_cropped(layers, thickness, sigma, number(sample, "crop_sld")), z, instrument)
    # The mass densities are of the whole sample, cropped or not, as in GenX.
    masses = _mass_densities(layers)
    if masses:
        depths, along = _depths(thickness, sigma, z)
        profiles = {element: along(values) for element, values in masses.items()}
        total = np.sum(list(profiles.values()), axis=0)
        result["Mass Density"] = {"z": depths, "SLD unit": _MASS_UNIT, "Sum": total, **profiles}
    if item is None:
        return result
    if item not in result:
        raise InputError(f"SimSLD has no profile {item!r}", hint=f"there are {', '.join(map(repr, result))}")
    return result[item]


def _scattering(layers: list[Any], thickness: Array, sigma: Array, z: Any, instrument: Any) -> dict[str, Any]:
    """The profiles that the probe sees."""
    depths, along = _depths(thickness, sigma, z)
    probe = option(instrument, "probe", Probe)
    density = _row(layers, "dens")
    if probe is Probe.xray:
        sld = along(density * _xray_lengths(layers, instrument))
        return {"Re": sld.real, "Im": sld.imag, "z": depths, "SLD unit": _XRAY_UNIT}
    sld = along(_neutron_sld(layers, density, instrument))
    if probe in (Probe.neutron, Probe.neutron_tof):
        return {"Re": sld.real, "Im": sld.imag, "z": depths, "SLD unit": _NEUTRON_UNIT}
    magnetic = _MAGNETIC * density * _row(layers, "magn")
    result = {"Re non-mag": sld.real, "Im non-mag": sld.imag, "mag": along(magnetic), "z": depths}
    angle = np.radians(_row(layers, "magn_ang"))
    if probe is Probe.neutron_pol_spin_flip and np.any(angle != 0):
        result |= {"mag_x": along(magnetic * np.cos(angle)), "mag_y": along(magnetic * np.sin(angle))}
    return {**result, "SLD unit": _NEUTRON_UNIT}


def _depths(thickness: Array, sigma: Array, z: Any) -> tuple[Array, Callable[[NDArray[Any]], NDArray[Any]]]:
    """Where the profile is computed, and the profile of the layers' values there."""
    positions, roughness = interfaces(thickness, sigma)
    depths = default_depths(positions, roughness) if z is None else np.asarray(z, dtype=float)
    return depths, lambda values: profile(depths, values, positions, roughness)


def _unrolled(table: SampleTable) -> tuple[list[Any], Array, Array]:
    """All layers with thickness and sigma, each repetition written out."""
    if len(table.thickness) > 1 or len(table.sigma) > 1 or len(table.blocks.repetitions) > 1:
        raise InputError(
            "SimSLD makes the profile of one sample, not of a population", hint="call it if _sim is set"
        )
    order = table.unrolled()
    return [table.layers[row] for row in order], table.thickness[0, order], table.sigma[0, order]


def _cropped(layers: list[Any], thickness: Array, sigma: Array, crop: Any) -> tuple[list[Any], Array, Array]:
    """The layers with those in the middle replaced by one."""
    keep = abs(int(crop))
    if keep == 0 or len(layers) <= 2 * keep:
        return layers, thickness, sigma
    middle = slice(keep, len(layers) - keep)
    other = _StandIn(d=float(np.sum(thickness[middle]))) if crop > 0 else _StandIn(**_DUMMY)

    def replaced(values: Array, value: float) -> Array:
        return np.concatenate([values[:keep], [value], values[-keep:]])

    return (
        [*layers[:keep], other, *layers[-keep:]],
        replaced(thickness, other.d),
        replaced(sigma, other.sigma),
    )


def _row(layers: list[Any], field: str, dtype: type = float) -> NDArray[Any]:
    values = column(layers, field, dtype)
    if len(values) > 1:
        raise InputError(f"SimSLD makes the profile of one sample, but Layer.{field} holds a population")
    return np.asarray(values[0])


def _xray_lengths(layers: list[Any], instrument: Any) -> NDArray[np.complex128]:
    energy = coordinates.HC / number(instrument, "wavelength")
    values = [layer.f(energy) if callable(layer.f) else layer.f for layer in layers]
    return np.asarray(table_row(values, "f", complex)[0])


def _neutron_sld(layers: list[Any], density: Array, instrument: Any) -> NDArray[np.complex128]:
    """dens·b with the absorption at the instrument's wavelength, 1e-6 Å⁻²."""
    absorption = _row(layers, "xs_ai") * (1e-2 / (2 * number(instrument, "wavelength")))
    return np.asarray(density * (_row(layers, "b", complex) * 10 - 1j * absorption))


def _mass_densities(layers: list[Any]) -> dict[str, Array]:
    """Mass density of every element in every layer, g/cm³; layers of unknown composition have none."""
    density = _row(layers, "dens")
    found: dict[str, Array] = {}
    for i, layer in enumerate(layers):
        for element, count in _composition(layer).items():
            row = found.setdefault(element, np.zeros(len(layers)))
            row[i] = count * density[i] * atomic_weight(element) * _ATOMIC_MASS
    return found


def _composition(layer: Any) -> Mapping[str, float]:
    """What the layer consists of, if its f or else its b comes from the tables of the elements."""
    for length in (layer.f, layer.b):
        composition = getattr(length, "composition", None)
        if composition:
            return dict(composition)
    return {}
