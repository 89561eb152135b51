"""Whole files of every kind that the readers know, made here: what mutations begin with.

Pickles and scripts in them are tripwires: run as Python, they would make the file ``CANARY``.
"""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from orsopy.fileio import Column, ErrorColumn, Orso, OrsoDataset, save_nexus

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "genx"), str(HERE.parent)]  # old_files.py, and a package "genx" to be pickled

from old_files import members, zipped  # noqa: E402

from metagenx.genx import hgx_writer  # noqa: E402
from metagenx.genx.data import DataList, DataSet  # noqa: E402
from metagenx.genx.file import GenxFile, Row  # noqa: E402

CANARY = Path(tempfile.gettempdir()) / f"metagenx-canary-{os.getuid() if hasattr(os, 'getuid') else 0}"

TRAP = b"cos\nsystem\n(S'touch %s'\ntR." % str(CANARY).encode()
SCRIPT = """\
import models.spec_nx as model
from models.utils import UserVars, fp
inst = model.Instrument(probe='x-ray', wavelength=1.54, coords='q', I0=1.0)
cp = UserVars()
cp.new_var('scale', 1.0)
Film = model.Layer(d=120.0, dens=0.085, f=fp.Fe, sigma=4.0)
Sub = model.Layer(dens=0.05, f=fp.Si)
sample = model.Sample(Stacks=[model.Stack(Layers=[Film])], Ambient=model.Layer(), Substrate=Sub)
def Sim(data):
    return [sample.SimSpecular(d.x, inst) for d in data]
"""
TRAPPED = f"{SCRIPT}open({str(CANARY)!r}, 'w').write('x')\n"
X = np.linspace(0.01, 0.2, 24)
ORT = """\
# # ORSO reflectivity data file | 1.0 standard | YAML encoding | https://www.reflectometry.org/
# data_source:
#   owner: {name: someone, affiliation: somewhere}
#   experiment: {title: film, instrument: any, start_date: 2024-01-01T00:00:00, probe: neutron}
#   sample: {name: Fe on Si}
#   measurement:
#     instrument_settings:
#       incident_angle: {magnitude: 0.6, unit: deg}
#       wavelength: {min: 3.0, max: 12.0, unit: angstrom}
#     data_files: [raw.nxs]
# reduction: {software: {name: eos}}
# data_set: up
# columns:
# - {name: Qz, unit: 1/nm}
# - {name: R}
# - {error_of: R, error_type: uncertainty, value_is: sigma}
# - {error_of: Qz, error_type: resolution, value_is: FWHM}
"""
XRDML = """\
<?xml version="1.0" encoding="UTF-8"?>
<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/1.5" status="Completed">
 <xrdMeasurement measurementType="Scan">
  <usedWavelength intended="K-Alpha 1"><kAlpha1 unit="Angstrom">1.5405980</kAlpha1></usedWavelength>
  <scan appendNumber="0" mode="Continuous" scanAxis="2Theta-Omega" status="Completed">
   <dataPoints>
    <positions axis="2Theta" unit="deg"><startPosition>0.2</startPosition><endPosition>2.5</endPosition></positions>
    <commonCountingTime unit="seconds">1.00</commonCountingTime>
    <intensities unit="counts">{}</intensities>
   </dataPoints>
  </scan>
 </xrdMeasurement>
</xrdMeasurements>
"""
BRML = """\
<?xml version="1.0" encoding="utf-8"?>
<RawData><DataRoutes><DataRoute RouteFlag="Final"><ScanInformation><ScanAxes>
<ScanAxisInfo AxisId="TwoTheta" AxisName="TwoTheta" VisibleName="2Theta"><Start>0.2</Start><Stop>2.5</Stop>
<Increment>0.1</Increment></ScanAxisInfo></ScanAxes></ScanInformation>
<DataViews><RawDataView Start="0" Length="1" LogicName="MeasuredTime"/>
<RawDataView Start="1" Length="1" LogicName="AbsorptionFactor"/>
<RawDataView Start="2" Length="2" LogicName="ScanAxes"><FieldDefinitions AxisId="TwoTheta"/>
<FieldDefinitions AxisId="Theta"/></RawDataView>
<RawDataView Start="4" Length="1" type="RecordedRawDataView"><Recording/></RawDataView></DataViews>{}
</DataRoute></DataRoutes>
<FixedInformation><Instrument><PrimaryTracks><TrackInfoData><MountedOptics><InfoData><Tube><WaveLengthAlpha1
Value="1.5406"/></Tube></InfoData></MountedOptics></TrackInfoData></PrimaryTracks></Instrument></FixedInformation>
</RawData>
"""
RAS = """\
*RAS_DATA_START
*RAS_HEADER_START
*DISP_LINE_COLOR "4294901760"
*HW_XG_WAVE_LENGTH_ALPHA1 "1.540593"
*MEAS_SCAN_AXIS_X "TwoThetaTheta"
*MEAS_SCAN_UNIT_X "deg"
*MEAS_SCAN_UNIT_Y "cps"
*RAS_HEADER_END
*RAS_INT_START
{}
*RAS_INT_END
*RAS_DATA_END
"""


