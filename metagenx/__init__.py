"""metagenx: fits GenX reflectivity models fast, and finds the settings to fit them with.

The public face of the package; everything is imported when it is first used, so that
``import metagenx`` and ``metagenx --help`` cost nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "load": "metagenx.genx.model",
    "Model": "metagenx.genx.model",
    "Settings": "metagenx.fitting.settings",
    "fit": "metagenx.fitting.api",
    "batch": "metagenx.meta.batch",
    "repeat": "metagenx.meta.repeat",
    "tune": "metagenx.meta.tune",
}

__all__ = ["Model", "Settings", "batch", "fit", "load", "repeat", "tune"]

if TYPE_CHECKING:
    from metagenx.fitting.api import fit
    from metagenx.fitting.settings import Settings
    from metagenx.genx.model import Model, load
    from metagenx.meta.batch import batch
    from metagenx.meta.repeat import repeat
    from metagenx.meta.tune import tune


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
        return value
    raise AttributeError(f"module 'metagenx' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
