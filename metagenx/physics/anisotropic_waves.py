"""The four waves of a layer with any dielectric tensor ε = 1 + χ: their wave vectors and fields.

S. A. Stepanov and S. K. Sinha, Phys. Rev. B 61, 15302 (2000). The plane of scattering is xz, z is along the normal
of the surface and positive downwards into the sample, g = sin θ and n_x = cos θ outside. A wave is
exp(iκ(n_x x + u z)), κ = 2π/λ; u solves det M(u) = 0 with

    M = [[1 + χxx − u²,  χxy,            u n_x + χxz],
         [χyx,           g² + χyy − u²,  χyz        ],
         [u n_x + χzx,   χzy,            g² + χzz   ]],

a quartic equation. Its roots come in pairs that differ by the magnetism only, 1e-3 and much less of their size, so
that its coefficients, and a solution in closed form, lose half of the digits of the fields. Here v = g² + χyy − u²,
which is as small as the magnetism, is kept beside u, det M is written without differences of large numbers, and all
four roots are found at once (O. Aberth, Math. Comp. 27, 339 (1973)), each polished by Newton's method in v.
"""

from __future__ import annotations

import cmath

import numpy as np

from .compiled import compiled
from .parratt import principal_root

# Kinds of media, which have solutions of their own.
VACUUM, ISOTROPIC, ALONG_Y, ANY = 0, 1, 2, 3

_MOST_STEPS = 60
_POLISHING_STEPS = 4
_ENOUGH = 1e-13
# Without absorption the imaginary parts of the roots are rounding errors: then the real parts decide which waves go
# down.
_REAL_PART = 1e-10
_SMALLEST_SQUARE = 1e-22


@compiled(inner=True)
def _principal_root(square: complex) -> complex:
    """Not inlined a dozen times: that takes seconds to compile."""
    return principal_root(square)


@compiled(inner=True)
def _root(square: complex) -> complex:
    """Principal root that is never zero: there, at a critical angle without absorption, waves coincide."""
    if abs(square.real) + abs(square.imag) < _SMALLEST_SQUARE:
        return complex(1e-11, 0.0)
    return _principal_root(square)


@compiled(inner=True)
def _determinant(chi: np.ndarray, g2: float, nx: float, u: complex, v: complex) -> tuple[complex, complex, complex]:
    """det M at u with v = g² + χyy − u², and its derivatives by u and by v, as if these were independent."""
    xx, yy, zz = chi[0, 0], chi[1, 1], chi[2, 2]
    xy, xz, yx, yz, zx, zy = chi[0, 1], chi[0, 2], chi[1, 0], chi[1, 2], chi[2, 0], chi[2, 1]
    w2 = g2 + yy
    a, c = xx - yy, zz - yy
    both = xz + zx
    # minor β of element yy: (1 + χxx − u²)(g² + χzz) − (u n_x + χxz)(u n_x + χzx)
    beta = (1.0 + yy) * c + a * w2 + a * c - w2 * c + v * (1.0 + zz) - u * nx * both - xz * zx
    beta_u, beta_v = -nx * both, 1.0 + zz
    p, r = 1.0 + a - g2 + v, g2 + zz
    e1, e2 = u * nx + xz, u * nx + zx
    rest = p * yz * zy + r * xy * yx - e2 * xy * yz - e1 * yx * zy
    rest_u, rest_v = -nx * (xy * yz + yx * zy), yz * zy
    return v * beta - rest, v * beta_u - rest_u, beta + v * beta_v - rest_v


