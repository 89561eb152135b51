"""Simulations as arrays in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from metagenx.errors import InputError


def save_simulation(path: Path, data: Sequence[Any], simulations: Sequence[np.ndarray], fom: float) -> None:
    """Write x0, y0, error0, sim0, x1, … and fom as .npz.

    Raises
    ------
    InputError : the place cannot be written to.
    """
    arrays: dict[str, Any] = {"fom": np.float64(fom)}
    for i, (dataset, simulation) in enumerate(zip(data, simulations, strict=True)):
        arrays |= {f"x{i}": dataset.x, f"y{i}": dataset.y, f"error{i}": dataset.error, f"sim{i}": simulation}
    try:
        with path.open("wb") as stream:
            np.savez(stream, **arrays)
    except OSError as error:
        raise InputError(f"it cannot be written: {error.strerror}", where=str(path)) from None
