"""Running a compiled formula over the points of a curve, for one individual or for a population.

A kernel takes points (n_rows | 1, n), parameters (n_rows | 1,) each, and fills (n_rows, n). A row is an individual;
where a parameter changes from point to point, every point is a row of its own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Values = float | Array  # a scalar, one per point (n_points,), one per individual (n_population, 1), or all of them


def over_points(kernel: Callable[..., None], x: Values, *parameters: Values) -> Array:
    """The kernel's formula at every point, in the shape that x and the parameters broadcast to, 1-D at least."""
    points = np.atleast_1d(np.asarray(x, dtype=np.float64))
    values = [np.asarray(parameter, dtype=np.float64) for parameter in parameters]
    if all(value.ndim == 0 or value.shape[-1] == 1 for value in values):
        rows = np.ascontiguousarray(points if points.ndim == 2 else points[None])
        columns = [np.ascontiguousarray(value).reshape(-1) for value in values]
        out = np.empty((max([len(rows), *map(len, columns)]), rows.shape[1]))
        kernel(rows, *columns, out)
        population = points.ndim == 2 or any(value.ndim == 2 for value in values)
        return out if population else out[0]
    shape = np.broadcast_shapes(points.shape, *(value.shape for value in values))
    flat = [np.broadcast_to(array, shape).reshape(-1) for array in (points, *values)]
    out = np.empty((flat[0].size, 1))
    kernel(flat[0].reshape(-1, 1).copy(), *(column.copy() for column in flat[1:]), out)
    return out.reshape(shape)
