"""The value forms of a search space as they stand in YAML: ``{float: [0.3, 1.0], log: true}`` and its kin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from metagenx.errors import Mistake
from metagenx.fitting import settings
from metagenx.fitting.settings import Option
from metagenx.meta import quantities
from metagenx.meta.mistakes import Mistakes
from metagenx.meta.parameters import ChoiceParameter, FloatParameter, IntParameter, Parameter
from metagenx.meta.yaml_lines import KeyPath

FORMS = ("float", "int", "choice", "grid")
KEYS = (*FORMS, "log", "step", "when")


@dataclass(frozen=True)
class Vocabulary:
    """Of what a search space speaks: ``algorithm`` in its file, which settings there are, what is wrong with some."""

    algorithm: str
    what: str
    describe: Callable[[], tuple[Option, ...]]
    mistakes_in: Callable[[Mapping[str, Any]], list[Mistake]]


DE = Vocabulary("de", "a setting of the fit", settings.describe, settings.mistakes_in)


def read_parameter(name: str, spec: object, mistakes: Mistakes, of: Vocabulary = DE) -> Parameter | None:
    """The parameter ``name`` of a search space; None if a mistake was noted."""
    path: KeyPath = ("parameters", name)
    option = {option.name: option for option in of.describe()}.get(name)
    if option is None:
        mistakes.unknown(path, name, (o.name for o in of.describe()), f"is not {of.what}")
        return None
    if not isinstance(spec, dict):
        mistakes.add(path, "must be such as {float: [0.3, 1.0]} or {choice: [a, b]}")
        return None
    for key in spec:
        if key not in KEYS:
            mistakes.unknown((*path, key), key, KEYS, "is an unknown key")
    forms = [key for key in spec if key in FORMS]
    if len(forms) != 1:
        mistakes.add(path, f"must have one of {', '.join(FORMS)}")
        return None
    form = forms[0]
    if form in ("choice", "grid"):
        for key in ("log", "step"):
            if key in spec:
                mistakes.add((*path, key), f"has no meaning for a {form}")
        return _choice(name, spec[form], (*path, form), mistakes, of, is_grid=form == "grid")
    if option.kind not in (int, float):
        values = ", ".join(option.choices or ("true", "false"))
        mistakes.add((*path, form), f"is not a number; use choice: [{values}]")
        return None
    if form == "float" and option.kind is int:
        mistakes.add((*path, form), "is counted in whole numbers; use int: [low, high]")
        return None
    return _range(name, spec, form, mistakes, of)


def is_legal(path: KeyPath, name: str, value: Any, mistakes: Mistakes, of: Vocabulary = DE) -> bool:
    """Whether a setting may have a value; notes why not."""
    found = of.mistakes_in({name: value})
    for mistake in found:
        mistakes.add(path, mistake.message, mistake.suggestion)
    return not found


def is_number(value: object) -> bool:
    """Whether a value is a finite number, and not a switch."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _choice(
    name: str, values: object, path: KeyPath, mistakes: Mistakes, of: Vocabulary, *, is_grid: bool
) -> Parameter | None:
    if not isinstance(values, list) or not values:
        mistakes.add(path, "must be a list of values, such as [a, b]")
        return None
    good = [is_legal((*path, index), name, value, mistakes, of) for index, value in enumerate(values)]
    if len({repr(value) for value in values}) < len(values):
        mistakes.add(path, "has a value twice")
        return None
    return ChoiceParameter(tuple(values), is_grid) if all(good) else None


def _range(name: str, spec: Mapping[str, Any], form: str, mistakes: Mistakes, of: Vocabulary) -> Parameter | None:
    path: KeyPath = ("parameters", name, form)
    ends, is_int = spec[form], form == "int"
    if not (isinstance(ends, list) and len(ends) == 2 and all(is_number(end) for end in ends)):
        mistakes.add(path, "must be two numbers, [low, high]")
        return None
    if is_int and any(end != int(end) for end in ends):
        mistakes.add(path, "must be two whole numbers")
        return None
    ends = [int(end) for end in ends] if is_int else ends
    good = [is_legal((*path, index), name, end, mistakes, of) for index, end in enumerate(ends)]
    low, high = ends
    if low >= high:
        mistakes.add(path, f"must rise: {low:g} is not below {high:g}; a single value belongs to fixed")
        return None
    log, step = _log(spec, path[:-1], mistakes), spec.get("step")
    if log and low <= 0:
        mistakes.add(path, "must start above 0 with log")
        return None
    if step is not None and (problem := _wrong_step(step, high - low, is_int=is_int, log=log)):
        mistakes.add((*path[:-1], "step"), problem)
        return None
    if not all(good):
        return None
    if is_int:
        return IntParameter(low, high, log, int(step or 1))
    return FloatParameter(float(low), float(high), log, None if step is None else float(step))


def _wrong_step(step: Any, width: float, *, is_int: bool, log: bool) -> str | None:
    if not (is_number(step) and 0 < step <= width):
        return f"must be a number above 0 and at most {width:g}"
    if is_int and step != int(step):
        return "must be a whole number"
    return "does not go with log" if log else None


def _log(spec: Mapping[str, Any], path: KeyPath, mistakes: Mistakes) -> bool:
    try:
        return quantities.flag(spec.get("log", False))
    except ValueError as error:
        mistakes.add((*path, "log"), str(error))
        return False
