"""The layered sample of a script as plain data, to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

_MOST = 400  # layers that are worth drawing


def layers_of(namespace: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first sample of a script: substrate, stacks from bottom to top, ambient; None if it has no layered sample.

    A layer is ``{name, d, sigma, dens}``, lengths in Å, density in formula units per Å³ (None: it has no such thing);
    a stack ``{repetitions, layers}``. Reads objects of the script: call it through ``Model.within_limits``.
    """
    for value in list(namespace.values()):
        if hasattr(value, "Stacks") and hasattr(value, "Substrate") and hasattr(value, "Ambient"):
            names = {id(item): name for name, item in namespace.items() if not name.startswith("_")}
            stacks = [
                {
                    "name": names.get(id(stack), "stack"),
                    "repetitions": _number(getattr(stack, "Repetitions", 1)),
                    "layers": [_layer(layer, names, "layer") for layer in list(stack.Layers)[:_MOST]],
                }
                for stack in list(value.Stacks)[:_MOST]
            ]
            return {
                "substrate": _layer(value.Substrate, names, "substrate"),
                "stacks": stacks,
                "ambient": _layer(value.Ambient, names, "ambient"),
            }
    return None


def _layer(layer: Any, names: Mapping[int, str], otherwise: str) -> dict[str, Any]:
    roughness = getattr(layer, "sigma", getattr(layer, "sigmar", None))
    return {
        "name": names.get(id(layer), otherwise)[:80],
        "d": _number(getattr(layer, "d", None)),
        "sigma": _number(roughness),
        "dens": _number(getattr(layer, "dens", None)),
    }


def _number(value: Any) -> float | None:
    try:
        found = np.ravel(np.asarray(value, dtype=float))
    except (TypeError, ValueError):
        return None
    return float(found[0]) if len(found) and np.isfinite(found[0]) else None
