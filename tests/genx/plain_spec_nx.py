"""The fact sheet's section 3 in plain numpy: one sample, every layer written out, sums as they are printed.

Slow and literal on purpose: it shares no code with the package.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.special import erf

R_E = 2.8179403227e-5
MU = 9.2740101e-24 * 2.853e-6 * 1e24


def unrolled(sample: Any) -> list[SimpleNamespace]:
    layers = [sample.Substrate]
    for stack in sample.Stacks:
        layers += list(stack.Layers) * round(float(stack.Repetitions))
    layers.append(sample.Ambient)
    fields = ("d", "dens", "sigma", "f", "b", "xs_ai", "magn", "magn_ang")
    return [SimpleNamespace(**{name: getattr(layer, name) for name in fields}) for layer in layers]


def inverted(layers: list[SimpleNamespace]) -> list[SimpleNamespace]:
    sigmas = [*[layer.sigma for layer in layers][::-1][1:], 0.0]
    return [
        SimpleNamespace(**{**vars(layer), "sigma": sigma}) for layer, sigma in zip(layers[::-1], sigmas, strict=True)
    ]


def indices(layers: list[SimpleNamespace], probe: str, wavelength: Any, sign: int) -> list[Any]:
    """n of every layer (or s and m for spin flip)."""
    n = []
    for layer in layers:
        if probe == "x-ray":
            n.append(1 - R_E * layer.dens * layer.f * wavelength**2 / (2 * np.pi))
        else:
            s = layer.dens * (
                layer.b * 1e-5 * wavelength**2 / (2 * np.pi) - 1j * layer.xs_ai * 1e-8 * wavelength / (4 * np.pi)
            )
            m = MU * layer.magn * layer.dens * wavelength**2 / (2 * np.pi)
            n.append(1 - s - sign * m)
    return n


def parratt(q: np.ndarray, n: list[Any], layers: list[SimpleNamespace], wavelength: Any) -> np.ndarray:
    k = [
        np.sqrt(((one**2 - n[-1] ** 2) * (4 * np.pi / wavelength) ** 2 + n[-1] ** 2 * q**2).astype(complex))
        for one in n
    ]
    r = None
    for i in range(len(layers) - 1):
        step = (k[i + 1] - k[i]) / (k[i + 1] + k[i]) * np.exp(-k[i] * k[i + 1] * layers[i].sigma ** 2 / 2)
        if r is None:
            r = step
        else:
            p = np.exp(1j * layers[i].d * k[i])
            r = (step + r * p) / (1 + r * p * step)
    return r


def parratt_at_angle(angle: Any, n: list[Any], layers: list[SimpleNamespace], wavelength: np.ndarray) -> np.ndarray:
    """The variant for one wavelength per point, angle in rad."""
    cos2 = np.cos(angle) ** 2
    k = [2 * n[-1] * (2 * np.pi / wavelength) * np.sqrt((one**2 / n[-1] ** 2 - cos2).astype(complex)) for one in n]
    r = None
    for i in range(len(layers) - 1):
        step = (k[i + 1] - k[i]) / (k[i + 1] + k[i]) * np.exp(-k[i] * k[i + 1] * layers[i].sigma ** 2 / 2)
        if r is None:
            r = step
        else:
            p = np.exp(1j * layers[i].d * k[i])
            r = (step + r * p) / (1 + r * p * step)
    return r


def spin_flip(q: np.ndarray, layers: list[SimpleNamespace], wavelength: float) -> dict[str, np.ndarray]:
    if len(layers) == 2:
        extra = SimpleNamespace(**{**vars(layers[1]), "d": 10.0, "sigma": 0.0})
        layers = [layers[0], extra, layers[1]]
    s = [
        layer.dens * (layer.b * 1e-5 * wavelength**2 / (2 * np.pi) - 1j * layer.xs_ai * 1e-8 * wavelength / (4 * np.pi))
        for layer in layers
    ]
    m = [MU * layer.magn * layer.dens * wavelength**2 / (2 * np.pi) for layer in layers]
    s, m = [a - s[-1] for a in s], [a - m[-1] for a in m]
    k0 = (2 * np.pi / wavelength) ** 2
    up = [np.sqrt(q**2 / 4 - k0 * (a + b) * (2 + a + b)) for a, b in zip(s, m, strict=True)]
    down = [np.sqrt(q**2 / 4 - k0 * (a - b) * (2 + a - b)) for a, b in zip(s, m, strict=True)]
    total = None
    for j in range(1, len(layers)):
        i = j - 1
        delta = np.radians(layers[j].magn_ang - layers[i].magn_ang)
        c, t, sigma = np.cos(delta / 2), np.sin(delta / 2), layers[i].sigma
        a, b, u, v = up[j], down[j], up[i], down[i]

        def rough(z: np.ndarray, sigma: float = sigma) -> np.ndarray:
            return np.exp(-(z**2) * sigma**2 / 2)

        x0 = [
            c * (u + a) / (2 * a) * rough(a - u),
            -c * (u - a) / (2 * a) * rough(a + u),
            t * (a + v) / (2 * a) * rough(a - v),
            t * (a - v) / (2 * a) * rough(a + v),
        ]
        x2 = [
            -t * (u + b) / (2 * b) * rough(b - u),
            t * (u - b) / (2 * b) * rough(b + u),
            c * (v + b) / (2 * b) * rough(b - v),
            -c * (v - b) / (2 * b) * rough(b + v),
        ]
        matrix = np.array([x0, [x0[1], x0[0], x0[3], x0[2]], x2, [x2[1], x2[0], x2[3], x2[2]]]).transpose(2, 0, 1)
        if total is None:
            total = matrix
        else:
            d = layers[i].d
            phase = np.array([np.exp(-1j * u * d), np.exp(1j * u * d), np.exp(-1j * v * d), np.exp(1j * v * d)]).T
            total = matrix @ (phase[:, :, None] * total)
    e = total.transpose(1, 2, 0)
    det = e[0, 0] * e[2, 2] - e[0, 2] * e[2, 0]
    uu = np.abs((e[1, 0] * e[2, 2] - e[1, 2] * e[2, 0]) / det) ** 2
    ud = np.abs((e[3, 0] * e[2, 2] - e[3, 2] * e[2, 0]) / det) ** 2
    dd = np.abs((e[3, 2] * e[0, 0] - e[3, 0] * e[0, 2]) / det) ** 2
    return {"uu": uu, "dd": dd, "ud": ud, "du": ud, "ass": (uu - dd) / (uu + dd + 2 * ud)}


def footprint(sine: Any, inst: Any) -> Any:
    length, kind = inst.samplelen, inst.footype
    if kind == "no corr":
        return 1.0
    if kind == "gauss beam":
        return erf(length * sine / (2 * np.sqrt(2) * inst.beamw))
    if kind == "square beam":
        return np.minimum(1, length * sine / inst.beamw)
    name = type(kind).__name__
    if name == "GaussianBeamOffset":
        s1, s2 = length / 2 + kind.offset / sine, length / 2 - kind.offset / sine
        root = np.sqrt(2) * kind.sigma
        return 0.5 * (erf(s1 * sine / root) + erf(s2 * sine / root))
    if name == "SquareBeamOffset":
        low, high = kind.offset - length * sine / 2, kind.offset + length * sine / 2
        overlap = np.minimum(high, kind.width / 2) - np.maximum(low, -kind.width / 2)
        return np.maximum(overlap / kind.width, 0)
    inner, outer = kind.inner_width, kind.outer_width
    c = length * sine
    rho = min(1, 2 * inner / (inner + outer))
    f_in = np.minimum(1, c / inner) if inner > 0 else 0.0
    f_out = 0.0
    if outer > inner:
        f_out = np.clip(1 - (1 - np.minimum(1, (c - inner) / (outer - inner))) ** 2, 0, 1)
    return rho * f_in + (1 - rho) * f_out


def grid_of(x: np.ndarray, inst: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """X and weights, (n_places, n_points) each."""
    kind, m, r = inst.restype, inst.respoints, inst.resintrange
    normal = lambda z, mean, sigma: np.exp(-((z - mean) ** 2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))  # noqa: E731
    name = type(kind).__name__
    u = np.linspace(-r, r, m)[:, None]
    if kind in ("full conv and varying res.", "full conv and varying res. (dx/x)"):
        sigma = inst.res * x if kind.endswith("(dx/x)") else inst.res * np.ones_like(x)
        grid = x + u * sigma
        return grid, normal(grid, x, sigma)
    if name == "GaussianResolution":
        grid = x + u * kind.sigma
        return grid, normal(grid, x, kind.sigma)
    if name == "TrapezoidResolution":
        width = max(kind.inner_width, kind.outer_width)
        t = np.linspace(-0.5, 0.5, m)[:, None]
        top = kind.inner_width / width
        weight = np.where(2 * np.abs(t) <= top, 1.0, 1 - (2 * np.abs(t) - top) / (1 - top) if top < 1 else 1.0)
        return x + width * t, weight * np.ones_like(x)
    if name == "XrayKalpha":
        s, other = kind.sigma_2theta, x * (kind.energy_alpha2 / kind.energy_alpha1)
        first, second = x + u * s, other + u * s
        return np.vstack([first, second]), np.vstack([normal(first, x, s), normal(second, other, s) / kind.ratio12])
    return None


def fast(x: np.ndarray, intensity: np.ndarray, inst: Any) -> np.ndarray:
    kind = inst.restype
    if kind == "no conv":
        return intensity
    if kind == "fast conv":
        h, reach = x[1] - x[0], inst.resintrange * inst.res
        u = np.arange(-reach, reach + h, h)
        g = np.exp(-(u**2) / (2 * inst.res**2))
        g /= g.sum()
        padded = np.r_[np.full(len(g), intensity[0]), intensity, np.full(len(g), intensity[-1])]
        return np.convolve(padded, g, mode="same")[len(g) : len(padded) - len(g)]
    sigma = inst.res * x if kind.endswith("(dx/x)") else inst.res * np.ones_like(x)
    w = np.exp(-((x[:, None] - x) ** 2) / (2 * sigma**2)) / sigma / np.sqrt(2 * np.pi)
    return np.trapezoid(intensity[:, None] * w, dx=1, axis=0) / np.trapezoid(w, dx=1, axis=0)


def specular(x: np.ndarray, sample: Any, inst: Any, *, other_side: bool = False) -> np.ndarray:
    layers = unrolled(sample)
    layers = inverted(layers) if other_side else layers
    probe, n_points = str(inst.probe), len(x)
    tof = probe.endswith("tof")
    full = grid_of(x, inst)
    grid = x if full is None else full[0].ravel()
    incidence = inst.incangle
    if np.ndim(incidence) and full is not None:
        incidence = np.tile(incidence, len(grid) // n_points)
    lam, alpha = inst.wavelength, np.radians(incidence)
    if inst.coords == "2θ":
        q = 4 * np.pi / lam * np.sin(np.radians(grid + inst.tthoff) / 2)
    elif inst.tthoff == 0:
        q = grid
    elif tof:
        q = grid * np.sin(np.radians(incidence + inst.tthoff / 2)) / np.sin(alpha)
    else:
        two_theta = 2 * np.arcsin(lam * grid / (4 * np.pi)) + np.radians(inst.tthoff)
        q = 4 * np.pi / lam * np.sin(two_theta / 2)
    q = np.maximum(q, 1e-10)
    pol = {"++": "uu", "--": "dd", "+-": "ud", "-+": "du"}.get(str(inst.pol), str(inst.pol))
    if probe == "neutron pol spin flip":
        curve = spin_flip(q, layers, lam)[pol]
    else:
        lam_at = 4 * np.pi * np.sin(alpha) / q if tof else lam

        def one(sign: int) -> np.ndarray:
            n = indices(layers, probe, lam_at, sign)
            return np.abs(parratt_at_angle(alpha, n, layers, lam_at) if tof else parratt(q, n, layers, lam)) ** 2

        if "pol" not in probe:
            curve = one(0)
        elif pol == "ass":
            curve = (one(1) - one(-1)) / (one(1) + one(-1))
        else:
            curve = one(1 if pol == "uu" else -1)
    sine = np.sin(alpha) if tof else np.sin(np.arcsin(lam * q / (4 * np.pi)))
    curve = curve * footprint(sine, inst)
    if full is None:
        curve = fast(x, curve, inst)
    else:
        places, weights = full
        curve = curve.reshape(places.shape)
        curve = np.trapezoid(weights * curve, places, axis=0) / np.trapezoid(weights, places, axis=0)
    return inst.I0 * curve + inst.Ibkg
