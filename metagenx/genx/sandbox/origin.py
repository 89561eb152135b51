"""Where an object comes from: from the script, or from somebody whom the script must not change."""

from __future__ import annotations

from typing import Any

#: ``__name__`` of a script, and so ``__module__`` of its classes and functions.
SCRIPT_NAME = "genx_script_module"

_MODELS = "metagenx.genx.models."


def made_by_script(kind: type) -> bool:
    """Whether a class was made by a script.

    Looked up in the class's own dictionary: scripts can neither write ``__module__`` nor change their ``__name__``.
    """
    return kind.__dict__.get("__module__") == SCRIPT_NAME


def of_model_library(kind: type) -> bool:
    """Whether a class belongs to a model library."""
    return str(kind.__dict__.get("__module__")).startswith(_MODELS)


def described(value: Any) -> str:
    """A word for `value` in messages."""
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
