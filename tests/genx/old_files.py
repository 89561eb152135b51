"""Old .gx files made for tests: pickles with GenX's class names, of both Python generations."""

from __future__ import annotations

import contextlib
import io
import pickle
import sys
import types
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

SCRIPT = "def Sim(data):\n    return [d.x for d in data]\n"


@contextlib.contextmanager
def genx_classes(prefix: str) -> Iterator[dict[str, Any]]:
    """Classes under GenX's module names, there only while pickling."""
    made: dict[str, Any] = {}
    names = {
        "data": ["DataList", "DataSet"],
        "parameters": ["Parameters", "ParameterRow"],
        "fom_funcs": ["log"],
        "diffev": ["DiffEv", "DiffEvConfig"],
    }
    modules = []
    for module_name, classes in names.items():
        module = types.ModuleType(prefix + module_name)
        sys.modules[prefix + module_name] = module
        modules.append(prefix + module_name)
        for name in classes:
            base = list if name == "ParameterRow" else object
            made[name] = type(name, (base,), {"__module__": prefix + module_name})
            setattr(module, name, made[name])
    try:
        yield made
    finally:
        for name in modules:
            del sys.modules[name]


def filled(cls: Any, **state: Any) -> Any:
    """An object of `cls` with these attributes."""
    value = cls.__new__(cls)
    value.__dict__.update(state)
    return value


def members(*, new: bool = True, protocol: int = 4, **replaced: bytes | None) -> dict[str, bytes]:
    """The members of a .gx with one data set and three rows; `replaced` puts others in, None leaves one out."""
    x = np.linspace(0.1, 1.0, 10)
    with genx_classes("genx." if new else "") as c:
        dataset = filled(
            c["DataSet"],
            name="film",
            x=x,
            y=2.0 * x,
            error=0.1 * x,
            x_raw=x,
            y_raw=2.0 * x,
            error_raw=0.1 * x,
            y_sim=3.0 * x,
            y_fom=0.0 * x,
            x_command="x",
            y_command="y",
            error_command="e",
            extra_data={"res": 0.01 * x, "comment": "kept out"},
            use=True,
            show=0,
            use_error=True,
            cols=(0, 1, 2),
            data_color=(0.0, 0.0, 1.0),
            data_symbol="o",
            data_symbolsize=4,
        )
        rows: list[Any] = [["a.setD", 10.0, True, 5.0, 20.0, "-"], ["", 0.0, False, 0.0, 0.0, "-"]]
        rows.append(["b", np.float64(3.5), 0, 1, 7, "None"])
        if new:
            dataset.extra_data_raw = dict(dataset.extra_data)
            dataset.extra_commands = {"res": "res"}
            dataset.meta = {"data_source": {"owner": {"name": "GenX"}, "list": [1]}, "n": 3, "none": None}
            parameters = filled(c["Parameters"], _data=[c["ParameterRow"](row) for row in rows], model=None)
        else:
            parameters = filled(c["Parameters"], data=rows, data_labels=["Parameter"])
        log = np.array([[0.0, 1.0], [1.0, 0.5]])
        settings = {"km": 0.4, "pop_mult": 4.0, "use_boundaries": False}
        if new:
            optimizer = filled(c["DiffEv"], opt=filled(c["DiffEvConfig"], **settings), fom_log=log)
        else:
            optimizer = filled(c["DiffEv"], fom_log=log, start_guess=np.array([9.0]), **settings)
        content: dict[str, bytes | None] = {
            "data": pickle.dumps(filled(c["DataList"], items=[dataset], _counter=1), protocol),
            "script": pickle.dumps(SCRIPT, protocol),
            "parameters": pickle.dumps(parameters, protocol),
            "fomfunction": pickle.dumps(c["log"], protocol),
            "config": b"[solver]\nkm = 0.6\n",
            "optimizer": pickle.dumps(optimizer, protocol),
        }
    content.update(replaced)
    return {name: value for name, value in content.items() if value is not None}


def zipped(content: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive with these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, value in content.items():
            archive.writestr(name, value)
    return stream.getvalue()
