"""The walk over a script's syntax tree that finds what leaves the safe subset.

The walk has no recursion: a hostile tree may be as deep as the parser lets it be.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from metagenx.genx.sandbox import attributes, syntax
from metagenx.genx.sandbox.builtins_of_scripts import BUILTINS, INJECTED, why_not
from metagenx.genx.sandbox.check import Analysis, Refusal
from metagenx.genx.sandbox.constants import too_large
from metagenx.genx.sandbox.imports import Module, find
from metagenx.genx.sandbox.numeric import is_builtin

_UNDERSCORE = "names that begin with an underscore lead into Python's own machinery"
_RESERVED = "this name has a meaning for Python itself"
_NEW_VARIABLE = frozenset({"new_var", "newVar", "new_sys_err", "newSysErr"})
_LONGEST_PATH = 6


class Visitor:
    """One check of one tree.

    Parameters
    ----------
    tree : of a script, or of an expression.
    known : attribute names that are known to belong to its data sets (or, for an expression, to its script).
    names : for an expression, the global names of the script.
    """

    def __init__(
        self, tree: ast.Module | ast.Expression, *, known: Iterable[str], names: Collection[str] | None = None
    ) -> None:
        self.tree = tree
        self.nodes = list(ast.walk(tree))
        self.refusals: set[Refusal] = set()
        self.guarded: set[int] = set()
        self.allowed_here: set[int] = set()
        self.imports: list[tuple[int, str, Module]] = []
        self.imported: dict[str, list[Module]] = {}
        self.modules: dict[str, Module] = {}
        self.stars: list[Module] = []
        self.tables: set[str] = set()
        # An expression is only ever evaluated, on objects of the script: names that it does not know do not
        # exist.
        self.any_attribute = names is not None
        self.bound: Counter[str] = Counter(dict.fromkeys(names or (), 1))
        self.known = {name for name in known if name not in attributes.never()}

    def analysis(self) -> Analysis:
        """Collect what the script defines, then look at each node."""
        for node in self.nodes:
            for name in _binds(node):
                self.bound[name] += 1
        for node in self.nodes:
            self._define(node)
        # Names that stand for one module wherever they are used.
        for name, modules in self.imported.items():
            if len(modules) == self.bound[name] and all(module == modules[0] for module in modules):
                self.modules[name] = modules[0]
        self.known -= attributes.never()
        self.attributes = attributes.GENERAL | attributes.DOCUMENTED | self.known
        for _, _, module in self.imports:
            self.attributes |= module.names() | module.attributes()
        for node in self.nodes:
            self._look_at(node)
        known = frozenset(self.attributes)
        return Analysis(self.tree, sorted(self.refusals), self.imports, frozenset(self.guarded), known)

    # What the script makes known ----------------------------------------------------------------------------

    def _define(self, node: ast.AST) -> None:
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            self.known.add(node.attr)
        elif isinstance(node, ast.ClassDef):
            for name in _class_names(node):
                self.known |= {name, *attributes.accessors(name)}
        elif isinstance(node, ast.Call) and _called(node) in _NEW_VARIABLE:
            self._new_variable(node)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                self._import(node, alias)
        elif isinstance(node, ast.ImportFrom):
            self._import_from(node)

    def _new_variable(self, node: ast.Call) -> None:
        named = [keyword.value for keyword in node.keywords if keyword.arg == "name"]
        first = next(iter([*node.args, *named]), None)
        if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
            self.any_attribute = True  # made in a loop, say: `cp.new_var("d%d" % i, 10)`
        elif first.value.startswith("_") or first.value in attributes.never():
            self._refuse(node, f"the variable {first.value!r}", _RESERVED)
        else:
            self.known |= {first.value, *attributes.accessors(first.value)}

    def _import(self, node: ast.Import, alias: ast.alias) -> None:
        module = find(alias.name)
        if module is None:
            self._refuse(node, f"import {alias.name}", _why_no_import(alias.name))
            return
        self.imports.append((node.lineno, alias.name, module))
        self._bind_module(alias.asname or alias.name.split(".")[0], module if alias.asname else None, alias.name)

    def _import_from(self, node: ast.ImportFrom) -> None:
        written = "." * node.level + (node.module or "")
        module = find(node.module or "", node.level)
        if module is None:
            self._refuse(node, f"from {written} import …", _why_no_import(written))
            return
        self.imports.append((node.lineno, written, module))
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(module)
                self.bound.update(module.star())
                self.tables |= module.star() if module.title == "models.utils" else set()
                continue
            member = module.member(alias.name)
            if member is not None:
                self.imports.append((node.lineno, f"{written}.{alias.name}", member))
                self._bind_module(alias.asname or alias.name, member, alias.name)
            elif alias.name.startswith("_") and alias.name not in module.names():
                self._refuse(node, f"from {written} import {alias.name}", _UNDERSCORE)
            elif alias.name not in module.names() and module.left_out(alias.name):
                self._refuse(node, f"{written}.{alias.name}", "it is not on the list of harmless functions")
            elif module.title == "models.utils":
                self.tables.add(alias.asname or alias.name)

    def _bind_module(self, name: str, module: Module | None, written: str) -> None:
        module = module or find(written.split(".")[0])
        if module is not None:
            self.imported.setdefault(name, []).append(module)

    # What it uses -------------------------------------------------------------------------------------------

    def _look_at(self, node: ast.AST) -> None:
        kind = type(node)
        if kind not in syntax.ALLOWED:
            title = syntax.TITLES.get(kind.__name__, kind.__name__)
            self._refuse(node, title, "scripts do not need it, so it is not on the list of what is allowed")
            return
        look = getattr(self, f"_see_{kind.__name__.lower()}", None)
        if look is not None:
            look(node)

    def _see_name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._read_name(node)
        else:
            self._new_name(node, node.id)

    def _read_name(self, node: ast.Name) -> None:
        name = node.id
        if name.startswith("__") and name not in syntax.READABLE:
            self._refuse(node, name, _UNDERSCORE)
        elif name == "super":
            if id(node) not in self.allowed_here or self.bound[name]:
                self._refuse(node, "super", "only super() without arguments is allowed")
        elif name in BUILTINS or name in INJECTED or self.bound[name]:
            return
        elif is_builtin(name):
            self._refuse(node, f"{name}()", why_not(name))
        elif any(star.left_out(name) for star in self.stars):
            self._refuse(node, f"{name}()", "it is not on the list of harmless functions of numpy")

    def _new_name(self, node: ast.AST, name: str | None) -> None:
        if name is not None and name.startswith("__") and name not in syntax.ASSIGNABLE:
            self._refuse(node, name, _UNDERSCORE)

    def _see_attribute(self, node: ast.Attribute) -> None:
        name = node.attr
        if name.startswith("_"):
            if id(node) not in self.allowed_here and name not in syntax.READABLE_ATTRIBUTES:
                self._refuse(node, f".{name}", _UNDERSCORE)
            return
        if name in attributes.never():
            self._refuse(node, f".{name}", "it leads out of the script: to files, memory or Python's own machinery")
            return
        module = self._module_of(node.value)
        if module is not None and module.is_known:
            if name in module.names() or module.member(name) is not None:
                return
            if module.left_out(name):
                self._refuse(node, f"{module.title}.{name}", "it is not on the list of harmless functions")
                return
        elsewhere = name in attributes.of_python_and_numpy()
        known = name in self.attributes or attributes.is_element(name) or attributes.is_accessor(name)
        # fp.Xx is a mistake, and the table itself says so best.
        known = known or (isinstance(node.value, ast.Name) and node.value.id in self.tables and not elsewhere)
        if not known and (elsewhere or not self.any_attribute):
            self._refuse(node, f".{name}", _why_no_attribute(elsewhere))
        elif elsewhere:
            self.guarded.add(id(node))

    def _module_of(self, node: ast.expr) -> Module | None:
        """The module that an expression such as ``models.lib`` stands for."""
        path: list[str] = []
        while isinstance(node, ast.Attribute) and len(path) < _LONGEST_PATH:
            path.append(node.attr)
            node = node.value
        module = self.modules.get(node.id) if isinstance(node, ast.Name) else None
        for name in reversed(path):
            module = module.member(name) if module is not None else None
        return module

    def _see_call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr == "__init__":
            self.allowed_here.add(id(function))
            if not _is_super(function.value):
                self.guarded.add(id(function))
        if _is_super(node):
            self.allowed_here.add(id(function))

    def _see_keyword(self, node: ast.keyword) -> None:
        if node.arg is not None and node.arg.startswith("_"):
            self._refuse(node.value, f"{node.arg}=", _UNDERSCORE)

    def _see_arg(self, node: ast.arg) -> None:
        self._new_name(node, node.arg)

    def _see_functiondef(self, node: ast.FunctionDef) -> None:
        if id(node) not in self.allowed_here:
            self._new_name(node, node.name)
        for decorator in node.decorator_list:
            self._decorator(decorator)

    def _see_classdef(self, node: ast.ClassDef) -> None:
        self._new_name(node, node.name)
        for decorator in node.decorator_list:
            self._decorator(decorator)
        for keyword in node.keywords:
            self._refuse(node, f"class {node.name}({keyword.arg or '**'}=…)", "classes take no keywords here")
        for base in node.bases:
            if _dotted(base) is None:
                self._refuse(node, f"class {node.name}(…)", "a base class must be a plain name")
        for statement in _class_statements(node):
            if isinstance(statement, ast.FunctionDef) and statement.name in syntax.SPECIAL_METHODS:
                self.allowed_here.add(id(statement))
                continue
            for name in _binds(statement):
                if name.startswith("_") and name != "_":
                    self._refuse(statement, f"{node.name}.{name}", _UNDERSCORE)
                elif name in attributes.never():
                    self._refuse(statement, f"{node.name}.{name}", _RESERVED)

    def _decorator(self, node: ast.expr) -> None:
        name = _dotted(node.func if isinstance(node, ast.Call) else node)
        if name not in syntax.DECORATORS and not (name or "").endswith((".setter", ".getter")):
            self._refuse(node, f"@{name or '…'}", "only dataclass, property, staticmethod and classmethod are allowed")

    def _see_excepthandler(self, node: ast.ExceptHandler) -> None:
        self._new_name(node, node.name)

    def _see_try(self, node: ast.Try) -> None:
        if node.finalbody:
            self._refuse(node.finalbody[0], "finally", "it could hold up the time limit; use except")

    def _see_with(self, node: ast.With) -> None:
        for item in node.items:
            call = item.context_expr
            name = _dotted(call.func) if isinstance(call, ast.Call) else None
            if (name or "").split(".")[-1] != "errstate":
                self._refuse(node, "with", "only `with errstate(…)` is allowed")

    def _see_comprehension(self, node: ast.comprehension) -> None:
        if node.is_async:
            self._refuse(node.iter, "async for", "scripts do not need it, so it is not on the list of what is allowed")

    def _see_alias(self, node: ast.alias) -> None:
        self._new_name(node, node.asname)

    def _see_global(self, node: ast.Global) -> None:
        for name in node.names:
            self._new_name(node, name)

    def _see_nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            self._new_name(node, name)

    def _see_binop(self, node: ast.BinOp) -> None:
        if too_large(node):
            self._refuse(node, "a constant", "it is too large to calculate")

    def _refuse(self, node: ast.AST, what: str, why: str) -> None:
        self.refusals.add(Refusal(getattr(node, "lineno", 1), what, why))


def _binds(node: ast.AST) -> Iterator[str]:
    """Names that a node binds."""
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.ExceptHandler):
        if node.name:
            yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            if alias.name != "*":
                yield alias.asname or (alias.name.split(".")[0] if isinstance(node, ast.Import) else alias.name)


def _class_statements(node: ast.ClassDef) -> Iterator[ast.AST]:
    """All nodes of a class body that belong to the class itself, not to its methods or nested classes."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        inner = waiting.pop()
        yield inner
        if not isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(inner))


def _class_names(node: ast.ClassDef) -> Iterator[str]:
    for statement in _class_statements(node):
        yield from _binds(statement)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _is_super(node: ast.expr) -> bool:
    """Whether an expression is ``super()``."""
    if not isinstance(node, ast.Call) or node.args or node.keywords:
        return False
    return isinstance(node.func, ast.Name) and node.func.id == "super"


def _dotted(node: ast.expr) -> str | None:
    """``a.b.c`` as text, or None for any other expression."""
    path: list[str] = []
    while isinstance(node, ast.Attribute) and len(path) < _LONGEST_PATH:
        path.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(path)]) if isinstance(node, ast.Name) else None


def _why_no_import(module: str) -> str:
    if module.split(".")[-1] == "random":
        return "with random numbers two simulations of one model differ"
    return "scripts may import GenX's models, numpy, parts of scipy, math and a few more, see docs/scripts.md"


def _why_no_attribute(elsewhere: bool) -> str:
    if elsewhere:
        return "this attribute of Python's or numpy's objects is not on the list of harmless ones"
    return "no model class, data column or definition in the script has this name"
