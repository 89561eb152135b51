"""Section 4.4 of the fact sheet (off-specular scattering), typed as it stands, one individual at a time and slowly."""

from __future__ import annotations

from math import factorial, gamma
from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.special import erf


def transform(q: float, h: float) -> float:
    """∫_0^∞ exp(−x^{2h}) cos(qx) dx by closed form, series or quadrature on the real axis."""
    q = max(abs(q), 0.003)
    if h == 1.0:
        return float(0.5 * np.sqrt(np.pi) * np.exp(-(q**2) / 4))
    if h == 0.5:
        return 1 / (1 + q * q)
    if h > 0.5 and q < 2:  # series in q², alternating, converges
        a = 2 * h
        return float(sum((-1) ** k * gamma((2 * k + 1) / a) / a / factorial(2 * k) * q ** (2 * k) for k in range(80)))
    end = 40 ** (1 / (2 * h))
    if q * end < 2000:
        return float(quad(lambda x: np.exp(-(x ** (2 * h))), 0, end, weight="cos", wvar=q, limit=2000, epsabs=1e-13)[0])
    return float(quad(lambda x: np.exp(-(x ** (2 * h))), 0, np.inf, weight="cos", wvar=q, limlst=500, epsabs=1e-13)[0])


def table(q_x: np.ndarray, eta: float, h: float, taylor_n: int) -> tuple[np.ndarray, np.ndarray]:
    m, power = abs(taylor_n), 1 / (2 * h)
    delta = np.min(np.abs(np.diff(q_x))) * eta / m**power
    if delta < 1e-12:
        delta = 1e-3
    if taylor_n > 0:
        largest = np.max(np.abs(q_x)) * eta + 2 * delta
        grid = np.arange(np.min(np.abs(q_x)) * eta / m**power - delta, largest, delta)
    else:
        end = 5000.0
        if np.max(np.abs(q_x)) * eta + 2 * delta > end:
            end = 2 * (np.max(np.abs(q_x)) * eta + 2 * delta)
        grid = np.concatenate([[-2e-3, -1e-3, 0.0], np.logspace(-3, np.log10(end), 5000)])
    needed = np.zeros(len(grid), dtype=bool)
    for n in range(1, m + 1):
        where = np.searchsorted(grid, np.abs(q_x) * eta / n**power)
        for shift in (-1, 0, 1):
            needed[np.clip(where + shift, 0, len(grid) - 1)] = True
    grid = grid[needed]
    return grid, np.array([transform(q, h) for q in grid])


def squares(layers: list[dict[str, Any]], wavelength: float) -> tuple[np.ndarray, np.ndarray]:
    dens = np.array([layer["dens"] for layer in layers], dtype=np.complex64)
    f = np.array([layer["f"] for layer in layers], dtype=np.complex64)
    n = np.complex64(1) - (dens * np.complex64(0.282) * np.complex64(wavelength**2) / np.complex64(2)) / np.complex64(
        np.pi
    ) * f * np.complex64(1e-4)
    n2 = n * n
    return n2.astype(complex), (np.complex64((2 * np.pi / wavelength) ** 2) * n2).astype(complex)


