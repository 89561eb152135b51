"""Sequences of bilayers that reflect neutrons far beyond the critical edge: supermirrors.

Schelten and Mika: J. Schelten and K. Mika, Nucl. Instrum. Methods 160, 287 (1979). Hayter and Mook: J. B. Hayter
and H. A. Mook, J. Appl. Cryst. 22, 35 (1989). Steps and stops are those of the fact sheet (4.2), for the number
of layers depends on them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.physics.compiled import compiled

Array = NDArray[np.float64]

#: More bilayers than this are a mistake in the numbers.
MOST_BILAYERS = 100_000

# Critical edge of natural nickel per unit of the m value, as the authors put it.
_NICKEL_EDGE = 0.022

_START = 1.1
_STEP = 1e-4
_CLOSE_ENOUGH = 1e-4
_MOST_STEPS = 200


def schelten_mika(beta: float, m_value: float, dense: float, thin: float) -> Array:
    """Thicknesses of all bilayers, Å, bottom → top, (n_bilayer,).

    Parameters
    ----------
    beta : how fast the thickness changes, > 0; about the reflectivity that a bilayer lacks.
    m_value : critical edge in units of that of nickel.
    dense, thin : the largest and the smallest scattering length density, Å⁻².

    Raises
    ------
    InputError : there is no such sequence, or it has more than `MOST_BILAYERS` bilayers.
    """
    # Squares of Qc = 4π·sqrt(ρ/π), negative for a negative density.
    edge_dense, edge_thin = (math.copysign((4 * math.pi * math.sqrt(abs(r) / math.pi)) ** 2, r) for r in (dense, thin))
    if not (beta > 0 and edge_dense > edge_thin and edge_dense != 0.0):
        raise InputError(
            f"there is no supermirror of layers with the scattering length densities {dense:g} and {thin:g} Å⁻²",
            hint="beta_sm needs two layers of different dens·(b + magn) in the stack",
        )
    ratio = edge_dense / (edge_dense - edge_thin)  # Q_AB²
    shift = beta * ratio**2 + 2 * beta * ratio - 1  # B
    g = (_NICKEL_EDGE * m_value) ** 2 / edge_dense  # g²
    number = abs(beta * ((g * ratio + 1) ** 2 - 1) - shift)
    if not number <= MOST_BILAYERS:
        raise InputError(
            f"a supermirror of {number:.6g} bilayers", hint=f"at most {MOST_BILAYERS}: look at beta_sm and Repetitions"
        )
    n = int(number)
    root_of = 1 + (n - np.arange(n) + shift) / beta
    # √(√y − 1) in absolute value, whatever the signs under the roots.
    inner = np.where(root_of < 0, np.sqrt(np.abs(root_of) + 1), np.abs(np.sqrt(np.abs(root_of)) - 1))
    with np.errstate(divide="ignore"):
        return np.asarray(2 * math.pi / math.sqrt(abs(edge_dense - edge_thin)) / np.sqrt(inner))


def hayter_mook(reflectivity: float, n_bilayer: int, dense: float, thin: float) -> Array:
    """Thicknesses of the dense and the thin layer of all bilayers, Å, the thickest bilayer first, (n_bilayer, 2).

    Parameters
    ----------
    reflectivity : ζ, of the whole mirror, 0.6 … 1.
    dense, thin : the largest and the smallest scattering length density, Å⁻².

    Raises
    ------
    InputError : there is no such sequence.
    """
    if not 0.6 <= reflectivity <= 1:
        raise InputError(
            f"a supermirror cannot be designed for the reflectivity {reflectivity:g}",
            hint="beta_sm is 0, positive (Schelten and Mika), or between -1 and -0.6 (Hayter and Mook: -reflectivity)",
        )
    if not (dense > 0 and dense > thin):
        raise InputError(
            f"there is no supermirror of layers with the scattering length densities {dense:g} and {thin:g} Å⁻²",
            hint="beta_sm needs two layers of different dens·(b + magn) in the stack, one of them positive",
        )
    if not n_bilayer <= MOST_BILAYERS:
        raise InputError(f"a supermirror of {n_bilayer} bilayers", hint=f"at most {MOST_BILAYERS}")
    out = np.empty((n_bilayer, 2))
    failed = _hayter_mook(float(reflectivity), float(dense), float(thin), out)
    if failed >= 0:
        raise InputError(
            f"bilayer {failed + 1} of the supermirror alone would reflect more than the whole, {reflectivity:g}",
            hint="beta_sm nearer to -1, or layers of less contrast",
        )
    return out


@compiled(inner=True)
def _width(tau: float, side: float, ratio: float, reflectivity: float) -> float:
    """δ(τ, ±): from the place of a bilayer to the edge of its band on one side; NaN where there is none."""
    inside, outside = math.sqrt(tau * tau - 1.0), math.sqrt(tau * tau - ratio)
    contrast = (outside - inside) / (inside + outside)
    kappa = (1.0 - contrast) / (1.0 + contrast)
    if reflectivity < 1.0:
        layers = math.log(1.0 - reflectivity) / (2.0 * math.log(kappa))
        if not layers >= 1.0:
            return math.nan
        power = abs(kappa) ** (1.0 / layers)
    else:
        power = 1.0
    a = (1.0 - power) / (1.0 + power) * 3.0 / math.sqrt(8.0)
    half = 2.0 * inside / math.pi * math.atan(a / math.sqrt(1.0 - a * a))
    return side * (math.sqrt(1.0 + (inside + side * half) ** 2) - tau)


@compiled()
def _hayter_mook(reflectivity: float, dense: float, thin: float, out: Array) -> int:
    """Fill `out`; −1, or the bilayer at which there is no solution."""
    ratio = thin / dense
    tau, edge = _START, 3.0 / math.sqrt(8.0)
    for i in range(out.shape[0]):
        change, steps = 1.0, 0
        while change > _CLOSE_ENOUGH and steps < _MOST_STEPS:
            value = tau - _width(tau, -1.0, ratio, reflectivity) - edge
            ahead = tau * (1.0 + _STEP)
            slope = (ahead - _width(ahead, -1.0, ratio, reflectivity) - edge - value) / (tau * _STEP)
            moved = tau - value / slope
            change = abs((moved - tau) / tau)
            tau = moved
            steps += 1
        if steps == _MOST_STEPS or not tau > 1.0:
            return i
        edge = tau + _width(tau, 1.0, ratio, reflectivity)
        out[i, 0] = math.sqrt(math.pi) / (4.0 * math.sqrt(tau * tau - 1.0) * math.sqrt(dense))
        out[i, 1] = math.sqrt(math.pi) / (4.0 * math.sqrt(tau * tau - ratio) * math.sqrt(dense))
        if not edge > 0.0:
            return i
    return -1