@compiled(inner=True)
def _guesses(chi: np.ndarray, g2: float, nx: float, u: np.ndarray) -> None:
    """Roots of det M with u replaced by ±sqrt(g² + χyy) where it changes little."""
    w2 = g2 + chi[1, 1]
    w = _root(w2)
    for side in range(2):
        sign = 1.0 if side == 0 else -1.0
        # det M is a quadratic polynomial in v for a given u
        constant, _, linear = _determinant(chi, g2, nx, sign * w, 0j)
        curvature = 1.0 + chi[2, 2]
        discriminant = cmath.sqrt(linear * linear - 4.0 * curvature * constant)
        if linear.real * discriminant.real + linear.imag * discriminant.imag < 0.0:
            discriminant = -discriminant
        larger = -0.5 * (linear + discriminant)
        first = larger / curvature
        second = constant / larger if larger != 0.0 else complex(0.0, 0.0)
        u[2 * side] = sign * _principal_root(w2 - first)
        u[2 * side + 1] = sign * _principal_root(w2 - second)
    for i in range(4):
        for j in range(i):
            if abs(u[i] - u[j]) <= 1e-15 * (abs(u[i]) + abs(u[j])) + 1e-30:
                u[i] += (1e-9 + 1e-10j) * (i + 1) * (abs(w) + 1e-6)


@compiled(inner=True)
def wave_vectors(chi: np.ndarray, g: float, nx: float, u: np.ndarray, v: np.ndarray) -> None:
    """All four u, and v = g² + χyy − u² with all its digits, in the order of falling imaginary parts."""
    g2 = g * g
    w2 = g2 + chi[1, 1]
    _guesses(chi, g2, nx, u)
    for _ in range(_MOST_STEPS):
        largest = 0.0
        for i in range(4):
            value, by_u, by_v = _determinant(chi, g2, nx, u[i], w2 - u[i] * u[i])
            slope = by_u - 2.0 * u[i] * by_v
            if value == 0.0:
                continue
            if slope == 0.0:
                slope = complex(1e-30, 0.0)
            newton = value / slope
            repulsion = complex(0.0, 0.0)
            for j in range(4):
                if j != i and u[j] != u[i]:
                    repulsion += 1.0 / (u[i] - u[j])
            step = newton / (1.0 - newton * repulsion)
            u[i] -= step
            size = abs(step) / (abs(u[i]) + 1e-30)
            largest = size if size > largest else largest
        if not largest > _ENOUGH:
            break
    for i in range(4):
        v[i] = w2 - u[i] * u[i]
        if abs(v[i]) < 0.5 * abs(w2):
            _polish(chi, g2, nx, w2, u, v, i)
    for i in range(1, 4):  # in place: a root keeps its v
        j = i
        while j > 0 and _downward(u[j]) > _downward(u[j - 1]):
            u[j], u[j - 1] = u[j - 1], u[j]
            v[j], v[j - 1] = v[j - 1], v[j]
            j -= 1


@compiled(inner=True)
def _polish(chi: np.ndarray, g2: float, nx: float, w2: complex, u: np.ndarray, v: np.ndarray, i: int) -> None:
    """Newton's method in v: the digits of v that w² − u² does not have."""
    negative = u[i].real < 0.0 or (u[i].real == 0.0 and u[i].imag < 0.0)
    for _ in range(_POLISHING_STEPS):
        root = _principal_root(w2 - v[i])
        root = -root if negative else root
        value, by_u, by_v = _determinant(chi, g2, nx, root, v[i])
        slope = by_v - by_u / (2.0 * root)
        if slope == 0.0 or value == 0.0:
            break
        step = value / slope
        if not abs(step) < 0.1 * abs(v[i]):
            break
        v[i] -= step
        if abs(step) <= 1e-16 * abs(v[i]):
            break
    root = _principal_root(w2 - v[i])
    u[i] = -root if negative else root


@compiled(inner=True)
def _downward(u: complex) -> float:
    return u.imag + _REAL_PART * u.real


