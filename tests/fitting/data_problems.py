"""Curves with data, for error bars: problems whose right answers are known by other means."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from metagenx.genx.deviations import Deviations


class CurveProblem:
    """A curve(vectors) -> (n, n_points) against data y with errors; Σ|y − S|^power·weight / (N − p)."""

    def __init__(
        self,
        curve: Callable[[np.ndarray], np.ndarray],
        y: np.ndarray,
        bounds: list[tuple[float, float]],
        *,
        error: np.ndarray | None = None,
        power: int = 2,
        weights: np.ndarray | None = None,
        uses_errors: bool | None = None,
        prior: Callable[[np.ndarray], np.ndarray] | None = None,
        prior_weights: tuple[float, ...] = (),
    ) -> None:
        self.curve, self.y, self.power = curve, np.asarray(y, dtype=float), power
        self.bounds = np.array(bounds, dtype=float)
        self.names = tuple(f"p{i}" for i in range(len(bounds)))
        self.start = self.bounds.mean(axis=1)
        self.error = np.full(self.y.shape, np.nan) if error is None else np.asarray(error, dtype=float)
        self.uses_errors = (error is not None) if uses_errors is None else uses_errors
        default = self.error ** -float(power) if self.uses_errors else np.ones(self.y.shape)
        self.weights = default if weights is None else weights
        self.prior, self.prior_weights = prior, np.array(prior_weights)
        self.n_evaluated = 0

    def deviations(self, vectors: np.ndarray) -> Deviations:
        self.n_evaluated += len(vectors)
        prior = np.empty((len(vectors), 0)) if self.prior is None else self.prior(vectors)
        return Deviations(
            differences=self.y - self.curve(vectors), weights=self.weights, power=self.power, noise=self.error,
            uses_errors=self.uses_errors, divisor=float(len(self.y) - len(self.names)), prior=prior,
            data=self.y, relative=np.abs(self.y),
            prior_weights=self.prior_weights,
        )  # fmt: skip

    def evaluate(self, vectors: np.ndarray) -> np.ndarray:
        found = self.deviations(vectors)
        terms = np.abs(found.weights * np.abs(found.differences) ** found.power)
        terms = np.where(np.isfinite(terms), terms, 0.0)
        return terms.sum(axis=1) / found.divisor + found.prior**2 @ found.prior_weights


def line(x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """a + b·x."""
    return lambda vectors: vectors[:, :1] + vectors[:, 1:2] * x


def noisy_line(
    *, n: int = 60, truth: tuple[float, float] = (1.0, 0.5), noise: float = 0.2, seed: int = 0, **options: object
) -> CurveProblem:
    """A line measured at n places from −1 to 2 with error bars that grow along it."""
    x = np.linspace(-1.0, 2.0, n)
    error = noise * (1.0 + 0.5 * x**2)
    y = truth[0] + truth[1] * x + error * np.random.default_rng(seed).standard_normal(n)
    settings: dict = {"error": error, **options}
    return CurveProblem(line(x), y, [(-20.0, 20.0), (-20.0, 20.0)], **settings)
