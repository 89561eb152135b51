"""The random generator of numba-compiled code, which is not numpy's: for compiled code of others that draws from it."""

from __future__ import annotations

import numpy as np

from metagenx.physics.compiled import compiled


@compiled()
def seed_compiled_generator(seed: int) -> None:
    """Seed the generator that ``numpy.random`` is inside compiled functions, in this thread; none of ours draws."""
    np.random.seed(seed)  # noqa: NPY002
