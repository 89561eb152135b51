"""A run as bytes and back: resumed in another process it goes on to the last digit as if undisturbed."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from typing import Any

import numpy as np

from metagenx.errors import FileFormatError
from metagenx.fitting.cma_es import CmaEs
from metagenx.fitting.de import State
from metagenx.fitting.evaluation_log import EvaluationLog
from metagenx.fitting.settings import Settings
from metagenx.fitting.simplex import Simplex
from metagenx.fitting.success_history import SuccessHistory

FORMAT = 3
_ARRAYS = ("bounds", "candidates", "population", "foms", "best", "span", "factors", "crossover", "polished")
_NUMBERS = (
    "km",
    "kr",
    "best_fom",
    "start_fom",
    "target",
    "step",
    "generation",
    "evaluations",
    "checking",
    "check_due",
    "reference_fom",
    "reference_generation",
    "polished_fom",
    "polished_from",
    "stopping",
    "stop",
    "failure",
    "seconds",
)
_PARTS: dict[str, Any] = {"simplex": Simplex, "history": SuccessHistory, "cma": CmaEs}  # of some schemes only


def to_bytes(state: State) -> bytes:
    """The whole state as an .npz file: arrays, and a JSON text with numbers and the generator's state."""
    arrays = {name: getattr(state, name) for name in _ARRAYS}
    arrays |= {"log_vectors": state.log.vectors, "log_foms": state.log.foms}
    arrays |= {"outline_vectors": state.log.outline_vectors, "outline_foms": state.log.outline_foms}
    for name in ("trace", "fom_log"):
        arrays[name] = np.array(getattr(state, name), dtype=float).reshape(-1, 2)
    parts: dict[str, Any] = {}
    for name in _PARTS:
        part = getattr(state, name)
        values = {} if part is None else vars(part)
        arrays |= {f"{name}_{key}": value for key, value in values.items() if isinstance(value, np.ndarray)}
        plain = {key: value for key, value in values.items() if not isinstance(value, np.ndarray)}
        parts[name] = None if part is None else plain
    numbers = {
        "format": FORMAT,
        "settings": dataclasses.asdict(state.settings),
        "generator": _generator_to_json(state.rng),
        "written": state.log.written,
        "parts": parts,
        **{name: getattr(state, name) for name in _NUMBERS},
    }
    file = io.BytesIO()
    text = np.frombuffer(json.dumps(numbers).encode("utf-8"), dtype=np.uint8)
    np.savez(file, allow_pickle=False, numbers=text, **arrays)
    return file.getvalue()


def from_bytes(data: bytes) -> State:
    """The state that :func:`to_bytes` wrote.

    Raises
    ------
    FileFormatError : damaged, or written by a version with another layout.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        numbers = json.loads(arrays.pop("numbers").tobytes().decode("utf-8"))
        if numbers["format"] != FORMAT:
            raise ValueError(f"layout {numbers['format']}, this version reads {FORMAT}")
        return _state(arrays, numbers)
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise FileFormatError(
            f"the saved state of a fit cannot be read ({error})",
            hint="Start the fit again from its beginning.",
        ) from error


def _state(arrays: dict[str, np.ndarray], numbers: dict[str, Any]) -> State:
    settings = Settings.from_values(numbers["settings"])
    log = EvaluationLog(len(arrays["bounds"]), settings.max_log_elements, settings.errorbar_level)
    outline = arrays["outline_vectors"], arrays["outline_foms"]
    log.restore(arrays["log_vectors"], arrays["log_foms"], numbers["written"], outline)
    parts = {name: _part(name, kind, numbers["parts"][name], arrays) for name, kind in _PARTS.items()}
    plain: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
    return State(
        settings=settings,
        rng=_generator_from_json(numbers["generator"]),
        log=log,
        trace=_pairs(arrays["trace"]),
        fom_log=_pairs(arrays["fom_log"]),
        **parts,
        **plain,
        **{name: numbers[name] for name in _NUMBERS},
    )


def _part(name: str, kind: Any, plain: dict[str, Any] | None, arrays: dict[str, np.ndarray]) -> Any:
    """One of the parts that only some schemes have, or None."""
    if plain is None:
        return None
    names = [field.name for field in dataclasses.fields(kind) if field.name not in plain]
    return kind(**{field: arrays[f"{name}_{field}"] for field in names}, **plain)


def _pairs(array: np.ndarray) -> list[tuple[int, float]]:
    return [(int(count), float(fom)) for count, fom in array.tolist()]


def _generator_to_json(rng: np.random.Generator) -> dict[str, Any]:
    text = json.dumps(rng.bit_generator.state, default=lambda array: array.tolist())
    state: dict[str, Any] = json.loads(text)
    return state


def _generator_from_json(state: dict[str, Any]) -> np.random.Generator:
    kinds: dict[str, Any] = {"PCG64": np.random.PCG64, "PCG64DXSM": np.random.PCG64DXSM}
    generator = kinds[state["bit_generator"]]()
    generator.state = state
    return np.random.Generator(generator)
