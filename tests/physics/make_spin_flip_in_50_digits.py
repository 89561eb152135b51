"""Makes spin_flip_in_50_digits.json: the product of 4×4 matrices (fact sheet 3.4) with mpmath.

Needs mpmath, which the tests do not: python tests/physics/make_spin_flip_in_50_digits.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from mpmath import mp

mp.dps = 50


def reflectivity(q, plus, minus, angle, thickness, sigma, order):
    k = [[mp.sqrt(mp.mpf(q) ** 2 / 4 - mp.mpc(v[j])) for v in (plus, minus)] for j in order]
    product = None
    for step in range(len(order) - 1):
        i, j = order[step], order[step + 1]
        (x, y), (u, v) = k[step], k[step + 1]
        half = mp.radians(mp.mpf(angle[j]) - mp.mpf(angle[i])) / 2
        c, s, h, e = mp.cos(half), mp.sin(half), -(mp.mpf(sigma[i]) ** 2) / 2, mp.exp
        a = [
            c * (x + u) / (2 * u) * e(h * (u - x) ** 2),
            -c * (x - u) / (2 * u) * e(h * (u + x) ** 2),
            s * (u + y) / (2 * u) * e(h * (u - y) ** 2),
            s * (u - y) / (2 * u) * e(h * (u + y) ** 2),
        ]
        b = [
            -s * (x + v) / (2 * v) * e(h * (v - x) ** 2),
            s * (x - v) / (2 * v) * e(h * (v + x) ** 2),
            c * (y + v) / (2 * v) * e(h * (v - y) ** 2),
            -c * (y - v) / (2 * v) * e(h * (v + y) ** 2),
        ]
        matrix = mp.matrix([a, [a[1], a[0], a[3], a[2]], b, [b[1], b[0], b[3], b[2]]])
        if product is not None:
            d = mp.mpf(thickness[i])
            matrix = matrix * mp.diag([e(-1j * x * d), e(1j * x * d), e(-1j * y * d), e(1j * y * d)]) * product
        product = matrix
    m = product
    det = m[0, 0] * m[2, 2] - m[0, 2] * m[2, 0]
    return [
        float(abs(r / det) ** 2)
        for r in (
            m[1, 0] * m[2, 2] - m[1, 2] * m[2, 0],
            m[3, 2] * m[0, 0] - m[3, 0] * m[0, 2],
            m[3, 0] * m[2, 2] - m[3, 2] * m[2, 0],
        )
    ]


def case(seed, n_layer, repetitions, thickness, absorption):
    rng = np.random.default_rng(seed)
    mean, moment = rng.uniform(2e-6, 9e-6, n_layer) * 4 * np.pi, rng.uniform(-1e-6, 5e-6, n_layer) * 4 * np.pi
    layers = {
        "plus_re": mean + moment,
        "plus_im": -absorption * rng.uniform(0, 1, n_layer),
        "minus_re": mean - moment,
        "minus_im": -absorption * rng.uniform(0, 1, n_layer),
        "angle": rng.uniform(-180, 180, n_layer),
        "thickness": rng.uniform(0.3, 1, n_layer) * thickness,
        "sigma": rng.uniform(0, 6, n_layer),
    }
    for name in ("plus_re", "plus_im", "minus_re", "minus_im", "angle"):
        layers[name][-1] = 0
    layers = {name: values.tolist() for name, values in layers.items()}
    q = np.concatenate([np.linspace(1e-3, 0.03, 12), np.linspace(0.035, 0.2, 8)]).tolist()
    order = [0, *list(range(1, n_layer - 1)) * repetitions, n_layer - 1]
    plus = [complex(*pair) for pair in zip(layers["plus_re"], layers["plus_im"], strict=True)]
    minus = [complex(*pair) for pair in zip(layers["minus_re"], layers["minus_im"], strict=True)]
    arguments = (plus, minus, layers["angle"], layers["thickness"], layers["sigma"], order)
    return {
        "layers": layers, "first": [1], "last": [n_layer - 1], "repetitions": [repetitions], "q": q,
        "reflectivity": np.array([reflectivity(point, *arguments) for point in q]).T.tolist(),
    }  # fmt: skip


if __name__ == "__main__":
    cases = [case(1, 6, 8, 200.0, 0.0), case(2, 4, 30, 90.0, 1e-8), case(3, 5, 1, 3000.0, 1e-7)]
    text = json.dumps({"made_by": Path(__file__).name, "digits": mp.dps, "cases": cases})
    Path(__file__).with_name("spin_flip_in_50_digits.json").write_text(text + "\n")
