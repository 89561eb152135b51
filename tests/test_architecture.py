"""The public surface, the direction of imports and the doors of third parties are what docs/architecture.md says."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import metagenx

PACKAGE = Path(metagenx.__file__).parent

# Each layer may import from itself and from the layers named here.
MAY_IMPORT = {
    "errors": set(),
    "physics": {"errors"},
    "genx": {"errors", "physics"},
    "experience": {"errors", "genx"},
    "fitting": {"errors", "physics", "genx", "experience"},
    "meta": {"errors", "genx", "experience", "fitting", "runs"},
    "runs": {"errors", "genx", "fitting", "meta"},
    "report": {"errors", "genx", "fitting", "meta", "runs"},
    "live": {"errors", "physics", "genx", "fitting", "meta", "runs", "report"},
    "serve": {"errors", "physics", "genx", "fitting", "meta", "runs", "report", "live"},
    "doctor": {"errors", "physics", "genx", "fitting", "meta", "runs", "report"},
    "cluster": {"errors", "genx", "fitting", "meta", "runs", "report"},
    "cli": {"errors", "physics", "genx", "fitting", "meta", "runs", "report", "doctor", "cluster", "serve"}
    | {"cli_cluster", "cli_experience", "cli_live", "cli_metatune", "cli_serve", "cli_space", "supervisor"},
    "supervisor": {"errors"},
    "cli_serve": {"errors", "report", "serve", "cli"},
    "cli_experience": {"errors", "experience", "meta", "report", "cli"},
    "cli_metatune": {"errors", "meta", "report", "cli"},
    "cli_space": {"errors", "meta", "report", "cli"},
    "cli_live": {"errors", "meta", "report", "live", "cli"},
    "cli_cluster": {"errors", "runs", "report", "cluster", "cli"},
    "__main__": {"cli"},
    "__init__": {"genx", "fitting", "meta"},
}

# Third-party libraries with one door.
DOORS = {
    "ray": {"meta", "doctor", "cluster"},
    "h5py": {"genx"},
    "click": {"cli", "cli_cluster", "cli_experience", "cli_live", "cli_metatune", "cli_serve", "cli_space"},
    "rich": {"report", "cli"},
    "bokeh": {"report"},
    "jinja2": {"report"},
    "pydantic": {"meta", "serve"},
    "yaml": {"genx", "meta", "runs", "cli", "cluster", "serve"},
    "numba": {"physics", "doctor"},
    "orsopy": {"physics", "genx"},
    "optuna": {"meta"},
    "bumps": {"fitting"},
    "pyarrow": {"experience"},
}


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, f"{path.name} line {node.lineno}: relative imports stay in their folder"
            here = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts[:-1])
            yield f"{here}.{node.module or ''}" if node.level else node.module or ""


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way_and_through_one_door(path: Path) -> None:
    layer = _layer(path)
    for name in _imports(path):
        top, *rest = name.split(".")
        if top == "metagenx" and rest and rest[0] != layer:
            assert rest[0] in MAY_IMPORT[layer], f"{layer} imports {name}"
        if top in DOORS:
            assert layer in DOORS[top], f"{layer} imports {name}: its door is {DOORS[top]}"
        assert top not in {"genx", "genx3", "pickle", "dill", "cloudpickle"} or path.name == "inert_pickle.py", name


def test_no_module_is_called_utils() -> None:
    assert not [path for path in _modules() if path.stem in {"utils", "helpers", "misc", "common"}]


def test_public_surface() -> None:
    assert sorted(metagenx.__all__) == ["Model", "Settings", "batch", "fit", "load", "repeat", "tune"]
    for name in metagenx.__all__:
        assert callable(getattr(metagenx, name)), name


def test_importing_metagenx_imports_nothing_heavy() -> None:
    heavy = {"numpy", "numba", "scipy", "pandas", "ray", "pydantic", "rich", "bokeh", "h5py"}
    code = f"import sys, metagenx; print(sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == "[]"
