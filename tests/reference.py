"""The conformance cases that GenX computed, as Python objects."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

SHARED = Path(os.environ.get("METAGENX_SHARED", Path(__file__).resolve().parents[2] / "shared"))
PUBLIC = SHARED / "reference" / "public"

# The file's own noise: GenX's compiled and plain kernels differ by 2 % below the critical edge here (fact sheet, 3.4).
# GenX solves the quartic of anisotropic x-rays in closed form: below the critical angle its curves carry noise of 2e-9
# of the incident beam, which is 9e-6 of the weak channel σ-π. tests/genx/test_mag_refl.py shows that it is noise.
LOOSE = {"spin_flip_07": 3e-2, "mag_refl_more_00": 2e-5, "mag_refl_more_03": 1e-7}


@dataclass(frozen=True)
class Case:
    """One case: its manifest, its arrays, and the same as a GenX file."""

    name: str

    @property
    def file(self) -> Path:
        return PUBLIC / f"{self.name}.hgx"

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return json.loads((PUBLIC / f"{self.name}.json").read_text(encoding="utf-8"))

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        with np.load(PUBLIC / f"{self.name}.npz") as arrays:
            return {key: arrays[key] for key in arrays.files}

    @property
    def tolerance(self) -> float:
        """Relative tolerance of simulations: the sheet's 1e-9, or what GenX's own two kernels agree to."""
        spread = [s["max_rel"] for s in self.manifest.get("kernel_spread") or [] if isinstance(s, dict)]
        known = [float(s) for s in spread if isinstance(s, int | float) and np.isfinite(s)]
        return max([1e-9, LOOSE.get(self.name, 0.0), *(3 * s for s in known if s > 1e-9)])


def all_cases() -> list[Case]:
    """All public cases; none where the shared material is absent."""
    return [Case(path.stem) for path in sorted(PUBLIC.glob("*.json"))]


def number(value: Any) -> Any:
    """A number of a manifest: "nan" and "inf" are strings, complex numbers are pairs."""
    if isinstance(value, list) and len(value) == 2:
        return complex(float(value[0]), float(value[1]))
    return float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def assert_curve(ours: np.ndarray, theirs: np.ndarray, relative: float, what: str) -> None:
    """Equal to a relative tolerance with an absolute floor of 1e-12 of the curve's maximum (fact sheet, 8)."""
    floor = 1e-12 * np.nanmax(np.abs(theirs[np.isfinite(theirs)]), initial=0.0)
    np.testing.assert_allclose(ours, theirs, rtol=relative, atol=floor, equal_nan=True, err_msg=what)
