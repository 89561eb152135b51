"""Which syntax a script may use, and why the rest is refused."""

from __future__ import annotations

import ast

ALLOWED: frozenset[type[ast.AST]] = frozenset(
    {
        ast.Module, ast.Expression, ast.Load, ast.Store, ast.Del,
        ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.Pass,
        ast.If, ast.For, ast.While, ast.Break, ast.Continue, ast.With, ast.withitem,
        ast.Raise, ast.Try, ast.ExceptHandler, ast.Assert,
        ast.Import, ast.ImportFrom, ast.alias, ast.Global, ast.Nonlocal,
        ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.arguments, ast.arg, ast.Return, ast.Yield,
        ast.YieldFrom, ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Slice, ast.Starred, ast.Call,
        ast.keyword, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.JoinedStr, ast.FormattedValue, ast.NamedExpr,
        ast.IfExp, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension, ast.BinOp,
        ast.UnaryOp, ast.BoolOp, ast.Compare, ast.And, ast.Or, ast.Not, ast.Invert, ast.UAdd, ast.USub,
        ast.Add, ast.Sub, ast.Mult, ast.MatMult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift,
        ast.RShift, ast.BitAnd, ast.BitOr, ast.BitXor, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
        ast.Is, ast.IsNot, ast.In, ast.NotIn,
    }
)  # fmt: skip

#: What messages call a kind of syntax, by the name of its node.
TITLES = {
    "AsyncFor": "async for",
    "AsyncFunctionDef": "async def",
    "AsyncWith": "async with",
    "Await": "await",
    "Match": "match",
    "TryStar": "except*",
    "TypeAlias": "a type alias",
    "TypeVar": "a type parameter",
    "TypeVarTuple": "a type parameter",
    "ParamSpec": "a type parameter",
    "TemplateStr": "a template string",
}

#: Decorators, by name; ``@x.setter`` and ``@x.getter`` of a property are allowed besides.
DECORATORS = frozenset({"dataclass", "dataclasses.dataclass", "property", "staticmethod", "classmethod"})

_OF_ITSELF = "init post_init repr str"
_UNARY = "abs bool complex float hash index int invert neg pos round"
_BINARY = "add and floordiv lshift matmul mod mul or pow rshift sub truediv xor"
_COMPARED = "eq ge gt le lt ne"
_CONTAINER = "call contains delitem getitem iter len next setitem"

#: Special methods that a script's class may define: arithmetic, comparison, containers.
SPECIAL_METHODS = frozenset(
    f"__{name}__"
    for name in [
        *_OF_ITSELF.split(),
        *_UNARY.split(),
        *_COMPARED.split(),
        *_CONTAINER.split(),
        *(prefix + name for name in _BINARY.split() for prefix in ("", "r", "i")),
    ]
)

#: Names with leading underscores that a script may read.
READABLE = frozenset({"_", "__name__", "__pars__", "__xlabel__", "__ylabel__"})
#: The same, to assign.
ASSIGNABLE = READABLE - {"__name__"}
#: Attributes with leading underscores that a script may read: the tables of ``models.utils``.
READABLE_ATTRIBUTES = frozenset({"__lookup_f__", "__lookup_rho__"})
