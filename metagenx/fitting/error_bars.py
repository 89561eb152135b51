"""Error bars from the evaluations of a fit: a rough scan of FOM levels, as in GenX."""

from __future__ import annotations

import numpy as np

from metagenx.fitting.problem import FloatArray


def scan(
    vectors: FloatArray, foms: FloatArray, best: FloatArray, best_fom: float, level: float
) -> tuple[FloatArray, FloatArray]:
    """How far the vectors with a FOM below ``level`` times the best reach from the best, down and up.

    Parameters
    ----------
    vectors, foms : evaluated candidates ``(n, n_dim)`` and their FOMs ``(n,)``.
    best, best_fom : the best vector ``(n_dim,)`` and its FOM.

    Returns
    -------
    low (≤ 0) and high (≥ 0), each ``(n_dim,)``, in the units of the parameters; NaN where the best FOM is not
    positive or too few vectors lie below the level to span anything.
    """
    unknown = np.full(len(best), np.nan)
    if not (np.isfinite(best_fom) and best_fom > 0.0):
        return unknown, unknown.copy()
    inside = vectors[foms < level * best_fom]
    if len(inside) < 2:
        return unknown, unknown.copy()
    low: FloatArray = np.minimum(inside.min(axis=0) - best, 0.0)
    high: FloatArray = np.maximum(inside.max(axis=0) - best, 0.0)
    return low, high
