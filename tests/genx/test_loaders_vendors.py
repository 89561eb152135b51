"""Files of instruments, written here as the vendors' formats have them: right numbers, and damage with its place."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from metagenx.errors import FileFormatError, InputError
from metagenx.genx.loaders import LoadOptions, read_data
from metagenx.genx.loaders.attenuation import corrected

FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(content: str | bytes, name: str) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def zipped(members: dict[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


# ------------------------------------------------------------------------------------------------------- xrdml

XRDML = """<?xml version="1.0" encoding="UTF-8"?>
<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/{version}" status="Completed">
 <sample type="To be analyzed"><id>S1</id></sample>
 <xrdMeasurement measurementType="Scan" status="Completed">
  <usedWavelength intended="{intended}"><kAlpha1 unit="Angstrom">1.540598</kAlpha1>
   <kAlpha2 unit="Angstrom">1.544426</kAlpha2><ratioKAlpha2KAlpha1>0.5</ratioKAlpha2KAlpha1></usedWavelength>
  <scan appendNumber="0" mode="Continuous" scanAxis="Gonio" status="Completed">
   <header><startTimeStamp>2024-09-19T15:10:10+02:00</startTimeStamp></header>
   <dataPoints>
    <positions axis="2Theta" unit="deg">{positions}</positions>
    <positions axis="Omega" unit="deg"><startPosition>0.5</startPosition><endPosition>1.5</endPosition></positions>
    {more}
    {values}
   </dataPoints>
  </scan>
 </xrdMeasurement>
