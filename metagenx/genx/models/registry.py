"""The modules that a model script imports as ``models.…``: their names, aliases, and what they offer.

GenX lets a script write ``genx.models.spec_nx``, ``models.spec_nx`` or the name of a module that has been
removed since; all of them lead to the same object here (GenX itself may load a module twice; fact sheet,
section 2).
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import functools
import importlib
import importlib.util
from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np

from metagenx.genx.sandbox import numeric
from metagenx.genx.sandbox.attributes import accessors
from metagenx.genx.sandbox.facades import Facade, facade

_HOME = "metagenx.genx.models"

# What scripts call a library → the modules of ours that make it up.
_PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "utils": ("scattering_lengths", "user_variables"),
        "lib.base": ("base",),
        "lib.parameters": ("parameters",),
        **{
            name: (name,)
            for name in (
                "spec_nx", "soft_nx", "spec_inhom", "spec_adaptive", "interdiff", "interdiff_ba", "mag_refl",
                "sxrd", "sxrd2", "sxrd_mult", "symmetries", "xmag",
            )
        },
    }
)  # fmt: skip

#: Modules of older GenX versions → the module that does the same today.
REPLACED = MappingProxyType(
    {
        "spec_nx2": "spec_nx",
        "spec_nx_legacy": "spec_nx",
        "spec_nx_new": "spec_nx",
        "spec_adaptive_legacy": "spec_adaptive",
    }
)
#: Libraries of GenX that cannot be here, and what to do instead.
INSTEAD = MappingProxyType(
    {
        "interdiff_ba": "It computes with BornAgain, a program of its own; models.interdiff simulates the same scans "
        "without it: import models.interdiff as model.",
        "xmag": "GenX has removed it; its successor models.mag_refl has other parameters of layers and instrument, so "
        "that the script has to be rewritten.",
    }
)
#: Names that are packages: importing them alone gives nothing but a way to their members.
PACKAGES = frozenset({"models", "models.lib"})


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the import of a model library leads.

    Attributes
    ----------
    name : today's name of the library, e.g. ``"spec_nx"`` or ``"lib.base"``; ``""`` for the package
        ``models``.
    replaced : the old name in the script, if it is the name of a removed module.
    """

    name: str
    replaced: str | None = None


def find(module: str) -> Place | None:
    """Where the module name of an import statement leads; None if it is not one of GenX's model modules."""
    name = module.removeprefix("genx.")
    if name in {"genx", "models"}:
        return Place("")
    name = name.removeprefix("models.")
    if name == "lib":
        return Place("lib")
    if name in REPLACED:
        return Place(REPLACED[name], replaced=name)
    # A bare `utils` could be anybody's; GenX's own is always imported from models.
    return Place(name) if name in _PARTS and (name != "utils" or module != "utils") else None


@functools.cache
def is_supported(name: str) -> bool:
    """Whether the library `name` (as in `Place`) can be run here."""
    if name in {"", "lib"}:
        return True
    return all(importlib.util.find_spec(f"{_HOME}.{part}") is not None for part in _PARTS[name])


def supported() -> list[str]:
    """Names of the libraries that can be run here."""
    return [name for name in _PARTS if is_supported(name)]


def model_module(name: str, databases: Mapping[str, object] | None = None) -> Facade:
    """What a script gets from ``import models.<name>``.

    Parameters
    ----------
    name : library, as in `Place`, e.g. ``"spec_nx"``.
    databases : objects with a state (``fp``, ``fw``, …) that belong to one model; they replace those of the
        module.

    Raises
    ------
    KeyError : there is no such library.
    ImportError : it is not built yet.
    """
    names = {key: private_copy(value) for key, value in _public(name).items()}
    if name == "utils" and databases is not None:
        names.update(databases)
    return facade(f"models.{name}", names)


def fresh_databases(notices: list[str] | None = None) -> dict[str, object]:
    """New scattering length tables, so that the wavelength of one model does not leak into another.

    Parameters
    ----------
    notices : where they note what a user should know.
    """
    module: Any = importlib.import_module(f"{_HOME}.scattering_lengths")
    made: dict[str, object] = module.fresh_databases(notices)
    return made


def public_names(name: str) -> frozenset[str]:
    """What ``from models.<name> import …`` may name."""
    return frozenset(_public(name)) | frozenset(fresh_databases() if name == "utils" else ())


@functools.cache
def attribute_names(name: str) -> frozenset[str]:
    """Names that objects of the library have: fields, methods, setters and getters of its public classes."""
    found: set[str] = set()
    databases = fresh_databases() if name == "utils" else {}
    for value in (*_public(name).values(), *databases.values()):
        # Of a class all that it has; of an object (fp) the methods of its class: entries are looked up by
        # name.
        kind = value if isinstance(value, type) else type(value)
        if not kind.__module__.startswith(_HOME):
            continue
        names = {attribute for attribute in dir(kind) if not attribute.startswith("_")}
        fields = {field.name for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else set()
        found |= names | fields
        for field in fields:
            found |= accessors(field)
    return frozenset(found)


@functools.cache
def _public(name: str) -> Mapping[str, Any]:
    """Public names of the modules that make up a library; of numpy's functions only the harmless ones."""
    found: dict[str, Any] = {}
    for part in _PARTS[name]:
        module = importlib.import_module(f"{_HOME}.{part}")
        for public in module.__all__:
            if public == "fresh_databases":
                continue
            value = getattr(module, public)
            if isinstance(value, enum.EnumMeta) and not len(value):
                continue  # calling it would make a class with special methods given as text
            if isinstance(value, ModuleType):
                raise TypeError(f"{part}.{public} is a module: a script could reach everything through it")
            if getattr(np, public, None) is value:
                if public not in numeric.module("numpy").__dict__:
                    continue
                value = getattr(numeric.module("numpy"), public)
            found[public] = value
    return MappingProxyType(found)


def private_copy(value: Any) -> Any:
    """A copy of a list or dictionary of a module, so that a script cannot change the original."""
    return copy.deepcopy(value) if isinstance(value, (list, dict, set, np.ndarray)) else value
