"""ORSO's validation set: reflectivities that several programs agree on, computed with metagenx.physics.

The set is public (CC0); it is looked for in shared/orso_validation beside the project (METAGENX_SHARED names another
place). Prints the table of deviations and writes it to docs/orso_validation.md.

    python benchmarks/orso_validation.py [--json] [--check]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metagenx.physics.resolution import average, gaussian_grid
from metagenx.physics.specular import Blocks, reflectivity
from metagenx.physics.spin_flip import spin_flip

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("METAGENX_SHARED", ROOT.parent / "shared"))
DOCUMENT = ROOT / "docs" / "orso_validation.md"

KERNEL = 8e-5  # what ORSO asks of a program
# A value below this is compared as it is, not in relation to the reference: spin flip where there is none.
NOTHING = 1e-20
PLACES = 10001  # of the resolution function, as in the reference
REACH = 3.5  # standard deviations; where the reference cuts it off


@dataclass(frozen=True)
class Deviation:
    """One curve of one case.

    Attributes
    ----------
    largest, median : of |ours/theirs − 1| over the points where the reference is not nothing.
    absolute : largest of |ours − theirs|.
    tolerance : of `largest`; or of `absolute` if the reference is nothing everywhere.
    """

    case: str
    curve: str
    n_points: int
    largest: float
    median: float
    absolute: float
    tolerance: float
    remark: str

    @property
    def reached(self) -> bool:
        return (self.absolute if math.isnan(self.largest) else self.largest) <= self.tolerance


def stack(rows: np.ndarray) -> tuple[np.ndarray, ...]:
    """ORSO's rows (fronting medium first; thickness, SLD, absorption in 1e-6 Å⁻², roughness of the upper side) as the
    kernel's arrays (backing medium first): potential in Å⁻², thickness, sigma. Q is inside the fronting medium."""
    up = rows[::-1]
    difference = up[:, 1] - up[-1, 1]
    potential = 16e-6 * np.pi * (-difference + 1j * up[:, 2])
    potential[-1] = 0.0
    return potential[None], up[None, :, 0].copy(), up[None, :, 3].copy()


def unpolarised(folder: Path, name: str) -> Deviation:
    layers, data = (folder / line for line in _lines(folder / f"{name}.txt")[:2])
    potential, thickness, sigma = stack(np.loadtxt(layers))
    table = np.loadtxt(data)
    q, reference = table[:, 0], table[:, 1]
    blocks, one = Blocks.once(potential.shape[1]), np.ones(1, dtype=complex)
    remark, tolerance = "", KERNEL
    if table.shape[1] == 4:
        grid = gaussian_grid(q, table[:, 3], PLACES, REACH)
        ours = average(reflectivity(grid.x, potential, one, thickness, sigma, blocks), grid.weights)[0]
        # The reference cuts the normal density at 3.5 σ and leaves its integral at 0.99953; ours is normalised.
        ours *= math.erf(REACH / math.sqrt(2))
        remark, tolerance = "resolution dQ/Q = 5 % (FWHM)", 1e-5
    else:
        ours = reflectivity(q, potential, one, thickness, sigma, blocks)[0]
    return _compared(f"unpolarised {name}", "R", ours, reference, tolerance, remark)


def polarised(folder: Path, name: str) -> Iterator[Deviation]:
    lines = _lines(folder / f"{name}.txt")
    guide = float(lines[2])
    rows = np.loadtxt(folder / lines[0])[::-1]  # thickness, SLD, absorption, angle, magnetic SLD, roughness
    table = np.loadtxt(folder / lines[1])
    # The guide field is the same in all media, so its Zeeman energy is no difference between any two.
    nuclear, magnetic = rows[:, 1] - rows[-1, 1] - 1j * rows[:, 2], rows[:, 4]
    nuclear[-1] = 0.0
    angle = np.where(magnetic == 0.0, 0.0, rows[:, 3] - guide)
    channels = spin_flip(
        table[:, 0],
        4e-6 * np.pi * (nuclear + magnetic)[None],
        4e-6 * np.pi * (nuclear - magnetic)[None],
        angle[None],
        rows[None, :, 0].copy(),
        rows[None, :, 5].copy(),
        Blocks.once(len(rows)),
    )[0]
    up_up, down_down, up_down, down_up = channels
    named = {"R--": (down_down, 1), "R-+": (down_up, 2), "R+-": (up_down, 3), "R++": (up_up, 4)}
    for curve, (ours, column) in named.items():
        yield _compared(f"polarised {name}", curve, ours, table[:, column], KERNEL, "")