</xrdMeasurements>"""
EVEN = "<startPosition>1</startPosition><endPosition>3</endPosition>"


def xrdml(values: str, more: str = "", positions: str = EVEN, version: str = "1.5", intended: str = "K-Alpha 1") -> str:
    return XRDML.format(values=values, more=more, positions=positions, version=version, intended=intended)


ATTENUATED = (
    "<beamAttenuationFactors>100 100 1</beamAttenuationFactors>"
    '<commonCountingTime unit="seconds">2.0</commonCountingTime>'
)


def test_xrdml_intensities_are_corrected_already(write: Write) -> None:
    found = read_data(write(xrdml('<intensities unit="counts">40000 20000 100</intensities>', ATTENUATED), "a.xrdml"))
    item = found.sets[0]
    assert (found.format, item.axis) == ("xrdml", "2theta")
    assert_array_equal(item.x, [1.0, 2.0, 3.0])
    assert_array_equal(item.y, [20000.0, 10000.0, 50.0])
    # 400, 200 and 100 counts were seen.
    assert_allclose(item.error, np.array([100 * np.sqrt(400), 100 * np.sqrt(200), 10.0]) / 2.0)
    assert item.wavelength == 1.540598
    assert "not applied" in " ".join(found.detected)


def test_xrdml_counts_need_their_factors(write: Write) -> None:
    values = '<counts unit="counts">400 200 100</counts>'
    item = read_data(write(xrdml(values, ATTENUATED, version="2.1"), "a.xrdml")).sets[0]
    assert_array_equal(item.y, [20000.0, 10000.0, 50.0])
    assert_allclose(item.error, np.array([100 * np.sqrt(400), 100 * np.sqrt(200), 10.0]) / 2.0)


def test_xrdml_positions_times_and_wavelength(write: Write) -> None:
    listed = "<listPositions>1 1.5 4</listPositions>"
    times = '<countingTimes unit="seconds">1 2 4</countingTimes>'
    text = xrdml("<intensities>8 8 0</intensities>", times, listed, intended="K-Alpha")
    item = read_data(write(text, "a.xrdml")).sets[0]
    assert_array_equal(item.x, [1.0, 1.5, 4.0])
    assert_array_equal(item.y, [8.0, 4.0, 0.0])
    assert_allclose(item.error, [np.sqrt(8.0), np.sqrt(8.0) / 2.0, 0.25])  # no counts: uncertain by one
    assert item.wavelength == pytest.approx((1.540598 + 0.5 * 1.544426) / 1.5)
    fixed = xrdml("<intensities>8 8 1</intensities>", "", "<commonPosition>1</commonPosition>")
    assert_array_equal(read_data(write(fixed, "b.xrdml")).sets[0].x, [1.0, 2.0, 3.0])  # twice ω


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (xrdml("<intensities>1 2 3</intensities>")[:500], r"line \d+: this is not XML"),
        (xrdml("<intensities>1 two 3</intensities>"), "'two', which is not a number"),
        (xrdml("<intensities></intensities>"), "no points"),
        (xrdml("<nothing/>"), "neither counts nor intensities"),
        (xrdml("<counts>1 2 3</counts>", "<beamAttenuationFactors>1 2</beamAttenuationFactors>"), "2 values for 3"),
        (xrdml("<counts>1 2</counts>", "", "<listPositions>1 2 3</listPositions>"), "3 positions for 2 points"),
        (xrdml("<counts>1 2</counts>", "<commonDivergenceCorrection>1</commonDivergenceCorrection>"), "divergence"),
        (
            '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><xrdMeasurements>&b;'
            "</xrdMeasurements>",
            "document type",
        ),
        (
            '<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><xrdMeasurements/>',
            "document type",
        ),
        ("<xrdMeasurements>" + "<a>" * 5000, "deeper|not XML"),
        ("<xrdMeasurements/>", "no scan"),
    ],
)
def test_damaged_xrdml(write: Write, text: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        read_data(write(text, "bad.xrdml"))


# -------------------------------------------------------------------------------------------------------- brml

RAW = """<?xml version="1.0" encoding="utf-8"?>
<RawData xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <FixedInformation><Instrument><WaveLengthAlpha1 Unit="A" Value="1.5406" /></Instrument></FixedInformation>
 <DataRoutes><DataRoute RouteFlag="Final">
  <ScanInformation VisibleName="Coupled TwoTheta/Theta"><TimePerStep>2</TimePerStep></ScanInformation>
  {rows}
  <DataViews>
   <RawDataView xsi:type="FixedRawDataView" Start="0" Length="1" LogicName="MeasuredTime"/>
   <RawDataView xsi:type="FixedRawDataView" Start="1" Length="1" LogicName="AbsorptionFactor"/>
   <RawDataView xsi:type="VaryingRawDataView" Start="2" Length="2"><Varying>
    <FieldDefinitions FieldName="TwoTheta" AxisId="TwoTheta"/><FieldDefinitions FieldName="Theta" AxisId="Theta"/>
   </Varying></RawDataView>
   <RawDataView xsi:type="RecordedRawDataView" Start="4" Length="1"><Recording VisibleName="det"/></RawDataView>
  </DataViews>
 </DataRoute></DataRoutes>
