"""The harmless part of numpy, scipy, math and a few standard modules: what a script's imports give.

Left out are all functions that read or write files, unpickle, call compilers, reinterpret memory, or change
numpy's settings for the whole process. Names that numpy has dropped since GenX scripts were first written are
kept.
"""

from __future__ import annotations

import builtins
import cmath
import dataclasses
import functools
import importlib
import inspect
import math
import time
import typing
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from metagenx.genx.sandbox import iteration
from metagenx.genx.sandbox.facades import Facade, facade
from metagenx.genx.sandbox.limits_of_size import (
    broadcast_arrays,
    broadcast_to,
    comb,
    convolve,
    correlate,
    factorial,
    power,
)
from metagenx.genx.sandbox.origin import made_by_script

_NUMPY = """
    e euler_gamma inf nan newaxis pi
    bool bool_ byte cdouble clongdouble complex128 complex64 complexfloating csingle double float16 float32
    float64 floating half inexact int16 int32 int64 int8 int_ intc integer intp long longdouble longlong
    number short signedinteger single ubyte uint uint16 uint32 uint64 uint8 uintc uintp ulong ulonglong
    unsignedinteger ushort finfo iinfo isdtype issubdtype result_type promote_types can_cast common_type
    isscalar iscomplex iscomplexobj isreal isrealobj abs absolute add angle arccos arccosh arcsin arcsinh
    arctan arctan2 arctanh bitwise_and bitwise_count bitwise_not bitwise_or bitwise_xor bitwise_invert invert
    cbrt ceil clip conj conjugate copysign cos cosh deg2rad degrees divide divmod equal exp exp2 expm1 fabs
    fix float_power floor floor_divide fmax fmin fmod frexp gcd greater greater_equal heaviside hypot i0 imag
    isclose isfinite isinf isnan isneginf isposinf lcm ldexp less less_equal log log10 log1p log2 logaddexp
    logaddexp2 logical_and logical_not logical_or logical_xor maximum minimum mod modf multiply nan_to_num
    negative nextafter not_equal positive rad2deg radians real real_if_close reciprocal remainder rint sign
    signbit sin sinc sinh spacing sqrt square subtract tan tanh true_divide trunc unwrap acos acosh asin asinh
    atan atan2 atanh left_shift right_shift pow power arange array asanyarray asarray asarray_chkfinite
    ascontiguousarray asfortranarray astype copy copyto diag diagflat empty empty_like eye fromfunction
    fromiter full full_like geomspace identity indices ix_ linspace logspace meshgrid mgrid ogrid ones
    ones_like r_ c_ s_ index_exp tri tril triu tril_indices triu_indices diag_indices unravel_index
    ravel_multi_index vander zeros zeros_like append apply_along_axis apply_over_axes argpartition argwhere
    array_split atleast_1d atleast_2d atleast_3d block broadcast_arrays broadcast_shapes broadcast_to choose
    column_stack compress concat concatenate delete diagonal dsplit dstack expand_dims extract flatnonzero
    flip fliplr flipud hsplit hstack insert kron matrix_transpose moveaxis ndim nonzero packbits pad partition
    permute_dims piecewise place put put_along_axis putmask ravel repeat require reshape resize roll rollaxis
    rot90 select shape size split squeeze stack swapaxes take take_along_axis tile transpose trim_zeros
    unstack vectorize vsplit vstack where all allclose amax amin any argmax argmin argsort array_equal
    array_equiv average bincount convolve corrcoef correlate count_nonzero cov cross cumprod cumsum
    cumulative_prod cumulative_sum diff digitize dot ediff1d einsum gradient histogram histogram2d histogramdd
    histogram_bin_edges inner interp intersect1d isin lexsort matmul matvec vecmat max mean median min
    nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile
    nanstd nansum nanvar outer percentile prod ptp quantile round searchsorted setdiff1d setxor1d sort
    sort_complex std sum tensordot trace trapezoid union1d unique unique_values unique_counts unique_inverse
    unique_all var vdot vecdot around poly poly1d polyadd polyder polydiv polyfit polyint polymul polysub
    polyval roots bartlett blackman hamming hanning kaiser errstate
"""

