"""GenX opens models into which we put new data, and those that we make of data, and finds the FOM that we find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import metagenx
from metagenx.genx.export_convert import convert
from metagenx.genx.export_data import export_data
from metagenx.genx.loaders import put_data, requests_from

pytestmark = [pytest.mark.genx, pytest.mark.timeout(600)]

FILM = Path(__file__).parents[2] / "experiments" / "film.hgx"
Ask = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def test_genx_finds_the_new_data_and_our_fom(ask_genx: Ask, tmp_path: Path) -> None:
    model = metagenx.load(FILM)
    x = model.data[0].x[::3]
    q = 4.0 * np.pi / 1.5406 * np.sin(np.radians(x / 2.0))
    header = "Q (1/A) R dR dQ"
    columns = [q, 0.9 * model.data[0].y[::3], model.data[0].error[::3], 0.001 + 0.0 * q]
    np.savetxt(tmp_path / "today.dat", np.column_stack(columns), header=header)
    put_data(model, requests_from([str(tmp_path / "today.dat")])).model.save(tmp_path / "film.hgx")
    convert(tmp_path / "today.dat", tmp_path / "starter.hgx")
    convert(export_data(model, tmp_path / "film.ort"), tmp_path / "back.hgx")
    files = [tmp_path / name for name in ("film.hgx", "starter.hgx", "back.hgx")]
    answers = ask_genx([{"file": str(path)} for path in files])
    for path, answer in zip(files, answers, strict=True):
        assert "error" not in answer, answer
        ours = metagenx.load(path)
        assert answer["n_points"] == [len(dataset.x) for dataset in ours.data]
        assert answer["fom"] == pytest.approx(ours.fom(), rel=1e-8)
