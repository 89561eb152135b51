"""How much longer to count until a parameter is known well enough, from the counting statistics.

What the points that are still to come will say about the parameters is known before they are measured: their slopes
at the fit, and their noise, which follows from the simulated curve and from what one count is worth. The expected
curvature is summed over the points in the order in which they are measured, then over whole sweeps, until the error bar
is small enough. Where the model, not counting, makes the residuals, counting longer helps less than is said here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting.covariance import Quadratic
from metagenx.fitting.problem import FloatArray
from metagenx.fitting.slopes import Slopes, domain_of, slopes_at
from metagenx.genx.data import DataList
from metagenx.live.sweeps import Curve, with_curves
from metagenx.meta.counting import believable

if TYPE_CHECKING:
    from metagenx.genx.model import Model
    from metagenx.live.follower import Answer

_STEP = 1e-4  # of the widths of the limits
_SINGULAR = 1e-10
_MOST = 1e6  # times as long: for ever
_CALIBRATION = (0.4, 2.5)  # how far error bars may be from what counting statistics say
_LAST = 5  # points whose quantum those to come will have


@dataclass(frozen=True)
class Wanted:
    """A parameter, and the standard error that it shall have."""

    name: str
    precision: float


@dataclass(frozen=True)
class Forecast:
    """How much longer.

    Attributes
    ----------
    points : still to be measured of the plan, before the first sweep is over.
    sweeps : whole sweeps after that; with a part.
    work : the same as a multiple of what has been measured so far, in points times exposure.
    decided_by : the parameter that takes longest.
    """

    points: int
    sweeps: float
    work: float
    decided_by: str

    @property
    def is_reached(self) -> bool:
        """Whether nothing more need be counted."""
        return self.work <= 0.0


def forecast(
    answer: Answer, plan: tuple[FloatArray, ...], wanted: tuple[Wanted, ...], *, by_counting: bool = True
) -> Forecast | None:
    """What it takes to know every wanted parameter as well as it is wanted; None if nobody can say.

    Parameters
    ----------
    plan : x of a whole sweep, for each data set.
    by_counting : whether it is counting that limits the precision; else only what is reached already is told.
    """
    if answer.covariance is None or not wanted:
        return None
    places = [answer.names.index(want.name) for want in wanted]
    aims = np.array([want.precision for want in wanted])
    now = answer.errors[places]
    if bool(np.all(now <= aims)):
        return Forecast(0, 0.0, 0.0, wanted[int(np.argmax(now / aims))].name)
    if not by_counting:
        return None
    data = answer.model.data
    curves = tuple(Curve.of(dataset) for dataset in data)
    used = [i for i, d in enumerate(data) if d.use and len(d.x)]
    if not all(believable(data[i].y, data[i].error) for i in used):
        return None
    try:
        whole, measured, order = _planned(answer.model, answer, curves, plan, used)
    except InputError:
        return None
    free = np.array([not limit for limit in answer.covariance.limits])
    at_now = _errors(whole, measured, 1.0, free)[places]
    with np.errstate(all="ignore"):
        calibration = now / at_now
    low, high = _CALIBRATION
    calibration = np.where(np.isfinite(calibration), np.clip(calibration, low, high), 1.0)
    aims = aims / calibration

    def ratio(points: int, times: float) -> FloatArray:
        with np.errstate(all="ignore"):
            told = _errors(whole, order < points, times, free)[places] / aims
        return np.where(np.isfinite(told), told, np.inf)

    n_now, n_all = int(measured.sum()), len(order)
    if n_now < n_all and ratio(n_all, 1.0).max() <= 1.0:
        points = _fewest(lambda n: ratio(n, 1.0).max() <= 1.0, n_now, n_all)
        decided = wanted[int(np.argmax(ratio(points, 1.0)))].name
        return Forecast(points - n_now, 0.0, (points - n_now) / n_now, decided)
    if not ratio(n_all, _MOST).max() <= 1.0:
        return None
    low_times, high_times = 1.0, _MOST
    while high_times / low_times > 1.001:
        middle = float(np.sqrt(low_times * high_times))
        low_times, high_times = (low_times, middle) if ratio(n_all, middle).max() <= 1.0 else (middle, high_times)
    decided = wanted[int(np.argmax(ratio(n_all, high_times)))].name
    more = n_all - n_now + (high_times - 1.0) * n_all
    return Forecast(n_all - n_now, high_times - 1.0, more / n_now, decided)


def _fewest(enough: object, low: int, high: int) -> int:
    """The smallest number between that is enough, if more is never worse."""
    assert callable(enough)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _planned(
    model: Model, answer: Answer, curves: tuple[Curve, ...], plan: tuple[FloatArray, ...], used: list[int]
) -> tuple[tuple[Slopes, FloatArray, bool], np.ndarray, np.ndarray]:
    """Slopes and noise of a whole sweep at the fit, which of its points are measured, and the order of all points."""
    from metagenx.genx.model import Model as GenxModel

    aimed = []
    is_measured = []
    for number, curve in enumerate(curves):
        x = curve.x if number not in used else _union(curve.x, plan[number])
        known = np.arange(len(x)) < len(curve.x)
        quantum = _quantum(curve)
        order = np.argsort(curve.x, kind="stable")
        share = np.interp(x, curve.x[order], quantum[order], right=float(np.median(quantum[order][-_LAST:])))
        aimed.append(Curve(x, share.copy(), np.sqrt(share), curve.exposure))
        if number in used:
            is_measured.append(known)
    file = model.file.with_results(fom_log=[], start_guess=[])
    file.data = DataList(with_curves(model.data, aimed))
    clean = GenxModel(file, trust=model.trust).simulate(dict(zip(answer.names, map(float, answer.values), strict=True)))
    ideal = []
    for curve, simulated in zip(aimed, clean, strict=True):
        y = np.broadcast_to(np.asarray(simulated, dtype=float), curve.x.shape)
        ideal.append(replace(curve, y=y.copy(), error=np.sqrt(curve.y * np.maximum(y, curve.y))))
    file.data = DataList(with_curves(model.data, ideal))
    problem = GenxModel(file, trust=model.trust).problem(answer.problem.fom_name)
    values = answer.values
    domain = domain_of(np.asarray(problem.bounds, dtype=float), values)
    slopes = slopes_at(problem, values, _STEP * (domain[:, 1] - domain[:, 0]), domain)
    deviation = slopes.found.noise[slopes.used]
    if not (np.isfinite(deviation).all() and len(deviation)):
        raise InputError("nothing says what the noise of the points to come will be")
    measured = np.concatenate(is_measured)[slopes.used]
    # What is measured already comes first, then the rest as the plan has it.
    order = np.empty(len(measured), dtype=int)
    order[np.argsort(~measured, kind="stable")] = np.arange(len(measured))
    return (slopes, deviation, slopes.found.uses_errors), measured, order


def _union(measured: FloatArray, plan: FloatArray) -> FloatArray:
    """The points measured, and those of the plan that lie beyond them."""
    if not len(measured):
        return plan
    apart = 1e-6 * (float(plan.max() - plan.min()) or 1.0) if len(plan) else 0.0
    beyond = (plan > measured.max() + apart) | (plan < measured.min() - apart)
    return np.concatenate([measured, plan[beyond]])


def _quantum(curve: Curve) -> FloatArray:
    with np.errstate(all="ignore"):
        quantum = curve.error**2 / np.maximum(curve.y, curve.error)
    good = np.isfinite(quantum) & (quantum > 0.0)
    return np.where(good, quantum, float(np.median(quantum[good])) if good.any() else np.nan)


def _errors(whole: tuple[Slopes, FloatArray, bool], chosen: np.ndarray, times: float, free: np.ndarray) -> FloatArray:
    """Standard errors ``(n_dim,)`` from some of the points, counted ``times`` as long; inf where they fix nothing."""
    slopes, deviation, uses_errors = whole
    weight = slopes.weight * (times ** (0.5 * slopes.found.power) if uses_errors else 1.0)
    some = replace(slopes, weight=weight[chosen], slope=slopes.slope[chosen], difference=np.zeros(int(chosen.sum())))
    with np.errstate(all="ignore"):
        quadratic = Quadratic.of(some, deviation[chosen] / np.sqrt(times))
    a, b = quadratic.curvature, quadratic.variance
    live = np.flatnonzero(free & (np.diag(a) > 0.0))
    errors = np.full(len(free), np.inf)
    if not len(live):
        return errors
    part = np.ix_(live, live)
    scale = 1.0 / np.sqrt(np.diag(a)[live])
    values, directions = np.linalg.eigh(a[part] * np.outer(scale, scale))
    good = values > _SINGULAR * len(live)
    inverse = (directions[:, good] / values[good]) @ directions[:, good].T * np.outer(scale, scale)
    errors[live] = np.sqrt(np.diag(inverse @ b[part] @ inverse))
    errors[live[np.sum(directions[:, ~good] ** 2, axis=1) > 1e-4]] = np.inf
    return errors
