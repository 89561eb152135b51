"""The models of a run, opened again for its report: the best fit of every sample, and the audit of the input."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from metagenx.errors import MetagenxError, ScriptRefused
from metagenx.report.curves import Curves, Profile, curves_of_model, curves_of_table, profiles_of_model

if TYPE_CHECKING:
    from metagenx.fitting.covariance import Covariance
    from metagenx.genx.model import Model
    from metagenx.report.ends import Ends
    from metagenx.runs import RunFolder

MOST_PROFILES = 50  # fits whose depth profile goes into the band
MOST_DRAWS = 200  # from the covariance
_TO_MAKE_A_PROBLEM = 20  # simulations
_PATIENCE = 10.0  # seconds
MODEL_SUFFIXES = (".hgx", ".gx")


@dataclass(frozen=True)
class BestFit:
    """What can be shown of the best fit of a sample; ``missing`` says why something is not there.

    ``covariance`` is made for the report where that is a matter of seconds; None for a single fit, which has its own.
    """

    sample: str
    curves: Curves | None
    profiles: tuple[Profile, ...] = ()
    missing: str = ""
    covariance: Covariance | None = None


def best_fit(
    folder: RunFolder, sample: str, ends: Ends | None, *, is_only: bool, fom: str | None, trust: bool
) -> BestFit:
    """Curves and depth profiles of a sample, from its ``.hgx``; from the tables if its script may not be run."""
    path = folder.best if is_only else folder.best.with_name(f"best-{sample}.hgx")
    if not path.is_file():
        return BestFit(sample, None)
    try:
        model = _load(path, trust)
        begun = time.perf_counter()
        curves = curves_of_model(model, fom)
        seconds = time.perf_counter() - begun
    except MetagenxError as error:
        return BestFit(sample, _from_tables(folder, fom or ""), missing=_why(error))
    found = _with_profiles(sample, model, curves, ends)
    return replace(found, covariance=_covariance(model, fom, seconds))


def _covariance(model: Model, fom: str | None, seconds: float) -> Covariance | None:
    """The covariance of a fitted model; None where there is none, or a simulation takes ``seconds`` too many."""
    from metagenx.fitting.covariance import covariance_at

    n_fitted = len(model.file.fitted_rows)
    if seconds * (4 * n_fitted + _TO_MAKE_A_PROBLEM) > _PATIENCE:
        return None
    try:
        problem = model.problem(fom=fom)
        return covariance_at(problem, problem.start)
    except MetagenxError:
        return None


def best_fit_of_model(
    sample: str, model: Model, ends: Ends | None, *, covariance: Covariance | None = None, seed: int = 0
) -> BestFit:
    """Curves and depth profiles of a model at hand; their band is drawn from the covariance, where there is one."""
    try:
        if covariance is None:
            return _with_profiles(sample, model, curves_of_model(model), ends)
        drawn = covariance.sample(np.random.default_rng((seed, MOST_DRAWS)), MOST_DRAWS)
        profiles = profiles_of_model(model, covariance.names, drawn, band_of=f"{MOST_DRAWS} draws from the covariance")
        return BestFit(sample, curves_of_model(model), tuple(profiles))
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
