"""Linear population size reduction: many members at the beginning of a run, few at its end.

Source: Tanabe & Fukunaga, CEC 2014, 1658, eq. 10.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metagenx.fitting.problem import FloatArray


def planned_size(first: int, last: int, progress: float) -> int:
    """Members after this share (0 … 1) of the evaluations: from ``first`` at 0 to ``last`` at 1, never more."""
    return round(first + (min(last, first) - first) * min(progress, 1.0))


def survivors(foms: FloatArray, size: int) -> NDArray[np.intp]:
    """Indices of the ``size`` members with the lowest FOMs, in the order in which they stand in the population."""
    return np.sort(np.argsort(foms, kind="stable")[:size])
