"""Every example, fitted by us: GenX opens the result, finds its FOM, its errors and its course, and goes on fitting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import metagenx
from metagenx.genx.file import read

pytestmark = [pytest.mark.genx, pytest.mark.timeout(600)]

Ask = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def fits(ask_genx: Ask, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of every example our short fit, the file that it was saved as, and what GenX says of that."""
    folder = tmp_path_factory.mktemp("fits")
    found: dict[str, Any] = {}
    for path in sorted((shared / "genx_files").glob("*.hgx")):
        fit = metagenx.fit(
            metagenx.load(path), seed=3, as_in_file=True, use_pop_mult=False, pop_size=20, max_generations=3,
            use_max_generations=True, errorbar_level=20.0,
        )  # fmt: skip
        found[path.name] = {"fit": fit, "file": fit.save(folder / path.name)}
    requests = [{"file": str(one["file"]), "generations": 1, "seed": 1} for one in found.values()]
    for one, answer in zip(found.values(), ask_genx(requests), strict=True):
        one["genx"] = answer
    return found


def test_genx_finds_the_fom_of_our_fits(fits: dict[str, Any]) -> None:
    assert len(fits) == 12
    for name, one in fits.items():
        assert "error" not in one["genx"], (name, one["genx"].get("error"))
        assert one["genx"]["fom"] == pytest.approx(one["fit"].fom, rel=1e-8), name


def test_genx_finds_values_errors_course_and_start(fits: dict[str, Any]) -> None:
    with_errors = 0
    for name, one in fits.items():
        file, answer = read(one["file"]), one["genx"]
        assert answer["parameters"]["names"] == list(one["fit"].names), name
        np.testing.assert_allclose(answer["parameters"]["values"], one["fit"].values, rtol=1e-12, err_msg=name)
        assert answer["errors"] == [row.error for row in file.table], name
        with_errors += any(row.error not in ("", "-", "None") for row in file.fitted_rows)
        assert np.array(answer["fom_log"], dtype=float)[-1, 1] == pytest.approx(one["fit"].fom), name
        assert len(answer["start_guess"]) == len(one["fit"].names), name
    assert with_errors >= 10  # so few trials may all lie beyond the level


def test_genx_goes_on_fitting(fits: dict[str, Any]) -> None:
    for name, one in fits.items():
        log = np.array(one["genx"]["fitted_fom_log"], dtype=float)
        assert log[-1, 0] == 1, name
        assert log[-1, 1] <= one["genx"]["fom"] * (1 + 1e-12), name
