"""Crystal truncation rods as columns: sls_sxrd (h k l I dI) and gsecars_ctr (h k l F dF Lbragg dLbragg).

One data set for each rod (h, k), x is l; h and k are extra columns, as the script of a model needs them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.loaders.column_text import read_columns
from metagenx.genx.loaders.format import Found, LoadOptions
from metagenx.genx.loaders.measured import measured
from metagenx.genx.loaders.source import lines_of

_SLS = ("h", "k", "l", "I", "dI")
_GSECARS = ("h", "k", "l", "F", "dF", "LB", "dL")


def read_sls(content: bytes, path: Path, options: LoadOptions) -> Found:
    """Columns h, k, l, I, dI."""
    return _read(content, path, _SLS)


def read_gsecars(content: bytes, path: Path, options: LoadOptions) -> Found:
    """Columns h, k, l, F, dF, L of the Bragg peak and spacing of the Bragg peaks along L (``LB``, ``dL``)."""
    return _read(content, path, _GSECARS)


def _header(content: bytes) -> list[str]:
    """Words above the numbers, if they are h k l …"""
    for line in content[:4096].decode("latin-1").splitlines()[:20]:
        words = line.strip().lstrip("#%; ").replace(",", " ").lower().split()
        if words[:3] == ["h", "k", "l"]:
            return words
    return []


def is_sls(content: bytes, path: Path) -> bool:
    """Whether the columns are named h k l and two more."""
    return len(_header(content)) == len(_SLS)


def is_gsecars(content: bytes, path: Path) -> bool:
    """Whether the columns are named h k l and four more."""
    return len(_header(content)) == len(_GSECARS)


def _read(content: bytes, path: Path, names: tuple[str, ...]) -> Found:
    columns = read_columns(lines_of(content, path.name), path.name)
    width = columns.values.shape[1]
    needed = 4 if names is _SLS else len(names)
    if width < needed:
        raise InputError(f"it has {width} columns; {' '.join(names)} are expected", where=path.name)
    found = Found([], [f"one data set for each rod; columns {' '.join(names[:width])}"], list(columns.notices))
    for h, k in _rods(columns.values):
        rows = columns.values[(columns.values[:, 0] == h) & (columns.values[:, 1] == k)]
        extra = {name: rows[:, index] for index, name in enumerate(names) if name in ("h", "k", "LB", "dL")}
        error = rows[:, 4] if width > 4 else None
        found.sets.append(
            measured(
                f"({h:g}, {k:g})", rows[:, 2], rows[:, 3], error, extra=extra, axis="l", where=path.name,
                notices=found.notices,
            )
        )  # fmt: skip
    return found


def _rods(values: NDArray[np.float64]) -> list[tuple[float, float]]:
    """The pairs (h, k) in the order in which they first appear."""
    rods = list(dict.fromkeys(map(tuple, values[:, :2].tolist())))
    if len(rods) > 1000:
        raise InputError(
            f"it has {len(rods)} different pairs (h, k)",
            hint="Columns 1 and 2 should be h and k, the same along a rod.",
        )
    return [(float(h), float(k)) for h, k in rods]
