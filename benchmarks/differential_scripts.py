"""Random models of every library, with the odd corners of each: what `differential.py` gives to GenX and to us.

A case is a function of its library and its number only; nothing here knows what either program answers.
"""

# ruff: noqa: E501 - every line of choices is one decision
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

ELEMENTS = ("Fe", "Ni", "Si", "Cr", "Co", "Ti", "Cu", "Mo", "Au", "Pt", "V", "W", "Mg", "Al")
HEAD = "from numpy import *\nimport models.{library} as model\nfrom models.utils import UserVars, fp, fw, bc, bw\n\n"


@dataclass
class Case:
    """One random model: its script, its data sets (columns by name) and its table (name, value, min, max)."""

    library: str
    number: int
    script: str = ""
    datasets: list[dict[str, np.ndarray]] = field(default_factory=list)
    rows: list[tuple[str, float, float, float]] = field(default_factory=list)
    fom: str = "log"

    @property
    def name(self) -> str:
        return f"{self.library}_{self.number:04d}"


class Draw:
    """Choices of one case; numbers are rounded, so that the script shows them as they are."""

    def __init__(self, library: str, number: int) -> None:
        self.rng = np.random.default_rng([number, *library.encode()])

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def one(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def number(self, low: float, high: float, digits: int = 4) -> float:
        return round(float(self.rng.uniform(low, high)), digits)

    def odd(self, usual: float, *others: float, probability: float = 0.15) -> float:
        """Mostly the usual number, sometimes one of the corners."""
        return self.one(*others) if self.chance(probability) else usual


def case(library: str, number: int) -> Case:
    """The case of this library with this number."""
    made = LIBRARIES[library](Draw(library, number))
    made.library, made.number = library, number
    # More points than parameters: we refuse the rest, GenX divides by zero or by less.
    n_points = sum(len(columns["x"]) for columns in made.datasets)
    made.rows = made.rows[: max(0, n_points - 1)]
    if n_points < 2:
        made.fom = "R1"
    return made


# --- what all reflectivity libraries share


def _call(name: str, values: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in values.items())})"


def _composition(draw: Draw, table: str, element: str) -> str:
    if draw.chance(0.2):
        other = draw.one("O", "N", "C")
        return f"{table}.{element} + {table}.{other}*{draw.one(1, 2, 3, 1.5, 0.25)}"
    if draw.chance(0.1):
        return f"{draw.number(0.2, 0.9, 2)}*{table}.{element.lower()}"
    return f"{table}.{element}"


def _x(draw: Draw, in_q: bool, equidistant: bool, n: int) -> np.ndarray:
    top = draw.number(0.05, 0.4) if in_q else draw.number(1.0, 9.0)
    low = draw.one(0.0, 1e-4 * top, 0.01 * top, 0.1 * top, 0.1 * top)
    x = np.linspace(low, top, n)
    if not equidistant and draw.chance(0.6):
        x = (
            low + (top - low) * np.sort(draw.rng.random(n))
            if draw.chance(0.5)
            else np.geomspace(low + 1e-3 * top, top, n)
        )
    return x


def _data(draw: Draw, x: np.ndarray, res: np.ndarray | None = None, **extra: np.ndarray) -> dict[str, np.ndarray]:
    y = 10.0 ** draw.rng.uniform(-6.0, 0.0, len(x))
    columns = {"x": x, "y": y, "error": 0.1 * y + 1e-9, **extra}
    if res is not None:
        columns["res"] = res
    return columns


def _text(option: str) -> str:
    return repr(option)


_PROBES = ("x-ray", "neutron", "neutron pol", "neutron pol spin flip", "neutron tof", "neutron pol tof")
_RESTYPES = (
    "no conv", "fast conv", "fast conv + varying res.", "fast conv + varying res. (dx/x)",
    "full conv and varying res.", "full conv and varying res. (dx/x)",
)  # fmt: skip
_FOOTTYPES = ("no corr", "gauss beam", "square beam")


def _footprint(draw: Draw, values: dict[str, Any], lines: list[str], objects: bool = True) -> None:
    if draw.chance(0.5):
        return
    values["samplelen"] = draw.one(5.0, 10.0, 50.0, draw.number(1.0, 30.0, 1))
    values["beamw"] = draw.number(0.005, 0.3)
    if objects and draw.chance(0.4):
        text = draw.one(
            f"model.GaussianBeamOffset(sigma={draw.number(0.02, 0.6)}, offset={draw.number(-0.2, 0.2)})",
            f"model.SquareBeamOffset(width={draw.number(0.02, 0.6)}, offset={draw.number(-0.2, 0.2)})",
            f"model.TrapezoidBeam(inner_width={draw.one(0.0, draw.number(0.01, 0.1))}, outer_width={draw.number(0.08, 0.4)})",
        )
        lines += [f"footfun = {text}", "inst.footype = footfun"]
    else:
        number = int(draw.rng.integers(3))
        values["footype"] = number if draw.chance(0.3) else _text(_FOOTTYPES[number])


