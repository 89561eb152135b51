"""What the columns of a table are: from their names and units, or, without names, from their places."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import log, pi, sqrt
from typing import Literal

from metagenx.errors import InputError
from metagenx.genx.loaders.measured import AXIS_NAMES, Axis

Role = Literal["x", "y", "error", "res", "extra", "ignored"]

SIGMA_OF_FWHM = 1.0 / (2.0 * sqrt(2.0 * log(2.0)))  # of a Gaussian
BY_PLACE: tuple[Role, ...] = ("x", "y", "error", "res")

_NANOMETRE = re.compile(r"1/nm|/nm\b|nm\s*\^?\{?[-⁻]\s*[1¹]|nm\*\*-1|inv\w*[ _.]?nm|nanomet\w*\^?-1", re.IGNORECASE)
_ANGSTROM = re.compile(
    r"1?/(?:a|å)(?:ng\w*)?\b|(?:(?<![^\W_])a|å|ang\w*)\s*\^?\{?[-⁻]\s*[1¹]|(?:a|å|ang\w*)\*\*-1|inv\w*[ _.]?(?:a|å)",
    re.IGNORECASE,
)
_MILLIRADIAN = re.compile(r"\bmrad", re.IGNORECASE)
_RADIAN = re.compile(r"\brad(?:ians?)?\b", re.IGNORECASE)
_DEGREE = re.compile(r"deg|°|º", re.IGNORECASE)

_Q = {"q", "qz", "qvector", "qvec", "momentumtransfer", "wavevectortransfer", "qa", "qnm", "scatteringvector"}
_TWO_THETA = {
    "2theta", "twotheta", "2θ", "tth", "2th", "2thetaomega", "twothetaomega", "twothetatheta", "omega2theta",
    "2thetatheta", "omegatwotheta", "2θω", "2θθ", "stt", "s2t", "2thetadeg", "gonio", "scatteringangle",
}  # fmt: skip
_THETA = {
    "theta",
    "θ",
    "th",
    "omega",
    "om",
    "ω",
    "incidentangle",
    "incidenceangle",
    "angleofincidence",
    "alphai",
    "sth",
}
_L = {"l"}
_OTHER_X = {"x", "angle", "energy", "wavelength", "lambda", "position"}
_Y = {
    "y", "r", "refl", "reflectivity", "reflectance", "i", "int", "intensity", "intensities", "counts", "count", "cps",
    "intensität", "intensitat", "signal", "rq", "iq", "ireal", "itrue", "idata", "ymeasured", "countrate", "rmeas",
    "imeas",
}  # fmt: skip
_ERROR = {
    "error", "errors", "err", "e", "dr", "sr", "er", "dy", "sy", "ey", "di", "si", "ei", "sigma", "sigmar", "sigmai",
    "σ", "σr", "δr", "deltar", "rerr", "reflerr", "reflerror", "rerror", "ierr", "ierror", "yerr", "yerror", "std",
    "stddev", "esd", "uncertainty", "stdev", "errorr", "errr", "erry", "dint", "sigmay", "df", "drefl", "fehler",
}  # fmt: skip
_RESOLUTION = {
    "res", "resolution", "dq", "sq", "sqz", "dqz", "qres", "qresolution", "sigmaq", "σq", "δq", "deltaq", "qerr",
    "qerror", "dx", "sx", "ex", "xerr", "sigmax", "qzerr", "qsigma", "dqfwhm", "s2theta", "d2theta",
}  # fmt: skip
_IGNORED = {
    "point", "points", "index", "no", "nr", "n", "np", "sim", "simulation", "simulated", "isim", "ysim", "rsim", "fit",
    "residual", "residuals", "fom", "used", "name",
}  # fmt: skip
DATA_SET = "dataset"


@dataclass(frozen=True)
class Meaning:
    """What one column is: `factor` brings it to Å⁻¹, degrees of 2θ, or a standard deviation."""

    role: Role
    name: str = ""
    axis: Axis = ""
    factor: float = 1.0
    said: str = ""


@dataclass(frozen=True)
class Table:
    """What all columns are: the column of each role, and sentences that say so."""

    meanings: tuple[Meaning, ...]
    said: list[str] = field(default_factory=list)

    def index(self, role: Role) -> int | None:
        """The column with a role, None if there is none."""
        return next((i for i, meaning in enumerate(self.meanings) if meaning.role == role), None)

    @property
    def axis(self) -> Axis:
        """What x is."""
        index = self.index("x")
        return "" if index is None else self.meanings[index].axis


def plain_name(text: str) -> str:
    """A column's name for comparison: ``"Q_z [1/nm]"`` → ``qz``."""
    text = _ANGSTROM.sub("", _NANOMETRE.sub("", text))
    text = unicodedata.normalize("NFKC", text).lower().replace("ϑ", "θ").replace("å", "a")
    text = re.sub(r"[\[({].*$", "", text)
    text = re.sub(r"[,/]\s*(?:1/|deg|°|nm|a\b|cps|counts|a\.?u).*$", "", text)
    text = text.replace("two theta", "2theta").replace("2 theta", "2theta").replace("°2th.", "2theta")
    return re.sub(r"[^\wθσωδ]|_", "", text)


