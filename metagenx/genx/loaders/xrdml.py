"""PANalytical .xrdml (XML, schema http://www.xrdml.com).

``intensities`` of schema 1 are corrected for the beam attenuator already; ``counts`` of schema 2 are raw, and the
``beamAttenuationFactors`` beside them have to be applied. Mixing this up shifts parts of the curve (GenX issue 20).
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import FileFormatError, InputError
from metagenx.genx.loaders.attenuation import counting_error
from metagenx.genx.loaders.format import Found, LoadOptions
from metagenx.genx.loaders.measured import MeasuredSet, measured
from metagenx.genx.loaders.numbers import column
from metagenx.genx.loaders.source import DAMAGED, first, found, words, xml_root

Floats = NDArray[np.float64]

_TWO_THETA = "2theta"


def recognises(content: bytes, path: Path) -> bool:
    """Whether the root element is PANalytical's."""
    return b"xrdMeasurements" in content[:4096]


def read(content: bytes, path: Path, options: LoadOptions) -> Found:
    """Every scan of the file as a data set: counts per second against 2θ, with counting statistics as errors."""
    root = xml_root(content, path.name)
    result = Found([])
    wavelength = _wavelength(root)
    scans = list(found(root, "scan"))
    for index, scan in enumerate(scans):
        points = first(scan, "dataPoints")
        if points is None:
            continue
        name = path.stem if len(scans) == 1 else f"{path.stem} scan {index}"
        result.sets.append(_scan(points, name, wavelength, f"{path.name}, scan {index}", result))
    if not result.sets:
        raise FileFormatError("it holds no scan with data points", where=path.name, hint=DAMAGED)
    if wavelength:
        result.said.append(f"wavelength {wavelength:.6g} Å, by the file")
    return result


def _scan(points: Element, name: str, wavelength: float | None, where: str, result: Found) -> MeasuredSet:
    counts, intensities = first(points, "counts"), first(points, "intensities")
    element = counts if counts is not None else intensities
    if element is None:
        raise FileFormatError("the scan has neither counts nor intensities", where=where, hint=DAMAGED)
    values = column(words(element.text), "its intensities", where)
    n_points = len(values)
    if not n_points:
        raise FileFormatError("the scan has no points", where=where, hint=DAMAGED)
    if first(points, "commonDivergenceCorrection", "divergenceCorrections") is not None and counts is not None:
        raise InputError(
            "its raw counts need a divergence correction, which is not applied here",
            where=where,
            hint="Export the scan as corrected intensities.",
        )
    factors = _per_point(points, ("beamAttenuationFactors", "commonBeamAttenuationFactor"), n_points, where)
    times = _per_point(points, ("countingTimes", "commonCountingTime"), n_points, where)
    raw = values
    if counts is not None and factors is not None:
        values = raw * factors
        result.said.append(f"{name}: raw counts multiplied by the attenuation factors, up to {np.max(factors):g}")
    elif factors is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            raw = np.where(factors > 0.0, values / factors, values)
        result.said.append(
            f"{name}: intensities are corrected for the attenuator already, so its factors are not applied"
        )
    error = counting_error(raw) * (1.0 if factors is None else factors)
    if times is not None and (times > 0.0).all():
        values, error = values / times, error / times
        result.said.append(f"{name}: counts per second, errors by counting statistics")
    else:
        result.said.append(f"{name}: counts, as no counting time is given; errors by counting statistics")
    return measured(
        name, _two_theta(points, n_points, where, result.said, name), values, error, axis="2theta",
        wavelength=wavelength, where=where, notices=result.notices,
    )  # fmt: skip


def _two_theta(points: Element, n_points: int, where: str, said: list[str], name: str) -> Floats:
    """2θ of every point: listed, or evenly from start to end; from ω if only that moves."""
    axes = {(e.get("axis") or "").replace("-", "").lower(): e for e in found(points, "positions")}
    for axis, factor in ((_TWO_THETA, 1.0), ("omega", 2.0)):
        positions = axes.get(axis)
        if positions is None:
            continue
        listed, start, end = (first(positions, tag) for tag in ("listPositions", "startPosition", "endPosition"))
        if listed is not None:
            x = column(words(listed.text), f"the positions of {axis}", where)
            if len(x) != n_points:
                raise FileFormatError(f"it has {len(x)} positions for {n_points} points", where=where, hint=DAMAGED)
        elif start is not None and end is not None:
            limits = column([start.text or "", end.text or ""], f"the positions of {axis}", where)
            x = np.linspace(limits[0], limits[1], n_points)
        else:
            continue
        if factor != 1.0:
            said.append(f"{name}: 2θ does not move; twice ω is taken for it")
        return factor * x
    raise FileFormatError(
        "the scan moves neither 2θ nor ω", where=where, hint="It is no reflectivity curve; export a 2θ-ω scan."
    )


def _per_point(points: Element, tags: tuple[str, str], n_points: int, where: str) -> Floats | None:
    for tag in tags:
        element = first(points, tag)
        if element is not None and (element.text or "").strip():
            values = column(words(element.text), tag, where)
            if len(values) not in (1, n_points):
                raise FileFormatError(
                    f"{tag} has {len(values)} values for {n_points} points", where=where, hint=DAMAGED
                )
            return np.broadcast_to(values, (n_points,)).copy()
    return None


def _wavelength(root: Element) -> float | None:
    """kAlpha1, or for both lines together their mean weighted by the ratio that the file names; Å."""
    used = first(root, "usedWavelength")
    if used is None:
        return None
    values = {}
    for tag in ("kAlpha1", "kAlpha2", "ratioKAlpha2KAlpha1"):
        element = first(used, tag)
        try:
            values[tag] = float((element.text if element is not None else "") or "nan")
        except ValueError:
            values[tag] = float("nan")
    one, two, ratio = values.values()
    both = (used.get("intended") or "").replace("-", "").replace(" ", "").lower() == "kalpha"
    return (one + ratio * two) / (1.0 + ratio) if both and np.isfinite([two, ratio]).all() and ratio > 0.0 else one