def _resolution(
    draw: Draw, values: dict[str, Any], lines: list[str], top: float, n: int, tof: bool
) -> tuple[bool, Any]:
    """Fill in the resolution; whether x must be equidistant, and a column of res or None."""
    kind = draw.one(0, 0, 1, 2, 3, 4, 4, 5, 5, 6)
    if kind == 0:
        return False, None
    values["respoints"] = draw.one(5, 2, 3, 4, 7, 11)
    values["resintrange"] = draw.one(2, 2.0, 1.5, 3.0)
    if kind == 6 and not tof:
        texts = [
            f"model.GaussianResolution(sigma={top * draw.number(0.001, 0.02, 5):.6g})",
            f"model.TrapezoidResolution(inner_width={top * draw.number(0.0, 0.01, 5):.6g}, outer_width={top * draw.number(0.0, 0.02, 5):.6g})",
        ]
        if values.get("coords", "'2θ'") in ("'2θ'", "'tth'", 1):
            texts.append(f"model.XrayKalpha(sigma_2theta={top * draw.number(0.0005, 0.01, 5):.6g})")
        lines += [f"resfun = {draw.one(*texts)}", "inst.restype = resfun"]
        return False, None
    kind = min(kind, 5)
    values["restype"] = kind if draw.chance(0.3) else _text(_RESTYPES[kind])
    relative = kind in (3, 5)
    size = draw.number(0.005, 0.06, 5) if relative else top * draw.number(0.001, 0.02, 5)
    values["res"] = f"{size:.6g}"
    if kind != 1 and (kind == 2 or draw.chance(0.5)):
        return False, size * (1.0 + 0.5 * np.linspace(0.0, 1.0, n))
    return kind in (1, 2, 3), None


def _number_of_points(draw: Draw) -> int:
    return int(draw.odd(draw.one(17, 30, 41), 1, 2, 3, probability=0.12))


def _rows(draw: Draw, candidates: list[tuple[str, float, float, float]]) -> list[tuple[str, float, float, float]]:
    n = min(len(candidates), int(draw.rng.integers(1, 5)))
    chosen = sorted(draw.rng.choice(len(candidates), size=n, replace=False))
    return [candidates[i] for i in chosen]


_SIM = """SLD = []
def Sim(data):
    I = []
    SLD[:] = []
{body}
    if _sim:
        SLD.append(sample.SimSLD(None, None, inst))
    return I
"""


def _sim(lines: list[str]) -> str:
    return _SIM.format(body="\n".join("    " + line for line in lines))


# --- spec_nx and its relatives


def _spec_layer(draw: Draw, role: str, magnetic: bool) -> dict[str, Any]:
    element = draw.one(*ELEMENTS)
    values: dict[str, Any] = {}
    if role == "ambient":
        if draw.chance(0.25):
            return {
                "dens": draw.number(0.005, 0.03),
                "f": f"{draw.number(1, 8)}-0.001j",
                "b": f"{draw.number(-4, 6)}+0j",
            }
        return {"dens": 0.0, "f": "0j", "b": "0j"}
    if draw.chance(0.15):
        values["f"], values["b"] = _composition(draw, "fw", element), _composition(draw, "bw", element)
        values["dens"] = draw.number(1.0, 12.0, 2)
    else:
        values["f"], values["b"] = _composition(draw, "fp", element), _composition(draw, "bc", element)
        values["dens"] = draw.number(0.02, 0.09)
    values["sigma"] = draw.odd(draw.number(0.5, 8.0), 0.0, 0.0, 25.0)
    if role == "layer":
        values["d"] = draw.odd(draw.number(5.0, 150.0), 0.0, 0.5, 600.0)
    if draw.chance(0.2):
        values["xs_ai"] = draw.number(0.5, 400.0, 1)
    if magnetic and (role == "layer" or draw.chance(0.1)) and draw.chance(0.7):
        values["magn"] = draw.odd(draw.number(0.1, 2.5), -0.7, 0.0)
        values["magn_ang"] = draw.odd(draw.number(-180.0, 180.0), 0.0, 90.0, 180.0)
    return values


def _spec_instrument(
    draw: Draw, lines: list[str], n: int, library: str
) -> tuple[dict[str, Any], bool, Any, float, str]:
    probe = draw.one(*_PROBES, "x-ray", "neutron")
    tof = "tof" in probe
    in_q = tof or draw.chance(0.6)
    values: dict[str, Any] = {
        "probe": _PROBES.index(probe) if draw.chance(0.2) else _text(probe),
        "wavelength": draw.one(1.54, 1.54056, 4.4, 0.7, draw.number(1.0, 10.0)),
        "coords": draw.one("'q'", "0" if draw.chance(0.3) else "'q'") if in_q else draw.one("'2θ'", "'tth'", "1"),
        "I0": draw.odd(draw.number(0.5, 2.0), 1.0, 1e6),
        "Ibkg": draw.odd(1e-7, 0.0, 1e-4),
    }
    top = 0.3 if in_q else 6.0
    equidistant, res = _resolution(draw, values, lines, top, n, tof)
    _footprint(draw, values, lines)
    if draw.chance(0.25):
        values["tthoff"] = draw.number(-0.05, 0.05)
    if tof:
        values["incangle"] = draw.number(0.3, 2.0)
    if "pol" in probe:
        values["pol"] = _text(draw.one("uu", "dd", "ass", "++", "--", *(("ud", "du", "+-") if "flip" in probe else ())))
    if library == "spec_adaptive" and "flip" in probe and draw.chance(0.7):
        values["zeeman"] = _text(draw.one("no corr", "field only", "SF q (+)", "SF q (-)"))
        values["mag_field"] = draw.one(0.0, 0.3, 1.0, 6.7)
    return values, equidistant, res, top, probe


def _structure(
    draw: Draw, layer: Callable[[str], dict[str, Any]], most_layers: int = 5
) -> tuple[list[str], list[str], list[str]]:
    """Lines that make layers, stacks; names of the film layers and of the stacks."""
    lines = [f"Amb = {_call('model.Layer', layer('ambient'))}"]
    n_layers = int(draw.odd(int(draw.rng.integers(1, most_layers)), 0, probability=0.08))
    names = [f"L{i}" for i in range(n_layers)]
    lines += [f"{name} = {_call('model.Layer', layer('layer'))}" for name in names]
    lines.append(f"Sub = {_call('model.Layer', layer('substrate'))}")
    return lines, names, []