# Names of older numpy versions, as old scripts use them.
_OLD_NUMPY: dict[str, Any] = {
    "Inf": np.inf,
    "Infinity": np.inf,
    "PINF": np.inf,
    "NINF": -np.inf,
    "infty": np.inf,
    "NaN": np.nan,
    "NAN": np.nan,
    "float": float,
    "int": int,
    "complex": complex,
    "float_": np.float64,
    "complex_": np.complex128,
    "trapz": np.trapezoid,
    "product": np.prod,
    "cumproduct": np.cumprod,
    "alltrue": np.all,
    "sometrue": np.any,
    "in1d": np.isin,
    "row_stack": np.vstack,
    "round_": np.round,
}

_LINALG = """
    LinAlgError cholesky cond cross det diagonal eig eigh eigvals eigvalsh inv lstsq matmul matrix_norm
    matrix_rank multi_dot norm outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm
"""
_FFT = """
    fft fft2 fftfreq fftn fftshift hfft ifft ifft2 ifftn ifftshift ihfft irfft irfftn rfft rfftfreq rfftn
"""
_INTEGRATE = "cumulative_trapezoid quad romb simpson trapezoid"
_FUTURE = ("absolute_import", "division", "print_function", "unicode_literals")
_PLAIN_TYPES = {"float": float, "int": int, "complex": complex, "bool": bool, "str": str}
_MATH_LEFT_OUT = frozenset({"comb", "factorial", "perm", "prod", "sumprod"})


class _ArrayKind(type):
    """Lets scripts ask ``isinstance(x, ndarray)``, and ``type(x) == ndarray``, without the real class.

    The real one makes arrays over memory that is not theirs.
    """

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, np.ndarray)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, np.ndarray)


class ndarray(metaclass=_ArrayKind):
    """What scripts see as ``numpy.ndarray``."""

    def __new__(cls, *args: Any, **keywords: Any) -> ndarray:
        """Refuse."""
        raise TypeError("ndarray cannot be called or derived from in a script; use zeros() or array()")

    def __init_subclass__(cls) -> None:
        raise TypeError("ndarray cannot be called or derived from in a script; use zeros() or array()")


class TextIO:
    """What scripts see as ``typing.TextIO``: only good for annotations."""


def dataclass(kind: type | None = None, /, **options: Any) -> Any:
    """``dataclasses.dataclass``; an annotation that is text (``a: "float"``) says nothing about its field.

    The original looks for the module of the class, which a script is not.
    """
    if kind is None:
        return lambda kind: dataclass(kind, **options)
    if not made_by_script(kind):
        raise TypeError("dataclass is for classes of the script")
    kind.__annotations__ = {
        name: _PLAIN_TYPES.get(annotation, object) if isinstance(annotation, str) else annotation
        for name, annotation in inspect.get_annotations(kind).items()
    }
    return dataclasses.dataclass(kind, **options)


def _numpy() -> dict[str, Any]:
    names = {name: getattr(np, name) for name in _NUMPY.split() if hasattr(np, name)}
    own = {
        "broadcast_arrays": broadcast_arrays,
        "broadcast_to": broadcast_to,
        "convolve": convolve,
        "correlate": correlate,
        "ndarray": ndarray,
        "pow": power,
        "power": power,
        "seterr": _seterr,
    }
    parts = {part: module(f"numpy.{part}") for part in ("linalg", "fft")}
    return {**_OLD_NUMPY, **names, **own, **parts}


def _seterr(**keywords: str) -> dict[str, str]:
    """``numpy.seterr`` without effect: it would change numpy for the whole process."""
    return {}


def _special() -> dict[str, Any]:
    real = importlib.import_module("scipy.special")
    return {n: v for n, v in vars(real).items() if isinstance(v, np.ufunc) and not n.startswith("_")}


def _constants() -> dict[str, Any]:
    real = importlib.import_module("scipy.constants")
    return {n: v for n, v in vars(real).items() if isinstance(v, (int, float)) and not n.startswith("_")}


