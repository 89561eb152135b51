"""The film of the main job is what its script makes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

import metagenx

EXPERIMENTS = Path(__file__).resolve().parents[1] / "experiments"


def test_the_film_is_what_its_script_makes() -> None:
    spec = importlib.util.spec_from_file_location("make_film", EXPERIMENTS / "make_film.py")
    assert spec is not None
    assert spec.loader is not None
    make_film = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_film)
    made, stored = make_film.film(), metagenx.load(EXPERIMENTS / "film.hgx")
    assert made.script.strip() == stored.file.script.strip()
    assert [vars(row) for row in made.table] == [vars(row) for row in stored.file.table]
    np.testing.assert_array_equal(made.data[0].x, stored.data[0].x)
    np.testing.assert_allclose(made.data[0].y, stored.data[0].y, rtol=1e-12)


def test_the_truth_fits_to_the_counting_noise() -> None:
    spec = importlib.util.spec_from_file_location("make_film", EXPERIMENTS / "make_film.py")
    make_film = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(make_film)  # type: ignore[union-attr]
    truth = {name: value for name, *_, value in make_film.TABLE if name}
    model = metagenx.load(EXPERIMENTS / "film.hgx")
    reduced = model.fom("chi2bars", values=truth)
    assert 0.8 < reduced < 1.25
    assert model.fom(values=truth) < 0.1 * model.fom()
