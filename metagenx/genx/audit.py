"""What a look at a GenX file can tell before anything is fitted: contents, FOM stored and recomputed, traps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.errors import InputError, ScriptError
from metagenx.genx.fom_functions import LOGARITHMIC, NEED_ERRORS
from metagenx.genx.limits import at_limit
from metagenx.genx.sample_text import sample_text

if TYPE_CHECKING:
    from metagenx.genx.data import DataSet
    from metagenx.genx.model import Model
    from metagenx.genx.population import ModelProblem

# Stored and recomputed FOM agree if they differ by less than this, relative.
SAME_FOM = 1e-8
# Places inside the bounds at which a parameter is tried before it is said to have no effect.
_N_PLACES = 3


@dataclass(frozen=True)
class DataSetAudit:
    """One data set: its name, size, range and whether it counts in the FOM."""

    name: str
    n_points: int
    x_min: float
    x_max: float
    use: bool


@dataclass(frozen=True)
class Audit:
    """What `metagenx inspect` says.

    Attributes
    ----------
    stored_fom : FOM of the simulation stored in the file, None if there is none.
    recomputed_fom : FOM of our own simulation with the values of the table.
    same_physics : whether the two agree; None if nothing is stored.
    path, why_not : ``"population"``, ``"recorded"`` or ``"one by one"``, and why; None if nothing is fitted.
    warnings : what should be looked at before a fit, one sentence each.
    notices : how the file was read and mended.
    """

    file: str
    kind: str
    library: str
    instrument: str
    sample: str
    data: tuple[DataSetAudit, ...]
    n_rows: int
    fitted: tuple[str, ...]
    fom_function: str
    settings: dict[str, Any]
    stored_fom: float | None
    recomputed_fom: float
    same_physics: bool | None
    path: str | None
    why_not: str | None
    microseconds_per_evaluation: float | None
    warnings: tuple[str, ...]
    notices: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The audit as plain data."""
        return asdict(self)


def audit(model: Model) -> Audit:
    """Look at a model: nothing is fitted, nothing is written.

    Raises
    ------
    ScriptError : the script cannot simulate the values of its own table.
    """
    simulations = model.simulate()
    recomputed, stored = _fom(model, simulations), _stored_fom(model)
    same = None if stored is None else _same(stored, recomputed)
    problem, unfit = _problem(model)
    warnings = [*_data_warnings(model), *_table_warnings(model)]
    if unfit:
        warnings.append(unfit)
    if not np.isfinite(recomputed):
        warnings.append(f"the FOM of the table's values is {recomputed}: look at the data and the values first")
    if same is False:
        warnings.append(
            f"the stored simulation has FOM {stored:.6g}, ours {recomputed:.6g}: the file was saved with other values, "
            "or by a program with other tables"
        )
    if problem is not None:
        warnings += _problem_warnings(problem)
    sets = tuple(DataSetAudit(d.name, len(d.x), *_range(d.x), bool(d.use)) for d in model.data)
    return Audit(
        file=model.file.path.name if model.file.path else "model",
        kind=model.file.kind,
        library=_library(model.file.script),
        instrument=model.within_limits(_instrument, model.namespace),
        sample=model.within_limits(sample_text, model.namespace),
        data=sets,
        n_rows=len(model.parameters),
        fitted=problem.names if problem else (),
        fom_function=model.fom_function,
        settings={key: model.options[key] for key in _SHOWN if key in model.options},
        stored_fom=stored,
        recomputed_fom=recomputed,
        same_physics=same,
        path=problem.path if problem else None,
        why_not=_why_not(problem) if problem else None,
        microseconds_per_evaluation=_cost(problem) if problem else None,
        warnings=tuple(warnings),
        notices=tuple(model.notices),
    )


_SHOWN = ("create_trial", "km", "kr", "use_pop_mult", "pop_mult", "pop_size", "use_boundaries", "use_start_guess")


def _same(stored: float, recomputed: float) -> bool:
    return bool(np.isclose(stored, recomputed, rtol=SAME_FOM, atol=1e-12, equal_nan=True))


def _fom(model: Model, simulations: Sequence[np.ndarray]) -> float:
    """FOM of a simulation; NaN where there is none, such as without a data set in use."""
    try:
        return float(model.figure_of_merit().total(simulations, model.penalty()))
    except ScriptError:
        raise
    except InputError:
        return float("nan")


def _stored_fom(model: Model) -> float | None:
    """FOM of the stored simulation under the function in force; None if nothing usable is stored."""
    stored = [d.y_sim for d in model.data]
    if any(len(s) != len(d.x) for s, d in zip(stored, model.data, strict=True)) or not any(np.any(s) for s in stored):
        return None
    return _fom(model, stored)


def _problem(model: Model) -> tuple[ModelProblem | None, str | None]:
    try:
        return model.problem(), None
    except InputError as error:
        return None, error.what


