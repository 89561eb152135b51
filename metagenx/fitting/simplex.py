"""Nelder-Mead around the best member, asked and told: the polish of ``simplex_best_1_bin``.

Source: Nelder & Mead, Computer Journal 7 (1965) 308, with reflection 1, expansion 2, contraction and
shrinking 0.5. It stops when the spread of the FOMs, ``sqrt(Σ (f − mean)² / n_dim)``, falls to the given
tolerance, or after the given number of iterations. Bounds are not looked at; the caller decides what to do
with a result outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metagenx.fitting.problem import FloatArray

EXPANSION = 2.0
CONTRACTION = 0.5


@dataclass
class Simplex:
    """The state of one polish: plain arrays and numbers.

    ``vertices`` is ``(n_dim + 1, n_dim)``, ``foms`` ``(n_dim + 1,)``. ``step`` says what ``candidates`` are:
    ``vertices``, ``reflection``, ``expansion``, ``contraction``, ``shrink``, or ``done``.
    """

    vertices: FloatArray
    foms: FloatArray
    candidates: FloatArray
    tolerance: float
    max_iterations: int
    step: str = "vertices"
    iteration: int = 0
    reflected_fom: float = np.inf

    @property
    def best(self) -> tuple[FloatArray, float]:
        """The lowest vertex so far and its FOM."""
        lowest = int(np.argmin(self.foms))
        return self.vertices[lowest], float(self.foms[lowest])


def start_simplex(vector: FloatArray, fom: float, steps: FloatArray, tolerance: float, max_iterations: int) -> Simplex:
    """A simplex at ``vector`` with one more vertex per parameter, ``steps`` ``(n_dim,)`` away."""
    vertices = vector + np.vstack([np.zeros_like(vector), np.diag(steps)])
    foms = np.full(len(vertices), np.inf)
    foms[0] = fom
    return Simplex(vertices, foms, vertices[1:].copy(), tolerance, max_iterations)


def tell_simplex(simplex: Simplex, foms: FloatArray) -> None:
    """Take in the FOMs of ``simplex.candidates`` and choose the next candidates; FOMs are numbers or +inf."""
    worst = int(np.argmax(simplex.foms))
    if simplex.step in ("vertices", "shrink"):
        moved = _all_but_best(simplex)
        simplex.vertices[moved], simplex.foms[moved] = simplex.candidates, foms
    elif simplex.step == "reflection":
        if _after_reflection(simplex, worst, float(foms[0])):
            return
    elif simplex.step == "expansion":
        _after_expansion(simplex, worst, float(foms[0]))
    elif simplex.step == "contraction" and not foms[0] < simplex.foms[worst]:
        _shrink(simplex)
        return
    elif simplex.step == "contraction":
        simplex.vertices[worst], simplex.foms[worst] = simplex.candidates[0], foms[0]
    _reflect(simplex)


def _all_but_best(simplex: Simplex) -> NDArray[np.bool_]:
    others = np.ones(len(simplex.foms), dtype=bool)
    # At the beginning only the start has a FOM, so it is the best and stays.
    others[np.argmin(simplex.foms)] = False
    return others


def _centroid(simplex: Simplex, worst: int) -> FloatArray:
    others: FloatArray = simplex.vertices.sum(axis=0) - simplex.vertices[worst]
    return others / (len(simplex.foms) - 1)


def _reflect(simplex: Simplex) -> None:
    """Begin an iteration, or end."""
    foms = simplex.foms
    if simplex.iteration >= simplex.max_iterations or _spread(foms) <= simplex.tolerance:
        simplex.step, simplex.candidates = "done", simplex.candidates[:0]
        return
    simplex.iteration += 1
    worst = int(np.argmax(foms))
    candidate = 2.0 * _centroid(simplex, worst) - simplex.vertices[worst]
    simplex.step, simplex.candidates = "reflection", candidate[None]


def _spread(foms: FloatArray) -> float:
    if not np.isfinite(foms).all():
        return np.inf
    return float(np.sqrt(((foms - foms.mean()) ** 2).sum() / (len(foms) - 1)))


def _after_reflection(simplex: Simplex, worst: int, fom: float) -> bool:
    """Judge the reflected point; True if more candidates belong to this iteration."""
    foms = simplex.foms
    reflected = simplex.candidates[0]
    centroid = _centroid(simplex, worst)
    second_worst = np.partition(foms, -2)[-2]
    if fom < foms.min():
        simplex.step, simplex.reflected_fom = "expansion", fom
        simplex.candidates = (centroid + EXPANSION * (reflected - centroid))[None]
        return True
    if fom < foms[worst]:
        simplex.vertices[worst], foms[worst] = reflected, fom
    if fom <= second_worst:
        return False
    simplex.step = "contraction"
    simplex.candidates = (centroid + CONTRACTION * (simplex.vertices[worst] - centroid))[None]
    return True


def _after_expansion(simplex: Simplex, worst: int, fom: float) -> None:
    """Keep the expanded point if it is below the reflected one, else that."""
    expanded = simplex.candidates[0]
    if fom < simplex.reflected_fom:
        simplex.vertices[worst], simplex.foms[worst] = expanded, fom
        return
    centroid = _centroid(simplex, worst)
    simplex.vertices[worst] = centroid + (expanded - centroid) / EXPANSION
    simplex.foms[worst] = simplex.reflected_fom


def _shrink(simplex: Simplex) -> None:
    """Draw all vertices towards the best."""
    lowest = int(np.argmin(simplex.foms))
    others = np.delete(simplex.vertices, lowest, axis=0)
    simplex.step = "shrink"
    simplex.candidates = simplex.vertices[lowest] + CONTRACTION * (others - simplex.vertices[lowest])
