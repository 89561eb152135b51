"""What of the reflected beam mag_refl measures: one state, or a combination of several."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from metagenx.genx.models.magnetic_instrument import XRayPolarization
from metagenx.physics.magnetic_xray import Channel

Array = NDArray[np.float64]


def combined(one: Callable[[int], Array], channel: str) -> Array:
    """One of two states, their mean, or their asymmetry (plus − minus)/(plus + minus)."""
    if channel in ("uu", "circ+"):
        return one(1)
    if channel in ("dd", "circ-"):
        return one(-1)
    plus, minus = one(1), one(-1)
    if channel == "tot":
        return (plus + minus) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((plus - minus) / (plus + minus))


def spin_flip_channel(uu: Array, dd: Array, ud: Array, channel: str) -> Array:
    """One channel (du is ud, as in spec_nx), or the asymmetry (uu − dd)/(uu + dd + 2ud)."""
    if channel == "ass":
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((uu - dd) / (uu + dd + 2 * ud))
    return {"uu": uu, "dd": dd}.get(channel, ud)


def channel_of_xrays(channel: str) -> Channel:
    """The channel of the kernels for anisotropic x-rays; both lists have the same order."""
    return Channel(list(XRayPolarization).index(XRayPolarization(channel)))
