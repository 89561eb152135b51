"""How strongly the layers of a sample refract: the columns of spec_nx's layers as the kernels need them.

Other libraries describe a layer by other numbers and have a function of their own in place of
`scattering_lengths`; all else is shared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.genx.models.instrument import Probe
from metagenx.genx.models.layer_table import table_row
from metagenx.genx.models.sample_table import LayerNumbers, SampleTable
from metagenx.physics import coordinates, potentials

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True)
class Optics:
    """The refractive index n = 1 − strength·λ² + i·absorption·λ ∓ magnetic·λ^magnetic_power of all layers.

    Attributes
    ----------
    strength : complex (n_population | 1, n_layer), Å⁻².
    absorption : the same, real, Å⁻¹; None: nothing.
    magnetic : the same, real, Å^−magnetic_power, subtracted for spin up; None: the probe does not see it.
    fields : the layers' fields that went into it.
    magnetic_power : 2; 4 for time of flight in soft_nx.
    """

    strength: ComplexArray
    absorption: Array | None
    magnetic: Array | None
    fields: tuple[str, ...]
    magnetic_power: int = 2


# (table, probe, wavelength in Å or one per individual) → Optics
OpticsOf = Callable[[SampleTable, Probe, Any], Optics]

_MAGNETIC = (Probe.neutron_pol, Probe.neutron_pol_tof, Probe.neutron_pol_spin_flip)


def scattering_lengths(table: SampleTable, probe: Probe, wavelength: Any) -> Optics:
    """Of layers with the fields of spec_nx: a density, scattering lengths, an absorption, a moment."""
    density = table.column("dens")
    if probe is Probe.xray:
        strength = potentials.xray_strength(density, xray_lengths(table, wavelength))
        return Optics(strength, None, None, ("dens", "f"))
    strength = potentials.neutron_strength(density, table.column("b", complex))
    absorption = potentials.absorption_strength(density, table.column("xs_ai"))
    if probe not in _MAGNETIC:
        return Optics(strength, absorption, None, ("dens", "b", "xs_ai"))
    magnetic = potentials.magnetic_strength(density, table.column("magn"))
    return Optics(strength, absorption, magnetic, ("dens", "b", "xs_ai", "magn"))


def numbers_of_scattering_lengths(probe: Probe) -> LayerNumbers | None:
    """What `scattering_lengths` reads of the layers; None for spin flip, which needs more."""
    if probe is Probe.xray:
        return LayerNumbers(
            ("d", "sigma", "dens"),
            "f",
            lambda layers: ([(a.d, a.sigma, a.dens) for a in layers], [a.f for a in layers]),
        )
    if probe is Probe.neutron_pol_spin_flip:
        return None
    if probe in _MAGNETIC:
        return LayerNumbers(
            ("d", "sigma", "dens", "xs_ai", "magn"),
            "b",
            lambda layers: (
                [(a.d, a.sigma, a.dens, a.xs_ai, a.magn) for a in layers],
                [a.b for a in layers],
            ),
        )
    return LayerNumbers(
        ("d", "sigma", "dens", "xs_ai"),
        "b",
        lambda layers: ([(a.d, a.sigma, a.dens, a.xs_ai) for a in layers], [a.b for a in layers]),
    )


def xray_lengths(table: SampleTable, wavelength: Any) -> ComplexArray:
    """f of all layers; a function of the energy is evaluated at hc/λ."""
    if "f" in table.values:
        return table.column("f", complex)
    values = [layer.f for layer in table.layers]
    if any(map(callable, values)):
        energy = coordinates.HC / wavelength
        values = [value(energy) if callable(value) else value for value in values]
    return table_row(values, "f", complex)
