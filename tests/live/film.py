"""A film of known truth, and measurements of it."""

from __future__ import annotations

from functools import cache

import numpy as np

from metagenx.genx.data import DataList, DataSet
from metagenx.genx.model import Model
from metagenx.meta.families import Sample, sample

Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


@cache
def film(number: int = 5) -> Sample:
    """A film of two layers; made once."""
    return sample("M2", number)


@cache
def clean(number: int = 5, n_points: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """x and the true curve of a film in the model of film 5, ``(n_points,)`` each."""
    x = np.linspace(0.008, 0.3, n_points)
    model = with_data(film(5).model, (x, np.ones_like(x), np.ones_like(x)))
    names = [row.name for row in model.file.fitted_rows]
    return x, model.simulate(dict(zip(names, map(float, film(number).truth), strict=True)))[0]


def measured(intensity: float, seed: int = 0, number: int = 5, n_points: int = 90) -> Columns:
    """x, y and its errors, counted."""
    x, curve = clean(number, n_points)
    counts = np.maximum(np.random.default_rng(seed).poisson(curve * intensity), 1.0)
    return x, counts / intensity, np.sqrt(counts) / intensity


def with_data(model: Model, columns: Columns) -> Model:
    """The model with one data set."""
    file = model.file.with_results(fom_log=[], start_guess=[])
    file.data = DataList([DataSet("data", *columns)])
    return Model(file)


def text_of(columns: Columns, n: int | None = None) -> str:
    """As instruments write it."""
    return "# q R dR\n" + "".join(f"{a:.8g} {b:.8g} {c:.8g}\n" for a, b, c in list(zip(*columns, strict=True))[:n])
