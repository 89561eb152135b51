"""The fact sheet's section 4.3 in plain numpy: one sample, profiles on the whole grid, sums as they are printed.

Slow and literal on purpose: it shares no code with the package.
"""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import plain_spec_nx as plain
from scipy.special import erf

RHO = 2.31605e-6


def transition(kind: str, z: np.ndarray, at: float, sigma: float) -> np.ndarray:
    with np.errstate(over="ignore"):
        if kind == "gauss":
            return 0.5 - 0.5 * erf((z - at) / (np.sqrt(2) * sigma))
        if kind == "linear":
            return np.clip(0.5 * (1 + (at - z) / (2 * sigma)), 0, 1)
        if kind == "exp-1":
            return np.clip(np.exp((at - z) / sigma), 0, 1)
        return np.clip(1 - np.exp((z - at) / sigma), 0, 1)


def transitions(layers: list[Any], z: np.ndarray, crop: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Chemical and magnetic transitions of all interfaces."""
    at = np.concatenate([[0.0], np.cumsum([layer.d for layer in layers[1:-1]])])
    sigma = [layer.sigma + 1e-7 for layer in layers[:-1]]
    magnetic = [(layer.sigma_mag or layer.sigma) + 1e-7 for layer in layers[:-1]]
    kinds = [str(layer.rough_type) for layer in layers[:-1]]
    window = []
    for k in range(len(at) - 1):
        d = layers[k + 1].d
        s = (sigma[k + 1] - sigma[k]) / (sigma[k + 1] + sigma[k])
        w = (1 - abs(s)) * d / 2
        with np.errstate(divide="ignore"):
            window.append(0.5 - 0.5 * erf((z - at[k + 1] + (0.5 + 0.5 * s) * d) * np.sqrt(2) / w))
    found = []
    for widths in (sigma, magnetic):
        every = [transition(*one) for one in zip(kinds, [z] * len(at), at, widths, strict=True)]
        if crop and window:
            last = len(every) - 1
            every[0] = every[0] * window[0]
            for k in range(1, last):
                every[k] = window[k - 1] + (1 - window[k - 1]) * every[k] * window[k]
            every[last] = window[-1] + (1 - window[-1]) * every[last]
        found.append(every)
    return found[0], found[1]


def values(layers: list[Any], *, ends: bool) -> dict[str, np.ndarray]:
    inside = np.ones(len(layers))
    inside[[0, -1]] = ends
    angle = np.array([layer.magn_ang for layer in layers]) * np.pi / 180
    dens = np.array([layer.dens for layer in layers])
    moment = dens * [layer.magn for layer in layers] * inside
    return {
        "f": dens * [layer.f for layer in layers] * inside,
        "b": dens * [layer.b for layer in layers] * inside,
        "xs": dens * [layer.xs_ai for layer in layers] * inside,
        "along": moment * np.cos(angle),
        "across": moment * np.sin(angle),
        "void": np.array([float(layer.magn_void) for layer in layers]),
    }


def profiles(sample: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    elements = sorted({round(stack.Element) for stack in sample.Stacks}) or [0]
    total: dict[str, Any] = {}
    for number, element in enumerate(elements):
        layers = [sample.Substrate]
        for stack in sample.Stacks:
            if round(stack.Element) == element:
                layers += list(stack.Layers) * round(float(stack.Repetitions))
        layers.append(sample.Ambient)
        if number == 0:
            at = np.concatenate([[0.0], np.cumsum([layer.d for layer in layers[1:-1]])])
            begin, end = -5 * (layers[0].sigma + 1e-7), at.max() + 5 * (layers[-2].sigma + 1e-7)
            z = np.arange(begin, end, sample.minimal_steps / 5)
        chemical, magnetic = transitions(layers, z, bool(sample.crop_sigma) and number == 0)
        for name, v in values(layers, ends=number == 0).items():
            every = magnetic if name in ("along", "across") else chemical
            one = sum((v[k] - v[k + 1]) * every[k] for k in range(len(every))) + v[-1]
            if number == 0 or name != "void":
                total[name] = total.get(name, 0) + one
    return z, total


def slices(sample: Any) -> list[SimpleNamespace]:
    """Substrate, slices, ambient medium."""
    z, p = profiles(sample)
    tested = [
        (np.real(p["f"]), sample.max_diff_x),
        (np.real(p["b"]) + p["along"], sample.max_diff_n),
        (np.real(p["b"]) - p["along"], sample.max_diff_n),
        (p["across"], sample.max_diff_n),
    ]
    last, i, found = len(z) - 1, 0, []
    while i < last:
        too_far = np.zeros(last - i, dtype=bool)
        for y, limit in tested:
            part = y[i + 1 :]
            too_far |= ~(np.maximum.accumulate(part) - np.minimum.accumulate(part) < limit)
        j = min(last, max(i + 1 + int(np.argmax(too_far)), i + 5)) if too_far.any() else last
        mean = {name: np.mean(y[i:j]) for name, y in p.items()}
        along, across = mean["along"] * (1 - mean["void"]), mean["across"] * (1 - mean["void"])
        turn = np.degrees(np.arctan2(along, -across)) - 90 + 180 * (along < 0)
        found.append(
            SimpleNamespace(
                d=z[j] - z[i],
                dens=1.0,
                sigma=0.0,
                f=mean["f"],
                b=mean["b"],
                xs_ai=mean["xs"],
                magn=np.sign(along) * np.sqrt(along**2 + across**2),
                magn_ang=np.mod(turn, 360),
            )
        )
        i = j
    if sample.smoothen:
        for one, following in pairwise(found):
            one.sigma = (one.d + following.d) / 4
    fields = ("d", "dens", "f", "b", "xs_ai", "magn", "magn_ang")
    substrate = SimpleNamespace(sigma=0.0, **{name: getattr(sample.Substrate, name) for name in fields})
    ambient = SimpleNamespace(sigma=sample.Ambient.sigma, **{name: getattr(sample.Ambient, name) for name in fields})
    return [substrate, *found, ambient]


def specular(x: np.ndarray, sample: Any, inst: Any, *, other_side: bool = False) -> np.ndarray:
    layers = slices(sample)
    if str(inst.probe) != "neutron pol spin flip" or str(inst.zeeman) == "no corr":
        stack = SimpleNamespace(Layers=layers[1:-1], Repetitions=1)
        sliced = SimpleNamespace(Substrate=layers[0], Stacks=[stack], Ambient=layers[-1])
        return plain.specular(x, sliced, inst, other_side=other_side)
    return in_field(x, plain.inverted(layers) if other_side else layers, inst)


def in_field(x: np.ndarray, layers: list[SimpleNamespace], inst: Any) -> np.ndarray:
    """Zeeman: spin flip in a magnetic field."""
    lam, rho = inst.wavelength, RHO * inst.mag_field
    full = plain.grid_of(x, inst)
    grid = x if full is None else full[0].ravel()
    if str(inst.coords) == "2θ":
        q = 4 * np.pi / lam * np.sin(np.radians(grid + inst.tthoff) / 2)
    elif inst.tthoff == 0:
        q = grid
    else:
        q = 4 * np.pi / lam * np.sin(np.arcsin(lam * grid / (4 * np.pi)) + np.radians(inst.tthoff) / 2)
    how = (str(inst.zeeman), str(inst.pol))
    if how in (("SF q (+)", "ud"), ("SF q (-)", "du")):
        q = q / 2 + np.sqrt(q**2 / 4 + 8 * np.pi * rho)
    elif how in (("SF q (+)", "du"), ("SF q (-)", "ud")):
        q = q / 2 + np.sqrt(np.maximum(0, q**2 / 4 - 8 * np.pi * rho))
    q = np.maximum(q, 1e-10)
    # 2π(s ± m)(2 + s ± m) is the potential of spec_nx at a wavelength of √(2π) Å.
    unit = np.sqrt(2 * np.pi)
    turned = []
    for layer in layers:
        angle = np.radians(layer.magn_ang)
        moment = plain.MU * layer.magn * layer.dens
        along, across = moment * np.cos(angle) + rho, moment * np.sin(angle)
        turned.append(
            SimpleNamespace(
                d=layer.d,
                sigma=layer.sigma,
                dens=1.0,
                b=layer.b * layer.dens,
                xs_ai=layer.xs_ai * layer.dens / (2 * lam) * (4 * np.pi) / unit,
                magn=np.hypot(along, across) / plain.MU,
                magn_ang=np.degrees(np.arctan2(across, along)),
            )
        )
    curve = plain.spin_flip(q, turned, unit)[str(inst.pol)]
    curve = curve * plain.footprint(lam * q / (4 * np.pi), inst)
    if full is None:
        curve = plain.fast(x, curve, inst)
    else:
        places, weights = full
        curve = np.trapezoid(weights * curve.reshape(places.shape), places, axis=0)
        curve = curve / np.trapezoid(weights, places, axis=0)
    return inst.I0 * curve + inst.Ibkg