def _reflectivity() -> tuple[np.ndarray, np.ndarray]:
    y = np.minimum(1.0, (0.02 / X) ** 4)
    return y, 0.05 * y


def _model(script: str = SCRIPT) -> GenxFile:
    y, error = _reflectivity()
    first = DataSet("film", X, y, error, extra={"res": 0.01 * X})
    first.y_command, first.x_command, first.error_command = "y/y.max()*1.0", "x[0:]", "e + fpe(0.05, 0.01)"
    first.meta = {"owner": {"name": "someone"}, "number": 1.5, "columns": TRAP}
    table = [Row("Film.setD", 120.0, True, 90.0, 160.0), Row(""), Row("cp.setScale", 1.0)]
    options = {"solver": {"km": "0.6", "kr": "0.7", "create trial": "best_1_bin", "use pop mult": "False"}}
    return GenxFile(script=script, table=table, data=DataList([first, first.copy()]), options=options)


def _columns(separator: str = " ", decimal: str = ".", header: str = "") -> bytes:
    y, error = _reflectivity()
    rows = [
        separator.join(f"{value:.6e}" for value in row).replace(".", decimal) for row in zip(X, y, error, strict=True)
    ]
    return (header + "\n".join(rows) + "\n").encode()


def _ort() -> bytes:
    y, error = _reflectivity()
    block = "\n".join(" ".join(f"{v:.7e}" for v in row) for row in zip(10 * X, y, error, 0.1 * X, strict=True))
    return f"{ORT}{block}\n# data_set: down\n{block}\n".encode()


def _orb() -> bytes:
    y, error = _reflectivity()
    with tempfile.TemporaryDirectory() as folder:
        header = Orso.empty()
        header.columns = [Column("Qz", "1/angstrom"), Column("R"), ErrorColumn("R")]
        path = Path(folder) / "binary.orb"
        save_nexus([OrsoDataset(header, np.column_stack([X, y, error]))], str(path))
        return path.read_bytes()


def corpus() -> dict[str, bytes]:
    """File name → content."""
    y, _ = _reflectivity()
    counts = " ".join(f"{value:.0f}" for value in 1e6 * y)
    steps = "".join(
        f"<Datum>1,1,{0.2 + 0.1 * i:.3f},{0.1 + 0.05 * i:.3f},{1e6 * v:.0f}</Datum>" for i, v in enumerate(y)
    )
    rows = "\n".join(f"{0.2 + 0.1 * i:.3f} {1e6 * v:.2f} 1.0" for i, v in enumerate(y))
    spec = "#F scans\n#D Mon Jan 01\n\n#S 1 ascan tth 0.2 2.5 23 1\n#N 3\n#L TwoTheta  Monitor  Detector\n"
    spec += "\n".join(f"{0.2 + 0.1 * i:.3f} 1000 {1e6 * v:.0f}" for i, v in enumerate(y))
    trapped = members(script=TRAP)
    return {
        "film.hgx": (ROOT / "experiments" / "film.hgx").read_bytes(),
        "small.hgx": hgx_writer.to_bytes(_model()),
        "new.gx": zipped(members(), zipfile.ZIP_DEFLATED),
        "old.gx": zipped(members(new=False, protocol=0)),
        "trapped.hgx": hgx_writer.to_bytes(_model(TRAPPED)),
        "trapped.gx": zipped(trapped),
        "two_sets.ort": _ort(),
        "binary.orb": _orb(),
        "spaces.dat": _columns(header="# Q (1/A)  R  dR\n"),
        "comma.csv": _columns(";", ",", header="Q [1/nm];Intensity;Error\n"),
        "tabs.txt": _columns("\t", header="sample: film\n2theta(deg)\tcounts\terror\n"),
        "scan.xrdml": XRDML.format(counts).encode(),
        "scan.brml": zipped({"Experiment0/RawData0.xml": BRML.format(steps).encode()}, zipfile.ZIP_DEFLATED),
        "scan.ras": RAS.format(rows).encode(),
        "scan.rasx": zipped({"Data0/Profile0.txt": rows.replace(" ", "\t").encode()}, zipfile.ZIP_DEFLATED),
        "scan.spec": (spec + "\n").encode(),
    }


def shared_files(folder: Path) -> dict[str, bytes]:
    """Model files that users have given, where there are any; mutations of these are never kept."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (".hgx", ".gx", ".ort", ".dat") and path.stat().st_size < 500_000:
            found[f"shared-{path.name}"] = path.read_bytes()
    return found
