"""Scans of the reflectometers at SINQ (SICS, NICOS): a header, ``Scanning Variables: …``, and a table."""

from __future__ import annotations

from pathlib import Path

from metagenx.errors import FileFormatError
from metagenx.genx.loaders.attenuation import counting_error
from metagenx.genx.loaders.format import Found, LoadOptions
from metagenx.genx.loaders.measured import Axis, identifier, measured
from metagenx.genx.loaders.numbers import Layout, rows_of
from metagenx.genx.loaders.source import DAMAGED, lines_of

_TWO_THETA = ("s2t", "2tm", "2th", "tth", "stt", "a4", "two_theta", "2theta", "sttm")
_THETA = ("sth", "om", "th", "omega", "a3", "theta")
_Q = ("q", "qz")


def recognises(content: bytes, path: Path) -> bool:
    """Whether the first line is SINQ's."""
    return b"Data File" in content[:300].split(b"\n", 1)[0] and b"NP" in content


def read(content: bytes, path: Path, options: LoadOptions) -> Found:
    """The table of the scan: x the scanned angle, y the counts, errors by counting statistics."""
    lines = lines_of(content, path.name)
    top = next((i for i, line in enumerate(lines) if line.split()[:1] == ["NP"]), None)
    if top is None:
        raise FileFormatError("it has no table that begins with NP", where=path.name, hint=DAMAGED)
    names = lines[top].split()
    end = next((i for i in range(top + 1, len(lines)) if lines[i].startswith("END-OF-DATA")), len(lines))
    values = rows_of(lines[:end], Layout(), len(names), path.name, top + 1).values
    low = [name.lower() for name in names]
    counts = next((i for i, name in enumerate(low) if name in ("counts", "detector", "cnts", "elastic")), None)
    if counts is None:
        raise FileFormatError("its table has no column Counts", where=path.name, hint=DAMAGED)
    scanned = next((i for i, name in enumerate(low) if name in _TWO_THETA + _Q), 1)
    axis: Axis = "2theta" if low[scanned] in _TWO_THETA else "q" if low[scanned] in _Q else ""
    factor = 1.0
    if low[scanned] in _THETA:
        axis, factor = "2theta", 2.0
    said = f"SINQ scan: x is {names[scanned]}{', doubled to 2θ' if factor == 2.0 else ''}, y is {names[counts]}"
    found = Found([], [f"{said}, errors by counting statistics; the other columns are extra columns"])
    taken = {"res"}
    extra = {identifier(name, taken): values[:, i] for i, name in enumerate(names) if i not in (0, scanned, counts)}
    y = values[:, counts]
    found.sets.append(
        measured(
            path.stem, factor * values[:, scanned], y, counting_error(y), extra=extra, axis=axis, where=path.name,
            notices=found.notices,
        )
    )  # fmt: skip
    return found
