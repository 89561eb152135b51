"""Transitions at rough interfaces: how much of the layer below is found at a depth, from 1 far below to 0 far above.

With x = (z − z_k)/σ_k: ½ − ½·erf(x/√2) for a Gaussian, a straight line over ±2σ, and the two one-sided exponentials
exp(−x) above and 1 − exp(x) below the interface. For the loops of kernels; depths are z_i = start + i·step in Å.
"""

from __future__ import annotations

import math

import numpy as np

from .compiled import compiled
from .elementary import exponential
from .elementwise import error_function

# Shapes of a transition.
GAUSS, LINEAR, EXPONENTIAL_ABOVE, EXPONENTIAL_BELOW = range(4)

# How far the transition reaches, in σ: beyond it the formula gives 1 or 0 to the last digit.
_REACH_OF_GAUSS = 9.0
_REACH_OF_LINE = 2.0
_REACH_UP = 708.0  # exp(-x) is 0 for our purposes
_REACH_DOWN = 38.0  # 1 - exp(-x) is 1
_SQUARE_ROOT_OF_2 = math.sqrt(2)


@compiled(inner=True)
def fill(
    row: np.ndarray, n: int, start: float, step: float, shape: int, position: float, sigma: float
) -> tuple[int, int]:
    """The transition of one interface into row[begin:end]; it is 1 before `begin` and 0 from `end` on.

    position, sigma : of the interface, Å. A roughness that is not positive is put into the formula as it is.
    """
    begin, end = _reach(n, start, step, shape, position, sigma)
    if shape == GAUSS:
        width = _SQUARE_ROOT_OF_2 * sigma
        for i in range(begin, end):
            row[i] = 0.5 - 0.5 * error_function((start + i * step - position) / width)
    elif shape == LINEAR:
        for i in range(begin, end):
            part = 0.5 * (1.0 + (position - (start + i * step)) / (2.0 * sigma))
            row[i] = _between_0_and_1(part)
    elif shape == EXPONENTIAL_ABOVE:
        for i in range(begin, end):
            x = (position - (start + i * step)) / sigma
            row[i] = _between_0_and_1(_decay(x))
    else:
        for i in range(begin, end):
            x = (start + i * step - position) / sigma
            row[i] = _between_0_and_1(1.0 - _decay(x))
    return begin, end


@compiled(inner=True)
def window(
    row: np.ndarray,
    n: int,
    start: float,
    step: float,
    top: float,
    thickness: float,
    sigma_below: float,
    sigma_above: float,
) -> None:
    """Where a layer divides into the part near its lower interface (1) and the part near its upper one (0).

    A Gaussian step inside the layer, nearer to the sharper of its interfaces, so that the roughness of one interface
    does not reach through the layer to the other (``crop_sigma``).

    top : depth of the layer's upper interface, Å.
    """
    share = (sigma_above - sigma_below) / (sigma_above + sigma_below)
    centre = top - (0.5 + 0.5 * share) * thickness
    width = (1.0 - abs(share)) * thickness / 2.0
    for i in range(n):
        distance = start + i * step - centre
        # A layer without thickness divides at a point.
        x = 0.0 if distance == 0.0 else distance * _SQUARE_ROOT_OF_2 / width
        row[i] = 0.5 - 0.5 * error_function(x)


@compiled(inline=True)
def _decay(x: float) -> float:
    """e^x, 1 for x above 0; NaN of NaN."""
    value = exponential(0.0 if x > 0.0 else x)
    return x if x != x else value


@compiled(inline=True)
def _between_0_and_1(x: float) -> float:
    x = 0.0 if x < 0.0 else x
    return 1.0 if x > 1.0 else x


@compiled(inner=True)
def _reach(n: int, start: float, step: float, shape: int, position: float, sigma: float) -> tuple[int, int]:
    """First index where the transition is below 1, and where it is 0 for good."""
    if not (sigma > 0.0 and abs(position) < np.inf):
        return 0, n
    below = above = 0.0
    if shape == GAUSS:
        below = above = _REACH_OF_GAUSS
    elif shape == LINEAR:
        below = above = _REACH_OF_LINE
    elif shape == EXPONENTIAL_ABOVE:
        above = _REACH_UP
    else:
        below = _REACH_DOWN
    # One point more on either side, for the rounding of this.
    first = np.floor((position - below * sigma - start) / step) - 1.0
    last = np.ceil((position + above * sigma - start) / step) + 2.0
    begin = int(min(max(first, 0.0), float(n)))
    return begin, int(min(max(last, float(begin)), float(n)))
