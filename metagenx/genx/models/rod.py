"""The points of one data set in reciprocal space, and what does not change there while a model is fitted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metagenx.physics import scattering, structure_factor, unit_cell

Array = NDArray[np.float64]

_MOST_RODS = 256
_MOST_PLANAR = 16
# |h − round(h)| below which the crystal under the surface scatters.
_WHOLE = 1e-12


@dataclass(frozen=True)
class Rod:
    """Points (h, k, l), each (n_points,).

    Attributes
    ----------
    inverse_square : 1/d², Å⁻².
    on_rod : 1 where h and k are whole numbers, else 0.
    """

    h: Array
    k: Array
    l: Array
    inverse_square: Array
    on_rod: Array
    _f0: dict[tuple[str, ...], Array] = field(default_factory=dict, repr=False)
    _planar: dict[tuple[bytes, bytes, bytes], Array] = field(default_factory=dict, repr=False)

    @staticmethod
    def at(h: Array, k: Array, l: Array, cell: unit_cell.Cell) -> Rod:
        """The rod of some points in a cell whose numbers are floats."""
        with np.errstate(invalid="ignore"):
            inverse_square = unit_cell.inverse_spacing_squared(h, k, l, cell)
            on_rod = (np.abs(h - np.rint(h)) < _WHOLE) & (np.abs(k - np.rint(k)) < _WHOLE)
        return Rod(h, k, l, inverse_square, on_rod.astype(float))

    def f0(self, names: tuple[str, ...]) -> Array:
        """Form factors of atoms or ions, (n_atom, n_points), electrons."""
        known = self._f0.get(names)
        if known is None:
            s = np.sqrt(np.maximum(self.inverse_square, 0.0)) / 2
            of_each = {name: scattering.form_factor(name, s) for name in set(names)}
            known = np.array([of_each[name] for name in names]).reshape(len(names), self.l.size)
            self._f0[names] = known
        return known

    def planar(self, x: Array, y: Array, operations: Array) -> Array:
        """In-plane sums of atoms, see `structure_factor.in_plane`; remembered by all that they depend on."""
        if len(x) > 1 or len(y) > 1:
            return structure_factor.in_plane(self.h, self.k, x, y, operations)
        key = (x.tobytes(), y.tobytes(), operations.tobytes())
        known = self._planar.get(key)
        if known is None:
            if len(self._planar) >= _MOST_PLANAR:
                self._planar.clear()
            known = self._planar[key] = structure_factor.in_plane(self.h, self.k, x, y, operations)
        return known


class Rods:
    """The rods of a sample, found again by the content of h, k, l and of the unit cell."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Rod] = {}

    def at(self, h: Array, k: Array, l: Array, cell: unit_cell.Cell) -> Rod:
        """The rod of some points, each (n_points,), in a cell whose numbers are floats."""
        key = (h.tobytes(), k.tobytes(), l.tobytes(), cell)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST_RODS:
                self._known.clear()
            # Of its own: a script may change its arrays.
            known = self._known[key] = Rod.at(h.copy(), k.copy(), l.copy(), cell)
        return known
