"""Parameter objects: what scripts may do with them."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.errors import InputError
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.models.base import AlternativeStrEnum, ModelParamBase
from metagenx.genx.models.user_variables import UserVars, penalties
from metagenx.genx.script import ScriptModule


class Coords(AlternativeStrEnum):
    q = "q"
    two_theta = "2θ"

    @classmethod
    def _alternatives(cls) -> dict[str, str]:
        return {"tth": "2θ"}


class Shape:
    pass


@dataclass
class Film(ModelParamBase):
    d: float = 0
    f: complex = 1e-20j
    n: int = 1
    I0: float = 1.0
    magn_ang: float = 0.0
    coords: Coords = Coords.q
    shape: Coords | Shape = Coords.q
    parts: list[int] = field(default_factory=list)


def test_constructor_converts_to_the_declared_types() -> None:
    film = Film("3", 2, n=4.0, coords="tth", shape=1, I0=np.float64(2))
    assert (film.d, film.f, film.n, film.I0) == (3.0, 2.0 + 0j, 4, 2.0)
    assert [type(v) for v in (film.d, film.f, film.n, film.I0)] == [float, complex, int, float]
    assert film.coords is film.shape is Coords.two_theta
    assert type(Film().d) is float
    other = Shape()
    assert Film(shape=other).shape is other


def test_later_values_are_kept_as_they_are() -> None:
    film = Film()
    film.setD("text")
    assert film.d == film.getD() == "text"
    film.d = np.ones((3, 1))
    assert film.getD().shape == (3, 1)


def test_arrays_and_functions_pass_the_constructor() -> None:
    column = np.ones((3, 1))
    assert Film(d=column).d is column
    assert Film(f=abs).f is abs
    np.testing.assert_array_equal(Film(d=[1, 2]).d, [1.0, 2.0])


def test_names_of_setters_are_capitalised_as_python_does() -> None:
    film = Film()
    film.setMagn_ang(3.0)
    film.setI0(2.0)
    assert (film.magn_ang, film.getI0()) == (3.0, 2.0)
    assert not hasattr(film, "setMagn_Ang")


def test_parts_of_complex_fields() -> None:
    film = Film(f=3 + 4j)
    film.setFreal(5.0)
    assert film.f == 5 + 4j
    film.setFimag(-1.0)
    assert (film.getFreal(), film.getFimag()) == (5.0, -1.0)
    film.setFreal(np.array([[1.0], [2.0]]))
    np.testing.assert_array_equal(film.f, [[1 - 1j], [2 - 1j]])
    assert not hasattr(film, "setDreal")


def test_unknown_keywords_are_accepted() -> None:
    assert Film(d=1, color="blue").d == 1.0


@pytest.mark.parametrize(
    "bad",
    [
        {"d": "x"},
        {"d": None},
        {"d": 1j},
        {"n": float("nan")},
        {"coords": "rad"},
        {"coords": 2},
        {"f": object()},
    ],
)
def test_values_of_the_wrong_kind(bad: dict[str, object]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(bad))} must be"):
        Film(**bad)


def test_an_argument_given_twice() -> None:
    with pytest.raises(InputError, match="d twice"):
        Film(1.0, d=2.0)


def test_deep_copies_are_independent() -> None:
    film = Film(parts=[1])
    deep = film.copy(deep=True)
    deep.setD(9.0)
    deep.parts.append(2)
    assert (film.d, film.parts) == (0.0, [1])
    assert film.copy().parts is film.parts
    assert pickle.loads(pickle.dumps(film)) == film


def test_subclasses_and_own_constructors() -> None:
    @dataclass
    class Thick(Film):
        extra: float = 2

    class Own(ModelParamBase):
        def __init__(self, a: int, b: int = 3) -> None:
            self.sum = a + b

    @dataclass
    class OwnAgain(Own):
        c: float = 1

        def __init__(self, c: str) -> None:
            self.c = c

    assert Thick(1, extra="3").getExtra() == 3.0
    assert Thick(1).extra == 2.0
    assert Own(1, b=1).sum == 2
    assert OwnAgain("as it is").c == "as it is"


def test_a_class_of_a_script() -> None:
    script = ScriptModule(
        """
