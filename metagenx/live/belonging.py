"""Whether data and fit belong together: the residuals against counting noise, and against what they were before.

A model is never quite right, so that its residuals are larger than the noise, and the more so the longer it is counted.
What stays the same is their size relative to the data. So a measurement is compared with its own history: with the
relative misfit that the model has had so far, and the noise that the counts have now, what χ² is to be expected? And do
the newest points fit as well as those before them? Where the file has no errors, the figure of merit is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metagenx.fitting.problem import Deviations, FloatArray
from metagenx.genx.data import DataList
from metagenx.live.sweeps import departures

HISTORY = 20  # measurements that one is compared with
NEWEST = 3  # updates whose points are the newest
_FACTOR = 2.0  # of the expected χ²: no cause for alarm
_SIGMAS = 6.0  # of χ² over its own spread
_CHANCE = 1e-7  # of newest points being so far off
_JUMP = 7.0  # error bars that a parameter of one sample may move
_FEWEST = 3  # measurements before a history says anything
_UNLIKE = 0.3  # relative misfit of a model that describes nothing
_DOUBTS = 3  # looks in a row after which a misfit is believed even if fits do not agree
_LARGE = 4.0  # χ² per degree of freedom from which a misfit is worth a warning
_FOM_TOO = 1.5  # with errors that the figure of merit does not weigh by: of the FOM, beside χ²
_FOM_FACTOR = 3.0  # without errors: of the FOM


@dataclass(frozen=True, eq=False)
class Residuals:
    """How far data and simulation are apart.

    Attributes
    ----------
    z : ``(n_points,)`` in standard deviations of the counts, NaN without an error.
    relative : median relative noise of the data.
    reduced : χ² per degree of freedom; NaN without errors.
    degrees : of freedom.
    misfit : relative misfit that would explain what of χ² is more than noise.
    away : ``(n_points,)`` magnitudes that the figure of merit is made of, if it does not weigh by the errors. What
        minimises it does not minimise χ², which may then be anything; so both must speak against the data.
    """

    z: FloatArray
    x: FloatArray
    relative: float
    reduced: float
    degrees: int
    misfit: float
    away: FloatArray | None = None

    @classmethod
    def of(
        cls, data: DataList, simulations: tuple[FloatArray, ...], n_fitted: int, found: Deviations | None = None
    ) -> Residuals:
        """Of all data sets in use together; ``found`` are the deviations of the figure of merit, if they are known."""
        z, x, noise = [np.empty(0)], [np.empty(0)], [np.empty(0)]
        for number, (dataset, curve) in enumerate(zip(data, simulations, strict=True)):
            y, error = np.asarray(dataset.y, dtype=float), np.asarray(dataset.error, dtype=float)
            if not dataset.use or error.shape != y.shape or np.array_equal(error, np.abs(y)):
                continue
            z.append(departures(y, error, curve))
            x.append(np.asarray(dataset.x, dtype=float) + 1e6 * number)  # points of different sets are different
            with np.errstate(all="ignore"):
                noise.append(np.abs(error / y))
        together, places, shares = np.concatenate(z), np.concatenate(x), np.concatenate(noise)
        good = np.isfinite(together)
        degrees = int(good.sum()) - n_fitted
        if degrees < 1:
            return cls(together, places, np.nan, np.nan, degrees, np.nan)
        reduced = float(np.sum(together[good] ** 2) / degrees)
        away = None
        if found is not None and not found.uses_errors and found.differences.shape[1] == len(together):
            away = np.abs(found.weights) * np.abs(found.differences[0]) ** found.power
        share = shares[good & np.isfinite(shares)]
        inverse = float(np.mean(1.0 / np.maximum(share, 1e-9) ** 2)) if len(share) else np.nan
        misfit = float(np.sqrt(max(reduced - 1.0, 0.0) / inverse)) if inverse > 0.0 else np.nan
        return cls(together, places, 1.0 / np.sqrt(inverse), reduced, degrees, misfit, away)


@dataclass(frozen=True)
class Belonging:
    """Whether data and fit belong together; ``level`` is good, warning or bad, ``reason`` says why not."""

    level: str
    reason: str
    reduced: float
    expected: float

    @property
    def is_limited_by_model(self) -> bool:
        """Whether the residuals are much larger than the counts alone would make them."""
        return self.reduced > _LARGE


@dataclass(frozen=True, eq=False)
class Look:
    """What a fit to a measurement has shown.

    Attributes
    ----------
    names, values, errors : of the fitted parameters, ``(n_dim,)``.
    minimum : number of the minimum: a parameter that jumps because another is the best now says nothing about the
        sample.
    is_certain : whether fits agree. A fit that has not found its minimum yet says nothing about the model.
    one_sample : whether this is the same state of the same sample as before, so that parameters must not move.
    """

    residuals: Residuals
    fom: float
    names: tuple[str, ...]
    values: FloatArray
    errors: FloatArray
    minimum: int
    is_certain: bool
    one_sample: bool


_Memory = tuple[list[float], list[float], list[set[float]], tuple[FloatArray, FloatArray, int] | None]


@dataclass
class History:
    """What measurements with one model have looked like so far."""

    misfits: list[float] = field(default_factory=list)
    foms: list[float] = field(default_factory=list)
    _points: list[set[float]] = field(default_factory=list)  # of the last updates
    _doubts: int = 0  # looks in a row at which the residuals were too large
    _last: tuple[FloatArray, FloatArray, int] | None = None  # values, errors, minimum
    _before: _Memory | None = None  # what was known before the last measurement

    def judge(self, look: Look, *, is_again: bool = False) -> Belonging:
        """Compare a measurement with those before it, and remember it if it fits.

        Parameters
        ----------
        is_again : a second look at the same data, which replaces the first.
        """
        if is_again:
            self._forget_last()
        found = self._judged(look)
        self._before = (list(self.misfits), list(self.foms), list(self._points), self._last)
        self._points = [*self._points[-NEWEST:], set(look.residuals.x.tolist())]
        if found.level != "bad" and look.is_certain:
            self.misfits = [*self.misfits[-(HISTORY - 1) :], look.residuals.misfit]
            self.foms = [*self.foms[-(HISTORY - 1) :], look.fom]
        if look.is_certain:  # what has moved is told once; from then on it is where it is
            self._last = (look.values.copy(), look.errors.copy(), look.minimum)
        return found

    def to_json(self, *, points: bool = True) -> dict[str, Any]:
        """All of it but what a second look would replace; ``points`` are left out if they have not changed."""
        told: dict[str, Any] = {
            "misfits": _plain(self.misfits), "foms": _plain(self.foms), "doubts": self._doubts,
            "last": None if self._last is None else [_plain(self._last[0]), _plain(self._last[1]), self._last[2]],
        }  # fmt: skip
        if points:  # most points are in all of the last updates: each is written once, with those that have it
            every = sorted(set().union(*self._points))
            told["points"] = [every, [sum((x in known) << k for k, known in enumerate(self._points)) for x in every]]
            told["looks"] = len(self._points)
        return told

    def restore(self, told: Mapping[str, Any]) -> None:
        """Inverse of :meth:`to_json`; points that were left out stay as they are."""
        self.misfits, self.foms = _numbers(told["misfits"]).tolist(), _numbers(told["foms"]).tolist()
        self._doubts, last = int(told["doubts"]), told["last"]
        self._last = None if last is None else (_numbers(last[0]), _numbers(last[1]), int(last[2]))
        if "points" in told:
            every, which = told["points"]
            pairs = list(zip(every, which, strict=True))
            self._points = [{float(x) for x, bits in pairs if bits >> k & 1} for k in range(told["looks"])]

    def _forget_last(self) -> None:
        if self._before is not None:
            misfits, foms, points, last = self._before
            self.misfits, self.foms, self._points, self._last = list(misfits), list(foms), list(points), last

    def begin_anew(self) -> None:
        """Another sample: what its parameters were says nothing any more, how well the model fits does."""
        self._last = self._before = None
        self._points.clear()

    def _judged(self, look: Look) -> Belonging:
        residuals, fom, values, minimum = look.residuals, look.fom, look.values, look.minimum
        is_certain, one_sample = look.is_certain, look.one_sample
        if not np.isfinite(residuals.reduced):
            return self._by_fom(fom)
        known = [misfit for misfit in self.misfits if np.isfinite(misfit)]
        usual = float(np.median(known)) if known else np.nan
        expected = 1.0 + (usual / residuals.relative) ** 2 if known else 1.0
        spread = np.sqrt(2.0 / residuals.degrees)
        reduced = residuals.reduced

        def told(level: str, reason: str) -> Belonging:
            return Belonging(level, reason, reduced, expected)

        is_unusual = residuals.away is None or self._by_fom(fom, _FOM_TOO).level == "bad"
        if len(known) >= _FEWEST and reduced > expected * (_FACTOR + _SIGMAS * spread) and is_unusual:
            off = (
                f"the residuals are {np.sqrt(reduced):.1f} times the counting noise, usual are {np.sqrt(expected):.1f}"
            )
            self._doubts += 1
            if not is_certain and self._doubts < _DOUBTS:
                return told("warning", f"{off}; still searching")
            return told("bad", f"{off}: another sample, or another alignment?")
        self._doubts = 0
        # Only a fit that has once been found can say that the points since then do not fit it.
        newest = self._newest(residuals, max(1.0, expected)) if one_sample and known else ""
        if newest:
            return told("bad", newest)
        if one_sample and is_certain and self._last is not None and minimum == self._last[2]:
            with np.errstate(all="ignore"):
                jump = np.abs(values - self._last[0]) / self._last[1]
            jump = np.where(np.isfinite(jump), jump, 0.0)
            if len(jump) and jump.max() > _JUMP * max(1.0, np.sqrt(expected)):
                name = look.names[int(np.argmax(jump))]
                moved = f"{name} has moved by {jump.max():.0f} of its error bars"
                return told("bad", f"{moved}: another sample, or another alignment?")
        if is_certain and len(known) < _FEWEST and residuals.misfit > _UNLIKE and reduced > 10.0:
            return told("bad", f"the model is off by {100 * residuals.misfit:.0f} %: is this the right model?")
        if reduced > 1.5 + _SIGMAS * spread:
            level = "warning" if reduced > _LARGE else "good"
            return told(level, f"residuals {np.sqrt(reduced):.1f} times the counting noise")
        return told("good", "")

    def _newest(self, residuals: Residuals, scale: float) -> str:
        """Whether the points that have come with the last updates fit as the others do; the sentence if they do not."""
        from scipy.special import chdtrc

        if len(self._points) < NEWEST or not self._points[0]:
            return ""
        is_old = np.isin(residuals.x, np.fromiter(self._points[0], dtype=float))
        if residuals.away is not None:
            away = residuals.away
            usual = float(np.nanmean(away[is_old])) if np.isfinite(away[is_old]).any() else np.nan
            if not np.nanmean(np.where(~is_old, away, np.nan)) > _FOM_FACTOR * usual:
                return ""
        new, old = residuals.z[~is_old], residuals.z[is_old]
        new, old = new[np.isfinite(new)], old[np.isfinite(old)]
        if not len(new) or len(old) < 10:
            return ""
        scale = max(scale, float(np.mean(old**2)))
        if chdtrc(len(new), float(np.sum(new**2)) / scale) > _CHANCE:
            return ""
        return (
            f"the newest {len(new)} points are {np.sqrt(np.mean(new**2)):.1f} times the counting noise off, the others "
            f"{np.sqrt(np.mean(old**2)):.1f}: has the sample or its alignment changed?"
        )

    def _by_fom(self, fom: float, factor: float = _FOM_FACTOR) -> Belonging:
        known = [value for value in self.foms if np.isfinite(value)]
        usual = float(np.median(known)) if known else np.nan
        if len(known) >= _FEWEST and fom > factor * usual:
            reason = f"the figure of merit is {fom / usual:.1f} times what is usual here: another sample or alignment?"
            return Belonging("bad", reason, np.nan, np.nan)
        return Belonging("good", "", np.nan, np.nan)


def _plain(values: Iterable[float]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _numbers(values: Iterable[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)
