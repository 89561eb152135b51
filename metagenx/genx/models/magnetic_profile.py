"""Depth profiles of the samples of mag_refl: scattering lengths, dielectric tensor, magnetisation.

For one individual; called once per simulation for the plot, never in a fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.instrument import option
from metagenx.genx.models.magnetic_instrument import Probe
from metagenx.genx.models.magnetic_layers import MagneticLayers, magnetic_layers
from metagenx.genx.models.magnetic_slicing import Slices, is_sliced, slices_of
from metagenx.genx.models.values import number
from metagenx.physics import magnetic_tensor, potentials
from metagenx.physics.profile import profile as smeared

__all__ = ["SLD_calculations"]

Array = NDArray[np.float64]
Profiles = dict[str, Any]

_XRAY_UNIT = r"r_{e}/\AA^{3}"
_XRAY_MAGNETIC_UNIT = r"r_{e}/\AA^{3},\,\mu_{B}/\AA^{3}"
_NEUTRON_UNIT = r"fm/\AA^{3}, \mu_{B}/\AA^{3}"
_SLICED_NEUTRON_UNIT = r"fm/\AA^{3}, b/\AA^{3},\,\mu_{B}/\AA^{3}"
_TENSOR = {"xx": (0, 0), "xy": (0, 1), "xz": (0, 2), "yy": (1, 1), "yz": (1, 2), "zz": (2, 2)}
_LEAST_WIDTH = 1e-7  # Å, keeps a sharp interface computable
_STEP = 0.5  # Å


def SLD_calculations(z: ArrayLike | None, item: str | None, sample: Any, instrument: Any) -> Any:
    """Depth profiles of what the probe sees.

    Parameters
    ----------
    z : depths in Å from the surface of the substrate; None chooses them to show everything. A sliced sample has those
        of its slices, whatever is given.
    item : None for all profiles, or the name of one.

    Returns
    -------
    dictionary of arrays ``z``, the text ``SLD unit`` and, x-rays in r_e/Å³: ``Re sld_c``, ``Im sld_c``, of the
    simplified theory also ``Re sld_m``, ``Im sld_m`` and ``mag_dens`` (μ_B/Å³), of the anisotropic theory ``Re sl_xx``
    … ``Im sl_zz``; neutrons: ``sld_n`` (complex, fm/Å³), ``mag_dens``, with spin flip ``mag_dens_x`` and
    ``mag_dens_y``, of slices also ``abs_n`` (barn/Å³).

    Raises
    ------
    InputError : a number of the sample is fitted (one profile per individual is not made), or no such item.
    """
    layers = magnetic_layers(sample)
    probe = option(instrument, "probe", Probe)
    wavelength = number(instrument, "wavelength")
    if np.ndim(wavelength):
        raise InputError("SimSLD makes the profile of one sample, but Instrument.wavelength holds a population")
    if is_sliced(sample):
        result = _of_slices(slices_of(sample, layers, wavelength), probe, wavelength)
    else:
        result = _of_layers(layers, probe, wavelength, z)
    if item is None:
        return result
    if item not in result:
        raise InputError(f"SimSLD has no profile {item!r}", hint=f"there are {', '.join(map(repr, result))}")
    return result[item]


def _of_slices(slices: Slices, probe: Probe, wavelength: float) -> Profiles:
    """Every slice is a step from its beginning to that of the next; the ambient medium is 1 Å long."""
    z = np.stack([slices.z, np.append(slices.z[1:], slices.z[-1] + 1)], axis=1).reshape(-1)

    def profile(values: NDArray[Any]) -> NDArray[Any]:
        return np.repeat(values, 2)

    if probe is Probe.xray_anisotropic:
        scale = wavelength**2 * potentials.ELECTRON_RADIUS / np.pi
        tensor = {name: profile(slices.chi[i, j] / scale) for name, (i, j) in _TENSOR.items()}
        return {**_complex_parts("sl_", tensor), "z": z, "SLD unit": r"r_e/\AA^{3}"}
    if probe in (Probe.xray, Probe.xray_simple):
        result = _complex_parts("sld_", {"c": profile(slices.charge)})
        if probe is Probe.xray:
            return {**result, "z": z, "SLD unit": _XRAY_UNIT}
        result |= _complex_parts("sld_", {"m": profile(slices.circular)})
        return {**result, "mag_dens": profile(slices.moment), "z": z, "SLD unit": _XRAY_MAGNETIC_UNIT}
    result = {"sld_n": profile(slices.nuclear), "abs_n": profile(slices.absorption)}
    result["mag_dens"] = profile(slices.moment)
    if probe is Probe.neutron_pol_spin_flip:
        result |= {"mag_dens_x": profile(slices.moment_x), "mag_dens_y": profile(slices.moment_y)}
    return {**result, "z": z, "SLD unit": _SLICED_NEUTRON_UNIT}


def _of_layers(layers: MagneticLayers, probe: Probe, wavelength: float, z: ArrayLike | None) -> Profiles:
    rows = _Rows(layers)
    depths = rows.depths() if z is None else np.asarray(z, dtype=float)

    def profile(values: NDArray[Any], lower: NDArray[Any], upper: NDArray[Any]) -> NDArray[Any]:
        return smeared(depths, rows.interleaved(values, lower, upper), rows.positions, rows.widths)

    def constant(values: NDArray[Any]) -> NDArray[Any]:
        return profile(values, values, values)

    def magnetic(values: NDArray[Any]) -> NDArray[Any]:
        return profile(values, values * (1 + rows.of(layers.dmag_l)), values * (1 + rows.of(layers.dmag_u)))

    size, _, x, y, _ = (rows.of(values) for values in layers.moments)
    moment = rows.of(layers.dens) * size
    if probe is Probe.xray_anisotropic:
        direction = (layers.moments[2], layers.moments[3], layers.moments[4])
        chi, _ = magnetic_tensor.tensors(
            np.array([[wavelength]]), layers.scattering_lengths(wavelength), direction, (layers.dmag_l, layers.dmag_u)
        )  # fmt: skip
        scale = wavelength**2 * potentials.ELECTRON_RADIUS / np.pi
        chi = rows.of(chi) / scale
        tensor = {name: profile(*(chi[:, part, i, j] for part in range(3))) for name, (i, j) in _TENSOR.items()}
        return {**_complex_parts("sl_", tensor), "z": depths, "SLD unit": r"r_e/\AA^{3}"}
    if probe in (Probe.xray, Probe.xray_simple):
        charge, circular, _ = (rows.of(values) for values in layers.scattering_lengths(wavelength))
        result = _complex_parts("sld_", {"c": constant(charge)})
        if probe is Probe.xray_simple:
            result |= _complex_parts("sld_", {"m": magnetic(circular * x)}) | {"mag_dens": magnetic(moment)}
        return {**result, "z": depths, "SLD unit": _XRAY_MAGNETIC_UNIT}
    absorbed = rows.of(layers.xs_ai) * 1e-3 / (2 * wavelength)  # fm
    # b itself, not the root of b² of the curves: GenX shows what was given.
    nuclear = rows.of(layers.dens) * (rows.of(layers.b) - 1j * absorbed)
    result = {"sld_n": constant(nuclear), "mag_dens": magnetic(moment)}
    if probe is Probe.neutron_pol_spin_flip:
        result |= {"mag_dens_x": magnetic(moment * x), "mag_dens_y": magnetic(moment * y)}
    return {**result, "z": depths, "SLD unit": _NEUTRON_UNIT}


class _Rows:
    """All layers of one sample, each repetition written out, and the three steps at each of their interfaces.

    Attributes
    ----------
    positions, widths : (3·n_interface,), Å, of the steps from a layer to its upper interface layer, from there to the
        lower interface layer of the next, and from there to the next layer.
    """

    def __init__(self, layers: MagneticLayers) -> None:
        table = layers.table
        if len(table.blocks.repetitions) > 1:
            raise InputError(
                "SimSLD makes the profile of one sample, not of a population", hint="call it if _sim is set"
            )
        self._order = table.unrolled()
        sigma, thickness = self.of(table.sigma)[:-1], self.of(table.thickness)
        surface = np.concatenate([[0.0], np.cumsum(thickness[1:-1])])
        upper, lower = self.of(layers.dd_u)[:-1], self.of(layers.dd_l)[1:]
        self.positions = np.stack([surface - upper, surface, surface + lower], axis=1).reshape(-1)
        wide_upper = np.hypot(self.of(layers.sigma_mu)[:-1], sigma)
        wide_lower = np.hypot(self.of(layers.sigma_ml)[1:], sigma)
        self.widths = np.stack([wide_upper, sigma, wide_lower], axis=1).reshape(-1) + _LEAST_WIDTH
        self._range = (-50 - 10 * sigma[0], surface[-1] + 50 + 10 * np.max(sigma))

    def of(self, values: NDArray[Any]) -> NDArray[Any]:
        """A field of the table for all layers, (n_layer, …)."""
        if len(values) > 1:
            raise InputError(
                "SimSLD makes the profile of one sample, not of a population", hint="call it if _sim is set"
            )
        return np.asarray(values[0][self._order])

    def depths(self) -> Array:
        """Depths that show everything, Å."""
        return np.arange(*self._range, _STEP)

    def interleaved(self, values: NDArray[Any], lower: NDArray[Any], upper: NDArray[Any]) -> NDArray[Any]:
        """Values between the steps: layer, its upper interface layer, lower interface layer of the next, next …"""
        parts = np.stack([values[:-1], upper[:-1], lower[1:]], axis=1).reshape(-1)
        return np.append(parts, values[-1])


def _complex_parts(prefix: str, values: dict[str, NDArray[Any]]) -> Profiles:
    parts = {"Re": np.real, "Im": np.imag}
    return {f"{part} {prefix}{name}": take(value) for part, take in parts.items() for name, value in values.items()}