def fields(k_x: float, k2n2: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Layers from the top; κ, T and R at the top of every layer."""
    kappa = np.sqrt(k2n2 - k_x**2)
    n = len(kappa)
    down, up = np.zeros(n, complex), np.zeros(n, complex)
    down[-1] = 1
    for u in range(n - 2, -1, -1):
        low = u + 1
        r = (kappa[u] - kappa[low]) / (kappa[u] + kappa[low])
        wave = np.exp(-1j * d[low] * kappa[low])
        down[u] = (down[low] * wave + r * up[low] / wave) / (1 + r)
        up[u] = (up[low] / wave + r * down[low] * wave) / (1 + r)
    return kappa, down * np.exp(-1j * d * kappa) / down[0], up * np.exp(1j * d * kappa) / down[0]


def diffuse(alpha: np.ndarray, beta: np.ndarray, layers: list[dict[str, Any]], sample: dict, inst: dict) -> np.ndarray:
    """J·k³/(8π sin α)·[α>0 and β>0]; the layers go from the top, ambient and substrate included."""
    k = 2 * np.pi / inst["wavelength"]
    q_x = k * (np.cos(np.radians(alpha)) - np.cos(np.radians(beta)))
    q_z = k * (np.sin(np.radians(alpha)) + np.sin(np.radians(beta)))
    n2, k2n2 = squares(layers, inst["wavelength"])
    d = np.array([layer["d"] for layer in layers])
    d[0] = d[-1] = 0
    total = np.array([layer["sigma"] for layer in layers])[1:]
    graded = np.array([layer["sigmai"] for layer in layers])[1:]
    sigma, s = np.sqrt(total**2 - np.minimum(total, graded) ** 2), graded + 1e-5
    z = -np.concatenate([[0.0], np.cumsum(d[1:-1])])
    contrast = n2[:-1] - n2[1:]
    eta, h, m = sample["eta_x"], sample["h"], abs(inst["taylor_n"])
    grid, values = table(q_x, eta, h, inst["taylor_n"])
    replica = np.exp(-np.abs(z[:, None] - z) / sample["eta_z"])
    out = np.zeros(len(alpha))
    for p in np.flatnonzero((alpha > 0) & (beta > 0)):
        omega, half = np.arctan(q_x[p] / q_z[p]), np.arcsin(np.hypot(q_x[p], q_z[p]) / (2 * k))
        k1, t1, r1 = (array[1:] for array in fields(k * np.cos(half + omega), k2n2, d))
        k2, t2, r2 = (array[1:] for array in fields(k * np.cos(half - omega), k2n2, d))
        G = np.array([t1 * t2, t1 * r2, r1 * t2, r1 * r2])
        q = np.array([k1 + k2, k1 - k2, -k1 + k2, -k1 - k2])
        left = contrast * G * np.exp(-0.5 * s**2 * q**2) * np.exp(-0.5 * sigma**2 * q**2) / q
        series = 0.0
        for n in range(1, m + 1):
            reach = eta / n ** (1 / (2 * h))
            spectrum = reach * np.interp(np.abs(q_x[p]) * reach, grid, values)
            qs = q * sigma
            product = qs[:, :, None, None] * np.conj(qs)[None, None] * replica[None, :, None, :]
            series = series + product**n / factorial(n) * spectrum
        J = np.real(np.sum(left[:, :, None, None] * np.conj(left)[None, None] * 2 * series))
        out[p] = J * k**3 / (8 * np.pi * np.sin(half - omega))
    return out


def peak(scan_theta: np.ndarray, two_theta: float, specular: np.ndarray, inst: dict) -> tuple[np.ndarray, float]:
    """Specular peak, and the factor C of the diffuse part (2θ coordinates)."""
    res, detres = inst["res"], inst["detres"]
    offset = two_theta / 2 - scan_theta
    if inst["dettype"] == "gauss":
        sigma2 = (res / 2) ** 2 + (detres / 2) ** 2
        g = np.sqrt(1 + res**2 / detres**2)
        return specular * np.exp(-0.5 * offset**2 / sigma2), detres * np.sqrt(12) * np.pi / 180 * g
    w, u = detres / 2, res / 2

    def gate(x: Any) -> Any:
        return 0.5 * (erf((x + w / 2) / (np.sqrt(2) * u)) - erf((x - w / 2) / (np.sqrt(2) * u)))

    g = 1 / gate(0.0)
    return specular * gate(offset) * g, detres * np.pi / 180 * g


def fast_conv(curve: np.ndarray, x: np.ndarray, sigma: float, reach: float) -> np.ndarray:
    h = x[1] - x[0]
    u = np.arange(-reach * sigma, reach * sigma + h, h)
    kernel = np.exp(-0.5 * (u / sigma) ** 2)
    kernel /= kernel.sum()
    n = len(kernel)
    padded = np.concatenate([np.full(n, curve[0]), curve, np.full(n, curve[-1])])
    return np.convolve(padded, kernel, mode="same")[n:-n]


def running_mean(curve: np.ndarray, alpha: np.ndarray, detres: float) -> np.ndarray:
    n = max(1, round((detres / 2) / (alpha[1] - alpha[0])))
    return np.convolve(curve, np.ones(n) / n, mode="same")


def parratt(x: np.ndarray, layers: list[dict[str, Any]], wavelength: float) -> np.ndarray:
    """Specular curve at 2θ = x degrees; the layers go from the top."""
    cos2 = np.cos(np.radians(x) / 2) ** 2
    n = [1 - 2.8179403227e-5 * a["dens"] * a["f"] * wavelength**2 / (2 * np.pi) for a in layers][::-1]
    sigma, d = [a["sigma"] for a in layers][::-1], [a["d"] for a in layers][::-1]
    q = [2 * n[-1] * 2 * np.pi / wavelength * np.sqrt(m**2 / n[-1] ** 2 - cos2 + 0j) for m in n]

    def r(k: int) -> np.ndarray:
        return (q[k + 1] - q[k]) / (q[k + 1] + q[k]) * np.exp(-q[k] * q[k + 1] * sigma[k] ** 2 / 2)

    total = r(0)
    for k in range(1, len(n) - 1):
        p = np.exp(1j * d[k] * q[k])
        total = (r(k) + total * p) / (1 + total * p * r(k))
    return np.abs(total) ** 2


def footprint(alpha: np.ndarray, inst: dict) -> np.ndarray:
    sine, length, width = np.sin(np.radians(alpha)), inst["samplelen"], inst["beamw"]
    if inst["footype"] == "gauss beam":
        return erf(length * sine / (2 * np.sqrt(2) * width))
    if inst["footype"] == "square beam":
        return np.minimum(1, length * sine / width)
    return np.ones(len(alpha))
