"""A layered sample as one line of text, from substrate to surface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def sample_text(namespace: Mapping[str, Any]) -> str:
    """The first sample of a script as text, e.g. ``Sub / Fe 2 / Pt 45 / [Fe 11 / Pt 18] x19 / Amb``, lengths in Å.

    Parameters
    ----------
    namespace : names of the script; layers are called as they are there. Empty text if it has no layered sample.
    """
    for value in namespace.values():
        if hasattr(value, "Stacks") and hasattr(value, "Substrate") and hasattr(value, "Ambient"):
            names = {id(v): k for k, v in namespace.items() if not k.startswith("_")}
            stacks = [_stack(stack, names) for stack in value.Stacks]
            parts = [names.get(id(value.Substrate), "substrate"), *filter(None, stacks)]
            return " / ".join([*parts, names.get(id(value.Ambient), "ambient")])
    return ""


def _stack(stack: Any, names: Mapping[int, str]) -> str:
    layers = " / ".join(f"{names.get(id(layer), 'layer')} {_number(layer.d)}" for layer in stack.Layers)
    repetitions = _number(stack.Repetitions)
    return f"[{layers}] x{repetitions}" if layers and repetitions != "1" else layers


def _number(value: Any) -> str:
    numbers = np.ravel(np.asarray(value, dtype=float))
    return f"{numbers[0]:.4g}" if len(numbers) else "?"