def _stacks(draw: Draw, names: list[str], lines: list[str], *, repetitions: tuple[int, ...]) -> list[str]:
    """Append the lines of stacks that share the layers out; their names."""
    stacks = []
    for i, group in enumerate(_partition(draw, names)):
        lines.append(f"S{i} = model.Stack(Layers=[{', '.join(group)}], Repetitions={draw.one(*repetitions)})")
        stacks.append(f"S{i}")
    return stacks


def _partition(draw: Draw, names: list[str]) -> list[list[str]]:
    groups: list[list[str]] = []
    rest = list(names)
    while rest:
        n = int(draw.rng.integers(1, len(rest) + 1))
        groups.append(rest[:n])
        rest = rest[n:]
    if names and draw.chance(0.15):
        groups.append([draw.one(*names)])  # the same layer again, in a stack of its own
    if draw.chance(0.08):
        groups.insert(int(draw.rng.integers(len(groups) + 1)), [])
    return groups


def _spec_like(library: str) -> Callable[[Draw], Case]:
    def make(draw: Draw) -> Case:
        n = _number_of_points(draw)
        before: list[str] = []
        values, equidistant, res, top, probe = _spec_instrument(draw, before, n, library)
        magnetic = "pol" in probe
        layer_of = _soft_layer if library == "soft_nx" else _spec_layer

        def layer(role: str) -> dict[str, Any]:
            made = layer_of(draw, role, magnetic)
            if role == "ambient" and "flip" in probe:
                made.pop("magn_ang", None)
            return {**made, **_special_of_layer(draw, library, role)}

        lines, names, _ = _structure(draw, layer, 4 if library in ("spec_adaptive", "spec_inhom") else 5)
        groups = _partition(draw, names)
        stacks = []
        for i, group in enumerate(groups):
            few = library == "spec_adaptive"
            stack: dict[str, Any] = {
                "Layers": f"[{', '.join(group)}]",
                "Repetitions": draw.one(1, 1, 2, 3) if few else draw.one(1, 1, 1, 2, 7, 20, 0),
            }
            stack.update(_special_of_stack(draw, library, i, stack))
            lines.append(f"S{i} = {_call('model.Stack', stack)}")
            stacks.append(f"S{i}")
        sample: dict[str, Any] = {"Stacks": f"[{', '.join(stacks)}]", "Ambient": "Amb", "Substrate": "Sub"}
        sample.update(_special_of_sample(draw, library))
        lines.append(f"sample = {_call('model.Sample', sample)}")
        target = "sample"
        if library in ("spec_nx", "soft_nx") and draw.chance(0.12):
            lines.append("back = -sample")
            target = "back"
        in_q = values["coords"] in ("'q'", "0")
        x = _x(draw, in_q, equidistant, n)
        if top != 1.0 and res is not None and len(res) != n:
            res = None
        data = [_data(draw, x, res)]
        body = []
        if res is not None:
            body.append("inst.setRes(data[0].res)")
        simulate = draw.one(
            f"{target}.SimSpecular(data[0].x, inst)",
            f"{target}.SimSpecular(data[0].x, inst)",
            f"model.Specular(data[0].x, {target}, inst)",
        )
        free = "restype" not in values and not any("resfun" in line for line in before)
        if (
            library != "spec_inhom"
            and free
            and draw.chance(0.15)
            and "flip" not in probe
            and values.get("pol") != "'ass'"
        ):
            simulate = f"abs({target}.SimSpecularField(data[0].x, inst))**2"
        elif "flip" in probe and draw.chance(0.25):
            numbers = ", ".join(str(draw.odd(draw.number(0.0, 0.1), 0.0, 1.0)) for _ in range(4))
            simulate = f"{target}.SimPolSpecular(data[0].x, {numbers}, inst)"
            values["pol"] = _text(draw.one("uu", "dd", "ud", "du"))
        elif probe == "x-ray" and library == "spec_nx" and draw.chance(0.1):
            values["restype"] = 0
            angle = draw.number(0.5, 4.0) if not in_q else draw.number(0.03, 0.2)
            data = [_data(draw, np.linspace(draw.number(4000, 7000, 0), draw.number(8000, 12000, 0), n))]
            body = []
            simulate = f"{target}.SimEnergySpecular(data[0].x, {angle}, inst)"
        body.append(f"I.append({simulate})")
        if draw.chance(0.3):
            second = _x(draw, in_q, equidistant, n)
            data.append(_data(draw, second, res))
            body.append(f"inst.setI0({draw.number(0.5, 2.0)})")
            if "pol" in values and draw.chance(0.7):
                body.append("inst.setPol('dd')")
            body.append(f"I.append({target}.SimSpecular(data[1].x, inst))")
            body.append(f"inst.setI0({values['I0']})")
            if "pol" in values:
                body.append(f"inst.setPol({values['pol']})")
        candidates = _spec_rows(draw, library, names, stacks, magnetic)
        extra = []
        if draw.chance(0.3) and names:
            extra = ["cp = UserVars()", f"cp.new_var('dTotal', {draw.number(20, 200)})"]
            body.insert(0, f"{names[0]}.setD(cp.getDTotal()*0.4)")
            candidates = [c for c in candidates if c[0] != f"{names[0]}.setD"]
            candidates.append(("cp.setDTotal", draw.number(20, 200), 10.0, 300.0))
            if draw.chance(0.4):
                weight = draw.one("", ", weight=2.0", ", correction=0.5", ", weight=0.5, correction=1.0")
                extra.append(f"cp.new_sys_err('scale', 1.0, 0.1{weight})")
                body.append("I[0] = I[0]*cp.scale")
                candidates.append(("cp.setScale", 1.05, 0.7, 1.4))
        wave = f"fp.set_wavelength({values['wavelength']}); fw.set_wavelength({values['wavelength']})"
        # Always: in GenX the tables keep the wavelength of the script before, as long as the process lives.
        head = HEAD.format(library=library) + wave
        script = "\n".join([head, f"inst = {_call('model.Instrument', values)}", *before, *lines, *extra, _sim(body)])
        return Case(
            "", 0, script, data, _rows(draw, candidates), draw.one("log", "chi2bars", "R1", "logR1", "sqrt", "diff")
        )

    return make


