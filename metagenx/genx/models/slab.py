"""Slabs of atoms for crystal truncation rods: one unit cell high, the same in every cell of the plane."""

from __future__ import annotations

from typing import Any

from metagenx.errors import InputError
from metagenx.genx.models.atom_group import AtomGroup
from metagenx.genx.models.atom_numbers import one_number
from metagenx.genx.models.atom_selection import Condition

__all__ = ["AtomGroup", "Slab"]

#: Numbers of an atom that a script gives, and displacements that begin at zero.
_GIVEN = ("x", "y", "z", "u", "oc", "m")
_DISPLACEMENTS = ("dx", "dy", "dz")
PARAMETERS = (*_GIVEN, *_DISPLACEMENTS)
# Those with setters: setO1dx, setO1u, …
_SETTABLE = (*_DISPLACEMENTS, "u", "oc", "m")


class Slab:
    """Atoms of a slab.

    Every atom ``O1`` brings setters and getters: ``slab.setO1dx``, ``dy``, ``dz`` (displacement, fractional), ``u``
    (mean square displacement, Å²), ``oc`` (occupancy), ``m`` (multiplicity). A value may be an array of shape
    (n_population, 1).

    Parameters
    ----------
    name : of the slab.
    c : height in units of the unit cell's c; z of the atoms is in units of this.
    slab_oc : occupancy that multiplies those of all its atoms.

    Attributes
    ----------
    id, el, x, y, z, u, oc, m, dx, dy, dz : lists with one entry per atom.
    """

    def __init__(self, name: str = "", c: Any = 1.0, slab_oc: Any = 1.0) -> None:
        self.name = name
        self.c = one_number(c, "Slab: c")
        self.slab_oc = one_number(slab_oc, "Slab: slab_oc")
        self.id: list[str] = []
        self.el: list[str] = []
        for parameter in PARAMETERS:
            setattr(self, parameter, [])

    def add_atom(
        self,
        id: str = "",
        element: str | None = None,
        x: Any = 0.0,
        y: Any = 0.0,
        z: Any = 0.0,
        u: Any = 0.0,
        oc: Any = 1.0,
        m: Any = 1.0,
        *,
        el: str | None = None,
    ) -> AtomGroup:
        """Add an atom and its setters; a group of this one atom.

        Parameters
        ----------
        id : its name in this slab. element (in sxrd2: el) : atom or ion, e.g. ``"o2m"``.
        x, y, z : fractional coordinates; z in units of the slab's height. u : Å². oc, m : occupancy, multiplicity.

        Raises
        ------
        InputError : the id is taken, or a value is no number.
        """
        if type(id) is not str:
            raise InputError(f"Slab.add_atom({id!r:.40}, …): the id of an atom is text")
        if id in self.id:
            raise InputError(f"Slab.add_atom({id!r:.40}, …): there is an atom with this id")
        kind = el if element is None else element
        if type(kind) is not str:
            raise InputError(f"Slab.add_atom({id!r:.40}, …): the element is text, not {kind!r:.40}")
        given = zip(_GIVEN, (x, y, z, u, oc, m), strict=True)
        checked = {key: one_number(value, f"Slab.add_atom({id!r:.40}, …): {key}") for key, value in given}
        self.id.append(id)
        self.el.append(kind)
        for parameter in PARAMETERS:
            self._column(parameter).append(checked.get(parameter, 0.0))
        for parameter in _SETTABLE:
            setattr(self, f"set{id}{parameter}", _Setter(self, id, parameter))
            setattr(self, f"get{id}{parameter}", _Getter(self, id, parameter))
        return self[id]

    def del_atom(self, id: str) -> None:
        """Take an atom out again, with its setters."""
        place = self._place(id)
        for values in (self.id, self.el, *map(self._column, PARAMETERS)):
            values.pop(place)
        for parameter in _SETTABLE:
            delattr(self, f"set{id}{parameter}")
            delattr(self, f"get{id}{parameter}")

    def find_atoms(self, expression: str) -> AtomGroup:
        """The atoms for which an expression of x, y, z, u, oc, el and id is true, see `Condition`."""
        condition = Condition(expression)
        found = AtomGroup()
        for place, id in enumerate(self.id):
            atom = {name: self._column(name)[place] for name in ("x", "y", "z", "u", "oc")}
            if condition.holds({**atom, "el": self.el[place], "id": id}):
                found.add_atom(self, id)
        return found

    def all_atoms(self) -> AtomGroup:
        """All atoms as a group."""
        group = AtomGroup()
        for id in self.id:
            group.add_atom(self, id)
        return group

    def __getitem__(self, id: str) -> AtomGroup:
        return AtomGroup(self, id)

    def copy(self) -> Slab:
        """A slab of its own with the values of this moment, without the name."""
        made = Slab(c=self.c, slab_oc=self.slab_oc)
        for place, id in enumerate(self.id):
            made.add_atom(id, self.el[place], *(self._column(key)[place] for key in _GIVEN))
            for parameter in _DISPLACEMENTS:
                made._column(parameter)[place] = self._column(parameter)[place]
        return made

    def set_c(self, value: Any) -> None:
        """Set the height in units of the unit cell's c."""
        self.c = one_number(value, "Slab.set_c")

    def get_c(self) -> Any:
        """The height in units of the unit cell's c."""
        return self.c

    def set_oc(self, value: Any) -> None:
        """Set the occupancy of the slab."""
        self.slab_oc = one_number(value, "Slab.set_oc")

    def get_oc(self) -> Any:
        """The occupancy of the slab."""
        return self.slab_oc

    def _column(self, parameter: str) -> list[Any]:
        values: list[Any] = getattr(self, parameter)
        return values

    def _place(self, id: str) -> int:
        try:
            return self.id.index(id)
        except ValueError:
            raise InputError(
                f"there is no atom {id!r:.40} in the slab", hint=f"its atoms are {', '.join(self.id)}"
            ) from None

    def _set(self, id: str, parameter: str, value: Any) -> None:
        self._column(parameter)[self._place(id)] = one_number(value, f"Slab.set{id}{parameter}")

    def _get(self, id: str, parameter: str) -> Any:
        return self._column(parameter)[self._place(id)]


class _Accessor:
    __slots__ = ("_id", "_parameter", "_slab")

    def __init__(self, slab: Slab, id: str, parameter: str) -> None:
        self._slab, self._id, self._parameter = slab, id, parameter


class _Setter(_Accessor):
    """``slab.setO1dz``."""

    __slots__ = ()

    def __call__(self, value: Any) -> None:
        self._slab._set(self._id, self._parameter, value)


class _Getter(_Accessor):
    """``slab.getO1dz``."""

    __slots__ = ()

    def __call__(self) -> Any:
        return self._slab._get(self._id, self._parameter)
