"""Column text and ORSO files: what is detected, what is refused, and where."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from metagenx.errors import FileFormatError, InputError
from metagenx.genx.loaders import FORMATS, LoadOptions, ReadData, read_data

FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(content: str | bytes, name: str = "data.dat") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def said(read: ReadData) -> str:
    return " | ".join(read.detected)


# ------------------------------------------------------------------------------------------------- column text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.1 1.5 0.2\n0.2 2.5 0.3\n", "white space"),
        ("0.1\t1.5\t0.2\n0.2\t2.5\t0.3\n", "tabs"),
        ("0.1,1.5,0.2\n0.2,2.5,0.3\n", "commas"),
        ("0.1, 1.5, 0.2\n0.2, 2.5, 0.3\n", "commas"),
        ("0.1;1.5;0.2\n0.2;2.5;0.3\n", "semicolons"),
        ("0,1;1,5;0,2\n0,2;2,5;0,3\n", "semicolons, decimal comma"),
        ("0,1\t1,5\t0,2\n0,2\t2,5\t0,3\n", "tabs, decimal comma"),
        ("0,1 1,5 0,2\n0,2 2,5 0,3\n", "white space, decimal comma"),
        ("  1.0D-1   1.5D+0   2e-1\n 2.0d-1 2.5 .3\n", "white space"),
        ('"0.1","1.5","0.2"\n"0.2","2.5","0.3"\n', "commas"),
        ("0.1\t1.5\t0.2\t\r\n0.2\t2.5\t0.3\t\r\n", "tabs"),
        ("# a comment\n0.1 1.5 0.2 # the first\n\n! another\n0.2 2.5 0.3\n", "white space"),
    ],
)
def test_every_way_to_write_a_table(write: Write, text: str, words: str) -> None:
    read = read_data(write(text))
    assert f"separated by {words}; 2 rows" in said(read)
    assert_array_equal(read.sets[0].x, [0.1, 0.2])
    assert_array_equal(read.sets[0].y, [1.5, 2.5])
    assert_array_equal(read.sets[0].error, [0.2, 0.3])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings(write: Write, encoding: str) -> None:
    read = read_data(write("# angle\n1 2\n3 4\n".encode(encoding)))
    assert_array_equal(read.sets[0].x, [1.0, 3.0])


@pytest.mark.parametrize(
    ("header", "axis", "x", "resolution"),
    [
        ("# Q (1/A)  R  dR  dQ", "q", [1.0, 2.0], [0.5, 0.5]),
        ("# Qz [1/nm]  R  sR  sQz", "q", [0.1, 0.2], [0.05, 0.05]),
        ("# q_nm^-1  refl  refl_err  q_res (FWHM)", "q", [0.1, 0.2], [0.05 / FWHM] * 2),
        ("Q(nm-1) R dR dQ(FWHM)", "q", [0.1, 0.2], [0.05 / FWHM] * 2),
        ("2Theta  Intensity  Error  res", "2theta", [1.0, 2.0], [0.5, 0.5]),
        ("Two Theta (deg)  Counts  sigma  resolution", "2theta", [1.0, 2.0], [0.5, 0.5]),
        ("theta[deg] I dI res", "2theta", [2.0, 4.0], [1.0, 1.0]),
        ("2theta (rad)  I  dI  res", "2theta", np.degrees([1.0, 2.0]), np.degrees([0.5, 0.5])),
        ("# x_units: 2theta\n# col_a col_b col_c col_d", "2theta", [1.0, 2.0], [0.5, 0.5]),
        ("# AbscissesUnits = nm-1\n#", "q", [0.1, 0.2], None),
        ("Q R dR dQ\n1/nm 1 1 1/nm", "q", [0.1, 0.2], [0.05, 0.05]),
        ("L I dI res", "l", [1.0, 2.0], [0.5, 0.5]),
    ],
)
def test_names_and_units(write: Write, header: str, axis: str, x: list[float], resolution: list[float] | None) -> None:
    read = read_data(write(f"{header}\n1 10 0.1 0.5\n2 20 0.2 0.5\n"))
    found = read.sets[0]
    assert found.axis == axis
    assert_allclose(found.x, x, rtol=1e-15)
    assert_array_equal(found.y, [10.0, 20.0])
    assert_array_equal(found.error, [0.1, 0.2])
    if resolution is not None:
        assert_allclose(found.extra["res"], resolution, rtol=1e-14)


def test_columns_may_stand_in_any_order_and_have_company(write: Write) -> None:
    read = read_data(
        write("dR,R,temperature [K],class,Q [1/Å],simulation\n1,10,300,7,0.1,5\n2,20,301,8,0.2,6\n", "a.csv")
    )
    found = read.sets[0]
    assert_array_equal(found.x, [0.1, 0.2])
    assert_array_equal(found.y, [10.0, 20.0])
    assert_array_equal(found.error, [1.0, 2.0])
    # A name that Python keeps for itself gets GenX's prefix; a simulation is not data.
    assert set(found.extra) == {"temperature__K", "col_class"}


def test_without_names_the_order_is_genx_s_and_is_said(write: Write) -> None:
    read = read_data(write("0.1 1 0.1 0.01 7\n0.2 2 0.2 0.01 8\n"))
    assert "GenX's order: x, y, error of y, resolution (a standard deviation), extra" in said(read)
    assert "looks like Q" in said(read)
    assert_array_equal(read.sets[0].extra["column_5"], [7.0, 8.0])
    assert read.sets[0].axis == ""
    assert "looks like 2θ" in said(read_data(write("0.5 1\n9.5 2\n")))


def test_the_user_knows_better(write: Write) -> None:
    path = write("1 0.1 5 10\n2 0.2 6 20\n")
    options = LoadOptions(columns=("-", "x", "error", "y"), x="1/nm")
    found = read_data(path, options=options).sets[0]
    assert_allclose(found.x, [0.01, 0.02])
    assert_array_equal(found.y, [10.0, 20.0])
    assert found.axis == "q"
    with pytest.raises(InputError, match="do not fit the 4 columns"):
        read_data(path, options=LoadOptions(columns=("x", "y", "a", "b", "c")))
    with pytest.raises(InputError, match="x cannot be 'inches'"):
        read_data(path, options=LoadOptions(x="inches"))
    with pytest.raises(InputError, match=r"no data format 'xrdlm'(.|\n)*mean xrdml"):
        read_data(path, format="xrdlm")
    with pytest.raises(InputError, match="says that x is Q"):
        read_data(write("Q R\n1 2\n3 4\n"), options=LoadOptions(x="2theta"))


def test_genx_s_own_conventions(write: Write) -> None:
    text = "# anything\n0.1 1 0.1 0.01\n0.2 2 0.2 0.02\n"
    default = read_data(write(text), format="default").sets[0]
    assert default.extra == {}
    assert_array_equal(default.error, [0.1, 0.2])
    resolution = read_data(write(text), format="resolution").sets[0]
    assert_array_equal(resolution.extra["res"], [0.01, 0.02])
    two = read_data(write("0.1 1\n0.2 2\n"), format="default").sets[0]
    assert np.isnan(two.error).all()
    one_row = read_data(write("0.1 1 0.1\n"), format="default").sets[0]
    assert_array_equal(one_row.x, [0.1])


def test_not_a_number_and_infinite(write: Write) -> None:
    text = "Q,R,dR\n0.1,1,0.1\nnan,2,0.1\n0.3,nan,inf\n0.4,,0\ninf,1,1\n0.5,1.#QNAN,-0.1\n"
    read = read_data(write(text, "a.csv"))
    found = read.sets[0]
    assert_array_equal(found.x, [0.1, 0.3, 0.4, 0.5])
    assert_array_equal(found.y, [1.0, np.nan, np.nan, np.nan])
    assert_array_equal(found.error, [0.1, np.nan, 0.0, -0.1])
    notices = " | ".join(read.notices)
    for words in ("2 points without a finite x", "3 y values are not numbers", "infinite", "2 error bars are zero"):
        assert words in notices


def test_several_sets_in_one_table(write: Write) -> None:
    read = read_data(write("data set,Q [1/A],R\n0,0.1,1\n0,0.2,2\n2,0.1,3\n", "a.csv"))
    assert [len(item.x) for item in read.sets] == [2, 1]
    assert read_data(read.path, options=LoadOptions(pick="1")).sets[0].y.tolist() == [3.0]
    with pytest.raises(InputError, match=r"no data set '7'(.|\n)*0 a 0, 1 a 2"):
        read_data(read.path, options=LoadOptions(pick="7"))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("0.1 1\n0.2 2\n0.3 oops\n0.4 4\n", r"line 3: '0.3 oops' is not a row of numbers"),
        ("0.1 1 1\n0.2 2 2\n0.3 3\n0.4 4 4\n", r"line 3: this row has 2 columns, the others have 3"),
        ("just words\nand more\n", "no line of it holds two or more numbers"),
        ("1\n2\n3\n", "no line of it holds two or more numbers"),
        ("nan nan\nnan nan\n", "no line of it|has no point"),
        ("0.1 nan\n0.2 nan\n", "no y value that is a number"),
        ("", "the file is empty"),
        ("   \n\n", "the file is empty"),
        (b"\x00\x01\x02\x03" * 100, "binary file"),
        (b"PK\x03\x04" + b"x" * 100, "packed"),
        (b"\x1f\x8b" + b"x" * 100, "packed"),
        ("1 " * 60_000, "characters"),
    ],
)
def test_bad_files_say_what_is_wrong_and_where(write: Write, content: str | bytes, match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        read_data(write(content))
    assert "data.dat" in str(caught.value)
    assert caught.value.exit_code == 2


def test_text_after_the_last_row_is_left_out_and_said(write: Write) -> None:
    read = read_data(write("0.1 1\n0.2 2\nEND OF SCAN\n"))
    assert len(read.sets[0].x) == 2
    assert "1 lines of text after the last row" in read.notices[0]


def test_places_that_are_no_files(tmp_path: Path, write: Write) -> None:
    with pytest.raises(FileFormatError, match="folder"):
        read_data(tmp_path)
    write("1 2\n", "measurement.dat")
    with pytest.raises(FileFormatError, match=r"no such file(.|\n)*measurement\.dat"):
        read_data(tmp_path / "measurment.dat")
    with pytest.raises(FileFormatError, match="not an ordinary file"):
        read_data("/dev/zero")
    pipe = tmp_path / "pipe.dat"
    os.mkfifo(pipe)
    with pytest.raises(FileFormatError, match="not an ordinary file"):
        read_data(pipe)


def test_a_large_file_is_read_in_time_and_a_too_large_one_refused(write: Write) -> None:
    begun = time.process_time()
    values = np.linspace(0.0, 1.0, 100_000)
    stream = io.StringIO()
    np.savetxt(stream, np.column_stack([values, values, values]), fmt="%.6e")
    assert len(read_data(write(stream.getvalue())).sets[0].x) == 100_000
    assert time.process_time() - begun < 10.0
    with pytest.raises(FileFormatError, match="MiB"):
        read_data(write(b"1 2\n" * (17 * 2**20)))


@settings(max_examples=60)
@given(st.data())
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    numbers = st.floats(-1e6, 1e6, allow_nan=False)
    rows = data.draw(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=8))
    delimiter = data.draw(st.sampled_from([" ", "\t", ";", ",", "   "]))
    comma = delimiter != "," and data.draw(st.booleans())
    text = "\n".join(delimiter.join(repr(value) for value in row) for row in rows)
    path = tmp_path_factory.mktemp("hypothesis") / "a.dat"
    path.write_text(text.replace(".", ",") if comma else text)
    found = read_data(path).sets[0]
    assert_array_equal(np.column_stack([found.x, found.y, found.error]), np.array(rows))


@settings(max_examples=300)
@given(content=st.binary(max_size=400), suffix=st.sampled_from([s for f in FORMATS for s in f.suffixes] + [".dat"]))
def test_no_content_crashes_a_loader(tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    path.write_bytes(content)
    try:
        read = read_data(path)
    except InputError:
        return
    assert all(len(item.x) == len(item.y) == len(item.error) > 0 for item in read.sets)


@settings(max_examples=60)
@given(content=st.binary(max_size=300), format=st.sampled_from([format.name for format in FORMATS]))
def test_no_content_crashes_a_loader_chosen_by_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, format: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.any"
    path.write_bytes(b"# Q R dR dQ\n1 2 3 4\n" + content)
    with contextlib.suppress(InputError):
        assert read_data(path, format=format).sets


# ------------------------------------------------------------------------------------------------------- ORSO


def orso_file(*sets: tuple[str, list[str], list[list[float]]]) -> str:
    """A small .ort, written by hand as the specification has it."""
    lines = ["# # ORSO reflectivity data file | 1.1 standard | YAML encoding | https://www.reflectometry.org/"]
    for number, (name, columns, rows) in enumerate(sets):
        if number == 0:
            lines += [
                "# data_source:", "#   owner: {name: A. Person, affiliation: Somewhere}",
                "#   experiment: {title: Films, instrument: NR, start_date: 2024-01-02T03:04:05, probe: neutron}",
                "#   sample: {name: Ni on Si}", "#   measurement:", "#     instrument_settings:",
                "#       incident_angle: {magnitude: 1.0, unit: deg}",
                "#       wavelength: {magnitude: 0.5, unit: nm}", "#     data_files: [raw.nxs]",
                "# reduction: {software: {name: eos}}",
            ]  # fmt: skip
        lines += [f"# data_set: {name}", "# columns:", *(f"# - {column}" for column in columns)]
        lines += [" ".join(f"{value:.17g}" for value in row) for row in rows]
    return "\n".join(lines) + "\n"


QZ, R = "{name: Qz, unit: 1/angstrom}", "{name: R}"
SR, SQ = "{error_of: R, error_type: uncertainty, value_is: sigma}", "{error_of: Qz, value_is: sigma}"


def test_orso_with_several_sets(write: Write) -> None:
    rows = [[0.01, 1.0, 0.1, 0.001], [0.02, 0.5, 0.05, 0.002]]
    fwhm = "{error_of: Qz, error_type: resolution, value_is: FWHM}"
    path = write(
        orso_file(
            ("up", [QZ, R, SR, SQ], rows),
            ("down", ["{name: Qz, unit: 1/nm}", R, SR, fwhm, "{name: incident_angle, unit: deg}"],
             [[*row, 7.0] for row in rows]),
        ),
        "pol.ort",
    )  # fmt: skip
    read = read_data(path)
    assert (read.format, [item.name for item in read.sets]) == ("orso", ["up", "down"])
    up, down = read.sets
    assert_array_equal(up.x, [0.01, 0.02])
    assert_array_equal(up.extra["res"], [0.001, 0.002])
    assert_allclose(down.x, [0.001, 0.002], rtol=1e-15)
    assert_allclose(down.extra["res"], np.array([0.001, 0.002]) * 0.1 / FWHM, rtol=1e-14)
    assert_array_equal(down.extra["incident_angle"], [7.0, 7.0])
    assert (up.axis, up.wavelength) == ("q", 5.0)
    assert up.meta["data_source"]["owner"]["name"] == "A. Person"
    assert "full width at half maximum" in said(read)
    assert read_data(path, options=LoadOptions(pick="down")).sets[0].name == "down"


@pytest.mark.parametrize(
    ("distribution", "factor"),
    [("gaussian", 1 / FWHM), ("triangular", 1 / np.sqrt(6.0)), ("uniform", 1 / np.sqrt(12.0))],
)
def test_orso_widths_by_distribution(write: Write, distribution: str, factor: float) -> None:
    column = f"{{error_of: Qz, value_is: FWHM, distribution: {distribution}}}"
    found = read_data(write(orso_file(("a", [QZ, R, SR, column], [[0.1, 1, 1, 0.3]])), "a.ort")).sets[0]
    assert_allclose(found.extra["res"], [0.3 * factor], rtol=1e-14)


def test_orso_of_a_lorentzian_has_no_sigma_and_says_so(write: Write) -> None:
    column = "{error_of: Qz, value_is: FWHM, distribution: lorentzian}"
    read = read_data(write(orso_file(("a", [QZ, R, SR, column], [[0.1, 1, 1, 0.3]])), "a.ort"))
    assert "no standard deviation" in read.notices[0]
    assert_allclose(read.sets[0].extra["res"], [0.3 / FWHM])


def test_orso_columns_are_taken_by_what_they_say(write: Write) -> None:
    # sQz before sR, against ORSO's order; and a set without any error.
    swapped = read_data(write(orso_file(("a", [QZ, R, SQ, SR], [[0.1, 1.0, 0.01, 0.5]])), "a.ort")).sets[0]
    assert_array_equal(swapped.error, [0.5])
    assert_array_equal(swapped.extra["res"], [0.01])
    bare = read_data(write(orso_file(("a", [QZ, R], [[0.1, 1.0]])), "b.ort")).sets[0]
    assert np.isnan(bare.error).all()
    assert bare.extra == {}
    angle = read_data(write(orso_file(("a", ["{name: theta, unit: deg}", R], [[0.5, 1.0]])), "c.ort")).sets[0]
    assert (angle.axis, angle.x.tolist()) == ("2theta", [1.0])


def test_orso_binary(write: Write, tmp_path: Path) -> None:
    from orsopy import fileio

    text = write(orso_file(("up", [QZ, R, SR, SQ], [[0.01, 1.0, 0.1, 0.001], [0.02, 0.5, 0.05, 0.002]])), "a.ort")
    fileio.save_nexus(fileio.load_orso(str(text)), str(tmp_path / "a.orb"))
    one, two = read_data(text).sets[0], read_data(tmp_path / "a.orb").sets[0]
    for column in ("x", "y", "error"):
        assert_array_equal(getattr(one, column), getattr(two, column))
    assert_array_equal(one.extra["res"], two.extra["res"])
    assert two.axis == "q"


def test_orso_binary_that_is_another_hdf5(write: Write, tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = [1.0, 2.0]
    with pytest.raises(FileFormatError, match="no ORSO data set"):
        read_data(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.orb", "w") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(FileFormatError, match="refused"):
        read_data(tmp_path / "b.orb")
    content = (tmp_path / "a.h5").read_bytes()
    with pytest.raises(FileFormatError):
        read_data(write(content[: len(content) // 2], "cut.orb"))


def altered(line: str) -> str:
    """A good file with one more line in its header."""
    return orso_file(("a", [QZ, R], [[0.1, 1.0]])).replace("# reduction", f"{line}\n# reduction")


def _bomb() -> str:
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    return "\n".join(f"# {line}" for line in lines)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("# # ORSO something else\n1 2\n", "First line"),
        (orso_file(("a", [QZ, R], [[0.1, 1.0]])).replace("0.1", "0.1x"), r"line \d+: '0\.1\d*x"),
        (orso_file(("a", [QZ, R], [[0.1, 1.0], [0.2, 1.0, 3.0]])), r"line \d+: this row has 3 columns"),
        (orso_file(("a", [QZ, R, SR], [[0.1, 1.0]])), "columns"),
        (orso_file(("a", [QZ, R], [])), "has no point|cannot be read"),
        (orso_file(("a", [QZ, R], [[0.1, 1.0]])).replace("# columns:", "# columns: [}"), "cannot be read"),
        (altered(_bomb()), "without end"),
        (altered("# x: " + "[" * 5000), "read"),
        (altered("# x: " + "y" * 300_000), "characters"),
        (altered("# x: !!python/object:os.system [ls]"), "read"),
        (orso_file(("a", ["{name: Qz, unit: 1/angstrom}"], [[0.1]])), "cannot be read"),
    ],
)  # fmt: skip
def test_damaged_orso_files(write: Write, text: str, match: str) -> None:
    begun = time.process_time()
    with pytest.raises(InputError, match=match):
        read_data(write(text, "bad.ort"))
    assert time.process_time() - begun < 10.0


def test_a_text_file_called_ort_is_not_guessed(write: Write) -> None:
    with pytest.raises(FileFormatError, match="first line is not that of an ORSO file"):
        read_data(write("0.1 1\n0.2 2\n", "a.ort"))
