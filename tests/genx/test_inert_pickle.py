"""The inert reader: agrees with pickle on plain values, and never runs anything."""

from __future__ import annotations

import collections
import contextlib
import datetime
import io
import pickle
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metagenx.genx import inert_pickle
from metagenx.genx.inert_pickle import Inert, UnsafePickle, loads, reference

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.integers(min_value=-(2**300), max_value=2**300),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers() | st.booleans(), inner)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.lists(inner, min_size=4).map(tuple)
    ),
    max_leaves=25,
)


@given(PLAIN, st.integers(min_value=0, max_value=5))
@settings(max_examples=300, deadline=None)
def test_plain_values_come_back_from_every_protocol(value: Any, protocol: int) -> None:
    assert loads(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array",
    [
        np.linspace(0.0, 1.0, 7),
        np.arange(12, dtype=np.int32).reshape(3, 4),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.array([1.5, -2.0], dtype=">f8"),
        np.array([True, False]),
        np.zeros((0, 2)),
        np.array(2.5),
        np.array(["ab", "c"]),
        np.array([1 + 2j]),
    ],
    ids=lambda a: f"{a.dtype.str}{a.shape}",
)
def test_arrays_come_back_from_every_protocol(array: np.ndarray, protocol: int) -> None:
    read = loads(pickle.dumps([array, array], protocol))
    for copy in read:
        assert copy.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(copy, array)


@pytest.mark.parametrize("protocol", range(6))
def test_scalars_of_numpy_become_plain_numbers(protocol: int) -> None:
    read = loads(pickle.dumps([np.float64(2.5), np.int32(3), np.bool_(True)], protocol))
    assert read == [2.5, 3, True]
    assert [type(v) for v in read] == [float, int, bool]


def test_python_2_text_is_latin_1() -> None:
    # S'\xb0' of protocol 0 and U of protocol 1, as Python 2 wrote a byte string.
    assert loads(b"S'2\\xb0'\np1\n.") == "2°"
    assert loads(b"U\x022\xb0.") == "2°"
    assert loads(b"I01\n.") is True
    assert loads(b"I00\n.") is False
    assert loads(b"L-12345678901234567890L\n.") == -12345678901234567890


def test_old_style_instance_of_python_2() -> None:
    read = loads(b"(idata\nDataSet\np1\n(dp2\nS'name'\np3\nS'x'\nsb.")
    assert isinstance(read, Inert)
    assert (read.module, read.name, read.attributes) == ("data", "DataSet", {"name": "x"})


@pytest.mark.parametrize("protocol", range(6))
def test_objects_are_stand_ins_with_their_state(protocol: int) -> None:
    read = loads(pickle.dumps(collections.Counter("aab"), protocol))
    assert isinstance(read, Inert)
    assert read.name == "Counter"
    moment = loads(pickle.dumps(datetime.date(2026, 1, 2), protocol))
    assert isinstance(moment, Inert)
    assert repr(moment) == "<inert datetime.date>"


def test_a_function_is_only_its_name() -> None:
    assert reference(loads(b"cgenx.fom_funcs\nlog\n.")) == ("genx.fom_funcs", "log")
    assert reference(loads(b"\x8c\x01a\x8c\x01b\x93.")) == ("a", "b")
    assert reference("log") is None


def _calls(marker: Path) -> dict[str, bytes]:
    """Pickles that would make `marker` if anything of them ran."""
    command = f"touch {marker}"
    code = f"open({str(marker)!r}, 'w')"

    def text(value: str) -> bytes:
        raw = value.encode()
        return b"X" + struct.pack("<I", len(raw)) + raw

    reduce_ = b"cos\nsystem\n" + text(command)
    return {
        "REDUCE": reduce_ + b"\x85R.",
        "REDUCE protocol 4": b"\x80\x04" + text("os") + text("system") + b"\x93" + text(command) + b"\x85R.",
        "INST": b"(" + text(command) + b"ios\nsystem\n.",
        "OBJ": b"(cos\nsystem\n" + text(command) + b"o.",
        "NEWOBJ": b"csubprocess\nPopen\n((" + text("touch") + text(str(marker)) + b"lt\x81.",
        "NEWOBJ_EX": b"csubprocess\nPopen\n((" + text("touch") + text(str(marker)) + b"lt}\x92.",
        "eval": b"cbuiltins\neval\n" + text(code) + b"\x85R.",
        "exec in Python 2": b"c__builtin__\nexecfile\n" + text(code) + b"\x85R.",
        "BUILD with __setstate__": b"cos\nsystem\n)\x81" + text(command) + b"b.",
        "BUILD with slots": b"ccollections\nCounter\n)\x81N}" + text("__class__") + b"cos\nsystem\ns\x86b.",
        "call of a result": b"cbuiltins\ngetattr\ncos\nX\x06\x00\x00\x00system\x86R" + text(command) + b"\x85R.",
        "dotted name": b"\x80\x04" + text("os") + text("path.os.system") + b"\x93" + text(command) + b"\x85R.",
        "copyreg": b"ccopyreg\n_reconstructor\n(cos\nsystem\nc__builtin__\nobject\n" + text(command) + b"tR.",
        "copyreg newobj": b"ccopyreg\n__newobj__\n(csubprocess\nPopen\n" + text(command) + b"tR.",
        "numpy load": b"cnumpy\nload\n(" + text(str(marker)) + b"tR.",
        "numpy f2py": b"cnumpy.f2py\ncompile\n" + text(code) + b"\x85R.",
        "numpy runstring": b"cnumpy.testing._private.utils\nrunstring\n" + text(code) + b"}\x86R.",
        "numpy scalar of objects": b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\x01OI0\nI1\ntR"
        + reduce_
        + b"\x85RtR.",
        "memo": reduce_ + b"\x85Rq\x000h\x00.",
        "in a dictionary": b"}X\x01\x00\x00\x00a" + reduce_ + b"\x85Rs.",
        "after the end": b"N." + reduce_ + b"\x85R.",
    }


