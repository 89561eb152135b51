"""Error bars and correlations from the Jacobian at the optimum, for every figure of merit that GenX has.

A figure of merit is a sum over points of ρ = w·|d|^p, d the difference of data and simulation as it sees them (p = 2
for chi2bars, R2, …, p = 1 for log, diff, chibars, …). Its minimum is an M-estimator, whose covariance is

    V = A⁻¹ B A⁻¹,   A = Σ E[ρ''] x xᵀ,   B = Σ E[ρ'²] x xᵀ,   x = slope of the simulation

(P. J. Huber, Proc. 5th Berkeley Symp. 1 (1967) 221; H. White, Econometrica 48 (1980) 817). With noise of standard
deviation σ, E[ρ''] is 2w for p = 2 and 2w·√(2/π)/(2σ), twice the weight times the density at zero, for p = 1; E[ρ'²] is
4w²σ² and w². For chi2bars with true error bars that is the textbook's (Σ x xᵀ/E²)⁻¹, for chibars π/2 times as much.
GenX's Levenberg-Marquardt divides √|e| instead, which has no derivative where a curve runs through its point; for p = 1
its error bars mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting.noise import Noise, noise_of_fit
from metagenx.fitting.problem import FloatArray, ProblemWithData
from metagenx.fitting.slopes import Slopes, domain_of, slopes_at

LEVELS = (0.6827, 0.95)
_FIRST_STEP = 1e-4  # of the width of the bounds
_STEP = 0.05  # of the error of a parameter whose companions are fixed
_LARGEST_STEP = 0.01  # of the width of the bounds
_SINGULAR = 1e-10  # smallest eigenvalue of a curvature with ones on its diagonal
_NOTHING = 1e4  # widths of the bounds: an error as large as this is none
_NEAR = 0.5  # errors from a limit within which the limit may hold a parameter
_SMOOTH = 0.1  # of the noise: a magnitude is smooth over so much
FAR = 1.0  # errors from the minimum: a fit that has not arrived


@dataclass(frozen=True, eq=False)
class Covariance:
    """Error bars of one kind: the covariance of the estimate.

    Attributes
    ----------
    names, values, bounds : of the fitted parameters; ``(n_dim,)``, ``(n_dim, 2)``.
    matrix : ``(n_dim, n_dim)``, in the units of the parameters. Infinite on the diagonal, NaN beside it, for a
        parameter that the data do not fix; zero for one that a limit holds.
    limits : ``min``, ``max``: a limit holds this parameter, it has an error on one side only; else empty.
    one_sided : ``(n_dim, 2)`` gradient and curvature of the sum at a limit, all others following; NaN elsewhere.
    ratio : ``(n_dim,)`` of each variance to the inverse curvature. A rise of the sum (see ``Deviations``) by
        ½·ratio·z² along a parameter, all others following, is worth z standard errors (J. T. Kent, Biometrika 69
        (1982) 19); for chi2bars with true error bars it is 2, and the rise that of χ².
    noise : what is known of the noise of the data.
    from_minimum : largest distance of a value from the minimum that the Jacobian foresees, in its error bars.
    evaluations : FOM evaluations that it cost.
    notes : what a user should know.
    """

    names: tuple[str, ...]
    values: FloatArray
    bounds: FloatArray
    matrix: FloatArray
    limits: tuple[str, ...]
    one_sided: FloatArray
    ratio: FloatArray
    noise: Noise
    from_minimum: float
    evaluations: int
    notes: tuple[str, ...]

    @property
    def errors(self) -> FloatArray:
        """Standard errors ``(n_dim,)``: infinite where the data fix nothing, NaN where a limit holds the parameter."""
        held = np.array([bool(limit) for limit in self.limits])
        return np.where(held, np.nan, np.sqrt(np.diag(self.matrix)))

    @property
    def correlations(self) -> FloatArray:
        """``(n_dim, n_dim)``, ones on the diagonal; NaN for parameters without a finite, positive error."""
        error = np.sqrt(np.diag(self.matrix))
        good = np.isfinite(error) & (error > 0.0)
        scale = np.where(good, error, np.nan)
        found = self.matrix / np.outer(scale, scale)
        np.fill_diagonal(found, np.where(good, 1.0, np.nan))
        return np.asarray(np.clip(found, -1.0, 1.0))

    def intervals(self, level: float) -> FloatArray:
        """Confidence intervals ``(n_dim, 2)`` of a level such as 0.95, not beyond the limits of the parameters.

        By the normal distribution, or Student's where the noise was estimated. At a limit: from the limit into the
        allowed region, as far from the value as the likelihood ratio allows.
        """
        reach = self._quantile(level) * np.sqrt(np.diag(self.matrix))
        found = np.column_stack([self.values - reach, self.values + reach])
        domain = domain_of(self.bounds, self.values)
        for k, limit in enumerate(self.limits):
            if limit:
                length = self._length(k, level)
                found[k] = (domain[k, 0], self.values[k] + length) if limit == "min" else (
                    self.values[k] - length, domain[k, 1]
                )  # fmt: skip
        unknown = np.isnan(found)
        return np.where(unknown, np.nan, np.clip(found, domain[:, :1], domain[:, 1:]))

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        """Vectors ``(n, n_dim)`` as the error bars allow them, inside the limits; for bands of curves.

        Parameters that the data do not fix stay at their values.
        """
        error = np.sqrt(np.diag(self.matrix))
        free = np.flatnonzero(np.isfinite(error) & (error > 0.0))
        vectors = np.tile(self.values, (n, 1))
        domain = domain_of(self.bounds, self.values)
        if len(free):
            values, directions = np.linalg.eigh(self.correlations[np.ix_(free, free)])
            root = directions * np.sqrt(np.maximum(values, 0.0))
            todo = np.arange(n)
            for _ in range(50):  # those outside are drawn again
                draws = self.values[free] + rng.standard_normal((n, len(free)))[todo] @ root.T * error[free]
                vectors[np.ix_(todo, free)] = draws
                outside = (draws < domain[free, 0]) | (draws > domain[free, 1])
                todo = todo[outside.any(axis=1)]
                if not len(todo):
                    break
        for k, limit in enumerate(self.limits):
            if limit:
                away = np.abs(rng.standard_normal(n)) * self._length(k, LEVELS[0])
                vectors[:, k] += away if limit == "min" else -away
        return np.asarray(np.clip(vectors, domain[:, 0], domain[:, 1]))

    def to_json(self) -> dict[str, Any]:
        """Plain numbers; not a number where there is none."""
        return {
            "noise": self.noise.text,
            "noise_estimated": self.noise.estimated,
            "reduced_chi2": self.noise.reduced_chi2,
            "degrees_of_freedom": self.noise.degrees_of_freedom,
            "distance_from_minimum": self.from_minimum,
            "evaluations": self.evaluations,
            "notes": list(self.notes),
            "matrix": self.matrix.tolist(),
            "correlations": self.correlations.tolist(),
        }

    def _quantile(self, level: float) -> float:
        return quantile(level, self.noise)

    def _length(self, k: int, level: float) -> float:
        gradient, curvature = self.one_sided[k]
        if not curvature > 0.0:
            return np.inf
        z = self._quantile(level)
        return float((np.sqrt(gradient**2 + curvature * self.ratio[k] * z**2) - gradient) / curvature)


def quantile(level: float, noise: Noise) -> float:
    """Half width of a two-sided interval in standard errors."""
    from scipy.special import ndtri, stdtrit  # scipy.stats would take a second to import

    if not 0.0 < level < 1.0:
        raise InputError(f"a confidence level lies between 0 and 1, not at {level}", hint="95 % is 0.95.")
    tail = 0.5 + 0.5 * level
    return float(stdtrit(noise.degrees_of_freedom, tail) if noise.estimated else ndtri(tail))


@dataclass(frozen=True, eq=False)
class Quadratic:
    """A figure of merit near a minimum: gradient ``(n_dim,)``, expected curvature A and variance of the gradient B."""

    gradient: FloatArray
    curvature: FloatArray
    variance: FloatArray

    @classmethod
    def of(cls, slopes: Slopes, deviation: FloatArray) -> Quadratic:
        """From slopes and the standard deviations of the noise ``(n_used,)``."""
        x, w, d, found = slopes.slope, slopes.weight, slopes.difference, slopes.found
        if found.power == 2:
            pull, bend, random = 2.0 * w * d, 2.0 * w, 4.0 * (w * deviation) ** 2
        else:
            from scipy.special import erf

            pull = w * erf(d / (np.sqrt(2.0) * _SMOOTH * deviation))
            bend, random = 2.0 * w / (np.sqrt(2.0 * np.pi) * deviation), w**2
        r, share = slopes.prior_slope, found.divisor * found.prior_weights
        return cls(
            gradient=-(pull @ x) + 2.0 * (share * slopes.prior) @ r,
            curvature=(x.T * bend) @ x + 2.0 * (r.T * share) @ r,
            variance=(x.T * random) @ x + 4.0 * (r.T * share**2) @ r,
        )


def covariance_at(problem: ProblemWithData, values: FloatArray) -> Covariance:
    """The covariance of the parameters of a fit, from two batches of simulations around its best vector.

    Parameters
    ----------
    problem : with the data.
    values : ``(n_dim,)``, the minimum.

    Raises
    ------
    InputError : nothing is known of the form of the figure of merit, there are too few points, or they are fitted
        exactly, so that nothing says how large the noise is.
    """
    values = np.asarray(values, dtype=float)
    bounds = np.asarray(problem.bounds, dtype=float)
    domain = domain_of(bounds, values)
    width = domain[:, 1] - domain[:, 0]
    slopes = slopes_at(problem, values, _FIRST_STEP * width, domain)
    noise = _usable_noise(slopes, len(values))
    steps = _steps(slopes, noise, width)
    again = slopes_at(problem, values, steps, domain)
    evaluations = slopes.evaluations + again.evaluations
    noise = _usable_noise(again, len(values))
    quadratic = Quadratic.of(again, noise.deviation[again.used])
    if not all(np.isfinite(part).all() for part in (quadratic.gradient, quadratic.curvature, quadratic.variance)):
        raise InputError("the figure of merit changes beyond all numbers around the best fit")
    return _covariance(problem.names, values, bounds, quadratic, noise, again.unusable, evaluations)


def _usable_noise(slopes: Slopes, n_dim: int) -> Noise:
    noise = noise_of_fit(slopes.found, slopes.used, n_dim)
    deviation = noise.deviation[slopes.used]
    if not np.isfinite(deviation).all() or not len(deviation):
        raise InputError(
            f"{int(slopes.used.sum())} points for {n_dim} fitted parameters: nothing is left to judge the noise by"
        )
    if not (deviation > 0.0).all():
        raise InputError("the simulation goes through every point, so nothing says how large the noise is")
    return noise


def _steps(slopes: Slopes, noise: Noise, width: FloatArray) -> FloatArray:
    """A small part of each parameter's error, so that differences are neither rounding nor curvature."""
    with np.errstate(divide="ignore"):
        alone = 1.0 / np.sqrt(np.sum((slopes.slope / noise.deviation[slopes.used, None]) ** 2, axis=0))
    return np.asarray(np.clip(_STEP * alone, 1e-9 * width, _LARGEST_STEP * width))