@compiled(inner=True)
def _field(chi: np.ndarray, g2: float, nx: float, u: complex, v: complex) -> tuple[complex, complex, complex]:
    """Electric field of a wave: the vector that M(u) maps to zero, its largest component of order 1.

    It is normal to two rows of M; the two that give the longest vector are taken.
    """
    xx, yy, zz = chi[0, 0], chi[1, 1], chi[2, 2]
    xy, xz, yx, yz, zx, zy = chi[0, 1], chi[0, 2], chi[1, 0], chi[1, 2], chi[2, 0], chi[2, 1]
    a, c, both, w2 = xx - yy, zz - yy, xz + zx, g2 + yy
    p, r = 1.0 + a - g2 + v, g2 + zz
    e1, e2 = u * nx + xz, u * nx + zx
    beta = (1.0 + yy) * c + a * w2 + a * c - w2 * c + v * (1.0 + zz) - u * nx * both - xz * zx
    best = -1.0
    x = y = z = complex(0.0, 0.0)
    for pair in range(3):
        if pair == 0:
            fx, fy, fz = xy * r - zy * e1, -beta, zy * p - xy * e2
        elif pair == 1:
            fx, fy, fz = xy * yz - e1 * v, e1 * yx - p * yz, p * v - xy * yx
        else:
            fx, fy, fz = v * r - yz * zy, yz * e2 - yx * r, yx * zy - v * e2
        size = abs(fx) ** 2 + abs(fy) ** 2 + abs(fz) ** 2
        if size > best:
            best = size
            x, y, z = fx, fy, fz
    scale = 1.0 / np.sqrt(best) if best > 0.0 else 1.0
    return x * scale, y * scale, z * scale


@compiled(inner=True)
def waves(chi: np.ndarray, kind: int, g: float, nx: float, u: np.ndarray, fields: np.ndarray, v: np.ndarray) -> None:
    """The four waves of a medium: two that go down, then two that go up.

    Parameters
    ----------
    chi : complex (3, 3).
    kind : VACUUM, ISOTROPIC, ALONG_Y (moment along y) or ANY.
    g, nx : sine and cosine of the angle of incidence outside.
    u : complex (4,), wave vectors along z in units of κ; written.
    fields : complex (4, 4); its columns are E_y, u E_x − n_x E_z (= H_y), u E_y, E_x of the waves, which are the same
        on both sides of an interface; written. A column's scale is arbitrary.
    v : complex (4,), memory.
    """
    for i in range(4):
        for j in range(4):
            fields[i, j] = 0.0
    if kind in (VACUUM, ISOTROPIC):
        e = complex(1.0, 0.0) if kind == VACUUM else _principal_root(1.0 + chi[0, 0])
        w = complex(g, 0.0) if kind == VACUUM else _root(g * g + chi[0, 0])
        for i in range(4):
            u[i] = w if i < 2 else -w
            if i % 2 == 0:
                fields[0, i], fields[2, i] = 1.0, u[i]
            else:
                fields[1, i], fields[3, i] = e, u[i] / e
        return
    if kind == ALONG_Y:
        xx, xz = chi[0, 0], chi[0, 2]
        u[0], u[1] = _root(g * g + chi[1, 1]), _root(g * g + chi[2, 2])
        u[2], u[3] = -u[0], -u[1]
        e = nx * nx - xz * xz * (1.0 + xx)
        for i in range(4):
            if i % 2 == 0:
                fields[0, i], fields[2, i] = 1.0, u[i]
            else:
                fields[1, i] = -(u[i] * xz + nx * (1.0 + xx)) / e
                fields[3, i] = -(u[i] * nx + xz) / e
        return
    wave_vectors(chi, g, nx, u, v)
    for i in range(4):
        x, y, z = _field(chi, g * g, nx, u[i], v[i])
        fields[0, i], fields[1, i] = y, u[i] * x - nx * z
        fields[2, i], fields[3, i] = u[i] * y, x


@compiled()
def waves_at(chi: np.ndarray, kind: int, g: np.ndarray, u: np.ndarray, fields: np.ndarray) -> None:
    """`waves` at many angles: g (n,), u (n, 4), fields (n, 4, 4)."""
    v = np.empty(4, dtype=np.complex128)
    for i in range(g.size):
        waves(chi, kind, g[i], np.sqrt(1.0 - g[i] * g[i]), u[i], fields[i], v)
