"""``__import__`` of one script: facades instead of modules, model libraries of its own."""

from __future__ import annotations

import builtins
import dis
import sys
from collections.abc import Sequence
from typing import Any

from metagenx.genx.models import registry
from metagenx.genx.sandbox import numeric
from metagenx.genx.sandbox.facades import Facade, add_to_package, facade
from metagenx.genx.sandbox.imports import Module, find

_IMPORT_NAME = dis.opmap["IMPORT_NAME"]


class Importer:
    """What ``import`` does in one script; each script has its own model libraries, and so its own ``fp``.

    Parameters
    ----------
    trust : import the real modules of Python; model libraries are ours all the same.
    notices : where the libraries note what a user should know.
    """

    def __init__(self, *, trust: bool, notices: list[str]) -> None:
        self.trust = trust
        self._notices = notices
        self._libraries: dict[str, Facade] = {}
        models, lib = facade("models", {}), facade("models.lib", {})
        add_to_package(models, "lib", lib)
        self._packages = {"": models, "lib": lib}
        self._genx = facade("genx", {"models": models})

    def __call__(
        self,
        name: str,
        globals: Any = None,
        locals: Any = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        """As Python's own ``__import__``.

        Raises ImportError for what scripts cannot have.
        """
        module = find(name, level)
        if (self.trust and (module is None or module.numeric)) or not _asked_by_statement():
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        if module is None:
            raise ImportError(f"scripts cannot import {name!r}")
        target = self.load(module)
        if fromlist:
            for member in fromlist:
                inner = module.member(member)
                if inner is not None:
                    add_to_package(target, member, self.load(inner))
            return target
        return self._attached(name, target)

    def load(self, module: Module) -> Facade:
        """The facade of a module; the same one whatever name it is imported by."""
        if module.numeric:
            return _numeric(module.numeric)
        assert module.place is not None
        name = module.place.name
        if name in self._packages:
            return self._packages[name]
        if name not in self._libraries:
            databases = registry.fresh_databases(self._notices) if name == "utils" else None
            self._libraries[name] = registry.model_module(name, databases)
        return self._libraries[name]

    def _attached(self, name: str, target: Facade) -> Facade:
        """The outermost package of a dotted import, with `target` made reachable in it."""
        first, *path = name.split(".")
        if first in numeric.MODULES:
            for part in path or numeric.parts_of(first):
                add_to_package(_numeric(first), part, _numeric(f"{first}.{part}"))
            return _numeric(first)
        if first == "genx":
            outermost, path = self._genx, path[1:]
        elif first == "models":
            outermost = self._packages[""]
        else:
            return target
        if path:
            package = self._packages["lib" if path[0] == "lib" and len(path) > 1 else ""]
            add_to_package(package, path[-1], target)
        return outermost


def _asked_by_statement() -> bool:
    """Whether an import statement is the reason, and not the C code of a library.

    numpy imports parts of itself when they are first needed, and that too goes through the ``__import__`` of
    the code that happens to run. What it gets does not reach the script, which cannot name ``__import__``.
    """
    frame = sys._getframe(2)
    return frame.f_code.co_code[frame.f_lasti] == _IMPORT_NAME


def _numeric(name: str) -> Facade:
    return numeric.module(name)