def _covariance(
    names: tuple[str, ...],
    values: FloatArray,
    bounds: FloatArray,
    quadratic: Quadratic,
    noise: Noise,
    unusable: tuple[int, ...],
    evaluations: int,
) -> Covariance:
    domain = domain_of(bounds, values)
    width = domain[:, 1] - domain[:, 0]
    n = len(values)
    a, b = quadratic.curvature, quadratic.variance
    dead = (np.diag(a) <= 0.0) | _without_influence(a, b, width) | np.isin(np.arange(n), unusable)
    live = np.flatnonzero(~dead)
    whole, loose = _sandwich(a, b, live)
    undetermined = dead.copy()
    undetermined[live[loose]] = True
    error = np.full(n, np.inf)
    error[live] = np.sqrt(np.diag(whole))
    error[undetermined] = np.inf
    move = np.zeros(n)
    move[live] = _bounded_minimum(a[np.ix_(live, live)], quadratic.gradient[live], (domain - values[:, None])[live])
    held_by = _held(values + move, values, domain, error)
    limits = tuple("" if is_dead else limit for limit, is_dead in zip(held_by, dead, strict=True))
    held = np.array([bool(limit) for limit in limits])
    free = np.flatnonzero(~held & ~dead)
    block, loose = _sandwich(a, b, free)
    matrix = np.zeros((n, n))
    matrix[np.ix_(free, free)] = block
    unknown = dead.copy()
    unknown[free[loose]] = True
    matrix[unknown, :] = matrix[:, unknown] = np.nan
    matrix[unknown, unknown] = np.inf
    one_sided = np.full((n, 2), np.nan)
    ratio = np.full(n, np.sum(np.diag(b)[live] / np.diag(a)[live]) / max(len(live), 1))
    ratio[free] = np.diag(block) / np.diag(_pseudo_inverse(a[np.ix_(free, free)])[0])
    for k in np.flatnonzero(held):
        *one_sided[k], ratio[k] = _at_limit(a, b, quadratic.gradient, free, int(k), limits[k])
    with np.errstate(invalid="ignore"):
        away = np.abs(move) / error
    far = float(np.max(away[free], initial=0.0, where=np.isfinite(away[free])))
    notes = _notes(names, unknown, dead, np.sqrt(np.diag(matrix)), width, limits, far)
    return Covariance(names, values, bounds, matrix, limits, one_sided, ratio, noise, far, evaluations, notes)