def _why_not(problem: ModelProblem) -> str | None:
    reasons = dict.fromkeys(reason for reason in (problem.why_not, problem.why_not_recorded) if reason)
    return "; ".join(reasons) or None


def _cost(problem: ModelProblem) -> float:
    """Microseconds per evaluation in a population of fifty, measured."""
    from time import perf_counter

    low, high = problem.bounds.T
    vectors = np.random.default_rng(0).uniform(low, high, size=(50, len(problem.names)))
    problem.evaluate(vectors)
    start = perf_counter()
    problem.evaluate(vectors)
    return 1e6 * (perf_counter() - start) / len(vectors)


def _range(x: np.ndarray) -> tuple[float, float]:
    finite = x[np.isfinite(x)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (float("nan"), float("nan"))


def _library(script: str) -> str:
    """The model library that the script imports, in the words of the script."""
    for line in script.splitlines():
        words = line.replace(",", " ").split()
        if words[:1] == ["import"] and len(words) > 1 and ("models." in words[1] or words[1].startswith("genx.")):
            return words[1].rsplit(".", 1)[-1]
    return "plain Python"


def _instrument(namespace: Mapping[str, Any]) -> str:
    """Probe and wavelength of the script's instruments; those of interdiff and of sxrd are for x-rays only."""
    found = []
    for value in _instruments(namespace):
        probe = str(getattr(value, "probe", "x-ray"))
        wavelength = value.wavelength if hasattr(value, "wavelength") else value.wavel
        text = probe if "tof" in probe else f"{probe} {np.ravel(np.asarray(wavelength, dtype=float))[0]:g} Å"
        if text not in found:
            found.append(text)
    return ", ".join(found)


def _instruments(namespace: Mapping[str, Any]) -> list[Any]:
    """The instruments that the script has made, of whatever library."""
    from metagenx.genx.models.diffraction_instrument import DiffractionInstrument
    from metagenx.genx.models.interdiff_instrument import Instrument as Diffractometer

    def is_one(value: Any) -> bool:
        reflectometer = hasattr(value, "probe") and hasattr(value, "wavelength")
        return reflectometer or isinstance(value, DiffractionInstrument | Diffractometer)

    return [value for value in namespace.values() if is_one(value)]


def _data_warnings(model: Model) -> Iterator[str]:
    name = model.fom_function
    if not any(d.use for d in model.data):
        yield "no data set is used: the FOM says nothing"
    for i, dataset in enumerate(model.data):
        if dataset.use:
            yield from (f"data set {i} ({dataset.name}): {text}" for text in _complaints(dataset, name))


def _complaints(dataset: DataSet, fom: str) -> Iterator[str]:
    if not len(dataset.y):
        yield "it has no points"
        return
    missing = int(np.sum(~np.isfinite(dataset.y)))
    if missing == len(dataset.y):
        yield "all its values are NaN"
        return
    if missing:
        yield f"{missing} of {len(dataset.y)} values are NaN or infinite and are left out"
    if fom in LOGARITHMIC and (count := int(np.sum(dataset.y <= 0))):
        yield f"{count} values are zero or negative: {fom} leaves them out"
    if fom in NEED_ERRORS:
        if not np.any(np.isfinite(dataset.error)):
            yield f"it has no error bars, which {fom} needs"
        elif count := int(np.sum(dataset.error <= 0)):
            yield f"{count} error bars are zero or negative: {fom} divides by them"


def _table_warnings(model: Model) -> Iterator[str]:
    for row in model.file.table:
        if not (row.fit and row.name.strip()):
            continue
        if not row.minimum <= row.value <= row.maximum:
            yield f"{row.name} = {row.value:g} is outside its limits {row.minimum:g} to {row.maximum:g}"
            continue
        limit = at_limit(row.value, row.minimum, row.maximum)
        if limit == "min":
            yield f"{row.name} = {row.value:g} is at its lower limit {row.minimum:g}"
        elif limit == "max":
            yield f"{row.name} = {row.value:g} is at its upper limit {row.maximum:g}"


def _problem_warnings(problem: ModelProblem) -> Iterator[str]:
    if problem.depends_on_history:
        yield "the script remembers earlier evaluations: the same values give different FOMs"
    idle = parameters_without_effect(problem)
    if idle:
        yield f"no effect on the FOM: {', '.join(idle)}"


def parameters_without_effect(problem: ModelProblem) -> list[str]:
    """Names of the fitted parameters that change nothing between their limits, wherever the others are."""
    rng = np.random.default_rng(0)
    low, high = problem.bounds.T
    places = np.vstack([problem.start, rng.uniform(low, high, size=(_N_PLACES - 1, len(low)))])
    idle = []
    for i, name in enumerate(problem.names):
        moved = np.repeat(places, 3, axis=0)
        moved[:, i] = np.tile([low[i], 0.5 * (low[i] + high[i]), high[i]], len(places))
        foms = problem.evaluate(moved).reshape(len(places), 3)
        if np.all((foms == foms[:, :1]) | np.isnan(foms)):
            idle.append(name)
    return idle
