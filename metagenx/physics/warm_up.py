"""Compile the reflectivity kernels, or load them from the cache, before they are needed."""

from __future__ import annotations

import numpy as np


def warm_up(*, spin_flip: bool = False, by_the_book: bool = False) -> None:
    """Bring the kernels into memory: seconds the very first time on a machine, then tens of milliseconds.

    spin_flip : the spin-flip kernel as well.
    by_the_book : also the slow kernels for individuals outside the range of the fast ones.
    """
    from . import specular
    from . import spin_flip as magnetic

    q, layers = np.array([0.01, 0.02]), np.ones((1, 3))
    thicknesses = [layers] if not by_the_book else [layers, layers * 1e9]
    for thickness in thicknesses:
        specular.reflectivity(q, layers * 1e-4, np.ones(1), thickness, layers, specular.Blocks.once(3))
        if spin_flip:
            magnetic.spin_flip(q, layers * 1e-6, layers * 1e-6, layers, thickness, layers, specular.Blocks.once(3))
