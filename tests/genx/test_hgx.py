"""Reading and writing .hgx: every member, every default, byte for byte where nothing changed, nothing lost."""

from __future__ import annotations

import os
import pickle
import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from old_files import members, zipped

from metagenx.errors import FileFormatError, InputError, ResourcesSpent
from metagenx.genx import hgx, hgx_writer
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row, error_text, read, write


def example() -> GenxFile:
    x = np.linspace(0.1, 1.0, 10)
    first = DataSet("film", x, 2.0 * x, 0.1 * x, extra={"res": 0.01 * x})
    first.y_sim, first.y_fom = 3.0 * x, -x
    second = DataSet("other", [1.0, 2.0], [3.0, np.nan], [0.1, 0.1], use=False)
    return GenxFile(
        script="# Θ\ndef Sim(data):\n    return [d.y for d in data]\n",
        fom_name="chi2bars",
        table=[
            Row("a.setD", 10.0, True, 5.0, 20.0, "-"),
            Row(""),
            Row("b.setσ", 3.0, False, 0.0, 9.0, "None"),
        ],
        data=DataList([first, second]),
        options={"solver": {"km": "0.6", "figure of merit": "diff"}},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "film.hgx"
    write(example(), path)
    return path


def _tree(path: Path) -> dict[str, Any]:
    """Every member of a file: type, shape, content, attributes and links."""
    found: dict[str, Any] = {}

    def walk(group: h5py.Group, prefix: str) -> None:
        for name in group:
            link = group.get(name, getlink=True)
            key = f"{prefix}/{name}"
            if not isinstance(link, h5py.HardLink):
                found[key] = (type(link).__name__, link.path)
                continue
            member = group[name]
            attributes = {k: np.asarray(v).tolist() for k, v in member.attrs.items()}
            if isinstance(member, h5py.Group):
                found[key] = ("group", attributes)
                walk(member, key)
            else:
                content = member[()]
                content = content.tobytes() if isinstance(content, np.void) else np.asarray(content).tolist()
                found[key] = (str(member.dtype), member.shape, repr(content), attributes)

    with h5py.File(path, "r") as file:
        walk(file, "")
    return found


# content


def test_what_is_written_is_read(path: Path) -> None:
    file, expected = read(path), example()
    assert (file.kind, file.path, file.source) == ("hgx", path, path.read_bytes())
    assert (file.script, file.fom_name, file.table) == (expected.script, expected.fom_name, expected.table)
    assert file.options == expected.options
    assert file.fom_function == "diff"
    assert [d.name for d in file.data] == ["film", "other"]
    for a, b in zip(file.data, expected.data, strict=True):
        for name in ("x", "y", "error", "x_raw", "y_raw", "error_raw", "y_sim", "y_fom"):
            assert_array_equal(getattr(a, name), getattr(b, name))
        assert (a.use, a.show, a.x_command, a.extra_commands) == (
            b.use,
            b.show,
            b.x_command,
            b.extra_commands,
        )
    assert_array_equal(file.data[0].res, 0.01 * file.data[0].x)
    assert file.notices == []


def test_the_members_that_genx_needs_are_there(path: Path) -> None:
    tree = _tree(path)
    current = "/current"
    needed = ["script", "fomfunction", "config", "sequence_value", "data/_counter", "parameters/data_labels"]
    needed += [f"parameters/data col {i}" for i in range(6)]
    needed += [f"optimizer/{name}" for name in ("solver", "solver_module", "fom_log", "start_guess")]
    for i in (0, 1):
        names = "x y error x_raw y_raw error_raw y_sim x_command y_command error_command name use show use_error"
        groups = "extra_data extra_data_raw extra_commands meta"
        needed += [f"data/datasets/{i}/{name}" for name in f"{names} {groups}".split()]
    assert [name for name in needed if f"{current}/{name}" not in tree] == []
    assert tree["/current/optimizer/fom_log"][1] == (0, 2)
    assert tree["/current/optimizer/start_guess"][1] == (0,)
    assert tree["/current/parameters/data col 2"][0] == "bool"
    assert not any("dump" in repr(value) for value in tree.values())


def test_the_effective_fom() -> None:
    file = example()
    assert file.fom_function == "diff"
    file.set_fom_function("R1")
    assert (file.fom_name, file.fom_function) == ("R1", "R1")
    del file.options["solver"]["figure of merit"]
    file.fom_name = "log"
    assert file.fom_function == "log"


def test_everything_but_the_script_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "small.hgx"
    with h5py.File(path, "w") as file:
        file["current/script"] = "a = 1"
    read_file = read(path)
    assert read_file.script == "a = 1"
    assert (read_file.fom_name, read_file.table, read_file.options) == ("log", [], {})
    assert len(read_file.data) == 0
    assert read_file.optimizer.solver == "DiffEv"
    write(read_file, path)
    assert read(path).script == "a = 1"


def test_missing_members_of_a_data_set_have_defaults(tmp_path: Path) -> None:
    path = tmp_path / "small.hgx"
    with h5py.File(path, "w") as file:
        file["current/script"] = "a = 1"
        file["current/data/datasets/0/x"] = [1, 2, 3]
        file["current/data/datasets/0/y"] = [1.0, 2.0, 3.0]
    (dataset,) = read(path).data
    assert dataset.x.dtype == np.float64
    assert (dataset.x_command, dataset.y_command, dataset.error_command) == ("x", "y", "e")
    assert dataset.use
    assert dataset.show
    assert np.isnan(dataset.error).all()


def test_other_ways_to_store_text_and_flags(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        current = file["current"]
        for name, value in (
            ("script", np.bytes_(b"a = 1")),
            ("parameters/data col 0", np.array([b"one", b"", b"two"])),
            ("parameters/data col 2", np.array([1, 0, 0])),
            ("parameters/data col 1", np.array([1, 2, 3], dtype=">i2")),
            ("data/datasets/0/use", np.int64(0)),
        ):
            del current[name]
            current[name] = value
        del current["fomfunction"]
        current.create_dataset("fomfunction", data="R1", dtype=h5py.string_dtype("ascii"))
    file = read(path)
    assert file.script == "a = 1"
    assert [row.name for row in file.table] == ["one", "", "two"]
    assert [row.fit for row in file.table] == [True, False, False]
    assert [row.value for row in file.table] == [1.0, 2.0, 3.0]
    assert not file.data[0].use
    assert file.fom_name == "R1"


STORAGE = [
    {"chunks": (7,)},
    {"compression": "gzip"},
    {"compression": "gzip", "shuffle": True},
    {"compression": 9, "shuffle": True, "fletcher32": True, "chunks": (100,)},
]


@pytest.mark.parametrize("options", STORAGE)
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<i8", "|b1"])
def test_compressed_arrays(path: Path, options: dict[str, Any], dtype: str) -> None:
    values = (1000.0 * np.sin(np.arange(100.0))).astype(dtype)
    with h5py.File(path, "r+") as file:
        del file["current/data/datasets/0/y_sim"]
        file["current/data/datasets/0"].create_dataset("y_sim", data=values, **options)
    assert_array_equal(read(path).data[0].y_sim, values.astype(float))


def test_large_arrays_are_compressed_as_genx_does(tmp_path: Path) -> None:
    x = np.linspace(0.0, 1.0, 20_000)
    write(GenxFile(script="a", data=DataList([DataSet("long", x, x, x)])), tmp_path / "a.hgx")
    with h5py.File(tmp_path / "a.hgx") as file:
        stored = file["current/data/datasets/0/x"]
        assert (stored.compression, stored.compression_opts, stored.shuffle) == ("gzip", 9, True)
    assert_array_equal(read(tmp_path / "a.hgx").data[0].x, x)


def test_a_user_block_and_the_newest_format(path: Path, tmp_path: Path) -> None:
    for options in ({"userblock_size": 1024}, {"libver": "latest"}, {"libver": "v110"}):
        other = tmp_path / "other.hgx"
        with h5py.File(path) as old, h5py.File(other, "w", **options) as new:
            old.copy("current", new)
        a, b = read(path), read(other)
        assert (a.script, a.table, a.options) == (b.script, b.table, b.options)
        assert_array_equal(a.data[0].x, b.data[0].x)
        write(b.with_results(values=[12.0]), other)
        assert read(other).table[0].value == 12.0


def test_extra_columns_that_are_no_numbers_are_left_alone(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["current/data/datasets/0/extra_data"].create_dataset("comment", data=["a"] * 10, dtype=h5py.string_dtype())
    file = read(path)
    assert list(file.data[0].extra_data) == ["res"]
    write(file.with_results(values=[11.0]), path)
    with h5py.File(path) as h:
        assert h["current/data/datasets/0/extra_data/comment"].asstr()[0] == "a"


def test_header_with_pickled_members(path: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os.mkdir, (str(tmp_path / "executed"),))

    dump = pickle.dumps(Evil())
    with h5py.File(path, "r+") as file:
        meta = file["current/data/datasets/0/meta"]
        for name, kind, value in (("a", "str", "text"), ("b", "float", 1.5), ("c", "dump", np.void(dump))):
            meta[name] = value
            meta[name].attrs["genx_type"] = kind
        meta.create_group("d").attrs["genx_type"] = "free_dict"
        meta["d/e"] = np.arange(3)
    file = read(path)
    assert file.data[0].meta["a"] == "text"
    assert file.data[0].meta["b"] == 1.5
    assert file.data[0].meta["c"] == dump
    assert_array_equal(file.data[0].meta["d"]["e"], [0, 1, 2])
    write(file.with_results(values=[11.0]), path)
    with h5py.File(path) as file:
        assert file["current/data/datasets/0/meta/c"][()].tobytes() == dump
        assert file["current/data/datasets/0/meta/c"].attrs["genx_type"] == "dump"
    assert not (tmp_path / "executed").exists()


def test_a_dumped_header_of_an_old_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.gx").write_bytes(zipped(members()))
    write(read(tmp_path / "a.gx"), tmp_path / "a.hgx")
    tree = _tree(tmp_path / "a.hgx")
    meta = {k.split("/meta/")[1]: v for k, v in tree.items() if "/meta/" in k}
    assert set(meta) == {"data_source", "data_source/owner", "data_source/owner/name", "n"}
    assert meta["data_source/owner/name"][3] == {"genx_type": "str"}
    assert meta["n"][3] == {"genx_type": "int"}
    assert tree["/current/data/datasets/0/data_symbol"][2] == "b'o'"
    # Without it GenX would go on with the FOM of the file it had open before.
    assert read(tmp_path / "a.hgx").options["solver"]["figure of merit"] == "log"


# writing


def test_unchanged_files_come_back_byte_for_byte(shared: Path, tmp_path: Path) -> None:
    count = 0
    for path in sorted((shared / "genx_files").glob("*.hgx")):
        write(read(path), tmp_path / "copy.hgx")
        assert (tmp_path / "copy.hgx").read_bytes() == path.read_bytes(), path.name
        count += 1
    assert count >= 12


def _results(file: GenxFile) -> dict[str, Any]:
    rows = file.fitted_rows
    return {
        "values": [row.value * 1.01 for row in rows],
        "errors": [(-0.1, 0.2)] * len(rows),
        "simulations": [dataset.x * 0.5 for dataset in file.data],
        "point_foms": [dataset.x * 0.25 for dataset in file.data],
        "fom_log": [[0, 2.0], [1, 1.5], [2, 1.25]],
        "start_guess": [row.value for row in rows],
        "solver_options": {"km": 0.55, "create_trial": "rand_1_bin"},
    }


def test_results_change_what_they_are_and_nothing_else(shared: Path, tmp_path: Path) -> None:
    changed = ("data col 1", "data col 5", "/y_sim", "/y_fom", "/fom_log", "/start_guess", "/config")
    gone = ("/covar", "/errors")
    for path in sorted((shared / "genx_files").glob("*.hgx")):
        file = read(path)
        write(file.with_results(**_results(file)), tmp_path / "out.hgx")
        before, after = _tree(path), _tree(tmp_path / "out.hgx")
        differing = {key for key in {*before, *after} if before.get(key) != after.get(key)}
        allowed = (*changed, *gone, "/par_evals", "/fom_evals", "/solver", "/solver_module")
        assert {key for key in differing if not key.endswith(allowed)} == set(), path.name
        again = read(tmp_path / "out.hgx")
        assert [row.value for row in again.fitted_rows] == [row.value * 1.01 for row in file.fitted_rows]
        assert {row.error for row in again.fitted_rows} == {"(-1.000e-01, 2.000e-01,)"}
        assert again.options["solver"]["km"] == "0.55"
        assert again.optimizer.fom_log.tolist() == [[0, 2.0], [1, 1.5], [2, 1.25]]
        assert (again.optimizer.covar, again.optimizer.errors) == (None, None)
        assert again.script == file.script
        assert file.table == read(path).table  # the file in memory is as it was


def test_model_store_unknown_members_links_and_attributes_survive(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["made by"] = "someone"
        file.create_group("0001-second/data")["x"] = np.arange(5)
        file["0001-second/script"] = "b = 2"
        file["current/unknown/deep"] = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
        file["current/parameters/data col 1"].attrs["unit"] = "Å"
        file["current/data/datasets/0/y_error"] = h5py.SoftLink("error")
        file["current/dangling"] = h5py.SoftLink("/nowhere/at/all")
        file["current/hard"] = file["current/data/datasets/0/x"]
    before = _tree(path)
    file = read(path)
    write(file.with_results(values=[17.0], errors=[(-1, 1)], solver_options={"km": 0.9}), path)
    after = _tree(path)
    assert {k for k in before if before[k] != after.get(k)} == {
        "/current/parameters/data col 1",
        "/current/parameters/data col 5",
        "/current/config",
    }
    assert after["/current/parameters/data col 1"][3] == {"unit": "Å"}
    assert set(after) == set(before)
    with h5py.File(path) as h:
        assert h.attrs["made by"] == "someone"


def test_data_commands_and_data_sets_can_change(path: Path) -> None:
    file = read(path)
    file.data[0].y_command = "y*2"
    file.data[0].y = file.data[0].y * 2.0
    file.data[0].name = "film, doubled"
    file.data[0].extra_data["det"] = file.data[0].extra_data_raw["det"] = np.arange(10.0)
    del file.data[0].extra_data["res"], file.data[0].extra_data_raw["res"]
    file.data.append(DataSet("third", [1.0], [2.0], [3.0]))
    write(file, path)
    again = read(path)
    assert [d.name for d in again.data] == ["film, doubled", "other", "third"]
    assert again.data[0].y_command == "y*2"
    assert_array_equal(again.data[0].y, 4.0 * again.data[0].x)
    assert again.data[0].columns == ("x", "y", "error", "det")
    with h5py.File(path) as h:
        assert h["current/data/_counter"][()] == 3
    del again.data[1:]
    write(again, path)
    assert [d.name for d in read(path).data] == ["film, doubled"]


def test_results_are_saved_even_if_the_original_turns_out_damaged(path: Path) -> None:
    file = read(path)
    assert file.source is not None
    # A group that is listed, and broken where only a writer looks.
    file.source = file.source.replace(b"SNOD", b"SNOX")
    write(file.with_results(values=[12.0]), path)
    again = read(path)
    assert again.table[0].value == 12.0
    assert_array_equal(again.data[0].res, file.data[0].res)


def test_what_a_script_invents_is_not_written(path: Path) -> None:
    file = read(path)
    before = path.read_bytes()
    file.data[0].mine = 5
    write(file, path)
    assert path.read_bytes() == before


def test_rows_can_be_added(path: Path) -> None:
    file = read(path)
    file.table.append(Row("new.setD", 1.0, True, 0.0, 2.0))
    write(file, path)
    assert read(path).table == file.table


NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)
TEXT = st.text(max_size=10).filter(lambda text: "\0" not in text)
ROWS = st.lists(st.builds(Row, TEXT, NUMBERS, st.booleans(), NUMBERS, NUMBERS), max_size=5)


@given(ROWS, TEXT, st.lists(NUMBERS, max_size=5))
@settings(max_examples=50, deadline=None)
def test_any_table_script_and_data_survive(rows: list[Row], script: str, values: list[float]) -> None:
    file = GenxFile(script=script, table=rows, data=DataList([DataSet("d", values, values, values)]))
    again = hgx.read(hgx_writer.to_bytes(file))
    assert again.table == rows
    assert again.script == script
    assert_array_equal(again.data[0].x, values)
    twice = hgx.read(hgx_writer.to_bytes(again))
    assert twice.source == again.source


def test_results_that_do_not_fit_are_refused(path: Path) -> None:
    file = read(path)
    with pytest.raises(InputError, match="2 values given, 1 needed"):
        file.with_results(values=[1.0, 2.0])
    with pytest.raises(InputError, match="no row 'c'"):
        file.with_results(values={"c": 1.0})
    with pytest.raises(InputError, match="y_sim"):
        file.with_results(simulations=[[1.0]])
    assert file.with_results(values={"b.setσ": 5.0}).table[2].value == 5.0
    assert error_text(-0.001, 12345.6) == "(-1.000e-03, 1.235e+04,)"


# places that cannot be written to


def _no_leftovers(folder: Path, *expected: str) -> None:
    assert sorted(p.name for p in folder.iterdir()) == sorted(expected)


def test_a_missing_folder_and_a_folder_in_the_way(path: Path, tmp_path: Path) -> None:
    file = read(path)
    with pytest.raises(InputError, match="cannot be written") as caught:
        write(file, tmp_path / "nowhere" / "a.hgx")
    assert caught.value.hint
    (tmp_path / "taken.hgx").mkdir()
    with pytest.raises(InputError):
        write(file, tmp_path / "taken.hgx")
    _no_leftovers(tmp_path, "film.hgx", "taken.hgx")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written"):
        write(read(path), folder / "a.hgx")


def test_a_full_disk_leaves_the_old_file(path: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    file = read(path)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(ResourcesSpent, match="cannot be written") as caught:
            write(file.with_results(values=[12.0]), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.exit_code == 4
    assert path.read_bytes() == before
    _no_leftovers(tmp_path, "film.hgx")


def test_permissions_and_links_are_kept(path: Path, tmp_path: Path) -> None:
    path.chmod(0o640)
    link = tmp_path / "latest.hgx"
    link.symlink_to(path.name)
    write(read(path).with_results(values=[12.0]), link)
    assert link.is_symlink()
    assert read(path).table[0].value == 12.0
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


# files that lead elsewhere, run in circles, or lie about their size


def _replace(name: str, value: Any, **options: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, data=value, **options)

    return change


def _external_link(file: h5py.File) -> None:
    del file["current/script"]
    file["current/script"] = h5py.ExternalLink("/etc/passwd", "/")


def _external_link_elsewhere(file: h5py.File) -> None:
    file["0001-store/x"] = h5py.ExternalLink("other.h5", "/x")


def _external_data(file: h5py.File) -> None:
    del file["current/data/datasets/0/x"]
    file["current/data/datasets/0"].create_dataset("x", (10,), "f8", external=[("/etc/passwd", 0, 80)])


def _virtual_data(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((10,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (10,))
    del file["current/data/datasets/0/x"]
    file.create_virtual_dataset("current/data/datasets/0/x", layout)


def _soft_link_loop(file: h5py.File) -> None:
    del file["current/data/datasets/0/x"]
    file["current/data/datasets/0/x"] = h5py.SoftLink("/current/data/datasets/0/x")


def _soft_link_ring(file: h5py.File) -> None:
    file["current/a"] = h5py.SoftLink("b/x")
    file["current/b"] = h5py.SoftLink("/current/a/x")


def _huge(file: h5py.File) -> None:
    del file["current/data/datasets/0/x"]
    file["current/data/datasets/0"].create_dataset("x", (10**13,), "f8", chunks=(10**6,))


def _huge_contiguous(file: h5py.File) -> None:
    del file["current/data/datasets/0/x"]
    file["current/data/datasets/0"].create_dataset("x", (10**15,), "f8")


def _huge_text(file: h5py.File) -> None:
    del file["current/parameters/data col 0"]
    file["current/parameters"].create_dataset("data col 0", (10**12,), h5py.string_dtype(), chunks=(10**6,))


def _huge_chunk(file: h5py.File) -> None:
    del file["current/data/datasets/0/x"]
    group = file["current/data/datasets/0"]
    group.create_dataset("x", (10,), "f8", chunks=(10**8,), maxshape=(None,), compression=9)


def _deep(file: h5py.File) -> None:
    file["current/" + "/".join("a" * 100)] = 1


def _group_for_data(file: h5py.File) -> None:
    del file["current/script"]
    file.create_group("current/script")


def _data_for_group(file: h5py.File) -> None:
    del file["current/data"]
    file["current/data"] = 1.0


def _gap(file: h5py.File) -> None:
    file.move("current/data/datasets/1", "current/data/datasets/7")


REFUSED = {
    "external link": (_external_link, "another file"),
    "external link elsewhere": (_external_link_elsewhere, "another file"),
    "external data": (_external_data, "another file"),
    "virtual data": (_virtual_data, "another file"),
    "soft link loop": (_soft_link_loop, "circles"),
    "soft link ring": (_soft_link_ring, "circles"),
    "huge": (_huge, "declares"),
    "huge contiguous": (_huge_contiguous, "declares"),
    "huge text": (_huge_text, "declares"),
    "huge chunk": (_huge_chunk, "declares"),
    "deep": (_deep, "nested"),
    "group for data": (_group_for_data, "not a data set"),
    "data for group": (_data_for_group, "not a group"),
    "gap": (_gap, "number 1 is missing"),
    "script as number": (_replace("current/script", 3.0), "not text"),
    "script as list": (_replace("current/script", ["a", "b"], dtype=h5py.string_dtype()), "not one text"),
    "numbers as text": (
        _replace("current/parameters/data col 1", ["a", "b", "c"]),
        "not an array of numbers",
    ),
    "complex x": (_replace("current/data/datasets/0/x", np.ones(10, complex)), "not an array of numbers"),
    "record x": (
        _replace("current/data/datasets/0/x", np.zeros(10, [("a", "f8")])),
        "not an array of numbers",
    ),
    "name as number": (_replace("current/data/datasets/0/name", 1), "not text"),
    "use as array": (_replace("current/data/datasets/0/use", [True, False]), "not one number"),
    "null script": (_replace("current/script", h5py.Empty(h5py.string_dtype())), "not filled"),
    "lzf": (_replace("current/data/datasets/0/x", np.ones(10), compression="lzf"), "gzip"),
}


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: c.replace(" ", "_"))
def test_what_no_genx_file_holds_is_refused(case: str, path: Path) -> None:
    change, words = REFUSED[case]
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(FileFormatError, match=words) as caught:
        read(path)
    assert "film.hgx" in str(caught.value)
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_a_chunk_that_inflates_to_more_than_it_says(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["current/data/datasets/0/x"]
        made = file["current/data/datasets/0"].create_dataset("x", (1000,), "f8", chunks=(1000,), compression=9)
        made.id.write_direct_chunk((0,), zlib.compress(bytes(50 * 2**20), 9))
    with pytest.raises(FileFormatError, match="wrong size"):
        read(path)


def test_groups_in_a_ring_of_hard_links(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["current/again"] = file["current"]
    assert read(path).script == example().script


def test_table_columns_of_different_lengths(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        _replace("current/parameters/data col 3", [1.0])(file)
    with pytest.raises(InputError, match="Parameter 3, Value 3, Fit 3, Min 1, Max 3, Error 3"):
        read(path)


def test_columns_of_different_lengths(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        _replace("current/data/datasets/0/y", [1.0, 2.0])(file)
    with pytest.raises(InputError, match=r"data set 'film': .*x 10, y 2, error 10"):
        read(path)


def test_hdf5_that_is_no_genx_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data"] = np.arange(3)
    with pytest.raises(FileFormatError, match="no group 'current'"):
        read(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("current")
    with pytest.raises(FileFormatError, match="no script"):
        read(tmp_path / "a.h5")


# files that are no files


def test_missing_empty_folder_and_unreadable(tmp_path: Path, path: Path) -> None:
    with pytest.raises(FileFormatError, match="no such file") as caught:
        read(tmp_path / "fim.hgx")
    assert "Did you mean film.hgx?" in str(caught.value)
    with pytest.raises(FileFormatError, match="no such file"):
        read(tmp_path / "no" / "folder.hgx")
    with pytest.raises(FileFormatError, match="a folder"):
        read(tmp_path)
    (tmp_path / "empty.hgx").touch()
    with pytest.raises(FileFormatError, match="is empty"):
        read(tmp_path / "empty.hgx")
    with pytest.raises(FileFormatError):
        read("a\0b")
    with pytest.raises(FileFormatError):
        read("x" * 5000)
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        path.chmod(0)
        with pytest.raises(FileFormatError, match="cannot be read"):
            read(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.hgx", b"rubbish", "damaged or was cut off"),
        ("a.txt", b"1 2 3\n", "A GenX file is"),
        ("a.ort", b"# # ORSO reflectivity data file", "ORSO data file"),
        ("a.yaml", b"model: {file: film.hgx}", "an experiment"),
        ("a.gz", b"\x1f\x8b\x08", "compressed"),
    ],
)
def test_other_files(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match="not a GenX file") as caught:
        read(tmp_path / name)
    assert words in str(caught.value)


def test_cut_off_anywhere(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    for length in [1, 8, 50, 100, *range(500, len(content) - 1, len(content) // 40), len(content) - 1]:
        (tmp_path / "cut.hgx").write_bytes(content[:length])
        with pytest.raises(FileFormatError) as caught:
            read(tmp_path / "cut.hgx")
        assert "cut.hgx" in str(caught.value)
