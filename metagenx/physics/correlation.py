"""How rough interfaces correlate along the surface: the Fourier transform of a self-affine correlation function.

F(q) = ∫₀^∞ exp(−x^{2h}) cos(qx) dx, with x in units of the correlation length and h the Hurst (jaggedness) exponent;
S. K. Sinha et al., Phys. Rev. B 38, 2297 (1988). π times a symmetric stable density of the exponent 2h.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from metagenx.physics.compiled import compiled
from metagenx.physics.elementary import exponential, sine_cosine
from metagenx.physics.pointwise import Array
from metagenx.physics.tables import table

# GenX's table: F is evaluated here wherever |q| is smaller.
SMALLEST_ARGUMENT = 0.003
# Its fixed grid (taylor_n < 0): three points, then logarithmic ones.
_FIXED_START, _FIXED_END, _FIXED_POINTS = 1e-3, 5000.0, 5000
_LEAST_STEP = 1e-12
_STEP_INSTEAD = 1e-3

# The contour integral: exponents below this do not count, and where the nodes begin, see `_nodes`.
_LEAST_EXPONENT = -50.0
_FIRST_NODE = -3.75
_HALF_ROOT_PI = 0.5 * np.pi**0.5
_MOST_NODES = 4096


def transform(q: ArrayLike, h: float) -> Array:
    """F(q) of every element; q in units of the inverse correlation length.

    h ≥ 0.02; NaN for smaller or undefined ones. Accurate to about 1e-15/q, which is what the integral's terms are.
    """
    arguments = np.ascontiguousarray(q, dtype=np.float64)
    out = np.empty(arguments.shape)
    _transform(np.abs(arguments).reshape(-1), float(h), out.reshape(-1))
    return out


def orders(q_x: Array, length: Array, h: Array, n_order: int, *, fixed_grid: bool) -> Array:
    """(2/n!)·(η/n^{1/2h})·F(|q_x|·η/n^{1/2h}) for the orders n = 1 … n_order of Taylor's series.

    Parameters
    ----------
    q_x : (n_population | 1, n_points), Å⁻¹.
    length : correlation length η along the surface, Å, (n_population | 1, 1).
    h : Hurst exponent, (n_population | 1, 1).
    fixed_grid : which of GenX's two tables.

    Returns
    -------
    (n_population | 1, n_order, n_points).

    F is interpolated linearly in a table, as in GenX, for its error is part of the numbers; only the places of it that
    are needed are computed. Table: equal steps of min |Δq_x|·η/n_order^{1/2h}, or fixed places from 1e-3 to 5000.
    """
    points, eta, hurst = table(q_x), table(length), table(h)
    n_population = max(len(points), len(eta), len(hurst))
    out = np.empty((n_population, n_order, points.shape[1]))
    _orders(points, eta.reshape(-1), hurst.reshape(-1), fixed_grid, out)
    return out


@compiled()
def _transform(q: Array, h: float, out: Array) -> None:
    nodes, terms = np.empty((5, _MOST_NODES)), np.empty(_MOST_NODES)
    n_node = _nodes(2.0 * h, nodes)
    for i in range(q.size):
        out[i] = _value(q[i], 2.0 * h, nodes, n_node, terms)


@compiled()
def _orders(q_x: Array, length: Array, h: Array, fixed_grid: bool, out: Array) -> None:
    n_order, n_points = out.shape[1], out.shape[2]
    nodes, terms = np.empty((5, _MOST_NODES)), np.empty(_MOST_NODES)
    for m in range(out.shape[0]):
        q = q_x[m if q_x.shape[0] > 1 else 0]
        eta, hurst = length[m if length.size > 1 else 0], h[m if h.size > 1 else 0]
        alpha = 2.0 * hurst
        n_node = _nodes(alpha, nodes)
        smallest, largest, closest = np.inf, 0.0, np.inf
        for i in range(n_points):
            smallest, largest = min(smallest, abs(q[i])), max(largest, abs(q[i]))
            if i > 0:
                closest = min(closest, abs(q[i] - q[i - 1]))
        shrunk = eta / n_order ** (1.0 / alpha)
        step = closest * shrunk
        if not step >= _LEAST_STEP or step == np.inf:
            step = _STEP_INSTEAD
        start = smallest * shrunk - step
        increment = (start + step) - start  # numpy's arange takes the difference of its first two values
        end = _FIXED_END
        if largest * eta + 2 * step > end:
            end = 2 * (largest * eta + 2 * step)
        decade = (np.log10(end) - np.log10(_FIXED_START)) / (_FIXED_POINTS - 1)
        factor = 2.0
        for n in range(1, n_order + 1):
            factor /= n
            reach = eta / n ** (1.0 / alpha)
            for i in range(n_points):
                place = abs(q[i]) * reach
                if not place < np.inf:
                    out[m, n - 1, i] = np.nan
                    continue
                low, high = _around(place, start, increment) if not fixed_grid else _around_fixed(place, decade)
                f_low = _value(low, alpha, nodes, n_node, terms)
                f_high = _value(high, alpha, nodes, n_node, terms)
                slope = (f_high - f_low) / (high - low)
                out[m, n - 1, i] = factor * reach * (slope * (place - low) + f_low)


@compiled(inner=True)
def _around(place: float, start: float, increment: float) -> tuple[float, float]:
    """The points of the equidistant table on both sides of a place."""
    i = np.floor((place - start) / increment)
    if start + i * increment > place:
        i -= 1
    elif start + (i + 1) * increment <= place:
        i += 1
    return start + i * increment, start + (i + 1) * increment


@compiled(inner=True)
def _around_fixed(place: float, decade: float) -> tuple[float, float]:
    """The points of the fixed table on both sides of a place: 0, then 1e-3·10^{i·decade}."""
    if place < _FIXED_START:
        return 0.0, _FIXED_START
    first = np.log10(_FIXED_START)
    i = min(max(np.floor((np.log10(place) - first) / decade), 0.0), _FIXED_POINTS - 2.0)
    if 10.0 ** (first + i * decade) > place and i > 0:
        i -= 1
    return 10.0 ** (first + i * decade), 10.0 ** (first + (i + 1) * decade)


@compiled(inner=True)
def _nodes(alpha: float, nodes: Array) -> int:
    """Nodes of the integral along the ray z = t·e^{iφ}: exp-sinh-like steps t = exp(s − e^{−s}), s equidistant.

    The integral of exp(−z^α + iqz) over the real axis is that over any ray on which z^α and −iqz have positive real
    parts; the ray in the middle of the sector leaves the widest strip of analyticity on either side, and the trapezoid
    rule converges with exp(−2π·width/step). Returns how many; 0 if alpha is out of range.
    """
    if not 0.04 <= alpha < np.inf:
        return 0
    phi = 0.5 * min(np.pi, 0.5 * np.pi / alpha)
    step = min(0.1, 0.16 * phi)
    last = np.log(100.0) + max(np.log(-_LEAST_EXPONENT / np.cos(alpha * phi)) / alpha, np.log(1.0 / np.sin(phi)))
    n_node = min(int((last - _FIRST_NODE) / step) + 2, _MOST_NODES)
    for m in range(n_node):
        s = _FIRST_NODE + m * step
        t = np.exp(s - np.exp(-s))
        power = t**alpha
        nodes[0, m] = step * t * (1.0 + np.exp(-s))
        nodes[1, m] = power * np.cos(alpha * phi)
        nodes[2, m] = power * np.sin(alpha * phi)
        nodes[3, m] = t * np.sin(phi)
        nodes[4, m] = t * np.cos(phi)
    return n_node


@compiled(inner=True)
def _value(q: float, alpha: float, nodes: Array, n_node: int, terms: Array) -> float:
    """F(|q|), with z in units of 1/(1 + q) so that the same nodes serve all q."""
    q = abs(q)
    q = SMALLEST_ARGUMENT if q < SMALLEST_ARGUMENT else q
    if alpha == 2.0:
        return float(_HALF_ROOT_PI * np.exp(-0.25 * q * q))
    if alpha == 1.0:
        return 1.0 / (1.0 + q * q)
    if n_node == 0 or not q < np.inf:
        return np.nan
    scale = 1.0 / (1.0 + q)
    a, b = scale**alpha, q * scale
    phi = 0.5 * min(np.pi, 0.5 * np.pi / alpha)
    last = n_node
    while last > 1 and -nodes[1, last - 1] * a - nodes[3, last - 1] * b < _LEAST_EXPONENT:
        last -= 1
    _fill(nodes, a, b, phi, terms[:last])
    total = 0.0
    for m in range(last):
        total += terms[m]
    return scale * total


@compiled(relaxed=True, inner=True)
def _fill(nodes: Array, a: float, b: float, phi: float, terms: Array) -> None:
    weight, real, imaginary, fall, turn = nodes[0], nodes[1], nodes[2], nodes[3], nodes[4]
    for m in range(terms.size):
        size = exponential(-real[m] * a - fall[m] * b)
        terms[m] = weight[m] * size * sine_cosine(phi - imaginary[m] * a + turn[m] * b)[1]
