"""New measurements in a model: matched, converted, through the data commands, saved, and still there for GenX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import metagenx
from metagenx.errors import InputError, ScriptError
from metagenx.genx import file as genx_file
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.loaders import DataRequest, LoadOptions, put_data, requests_from
from metagenx.genx.loaders.coordinates import axes_of_model, converted, q_of_two_theta, two_theta_of_q
from metagenx.genx.loaders.measured import MeasuredSet
from metagenx.genx.loaders.requests import requests_from_value
from metagenx.genx.model import Model

FILM = Path(__file__).parents[2] / "experiments" / "film.hgx"
WAVELENGTH = 1.5406
SCRIPT = """\
from numpy import *
import models.spec_nx as model
inst_a = model.Instrument(probe='x-ray', wavelength=1.5, coords={a!r})
inst_b = model.Instrument(probe='neutron', wavelength=4.0, coords={b!r})
sample = model.Sample(Stacks=[], Ambient=model.Layer(), Substrate=model.Layer(dens=0.05, f=(14+0.3j), b=4.15))

def Sim(data):
    return [model.Specular(data[0].x, sample, inst_a), model.Specular(data[1].x, sample, {second}),
            data[2].x + data[2].res]
"""
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(name: str, header: str, *columns: object) -> str:
        np.savetxt(tmp_path / name, np.column_stack(columns), header=header)
        return str(tmp_path / name)

    return make


@pytest.fixture
def three() -> Model:
    """A model of three data sets: 2θ, Q, and one that is no reflectivity."""
    x = np.linspace(0.1, 3.0, 5)
    sets = [DataSet(name, x, x, 0.1 * x, extra={"res": 0.01 * x}) for name in ("angles", "neutrons", "other")]
    return Model(genx_file.GenxFile(script=SCRIPT.format(a="tth", b="q", second="inst_b"), data=DataList(sets)))


def film() -> Model:
    return metagenx.load(FILM)


# ------------------------------------------------------------------------------------------------ coordinates


def test_q_is_converted_to_the_model_s_angles_and_gives_the_same_fom(write: Write) -> None:
    model = film()
    old = model.data[0]
    q = 4.0 * np.pi / WAVELENGTH * np.sin(np.radians(old.x / 2.0))
    new = put_data(model, requests_from([write("q.dat", "Q (1/A) R dR", q, old.y, old.error)]))
    assert_allclose(new.model.data[0].x, old.x, rtol=1e-13)
    assert_allclose(new.model.data[0].x_raw, old.x, rtol=1e-13)
    assert new.model.fom() == pytest.approx(model.fom(), rel=1e-10)
    assert any("converted from Q in Å⁻¹ to 2θ in degrees with a wavelength of 1.5406 Å" in s for s in new.said)
    nanometres = put_data(model, requests_from([write("nm.dat", "Q (1/nm) R dR", 10.0 * q, old.y, old.error)]))
    assert_allclose(nanometres.model.data[0].x, old.x, rtol=1e-13)


@given(st.floats(0.01, 170.0), st.floats(0.3, 20.0))
def test_q_and_angle_there_and_back(two_theta: float, wavelength: float) -> None:
    x = np.array([two_theta])
    measured = MeasuredSet("a", x, x, x, {"res": np.array([0.01])}, "2theta")
    there = converted(measured, "q", wavelength, "a")
    back = converted(there, "2theta", wavelength, "a")
    assert_allclose(back.x, x, rtol=1e-9)
    assert_allclose(back.extra["res"], [0.01], rtol=1e-9)
    # The resolution against a difference quotient.
    step = 1e-4
    slope = (q_of_two_theta(x + step, wavelength) - q_of_two_theta(x - step, wavelength)) / (2.0 * step)
    assert_allclose(there.extra["res"], 0.01 * slope, rtol=1e-5, atol=1e-9)


def test_q_that_no_angle_reaches_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be reached with a wavelength"):
        two_theta_of_q(np.array([100.0]), 1.54, "a.dat")


def test_each_set_by_its_own_instrument(three: Model, write: Write) -> None:
    axes = axes_of_model(three.namespace, three.file.script, 3)
    assert [axis.axis for axis in axes] == ["", "", ""]  # two calls for three sets: not certain
    script = SCRIPT.format(a="tth", b="q", second="inst_b").replace(
        "data[2].x + data[2].res", "model.Specular(data[2].x, sample, inst_a)"
    )
    model = Model(replace(three.file, script=script))
    axes = axes_of_model(model.namespace, script, 3)
    assert [(axis.axis, axis.wavelength) for axis in axes] == [("2theta", 1.5), ("q", 4.0), ("2theta", 1.5)]
    angles = write("a.dat", "2theta R", [1.0, 2.0], [1.0, 2.0])
    new = put_data(model, requests_from([f"0={angles}", f"1={angles}"])).model
    assert_array_equal(new.data[0].x, [1.0, 2.0])
    assert_allclose(new.data[1].x, q_of_two_theta(np.array([1.0, 2.0]), 4.0))
    assert_array_equal(new.data[2].x, three.data[2].x)


def test_a_file_that_does_not_say_what_x_is(write: Write) -> None:
    model = film()
    old = model.data[0]
    same = put_data(model, requests_from([write("a.dat", "", old.x, old.y, old.error)]))
    assert any("taken as 2θ in degrees (--data-x says otherwise)" in notice for notice in same.notices)
    q = q_of_two_theta(old.x, WAVELENGTH)
    path = write("b.dat", "", q, old.y, old.error)
    with pytest.raises(InputError, match=r"looks like q(.|\n)*--data-x q"):
        put_data(model, requests_from([path]))
    told = put_data(model, requests_from([path], x="q")).model
    assert_allclose(told.data[0].x, old.x, rtol=1e-13)


def test_no_wavelength_no_conversion(three: Model, write: Write) -> None:
    script = (
        SCRIPT.format(a="q", b="q", second="inst_b")
        .replace("'x-ray'", "'neutron tof'")
        .replace("'neutron',", "'neutron tof',")
    )
    model = Model(replace(three.file, script=script.replace("wavelength=4.0", "wavelength=1.5")))
    with pytest.raises(InputError, match=r"no single wavelength is known(.|\n)*Convert the file to Q"):
        put_data(model, requests_from([f"0={write('a.dat', '2theta R', [1.0, 2.0], [1.0, 2.0])}"]))


# ---------------------------------------------------------------------------------------------- matching


def test_sets_are_filled_in_order_or_by_number(three: Model, write: Write) -> None:
    files = [write(f"{i}.dat", "x R dR res", [1.0, 2.0], [i, i], [1.0, 1.0], [0.1, 0.1]) for i in range(3)]
    new = put_data(three, requests_from(files)).model
    assert [dataset.y[0] for dataset in new.data] == [0.0, 1.0, 2.0]
    new = put_data(three, requests_from([f"2={files[0]}", files[1], files[2]])).model
    assert [dataset.y[0] for dataset in new.data] == [1.0, 2.0, 0.0]
    only = put_data(three, requests_from([f"1={files[2]}"])).model
    assert_array_equal(only.data[0].y, three.data[0].y)
    assert_array_equal(only.data[1].y, [2.0, 2.0])
    # The model itself is as it was, names, flags and commands stay.
    assert_array_equal(three.data[1].y, np.linspace(0.1, 3.0, 5))
    assert [dataset.name for dataset in only.data] == ["angles", "neutrons", "other"]


def test_one_file_with_several_sets(three: Model, tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("data set,x,R,res\n0,1,10,0.1\n1,1,20,0.1\n2,1,30,0.1\n")
    assert [d.y[0] for d in put_data(three, requests_from([str(path)])).model.data] == [10.0, 20.0, 30.0]
    one = put_data(three, requests_from([f"2={path}#1"])).model
    assert one.data[2].y.tolist() == [20.0]
    two = put_data(Model(replace(three.file, data=three.data)), requests_from([f"0={path}"])).model
    assert two.data[2].y.tolist() == [30.0]


@pytest.mark.parametrize(
    ("wanted", "match"),
    [
        (["{}"], r"3 data sets \(0 'angles', 1 'neutrons', 2 'other'\), but the files hold 1 meas(.|\n)*--data 0=FILE"),
        (["{}"] * 4, r"but the files hold 4 measurements"),
        (["3={}"], "there is no data set 3"),
        (["0={}", "0={}"], "filled twice"),
        (["1={}", "{}"], "3 data sets.* 2 left to fill, but"),
    ],
)  # fmt: skip
def test_a_mismatch_is_explained(three: Model, write: Write, wanted: list[str], match: str) -> None:
    path = write("a.dat", "x R", [1.0, 2.0], [1.0, 2.0])
    with pytest.raises(InputError, match=match):
        put_data(three, requests_from([text.format(path) for text in wanted]))


# ------------------------------------------------------------------------------------- columns and data commands


def test_commands_of_the_set_are_applied(three: Model, write: Write) -> None:
    file = replace(three.file, data=three.data.copy())
    dataset = file.data[0]
    dataset.x_command, dataset.y_command = "x[1:]", "y[1:]/10"
    dataset.error_command = "rms(e[1:], fpe(2.5, 0.5))"
    dataset.extra_commands = {"res": "res[1:]*2", "gone": "gone"}
    new = put_data(
        Model(file), requests_from([f"0={write('a.dat', 'x R dR res', [1, 2, 3], [10, 20, 30], [3, 3, 3], [1, 1, 1])}"])
    )
    found = new.model.data[0]
    assert_array_equal(found.x, [2.0, 3.0])
    assert_array_equal(found.y, [2.0, 3.0])
    assert_allclose(found.error, np.sqrt(9.0 + np.array([0.5 * 2.0, 0.0]) ** 2))
    assert_array_equal(found.res, [2.0, 2.0])
    assert_array_equal(found.x_raw, [1.0, 2.0, 3.0])
    assert found.extra_commands == {"res": "res[1:]*2"}
    assert any("by the data commands x = x[1:]" in sentence for sentence in new.said)


def test_commands_that_do_not_fit_the_new_data(three: Model, write: Write) -> None:
    file = replace(three.file, data=three.data.copy())
    path = write("a.dat", "x R", [1.0, 2.0], [1.0, 2.0])
    file.data[0].error_command = "sqrt(det)"
    with pytest.raises(InputError, match=r"a.dat.*\n?.*'det' is unknown"):
        put_data(Model(file), requests_from([f"0={path}"]))
    file.data[0].error_command = "e"
    file.data[0].x_command, file.data[0].y_command, file.data[0].error_command = "x[5:]", "y[5:]", "e[5:]"
    with pytest.raises(InputError, match="no point left"):
        put_data(Model(file), requests_from([f"0={path}"]))


def test_an_old_extra_column_does_not_survive(three: Model, write: Write) -> None:
    new = put_data(three, requests_from([f"2={write('a.dat', 'x R', [1.0, 2.0], [1.0, 2.0])}"]))
    assert any("had the extra column res, which the new file lacks" in notice for notice in new.notices)
    with pytest.raises(ScriptError, match="no column 'res'"):
        new.model.simulate()


# ----------------------------------------------------------------------------------------------- saving it


def test_the_saved_model_holds_the_new_data(write: Write, tmp_path: Path) -> None:
    model = film()
    x = np.linspace(1.0, 3.0, 20)
    path = write("a.dat", "2theta R dR", x, 0.1 * x, 0.01 * x)
    new = put_data(model, requests_from([path])).model
    new.save(tmp_path / "new.hgx")
    again = metagenx.load(tmp_path / "new.hgx")
    for column in ("x", "x_raw", "y", "y_raw", "error", "error_raw"):
        assert_array_equal(getattr(again.data[0], column), getattr(new.data[0], column))
    assert_array_equal(again.data[0].x_raw, x)
    assert again.fom() == new.fom()
    assert len(again.data[0].y_sim) == 20


def test_the_header_of_the_old_measurement_does_not_stay(tmp_path: Path) -> None:
    x = np.array([0.1, 0.2])
    dataset = DataSet("a", x, x, x)
    dataset.meta = {"data_source": {"owner": {"name": "Old"}}, "old": 1.0}
    script = "from numpy import *\ndef Sim(data):\n    return [d.x for d in data]\n"
    genx_file.write(genx_file.GenxFile(script=script, data=DataList([dataset])), tmp_path / "old.hgx")
    model = metagenx.load(tmp_path / "old.hgx")
    assert model.data[0].meta["data_source"]["owner"]["name"] == "Old"
    (tmp_path / "a.csv").write_text("Q [1/A],R\n0.1,1\n0.2,2\n")
    new = put_data(model, requests_from([str(tmp_path / "a.csv")])).model
    new.save(tmp_path / "new.hgx")
    assert metagenx.load(tmp_path / "new.hgx").data[0].meta == {}
    model.save(tmp_path / "same.hgx")
    assert metagenx.load(tmp_path / "same.hgx").data[0].meta["old"] == 1.0


# ----------------------------------------------------------------------------------------------- requests


def test_requests_from_text(tmp_path: Path) -> None:
    (tmp_path / "odd#1.dat").write_text("1 2\n")
    first, second, third, fourth = requests_from(["a.ort", "2 = b.ort#up", "odd#1.dat", "c=d.dat"], folder=tmp_path)
    assert (first.path, first.index) == (tmp_path / "a.ort", None)
    assert (second.path, second.index, second.options.pick) == (tmp_path / "b.ort", 2, "up")
    assert (third.path.name, third.options.pick) == ("odd#1.dat", None)
    assert (fourth.path.name, fourth.index) == ("c=d.dat", None)
    with pytest.raises(InputError, match="name no file"):
        requests_from([" "])


def test_requests_from_an_experiment(tmp_path: Path) -> None:
    assert requests_from_value("a.ort", tmp_path) == [DataRequest(tmp_path / "a.ort")]
    assert [r.index for r in requests_from_value({0: "a.ort", "2": "b.ort"}, tmp_path)] == [0, 2]
    full = {"file": "a.dat", "format": "default", "x": "1/nm", "columns": "x,y", "pick": 1}
    expected = DataRequest(tmp_path / "a.dat", 1, "default", LoadOptions(("x", "y"), "1/nm", "1"))
    assert requests_from_value({1: full}, tmp_path) == [expected]
    assert requests_from_value([expected.to_json()], tmp_path) == [expected]
    for wrong in (7, [], {"one": "a.ort"}, [None], {0: {"fil": "a"}}, {0: {"file": "a", "typo": 1}}):
        with pytest.raises(InputError):
            requests_from_value(wrong, tmp_path)