</RawData>"""


def brml(*rows: str) -> bytes:
    raw = RAW.format(rows="".join(f"<Datum>{row}</Datum>" for row in rows))
    return zipped({"Experiment0/DataContainer.xml": "<x/>", "Experiment0/RawData0.xml": raw})


def test_brml(write: Write) -> None:
    found = read_data(write(brml("2,1,0.2,0.1,800", "2,1,0.4,0.2,400", "2,1,0.6,0.3,0"), "a.brml"))
    item = found.sets[0]
    assert (found.format, item.axis, item.wavelength) == ("brml", "2theta", 1.5406)
    assert_array_equal(item.x, [0.2, 0.4, 0.6])
    assert_array_equal(item.y, [400.0, 200.0, 0.0])
    assert_allclose(item.error, [np.sqrt(800) / 2, 10.0, 0.5])


def test_brml_absorber(write: Write) -> None:
    rows = ["1,100,0.1,0.05,900", "1,100,0.2,0.1,800", "1,1,0.3,0.15,70000", "1,1,0.4,0.2,60000"]
    found = read_data(write(brml(*rows), "a.brml"))
    assert_array_equal(found.sets[0].y, [90000.0, 80000.0, 70000.0, 60000.0])
    assert_allclose(found.sets[0].error[:2], [100 * 30.0, 100 * np.sqrt(800.0)])
    assert "multiplied by the absorber factors" in " ".join(found.detected)


def test_brml_counts_its_scans_as_people_do(write: Write) -> None:
    scans = {f"Experiment0/RawData{i}.xml": RAW.format(rows=f"<Datum>1,1,0.2,0.1,{i + 1}</Datum>") for i in range(12)}
    found = read_data(write(zipped(scans), "a.brml"))
    assert [item.y[0] for item in found.sets] == list(range(1, 13))


def test_brml_without_views(write: Write) -> None:
    """As DIFFRAC wrote it before it described the columns: two numbers, the axes of the scan, others, counts."""
    axes = '<ScanAxes><ScanAxisInfo AxisId="TwoTheta"/><ScanAxisInfo AxisId="Theta"/></ScanAxes></ScanInformation>'
    old = RAW[: RAW.index("<DataViews>")] + "</DataRoute></DataRoutes></RawData>"
    old = old.replace("</ScanInformation>", axes)
    rows = "<Datum>1,1,44,18.028,-0.13,0,2.6,3</Datum><Datum>1,1,44.1,18.078,-0.13,0,2.6,5</Datum>"
    (item,) = read_data(write(zipped({"Experiment0/RawData0.xml": old.format(rows=rows)}), "a.brml")).sets
    assert_array_equal(item.x, [44.0, 44.1])
    assert_array_equal(item.y, [3.0, 5.0])


def test_brml_with_frames_of_a_detector(write: Write) -> None:
    frames = RAW.replace('Start="4" Length="1"', 'Start="4" Length="3"').format(rows="<Datum>1,1,5,2.5,3,4,5</Datum>")
    scan = RAW.format(rows="<Datum>1,1,0.2,0.1,800</Datum>")
    found = read_data(write(zipped({"E/RawData0.xml": frames, "E/RawData1.xml": scan}), "a.brml"))
    assert len(found.sets) == 1
    assert "3 channels per point" in " ".join(found.notices)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (brml("2,1,0.2,0.1,800", "2,1"), "different lengths"),
        (brml("2,1,0.2,0.1,x"), "not a number"),
        (brml(), "no scan"),
        (brml("2,1,0.2,0.1,800")[:-40], "damaged|unpacked"),
        (zipped({"Experiment0/RawData0.xml": b"0" * (70 * 2**20)}), "inflates to more"),
        (zipped({"Experiment0/RawData0.xml": "<a"}), "not XML"),
        (zipped({"Experiment0/Other.xml": "<a/>"}), "no scan"),
    ],
)
def test_damaged_brml(write: Write, content: bytes, match: str) -> None:
    with pytest.raises(FileFormatError if "number" not in match else InputError, match=match):
        read_data(write(content, "bad.brml"))


# ------------------------------------------------------------------------------------------------------- Rigaku

RAS = """*RAS_DATA_START
*RAS_HEADER_START
*FILE_SAMPLE "film"
*HW_XG_WAVE_LENGTH_ALPHA1 "1.540593"
*MEAS_DATA_COUNT "{count}"
*MEAS_SCAN_AXIS_X "{axis}"
*MEAS_SCAN_AXIS_X_INTERNAL "{axis}"
*MEAS_SCAN_UNIT_Y "{unit}"
*RAS_HEADER_END
*RAS_INT_START
{rows}
*RAS_INT_END
*RAS_DATA_END
"""


def ras(rows: str, axis: str = "TwoThetaOmega", unit: str = "counts", count: int = 4) -> str:
    return RAS.format(rows=rows, axis=axis, unit=unit, count=count)


ROWS = "0.1000 900.0000 100.0000\n0.2000 800.0000 100.0000\n0.3000 70000.0000 1.0000\n0.4000 60000.0000 1.0000"


def test_ras(write: Write) -> None:
    found = read_data(write(ras(ROWS), "a.ras"))
    item = found.sets[0]
    assert (found.format, item.axis, item.wavelength) == ("ras", "2theta", 1.540593)
    assert_array_equal(item.x, [0.1, 0.2, 0.3, 0.4])
    assert_array_equal(item.y, [90000.0, 80000.0, 70000.0, 60000.0])
    assert_allclose(item.error, [3000.0, 100 * np.sqrt(800), np.sqrt(70000), np.sqrt(60000)])


def test_ras_whose_intensity_is_corrected_already(write: Write) -> None:
    rows = "0.1 90000 100\n0.2 80000 100\n0.3 70000 1\n0.4 60000 1"
    found = read_data(write(ras(rows), "a.ras"))
    assert_array_equal(found.sets[0].y, [90000.0, 80000.0, 70000.0, 60000.0])
    assert "already" in " ".join(found.detected)


def test_ras_axes_units_and_several_scans(write: Write) -> None:
    text = ras("0.1 10 1\n0.2 9 1", "Omega", "cps", 3).replace("*RAS_DATA_END\n", "") + ras("1 4 1\n2 1 1", count=2)
    found = read_data(write(text, "a.ras"))
    assert_array_equal(found.sets[0].x, [0.2, 0.4])
    assert np.isnan(found.sets[0].error).all()
    assert_array_equal(found.sets[1].error, [2.0, 1.0])
    notices = " ".join(found.notices)
    assert "3 points are announced, 2 are there" in notices
    assert "no error bars" in notices


def test_rasx(write: Write) -> None:
    conditions = (
        "<M><ScanInformation><AxisName>TwoThetaTheta</AxisName></ScanInformation><RASHeader><Pair><Key>"
        "*HW_XG_WAVE_LENGTH_ALPHA1</Key><Value>1.540593</Value></Pair></RASHeader></M>"
    )
    members = {"Data0/Profile0.txt": "\ufeff10.0\t16\t1\n10.1\t25\t1\n", "Data0/MesurementConditions0.xml": conditions}
    found = read_data(write(zipped({"root.xml": "<r/>", **members}), "a.rasx"))
    assert (found.format, found.sets[0].wavelength) == ("rasx", 1.540593)
    assert_array_equal(found.sets[0].x, [10.0, 10.1])
    assert_array_equal(found.sets[0].error, [4.0, 5.0])


@pytest.mark.parametrize(
    ("content", "name", "match"),
    [
        (ras(ROWS).split("*RAS_INT_END")[0], "a.ras", "no end"),
        (ras("0.1 x 1\n0.2 y 1"), "a.ras", "no row of numbers"),
        (ras("0.1 1 1\n0.2 1\n0.3 1 1"), "a.ras", "this row has 2 columns"),
        (ras(""), "a.ras", "no columns"),
        ("*RAS_DATA_START\n", "a.ras", "no scan"),
        (zipped({"Data0/Image0.bin": b"x"}), "a.rasx", "no profile"),
        (zipped({"Data0/Profile0.txt": b"1 2\n" * (20 * 2**20)}), "a.rasx", "inflates to more"),
    ],
)
def test_damaged_rigaku(write: Write, content: str | bytes, name: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        read_data(write(content, name))


def test_absorbers_that_nothing_tells_apart_are_applied() -> None:
    counts, one = np.array([4.0, 3.0]), np.ones(2)
    assert corrected(counts, one)[1] == ""
    assert_array_equal(corrected(counts, 10.0 * one)[0], [40.0, 30.0])
    assert_array_equal(corrected(counts, 0.0 * one)[0], counts)
    assert "not usable" in corrected(counts, np.array([1.0, np.nan]))[1]


# ------------------------------------------------------------------------------------- formats of single instruments


def test_amor(write: Write) -> None:
    item = read_data(write("# Q R dQ dR\n0.01 1.0 0.001 0.1\n0.02 0.5 0.002 0.05\n", "run123.Rqz.dat")).sets[0]
    assert_array_equal(item.error, [0.1, 0.05])
    assert_array_equal(item.extra["res"], [0.001, 0.002])
    assert item.axis == "q"


MFT = """Instrument : D17
User-local contact : somebody
Title : film
Number of file format : 40
Number of data points : 2

                       q                    refl                refl_err            q_res (FWHM)
          1.0000000e-02           1.0000000e+00           1.0000000e-02           2.0000000e-03
          2.0000000e-02           5.0000000e-01           2.0000000e-02           4.0000000e-03
