"""Depth profiles of a sample: scattering length density, magnetisation, mass density of every element.

For one individual; called once per simulation for the plot, never in a fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.instrument import Probe, option
from metagenx.genx.models.optics import xray_lengths
from metagenx.genx.models.sample_table import SampleTable, sample_table
from metagenx.genx.models.values import number
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
    layers whose composition is known, in g/cm³ (not in soft_nx). In double precision (GenX: single).

    Raises
    ------
    InputError : a number of the sample is fitted (one profile per individual is not made), or no such item.
    """
    return profiles_of_table(sample_table(sample), z, item, sample, instrument, scattering_profiles)


@dataclass(frozen=True)
class Unrolled:
    """The layers of one sample, each repetition written out; those in the middle may be replaced by one.

    Attributes
    ----------
    order : rows of the table.
    keep : if not 0, how many layers at either end are left.
    stand_in : fields of the layer in the middle; 0 for those that are not named.
    """

    table: SampleTable
    order: Sequence[int]
    keep: int
    stand_in: Mapping[str, float]

    def row(self, field: str, dtype: type = float) -> NDArray[Any]:
        """One field, (n_layer,)."""
        return self.cropped(field, self._whole(self.table.column(field, dtype), field))

    def cropped(self, field: str, values: NDArray[Any]) -> NDArray[Any]:
        """The values of a field in all layers with those in the middle replaced."""
        if not self.keep:
            return values
        middle = [self.stand_in.get(field, 0.0)]
        return np.concatenate([values[: self.keep], middle, values[-self.keep :]]).astype(values.dtype)

    def along(self, z: Any) -> tuple[Array, Callable[[NDArray[Any]], NDArray[Any]]]:
        """Depths, and the function that makes a profile of the layers' values there."""
        thickness = self.cropped("d", self._whole(self.table.thickness, "d"))
        sigma = self.cropped("sigma", self._whole(self.table.sigma, "sigma"))
        positions, roughness = interfaces(thickness, sigma)
        depths = default_depths(positions, roughness) if z is None else np.asarray(z, dtype=float)
        return depths, lambda values: profile(depths, values, positions, roughness)

    def _whole(self, values: NDArray[Any], field: str) -> NDArray[Any]:
        if len(values) > 1:
            raise InputError(f"SimSLD makes the profile of one sample, but Layer.{field} holds a population")
        return np.asarray(values[0, self.order])


# (layers, depths or None, instrument) → the profiles that the probe sees
Scattering = Callable[[Unrolled, Any, Any], dict[str, Any]]


def profiles_of_table(
    table: SampleTable,
    z: ArrayLike | None,
    item: str | None,
    sample: Any,
    instrument: Any,
    scattering: Scattering,
    *,
    crop: bool = True,
) -> Any:
    """Depth profiles of a table of layers; see `SLD_calculations`.

    Parameters
    ----------
    sample : for its ``crop_sld``.
    scattering : makes the profiles that the probe sees.
    crop : whether this library heeds ``crop_sld``; GenX's soft_nx and spec_adaptive do not.
    """
    if len(table.thickness) > 1 or len(table.sigma) > 1 or len(table.blocks.repetitions) > 1:
        raise InputError("SimSLD makes the profile of one sample, not of a population", hint="call it if _sim is set")
    whole = Unrolled(table, table.unrolled(), 0, {})
    result = scattering(_cropped(whole, number(sample, "crop_sld") if crop else 0), z, instrument)
    # The mass densities are of the whole sample, cropped or not, at the depths of the other profiles, as in GenX.
    if any(hasattr(layer, "f") for layer in table.layers):
        depths, along = whole.along(result["z"])
        profiles = {element: along(values) for element, values in _mass_densities(whole).items()}
        total = np.sum(list(profiles.values()), axis=0) if profiles else np.zeros(len(depths))
        result["Mass Density"] = {"z": depths, "SLD unit": _MASS_UNIT, "Sum": total, **profiles}
    if item is None:
        return result
    if item not in result:
        raise InputError(f"SimSLD has no profile {item!r}", hint=f"there are {', '.join(map(repr, result))}")
    return result[item]


def scattering_profiles(layers: Unrolled, z: Any, instrument: Any) -> dict[str, Any]:
    """The profiles that the probe sees."""
    depths, along = layers.along(z)
    probe = option(instrument, "probe", Probe)
    density = layers.row("dens")
    if probe is Probe.xray:
        lengths = xray_lengths(layers.table, number(instrument, "wavelength"))
        sld = along(density * layers.cropped("f", lengths[0, layers.order]))
        return {"Re": sld.real, "Im": sld.imag, "z": depths, "SLD unit": _XRAY_UNIT}
    sld = along(_neutron_sld(layers, density, instrument))
    if probe in (Probe.neutron, Probe.neutron_tof):
        return {"Re": sld.real, "Im": sld.imag, "z": depths, "SLD unit": _NEUTRON_UNIT}
    magnetic = _MAGNETIC * density * layers.row("magn")
    result = {"Re non-mag": sld.real, "Im non-mag": sld.imag, "mag": along(magnetic), "z": depths}
    return {**result, **magnetic_components(layers, magnetic, along, probe), "SLD unit": _NEUTRON_UNIT}


def magnetic_components(
    layers: Unrolled, magnetic: Array, along: Callable[[NDArray[Any]], NDArray[Any]], probe: Probe
) -> dict[str, Any]:
    """``mag_x`` and ``mag_y`` where spin flip is simulated and any moment is turned."""
    angle = np.radians(layers.row("magn_ang"))
    if probe is not Probe.neutron_pol_spin_flip or not np.any(angle != 0):
        return {}
    return {"mag_x": along(magnetic * np.cos(angle)), "mag_y": along(magnetic * np.sin(angle))}


def _cropped(whole: Unrolled, crop: Any) -> Unrolled:
    """The layers with those in the middle replaced by one."""
    keep = abs(int(crop))
    n_layer = len(whole.order)
    if keep == 0 or n_layer <= 2 * keep:
        return whole
    thickness = float(np.sum(whole.table.thickness[0, whole.order[keep : n_layer - keep]]))
    return replace(whole, keep=keep, stand_in={"d": thickness} if crop > 0 else _DUMMY)


def _neutron_sld(layers: Unrolled, density: Array, instrument: Any) -> NDArray[np.complex128]:
    """dens·b with the absorption at the instrument's wavelength, 1e-6 Å⁻²."""
    absorption = layers.row("xs_ai") * (1e-2 / (2 * number(instrument, "wavelength")))
    return np.asarray(density * (layers.row("b", complex) * 10 - 1j * absorption))


def _mass_densities(layers: Unrolled) -> dict[str, Array]:
    """Mass density of every element in every layer, g/cm³; layers of unknown composition have none."""
    found: dict[str, Array] = {}
    compositions = [_composition(layer) for layer in layers.table.layers]
    if not any(compositions):
        return found
    density = layers.row("dens")
    for i, row in enumerate(layers.order):
        for element, count in compositions[row].items():
            values = found.setdefault(element, np.zeros(len(layers.order)))
            values[i] = count * density[i] * atomic_weight(element) * _ATOMIC_MASS
    return found


def _composition(layer: Any) -> Mapping[str, float]:
    """What the layer consists of, if its f or else its b comes from the tables of the elements."""
    for length in (getattr(layer, "f", None), getattr(layer, "b", None)):
        composition = getattr(length, "composition", None)
        if composition:
            return dict(composition)
    return {}