from dataclasses import dataclass
from numpy import *
from models.lib.base import ModelParamBase

@dataclass
class Gauss(ModelParamBase):
    A: float = 1.0
    xc: float = 0

    def calc(self, x):
        return self.A*exp(-(x - self.xc)**2)

g = Gauss(A=2000, xc='1')
def Sim(data):
    return [g.calc(data[0].x)]
""",
        DataList([DataSet("a", [0.0, 1.0], [1.0, 1.0], [1.0, 1.0])]),
    )
    script.compile_setter("g.setA")(np.array([[1.0], [3.0]]))
    (simulation,) = script.simulate(script.namespace["data"], sim_flag=False)
    np.testing.assert_allclose(simulation[:, 1], [1.0, 3.0])


def test_options_equal_text_alternatives_and_numbers() -> None:
    option = Coords.two_theta
    for same in ("2θ", "tth", 1, 1.0, Coords("tth")):
        assert option == same
        assert same == option
        assert (option != same) is False
    assert option == np.int64(1)
    for other in ("q", 0, 2, 1.5, True, None, Coords.q, [1]):
        assert option != other
    assert {option: 3}["2θ"] == 3
    assert f"{option}" == "2θ"
    with pytest.raises(ValueError, match="rad"):
        Coords("rad")


@given(st.floats(allow_nan=False) | st.integers(-(10**6), 10**6))
def test_any_number_survives(value: float) -> None:
    assert Film(d=value).d == value


def test_user_variables() -> None:
    cp = UserVars()
    cp.new_var("dLambda", 1.5)
    cp.newVar("x", 2)
    cp.setDLambda(2.5)
    assert (cp.dLambda, cp.getDLambda(), cp.getX()) == (2.5, 2.5, 2)
    other = copy.deepcopy(cp)
    other.setX(7)
    assert (cp.x, other.x) == (2, 7)
    for name in ("", "1x", "_x", "a b", 3):
        with pytest.raises(InputError):
            cp.new_var(name, 1.0)


def test_penalties() -> None:
    cp = UserVars()
    assert penalties(cp) == []
    cp.new_sys_err("tth0", 0.0, 0.004, weight=2.5)
    cp.new_sys_err("thick", 200.0, 5.0, correction=1.0)
    cp.setTth0(0.003)
    cp.thick = 207.0
    np.testing.assert_allclose(penalties(cp), [2.5 * 0.5625, 1.96 - 1.0], rtol=1e-14)
    cp.setThick(np.array([[200.0], [205.0]]))
    np.testing.assert_allclose(penalties(cp)[1], [[-1.0], [0.0]], atol=1e-15)
    with pytest.raises(InputError, match="error is zero"):
        cp.new_sys_err("bad", 1.0, 0.0)


def test_constructors_that_do_more_than_set_fields_are_called() -> None:
    @dataclass
    class Plain(ModelParamBase):
        needed: float
        given: float = 2
        made: list = field(default_factory=list)

    one, other = Plain(1), Plain(needed=1, unknown=3)
    assert one == other
    assert list(vars(one)) == ["needed", "given", "made"] == [name for name in vars(other) if name[0] != "_"]
    assert one.made is not other.made
    assert (type(other.needed), type(other.given)) == (float, float)
    with pytest.raises(TypeError, match="needed"):
        Plain(given=3)

    @dataclass
    class Derived(ModelParamBase):
        x: float = 1.0
        double: float = field(init=False)

        def __post_init__(self) -> None:
            self.double = 2 * self.x

    assert Derived(x=3).double == 6

    @dataclass
    class Watched(ModelParamBase):
        x: float = 1.0

        def __setattr__(self, name: str, value: float) -> None:
            super().__setattr__(name, -value)

    assert Watched(x=3).x == -3

    @dataclass
    class Slotted(ModelParamBase):
        __slots__ = ("x",)
        x: float

    assert Slotted(x=3).x == 3

    class Inherited(Plain):
        pass

    assert Inherited(needed=2).needed == 2
    assert type(Inherited(needed=2)) is Inherited
