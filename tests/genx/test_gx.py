"""Reading old .gx files: content, defaults, damage, and code that must not run."""

from __future__ import annotations

import json
import pickle
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from old_files import SCRIPT, filled, genx_classes, members, zipped

from metagenx.errors import FileFormatError, InputError
from metagenx.genx import gx
from metagenx.genx.file import Row, read, write


def _saved(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "film.gx"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
def test_content(new: bool, protocol: int, tmp_path: Path) -> None:
    file = read(_saved(tmp_path, zipped(members(new=new, protocol=protocol))))
    assert (file.kind, file.source, file.script) == ("gx", None, SCRIPT)
    assert file.fom_name == file.fom_function == "log"
    assert file.table == [
        Row("a.setD", 10.0, True, 5.0, 20.0, "-"),
        Row("", 0.0, False, 0.0, 0.0, "-"),
        Row("b", 3.5, False, 1.0, 7.0, "None"),
    ]
    (dataset,) = file.data
    x = np.linspace(0.1, 1.0, 10)
    assert_array_equal(dataset.x, x)
    assert_array_equal(dataset.y_sim, 3.0 * x)
    assert_array_equal(dataset.res, 0.01 * x)
    assert_array_equal(dataset.res_raw, 0.01 * x)
    assert list(dataset.extra_data) == ["res"]
    assert (dataset.name, dataset.use, dataset.show, dataset.cols) == ("film", True, False, (0, 1, 2))
    assert dataset.plot_style["data_color"] == (0.0, 0.0, 1.0)
    assert_array_equal(file.optimizer.fom_log, [[0.0, 1.0], [1.0, 0.5]])
    # The config wins; what it does not say, the pickled optimiser does.
    assert file.options["solver"] == {"km": "0.6", "pop mult": "4", "use boundaries": "False"}
    assert file.notices == []
    if new:
        assert dataset.meta == {"data_source": {"owner": {"name": "GenX"}}, "n": 3}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_content_tells_the_format_not_the_name(compression: int, tmp_path: Path) -> None:
    path = tmp_path / "film.hgx"
    path.write_bytes(zipped(members(), compression))
    assert read(path).kind == "gx"


def test_optional_members(tmp_path: Path) -> None:
    file = read(_saved(tmp_path, zipped(members(config=None, optimizer=None, fomfunction=None))))
    assert file.fom_name == "log"
    assert "'log' is used" in file.notices[0]
    assert file.options == {}
    assert file.optimizer.fom_log.shape == (0, 2)


def test_legacy_files_have_their_known_content(shared: Path) -> None:
    folder = shared / "genx_files"
    records = json.loads((folder / "legacy_expected.json").read_text(encoding="utf-8"))
    for record in records:
        file = read(folder / record["file"])
        assert file.script == record["script"]
        assert file.fom_name == record["fom_function"]
        rows = [[r.name, r.value, r.fit, r.minimum, r.maximum, r.error] for r in file.table]
        assert rows == record["parameters"]
        assert [d.name for d in file.data] == [d["name"] for d in record["datasets"]]
        for dataset, known in zip(file.data, record["datasets"], strict=True):
            assert (dataset.use, dataset.use_error) == (known["use"], known["use_error"])
            assert list(dataset.extra_data) == known["extra"]
            commands = (dataset.x_command, dataset.y_command, dataset.error_command, dataset.extra_commands)
            expected = ("x_command", "y_command", "error_command", "extra_commands")
            assert commands == tuple(known[name] for name in expected)
    assert len(records) >= 7


def test_old_and_new_form_of_an_example_agree(shared: Path) -> None:
    folder = shared / "genx_files"
    for name in ("SXRD", "SuperAdam_SiO"):
        old, new = read(folder / f"{name}.gx"), read(folder / f"{name}.hgx")
        assert old.table == new.table
        for a, b in zip(old.data, new.data, strict=True):
            assert_array_equal(a.x, b.x)
            assert_array_equal(a.y, b.y)
            assert_array_equal(a.error, b.error)


def test_text_that_hdf5_cannot_store_is_cleaned(tmp_path: Path) -> None:
    with genx_classes("genx.") as c:
        x = np.arange(3.0)
        extra = {"big": [10**400], "list": [1, 2, 3], "a/b": x, ".": x, "": x, "\0": x, "good": x}
        meta = {"\ud800": 1, "huge": 10**40, "..": 2, "fine": "\0ok"}
        dataset = filled(c["DataSet"], name="\0n", x=x, y=x, error=x, extra_data=extra, meta=meta, cols=(10**40, 1, 1))
        data = pickle.dumps(filled(c["DataList"], items=[dataset]))
    script = pickle.dumps("a = 1\0\ud800\n".encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass"))
    write(read(_saved(tmp_path, zipped(members(script=script, data=data)))), tmp_path / "out.hgx")
    again = read(tmp_path / "out.hgx")
    assert again.script == "a = 1?\n"
    assert set(again.data[0].extra_data) == {"list", "good"}
    assert again.data[0].meta == {"fine": "ok"}


# hostile


def _call(command: str) -> bytes:
    return b"cos\nsystem\nX" + struct.pack("<I", len(command)) + command.encode() + b"\x85R."


@pytest.mark.parametrize("member", ["data", "script", "parameters", "fomfunction", "optimizer"])
def test_a_pickle_that_wants_to_run_code_does_not(member: str, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    replaced: dict[str, Any] = {member: _call(f"touch {marker}")}
    path = _saved(tmp_path, zipped(members(**replaced)))
    if member in ("data", "script", "parameters"):
        with pytest.raises(FileFormatError, match=r"'os\.system' \(which was not made\)") as caught:
            read(path)
        assert "film.gx" in str(caught.value)
        assert caught.value.hint
        assert caught.value.exit_code == 2
    else:
        assert read(path).notices
    assert not marker.exists()


def test_code_among_the_data_sets_and_in_the_table(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    command = f"touch {marker}"
    text = b"X" + struct.pack("<I", len(command)) + command.encode()
    items = b"cgenx.data\nDataList\n)\x81}X\x05\x00\x00\x00items](cos\nsystem\n" + text + b"\x85Resb."
    with pytest.raises(FileFormatError, match=r"os\.system"):
        read(_saved(tmp_path, zipped(members(data=items))))
    rows = b"cgenx.parameters\nParameters\n)\x81}X\x05\x00\x00\x00_data](cos\nsystem\n" + text + b"\x85Resb."
    with pytest.raises(FileFormatError, match="row 1"):
        read(_saved(tmp_path, zipped(members(parameters=rows))))
    assert not marker.exists()


def test_a_zip_bomb_is_not_inflated(tmp_path: Path) -> None:
    bomb = zipped(members(script=b"X" + bytes(3 * gx.MAX_MEMBER_BYTES)), zipfile.ZIP_DEFLATED)
    assert len(bomb) < 10**6
    start = time.process_time()
    with pytest.raises(FileFormatError, match="inflates to more than"):
        read(_saved(tmp_path, bomb))
    assert time.process_time() - start < 5.0


def test_one_array_a_thousand_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gx, "MAX_ARRAY_BYTES", 5_000)
    content = members(data=_data_with_extra({f"c{i}": np.arange(10.0) for i in range(100)}))
    with pytest.raises(FileFormatError, match="its arrays have more than"):
        read(_saved(tmp_path, zipped(content)))


def _data_with_extra(columns: dict[str, np.ndarray]) -> bytes:
    with genx_classes("genx.") as c:
        dataset = filled(c["DataSet"], name="a", extra_data=columns)
        return pickle.dumps(filled(c["DataList"], items=[dataset]))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unused_compressions_are_refused(compression: int, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="compression"):
        read(_saved(tmp_path, zipped(members(), compression)))


# damaged


@pytest.mark.parametrize("name", ["data", "script", "parameters"])
def test_a_missing_member(name: str, tmp_path: Path) -> None:
    replaced: dict[str, Any] = {name: None}
    with pytest.raises(FileFormatError, match=f"no {name}"):
        read(_saved(tmp_path, zipped(members(**replaced))))


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="not a GenX file"):
        read(_saved(tmp_path, zipped({"[Content_Types].xml": b"<xml/>"})))


def test_cut_off_anywhere(tmp_path: Path) -> None:
    content = zipped(members())
    for length in range(1, len(content), 61):
        with pytest.raises(FileFormatError):
            read(_saved(tmp_path, content[:length]))


def test_columns_of_different_lengths(tmp_path: Path) -> None:
    with genx_classes("genx.") as c:
        dataset = filled(c["DataSet"], name="film", x=np.arange(3.0), y=np.arange(4.0), error=np.arange(3.0))
        data = pickle.dumps(filled(c["DataList"], items=[dataset]))
    with pytest.raises(InputError, match=r"film\.gx, data set 'film'.*x 3, y 4, error 3"):
        read(_saved(tmp_path, zipped(members(data=data))))


def test_a_value_that_is_no_number(tmp_path: Path) -> None:
    with genx_classes("") as c:
        parameters = pickle.dumps(filled(c["Parameters"], data=[["a", "much", True, 0, 1, "-"]]))
    with pytest.raises(InputError, match="table row 1"):
        read(_saved(tmp_path, zipped(members(parameters=parameters))))


def test_gx_is_not_written(tmp_path: Path) -> None:
    file = read(_saved(tmp_path, zipped(members())))
    with pytest.raises(InputError, match="not written") as caught:
        write(file, tmp_path / "out.gx")
    assert "out.hgx" in str(caught.value)
    assert not (tmp_path / "out.gx").exists()
