"""What `metagenx inspect` finds out about a file, on real files and on files with one planted trap each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import metagenx
from metagenx.genx.audit import Audit, audit, parameters_without_effect
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row

SCRIPT = """\
import models.spec_nx as model
from models.utils import fp
inst = model.Instrument(probe='x-ray', wavelength=1.54, coords='2θ', Ibkg=1e-6)
Amb = model.Layer()
Film = model.Layer(d=120.0, dens=0.085, f=fp.Fe, sigma=4.0)
Idle = model.Layer(d=10.0, dens=0.085, f=fp.Fe)
Sub = model.Layer(dens=0.05, f=fp.Si, sigma=3.0)
sample = model.Sample(Stacks=[model.Stack(Layers=[Film], Repetitions=3)], Ambient=Amb, Substrate=Sub)
def Sim(data):
    return [sample.SimSpecular(d.x, inst) for d in data]
"""
X = np.linspace(0.3, 4.0, 30)
Y = 1e-2 / X**4


def looked_at(
    *,
    script: str = SCRIPT,
    rows: list[Row] | None = None,
    fom: str = "log",
    y: np.ndarray = Y,
    error: np.ndarray | None = None,
    use: bool = True,
    x: np.ndarray = X,
) -> Audit:
    data = DataSet("first", x, y, 0.1 * Y if error is None else error, use=use)
    table = rows if rows is not None else [Row("Film.setD", 120.0, True, 90.0, 160.0)]
    return audit(metagenx.Model(GenxFile(script=script, fom_name=fom, table=table, data=DataList([data]))))


def test_a_file_in_order_has_no_warnings() -> None:
    found = looked_at()
    assert found.warnings == ()
    assert found.sample == "Sub / [Film 120] x3 / Amb"
    assert (found.library, found.instrument, found.kind) == ("spec_nx", "x-ray 1.54 Å", "hgx")
    assert (found.fitted, found.n_rows, found.fom_function) == (("Film.setD",), 1, "log")
    assert found.data[0] == type(found.data[0])("first", 30, 0.3, 4.0, True)
    assert (found.path, found.why_not) == ("population", None)
    assert found.stored_fom is None
    assert found.same_physics is None
    assert np.isfinite(found.recomputed_fom)


@pytest.mark.parametrize(
    ("value", "words"),
    [(90.1, "at its lower limit 90"), (159.9, "at its upper limit 160"), (90.0, "at its lower limit 90")],
)
def test_values_at_a_limit(value: float, words: str) -> None:
    (warning,) = looked_at(rows=[Row("Film.setD", value, True, 90.0, 160.0)]).warnings
    assert words in warning
    assert warning.startswith("Film.setD")


def test_a_value_outside_its_limits_is_named_once() -> None:
    found = looked_at(rows=[Row("Film.setD", 200.0, True, 90.0, 160.0)])
    about = [text for text in found.warnings if "outside" in text]
    assert about[0] == "Film.setD = 200 is outside its limits 90 to 160"


def test_a_row_that_is_not_fitted_may_stand_anywhere() -> None:
    rows = [Row("Film.setD", 120.0, True, 90.0, 160.0), Row("Film.setSigma", 50.0, False, 0.0, 9.0)]
    assert looked_at(rows=rows).warnings == ()


def test_parameters_without_effect() -> None:
    rows = [Row("Film.setD", 120.0, True, 90.0, 160.0), Row("Idle.setD", 12.0, True, 5.0, 40.0)]
    found = looked_at(rows=rows)
    assert found.warnings == ("no effect on the FOM: Idle.setD",)
    problem = metagenx.Model(GenxFile(script=SCRIPT, table=rows[:1], data=DataList([DataSet("", X, Y, Y)]))).problem()
    assert parameters_without_effect(problem) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y": np.where(X > 3.5, 0.0, Y)}, "values are zero or negative: log leaves them out"),
        ({"y": np.where(X > 3.5, np.nan, Y)}, "of 30 values are NaN or infinite"),
        ({"y": np.full(30, np.nan)}, "all its values are NaN"),
        ({"fom": "chi2bars", "error": np.where(X > 3.5, 0.0, Y)}, "error bars are zero or negative: chi2bars divides"),
        ({"fom": "chi2bars", "error": np.full(30, np.nan)}, "no error bars, which chi2bars needs"),
        ({"use": False}, "no data set is used"),
    ],
)
def test_traps_in_the_data(changes: dict[str, object], words: str) -> None:
    found = looked_at(**changes)  # type: ignore[arg-type]
    assert any(words in text for text in found.warnings), found.warnings


def test_a_fast_convolution_needs_equal_steps() -> None:
    script = SCRIPT.replace("Ibkg=1e-6", "Ibkg=1e-6, restype='fast conv', res=0.05")
    assert [text for text in looked_at(script=script).notices if "equal steps" in text] == []
    assert [text for text in looked_at(script=SCRIPT, x=X**2).notices if "equal steps" in text] == []
    # As equal as a file shows them: steps of 0.127 and 0.128.
    assert [text for text in looked_at(script=script, x=np.round(X, 3)).notices if "equal steps" in text] == []
    (notice,) = (text for text in looked_at(script=script, x=X**2).notices if "equal steps" in text)
    assert notice.startswith("the resolution 'fast conv' is for points at equal steps")


@pytest.mark.parametrize(
    ("imports", "instrument", "words"),
    [
        ("interdiff", "model.Instrument(wavelength=1.2)", "x-ray 1.2 Å"),
        ("sxrd", "model.Instrument(wavel=0.8, alpha=0.5)", "x-ray 0.8 Å"),
        ("spec_nx", "model.Instrument(probe='neutron tof')", "neutron tof"),
        ("mag_refl", "model.Instrument(probe='x-ray anis.', wavelength=14.6)", "x-ray anis. 14.6 Å"),
    ],
)
def test_instruments_of_all_libraries(imports: str, instrument: str, words: str) -> None:
    script = f"import models.{imports} as model\ninst = {instrument}\ndef Sim(data):\n    return [d.y for d in data]\n"
    assert looked_at(script=script, rows=[]).instrument == words


def test_linear_figures_of_merit_do_not_mind_zeros() -> None:
    assert looked_at(fom="diff", y=np.where(X > 3.5, 0.0, Y)).warnings == ()


def test_nothing_fitted_is_said_and_is_no_error() -> None:
    found = looked_at(rows=[])
    assert found.path is None
    assert found.fitted == ()
    assert any("no parameter of the table is fitted" in text for text in found.warnings)


def test_a_script_that_cannot_run_a_population_says_why() -> None:
    script = SCRIPT.replace("    return [", "    if Film.d > 130.0:\n        Film.setSigma(5.0)\n    return [")
    found = looked_at(script=script)
    assert found.path == "one by one"
    assert found.why_not


def test_all_is_json(shared: Path) -> None:
    found = audit(metagenx.load(shared / "genx_files" / "SuperAdam_SiO.hgx"))
    assert json.loads(json.dumps(found.to_json()))["fitted"] == list(found.fitted)


@pytest.mark.parametrize("name", ["X-ray_Reflectivity", "SuperAdam_SiO", "Peakfit_Gauss"])
def test_stored_and_recomputed_agree_on_files_of_genx(shared: Path, name: str) -> None:
    expected = json.loads((shared / "reference" / "examples.json").read_text(encoding="utf-8"))
    found = audit(metagenx.load(shared / "genx_files" / f"{name}.hgx"))
    assert found.same_physics is True
    assert found.stored_fom == pytest.approx(found.recomputed_fom, rel=1e-8)
    assert name in json.dumps(expected)


def test_other_values_in_the_table_are_noticed(shared: Path) -> None:
    file = metagenx.load(shared / "genx_files" / "X-ray_Reflectivity.hgx").file
    rows = [replace(row, value=0.5 * (row.minimum + row.maximum)) if row.fit else row for row in file.table]
    found = audit(metagenx.Model(replace(file, table=rows)))
    assert found.same_physics is False
    assert any("the stored simulation has FOM" in text for text in found.warnings)
