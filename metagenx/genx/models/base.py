"""Parameter objects: classes whose fields are keyword arguments, attributes, and ``setD``/``getD`` pairs.

Every layer, stack, sample, instrument and resolution object is one, and users make their own::

    @dataclass
    class Gauss(ModelParamBase):
        A: float = 1.0

A value given to the constructor is converted to the declared type, one set later is kept as it is: a fitted
field may hold an array of shape (n_population, 1).
"""

from __future__ import annotations

import contextlib
import copy
import enum
import inspect
import re
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from inspect import get_annotations, signature
from types import MappingProxyType, UnionType
from typing import Any, ClassVar, TypeVar

import numpy as np

from metagenx.errors import InputError

__all__ = ["AlternativeStrEnum", "ModelParamBase"]

Convert = Callable[[Any], Any]
Self = TypeVar("Self", bound="ModelParamBase")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class AlternativeStrEnum(enum.StrEnum):
    """Options that equal their text, alternative spellings of it, and their number in the declared order.

    >>> class Coords(AlternativeStrEnum):
    ...     q = "q"
    ...     two_theta = "2θ"
    ...     @classmethod
    ...     def _alternatives(cls):
    ...         return {"tth": "2θ"}
    >>> Coords("tth") == "2θ" == Coords(1) == 1
    True
    """

    @classmethod
    def _alternatives(cls) -> dict[str, str]:
        """Other spelling → text of the option."""
        return {}

    @classmethod
    def _missing_(cls, value: object) -> AlternativeStrEnum | None:
        if isinstance(value, str):
            text = cls._alternatives().get(value)
            return None if text is None else cls(text)
        position = _whole(value)
        members = list(cls)
        return members[position] if position is not None and 0 <= position < len(members) else None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AlternativeStrEnum):
            return self is other
        if isinstance(other, str):
            text = self._alternatives().get(str(other), other)
            return bool(self._value_ == text)
        position = _whole(other)
        return position is not None and list(type(self)).index(self) == position

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._value_)


