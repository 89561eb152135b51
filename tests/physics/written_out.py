"""The formulas of reflectivity in plain numpy, layer by layer, for one sample: what the kernels are compared with.

Written from the fact sheet (3.4), independently of the package: unrolled layers, complex numbers of extended
precision, no closed forms.
"""

from __future__ import annotations

import numpy as np

EXTENDED = np.clongdouble


def order_of_layers(first, last, repetitions, n_layer):
    order = [0]
    for begin, end, times in zip(first, last, repetitions, strict=True):
        order += list(range(begin, end)) * int(times)
    return [*order, n_layer - 1]


def parratt(q, potential, ambient, thickness, sigma, order, kind=EXTENDED):
    """Amplitude (n_q,); potential (n_layer,) or (n_layer, n_q), ambient a number or (n_q,)."""
    shift = np.asarray(ambient).astype(kind) * np.asarray(q).astype(kind) ** 2
    # Adding zero turns −0 into +0: a lossless evanescent wave decays.
    k = [np.sqrt(np.asarray(potential[j]).astype(kind) + shift + 0j) for j in order]
    d, s = np.asarray(thickness).astype(kind).real, np.asarray(sigma).astype(kind).real
    total = None
    for step in range(len(order) - 1):
        j, below, above = order[step], k[step], k[step + 1]
        r = (above - below) / (above + below) * np.exp(-below * above * s[j] ** 2 / 2)
        if total is None:
            total = r
        else:
            p = np.exp(1j * d[j] * below)
            total = (r + total * p) / (1 + r * total * p)
    return total


def time_of_flight(angle, wavelength, quadratic, linear, thickness, sigma, order):
    """Amplitude (n_q,) for q_k = 2 n_M (2π/λ) sqrt(n_k²/n_M² − cos²θ), n_k = 1 − aλ² − bλ."""
    length = np.asarray(wavelength).astype(EXTENDED)
    a, b = np.asarray(quadratic).astype(EXTENDED), np.asarray(linear).astype(EXTENDED)
    n = [1 - a[j] * length**2 - b[j] * length for j in range(len(a))]
    cosine = np.cos(np.longdouble(angle))
    pi = np.longdouble("3.14159265358979323846264338327950288")
    k = [4 * pi / length * n[-1] * np.sqrt((n_k / n[-1]) ** 2 - cosine**2 + 0j) for n_k in n]
    # With q = 1, potential k² and no ambient, Parratt's recursion takes any wave vectors.
    return parratt(np.ones_like(length), [k_j**2 for k_j in k], 0.0, thickness, sigma, order)


def blundell_bland(q, plus, minus, angle, thickness, sigma, order):
    """uu, dd, ud (3, n_q) from the product of 4×4 matrices, in extended precision."""
    q2 = np.asarray(q).astype(EXTENDED) ** 2 / 4
    result = np.empty((3, len(q)))
    for point in range(len(q)):
        product = None
        for step in range(len(order) - 1):
            i, j = order[step], order[step + 1]
            x, y, u, v = (
                np.sqrt(q2[point] - EXTENDED(potential[layer])) for layer in (i, j) for potential in (plus, minus)
            )
            half = np.deg2rad(np.longdouble(angle[j]) - np.longdouble(angle[i])) / 2
            c, s, h = np.cos(half), np.sin(half), -(np.longdouble(sigma[i]) ** 2) / 2
            top = [
                c * (x + u) / (2 * u) * np.exp(h * (u - x) ** 2),
                -c * (x - u) / (2 * u) * np.exp(h * (u + x) ** 2),
                s * (u + y) / (2 * u) * np.exp(h * (u - y) ** 2),
                s * (u - y) / (2 * u) * np.exp(h * (u + y) ** 2),
            ]
            bottom = [
                -s * (x + v) / (2 * v) * np.exp(h * (v - x) ** 2),
                s * (x - v) / (2 * v) * np.exp(h * (v + x) ** 2),
                c * (y + v) / (2 * v) * np.exp(h * (v - y) ** 2),
                -c * (y - v) / (2 * v) * np.exp(h * (v + y) ** 2),
            ]
            matrix = np.array([[row[place] for place in order_] for row, order_ in (
                (top, (0, 1, 2, 3)), (top, (1, 0, 3, 2)), (bottom, (0, 1, 2, 3)), (bottom, (1, 0, 3, 2)),
            )])  # fmt: skip
            if product is None:
                product = matrix
            else:
                d = np.longdouble(thickness[i])
                phases = np.exp([-1j * x * d, 1j * x * d, -1j * y * d, 1j * y * d])
                product = (matrix * phases[None, :]) @ product
        m = product
        det = m[0, 0] * m[2, 2] - m[0, 2] * m[2, 0]
        uu = (m[1, 0] * m[2, 2] - m[1, 2] * m[2, 0]) / det
        dd = (m[3, 2] * m[0, 0] - m[3, 0] * m[0, 2]) / det
        ud = (m[3, 0] * m[2, 2] - m[3, 2] * m[2, 0]) / det
        result[:, point] = [abs(uu) ** 2, abs(dd) ** 2, abs(ud) ** 2]
    return result
