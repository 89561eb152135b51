"""Text that is evaluated, or nearly, in files from strangers: expressions that would make a file must not.

Rows of the table, data commands, names of columns, options, figures of merit, headers of ORSO files, experiments.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from metagenx.errors import InputError, MetagenxError
from metagenx.genx import file as genx_file
from metagenx.genx.data import DataList, DataSet, run_commands
from metagenx.genx.file import GenxFile, Row
from metagenx.genx.loaders import read_data
from metagenx.genx.model import Model
from metagenx.meta.experiment import load_experiment

SCRIPT = "import numpy as np\nvalue = 1.0\ndef setValue(v):\n    pass\ndef Sim(data):\n    return [d.x for d in data]\n"

# Each makes @CANARY@ when Python evaluates it, with x an array; the test below sees to that.
ATTEMPTS = {
    "open": "open('@CANARY@', 'w')",
    "import": "__import__('pathlib').Path('@CANARY@').touch()",
    "eval": 'eval(\'open("@CANARY@", "w")\')',
    "exec": 'exec(\'open("@CANARY@", "w")\')',
    "compile": "eval(compile('open(\"@CANARY@\", \"w\")', 'a', 'eval'))",
    "method of an array": "x.tofile('@CANARY@')",
    "pickle of an array": "x.dump('@CANARY@')",
    "getattr": "getattr(x, 'to' + 'file')('@CANARY@')",
    "class chain": "[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == 'BuiltinImporter'][0]"
    ".load_module('posix').open('@CANARY@', 65, 384)",
    "class of an array": "x.__class__.tofile(x, '@CANARY@')",
    "globals of a function": "(lambda: 0).__globals__['__builtins__']['open']('@CANARY@', 'w')",
    "builtins of a builtin": "abs.__self__.open('@CANARY@', 'w')",
    "frame of a generator": "(lambda g: g.gi_frame.f_builtins['open']('@CANARY@', 'w'))(i for i in x)",
    "comprehension": "[f('@CANARY@', 'w') for f in [open]]",
    "conditional": "open('@CANARY@', 'w') if True else x",
    "walrus": "(f := open)('@CANARY@', 'w')",
    "lambda": "(lambda f: f('@CANARY@', 'w'))(open)",
    "f-string": "f\"{open('@CANARY@', 'w')}\"",
    "map": "list(map(open, ['@CANARY@'], ['w']))",
    "sorted key": "sorted(['@CANARY@'], key=lambda name: open(name, 'w') and 0)",
    "numpy": "__import__('numpy').save('@CANARY@', x) or open('@CANARY@', 'w')",
    "ctypes of numpy": "__import__('numpy').ctypeslib.ctypes.CDLL(None).creat(b'@CANARY@', 420)",
    "metaclass": "type('A', (), {'__getattr__': lambda s, n: open('@CANARY@', 'w')})().any",
    "operator": "type('A', (), {'__add__': lambda s, o: open('@CANARY@', 'w')})() + 1",
}


def attempt(name: str, canary: Path) -> str:
    return ATTEMPTS[name].replace("@CANARY@", str(canary))


def film(**changes: object) -> GenxFile:
    x = np.linspace(0.1, 1.0, 5)
    data = DataList([DataSet("film", x, x, 0.1 * x, extra={"res": 0.01 * x})])
    fields: dict[str, object] = {"script": SCRIPT, "table": [Row("setValue", 1.0, True, 0.0, 2.0)], "data": data}
    return GenxFile(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_attempt_is_real(name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    eval(attempt(name, canary), {"x": np.arange(3.0), "__builtins__": vars(builtins)})
    assert canary.exists()


def row_name(text: str, place: Path) -> None:
    genx_file.write(film(table=[Row(text, 1.0, True, 0.0, 2.0)]), place / "film.hgx")
    model = Model(genx_file.read(place / "film.hgx"))
    model.simulate()
    model.problem()


def data_command(text: str, place: Path) -> None:
    (first,) = film().data
    x, y, error, extra = (first.copy() for _ in range(4))
    x.x_command = y.y_command = error.error_command = extra.extra_commands["res"] = text
    genx_file.write(film(data=DataList([x, y, error, extra])), place / "film.hgx")
    for dataset in genx_file.read(place / "film.hgx").data:
        with contextlib.suppress(InputError):
            run_commands(dataset)


def column_name(text: str, place: Path) -> None:
    x = np.linspace(0.1, 1.0, 5)
    file = film(data=DataList([DataSet("film", x, x, x, extra={text.replace("/", "∕"): x})]))
    genx_file.write(file, place / "film.hgx")
    read = genx_file.read(place / "film.hgx")
    run_commands(read.data[0])
    Model(read).simulate()


def options(text: str, place: Path) -> None:
    solver = {"km": text, "create trial": text, "figure of merit": text, "%(km)s": "%(km)s", "pop size": "${km}"}
    genx_file.write(film(options={"solver": solver}), place / "film.hgx")
    model = Model(genx_file.read(place / "film.hgx"))
    assert model.options
    model.fom()


def fom_name(text: str, place: Path) -> None:
    genx_file.write(film(fom_name=text), place / "film.hgx")
    Model(genx_file.read(place / "film.hgx")).fom()


def orso_header(text: str, place: Path) -> None:
    head = "# # ORSO reflectivity data file | 1.0 standard | YAML encoding | https://www.reflectometry.org/\n"
    tags = ["!!python/object/apply:builtins.eval", "!!python/name:os.system", "!!python/object/new:os.system", ""]
    for tag in tags:
        value = f"{tag} ['{text.replace(chr(39), chr(39) * 2)}']"
        path = place / "film.ort"
        path.write_text(f"{head}# data_source: {value}\n# columns:\n# - {{name: Qz}}\n# - {{name: R}}\n0.1 1\n0.2 1\n")
        with contextlib.suppress(InputError):
            read_data(path)


def header_of_text(text: str, place: Path) -> None:
    (place / "film.dat").write_text(f"# {text}\n# x {text} R\n{text}\n0.1 1 1\n0.2 1 1\n")
    read_data(place / "film.dat")


def experiment(text: str, place: Path) -> None:
    genx_file.write(film(), place / "film.hgx")
    quoted = "'" + text.replace("'", "''") + "'"
    for content in (
        f"model: {{file: film.hgx, fom: {quoted}}}\n",
        f"model: {{file: film.hgx}}\nseed: {quoted}\nbudget: {{hours: {quoted}}}\n",
        f"model: {{file: film.hgx}}\ntest: {{repeats: {quoted}, start: {{perturb: {quoted}}}}}\n",
        f"model: {{file: film.hgx}}\nname: !!python/object/apply:builtins.eval [{quoted}]\n",
        f"model: {{file: film.hgx}}\nsearch_space: {{version: 1, parameters: {{km: {{float: [{quoted}, 1]}}}}}}\n",
        f"model: {{file: film.hgx}}\nsearch_space:\n  version: 1\n  forbid:\n    - {{km: {quoted}}}\n",
    ):
        (place / "film.yaml").write_text(content)
        with contextlib.suppress(MetagenxError):
            load_experiment(place / "film.yaml", [f"tune.trials={text}"])
        with contextlib.suppress(MetagenxError):
            load_experiment(place / "film.yaml")


def condition_on_atoms(text: str, place: Path) -> None:
    from metagenx.genx.models.atom_selection import Condition

    atom = {"x": 0.1, "y": 0.2, "z": 0.3, "u": 0.4, "oc": 1.0, "el": "o2m", "id": "a"}
    Condition(text).holds(atom)


FIELDS: tuple[Callable[[str, Path], None], ...] = (
    row_name, data_command, column_name, options, fom_name, orso_header, header_of_text, experiment,
    condition_on_atoms,
)  # fmt: skip


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.__name__)
def test_no_field_is_run(field: Callable[[str, Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    for name in ATTEMPTS:
        canary = tmp_path / "canary"
        with contextlib.suppress(InputError):
            field(attempt(name, canary), place)
        assert not canary.exists(), name
    assert {path.name for path in place.iterdir()} <= {"film.hgx", "film.ort", "film.dat", "film.yaml"}