class _ParameterClass(type):
    """Makes instances from keyword arguments of the right type, and accepts those that are no fields."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        form: _Form | None = cls._form  # type: ignore[attr-defined]
        if form is not None and form.kind is cls and not args:
            return _made(form, kwargs)
        plan = cls.__dict__.get("_plan")
        if plan is None:
            plan = _plan(cls)
        if plan is _NOTHING or len(args) > len(plan):
            return super().__call__(*args, **kwargs)
        given = dict(zip(plan, args, strict=False))
        unknown: dict[str, Any] = {}
        for name, value in kwargs.items():
            if name in given:
                raise InputError(f"{cls.__name__} gets {name} twice")
            (given if name in plan else unknown)[name] = value
        values = {}
        for name, (convert, default) in plan.items():
            if name in given:
                values[name] = _converted(cls, name, convert, given[name])
            elif default is not MISSING:
                values[name] = default
        made = super().__call__(**values)
        if unknown:
            made._unknown_arguments = unknown
        return made


def _made(form: _Form, given: Mapping[str, Any]) -> Any:
    """A new object without its constructor: a script may make hundreds of layers in every simulation."""
    content = form.values.copy()
    unknown = {}
    converters = form.converters
    try:
        for name, value in given.items():
            quick = converters.get(name)
            if quick is None:
                unknown[name] = value
            elif (convert := quick.get(type(value))) is not None:
                content[name] = convert(value)
            else:
                content[name] = _converted(form.kind, name, form.plan[name][0], value)
    except OverflowError:  # of a quick one, which does not say what is wrong
        for name, value in given.items():
            if name in form.plan:
                _converted(form.kind, name, form.plan[name][0], value)
        raise
    for name, factory in form.factories:
        if name not in given:
            content[name] = factory()
    if unknown:
        content["_unknown_arguments"] = unknown
    made: Any = object.__new__(form.kind)
    made.__dict__ = content
    return made


class ModelParamBase(metaclass=_ParameterClass):
    """Base of all parameter objects; a subclass is a dataclass.

    Every field ``p`` has ``setP(value)`` and ``getP()``, spelled as Python's ``str.capitalize`` does: first
    letter upper, rest lower. A complex field also has ``setPreal``, ``setPimag``, ``getPreal``, ``getPimag``,
    which change or read one part. Keyword arguments that are no fields are accepted and kept aside, so that
    a script survives a change of its model library.
    """

    _unknown_arguments: Mapping[str, Any] = _NOTHING
    # Of this class or, until its own is made, of one that it is derived from.
    _form: ClassVar[_Form | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__:
            cls._plan = _NOTHING  # type: ignore[attr-defined]
        for name, annotation in get_annotations(cls).items():
            if not name.startswith("_") and not _is_class_variable(annotation):
                _add_accessors(cls, name, is_complex=_is_complex(annotation, cls.__dict__.get(name)))

    def copy(self: Self, deep: bool = False) -> Self:
        """A copy; with `deep` also of the objects it holds, and with setters of its own."""
        if deep:
            made = copy.deepcopy(self)
            made.__dict__.pop("_setters_of", None)
        else:
            made = copy.copy(self)
            made.__dict__.setdefault("_setters_of", self)
        return made


def _plan(cls: type) -> Mapping[str, tuple[Convert, Any]]:
    """For every argument of a class how to convert it, and its converted default.

    Empty for a class whose author wrote the constructor: its arguments are passed on as they are.
    """
    plan: dict[str, tuple[Convert, Any]] = {}
    author = next(base for base in cls.__mro__ if "__init__" in base.__dict__)
    if is_dataclass(cls) and author.__dict__.get("_plan") is not _NOTHING:
        types = _declared_types(cls)
        declared = {field.name: field for field in fields(cls)}
        for name in list(signature(cls.__init__).parameters)[1:]:  # type: ignore[misc]
            convert = _converter(types.get(name))
            default = declared[name].default if name in declared else MISSING
            plan[name] = (convert, default if default is MISSING else _converted(cls, name, convert, default))
    result = plan or _NOTHING
    cls._form = _form(cls, result)  # type: ignore[attr-defined]
    cls._plan = result  # type: ignore[attr-defined]
    return result


@dataclass(frozen=True)
class _Form:
    """The fields of a new object, for a class whose constructor does nothing but set them, all with a default.

    Attributes
    ----------
    kind : the class.
    values : every field in its order, with its default.
    factories : fields that get a new object each.
    converters : per field, how values of the usual types are converted.
    plan : per field, how any value is converted; see `_plan`.
    """

    kind: type
    values: dict[str, Any]
    factories: tuple[tuple[str, Callable[[], Any]], ...]
    converters: Mapping[str, Mapping[type, Convert]]
    plan: Mapping[str, tuple[Convert, Any]]


def _form(cls: type, plan: Mapping[str, tuple[Convert, Any]]) -> _Form | None:
    """How objects of a class look; None if its constructor does more than to set the fields, or needs some of them."""
    if not plan or hasattr(cls, "__post_init__") or any("__slots__" in base.__dict__ for base in cls.__mro__):
        return None
    if any(name in base.__dict__ for base in cls.__mro__[:-1] for name in ("__setattr__", "__new__")):
        return None
    declared = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    described = any(hasattr(inspect.getattr_static(cls, name, None), "__set__") for name in declared)
    if declared.keys() != plan.keys() or not all(field.init for field in declared.values()) or described:
        return None
    factories = tuple(
        (name, field.default_factory) for name, field in declared.items() if field.default_factory is not MISSING
    )
    values = {name: None if default is MISSING else default for name, (_, default) in plan.items()}
    if {name for name, (_, default) in plan.items() if default is MISSING} - {name for name, _ in factories}:
        return None
    quick = {name: _QUICK.get(convert, _NO_CONVERTERS) for name, (convert, _) in plan.items()}
    return _Form(cls, values, factories, quick, plan)


def _declared_types(cls: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        declared: dict[str, Any] = get_annotations(base)
        if base.__module__ in sys.modules:
            # Real modules only: get_type_hints runs the text of an annotation. That of a script stays text.
            with contextlib.suppress(NameError, TypeError, AttributeError):
                declared = {name: hint for name, hint in typing.get_type_hints(base).items() if name in declared}
        found |= declared
    return found


def _converted(cls: type, name: str, convert: Convert, value: Any) -> Any:
    try:
        return convert(value)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"{cls.__name__}({name}={value!r}): {name} must be {_wanted(convert)}") from None


def _wanted(convert: Convert) -> str:
    if isinstance(convert, _ToOption):
        return "one of " + ", ".join(repr(str(member)) for member in convert.kind)
    if convert is _to_complex:
        return "a real or complex number"
    return "a whole number" if convert is _to_int else "a number"


def _converter(declared: Any) -> Convert:
    simple = _SIMPLE.get(declared) if isinstance(declared, str | type) else None
    if simple is not None:
        return simple
    if isinstance(declared, type) and issubclass(declared, AlternativeStrEnum):
        return _ToOption(declared, ())
    if typing.get_origin(declared) in (typing.Union, UnionType):
        choices = [choice for choice in typing.get_args(declared) if isinstance(choice, type)]
        options = [choice for choice in choices if issubclass(choice, AlternativeStrEnum)]
        if options:
            return _ToOption(options[0], tuple(choices))
        converters = [_SIMPLE[choice] for choice in choices if choice in _SIMPLE]
        if converters and len(converters) == len(choices):
            return converters[-1] if complex not in choices else _to_complex
    return _keep


class _ToOption:
    """Converts to an option of `kind`, unless the value is one of `others` already."""

    def __init__(self, kind: type[AlternativeStrEnum], others: tuple[type, ...]) -> None:
        self.kind, self.others = kind, others

    def __call__(self, value: Any) -> Any:
        return value if self.others and isinstance(value, self.others) else self.kind(value)


def _keep(value: Any) -> Any:
    return value


def _to_float(value: Any) -> Any:
    if isinstance(value, (float, int)):
        return float(value)
    if isinstance(value, (list, tuple)):
        return np.array(value, dtype=float)
    return value if _is_array_or_object(value) else float(value)


def _to_int(value: Any) -> Any:
    return value if _is_array_or_object(value) else int(value)


def _to_complex(value: Any) -> Any:
    if isinstance(value, (float, int)):
        return complex(value)
    # A subclass of complex knows the composition of what it describes: keep it.
    return value if isinstance(value, complex) or _is_array_or_object(value) else complex(value)


def _is_array_or_object(value: Any) -> bool:
    """Whether a value is kept as it is: an array, or something that is not a number but may act as one."""
    return isinstance(value, np.ndarray) or callable(value)


_SIMPLE: Mapping[Any, Convert] = MappingProxyType(
    {
        float: _to_float,
        int: _to_int,
        complex: _to_complex,
        "float": _to_float,
        "int": _to_int,
        "complex": _to_complex,
    }
)

# Conversions of exact types, all in C.
_QUICK: Mapping[Convert, Mapping[type, Convert]] = MappingProxyType(
    {
        _to_float: {float: float, np.float64: float, int: float},
        _to_int: {int: int},
        _to_complex: {float: complex, np.float64: complex, int: complex, complex: complex},
    }
)


_NO_CONVERTERS: Mapping[type, Convert] = MappingProxyType({})


def _whole(value: object) -> int | None:
    """A whole number as an int, whatever its type; None for anything else."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    # Values of a parameter table are always floats.
    return int(value) if isinstance(value, float) and value.is_integer() else None


