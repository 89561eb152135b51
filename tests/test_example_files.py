"""GenX's own example files and old .gx files: the FOM that GenX computes from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import SHARED, assert_curve, number

import metagenx

if not SHARED.is_dir():
    pytest.skip("the shared reference material is absent", allow_module_level=True)

EXAMPLES: list[dict[str, Any]] = json.loads((SHARED / "reference" / "examples.json").read_text(encoding="utf-8"))
LEGACY: list[dict[str, Any]] = json.loads((SHARED / "genx_files" / "legacy_expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e["file"])
def test_every_figure_of_merit_of_the_examples(example: dict[str, Any]) -> None:
    model = metagenx.load(SHARED / "genx_files" / example["file"])
    assert model.fom_function == example["fom_function"]
    np.testing.assert_allclose(model.fom(), number(example["fom"]), rtol=1e-8)
    for name, expected in example["fom_all"].items():
        if "error" not in expected:
            np.testing.assert_allclose(model.fom(name), number(expected["fom"]), rtol=1e-8, err_msg=name)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e["file"])
def test_curves_of_the_examples(example: dict[str, Any]) -> None:
    stem = Path(example["file"]).stem.replace("-", "_").replace(".", "_")
    with np.load(SHARED / "reference" / "examples.npz") as arrays:
        expected = {key: arrays[key] for key in arrays.files if key.startswith(f"{stem}__d")}
    curves = metagenx.load(SHARED / "genx_files" / example["file"]).simulate()
    compared = 0
    for i, curve in enumerate(curves):
        for key in (f"{stem}__d{i}_y_sim", f"{stem}__d{i}_sim"):
            if key in expected:
                assert_curve(curve, expected[key], 1e-9, key)
                compared += 1
    assert compared == len(curves), sorted(expected)


@pytest.mark.parametrize("old", LEGACY, ids=lambda e: e["file"])
def test_gx_files(old: dict[str, Any]) -> None:
    path = SHARED / "genx_files" / old["file"]
    if not path.is_file():
        path = SHARED / "genx_files" / "legacy" / Path(old["file"]).name
    model = metagenx.load(path)
    assert model.fom_function == old["fom_function"]
    np.testing.assert_allclose(model.fom(), number(old["genx_3_8_13"]["fom"]), rtol=1e-8)
