"""Which attribute names a script may write after a dot.

Scripts have no ``getattr``, so every attribute they can reach stands in their text. A name is allowed if it
is on one of the lists here, belongs to a model class or a data set, or is made up by the script itself. Names
that Python's and numpy's own objects have, and that are on no list, are never allowed on such objects: see
`rewrite`.
"""

from __future__ import annotations

import builtins
import collections
import dataclasses
import enum
import functools
import io
import re
import threading
import types
import typing
import weakref
from collections.abc import Iterable

import numpy as np

from metagenx.errors import MetagenxError

_ARRAY = """
    T all any argmax argmin argpartition argsort astype clip compress conj conjugate copy cumprod cumsum
    diagonal dot dtype fill flat flatten imag item itemsize max mean min nbytes ndim nonzero partition prod
    ptp put ravel real repeat reshape round searchsorted shape size sort squeeze std sum swapaxes take tolist
    trace transpose var accumulate at outer reduce reduceat kind char eps tiny bits c coef coefficients coeffs
    deriv integ o order r roots
"""
_CONTAINERS = """
    append clear copy count extend get index insert items keys pop popitem remove reverse setdefault sort
    update values add difference discard intersection isdisjoint issubset issuperset symmetric_difference
    union move_to_end
"""
_TEXT = """
    capitalize casefold center endswith find isalnum isalpha isdigit islower isnumeric isspace isupper join
    ljust lower lstrip partition replace rfind rindex rjust rpartition rsplit rstrip split splitlines
    startswith strip swapcase title upper zfill is_integer bit_length denominator numerator
"""
_PROPERTY = "setter getter deleter"
_DATA = "x y error x_raw y_raw error_raw name use columns"

#: Attributes of arrays, containers, text, and data sets.
GENERAL = frozenset(f"{_ARRAY} {_CONTAINERS} {_TEXT} {_PROPERTY} {_DATA}".split())

# What the fact sheet says about scripts of the model libraries; the classes themselves add their own names.
_DOCUMENTED = """
    Layer Stack Sample Instrument Layers Stacks Repetitions Ambient Substrate Element Domain Slab UnitCell
    AtomGroup Sym SymTrans SLStandard SLSample Probe Coords ResType FootType Polarization SigmaGradientType
    GaussianBeamOffset SquareBeamOffset TrapezoidBeam GaussianResolution TrapezoidResolution XrayKalpha
    SimSpecular SimPolSpecular SimSpecularField SimSLD SimEnergySpecular SimOffSpecular Specular OffSpecular
    resolveLayerParameters resolveLayerParameter new_var newVar new_sys_err newSysErr set_wavelength copy
    value d dens sigma f b xs_ai magn magn_ang crop_sld sld_n sld_x sld_m sigmai sigma_gradient d_gradient
    dens_gradient sigma_gtype beta_sm sm_scale sigma_inhom lscale_inhom flatwidth_inhom steps_inhom type_inhom
    rough_type magn_void sigma_mag minimal_steps max_diff_n max_diff_x smoothen crop_sigma zeeman mag_field
    eta_z eta_x h taylor_n I0_offspec detres dettype probe wavelength I0 Ibkg pol coords tthoff incangle
    restype res respoints resintrange footype beamw samplelen xpol theta_m phi_m resdens dmag_u dmag_l sl
    sigma_mu sigma_ml compress slicing slice_depth wavel alpha geom flib rholib inten beta_m cohf occ domains
    slabs unit_cell surface_sym bulk_sym dw oc m u x y z dx dy dz k l c a n add_atom find_atoms all_atoms
    calc_f calc_i calc_rhos export_xyz turbo_calc_f set_surface_sym set_bulk_sym set_inten set_wavel
    set_energy set_alpha set_oc set_c setu setoc setcomp FormFactor scale_sim scale_sqrt_sim seta setc setna
    setnb setrepetitions setsigmaa setsigmab geta getc getna getnb getrepetitions getsigmaa getsigmab
    composition models utils lib base parameters genx symmetries id el beta gamma slab_oc bulk_slab superlattice P t
"""

