"""What is exported of a model or of data: the columns of each data set, x in one known unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.loaders.coordinates import axes_of_model, converted
from metagenx.genx.loaders.measured import AXIS_NAMES, RESOLUTION, MeasuredSet

if TYPE_CHECKING:
    from metagenx.genx.model import Model

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One data set to be written: its measurement and, of a model, the simulation and the point-wise FOM.

    All columns are ``(n_points,)``; `simulation` and `point_fom` are None for data without a model.
    """

    index: int
    measured: MeasuredSet
    simulation: Floats | None = None
    point_fom: Floats | None = None
    probe: str = ""

    @property
    def residual(self) -> Floats | None:
        """(measured − simulated) / error of each point; NaN where there is no error bar."""
        if self.simulation is None:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            residual = (self.measured.y - self.simulation) / self.measured.error
        return np.where(np.isfinite(residual), residual, np.nan)

    def in_q(self, where: str) -> Curve:
        """The curve with x as Q in Å⁻¹.

        Raises InputError if x is something else, or 2θ without a known wavelength.
        """
        measured = self.measured
        if measured.axis == "q":
            return self
        if measured.axis != "2theta":
            raise InputError(
                f"data set {self.index}: x is {AXIS_NAMES[measured.axis]}, so there is no Qz for an ORSO file",
                where=where,
                hint="Write .csv, or say what x is with --data-x.",
            )
        if measured.wavelength is None:
            raise InputError(
                f"data set {self.index}: x is 2θ, and no single wavelength is known to make it Qz",
                where=where,
                hint="Give it with --wavelength (Å), or write .csv.",
            )
        made = converted(measured, "q", measured.wavelength, where)
        return Curve(self.index, made, self.simulation, self.point_fom, self.probe)


@dataclass(frozen=True)
class Exported:
    """Curves and, if they come from a model, that model as it was simulated."""

    curves: tuple[Curve, ...]
    model: Model | None = None
    notices: list[str] = field(default_factory=list)


def curves_of_model(model: Model, index: int | None = None) -> Exported:
    """All data sets of a model (or number `index`) with their simulation by the values of its table.

    Raises InputError if there is no such data set, ScriptError if the script fails.
    """
    simulations = model.simulate()
    point_foms = model.figure_of_merit().pointwise(simulations)
    axes = axes_of_model(model.namespace, model.file.script, len(model.data))
    curves = []
    for number, (item, axis, simulation, fom) in enumerate(zip(model.data, axes, simulations, point_foms, strict=True)):
        n_points = len(item.x)
        extra = {name: values for name, values in item.extra_data.items() if len(values) == n_points}
        measured = MeasuredSet(
            item.name, item.x, item.y, item.error, extra, axis.axis, axis.wavelength, item.meta
        )  # fmt: skip
        curves.append(Curve(number, measured, np.asarray(simulation), np.asarray(fom), axis.probe))
    return Exported(tuple(picked(curves, index, model.name)), model)


def curves_of_data(sets: Sequence[MeasuredSet], where: str, index: int | None = None) -> Exported:
    """Measurements without a model."""
    return Exported(tuple(picked([Curve(i, item) for i, item in enumerate(sets)], index, where)))


def picked(curves: Sequence[Curve], index: int | None, where: str) -> Sequence[Curve]:
    """All curves, or the one with this number; raises InputError if there is none."""
    if not curves:
        raise InputError("there is no data set to write", where=where)
    if index is None:
        return curves
    if index >= len(curves):
        listed = ", ".join(f"{curve.index} {curve.measured.name!r}" for curve in curves[:20])
        raise InputError(f"there is no data set {index}", where=where, hint=f"It has: {listed}.")
    return [curves[index]]


def resolution_of(curve: Curve) -> Floats | None:
    """The resolution column of a curve, None if it has none."""
    values = curve.measured.extra.get(RESOLUTION)
    return None if values is None or not np.isfinite(values).any() else values
