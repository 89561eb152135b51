"""The same random models in GenX and here: curves, figures of merit, profiles, single and as a population.

    python benchmarks/differential.py [--quick] [--json] [--check] [--libraries spec_nx,sxrd] [--cases 200] [--first 0]

GenX runs as a black box (tests/compat). Every case is a function of its library and number, so that a deviation can be
looked at alone: `--libraries spec_nx --first 17 --cases 1 --keep FOLDER`. What is compared, and how it may differ:
see `judge`; where GenX fails and we do not (or the other way round) the reasons are listed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import measure
import numpy as np
from differential_scripts import LIBRARIES, Case, case

sys.path.insert(0, str(measure.ROOT / "tests" / "compat"))
sys.path.insert(0, str(measure.ROOT / "tests"))

# Fact sheet, 8: curves to 1e-9 of the value with a floor of 1e-12 of the largest value.
CURVE, FLOOR = 1e-9, 1e-12
FOM = 1e-8
PROFILE = 1e-5
N_TRIALS = 3
# Cases (library, number) that are looked at and understood, docs/differences.md: they do not count as missed.
EXPLAINED = {
    **{("interdiff", i): "off-specular in q: GenX mixes degrees and radians" for i in (3, 6, 10, 14, 33)},
    ("mag_refl", 0): "x-ray anis., moment near the scattering plane's normal: GenX's curve is rough",
    ("spec_inhom", 32): "spin flip in total reflection: GenX loses digits",
    ("spec_inhom", 37): "profile of a stack of 0 repetitions",
    ("soft_nx", 35): "at 10⁴ Å the index of the ambient medium is below 0",
    ("spec_adaptive", 36): "respoints=2 of a trapezoid, whose ends weigh nothing: GenX gives NaN",
}


def written(one: Case, folder: Path) -> Path:
    """The case as a file that GenX and we open."""
    from metagenx.genx.data import DataList, DataSet
    from metagenx.genx.file import GenxFile, Row, write

    sets = []
    for i, columns in enumerate(one.datasets):
        extra = {key: value for key, value in columns.items() if key not in ("x", "y", "error")}
        sets.append(DataSet(f"set {i}", columns["x"], columns["y"], columns["error"], extra=extra))
    table = [Row(name, value, True, low, high) for name, value, low, high in one.rows]
    path = folder / f"{one.name}.hgx"
    write(GenxFile(script=one.script, fom_name=one.fom, table=table, data=DataList(sets)), path)
    return path


def vectors_of(one: Case) -> np.ndarray:
    """Values of the fitted rows for the trials, (N_TRIALS, n_rows)."""
    rng = np.random.default_rng([one.number, 7])
    low, high = np.array([row[2:] for row in one.rows]).reshape(-1, 2).T
    return low + (high - low) * rng.random((N_TRIALS, len(low)))


def ours(path: Path, vectors: np.ndarray) -> dict[str, Any]:
    """Our answers, or the error."""
    import metagenx
    from metagenx.genx.population import candidate_simulations

    try:
        model = metagenx.load(path)
        reply: dict[str, Any] = {"y_sim": model.simulate(), "fom": model.fom(), "sld": model.sld()}
        if not vectors.shape[1]:  # one point only: nothing is fitted
            reply["trials"] = [{"y_sim": reply["y_sim"], "fom": reply["fom"]}] * len(vectors)
            reply["batch"] = [reply["fom"]] * len(vectors)
            return {**reply, "path": "population", "why_not": "", "notices": model.notices}
        problem = model.problem()
        single = metagenx.load(path)
        reply["trials"] = []
        for vector in vectors:
            values = dict(zip(problem.names, map(float, vector), strict=True))
            reply["trials"].append({"y_sim": single.simulate(values), "fom": single.fom(values=values)})
        reply["path"], reply["why_not"] = problem.path, problem.why_not
        reply["batch"] = problem.evaluate(vectors)
        if problem.path == "population":
            reply["batch_y"] = candidate_simulations(problem._batch, vectors)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    reply["notices"] = model.notices
    return reply


def _key(one: Case, request: dict[str, Any]) -> str:
    """Equal for equal questions."""
    content = [one.script, one.rows, one.fom, request["vectors"]]
    content += [{key: values.tolist() for key, values in columns.items()} for columns in one.datasets]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def genx(cases: list[Case], paths: list[Path], folder: Path) -> list[dict[str, Any]]:
    """GenX's answers, all from one process; those that are kept in `folder` from an earlier run are not asked again."""
    from genx_environment import genx_python

    requests = [
        {"file": str(path), "vectors": vectors_of(one).tolist(), "profiles": True, "numpy_int": True}
        for one, path in zip(cases, paths, strict=True)
    ]
    keys = [_key(one, r) for one, r in zip(cases, requests, strict=True)]
    kept = [path.with_suffix(".genx.json") for path in paths]
    known = {path: json.loads(path.read_text(encoding="utf-8")) for path in kept if path.is_file()}
    new = [i for i, path in enumerate(kept) if known.get(path, {}).get("key") != keys[i]]
    if new:
        asked = folder / "request.json"
        asked.write_text(json.dumps([requests[i] for i in new]), encoding="utf-8")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV"))}
        done = subprocess.run(
            [str(genx_python()), str(measure.ROOT / "tests" / "compat" / "genx_black_box.py"), str(asked)],
            capture_output=True, text=True, cwd=folder, timeout=7200, env={**environment, "NUMBA_NUM_THREADS": "1"},
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(done.stderr[-3000:])
        for i, answer in zip(new, json.loads(done.stdout.splitlines()[-1]), strict=True):
            kept[i].write_text(json.dumps({"key": keys[i], "answer": answer}), encoding="utf-8")
    return [json.loads(path.read_text(encoding="utf-8"))["answer"] for path in kept]


def array(values: Any) -> np.ndarray:
    """Numbers of an answer; nan and inf come as text."""
    return np.array([float(v) for v in values], dtype=float)


def curve_deviation(a: np.ndarray, b: np.ndarray) -> float:
    """Largest |a − b| over (1e-9 |b| + 1e-12 max|b|): agreement is ≤ 1; inf where one is not a number."""
    if a.shape != b.shape:
        return np.inf
    if not a.size:
        return 0.0
    good = np.isfinite(b)  # where GenX has no number (a resolution of zero width, 0/0) there is nothing to compare
    if np.any(good & ~np.isfinite(a)):
        return np.inf
    top = np.max(np.abs(b[good]), initial=0.0)
    return float(np.max(np.abs(a[good] - b[good]) / (CURVE * np.abs(b[good]) + FLOOR * top + 1e-300), initial=0.0))


def _relative(a: float, b: float) -> float:
    if not (np.isfinite(a) and np.isfinite(b)):
        return 0.0 if (np.isnan(a) and np.isnan(b)) or a == b else np.inf
    return abs(a - b) / max(abs(b), 1e-12)


def profile_deviation(a: Any, b: Any) -> float:
    """Largest deviation of profiles in units of their tolerance."""
    worst = 0.0
    for key, theirs in b.items():
        if isinstance(theirs, dict):
            worst = max(worst, profile_deviation(a[key], theirs) if key in a else np.inf)
        elif isinstance(theirs, list):
            if key not in a:
                return np.inf
            mine, other = np.asarray(a[key], dtype=float), array(theirs)
            if mine.shape != other.shape:
                return np.inf
            top = np.max(np.abs(other[np.isfinite(other)]), initial=1e-12)
            with np.errstate(invalid="ignore"):
                worst = max(worst, float(np.nanmax(np.abs(mine - other), initial=0.0)) / (PROFILE * top))
    return worst


def judge(one: Case, mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """How far we are from GenX in units of the tolerances: simulation, trials, batch, FOM, profile."""
    found: dict[str, Any] = {"name": one.name}
    if "error" in mine or "error" in theirs:
        found["ours"], found["genx"] = mine.get("error"), theirs.get("error")
        found["kind"] = (
            "both fail" if "error" in mine and "error" in theirs else "we fail" if "error" in mine else "GenX fails"
        )
        return found
    found["kind"] = "both"
    pairs = [(a, array(b)) for a, b in zip(mine["y_sim"], theirs["y_sim"], strict=True)]
    found["curve"] = max(curve_deviation(a, b) for a, b in pairs)
    gaps = sum(int(np.sum(np.isfinite(a) & ~np.isfinite(b))) for a, b in pairs if a.shape == b.shape)
    if gaps:
        found["kind"] = "gaps"
    found["fom"] = 0.0 if gaps else _relative(mine["fom"], float(theirs["fom"])) / FOM
    trial, batch = 0.0, 0.0
    for t, (m, g) in enumerate(zip(mine["trials"], theirs["trials"], strict=True)):
        trial = max(trial, *(curve_deviation(a, array(b)) for a, b in zip(m["y_sim"], g["y_sim"], strict=True)))
        if not gaps:
            found["fom"] = max(found["fom"], _relative(m["fom"], float(g["fom"])) / FOM)
        for i, simulation in enumerate(mine.get("batch_y", [])):
            row = simulation[t] if simulation.ndim == 2 else simulation
            batch = max(batch, curve_deviation(np.asarray(row), m["y_sim"][i]))
        batch = max(batch, _relative(float(mine["batch"][t]), m["fom"]) / FOM)
    found["trials"], found["batch"] = trial, batch
    found["sld"] = max((profile_deviation(a, b) for a, b in zip(mine["sld"], theirs["sld"], strict=False)), default=0.0)
    if len(mine["sld"]) != len(theirs["sld"]):
        found["sld"] = np.inf
    found["path"], found["why_not"] = mine["path"], mine["why_not"]
    return found


KEYS = ("curve", "trials", "fom", "batch", "sld")


def main() -> None:
    options = measure.arguments(
        __doc__ or "",
        ("--libraries", {"default": ",".join(LIBRARIES)}),
        ("--cases", {"type": int, "default": 100}),
        ("--first", {"type": int, "default": 0}),
        ("--keep", {"type": Path, "help": "folder in which the files stay"}),
        ("--show", {"type": int, "default": 12, "help": "worst cases to list per library"}),
    )
    warnings.simplefilter("ignore")
    n = 6 if options.quick else options.cases
    folder = options.keep or Path(tempfile.mkdtemp(prefix="differential"))
    folder.mkdir(parents=True, exist_ok=True)
    print(measure.machine())
    missed, summary, rows = [], {}, []
    libraries = options.libraries.split(",")
    cases = [case(library, i) for library in libraries for i in range(options.first, options.first + n)]
    paths = [written(one, folder) for one in cases]
    answers = genx(cases, paths, folder)
    for library in libraries:
        judged = [
            judge(one, ours(path, vectors_of(one)), answer)
            for one, path, answer in zip(cases, paths, answers, strict=True)
            if one.library == library
        ]
        (folder / f"judged_{library}.json").write_text(json.dumps(judged, default=str, indent=1), encoding="utf-8")
        kinds = Counter(found["kind"] for found in judged)
        both = [found for found in judged if found["kind"] in ("both", "gaps")]
        off = [found for found in both if any(found[key] > 1.0 for key in KEYS)]
        alone = sum(found["path"] != "population" for found in both)
        summary[library] = {"kinds": dict(kinds), "off": len(off), "one by one": alone}
        rows.append(
            [
                library,
                *(str(kinds[k]) for k in ("both", "gaps", "both fail", "we fail", "GenX fails")),
                str(len(off)),
                str(alone),
            ]
        )
        print(f"\n{library}")
        for found in sorted(off, key=lambda f: -max(f[key] for key in KEYS))[: options.show]:
            print("  off  ", found["name"], *(f"{key} {found[key]:.2g}" for key in KEYS))
        for found in judged:
            if found["kind"] in ("we fail", "GenX fails"):
                print(
                    "  ", found["kind"], found["name"], (found["ours"] or found["genx"]).strip().splitlines()[-1][:150]
                )
        known = {f"{name}_{i:04d}": reason for (name, i), reason in EXPLAINED.items()}
        bad = [found for found in off if found["name"] not in known]
        missed += [f"{found['name']}: " + ", ".join(f"{key} {found[key]:.2g}" for key in KEYS) for found in bad]
        failed = [found for found in judged if found["kind"] == "we fail"]
        missed += [f"{found['name']}: {found['ours']}" for found in failed if found["name"] not in known]
        for found in off + failed:
            if found["name"] in known:
                print("  explained", found["name"], known[found["name"]])
    print()
    print(measure.table(["library", "both", "gaps", "both fail", "we fail", "GenX fails", "off", "one by one"], rows))
    measure.finish(options, {"differential": summary}, missed)


if __name__ == "__main__":
    main()