def _soft_layer(draw: Draw, role: str, magnetic: bool) -> dict[str, Any]:
    if role == "ambient":
        return {"sld_n": "1.2+0j", "sld_x": "3.0-0.01j"} if draw.chance(0.25) else {"sld_n": "0j", "sld_x": "0j"}
    values: dict[str, Any] = {
        "sld_n": f"{draw.number(-0.6, 9.5)}-{draw.number(0.0, 0.02)}j",
        "sld_x": f"{draw.number(8.0, 120.0)}-{draw.number(0.0, 10.0)}j",
        "sigma": draw.odd(draw.number(0.5, 8.0), 0.0, 25.0),
    }
    if role == "layer":
        values["d"] = draw.odd(draw.number(5.0, 150.0), 0.0, 600.0)
    if magnetic and role == "layer" and draw.chance(0.7):
        values["sld_m"] = draw.odd(draw.number(0.1, 5.0), -1.0)
        values["magn_ang"] = draw.odd(draw.number(-180.0, 180.0), 0.0, 90.0)
    return values


def _special_of_layer(draw: Draw, library: str, role: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if library == "spec_inhom" and role == "layer" and draw.chance(0.25):
        values["sigma_gradient"], values["d_gradient"] = draw.number(-0.3, 0.5), draw.number(-0.2, 0.2)
    if library == "spec_adaptive":
        if draw.chance(0.5):
            values["rough_type"] = draw.one(*map(_text, ("gauss", "linear", "exp-1", "exp-2")), 1, 2, 3)
        if role == "layer" and draw.chance(0.2):
            values["magn_void"] = draw.one("True", "False")
        if draw.chance(0.2):
            values["sigma_mag"] = draw.number(0.5, 6.0)
    return values


def _special_of_stack(draw: Draw, library: str, index: int, stack: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if library == "spec_inhom":
        if draw.chance(0.5):
            types = ("relative linear", "relative sqrt", "absolute linear", "absolute sqrt")
            kind = int(draw.rng.integers(4))
            values["sigma_gtype"] = kind if draw.chance(0.5) else _text(types[kind])
            values["sigma_gradient"] = draw.number(-0.4, 2.0)
        if draw.chance(0.4):
            values["d_gradient"] = draw.number(-0.3, 0.3)
        if draw.chance(0.4):
            values["dens_gradient"] = draw.number(-0.3, 0.3)
        if draw.chance(0.15) and stack["Layers"].count(",") >= 1:
            values["beta_sm"] = draw.one(draw.number(0.02, 0.3), -draw.number(0.6, 0.98))
            values["Repetitions"] = draw.number(1.5, 3.0, 2) if values["beta_sm"] > 0 else draw.one(6, 12.0, -8, 9.7)
            values["sm_scale"] = draw.odd(1.0, 0.9, 1.1)
        elif draw.chance(0.2):
            values["Repetitions"] = float(stack["Repetitions"])
    if library == "spec_adaptive" and index and draw.chance(0.3):
        values["Element"] = draw.one(0, 1, 1, 2)
    return values


def _special_of_sample(draw: Draw, library: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if library in ("spec_nx", "soft_nx") and draw.chance(0.1):
        values["crop_sld"] = draw.one(0, 1, 3, -1, -2)
    if library == "spec_inhom" and draw.chance(0.5):
        values["sigma_inhom"] = draw.odd(draw.number(0.2, 6.0), 0.0)
        if draw.chance(0.8):
            values["type_inhom"] = draw.one("'gauss'", "'semi-gauss'", "'empiric PLD'")
        if draw.chance(0.5):
            values["steps_inhom"] = draw.one(20, 5, 11, 2, 3)
            values["lscale_inhom"] = draw.number(0.1, 1.0)
            values["flatwidth_inhom"] = draw.odd(draw.number(0.1, 5.0), 0.0)
    if library == "spec_adaptive":
        if draw.chance(0.5):
            values["minimal_steps"] = draw.one(0.25, 0.5, 1.0, 2.0, draw.number(0.3, 3.0))
        if draw.chance(0.5):
            values["max_diff_n"], values["max_diff_x"] = draw.number(0.005, 0.2), draw.number(0.005, 0.2)
        values["smoothen"] = draw.one("True", "False")
        values["crop_sigma"] = draw.one("True", "False")
    return values


def _spec_rows(
    draw: Draw, library: str, names: list[str], stacks: list[str], magnetic: bool
) -> list[tuple[str, float, float, float]]:
    rows = [
        ("inst.setI0", 1.1, 0.5, 2.0), ("inst.setIbkg", 2e-7, 0.0, 1e-5), ("Sub.setSigma", 3.0, 0.0, 10.0),
        ("inst.setTthoff", 0.001, -0.03, 0.03),
    ]  # fmt: skip
    for name in names:
        rows += [(f"{name}.setD", draw.number(10.0, 120.0), 5.0, 200.0), (f"{name}.setSigma", 4.0, 0.0, 12.0)]
        if library == "soft_nx":
            rows += [(f"{name}.setSld_nreal", 3.0, 0.0, 8.0), (f"{name}.setSld_ximag", -0.5, -3.0, 0.0)]
            rows += [(f"{name}.setSld_m", 1.5, -3.0, 4.0)] if magnetic else []
        else:
            rows += [(f"{name}.setDens", 0.06, 0.01, 0.1), (f"{name}.setBreal", 5.0, -3.0, 10.0)]
            rows += [(f"{name}.setFimag", -1.0, -5.0, 0.0), (f"{name}.setXs_ai", 3.0, 0.0, 100.0)]
            rows += [(f"{name}.setMagn", 1.5, 0.0, 2.5)] if magnetic else []
        rows += [(f"{name}.setMagn_ang", 30.0, -170.0, 170.0)] if magnetic else []
    for name in stacks if library == "spec_inhom" else []:
        rows += [(f"{name}.setSigma_gradient", 0.5, -0.3, 1.5), (f"{name}.setD_gradient", 0.1, -0.3, 0.3)]
        rows += [(f"{name}.setDens_gradient", 0.1, -0.3, 0.3)]
    if library == "spec_inhom":
        rows += [("sample.setSigma_inhom", 1.5, 0.2, 5.0), ("sample.setLscale_inhom", 0.8, 0.2, 1.0)]
    return rows


# --- interdiff


def _interdiff(draw: Draw) -> Case:
    n = _number_of_points(draw)
    in_q = draw.chance(0.5)
    diffuse = draw.chance(0.5)
    if diffuse:
        in_q = draw.chance(0.15)
    wavelength = draw.one(1.54, 1.2, draw.number(0.8, 2.5))
    values: dict[str, Any] = {
        "wavelength": wavelength,
        "coords": "'q'" if in_q else draw.one("'2θ'", "'tth'", "1"),
        "I0": draw.one(1.0, 1e6, draw.number(0.5, 5.0)),
        "I0_offspec": draw.odd(1.0, 0.5, 0.0),
        "Ibkg": draw.odd(1e-6, 0.0, 0.01),
        "taylor_n": draw.one(1, 2, 3, -2, -1),
    }
    top = 0.3 if in_q else 5.0
    column = None
    if draw.chance(0.5):
        kind = draw.one(1, 2, 3, 3)
        texts = ("no conv", "fast conv", "fast conv + varying res.", "full conv and varying res.")
        values["restype"] = kind if draw.chance(0.5) else _text(texts[kind])
        values["res"] = f"{top * draw.number(0.001, 0.01, 5):.6g}"
        values["respoints"], values["resintrange"] = draw.one(3, 5, 7), draw.one(1.5, 2.0, 3.0)
        if kind == 2 and not diffuse:
            column = float(values["res"]) * (1.0 + 0.4 * np.linspace(0.0, 1.0, n))
    if diffuse:
        values["detres"] = draw.number(0.01, 0.2)
        values["dettype"] = draw.one("'gauss'", "'gauss'", "'slit'")
        values.setdefault("res", draw.number(0.005, 0.05))
    _footprint(draw, values, [], objects=False)

    def layer(role: str) -> dict[str, Any]:
        if role == "ambient":
            return {"f": "0j", "dens": 0.0}
        made: dict[str, Any] = {"f": f"fp.{draw.one(*ELEMENTS)}", "dens": draw.number(0.02, 0.09)}
        made["sigma"] = draw.odd(draw.number(2.0, 8.0), 0.0)
        made["sigmai"] = draw.odd(draw.number(0.0, 2.0), 0.0, 6.0)
        if role == "layer":
            made["d"] = draw.odd(draw.number(10.0, 80.0), 0.0)
        return made

    lines, names, _ = _structure(draw, layer, 4)
    stacks = _stacks(draw, names, lines, repetitions=(1, 1, 2, 4, 0))
    sizes = {
        "eta_z": draw.number(50, 1000, 1),
        "eta_x": draw.number(50, 1500, 1),
        "h": draw.one(1.0, 0.5, draw.number(0.3, 1.0)),
    }
    told = diffuse or draw.chance(0.3)
    sizes_text = ", ".join(f"{key}={value}" for key, value in sizes.items()) if told else "h=1.0"
    lines.append(f"sample = model.Sample(Stacks=[{', '.join(stacks)}], Ambient=Amb, Substrate=Sub, {sizes_text})")
    body = ["inst.setRes(data[0].res)"] if column is not None else []
    if not diffuse:
        x = _x(draw, in_q, True, n)
        body.append("I.append(sample.SimSpecular(data[0].x, inst))")
    elif in_q:
        qz = draw.number(0.08, 0.2)
        x = np.linspace(-0.02 * qz, 0.02 * qz, n if n % 2 == 0 else n + 1)
        body.append(f"I.append(sample.SimOffSpecular({qz}, data[0].x, inst))")
    elif draw.chance(0.5):
        two_theta = draw.number(1.0, 4.0)
        x = np.linspace(draw.number(0.05, 0.3), two_theta - 0.1, n if n % 2 == 0 else n + 1) + 1e-3 * np.sqrt(2.0)
        body.append(f"I.append(sample.SimOffSpecular({two_theta}, data[0].x, inst))")
    else:
        x = np.linspace(0.6, 4.0, n)
        offset = draw.one(0.05, 0.1, -0.08, 0.21)
        body.append(f"I.append(sample.SimOffSpecular(data[0].x, data[0].x/2 + {offset}, inst))")
    data = [_data(draw, x, column)]
    rows = [("inst.setI0", 2.0, 0.5, 5.0), ("Sub.setSigma", 4.0, 1.0, 8.0), ("sample.setEta_x", 300.0, 50.0, 1000.0)]
    rows += [("sample.setH", 0.7, 0.35, 1.0), ("sample.setEta_z", 200.0, 20.0, 1000.0)] if diffuse else []
    for name in names:
        rows += [
            (f"{name}.setD", 30.0, 10.0, 90.0),
            (f"{name}.setSigma", 4.0, 2.0, 8.0),
            (f"{name}.setSigmai", 1.0, 0.1, 1.9),
        ]
    head = HEAD.format(library="interdiff") + f"fp.set_wavelength({wavelength})"
    script = "\n".join([head, f"inst = {_call('model.Instrument', values)}", *lines, _sim(body)])
    return Case("", 0, script, data, _rows(draw, rows), draw.one("log", "R1", "sqrt"))


# --- mag_refl

_MAGNETIC_PROBES = (
    "x-ray",
    "x-ray simpl. anis.",
    "x-ray anis.",
    "neutron pol",
    "neutron pol tof",
    "neutron pol spin flip",
)
_X_POLARISATIONS = ("tot", "circ+", "circ-", "σ", "π", "σ-σ", "σ-π", "π-π", "π-σ", "ass", "sigma", "pi", "sigma-pi")


def _mag_refl(draw: Draw) -> Case:
    n = _number_of_points(draw)
    kind = int(draw.rng.integers(6))
    probe = _MAGNETIC_PROBES[kind]
    xray = kind < 3
    in_q = kind == 4 or draw.chance(0.5)
    slicing = draw.chance(0.4)
    wavelength = draw.number(9.0, 20.0, 2) if xray else draw.one(4.4, 2.5)
    values: dict[str, Any] = {
        "probe": kind if draw.chance(0.3) else _text(probe),
        "wavelength": wavelength,
        "coords": "'q'" if in_q else draw.one("'2θ'", "'tth'"),
        "I0": draw.number(0.5, 2.0),
        "Ibkg": draw.odd(1e-8, 0.0),
        "incangle": draw.number(0.4, 2.0),
    }
    if kind == 0:
        values["xpol"] = "'tot'"
    elif kind == 1:
        values["xpol"] = _text(draw.one("tot", "circ+", "circ-", "ass"))
    elif kind == 2:
        values["xpol"] = _text(draw.one(*_X_POLARISATIONS))
    else:
        values["npol"] = _text(draw.one("uu", "dd", *(("ass",) if kind != 4 else ()), *(("ud",) if kind == 5 else ())))
    top = 0.25 if in_q else 60.0 if xray else 8.0
    column = None
    equidistant = False
    if draw.chance(0.35):
        restype = draw.one(1, 2, 3)
        values["restype"] = restype
        values["res"] = f"{top * draw.number(0.001, 0.01, 5):.6g}"
        values["respoints"], values["resintrange"] = draw.one(3, 5, 7), draw.one(1.5, 2.0)
        equidistant = restype == 1
        if restype == 2:
            column = float(values["res"]) * (1.0 + 0.4 * np.linspace(0.0, 1.0, n))
    _footprint(draw, values, [], objects=False)

    def layer(role: str) -> dict[str, Any]:
        if role == "ambient":
            return {"dens": 0.0, "b": "0j", "f": "0j"}
        element = draw.one(*ELEMENTS)
        f = f"{draw.number(8, 40, 2)}-{draw.number(1, 12, 2)}j" if xray else f"fp.{element}"
        made: dict[str, Any] = {
            "f": f,
            "b": f"bc.{element}",
            "dens": draw.number(0.03, 0.09),
            "sigma": draw.odd(draw.number(1, 6), 0.0),
        }
        if role == "layer":
            made["d"] = draw.odd(draw.number(20, 120), 12.0, 300.0)
        if draw.chance(0.2):
            made["xs_ai"] = draw.number(1.0, 200.0)
        if role == "layer" and draw.chance(0.7):
            made["magn"] = draw.odd(draw.number(0.3, 2.2), -0.8)
            made["magn_ang"] = draw.odd(draw.number(-170, 170), 0.0, 90.0)
            made["magn_theta"] = draw.odd(draw.number(-60, 60), 0.0)
            made["fr"] = f"{draw.number(-3, 5, 2)}-{draw.number(0, 6, 2)}j"
            made["fm1"] = f"{draw.number(-2, 3, 2)}-{draw.number(0, 3, 2)}j"
            made["fm2"] = f"{draw.number(-0.5, 0.5, 2)}-{draw.number(0, 0.3, 2)}j"
            if draw.chance(0.3):
                made["resdens"], made["resmag"] = draw.number(0.2, 1.1), draw.number(0.2, 1.1)
            if draw.chance(0.5):
                made["dd_u"], made["dmag_u"], made["sigma_mu"] = (
                    draw.number(1, 5),
                    draw.number(-1, 0.5),
                    draw.number(0.3, 2),
                )
            if draw.chance(0.5):
                made["dd_l"], made["dmag_l"], made["sigma_ml"] = (
                    draw.number(1, 5),
                    draw.number(-1, 0.5),
                    draw.number(0.3, 2),
                )
        return made

    lines, names, _ = _structure(draw, layer, 4)
    stacks = _stacks(draw, names, lines, repetitions=(1, 1, 2, 4))
    sample: dict[str, Any] = {"Stacks": f"[{', '.join(stacks)}]", "Ambient": "Amb", "Substrate": "Sub"}
    if slicing:
        sample["slicing"] = "True"
        sample["slice_depth"] = draw.one(1.0, 0.5, 2.0, draw.number(0.5, 3.0))
        if draw.chance(0.5):
            sample["compress"] = draw.one("True", "False")
            sample["sld_mult"], sample["sld_buffer"] = draw.one(3, 4.0, 5), draw.one(10, 20.0)
        if draw.chance(0.5):
            sample["dsld_max"], sample["dsld_offdiag_max"] = draw.number(0.01, 0.3), draw.number(0.01, 0.3)
            sample["dmag_max"], sample["dsld_n_max"] = draw.number(0.002, 0.05), draw.number(0.002, 0.05)
    lines.append(f"sample = {_call('model.Sample', sample)}")
    x = _x(draw, in_q, equidistant, n)
    if not in_q and xray:
        x = np.linspace(draw.one(2.0, 5.0), draw.number(40, 110), n)
    body = ["inst.setRes(data[0].res)"] if column is not None else []
    body.append("I.append(sample.SimSpecular(data[0].x, inst))")
    rows = [("inst.setI0", 1.2, 0.5, 2.0), ("Sub.setSigma", 3.0, 0.0, 6.0)]
    for name in names:
        rows += [(f"{name}.setD", 60.0, 20.0, 120.0), (f"{name}.setMagn", 1.5, 0.2, 2.5)]
        rows += [(f"{name}.setMagn_ang", 30.0, -150.0, 150.0), (f"{name}.setSigma", 2.0, 0.0, 6.0)]
    head = HEAD.format(library="mag_refl") + f"fp.set_wavelength({wavelength})"
    script = "\n".join([head, f"inst = {_call('model.Instrument', values)}", *lines, _sim(body)])
    return Case("", 0, script, [_data(draw, x, column)], _rows(draw, rows), draw.one("log", "R1", "sqrt", "diff"))


# --- surface x-ray diffraction

_IONS = ("sr", "sr2p", "ti", "ti4p", "o2m", "o", "la", "la3p", "al", "al3p", "mn", "fe", "mg", "si")
_ELEMENTS_ONLY = ("sr", "ti", "o", "la", "al", "mn", "fe", "mg", "si")


def _slab(draw: Draw, name: str, prefix: str, n_atoms: int) -> tuple[list[str], list[str]]:
    arguments = {}
    if draw.chance(0.6):
        arguments["c"] = draw.number(0.9, 1.1)
    if draw.chance(0.2):
        arguments["slab_oc"] = draw.number(0.3, 1.0)
    lines, ids = [f"{name} = {'model' if prefix != 'x' else 'sx'}.{_call('Slab', arguments)}"], []
    for i in range(n_atoms):
        label = f"{name}{i}" if draw.chance(0.7) else f"{name.upper()}{i}"
        numbers = [draw.odd(0.0, 0.5, 0.25, draw.number(0, 1), probability=0.6) for _ in range(3)]
        tail = draw.one("", f", {draw.number(0.0, 0.02)}", f", {draw.number(0.0, 0.02)}, {draw.number(0.3, 1.0)}",
                        f", {draw.number(0.0, 0.02)}, {draw.number(0.3, 1.0)}, {draw.one(1, 2, 0.5)}")  # fmt: skip
        lines.append(f"{name}.add_atom('{label}', '{draw.one(*_IONS)}', {', '.join(map(str, numbers))}{tail})")
        ids.append(label)
    return lines, ids


def _rods(draw: Draw) -> list[dict[str, np.ndarray]]:
    data = []
    for _ in range(int(draw.rng.integers(1, 4))):
        n = int(draw.one(1, 13, 24))
        l = np.linspace(0.1, draw.number(2.0, 5.0), n) + 0.013
        h, k = draw.one(0, 1, 2, -1, 0.5), draw.one(0, 1, 2)
        data.append(_data(draw, l, h=np.full(n, float(h)), k=np.full(n, float(k))))
    return data


def _cell(draw: Draw) -> str:
    if draw.chance(0.5):
        return f"{draw.number(3.8, 4.0)}, {draw.number(3.8, 4.0)}, {draw.number(3.8, 4.2)}, 90, 90, 90"
    return f"{draw.number(3, 6)}, {draw.number(3, 6)}, {draw.number(3, 8)}, {draw.one(90, 85.0)}, {draw.one(90, 95.5)}, {draw.one(90, 120, 60.0)}"


def _symmetry(draw: Draw) -> str:
    return draw.one(
        "[]",
        "[model.SymTrans([[1, 0], [0, 1]]), model.SymTrans([[-1, 0], [0, -1]])]",
        "[model.SymTrans([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), model.SymTrans([[-1.0, 0.0], [0.0, 1.0]], [0.5, 0.0])]",
        "[model.SymTrans([[1, 0], [0, 1]]), model.SymTrans([[0, -1], [1, 0]]), model.SymTrans([[-1, 0], [0, -1]]), model.SymTrans([[0, 1], [-1, 0]])]",
    )


def _sxrd(second: bool) -> Callable[[Draw], Case]:
    def make(draw: Draw) -> Case:
        wavelength = draw.number(0.5, 1.4)
        instrument = f"wavel={wavelength}, alpha={draw.number(0.2, 2.0)}"
        if draw.chance(0.3):
            instrument += ", geom=" + _text(draw.one("alpha_in fixed", "alpha_in eq alpha_out", "alpha_out fixed"))
        lines = [f"inst = model.Instrument({instrument})"]
        if draw.chance(0.3):
            lines.append(
                draw.one(
                    f"inst.set_energy({draw.number(9, 20)})",
                    "inst.set_inten(2.5)",
                    "inst.set_wavel(0.9)",
                    "inst.set_alpha(0.7)",
                )
            )
        lines.append(f"cell = model.UnitCell({_cell(draw)})")
        made, _ = _slab(draw, "bulk", "m", int(draw.rng.integers(1, 4)))
        lines += made
        slabs, rows = [], [("inst.set_inten", 1.1, 0.5, 2.0)]
        for i in range(int(draw.rng.integers(0, 4))):
            name = f"s{'abc'[i]}"
            made, ids = _slab(draw, name, "m", int(draw.rng.integers(1, 4)))
            lines += made
            slabs.append(draw.one(f"{name}", f"{name}", f"{name}.copy()", f"{name}, {name}.copy()", f"{name}, {name}"))
            for label in ids:
                rows += [(f"{name}.set{label}dz", 0.02, -0.1, 0.1), (f"{name}.set{label}oc", 0.8, 0.3, 1.0)]
                rows += [(f"{name}.set{label}u", 0.01, 0.001, 0.03), (f"{name}.set{label}dx", 0.01, -0.05, 0.05)]
            rows += [(f"{name}.set_c", 1.02, 0.9, 1.1), (f"{name}.set_oc", 0.9, 0.3, 1.0)]
            if len(ids) > 1 and draw.chance(0.4):
                lines.append(f"g{i} = model.AtomGroup({name}, '{ids[0]}')")
                lines.append(f"h{i} = model.AtomGroup({name}, '{ids[1]}')")
                if draw.chance(0.5):
                    lines.append(f"both{i} = g{i} {draw.one('+', '^', '|')} h{i}")
                    if "^" in lines[-1] or "|" in lines[-1]:
                        rows = [
                            r
                            for r in rows
                            if not r[0].startswith(f"{name}.set{ids[0]}oc")
                            and not r[0].startswith(f"{name}.set{ids[1]}")
                        ]
                        rows.append((f"both{i}.setcomp", 0.4, 0.0, 1.0))
                    else:
                        rows.append((f"both{i}.setdz", 0.01, -0.05, 0.05))
                else:
                    rows += [
                        (f"g{i}.setdz", 0.01, -0.05, 0.05),
                        (f"h{i}.setu", 0.01, 0.002, 0.02),
                        (f"h{i}.setoc", 0.9, 0.2, 1.0),
                    ]
        surface, bulk = _symmetry(draw), _symmetry(draw)
        slab_list = f"[{', '.join(slabs)}]"
        if not second:
            keywords = draw.one("", f", surface_sym={surface}, bulk_sym={bulk}", f", {surface}, {bulk}")
            lines.append(f"sample = model.Sample(inst, bulk, {slab_list}, cell{keywords})")
            values = ["f = sample.calc_f(d.h, d.k, d.x)", "out.append(abs(f)**2)"]
        else:
            domains = []
            for i in range(int(draw.rng.integers(1, 3))):
                extra = f", occ={draw.number(0.2, 1.0)}" if draw.chance(0.5) else ""
                keywords = draw.one("", f", {surface}, {bulk}")
                lines.append(f"dom{i} = model.Domain(bulk, {slab_list}, cell{keywords}{extra})")
                domains.append(f"dom{i}")
            lines.append(f"sample = model.Sample([{', '.join(domains)}], {draw.one(0.0, 1.0, 0.5, draw.number(0, 1))})")
            values = draw.one(
                ["out.append(abs(sample.calc_f(inst, d.h, d.k, d.x))**2)"],
                ["out.append(sample.calc_i(inst, d.h, d.k, d.x))"],
            )
        body = ["out = []", "for d in data:", *("    " + line for line in values)]
        body.append(
            draw.one(
                "return out",
                "return out",
                "return out",
                "return model.scale_sim(data, out)",
                "return model.scale_sqrt_sim(data, out)",
            )
        )
        library = "sxrd2" if second else "sxrd"
        head = HEAD.format(library=library) + "fp.set_wavelength(1.54)"
        script = "\n".join([head, *lines, "", "def Sim(data):", *("    " + line for line in body), ""])
        return Case("", 0, script, _rods(draw), _rows(draw, rows), draw.one("log", "R1", "logR1", "sqrt"))

    return make


def _sxrd_mult(draw: Draw) -> Case:
    lines = [
        f"inst = sx.Instrument(wavel={draw.number(0.6, 1.3)}, alpha={draw.number(0.3, 1.5)})",
        f"inst.set_inten({draw.odd(1.0, 2.5)})",
        f"cell = sx.UnitCell({_cell(draw)})",
    ]
    for name, n in (("bulk", 2), ("la", 2), ("lb", 2)):
        made, _ = _slab(draw, name, "x", n)
        lines += made
    symmetry = _symmetry(draw).replace("model.", "sx.")
    lines.append(f"sl = model.SLStandard(inst, cell, la, lb{draw.one('', f', {symmetry}, {symmetry}')})")
    na, nb = draw.one(2.0, 4.0, draw.number(2.5, 8.0)), draw.one(2.0, 3.0, draw.number(2.5, 6.0))
    lines += [
        f"sl.setna({na})",
        f"sl.setnb({nb})",
        f"sl.setsigmaa({draw.number(0.2, 1.5)})",
        f"sl.setsigmab({draw.number(0.2, 1.2)})",
    ]
    lines += [
        f"sl.setrepetitions({draw.one(1, 2, 5, 10, 20)})",
        f"sl.seta({draw.odd(0.0, draw.number(-0.1, 0.2))})",
        f"sl.setc({draw.number(0.001, 0.05)})",
    ]
    lines.append(f"sample = model.SLSample(inst, bulk, sl, cell{draw.one('', f', {symmetry}')})")
    rows = [
        ("sl.setna", 4.1, 2.5, 7.0),
        ("sl.setsigmab", 0.5, 0.3, 1.2),
        ("sl.setc", 0.01, 0.001, 0.04),
        ("sl.seta", 0.05, -0.1, 0.2),
    ]
    body = ["return [sample.calc_i(d.h, d.k, d.x) for d in data]"]
    # By their full names: GenX makes a second module of a short one, and its own check of the classes fails.
    head = "import genx.models.sxrd as sx\n" + HEAD.format(library="sxrd_mult").replace(
        "models.sxrd", "genx.models.sxrd"
    )
    script = "\n".join([head, *lines, "", "def Sim(data):", *("    " + line for line in body), ""])
    return Case("", 0, script, _rods(draw), _rows(draw, rows), draw.one("log", "R1", "sqrt"))


LIBRARIES: dict[str, Callable[[Draw], Case]] = {
    "spec_nx": _spec_like("spec_nx"),
    "soft_nx": _spec_like("soft_nx"),
    "spec_inhom": _spec_like("spec_inhom"),
    "spec_adaptive": _spec_like("spec_adaptive"),
    "interdiff": _interdiff,
    "mag_refl": _mag_refl,
    "sxrd": _sxrd(second=False),
    "sxrd2": _sxrd(second=True),
    "sxrd_mult": _sxrd_mult,
}
