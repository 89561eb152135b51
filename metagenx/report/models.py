"""The models of a run, opened again for its report: the best fit of every sample, and the audit of the input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from metagenx.errors import MetagenxError, ScriptRefused
from metagenx.report.curves import Curves, Profile, curves_of_model, curves_of_table, profiles_of_model

if TYPE_CHECKING:
    from metagenx.genx.model import Model
    from metagenx.report.ends import Ends
    from metagenx.runs import RunFolder

MOST_PROFILES = 50  # fits whose depth profile goes into the band
MODEL_SUFFIXES = (".hgx", ".gx")


@dataclass(frozen=True)
class BestFit:
    """What can be shown of the best fit of a sample; ``missing`` says why something is not there."""

    sample: str
    curves: Curves | None
    profiles: tuple[Profile, ...] = ()
    missing: str = ""


def best_fit(
    folder: RunFolder, sample: str, ends: Ends | None, *, is_only: bool, fom: str | None, trust: bool
) -> BestFit:
    """Curves and depth profiles of a sample, from its ``.hgx``; from the tables if its script may not be run."""
    path = folder.best if is_only else folder.best.with_name(f"best-{sample}.hgx")
    if not path.is_file():
        return BestFit(sample, None)
    try:
        model = _load(path, trust)
        curves = curves_of_model(model, fom)
    except MetagenxError as error:
        return BestFit(sample, _from_tables(folder, fom or ""), missing=_why(error))
    return _with_profiles(sample, model, curves, ends)


def best_fit_of_model(sample: str, model: Model, ends: Ends | None) -> BestFit:
    """Curves and depth profiles of a model at hand."""
    try:
        return _with_profiles(sample, model, curves_of_model(model), ends)
    except MetagenxError as error:
        return BestFit(sample, None, missing=_why(error))


def _with_profiles(sample: str, model: Model, curves: Curves, ends: Ends | None) -> BestFit:
    vectors = _chosen(ends) if ends is not None else np.empty((0, 0))
    names = ends.names if ends is not None else ()
    return BestFit(sample, curves, tuple(profiles_of_model(model, names, vectors)))


def _load(path: Path, trust: bool) -> Model:
    from metagenx.genx.model import load

    return load(path, trust=trust)


def _why(error: MetagenxError) -> str:
    if isinstance(error, ScriptRefused):
        return (
            "The model's script leaves the safe subset, so it was not run for this report: there is no band of "
            "depth profiles. “metagenx report RUN --trust” runs it."
        )
    return f"The model could not be simulated for this report: {error.what}"


def _from_tables(folder: RunFolder, fom: str) -> Curves | None:
    import pandas as pd

    try:
        return curves_of_table(pd.read_csv(folder.reflectivity), fom)
    except (OSError, ValueError, KeyError, StopIteration):
        return None


def _chosen(ends: Ends) -> np.ndarray:
    """Values of up to ``MOST_PROFILES`` good fits, spread evenly over all."""
    good = np.flatnonzero(ends.succeeded)
    if len(good) > MOST_PROFILES:
        good = good[np.linspace(0, len(good) - 1, MOST_PROFILES).round().astype(int)]
    return np.asarray(ends.values[good])


def audit_lines(folder: RunFolder, *, trust: bool) -> list[str]:
    """What ``metagenx inspect`` has to say of the inputs: their notices and warnings."""
    from metagenx.genx.audit import audit

    lines = []
    for path in sorted(folder.inputs.glob("*")):
        if path.suffix.lower() in MODEL_SUFFIXES:
            try:
                found = audit(_load(path, trust))
            except ScriptRefused:
                lines.append(f"{path.name}: its script leaves the safe subset and was not run for the audit")
                continue
            except MetagenxError as error:
                lines.append(f"{path.name}: {error.what}")
                continue
            lines += [f"{path.name}: {text}" for text in (*found.warnings, *found.notices)]
    return lines
