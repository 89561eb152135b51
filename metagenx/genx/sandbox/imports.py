"""What the import statements of a script lead to, without importing anything yet."""

from __future__ import annotations

import dataclasses

from metagenx.genx.models import registry
from metagenx.genx.sandbox import numeric
from metagenx.genx.sandbox.facades import names_of


@dataclasses.dataclass(frozen=True)
class Module:
    """A module that a script may import.

    Attributes
    ----------
    title : its name in messages, e.g. ``"numpy"`` or ``"models.utils"``.
    numeric : name of the facade (`numeric.MODULES`), or None.
    place : where a model library is found, or None.
    """

    title: str
    numeric: str | None = None
    place: registry.Place | None = None

    @property
    def is_package(self) -> bool:
        """Whether it is ``genx``, ``models`` or ``models.lib``, whose members are modules."""
        return self.place is not None and self.place.name in {"", "lib"}

    @property
    def is_known(self) -> bool:
        """Whether its names can be listed: a model library that is not built yet has none."""
        return self.place is None or registry.is_supported(self.place.name)

    def names(self) -> frozenset[str]:
        """The names it offers."""
        if self.numeric:
            return names_of(numeric.module(self.numeric))
        assert self.place is not None
        return registry.public_names(self.place.name) if self.is_known and not self.is_package else frozenset()

    def star(self) -> frozenset[str]:
        """The names that ``from … import *`` takes."""
        if self.numeric:
            names: tuple[str, ...] = numeric.module(self.numeric).__all__
            return frozenset(names)
        return frozenset(name for name in self.names() if not name.startswith("_"))

    def attributes(self) -> frozenset[str]:
        """Names that its objects have."""
        if self.place is None or self.is_package or not self.is_known:
            return frozenset()
        return registry.attribute_names(self.place.name)

    def left_out(self, name: str) -> bool:
        """Whether the real module has `name`, which the facade leaves out on purpose."""
        return self.numeric is not None and numeric.really_exists(self.numeric, name)

    def member(self, name: str) -> Module | None:
        """The module that is called `name` in this one, if there is one."""
        if self.numeric:
            return find(f"{self.numeric}.{name}")
        if not self.is_package:
            return None
        assert self.place is not None
        return find("models." + (f"lib.{name}" if self.place.name else name)) if name != "models" else find("models")


def find(name: str, level: int = 0) -> Module | None:
    """The module that ``import <name>`` leads to, or None if scripts cannot have it.

    Parameters
    ----------
    level : dots of a relative import; a script counts as a member of the package ``genx``.
    """
    if level > 1 or (level == 0 and not name):
        return None
    if level == 1:
        name = f"genx.{name}" if name else "genx"
    elif name in numeric.MODULES:
        return Module(name, numeric=name)
    place = registry.find(name)
    if place is None:
        return None
    parts = [part for part in ("models", place.name) if part]
    return Module(".".join(parts), place=place)