def _interpolate() -> dict[str, Any]:
    real = importlib.import_module("scipy.interpolate")
    kinds = (
        "Akima1DInterpolator",
        "CubicSpline",
        "InterpolatedUnivariateSpline",
        "PchipInterpolator",
        "interp1d",
    )
    return {name: _only_callable(getattr(real, name)) for name in kinds}


def _only_callable(kind: Callable[..., Any]) -> Callable[..., Any]:
    """A maker of interpolations that can be called and nothing else."""

    @functools.wraps(kind, updated=())
    def make(*args: Any, **keywords: Any) -> Callable[..., Any]:
        made = kind(*args, **keywords)
        return lambda x: made(x)

    return make


def _functions(module: str, names: str) -> Callable[[], dict[str, Any]]:
    """A function that imports `module` and gives those of the `names` that it has."""

    def made() -> dict[str, Any]:
        real = importlib.import_module(module)
        return {name: getattr(real, name) for name in names.split() if hasattr(real, name)}

    return made


def _math() -> dict[str, Any]:
    names = {n: v for n, v in vars(math).items() if not n.startswith("_") and n not in _MATH_LEFT_OUT}
    return {**names, "comb": comb, "factorial": factorial}


def _complex_math() -> dict[str, Any]:
    return {n: v for n, v in vars(cmath).items() if not n.startswith("_")}


def _sleep(seconds: float = 0.0, /) -> None:
    """``time.sleep`` that does not: nothing in a simulation has to be waited for."""


def _time() -> dict[str, Any]:
    clocks = {n: getattr(time, n) for n in ("monotonic", "perf_counter", "process_time", "time")}
    return {**clocks, "sleep": _sleep}


def _typing() -> dict[str, Any]:
    names = ("Any", "Callable", "Dict", "Iterable", "List", "Optional", "Sequence", "Tuple", "Union")
    return {**{name: getattr(typing, name) for name in names}, "TextIO": TextIO}


_MAKERS: Mapping[str, Callable[[], dict[str, Any]]] = MappingProxyType(
    {
        "__future__": lambda: dict.fromkeys(_FUTURE),
        "cmath": _complex_math,
        "collections": _functions("collections", "OrderedDict defaultdict"),
        "copy": _functions("copy", "copy deepcopy"),
        "dataclasses": lambda: {"dataclass": dataclass, "field": dataclasses.field},
        "functools": lambda: dict(iteration.FUNCTOOLS),
        "itertools": lambda: dict(iteration.ITERTOOLS),
        "math": _math,
        "numpy": _numpy,
        "numpy.fft": _functions("numpy.fft", _FFT),
        "numpy.linalg": _functions("numpy.linalg", _LINALG),
        "scipy": dict,  # its parts are added when they are imported
        "scipy.constants": _constants,
        "scipy.fft": _functions("numpy.fft", _FFT),
        "scipy.integrate": _functions("scipy.integrate", _INTEGRATE),
        "scipy.interpolate": _interpolate,
        "scipy.special": _special,
        "time": _time,
        "typing": _typing,
    }
)  # fmt: skip

#: Modules of which a script gets a facade.
MODULES = frozenset(_MAKERS)


@functools.cache
def module(name: str) -> Facade:
    """The facade of the module `name`, one of `MODULES`; the same object at each call."""
    names = _MAKERS[name]()
    star = set(names) & set(np.__all__) if name == "numpy" else None
    return facade(name, names, star)


def parts_of(name: str) -> list[str]:
    """Names of the submodules of the module `name` that have a facade."""
    return [other.removeprefix(f"{name}.") for other in MODULES if other.startswith(f"{name}.")]


def really_exists(module_name: str, name: str) -> bool:
    """Whether the real module of a facade has `name`: then it was left out on purpose."""
    return hasattr(importlib.import_module(module_name), name)


def is_builtin(name: str) -> bool:
    """Whether Python itself has a builtin of this name."""
    return hasattr(builtins, name)
