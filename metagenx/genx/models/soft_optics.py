"""The optics of soft_nx: layers that are described by their scattering length densities.

Kept as in GenX (fact sheet 4.1), so that its numbers come out: π is 3.141592 in the refractive index; with the
probe ``neutron pol tof`` the magnetic density is multiplied by λ²/2π twice, which no physics asks for: once with
the true π, once with the factor of the other densities (GenX's curves tell these from other readings of the sheet).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.genx.models.instrument import Probe
from metagenx.genx.models.notices import note
from metagenx.genx.models.optics import Optics
from metagenx.genx.models.sample_table import LayerNumbers, SampleTable

Array = NDArray[np.float64]

_SLD_UNIT = 1e-6  # Å⁻²
_PI_OF_GENX = 3.141592
_STRENGTH = _SLD_UNIT / (2 * _PI_OF_GENX)
_MAGNETIC = (Probe.neutron_pol, Probe.neutron_pol_tof, Probe.neutron_pol_spin_flip)

_TWICE = (
    "models.soft_nx, probe 'neutron pol tof': sld_m is multiplied by λ²/2π twice, as in GenX, which is not physics; "
    "models.spec_nx does it right"
)


def scattering_length_densities(table: SampleTable, probe: Probe, wavelength: Any) -> Optics:
    """Of layers with ``sld_n``, ``sld_x`` and ``sld_m`` in 1e-6 Å⁻²: n = 1 − λ²/(2·3.141592)·sld·1e-6."""
    field = "sld_x" if probe is Probe.xray else "sld_n"
    sld = table.column(field, complex)
    strength = np.empty(sld.shape, dtype=complex)  # real arithmetic: see physics.potentials
    strength.real, strength.imag = sld.real * _STRENGTH, sld.imag * _STRENGTH
    if probe not in _MAGNETIC:
        return Optics(strength, None, None, (field,))
    moment = table.column("sld_m")
    if probe is not Probe.neutron_pol_tof:
        return Optics(strength, None, moment * _STRENGTH, (field, "sld_m"))
    note(_TWICE)
    return Optics(strength, None, moment * (_STRENGTH / (2 * np.pi)), (field, "sld_m"), magnetic_power=4)


def numbers_of_densities(probe: Probe) -> LayerNumbers | None:
    """What `scattering_length_densities` reads of the layers; None for spin flip, which needs more."""
    if probe is Probe.xray:
        return LayerNumbers(
            ("d", "sigma"), "sld_x", lambda layers: ([(a.d, a.sigma) for a in layers], [a.sld_x for a in layers])
        )
    if probe is Probe.neutron_pol_spin_flip:
        return None
    if probe in _MAGNETIC:
        return LayerNumbers(
            ("d", "sigma", "sld_m"),
            "sld_n",
            lambda layers: ([(a.d, a.sigma, a.sld_m) for a in layers], [a.sld_n for a in layers]),
        )
    return LayerNumbers(
        ("d", "sigma"), "sld_n", lambda layers: ([(a.d, a.sigma) for a in layers], [a.sld_n for a in layers])
    )