def run(folder: Path) -> list[Deviation]:
    """All ten cases."""
    found = [unpolarised(folder / "unpolarised", f"test{i}") for i in range(8)]
    for i in range(2):
        found += polarised(folder / "polarised", f"test{i}")
    return found


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _compared(case: str, curve: str, ours: np.ndarray, theirs: np.ndarray, tolerance: float, remark: str) -> Deviation:
    there = np.abs(theirs) > NOTHING
    absolute = float(np.max(np.abs(ours - theirs)))
    if not np.any(there):
        return Deviation(case, curve, len(theirs), math.nan, math.nan, absolute, NOTHING, "no spin flip")
    relative = np.abs(ours[there] / theirs[there] - 1)
    largest, median = float(np.max(relative)), float(np.median(relative))
    return Deviation(case, curve, len(theirs), largest, median, absolute, tolerance, remark)


def document(found: list[Deviation]) -> str:
    """The page of the documentation."""
    lines = [
        "| case | curve | points | largest deviation | median | tolerance | |",
        "|------|-------|-------:|------------------:|-------:|----------:|-|",
    ]
    for d in found:
        relative = f"{d.largest:.1e} | {d.median:.1e}"
        numbers = f"{d.absolute:.0e} absolute | " if math.isnan(d.largest) else relative
        lines.append(f"| {d.case} | {d.curve} | {d.n_points} | {numbers} | {d.tolerance:.0e} | {d.remark} |")
    return PAGE.format(table="\n".join(lines), cases=len({d.case for d in found}), reached=_cases_reached(found))


def _cases_reached(found: list[Deviation]) -> int:
    cases = {d.case for d in found}
    return sum(all(d.reached for d in found if d.case == case) for case in cases)


PAGE = """# ORSO's validation set

The Open Reflectometry Standards Organisation publishes ten reflectivity calculations that programs should reproduce
(CC0): layers, and curves computed by reference programs. This page is made by

    python benchmarks/orso_validation.py

and `tests/test_orso_validation.py` holds every release to the same tolerances. Reached: {reached} of {cases}.

{table}

The deviation is |R/R_reference − 1|, its largest value over all points. ORSO asks for 8·10⁻⁵ of the cases without
resolution.

* Case 1 agrees as far as its file goes: ours is the textbook recursion to 4·10⁻¹² there, and a change of the last digit
  that the file has of its scattering length densities (4·10⁻¹¹ Å⁻²) moves the curve by up to 6·10⁻⁴.
* Case 3 asks how a rough interface cut into 2001 slices compares with the formula for it: the deviation, largest at
  Q = 1 Å⁻¹ where R is 8·10⁻¹³, is that of the slices (again ours is the textbook recursion to 10⁻¹⁰).
* Cases 4 and 5 are smeared with a normal distribution. The reference cuts it at 3.5 standard deviations without
  normalising what is left, so all its values are too small by the factor erf(3.5/√2) = 0.99953; we normalise, and are
  multiplied by the factor for the comparison. Computed with {places} places per point, as the reference; a fit uses far
  fewer. Two ways to place them differ by 5·10⁻⁶ at the critical edge, hence the tolerance.
* Polarised case 0 has a guide field nearly normal to the surface, the same in all media: the Zeeman energy of both spin
  states shifts all potentials alike, and without magnetic layers nothing flips.
* Q is inside the fronting medium in these files (GenX and `metagenx` model scripts: outside the sample).
""".replace("{places}", str(PLACES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one line of JSON, last")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a case misses its tolerance")
    options = parser.parse_args()
    folder = SHARED / "orso_validation"
    if not folder.is_dir():
        raise SystemExit("ORSO's validation set is not at shared/orso_validation beside the project (METAGENX_SHARED)")
    found = run(folder)
    text = document(found)
    print(text)
    DOCUMENT.write_text(text, encoding="utf-8")
    if options.json:
        reached, cases = _cases_reached(found), len({d.case for d in found})
        worst = {f"{d.case} {d.curve}": d.absolute if math.isnan(d.largest) else d.largest for d in found}
        print(json.dumps({"orso_validation": {"reached": reached, "cases": cases, "deviations": worst}}))
    if options.check and not all(d.reached for d in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
