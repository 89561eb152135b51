"""The fact sheet's section 4.2 in plain Python loops: every layer of every repetition, every thickness.

Slow and literal on purpose: it shares no code with the package.
"""

from __future__ import annotations

import cmath
import copy
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import plain_spec_nx as plain

FIELDS = ("d", "dens", "sigma", "f", "b", "xs_ai", "magn", "magn_ang")


def a_copy(layer: Any) -> SimpleNamespace:
    return SimpleNamespace(**{name: getattr(layer, name) for name in FIELDS})


def roughness(kind: str, sigma: float, g: float, i: int, n: int) -> float:
    if i == 0:
        return sigma
    u = i / (n - 1)
    return {
        "relative linear": sigma * (1 + g * u),
        "relative sqrt": sigma * math.sqrt(1 + (g * u) ** 2),
        "absolute linear": sigma + g * u,
        "absolute sqrt": math.sqrt(sigma**2 + (g * u) ** 2),
    }[kind]


def schelten_mika(beta: float, m: float, high: float, low: float) -> list[float]:
    q_a, q_b = 4 * math.pi * cmath.sqrt(high / math.pi), 4 * math.pi * cmath.sqrt(low / math.pi)
    g = 0.022 * m / q_a
    q_ab = q_a / cmath.sqrt(q_a**2 - q_b**2)
    b = beta * q_ab**4 + 2 * beta * q_ab**2 - 1
    n = int(abs(beta * ((g**2 * q_ab**2 + 1) ** 2 - 1) - b))
    return [abs((2 * math.pi * q_ab / q_a) / cmath.sqrt(cmath.sqrt(1 + (n - i + b) / beta) - 1)) for i in range(n)]


def hayter_mook(zeta: float, n: int, high: float, low: float) -> list[tuple[float, float]]:
    def delta(tau: float, side: int) -> float:
        w1, w2 = math.sqrt(tau**2 - 1), math.sqrt(tau**2 - low / high)
        c = (w2 - w1) / (w1 + w2)
        kappa = (1 - c) / (1 + c)
        nu = math.log(1 - zeta) / (2 * math.log(kappa))
        rho = (1 - kappa ** (1 / nu)) / (1 + kappa ** (1 / nu))
        a = rho * 3 / math.sqrt(8)
        width = 2 * w1 / math.pi * math.atan(a / math.sqrt(1 - a**2))
        return side * (math.sqrt(1 + (w1 + side * width) ** 2) - tau)

    tau, w, pairs = 1.1, 3 / math.sqrt(8), []
    for _ in range(n):
        while True:
            at, ahead = tau - delta(tau, -1) - w, tau * 1.0001 - delta(tau * 1.0001, -1) - w
            moved = tau - at / ((ahead - at) / (tau * 1e-4))
            close, tau = abs((moved - tau) / tau) <= 1e-4, moved
            if close:
                break
        w = tau + delta(tau, 1)
        root = math.sqrt(math.pi) / (4 * math.sqrt(high))
        pairs.append((root / math.sqrt(tau**2 - 1), root / math.sqrt(tau**2 - low / high)))
    return pairs


def copies(stack: Any) -> list[SimpleNamespace]:
    """All layers of a stack, every repetition written out."""
    layers, beta = stack.Layers, stack.beta_sm
    n = int(stack.Repetitions)
    slds = [one.dens * (complex(one.b).real + one.magn) * 1e-5 for one in layers]
    thicknesses: list[list[float]]
    if beta > 0:
        bilayers = schelten_mika(beta, stack.Repetitions, max(slds), min(slds))
        n = len(bilayers)
        total = sum(one.d for one in layers)
        thicknesses = [
            [one.d / total * bilayer * (1 + stack.d_gradient * i / max(n - 1, 1)) * stack.sm_scale for one in layers]
            for i, bilayer in enumerate(bilayers)
        ]
    elif beta < 0:
        n = int(abs(stack.Repetitions))
        pairs = hayter_mook(-beta, n, max(slds), min(slds))
        pairs = pairs[::-1] if stack.Repetitions > 0 else pairs
        dense, thin = slds.index(max(slds)), slds.index(min(slds))
        rest = sum(one.d for k, one in enumerate(layers) if k not in (dense, thin))
        thicknesses = []
        for i, (one, two) in enumerate(pairs):
            part, scale = (one + two - rest) / (one + two), (1 + stack.d_gradient * i / max(n - 1, 1)) * stack.sm_scale
            row = [layer.d for layer in layers]
            row[dense], row[thin] = one * part, two * part
            thicknesses.append([d * scale for d in row])
    else:
        thicknesses = [
            [one.d * (1 - (stack.d_gradient + one.d_gradient) * (0.5 - i / n)) for one in layers] for i in range(n)
        ]
    made = []
    for i in range(n):
        for layer, d in zip(layers, thicknesses[i], strict=True):
            one = a_copy(layer)
            one.d = d
            g = stack.sigma_gradient + layer.sigma_gradient
            one.sigma = roughness(str(stack.sigma_gtype), layer.sigma, g, i, n)
            one.dens = layer.dens * (1 - stack.dens_gradient * (0.5 - i / stack.Repetitions))
            made.append(one)
    return made


def distribution(sample: Any) -> list[tuple[float, float]]:
    """(t, P) of all thicknesses."""
    s, fw = sample.sigma_inhom / 100, max(1e-4, sample.flatwidth_inhom / 100)
    steps, ls = sample.steps_inhom, sample.lscale_inhom
    if s == 0:
        return [(1.0, 1.0)]
    if sample.type_inhom == "gauss":
        t = 1 + np.linspace(-s, s, steps)
        p = np.exp(-0.5 * ((t - 1) / s) ** 2)
        p = p / p.sum()
    else:
        if sample.type_inhom == "semi-gauss":
            t = 1 + np.linspace(-2 * s, 0, steps)
            p = np.exp(-0.5 * ((t - s - 1) / s) ** 2)
        else:
            t = 1 + np.linspace(-max(2 * s, fw), 0, steps)
            p = np.where(t > fw, ls / (1 + ((t - 1) / s) ** 2) + (1 - ls), 0.0)
        p = p / p.sum()
        t = t + 1 - (t * p).sum()
    return list(zip(t, p, strict=True))


def specular(x: np.ndarray, sample: Any, instrument: Any, *, other_side: bool = False) -> np.ndarray:
    """The measured curve; footprint and resolution are linear, so that each thickness may have its own."""
    total = 0.0
    for t, weight in distribution(sample):
        scaled = []
        for stack in sample.Stacks:  # the given thicknesses vary, then a supermirror is designed
            varied = copy.copy(stack)
            varied.Layers = [copy.copy(layer) for layer in stack.Layers]
            for layer in varied.Layers:
                layer.d = layer.d * t
            scaled += copies(varied)
        flat = SimpleNamespace(
            Stacks=[SimpleNamespace(Layers=scaled, Repetitions=1)],
            Substrate=a_copy(sample.Substrate),
            Ambient=a_copy(sample.Ambient),
        )
        total = total + weight * plain.specular(x, flat, instrument, other_side=other_side)
    return np.asarray(total)