_ELEMENTS = """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y
    Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re
    Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm D T
"""
# fp.Fe, fp.fe, bc.i58Ni, f.o2m; but "os" is not the element Os.
_ELEMENT = re.compile(
    rf"(i\d{{1,3}})?({'|'.join(sorted(_ELEMENTS.split(), key=len, reverse=True))})(\d[pm])?", re.IGNORECASE
)
# setD, getTth0; of atoms in a slab setSrdz, sets1oc.
_ACCESSOR = re.compile(r"[sg]et([A-Z_]\w*|\w+(d[xyz]|u|oc|m))")

#: Allowed whatever a script imports, besides `GENERAL`.
DOCUMENTED = frozenset(_DOCUMENTED.split())


def _generator() -> Iterable[int]:
    yield 0


async def _coroutine() -> None:
    """Only looked at."""


async def _async_generator() -> collections.abc.AsyncIterator[int]:
    yield 0


def _public(*kinds: object) -> frozenset[str]:
    return frozenset(name for kind in kinds for name in dir(kind) if not name.startswith("_"))


@functools.cache
def never() -> frozenset[str]:
    """Names that are refused even if a script makes them up: frames, code, methods that reach files."""
    machinery = _public(
        types.FrameType, types.CodeType, types.TracebackType, types.GeneratorType, types.CoroutineType,
        types.AsyncGeneratorType, types.CellType,
    )  # fmt: skip
    unsafe = """
        mro format format_map with_traceback add_note tofile dump dumps ctypes ctypeslib setfield getfield
        setflags newbyteorder tobytes tostring os sys builtins subprocess importlib inspect gc io posix pty
        shutil socket pickle marshal codecs imp runpy signal threading multiprocessing ctypes testing f2py
        distutils DataSource memmap loadtxt savetxt genfromtxt fromfile fromregex frombuffer savez
        savez_compressed as_strided system popen environ
    """
    # `cell_contents` and the like stay; close, send, throw are words of daily life and are guarded instead.
    return (machinery - {"clear", "replace", "close", "send", "throw"} | frozenset(unsafe.split())) - GENERAL


@functools.cache
def of_python_and_numpy() -> frozenset[str]:
    """Names of Python's and numpy's objects that are on no list: only allowed on a script's own objects."""
    builtin_types = [kind for name, kind in vars(builtins).items() if isinstance(kind, type) and name[0] != "_"]
    known = _public(
        *builtin_types, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType,
        types.MappingProxyType, types.SimpleNamespace, types.GeneratorType, types.CoroutineType,
        types.AsyncGeneratorType, types.FrameType, types.CodeType, types.TracebackType, types.CellType,
        functools.partial, functools.cached_property(abs), dataclasses.Field, enum.Enum, enum.EnumMeta, weakref.ref,
        threading.Lock(), threading.RLock(), typing.Union, typing.Callable, MetagenxError(""),
        collections.OrderedDict, collections.defaultdict, collections.deque,
        io.StringIO, io.BytesIO, io.TextIOWrapper, io.FileIO,
        np.ndarray, np.generic, np.void, np.float64, np.int64, np.complex128, np.str_, np.object_, np.dtype,
        np.ufunc, np.flatiter, np.nditer, np.broadcast, np.poly1d, np.vectorize(abs), np.errstate, np.finfo(float),
        np.iinfo(int), np.r_, np.s_, np.mgrid, np.zeros(1).flags,
    )  # fmt: skip
    return (known | never()) - GENERAL


def is_element(name: str) -> bool:
    """Whether `name` looks like an entry of the scattering length tables: ``Fe``, ``i58Ni``, ``o2m``."""
    return bool(_ELEMENT.fullmatch(name)) and name not in never()


def is_accessor(name: str) -> bool:
    """Whether `name` looks like the setter or getter of a parameter."""
    return bool(_ACCESSOR.fullmatch(name)) and name not in of_python_and_numpy()


def accessors(parameter: str) -> frozenset[str]:
    """Names of the setters and getters of a parameter, for both rules of capital letters."""
    stems = {parameter[:1].upper() + parameter[1:], parameter.capitalize()}
    return frozenset(
        f"{verb}{stem}{part}" for verb in ("set", "get") for stem in stems for part in ("", "real", "imag")
    )
