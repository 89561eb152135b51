"""SIGNATURES (bodies follow): the search space of a tuning run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from metagenx.fitting.settings import Settings

Point = dict[str, Any]
"""One proposal: active parameters only, name → value."""


@dataclass(frozen=True)
class SearchSpace:
    """Parameters (float, int, choice, grid) with conditions, forbidden combinations and fixed settings."""

    def sample(self, rng: np.random.Generator) -> Point: ...
    def sobol(self, n: int, rng: np.random.Generator) -> list[Point]: ...
    def grid(self) -> Iterator[Point]: ...
    def contains(self, point: Mapping[str, Any]) -> bool: ...
    def clip(self, point: Mapping[str, Any]) -> Point: ...
    def encode(self, point: Mapping[str, Any]) -> np.ndarray: ...  # (n_dim,) in [0, 1], inactive 0.5
    def decode(self, unit: np.ndarray) -> Point | None: ...  # None where forbidden
    def settings(self, point: Mapping[str, Any], base: Settings) -> Settings: ...
    def to_json(self) -> dict[str, Any]: ...


def load_space(name: str | Path, *, relative_to: Path | None = None) -> SearchSpace: ...  # a built-in name or a file
def built_in_spaces() -> dict[str, Path]: ...
