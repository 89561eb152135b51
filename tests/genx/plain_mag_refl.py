"""The fact sheet's section 4.5 in plain numpy: one sample, every layer written out, sums as they are printed."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from plain_spec_nx import fast, footprint, grid_of
from scipy.special import erf

RE = 2.8179403227e-5
MU = 9.2740101e-24 * 2.853e-6 * 1e24
HC = 12398.41984
SIGNS = (1, -1)
AXES = {"x": 0, "y": 1, "z": 2}


def from_top(sample: Any) -> list[Any]:
    layers = [sample.Substrate]
    for stack in sample.Stacks:
        layers += list(stack.Layers) * round(stack.Repetitions)
    return [*layers, sample.Ambient][::-1]


def moment(layer: Any) -> tuple[float, float, float]:
    """|magn|, φ, θ_m in rad."""
    if layer.magn < 0:
        return -layer.magn, np.radians(layer.magn_ang + 180), np.radians(-layer.magn_theta)
    return layer.magn, np.radians(layer.magn_ang), np.radians(layer.magn_theta)


def unit(layer: Any) -> np.ndarray:
    _, phi, theta = moment(layer)
    return np.array([np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), np.sin(theta)])


def lengths(layer: Any, lam: float) -> tuple[complex, complex, complex]:
    """c, m1, m2."""
    f, fr, fm1, fm2 = (v(HC / lam) if callable(v) else v for v in (layer.f, layer.fr, layer.fm1, layer.fm2))
    m = moment(layer)[0]
    resonant = layer.dens * layer.resdens * layer.resmag
    return layer.dens * (f + layer.resdens * fr), resonant * m * fm1, resonant * m**2 * fm2


def refraction(layer: Any, lam: Any) -> Any:
    b, xs = layer.b * 1e-5, layer.xs_ai * 1e-8
    return layer.dens * (lam**2 / (2 * np.pi) * np.sqrt(b**2 - (xs / 2 / lam) ** 2 + 0j) - 1j * xs * lam / (4 * np.pi))


def parratt(theta: Any, n: list[Any], d: Any, sigma: Any, lam: Any) -> np.ndarray:
    """Layers from the top."""
    k = [2 * n[0] * 2 * np.pi / lam * np.sqrt(m**2 / n[0] ** 2 - np.cos(theta) ** 2 + 0j) for m in n]
    r = None
    for i in reversed(range(len(n) - 1)):
        f = (k[i] - k[i + 1]) / (k[i] + k[i + 1]) * np.exp(-k[i] * k[i + 1] * sigma[i + 1] ** 2 / 2)
        if r is None:
            r = f
        else:
            p = np.exp(1j * d[i + 1] * k[i + 1])
            r = (f + r * p) / (1 + r * p * f)
    return np.abs(r) ** 2


def bulk(layer: Any, clip: bool) -> float:
    d = layer.d - layer.dd_u - layer.dd_l
    return max(d, 0.0) if clip else d


def two(k: Any, other: Any) -> np.ndarray:
    """X from the upper k to the lower one, (n, 2, 2)."""
    return np.moveaxis(np.array([[k + other, k - other], [k - other, k + other]]) / (2 * k), 2, 0)


def averaged(
    x_l: Any, x_lu: Any, x_u: Any, k: Any, k_l: Any, k_u: Any, k_below: Any, upper: Any, lower: Any, extra: float
) -> np.ndarray:
    """X̄: waves are (n, 2) or (n, 4)."""
    s_l, s, s_u = upper.sigma_ml + extra, lower.sigma + extra, lower.sigma_mu + extra
    steps = (
        np.exp(-0.5 * s_l**2 * (k[:, :, None] - k_l[:, None, :]) ** 2),
        np.exp(-0.5 * s**2 * (k_below[:, None, :] - k[:, :, None]) ** 2),
        np.exp(-0.5 * s_u**2 * (k_below[:, None, :] - k_u[:, :, None]) ** 2),
    )
    waves = np.exp(-1j * k_l[:, :, None] * upper.dd_l - 1j * k_u[:, None, :] * lower.dd_u)
    return np.asarray(np.einsum("nac,ncd,ndb->nab", x_l * steps[0], x_lu * waves, x_u * steps[2]) * steps[1])


def abeles(theta: Any, lam: Any, layers: list[Any], n: Any, n_l: Any, n_u: Any) -> np.ndarray:
    """Indices as lists per layer, each a number or one per point."""
    theta, lam = np.broadcast_arrays(theta, lam)
    q2 = (4 * np.pi / lam * np.sin(theta)) ** 2 / 4
    k0 = 2 * np.pi / lam

    def waves(index: Any) -> np.ndarray:
        return np.sqrt((index**2 - n[0] ** 2) * k0**2 + n[0] ** 2 * q2 + 0j)

    k, k_l, k_u = ([waves(v) for v in values] for values in (n, n_l, n_u))
    pair = lambda v: np.stack([v, -v], axis=1)  # noqa: E731
    total = np.tile(np.eye(2, dtype=complex), (len(theta), 1, 1))
    for j in range(len(layers) - 1):
        if j:
            d = bulk(layers[j], True)
            total = total * np.stack([np.exp(-1j * k[j] * d), np.exp(1j * k[j] * d)], axis=1)[:, None, :]
        total = total @ averaged(
            two(k[j], k_l[j]), two(k_l[j], k_u[j + 1]), two(k_u[j + 1], k[j + 1]),
            pair(k[j]), pair(k_l[j]), pair(k_u[j + 1]), pair(k[j + 1]), layers[j], layers[j + 1], 0.0,
        )  # fmt: skip
    return np.abs(total[:, 1, 0] / total[:, 0, 0]) ** 2


def four_spins(upper: tuple[Any, Any], lower: tuple[Any, Any], turn: float) -> np.ndarray:
    """X of 3.4 without its exponentials, (n, 4, 4)."""
    (kp, km), (ip, im) = upper, lower
    c, s = np.cos(turn / 2), np.sin(turn / 2)
    r0 = [c * (ip + kp) / (2 * kp), -c * (ip - kp) / (2 * kp), s * (kp + im) / (2 * kp), s * (kp - im) / (2 * kp)]
    r2 = [-s * (ip + km) / (2 * km), s * (ip - km) / (2 * km), c * (im + km) / (2 * km), -c * (im - km) / (2 * km)]
    r1, r3 = ([r[1], r[0], r[3], r[2]] for r in (r0, r2))
    return np.moveaxis(np.array([r0, r1, r2, r3]), 2, 0)


def channels(m: np.ndarray) -> dict[str, np.ndarray]:
    m = np.moveaxis(m, 0, 2)
    d = m[0, 0] * m[2, 2] - m[0, 2] * m[2, 0]
    uu = np.abs((m[1, 0] * m[2, 2] - m[1, 2] * m[2, 0]) / d) ** 2
    ud = np.abs((m[3, 0] * m[2, 2] - m[3, 2] * m[2, 0]) / d) ** 2
    dd = np.abs((m[3, 2] * m[0, 0] - m[3, 0] * m[0, 2]) / d) ** 2
    return {"uu": uu, "dd": dd, "ud": ud, "ass": (uu - dd) / (uu + dd + 2 * ud)}


def spin_flip(q: np.ndarray, lam: float, layers: list[Any]) -> dict[str, np.ndarray]:
    def waves(layer: Any, factor: float) -> tuple[np.ndarray, np.ndarray]:
        nuclear = layer.b * 1e-5 - 1j * layer.xs_ai * 1e-8 / (2 * lam)
        magnetic = MU * moment(layer)[0] * factor
        return tuple(np.sqrt(q**2 / 4 - 4 * np.pi * layer.dens * (nuclear + s * magnetic) + 0j) for s in SIGNS)  # type: ignore[return-value]

    k = [waves(layer, 1) for layer in layers]
    k_l = [waves(layer, 1 + layer.dmag_l) for layer in layers]
    k_u = [waves(layer, 1 + layer.dmag_u) for layer in layers]
    phi = [moment(layer)[1] for layer in layers]
    all_of = lambda v: np.stack([v[0], -v[0], v[1], -v[1]], axis=1)  # noqa: E731
    total = np.tile(np.eye(4, dtype=complex), (len(q), 1, 1))
    for j in range(len(layers) - 1):
        if j:
            d = bulk(layers[j], False)
            total = total * np.exp(-1j * all_of(k[j]) * d)[:, None, :]
        total = total @ averaged(
            four_spins(k[j], k_l[j], 0.0),
            four_spins(k_l[j], k_u[j + 1], phi[j] - phi[j + 1]),
            four_spins(k_u[j + 1], k[j + 1], 0.0),
            all_of(k[j]), all_of(k_l[j]), all_of(k_u[j + 1]), all_of(k[j + 1]), layers[j], layers[j + 1], 1e-9,
        )  # fmt: skip
    return channels(total)


def tensor(layer: Any, lam: float, factor: float) -> tuple[np.ndarray, str]:
    c, m1, m2 = lengths(layer, lam)
    a, b, cc = -(lam**2) * RE / np.pi * c, lam**2 * RE / np.pi * m1 * factor, lam**2 * RE / np.pi * m2 * factor**2
    m = unit(layer)
    chi = a * np.eye(3) + cc * np.outer(m, m)
    cross = np.array([[0, -m[2], m[1]], [m[2], 0, -m[0]], [-m[1], m[0], 0]])
    if abs(b) < 1e-8 and abs(cc) < 1e-8:
        return a * np.eye(3), "not magnetic"
    return chi + 1j * b * cross, "along y" if 1 - abs(m[1]) < 1e-9 else "any"


def modes(g: float, chi: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """u (4,) and S (4, 4) at one angle."""
    nx = np.sqrt(1 - g**2)
    xx, xy, xz, yx, yy, yz, zx, zy, zz = chi.ravel()
    if kind == "vacuum":
        return np.array([g, g, -g, -g], complex), np.array(
            [[1, 0, g, 0], [0, 1, 0, g], [1, 0, -g, 0], [0, 1, 0, -g]], complex
        ).T
    if kind == "not magnetic":
        w, e = np.sqrt(g**2 + xx), np.sqrt(1 + xx)
        return np.array([w, w, -w, -w]), np.array([[1, 0, w, 0], [0, e, 0, w / e], [1, 0, -w, 0], [0, e, 0, -w / e]]).T
    if kind == "along y":
        v, w = np.sqrt(g**2 + yy), np.sqrt(g**2 + zz)
        u = np.array([v, w, -v, -w])
        ee = nx**2 - xz**2 * (1 + xx)
        columns = [
            [1, 0, t, 0] if i % 2 == 0 else [0, -(t * xz + nx * (1 + xx)) / ee, 0, -(t * nx + xz) / ee]
            for i, t in enumerate(u)
        ]
        return u, np.array(columns).T
    q1 = 1 + zz
    q2 = nx * (xz + zx)
    q3 = xz * zx + yz * zy - (1 + zz) * (g**2 + yy) - (1 + xx) * (g**2 + zz)
    q4 = nx * (xy * yz + yx * zy - (xz + zx) * (g**2 + yy))
    q5 = (
        (1 + xx) * ((g**2 + yy) * (g**2 + zz) - yz * zy)
        - xy * yx * (g**2 + zz) - xz * zx * (g**2 + yy) + xy * zx * yz + yx * xz * zy
    )  # fmt: skip
    u = np.roots([q1, q2, q3, q4, q5])
    u = u[np.argsort(-u.imag)]
    dd = (xz + u * nx) * (zx + u * nx) - (1 - u**2 + xx) * (g**2 + zz)
    px = (xy * (g**2 + zz) - zy * (xz + u * nx)) / dd
    pz = (zy * (1 - u**2 + xx) - xy * (zx + u * nx)) / dd
    return u, np.array([np.ones(4), u * px - nx * pz, u, px])


def reflection_matrix(boundaries: list[np.ndarray], phases: list[np.ndarray | None]) -> np.ndarray:
    """W_rt at one angle; boundaries X̄_j (4, 4) from the top, phases e^{−iκud} of the layer below each."""
    one, nothing = np.eye(2), np.zeros((2, 2))
    tt, rr, tr, rt = one, one, nothing, nothing
    for x, phase in zip(boundaries, phases, strict=True):
        xtt, xtr, xrt, xrr = x[:2, :2], x[:2, 2:], x[2:, :2], x[2:, 2:]
        f = np.ones(4) if phase is None else phase
        m_tt = np.diag(1 / f[:2]) @ np.linalg.inv(xtt)
        m_tr = -m_tt @ xtr @ np.diag(f[2:])
        m_rt = xrt @ np.linalg.inv(xtt)
        m_rr = (xrr - m_rt @ xtr) @ np.diag(f[2:])
        a = m_tt @ np.linalg.inv(one - tr @ m_rt)
        b = rr @ np.linalg.inv(one - m_rt @ tr)
        tt, tr, rt, rr = a @ tt, m_tr + a @ tr @ m_rr, rt + b @ m_rt @ tt, b @ m_rr
    return rt


def xray_channels(w: np.ndarray) -> dict[str, np.ndarray]:
    """w (n, 2, 2)."""
    u = np.array([[1, 1j], [1, -1j]]) / np.sqrt(2)
    c = u @ w @ np.linalg.inv(u).conj()
    p, pc = np.abs(w) ** 2, np.abs(c) ** 2
    total = p.sum(axis=(1, 2))
    ass = 2 * np.imag(w[:, 0, 0] * w[:, 0, 1].conj() + w[:, 1, 0] * w[:, 1, 1].conj()) / total
    return {
        "circ+": pc[:, 0, 0] + pc[:, 1, 0], "circ-": pc[:, 1, 1] + pc[:, 0, 1], "tot": total / 2, "ass": ass,
        "σ": p[:, 0, 0] + p[:, 1, 0], "π": p[:, 0, 1] + p[:, 1, 1],
        "σ-σ": p[:, 0, 0], "σ-π": p[:, 1, 0], "π-π": p[:, 1, 1], "π-σ": p[:, 0, 1],
    }  # fmt: skip


def anisotropic(theta: np.ndarray, lam: float, layers: list[Any]) -> dict[str, np.ndarray]:
    kappa = 2 * np.pi / lam
    kinds = {
        part: [tensor(layer, lam, factor(layer)) for layer in layers]
        for part, factor in {"": lambda _: 1.0, "l": lambda a: 1 + a.dmag_l, "u": lambda a: 1 + a.dmag_u}.items()
    }
    out = []
    for angle in theta:
        g = np.sin(angle)

        def solved(part: str, j: int, g: float = g) -> tuple[np.ndarray, np.ndarray]:
            chi, kind = kinds[part][j]
            return modes(g, chi, "vacuum" if j == 0 else kind)

        boundaries, phases = [], []
        for j in range(len(layers) - 1):
            (u, s), (ul, sl) = solved("", j), solved("l", j)
            (uu, su), (ub, sb) = solved("u", j + 1), solved("", j + 1)
            inv = np.linalg.inv
            x = averaged(
                (inv(s) @ sl)[None], (inv(sl) @ su)[None], (inv(su) @ sb)[None],
                kappa * u[None], kappa * ul[None], kappa * uu[None], kappa * ub[None], layers[j], layers[j + 1], 1e-9,
            )[0]  # fmt: skip
            boundaries.append(x)
            last = j == len(layers) - 2
            phases.append(None if last else np.exp(-1j * kappa * ub * bulk(layers[j + 1], False)))
        out.append(reflection_matrix(boundaries, phases))
    return xray_channels(np.array(out))


def slices(sample: Any, lam: float) -> dict[str, Any]:
    """The profile of a sample on its grid, bottom → top, and the slices that are left of it."""
    layers = from_top(sample)[::-1]
    dz, mult, buffer, delta = sample.slice_depth, sample.sld_mult, sample.sld_buffer, sample.sld_delta
    n = len(layers)
    sigma = [layer.sigma for layer in layers[:-1]]
    low = [np.hypot(layers[k + 1].sigma_ml, sigma[k]) for k in range(n - 1)]
    high = [np.hypot(layers[k].sigma_mu, sigma[k]) for k in range(n - 1)]
    below, above = max(sigma[0], low[0]) * mult + buffer, max(sigma[-1], high[-1]) * mult + buffer
    top = sum(layer.d for layer in layers[1:-1])
    z = np.arange(-below, top + above + dz, dz)
    position, parts, moments = 0.0, [], []
    for k, layer in enumerate(layers):
        d = layer.d
        start = position
        if k == 0:
            d = below + delta
            start = -d
        elif k == n - 1:
            d = above + delta
        a = (sigma[k - 1] if k else 0.0) + 1e-20
        b = (sigma[k] if k < n - 1 else 0.0) + 1e-20
        eta = (b * start + a * (start + d)) / (a + b)
        rise = 0.5 + 0.5 * erf((z - start) / np.sqrt(2) / a)
        fall = 0.5 - 0.5 * erf((z - start - d) / np.sqrt(2) / b)
        parts.append(np.where(z <= eta, rise, fall))
        s_l = (low[k - 1] if k else 0.0) + 1e-20
        s_u = (high[k] if k < n - 1 else 0.0) + 1e-20
        moments.append(
            moment(layer)[0]
            * (
                1
                + layer.dmag_l * 0.5 * (1 + erf(-(z - start - layer.dd_l) / np.sqrt(2) / s_l))
                + layer.dmag_u * 0.5 * (1 + erf((z - start - d + layer.dd_u) / np.sqrt(2) / s_u))
            )
        )
        if k > 0:
            position += d
    share = np.array(parts) / np.sum(parts, axis=0)
    mu = np.array(moments)
    scale = lam**2 * RE / np.pi
    chi = np.zeros((3, 3, len(z)), complex)
    fields = {name: np.zeros(len(z), complex) for name in ("c", "m", "b", "xs", "M", "Mx", "My")}
    for k, layer in enumerate(layers):
        c, m1, m2 = lengths(layer, lam)
        size = moment(layer)[0] or 1.0
        mx, my, mz = unit(layer)
        aa = -scale * c * share[k]
        bb = scale * m1 / size * share[k] * mu[k]
        cc = scale * m2 / size**2 * share[k] * mu[k] ** 2
        m = np.array([mx, my, mz])
        cross = np.array([[0, -mz, my], [mz, 0, -mx], [-my, mx, 0]])
        chi += np.eye(3)[:, :, None] * aa + np.outer(m, m)[:, :, None] * cc + 1j * cross[:, :, None] * bb
        fields["c"] += c * share[k]
        fields["m"] += m1 / size * mx * share[k] * mu[k]
        fields["b"] += layer.dens * layer.b * share[k]
        fields["xs"] += layer.dens * layer.xs_ai * share[k]
        fields["M"] += share[k] * mu[k] * layer.dens
        fields["Mx"] += share[k] * mu[k] * layer.dens * mx
        fields["My"] += share[k] * mu[k] * layer.dens * my
    values = {"chi": chi, **fields}
    if not sample.compress:
        return {"z": z, "kept": np.arange(len(z)), "d": np.full(len(z), dz), **values}
    limits = [(chi[i, i], sample.dsld_max * scale) for i in range(3)]
    limits += [(chi[i, j], sample.dsld_offdiag_max * scale) for i in range(3) for j in range(3) if i != j]
    limits += [(fields["b"], sample.dsld_n_max), (fields["xs"], sample.dabs_n_max)]
    limits += [(fields[name], sample.dmag_max) for name in ("M", "Mx", "My")]
    kept = list(range(len(z)))
    while True:
        gone = {
            i
            for i in range(1, len(kept) - 1, 2)
            if all(abs(v[kept[i - 1]] - v[kept[i + 1]]) <= limit for v, limit in limits)
        }
        if not gone:
            break
        kept = [point for i, point in enumerate(kept) if i not in gone]
    mean = {
        name: np.stack(
            [v[..., a : b + 1].mean(axis=-1) for a, b in itertools.pairwise(kept)] + [v[..., kept[-1]]],
            axis=-1,
        )
        for name, v in values.items()
    }
    return {"z": z[kept], "kept": np.array(kept), "d": np.append(np.diff(z[kept]), 0.0), **mean}


def curve(x: np.ndarray, sample: Any, inst: Any) -> np.ndarray:
    """Reflectivity or asymmetry of the sample at x."""
    probe, lam, npol = str(inst.probe), inst.wavelength, str(inst.npol)
    xpol = str(inst.xpol)
    layers = from_top(sample)
    tof = probe == "neutron pol tof"
    if tof:
        theta = np.radians(inst.incangle) * np.ones_like(x)
        lam = 4 * np.pi * np.sin(theta) / x
    else:
        theta = np.radians(x / 2) if inst.coords == "2θ" else np.arcsin(lam * x / (4 * np.pi))
        theta = np.maximum(theta, np.radians(1e-8))
    q = 4 * np.pi / lam * np.sin(theta)

    def asymmetric(one: Any, kind: str, names: tuple[str, str]) -> np.ndarray:
        plus, minus = one(1), one(-1)
        if kind == "ass":
            return (plus - minus) / (plus + minus)
        return (plus + minus) / 2 if kind == "tot" else (plus, minus)[names.index(kind)]

    if sample.slicing:
        return sliced(theta, q, lam, sample, inst, asymmetric)
    d, sigma = [bulk(layer, True) for layer in layers], [layer.sigma for layer in layers]
    if probe == "x-ray":
        n = [1 - lam**2 * RE / (2 * np.pi) * lengths(layer, lam)[0] for layer in layers]
        return parratt(theta, n, d, sigma, lam)
    if probe == "x-ray simpl. anis.":

        def one(sign: int) -> np.ndarray:
            def index(factor: Any) -> list[Any]:
                found = []
                for layer in layers:
                    c, m1, _ = lengths(layer, lam)
                    m = m1 * factor(layer) * np.cos(theta) * unit(layer)[0]
                    found.append(1 - lam**2 * RE / (2 * np.pi) * (c + sign * m))
                return found

            return abeles(
                theta, lam, layers, index(lambda _: 1), index(lambda a: 1 + a.dmag_l), index(lambda a: 1 + a.dmag_u)
            )

        return asymmetric(one, xpol, ("circ+", "circ-"))
    if probe == "x-ray anis.":
        return anisotropic(theta, lam, layers)[xpol]
    if probe == "neutron pol spin flip":
        return spin_flip(q, lam, layers)["ud" if npol == "du" else npol]

    def one_spin(sign: int) -> np.ndarray:
        def index(factor: Any) -> list[Any]:
            return [
                1 - refraction(a, lam)
                - sign * MU * moment(a)[0] * a.dens * lam**2 / (2 * np.pi) * unit(a)[0] * factor(a)
                for a in layers
            ]  # fmt: skip

        return abeles(
            theta, lam, layers, index(lambda _: 1), index(lambda a: 1 + a.dmag_l), index(lambda a: 1 + a.dmag_u)
        )

    return asymmetric(one_spin, npol, ("uu", "dd"))


def sliced(theta: Any, q: Any, lam: Any, sample: Any, inst: Any, asymmetric: Any) -> np.ndarray:
    probe = str(inst.probe)
    s = slices(sample, inst.wavelength)
    count = len(s["d"])
    order = range(count - 1, -1, -1)
    d, zero = s["d"][::-1], np.zeros(count)
    if probe in ("x-ray", "x-ray simpl. anis."):
        # "c from χ_xx (so without m2)" of the sheet: all of χ_xx for 'x-ray', without m2 for the other, as GenX has it
        c = s["c"] if probe != "x-ray" else -s["chi"][0, 0] * np.pi / (lam**2 * RE)

        def one(sign: int) -> np.ndarray:
            return parratt(
                theta, [1 - lam**2 * RE / (2 * np.pi) * (c[k] + sign * s["m"][k] * np.cos(theta)) for k in order],
                d, zero, lam,
            )  # fmt: skip

        return one(0) if probe == "x-ray" else asymmetric(one, str(inst.xpol), ("circ+", "circ-"))
    if probe in ("neutron pol", "neutron pol tof"):

        def one_spin(sign: int) -> np.ndarray:
            n = [
                1 - lam**2 / (2 * np.pi) * s["b"][k] * 1e-5 + 1j * s["xs"][k] * 1e-8 * lam / (4 * np.pi)
                - sign * MU * s["M"][k] * lam**2 / (2 * np.pi)
                for k in order
            ]  # fmt: skip
            return parratt(theta, n, d, zero, lam)

        return asymmetric(one_spin, str(inst.npol), ("uu", "dd"))
    if probe == "neutron pol spin flip":
        k, phi = [], []
        for i in order:
            in_plane = np.hypot(s["Mx"][i].real, s["My"][i].real)
            nuclear = s["b"][i] * 1e-5 - 1j * s["xs"][i] * 1e-8 / (2 * lam)
            k.append(tuple(np.sqrt(q**2 / 4 - 4 * np.pi * (nuclear + t * MU * in_plane) + 0j) for t in SIGNS))
            phi.append(np.arccos(np.clip(s["Mx"][i].real / in_plane, -1, 1)) if in_plane > 1e-20 else 0.0)
        k.insert(0, (q / 2 + 0j, q / 2 + 0j))
        phi.insert(0, 0.0)
        d = np.insert(d, 0, 0.0)
        total = np.tile(np.eye(4, dtype=complex), (len(q), 1, 1))
        for j in range(len(k) - 1):
            if j:
                waves = np.stack([k[j][0], -k[j][0], k[j][1], -k[j][1]], axis=1)
                total = total * np.exp(-1j * waves * d[j])[:, None, :]
            total = total @ four_spins(k[j], k[j + 1], phi[j] - phi[j + 1])
        npol = str(inst.npol)
        return channels(total)["ud" if npol == "du" else npol]
    kappa = 2 * np.pi / lam
    out = []
    for angle in theta:
        g = np.sin(angle)
        solved = []
        for i in order:
            chi = s["chi"][:, :, i]
            if max(abs(chi[0, 1]), abs(chi[0, 2]), abs(chi[1, 2])) < 1e-8:
                kind = "not magnetic"
            elif abs(chi[1, 2] / chi[0, 0]) < 1e-8 and abs(chi[0, 1] / chi[0, 0]) < 1e-8:
                kind = "along y"
            else:
                kind = "any"
            solved.append(modes(g, chi, "vacuum" if i == count - 1 else kind))
        boundaries = [np.linalg.inv(solved[j][1]) @ solved[j + 1][1] for j in range(count - 1)]
        phases = [np.exp(-1j * kappa * solved[j + 1][0] * d[j + 1]) for j in range(count - 1)]
        out.append(reflection_matrix(boundaries, [*phases[:-1], None]))
    return xray_channels(np.array(out))[str(inst.xpol)]


def specular(x: np.ndarray, sample: Any, inst: Any) -> np.ndarray:
    full = grid_of(x, inst)
    grid = x if full is None else full[0].ravel()
    intensity = curve(grid, sample, inst)
    bare = str(inst.probe) in ("x-ray simpl. anis.", "x-ray anis.") and str(inst.xpol) == "ass"
    if not bare:
        if inst.coords == "2θ":
            sine = np.sin(np.maximum(np.radians(grid / 2), np.radians(1e-8)))
        else:
            sine = np.maximum(inst.wavelength * grid / (4 * np.pi), np.sin(np.radians(1e-8)))
        intensity = intensity * footprint(sine, inst)
    if full is None:
        intensity = fast(x, intensity, inst)
    else:
        places, weights = full
        intensity = intensity.reshape(places.shape)
        intensity = np.trapezoid(weights * intensity, places, axis=0) / np.trapezoid(weights, places, axis=0)
    return intensity if bare else inst.I0 * intensity + inst.Ibkg
