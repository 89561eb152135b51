"""What makes a search space sound as a whole: conditions on known names and values, no circles, something allowed."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from metagenx.errors import InputError
from metagenx.meta.conditions import Condition
from metagenx.meta.mistakes import Mistakes
from metagenx.meta.parameters import ChoiceParameter
from metagenx.meta.space import SearchSpace
from metagenx.meta.space_forms import is_number
from metagenx.meta.yaml_lines import KeyPath


def check_space(space: SearchSpace, mistakes: Mistakes, *, n_inherited: int, written: Collection[str]) -> None:
    """Note what is wrong with a space as a whole.

    Parameters
    ----------
    n_inherited : how many clauses of ``forbid`` came from the space that it extends.
    written : names that stand in the file, with mistakes perhaps, which were noted already.
    """
    if not space.parameters:
        if not mistakes:
            mistakes.add(("parameters",), "has nothing to search")
        return
    for name, conditions in space.when.items():
        for item in conditions:
            _check_condition(space, ("parameters", name, "when", item.name), item, mistakes, written)
        if _depends_on_itself(space, name):
            mistakes.add(("parameters", name, "when"), "depends on itself")
    for index, clause in enumerate(space.forbid):
        for item in clause:
            _check_condition(space, ("forbid", index - n_inherited, item.name), item, mistakes, written)
    if not mistakes and not _allows_something(space):
        mistakes.add(("forbid",), "forbids everything, or next to it")


def _check_condition(
    space: SearchSpace, path: KeyPath, item: Condition, mistakes: Mistakes, written: Collection[str]
) -> None:
    parameter = space.parameters.get(item.name)
    if parameter is None:
        if item.name not in space.fixed and item.name not in written:
            known = sorted({*space.parameters, *space.fixed, *written})
            mistakes.unknown(path, item.name, known, "is neither searched nor fixed here")
    elif isinstance(parameter, ChoiceParameter):
        if item.is_order and not all(is_number(value) for value in parameter.values):
            mistakes.add(path, f'compares "{item.name}" by size, which has no order')
            return
        for value in item.values:
            if not item.is_order and not parameter.contains(value):
                close = difflib.get_close_matches(str(value), map(str, parameter.values), n=1, cutoff=0.4)
                mistakes.add(path, f'"{value}" is not among its values', close[0] if close else None)
    elif not all(is_number(value) for value in item.values):
        mistakes.add(path, f"{item.name} is a number, {item.values[0]!r} is not")


def _depends_on_itself(space: SearchSpace, name: str) -> bool:
    seen: set[str] = set()
    todo = [item.name for item in space.when.get(name, ())]
    while todo:
        other = todo.pop()
        if other == name:
            return True
        if other not in seen:
            seen.add(other)
            todo += [item.name for item in space.when.get(other, ())]
    return False


def _allows_something(space: SearchSpace) -> bool:
    import numpy as np

    try:
        space.sample(np.random.default_rng(0))
    except InputError:
        return False
    return True