def _is_class_variable(annotation: Any) -> bool:
    text = annotation if isinstance(annotation, str) else repr(annotation)
    return "ClassVar" in text


def _is_complex(annotation: Any, default: Any) -> bool:
    if isinstance(annotation, str):
        return bool(re.search(r"\bcomplex\b", annotation))
    return annotation is complex or complex in typing.get_args(annotation) or type(default) is complex


def _add_accessors(cls: type, name: str, *, is_complex: bool) -> None:
    """Give `cls` the setters and getters of a field, except those it has already."""

    def set_value(self: Any, value: Any) -> None:
        setattr(_owner(self), name, value)

    def get_value(self: Any) -> Any:
        return getattr(_owner(self), name)

    def set_real(self: Any, value: Any) -> None:
        setattr(_owner(self), name, _joined(value, _kept(getattr(_owner(self), name).imag, value)))

    def set_imaginary(self: Any, value: Any) -> None:
        setattr(_owner(self), name, _joined(_kept(getattr(_owner(self), name).real, value), value))

    def get_real(self: Any) -> Any:
        return getattr(_owner(self), name).real

    def get_imaginary(self: Any) -> Any:
        return getattr(_owner(self), name).imag

    title = name.capitalize()
    accessors: dict[str, Callable[..., Any]] = {f"set{title}": set_value, f"get{title}": get_value}
    if is_complex:
        accessors |= {
            f"set{title}real": set_real,
            f"set{title}imag": set_imaginary,
            f"get{title}real": get_real,
            f"get{title}imag": get_imaginary,
        }
    for attribute, function in accessors.items():
        if not hasattr(cls, attribute):
            function.__name__, function.__qualname__ = attribute, f"{cls.__qualname__}.{attribute}"
            setattr(cls, attribute, function)


def _owner(instance: Any) -> Any:
    """Whose setters an instance has: its own, or those of what it is a shallow copy of."""
    if not isinstance(instance, ModelParamBase):
        # A script may take `X.getName` of its own class and call it with anything: it would read any attribute.
        raise TypeError(f"a {type(instance).__name__} has no parameters")
    return instance.__dict__.get("_setters_of", instance)


def _joined(real: Any, imaginary: Any) -> Any:
    if isinstance(real, np.ndarray) or isinstance(imaginary, np.ndarray):
        return real + 1j * np.asarray(imaginary)
    return complex(real, imaginary)


def _kept(part: Any, new: Any) -> Any:
    """The part of a complex field that stays when the other is set to `new`.

    A part of another population's size is stale: its own setter comes next, and until then any of its values will do.
    """
    stale = isinstance(part, np.ndarray) and isinstance(new, np.ndarray) and part.ndim == new.ndim == 2
    return part[:1] if stale and len(part) != len(new) else part
