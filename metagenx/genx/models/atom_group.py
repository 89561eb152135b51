"""Groups of atoms, of one slab or several, that are moved or filled together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.errors import InputError
from metagenx.genx.models.atom_numbers import one_number

if TYPE_CHECKING:
    from metagenx.genx.models.slab import Slab

__all__ = ["AtomGroup"]


class AtomGroup:
    """Atoms with common setters ``setdx``, ``setdy``, ``setdz``, ``setu``, ``setoc``; getters give the mean.

    ``a + b`` has the atoms of both. ``a ^ b`` couples the composition of sites that a or b may take: it has
    ``setcomp(x)``, which sets the occupancy of a to x·oc and that of b to (1 − x)·oc, and ``setoc(oc)``; both begin
    at 1. Its other setters act on both, and b has none any more. ``a | b`` couples the composition only: the other
    setters act on a, and b keeps its own.

    Parameters
    ----------
    slab, id : the first atom, or neither.
    """

    def __init__(self, slab: Slab | None = None, id: str | None = None) -> None:
        self._members: list[tuple[Slab, str]] = []
        self._partner: AtomGroup | None = None
        self._moves_partner = False
        self._taken = False
        self._composition: Any = 1.0
        self._occupancy: Any = 1.0
        if slab is not None:
            self.add_atom(slab, id if id is not None else "")

    @property
    def ids(self) -> list[str]:
        """Ids of the atoms, in order."""
        return [id for _, id in self._members]

    @property
    def slabs(self) -> list[Slab]:
        """Slabs of the atoms, in order."""
        return [slab for slab, _ in self._members]

    def add_atom(self, slab: Slab, id: str) -> None:
        """Add an atom of a slab.

        Raises
        ------
        InputError : the slab has no such atom.
        """
        from metagenx.genx.models.slab import Slab

        if not isinstance(slab, Slab):
            raise InputError(f"AtomGroup.add_atom: a {type(slab).__name__} is not a slab")
        slab._place(id)
        self._members.append((slab, id))

    def __add__(self, other: Any) -> AtomGroup:
        made = AtomGroup()
        made._members = [*self._members, *_group(other, "+")._members]
        return made

    def __xor__(self, other: Any) -> AtomGroup:
        made = self._coupled_to(other, "^")
        made._moves_partner = other._taken = True
        return made

    def __or__(self, other: Any) -> AtomGroup:
        return self._coupled_to(other, "|")

    def _coupled_to(self, other: Any, sign: str) -> AtomGroup:
        partner = _group(other, sign)
        if self._partner is not None:
            raise InputError(
                f"a {sign} b: the group a is coupled to another one already",
                hint="a group can be coupled to one other; a composition of three needs UserVars",
            )
        made = AtomGroup()
        made._members = list(self._members)
        made._partner = partner
        made._share_out()
        return made

    def setdx(self, value: Any) -> None:
        """Set the displacement along a, fractional."""
        self._set("dx", value)

    def setdy(self, value: Any) -> None:
        """Set the displacement along b, fractional."""
        self._set("dy", value)

    def setdz(self, value: Any) -> None:
        """Set the displacement along c, in units of the slab's height."""
        self._set("dz", value)

    def setu(self, value: Any) -> None:
        """Set the mean square displacement, Å²."""
        self._set("u", value)

    def setoc(self, value: Any) -> None:
        """Set the occupancy, of a coupled group that of both together."""
        self._refuse_if_taken("oc")
        self._fill(value)

    def setcomp(self, value: Any) -> None:
        """Set the composition of a coupled group: the part of its atoms; the rest is its partner's.

        Raises
        ------
        InputError : the group is not coupled.
        """
        self._refuse_if_taken("comp")
        if self._partner is None:
            raise _not_coupled("setcomp")
        value = one_number(value, "AtomGroup.setcomp")
        self._occupancy = _of_same_population(self._occupancy, value)
        self._composition = value
        self._share_out()

    def getdx(self) -> Any:
        """The displacement along a, fractional."""
        return self._mean("dx")

    def getdy(self) -> Any:
        """The displacement along b, fractional."""
        return self._mean("dy")

    def getdz(self) -> Any:
        """The displacement along c, in units of the slab's height."""
        return self._mean("dz")

    def getu(self) -> Any:
        """The mean square displacement, Å²."""
        return self._mean("u")

    def getoc(self) -> Any:
        """The occupancy, of a coupled group that of both together."""
        return self._mean("oc") if self._partner is None else self._occupancy

    def getcomp(self) -> Any:
        """The composition of a coupled group."""
        if self._partner is None:
            raise _not_coupled("getcomp")
        return self._composition

    def _set(self, parameter: str, value: Any) -> None:
        self._refuse_if_taken(parameter)
        self._move(parameter, value)

    def _move(self, parameter: str, value: Any) -> None:
        """As `_set`, whether or not somebody else speaks for the group."""
        for slab, id in self._members:
            slab._set(id, parameter, value)
        if self._partner is not None and self._moves_partner:
            self._partner._move(parameter, value)

    def _fill(self, value: Any) -> None:
        """Set the occupancy, whether or not somebody else speaks for the group."""
        if self._partner is None:
            for slab, id in self._members:
                slab._set(id, "oc", value)
            return
        value = one_number(value, "AtomGroup.setoc")
        self._composition = _of_same_population(self._composition, value)
        self._occupancy = value
        self._share_out()

    def _share_out(self) -> None:
        assert self._partner is not None
        for slab, id in self._members:
            slab._set(id, "oc", self._composition * self._occupancy)
        self._partner._fill((1.0 - self._composition) * self._occupancy)

    def _mean(self, parameter: str) -> Any:
        if not self._members:
            raise InputError(f"AtomGroup.get{parameter}: the group has no atoms")
        values = [slab._get(id, parameter) for slab, id in self._members]
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total / len(values)

    def _refuse_if_taken(self, parameter: str) -> None:
        if self._taken:
            raise InputError(
                f"set{parameter} of a group b that has been coupled by a ^ b",
                hint="use the setters of the group that a ^ b has made, or a | b",
            )


def _group(value: Any, sign: str) -> AtomGroup:
    if not isinstance(value, AtomGroup):
        raise InputError(f"a {sign} b needs two groups of atoms, not a {type(value).__name__}")
    return value


def _not_coupled(name: str) -> InputError:
    return InputError(
        f"{name}: the group is not coupled to another one", hint="a ^ b and a | b make groups with a composition"
    )


def _of_same_population(kept: Any, new: Any) -> Any:
    """What stays when another number is set, if need be only its first individual.

    A population of another size is stale: its own setter comes next, and until then any of its values will do.
    """
    stale = isinstance(kept, np.ndarray) and isinstance(new, np.ndarray) and kept.ndim == new.ndim == 2
    return kept[:1] if stale and len(kept) != len(new) else kept
