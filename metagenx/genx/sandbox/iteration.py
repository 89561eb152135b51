"""Python's iteration tools, each step of which can be interrupted.

The originals run in C: ``sum(map(len, [long_list] * 1000000))`` would hold the interpreter for hours, and no
time limit could end it. These pass through Python once for every item. They say ``for x in …: yield x`` on
purpose: the time limit cannot interrupt a ``yield from`` over an object of C.
"""

from __future__ import annotations

import builtins
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

MAX_RANGE = 10_000_000

_MISSING = object()


def bounded_range(*args: Any) -> range:
    """``range``, up to `MAX_RANGE` steps: a longer one is a loop that never ends in C code."""
    made = range(*args)
    try:
        steps = len(made)
    except OverflowError:
        steps = MAX_RANGE + 1
    if steps > MAX_RANGE:
        raise ValueError(f"range() of more than {MAX_RANGE} steps")
    return made


def map_(function: Callable[..., Any], /, *iterables: Iterable[Any]) -> Iterator[Any]:
    """``map``."""
    for items in zip(*map(_iterator, iterables), strict=False):
        yield function(*items)


def filter_(function: Callable[[Any], Any] | None, iterable: Iterable[Any], /) -> Iterator[Any]:
    """``filter``."""
    for item in iterable:
        if item if function is None else function(item):
            yield item


def zip_(*iterables: Iterable[Any], strict: bool = False) -> Iterator[tuple[Any, ...]]:
    """``zip``."""
    for items in zip(*iterables, strict=strict):  # noqa: UP028
        yield items


def enumerate_(iterable: Iterable[Any], start: int = 0) -> Iterator[tuple[int, Any]]:
    """``enumerate``."""
    for pair in enumerate(iterable, start):  # noqa: UP028
        yield pair


def iter_(iterable: Iterable[Any], /) -> Iterator[Any]:
    """``iter`` of one argument; ``iter(int, 1)`` would never end."""
    return iter(iterable)


def sum_(iterable: Iterable[Any], /, start: Any = 0) -> Any:
    """``sum``; lists are added one by one, because the original copies them in C at each step."""
    if isinstance(start, (int, float, complex)):
        return builtins.sum(iterable, start)
    total = start
    for item in iterable:
        total = total + item
    return total


def reduce(function: Callable[[Any, Any], Any], iterable: Iterable[Any], initial: Any = _MISSING, /) -> Any:
    """``functools.reduce``."""
    items = iter(iterable)
    total = next(items) if initial is _MISSING else initial
    for item in items:
        total = function(total, item)
    return total


def partial(function: Callable[..., Any], /, *args: Any, **keywords: Any) -> Callable[..., Any]:
    """``functools.partial``."""

    def call(*more: Any, **others: Any) -> Any:
        return function(*args, *more, **{**keywords, **others})

    return call


def _iterator(iterable: Iterable[Any]) -> Iterator[Any]:
    return iter(iterable)


def _stepwise(tool: Callable[..., Iterable[Any]]) -> Callable[..., Iterator[Any]]:
    @functools.wraps(tool, updated=())
    def steps(*args: Any, **keywords: Any) -> Iterator[Any]:
        for item in tool(*args, **keywords):  # noqa: UP028
            yield item

    del steps.__wrapped__  # type: ignore[attr-defined]
    return steps


_TOOLS = """
    accumulate combinations combinations_with_replacement compress count cycle dropwhile islice pairwise
    permutations product repeat starmap takewhile zip_longest
"""


def chain(*iterables: Iterable[Any]) -> Iterator[Any]:
    """``itertools.chain``."""
    for iterable in iterables:
        for item in iterable:  # noqa: UP028
            yield item


#: What ``import itertools`` gives.
ITERTOOLS: dict[str, Any] = {name: _stepwise(getattr(itertools, name)) for name in _TOOLS.split()} | {"chain": chain}

#: What ``import functools`` gives.
FUNCTOOLS: dict[str, Any] = {"partial": partial, "reduce": reduce}
