"""Scripts that try to get out: none of them may do anything without --trust.

Each file in `hostile/` begins with how it must end and what it attempts. Where it says `live`, the attempt works in
plain Python, which is tested too: a corpus of attempts that fail anyway would prove nothing. Their proof of success
is a file, the canary.

* refused: found before anything runs;
* guarded: stopped when it touches what it must not;
* fails: an error of the script, with its line;
* stopped: by the time limit;
* harmless: runs, and does nothing.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from metagenx.errors import ScriptError, ScriptRefused
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.script import Limits, ScriptModule, ScriptTimeout, check_script

FILES = sorted((Path(__file__).parent / "hostile").glob("*.script"))
LIMITS = Limits(load=1.0, call=1.0, memory=1 << 29)
NEEDS_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="no limit on memory on this system")


def text_of(path: Path, canary: Path) -> str:
    return path.read_bytes().decode().replace("@CANARY@", str(canary))


def header(path: Path) -> tuple[set[str], bool]:
    """How a script may end, and whether it works in plain Python."""
    match = re.match(r"# ([a-z ]+?)(, live)?: ", path.read_bytes().decode())
    assert match, f"{path.name} has no header"
    return set(match[1].split(" or ")), match[2] is not None


def data() -> DataList:
    return DataList([DataSet("measured", np.arange(3.0), np.ones(3), np.ones(3))])


def run(text: str) -> tuple[str, str]:
    """How a script ends, and with which message."""
    try:
        ScriptModule(text, data(), file="film.hgx", limits=LIMITS)
    except ScriptRefused as error:
        found = check_script(text.replace("\r", "\n"))
        return "refused" if found else "guarded", str(error)
    except ScriptTimeout as error:
        return "stopped", str(error)
    except ScriptError as error:
        return "fails", str(error)
    return "harmless", "film.hgx, script"


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=p.stem, marks=NEEDS_LINUX if p.stem.startswith("memory") else ()) for p in FILES],
)
def test_nothing_gets_out(path: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    before = dict(os.environ), os.getcwd(), np.sin
    ends, message = run(text_of(path, canary))
    assert ends in header(path)[0], message
    assert message.startswith("film.hgx, script")
    assert not canary.exists(), "the script has written a file"
    assert before == (dict(os.environ), os.getcwd(), np.sin)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in FILES if header(p)[1]])
def test_the_attempt_is_real(path: Path, tmp_path: Path) -> None:
    """In a process of its own, with all of Python, the script does write its file."""
    canary = tmp_path / "canary"
    child = os.fork()
    if child == 0:
        try:
            silence = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(silence, stream)
            os.chdir(tmp_path)
            ScriptModule(text_of(path, canary), data(), trust=True)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert canary.exists()


def test_size_of_the_corpus() -> None:
    assert len(FILES) >= 60
    assert sum(header(path)[1] for path in FILES) >= 60


@pytest.mark.parametrize(
    "name",
    [
        "().__class__",
        "data.__class__",
        "open('canary', 'w').write",
        "__import__('os').system",
        "(lambda: 0).__globals__",
        "eval('1')",
        "[x.gi_frame for x in [(i for i in [1])]][0]",
        "getattr(data, 'x')",
        "data[0].x.tofile",
        "data[0].x.dump",
        "data[0].x.ctypes",
        "'{0.__class__}'.format(data)",
        "exec",
        "np.lib.format",
        "__builtins__",
    ],
)
def test_names_of_rows_are_checked_too(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script = ScriptModule("import numpy as np", data())
    with pytest.raises(ScriptRefused):
        script.evaluate(name)
    with pytest.raises((ScriptRefused, ScriptError)):
        script.compile_setter(name)
    assert not list(tmp_path.iterdir())


def test_names_of_columns_do_not_unlock_anything() -> None:
    """The names of columns come from the file as well."""
    sets = DataList([DataSet("a", [1.0], [1.0], [1.0], extra={"tofile": [1.0], "view": [7.0], "f_globals": [1.0]})])
    script = ScriptModule("v = data[0].view", sets)
    assert script.namespace["v"] == 7.0
    for attempt in ("data[0].x.tofile('canary')", "data[0].x.view('O')", "data[0].f_globals"):
        with pytest.raises(ScriptRefused):
            ScriptModule(attempt, sets)


@pytest.mark.parametrize(
    "text",
    [
        "f'{().__class__}'",
        "f'{1:{().__class__}}'",
        "lambda x=().__class__: x",
        "def f(x: ().__class__): pass",
        "def f() -> ().__class__: pass",
        "x: ().__class__ = 1",
        "class A(().__class__): pass",
        "[().__class__ for i in []]",
        "[i for i in [] if i.__class__]",
        "try:\n    pass\nexcept ().__class__: pass",
        "with errstate(().__class__): pass",
        "raise ().__class__",
        "assert 1, ().__class__",
        "del ().__class__",
        "for ().__class__ in []: pass",
        "x = y = ().__class__",
        "x = (z := ().__class__)",
        "print(*().__class__)",
        "print(**().__class__)",
        "x[().__class__]",
        "x[().__class__:]",
        "@property\ndef f(self, __x): pass",
        "def __import__(x): pass",
        "class __x: pass",
        "import math as __m",
        "from math import sin as __s",
        "def f(*__a): pass",
        "def f(**__a): pass",
        "try:\n    pass\nexcept Exception as __e: pass",
        "f(__x=1)",
        "def f():\n    global __builtins__",
        "if True:\n    while False:\n        ().__class__",
    ],
)
def test_no_place_in_the_syntax_is_overlooked(text: str) -> None:
    assert check_script(text)