def _without_influence(a: FloatArray, b: FloatArray, width: FloatArray) -> np.ndarray:
    """Parameters whose error alone, with all others fixed, would be thousands of widths of their limits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = np.sqrt(np.diag(b)) / np.diag(a)
    return np.asarray(~(alone < _NOTHING * np.where(width > 0.0, width, np.inf)) | (width <= 0.0))


def _sandwich(a: FloatArray, b: FloatArray, chosen: np.ndarray) -> tuple[FloatArray, np.ndarray]:
    """A⁻¹BA⁻¹ of some parameters, and which of these are not fixed, because only a combination of several is."""
    inverse, loose = _pseudo_inverse(a[np.ix_(chosen, chosen)])
    return np.asarray(inverse @ b[np.ix_(chosen, chosen)] @ inverse), loose


def _pseudo_inverse(a: FloatArray) -> tuple[FloatArray, np.ndarray]:
    """The inverse of a curvature without the directions that it leaves open, and which parameters these contain."""
    scale = 1.0 / np.sqrt(np.diag(a))
    values, directions = np.linalg.eigh(a * np.outer(scale, scale))
    good = values > _SINGULAR * max(len(a), 1)
    loose = np.sum(directions[:, ~good] ** 2, axis=1) > 1e-4
    inverse = (directions[:, good] / values[good]) @ directions[:, good].T * np.outer(scale, scale)
    return np.asarray(inverse), loose


def _bounded_minimum(a: FloatArray, gradient: FloatArray, box: FloatArray) -> FloatArray:
    """The step ``(n,)`` to the minimum of gradient·δ + ½ δᵀAδ inside a box ``(n, 2)``."""
    from scipy.optimize import lsq_linear

    if not len(gradient):
        return np.zeros(0)
    scale = 1.0 / np.sqrt(np.diag(a))
    values, directions = np.linalg.eigh(a * np.outer(scale, scale))
    good = values > _SINGULAR * len(values)
    root = np.sqrt(values[good])
    rows, aim = directions[:, good].T * root[:, None], -(directions[:, good].T @ (gradient * scale)) / root
    limits = np.minimum(box[:, 0] / scale, 0.0), np.maximum(box[:, 1] / scale, 0.0)
    found = lsq_linear(rows, aim, bounds=limits, method="bvls")
    return np.asarray(found.x * scale)


def _held(minimum: FloatArray, values: FloatArray, domain: FloatArray, error: FloatArray) -> tuple[str, ...]:
    """For each parameter the limit beyond which its minimum lies, if it has come there."""
    width = domain[:, 1] - domain[:, 0]
    near = np.maximum(np.where(np.isfinite(error), _NEAR * error, 0.0), 1e-3 * width)
    found = []
    for place, value, (low, high), reach, whole in zip(minimum, values, domain, near, width, strict=True):
        if place <= low + 1e-9 * whole and value - low <= reach:
            found.append("min")
        elif place >= high - 1e-9 * whole and high - value <= reach:
            found.append("max")
        else:
            found.append("")
    return tuple(found)


def _at_limit(
    a: FloatArray, b: FloatArray, gradient: FloatArray, free: np.ndarray, k: int, limit: str
) -> tuple[float, float, float]:
    """Slope into the allowed region, curvature, and ratio of a parameter at its limit, all others following."""
    both = np.append(free, k)
    block, _ = _sandwich(a, b, both)
    curvature = 1.0 / _pseudo_inverse(a[np.ix_(both, both)])[0][-1, -1]
    follow = _pseudo_inverse(a[np.ix_(free, free)])[0] @ a[free, k] if len(free) else np.zeros(0)
    pull = float(gradient[k] - follow @ gradient[free])
    inward = pull if limit == "min" else -pull
    return max(0.0, inward), float(curvature), float(block[-1, -1] * curvature)


def _notes(
    names: tuple[str, ...],
    unknown: np.ndarray,
    dead: np.ndarray,
    error: FloatArray,
    width: FloatArray,
    limits: tuple[str, ...],
    far: float,
) -> tuple[str, ...]:
    found = []
    without = [name for name, is_dead in zip(names, dead, strict=True) if is_dead]
    if without:
        found.append(f"no influence on the simulation at the best fit, so no error bar: {', '.join(without)}")
    tied = [name for name, no, is_dead in zip(names, unknown, dead, strict=True) if no and not is_dead]
    if tied:
        found.append(f"the data fix only a combination of {', '.join(tied)}: the error of each is infinite")
    wide = [name for name, e, w in zip(names, error, width, strict=True) if np.isfinite(e) and e > w]
    if wide:
        found.append(f"less known from the data than from its limits: {', '.join(wide)}")
    held = [f"{name} ({limit})" for name, limit in zip(names, limits, strict=True) if limit]
    if held:
        found.append(f"held by a limit, error on one side only, the others as if it were fixed: {', '.join(held)}")
    if far > FAR:
        found.append(f"the fit has not come to its minimum, which is about {far:.2g} error bars away")
    return tuple(found)