"""


def test_d17_cosmos(write: Write) -> None:
    found = read_data(write(MFT, "a.mft"))
    assert found.format == "d17_cosmos"
    assert_array_equal(found.sets[0].x, [0.01, 0.02])
    assert_allclose(found.sets[0].extra["res"], np.array([0.002, 0.004]) / FWHM)
    assert "full width" in " ".join(found.detected)


def test_d17_before_cosmos(write: Write) -> None:
    text = "\n".join(f"header {i} {i}" for i in range(36)) + "\n0.01 1 0.1 0.001\n0.02 0.5 0.1 0.001\n"
    found = read_data(write(text, "a.out"))
    assert found.format == "d17_legacy"
    assert_array_equal(found.sets[0].x, [0.01, 0.02])
    assert_array_equal(found.sets[0].extra["res"], [0.001, 0.001])
    with pytest.raises(InputError, match=r"36 header lines|no line"):
        read_data(write("a 1\nb 2\n", "b.out"), format="d17_legacy")


QUICKNXS = """# Datafile created by QuickNXS 4.13.0
# Datafile created using Mantid 6.13.1
# Date: 2025-10-29 11:30:42
# Type: Specular
# Input file indices: 42112,42113
# Extracted states: ++ --
#
# [Data Runs]
#  DB_ID  P0  number
#      0   1   42112
#
# [Data]
#     Qz [1/A]       R [a.u.]      dR [a.u.]     dQz [1/A]   theta [rad]
   0.0103752    0.00349571   6.63863e-05   0.000562007    0.00660061
   0.0105848    0.00365146   6.90151e-05   0.000573041    0.00660061

   0.0103752    0.00249571   6.63863e-05   0.000562007    0.00660061
