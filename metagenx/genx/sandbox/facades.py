"""Stand-ins for modules: what a script gets when it says ``import numpy``.

A facade is a read-only object with a fixed list of harmless functions. The real module, its submodules and
whatever they have imported stay out of reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn


class Facade:
    """A read-only namespace that behaves as a module in ``import``, ``from … import`` and attribute access.

    It has no constructor of its own, so that nothing is gained by calling ``__init__`` on a shared one.
    """

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{self.__name__} cannot be changed by a script")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{self.__name__} cannot be changed by a script")

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{object.__getattribute__(self, '__name__')} offers no {name!r} to a script")

    def __repr__(self) -> str:
        return f"<{self.__name__} as scripts see it>"


def facade(title: str, names: Mapping[str, Any], star: Iterable[str] | None = None) -> Facade:
    """A facade of `names`.

    Parameters
    ----------
    title : what it is called in messages.
    names : what it offers.
    star : what ``from … import *`` takes; default: all names without a leading underscore.
    """
    made = object.__new__(Facade)
    space = made.__dict__
    space.update(names)
    space["__all__"] = tuple(sorted(n for n in (names if star is None else star) if not n.startswith("_")))
    # Not an importable name: where an attribute is missing, Python would look for "<this>.<name>" in
    # sys.modules.
    space["__name__"] = f"module {title}"
    return made


def add_to_package(package: Facade, name: str, member: Any) -> None:
    """Make `member` an attribute of the package facade `package`, as the import of a submodule does."""
    package.__dict__[name] = member


def names_of(module: Facade) -> frozenset[str]:
    """The names that a facade offers."""
    return frozenset(name for name in module.__dict__ if name not in {"__all__", "__name__"})