def test_nothing_runs(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    for name, data in _calls(marker).items():
        try:
            read = loads(data)
        except UnsafePickle:
            continue
        assert read is None or isinstance(read, Inert | dict), name
    assert not marker.exists()


def test_one_of_these_would_run_in_pickle(tmp_path: Path) -> None:
    # The test above is worth something only if its material is.
    marker = tmp_path / "executed"
    pickle.loads(_calls(marker)["REDUCE"])
    assert marker.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"N",
        b"\x80\x04",
        b"X\xff\xff\xff\xff.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"h\x07.",
        b"g9\n.",
        b"R.",
        b"t.",
        b"(.",
        b"(b.",
        b"]Na",
        b"Na.",
        b"N}s.",
        b"I12x\n.",
        b"F1.2.3\n.",
        b"S'open\n.",
        b"Pid\n.",
        b"NQ.",
        b"\x82\x01.",
        b"\x97.",
        b"\xff.",
        b"}(NNNu.",
        b"}]Ns.",
        b"}((NtNtNs.",
        b"I" + b"9" * 5000 + b"\n.",
        b"\x8b\xff\xff\xff\x7f.",
        b"\x8b" + struct.pack("<i", -5) + b".",
        pickle.dumps(np.arange(3.0))[:-40] + b".",
        b"cnumpy\ndtype\n)R.",
        b"cnumpy.core.multiarray\nscalar\n)R.",
        b"V\\ud800\\uzzzz\n.",
    ],
)
def test_damage_is_one_kind_of_error(data: bytes) -> None:
    with pytest.raises(UnsafePickle):
        loads(data)


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None)
def test_any_bytes_give_a_value_or_that_error(data: bytes) -> None:
    with contextlib.suppress(UnsafePickle):
        loads(data)


@given(PLAIN, st.integers(0, 4), st.data())
@settings(max_examples=300, deadline=None)
def test_any_change_gives_a_value_or_that_error(value: Any, protocol: int, data: st.DataObject) -> None:
    content = bytearray(pickle.dumps([value, np.arange(3.0)], protocol))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UnsafePickle):
        loads(bytes(content))


def test_bombs_do_not_explode() -> None:
    start = time.process_time()
    deep = b"]" * 100_000 + b"a" * 99_999 + b"."
    assert isinstance(loads(deep), list)
    nested_tuples = b")" + b"\x85" * 100_000 + b"."
    assert isinstance(loads(nested_tuples), tuple)
    # Each list holds the one before it twice: harmless to hold, endless to walk, hash or print.
    doubled: list[Any] = []
    for _ in range(200):
        doubled = [doubled, doubled]
    assert isinstance(loads(pickle.dumps(doubled)), list)
    with pytest.raises(UnsafePickle, match="nested deeper"):
        loads(b"(" * 2000)
    with pytest.raises(UnsafePickle, match="dictionary key"):
        loads(b"})" + b"\x85" * 50 + b"Ns.")
    huge_memo = b"Nr\xff\xff\xff\xff."
    assert loads(huge_memo) is None
    assert time.process_time() - start < 5.0


def test_an_array_repeated_from_the_memo_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inert_pickle, "MAX_BYTES", 10_000)
    # Python 2 wrote the bytes as text, once; every array made of it needs a copy, so their sum is limited.
    text = b"U\xf0" + b"a" * 240 + b"q\x00"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
        b"(I1\n(I30\ntcnumpy\ndtype\n(S'f8'\nI0\nI1\ntRI00\nh\x00tb"
    )
    assert loads(text + array + b".").shape == (30,)
    with pytest.raises(UnsafePickle, match="bytes"):
        loads(text + b"(" + array * 50 + b"t.")


def test_too_many_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inert_pickle, "MAX_OPCODES", 100)
    with pytest.raises(UnsafePickle, match="instructions"):
        loads(b"N0" * 100 + b"N.")


def test_array_of_objects_is_a_stand_in() -> None:
    read = loads(pickle.dumps({"a": np.array([None, {}], dtype=object), "b": np.arange(2)}))
    assert isinstance(read["a"], Inert)
    np.testing.assert_array_equal(read["b"], [0, 1])
    record = loads(pickle.dumps(np.zeros(2, dtype=[("a", "f8")])))
    assert isinstance(record, Inert)


def test_shape_must_fit_content() -> None:
    stream = io.BytesIO()
    pickle.dump(np.arange(4.0), stream, 4)
    damaged = stream.getvalue().replace(b"K\x04\x85", b"K\x05\x85")
    assert damaged != stream.getvalue()
    with pytest.raises(UnsafePickle, match="shape"):
        loads(damaged)