"""


def test_sns_with_two_spin_states(write: Write) -> None:
    found = read_data(write(QUICKNXS, "REF_M.dat"))
    assert found.format == "sns_mr"
    assert [item.name for item in found.sets] == ["42112,42113 (++)", "42112,42113 (--)"]
    assert_array_equal(found.sets[0].x, [0.0103752, 0.0105848])
    assert_array_equal(found.sets[0].extra["res"], [0.000562007, 0.000573041])
    assert_array_equal(found.sets[0].extra["ai"], [0.00660061, 0.00660061])
    assert_array_equal(found.sets[1].y, [0.00249571])


SINQ = """SIX Data File
title = film
sample = Ni
stt zero = 0.1
**************************** DATA ******************************************
Scanning Variables: sth,s2t, Steps: 0.05, 0.1
3 Points, Mode: Monitor,Preset 1000.0
NP  sth      s2t      COUNTS     MONITOR1   TIME
0   0.0500   0.1000   900        1000       1.0
1   0.1000   0.2000   400        1000       1.0
2   0.1500   0.3000   0          1000       1.0
END-OF-DATA
"""


def test_sinq(write: Write) -> None:
    found = read_data(write(SINQ, "morpheus2021n000001.dat"))
    item = found.sets[0]
    assert (found.format, item.axis) == ("sinq_six", "2theta")
    assert_array_equal(item.x, [0.1, 0.2, 0.3])
    assert_array_equal(item.error, [30.0, 20.0, 1.0])
    assert_array_equal(item.extra["MONITOR1"], [1000.0] * 3)


NJA = (
    "#General\n&Anode=Cu\n\n#ScanTableParameter\n&NumScans=2\n\n"
    "#MeasParameter1\n&ScanAxis=T\t&NoValues=2\t&Time=4.0\n&Axis=T\t&Start=0.2\t&End=0.3\t&Step=0.1\n\n"
    "#Values1\n0.2000\t100.0\n0.3000\t25.0\n\n"
    "#MeasParameter2\n&ScanAxis=O\t&NoValues=3\n\n#Values2\n1.0\t3.0\n2.0\t2.0\n\n"
)


def test_seifert(write: Write) -> None:
    found = read_data(write(NJA, "a.nja"))
    assert found.format == "seifert_nja"
    first, second = found.sets
    assert_array_equal(first.x, [0.2, 0.3])
    assert_array_equal(first.y, [100.0, 25.0])
    assert_array_equal(first.error, [np.sqrt(400.0) / 4.0, np.sqrt(100.0) / 4.0])
    assert_array_equal(second.x, [2.0, 4.0])
    assert "3 points are announced, 2 are there" in " ".join(found.notices)
    with pytest.raises(InputError, match="no scan"):
        read_data(write("&ScanAxis=T\n", "b.nja"))


SPEC = """#F film.spec
#E 1412001795
#D Mon Sep 29 09:43:15 2014