def meaning_of(name: str) -> Meaning:
    """What a column of this name is."""
    plain = plain_name(name)
    if plain.startswith("2th") and plain not in _TWO_THETA and len(plain) < 12:
        plain = "2theta"
    width = SIGMA_OF_FWHM if re.search("fwhm", name, re.IGNORECASE) else 1.0
    said = ", full width at half maximum made a standard deviation" if width != 1.0 else ""
    if plain in _Q:
        factor = 0.1 if _NANOMETRE.search(name) or plain == "qnm" else 1.0
        unit = "1/nm made 1/Å" if factor != 1.0 else "1/Å" if _ANGSTROM.search(name) else "1/Å, as no unit is named"
        return Meaning("x", name, "q", factor, f"Q, {unit}")
    for names, half in ((_TWO_THETA, 1.0), (_THETA, 2.0)):
        if plain in names:
            per_degree = 180.0 / pi if _RADIAN.search(name) else 0.18 / pi if _MILLIRADIAN.search(name) else 1.0
            kind = "2θ" if half == 1.0 else "θ made 2θ"
            words = f"{kind}, degrees" + ("" if per_degree == 1.0 else " made of radians")
            return Meaning("x", name, "2theta", half * per_degree, words)
    if plain in _L:
        return Meaning("x", name, "l", 1.0, "L")
    if plain in _RESOLUTION or (plain.endswith("fwhm") and plain.startswith(("q", "d", "s"))):
        factor = 0.1 if _NANOMETRE.search(name) else 1.0
        return Meaning("res", name, "q" if factor != 1.0 else "", factor * width, f"resolution{said}")
    if plain in _ERROR:
        return Meaning("error", name, "", width, f"error of y{said}")
    if plain in _Y:
        return Meaning("y", name, said="y")
    if plain in _OTHER_X:
        return Meaning("x", name, "2theta" if plain == "angle" and re.search("2", name) else "", 1.0, "x")
    return Meaning("ignored" if plain in _IGNORED else "extra", name)


def table_of_names(names: Sequence[str]) -> Table | None:
    """What columns of these names are; None if they say nothing about x and y."""
    found = [meaning_of(name) for name in names]
    seen: set[Role] = set()
    meanings: list[Meaning] = []
    for meaning in found:
        if meaning.role in BY_PLACE and meaning.role in seen:
            meaning = Meaning("extra", meaning.name)
        seen.add(meaning.role)
        meanings.append(meaning)
    if not seen & {"x", "y"}:
        return None
    for role in ("x", "y"):
        if role not in seen:  # the first column whose name says nothing
            free = next((i for i, meaning in enumerate(meanings) if meaning.role == "extra"), None)
            if free is None:
                return None
            meanings[free] = Meaning("x" if role == "x" else "y", meanings[free].name, said=role)
    place = next(m for m in meanings if m.role == "x")
    # A resolution without a unit of its own is in that of x.
    meanings = [replace(m, factor=m.factor * place.factor) if m.role == "res" and not m.axis else m for m in meanings]
    said = [f"column {i + 1} {m.name!r}: {m.said}" for i, m in enumerate(meanings) if m.role in BY_PLACE]
    extras = [repr(m.name) for m in meanings if m.role == "extra"]
    if extras:
        said.append(f"further columns: {', '.join(extras)}")
    return Table(tuple(meanings), said)


def table_by_place(width: int) -> Table:
    """GenX's order for columns without names: x, y, error, resolution (a standard deviation), then extra columns."""
    meanings = [Meaning(role) for role in BY_PLACE[:width]]
    meanings += [Meaning("extra", f"column_{i + 1}") for i in range(len(BY_PLACE), width)]
    words = {"x": "x", "y": "y", "error": "error of y", "res": "resolution (a standard deviation)", "extra": "extra"}
    listed = ", ".join(words[meaning.role] for meaning in meanings)
    return Table(tuple(meanings), [f"the columns have no names, so they are taken in GenX's order: {listed}"])


def table_as_told(columns: Sequence[str], width: int, where: str) -> Table:
    """The columns as the user names them: ``x``, ``y``, ``error`` (or ``e``), ``res``, ``-`` to leave out, any name.

    Raises InputError if there is no x or y, or there are more names than columns.
    """
    short = {"e": "error", "-": "ignored", "resolution": "res"}
    roles = [short.get(name.strip().lower(), name.strip()) for name in columns]
    if len(roles) > width or "x" not in roles or "y" not in roles:
        raise InputError(
            f"the columns {', '.join(columns)} do not fit the {width} columns of the file",
            where=where,
            hint="Name each column in order, such as x,y,error,res; x and y are needed, - leaves one out.",
        )
    roles += ["ignored"] * (width - len(roles))
    known = {"x", "y", "error", "res", "ignored"}
    meanings = tuple(Meaning(role) if role in known else Meaning("extra", role) for role in roles)  # type: ignore[arg-type]
    return Table(meanings, [f"columns as told: {', '.join(roles)}"])


def axis_words(axis: Axis) -> str:
    """What x is, for the user."""
    return AXIS_NAMES[axis]
