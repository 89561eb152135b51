"""Depth profile of the electron density, as interdiff has it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from metagenx.errors import InputError
from metagenx.genx.models.layer_table import column
from metagenx.genx.models.sample_table import sample_table
from metagenx.physics.profile import default_depths, interfaces, profile

__all__ = ["SLD_calculations"]


def SLD_calculations(z: ArrayLike | None, item: str | None, sample: Any, instrument: Any) -> Any:
    """Depth profile of a sample, smeared by its total roughness.

    Parameters
    ----------
    z : depths in Å from the surface of the substrate; None chooses them to show everything, in steps of 0.5 Å.
    item : None for all, or the name of one: ``Re``, ``Im``, ``z``, ``SLD unit``.

    Raises
    ------
    InputError : a number of the sample is fitted (one profile per individual is not made), or no such item.
    """
    table = sample_table(sample)
    density, f = column(table.layers, "dens"), column(table.layers, "f", complex)
    if max(len(table.thickness), len(table.sigma), len(density), len(f), len(table.blocks.repetitions)) > 1:
        raise InputError("SimSLD makes the profile of one sample, not of a population", hint="call it if _sim is set")
    order = table.unrolled()
    positions, roughness = interfaces(table.thickness[0, order], table.sigma[0, order])
    depths = default_depths(positions, roughness) if z is None else np.asarray(z, dtype=float)
    sld = profile(depths, (density[0] * f[0])[order], positions, roughness)
    result: dict[str, Any] = {"Re": sld.real, "Im": sld.imag, "z": depths, "SLD unit": r"r_{e}/\AA^{3}"}
    if item is None:
        return result
    if item not in result:
        raise InputError(f"SimSLD has no profile {item!r}", hint=f"there are {', '.join(map(repr, result))}")
    return result[item]
