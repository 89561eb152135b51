"""Jumps to where the same curve could have come from: other thicknesses, material moved, all roughnesses anew.

A wrong minimum of a reflectivity fit mostly has a layer whose thickness is off by a fringe, two layers that share their
total thickness wrongly, or right thicknesses with the roughness at the wrong interfaces. What a parameter is, is read
from its GenX name (``Fe.setD``, ``Fe.setSigma``); without such names nothing is known, and nothing jumps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metagenx.fitting.problem import FloatArray

_THICKNESS = ".setD"
_STAYED, _SAME = 0.03, 0.05  # of the width of the bounds


def thicknesses(names: Sequence[str]) -> tuple[int, ...]:
    """Places of the parameters that are thicknesses of layers."""
    return tuple(i for i, name in enumerate(names) if name.endswith(_THICKNESS))


def thickness_jumps(
    vector: FloatArray, names: Sequence[str], bounds: FloatArray, rng: np.random.Generator, *, points: int = 12
) -> FloatArray:
    """Vectors ``(n, n_dim)`` inside the bounds with another thickness, or with thickness moved from layer to layer.

    Parameters
    ----------
    vector : ``(n_dim,)``, where to jump from.
    points : places tried for each thickness and each pair, one in each of as many equal parts of its range.
    """
    places = thicknesses(names)
    low, high = bounds.T
    found = []
    for i in places:
        found.append(_moved(vector, i, None, low[i] - vector[i], high[i] - vector[i], rng, points))
    for number, i in enumerate(places):
        for j in places[number + 1 :]:
            least = max(low[i] - vector[i], vector[j] - high[j])
            most = min(high[i] - vector[i], vector[j] - low[j])
            if least < most:
                found.append(_moved(vector, i, j, least, most, rng, points))
    if not found:
        return np.empty((0, len(vector)))
    return np.asarray(np.clip(np.concatenate(found), low, high))


def kinds(names: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Places of the parameters of one kind, e.g. ``setSigma`` of all layers, two or more each; no thicknesses."""
    places: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        owner, _, kind = name.rpartition(".")
        if owner and not name.endswith(_THICKNESS):
            places.setdefault(kind, []).append(i)
    return tuple(tuple(group) for group in places.values() if len(group) > 1)


def redrawn(
    vector: FloatArray, places: Sequence[int], bounds: FloatArray, rng: np.random.Generator, *, points: int = 12
) -> FloatArray:
    """Vectors ``(points · n_places, n_dim)`` with all parameters at these places drawn anew between their bounds."""
    found = np.tile(vector, (points * len(places), 1))
    low, high = bounds[list(places)].T
    found[:, list(places)] = low + (high - low) * rng.random((len(found), len(places)))
    return found


def _moved(
    vector: FloatArray, i: int, j: int | None, least: float, most: float, rng: np.random.Generator, points: int
) -> FloatArray:
    """Thickness i changed by least … most, that of j by the opposite."""
    change = least + (most - least) * (np.arange(points) + rng.random(points)) / points
    found = np.tile(vector, (points, 1))
    found[:, i] += change
    if j is not None:
        found[:, j] -= change
    return found


def different(
    vectors: FloatArray, foms: FloatArray, vector: FloatArray, bounds: FloatArray, *, count: int
) -> list[int]:
    """Rows of the lowest FOMs that are neither near to a vector nor to each other, at most so many, lowest first."""
    width = np.where(bounds[:, 1] > bounds[:, 0], bounds[:, 1] - bounds[:, 0], 1.0)
    found: list[int] = []
    for row in np.argsort(foms, kind="stable").tolist():
        if len(found) == count:
            break
        if np.abs((vectors[row] - vector) / width).max() < _STAYED:
            continue
        if all(np.abs((vectors[row] - vectors[other]) / width).max() >= _SAME for other in found):
            found.append(row)
    return found