#S 1  ascan  tth 0.2 0.4 2 1
#D Mon Sep 29 09:43:15 2014
#N 4
#L Two Theta  Epoch  Monitor  Detector
0.2 1 100 400
0.3 2 100 100
#C a comment
0.4 3 100 0

#S 2  hklscan  1 1 0 0 1 2 2 1
#N 4
#L H  K  L  Detector
1 0 1 9
1 0 2 16

#S 3  ascan  th 0 1 1 1
#N 2
"""


def test_spec(write: Write) -> None:
    path = write(SPEC, "film.spec")
    found = read_data(path)
    assert [item.name for item in found.sets] == ["film scan 1", "film scan 2"]
    first = found.sets[0]
    assert_array_equal(first.x, [0.2, 0.3, 0.4])
    assert_array_equal(first.y, [400.0, 100.0, 0.0])
    assert_array_equal(first.error, [20.0, 10.0, 1.0])
    assert set(first.extra) == {"Epoch", "Monitor"}
    assert first.axis == "2theta"
    rod = read_data(path, options=LoadOptions(pick="2")).sets[0]
    assert (rod.axis, rod.x.tolist(), rod.y.tolist()) == ("l", [1.0, 2.0], [9.0, 16.0])
    assert set(rod.extra) == {"h", "k"}
    with pytest.raises(InputError, match=r"no scan 3 with points(.|\n)*1, 2, 3"):
        read_data(path, options=LoadOptions(pick="3"))


def test_rods(write: Write) -> None:
    sls = read_data(write("# h k l I dI\n1 0 0.1 5 1\n1 0 0.2 6 1\n2 1 0.1 7 1\n", "a.dat"))
    assert sls.format == "sls_sxrd"
    assert [item.name for item in sls.sets] == ["(1, 0)", "(2, 1)"]
    assert_array_equal(sls.sets[0].x, [0.1, 0.2])
    assert_array_equal(sls.sets[1].extra["h"], [2.0])
    ctr = read_data(write("%h k l F dF Lb dLb\n0 0 0.1 5 1 0 2\n0 0 0.2 6 1 0 2\n", "b.dat"))
    assert ctr.format == "gsecars_ctr"
    assert_array_equal(ctr.sets[0].error, [1.0, 1.0])
    assert set(ctr.sets[0].extra) == {"h", "k", "LB", "dL"}
    unnamed = write("1 0 0.1 5 1\n1 0 0.2 6 1\n", "c.dat")
    assert read_data(unnamed, format="sls_sxrd").sets[0].axis == "l"
    with pytest.raises(InputError, match="h k l F dF LB dL are expected"):
        read_data(unnamed, format="gsecars_ctr")
