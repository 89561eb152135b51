"""What an open file is asked, and what it answers; runs in the confined process of a desk."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.errors import InputError, MetagenxError
from metagenx.serve.look import changed, look, simulated

if TYPE_CHECKING:
    from metagenx.genx.model import Model

KINDS = ("fit", "repeat", "compare", "tune")


def open_model(path: Path, trust: bool) -> tuple[Model, list[str]]:
    """The model in a file, and what should be known about how it was read; data become a model of their own.

    Raises
    ------
    InputError : it is neither a GenX file nor data.
    """
    from metagenx.genx import gx, hgx
    from metagenx.genx.export_convert import convert
    from metagenx.genx.model import load

    content = path.read_bytes()
    if hgx.recognises(content) or gx.recognises(content) or path.suffix.lower() in (".hgx", ".gx"):
        model = load(path, trust=trust)
        return model, list(model.notices)
    target = path.with_suffix(".hgx")
    done = convert(path, target)
    model = load(target, trust=trust)
    return model, list(dict.fromkeys([*done.said, *done.notices, *model.notices]))


class Answers:
    """The questions that a page has for an open file; each method takes plain data and returns plain data."""

    def __init__(self, path: Path, *, trust: bool = False) -> None:
        self.model, self._notices = open_model(path, trust)

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to one question; errors of ours become ``{"error": …}``."""
        questions: dict[str, Callable[..., dict[str, Any]]] = {
            "look": self._look,
            "simulate": self._simulate,
            "prepare": self._prepare,
            "safe": self._safe,
            "with_data": self._with_data,
        }
        try:
            return questions[str(question.pop("do"))](**question)
        except MetagenxError as error:
            return {"error": described(error)}

    def _look(self) -> dict[str, Any]:
        return {**look(self.model), "notices": self._notices}

    def _safe(self) -> dict[str, Any]:
        """Whether the script stays in the safe subset."""
        from metagenx.errors import ScriptRefused
        from metagenx.genx.model import Model as GenxModel

        try:
            GenxModel(self.model.file)
        except ScriptRefused:
            return {"safe": False}
        return {"safe": True}

    def _simulate(self, rows: list[dict[str, Any]], fom: str | None = None) -> dict[str, Any]:
        from metagenx.serve.layers import layers_of

        model = changed(self.model, rows, fom=fom)
        return {**simulated(model), "layers": model.within_limits(layers_of, model.namespace)}

    def _with_data(self, name: str, content: str) -> dict[str, Any]:
        """The file with measurements of another in its data sets, as ``--data`` puts them there; and notes."""
        from metagenx.genx import file as genx_file
        from metagenx.genx.loaders import DataRequest, put_data

        with tempfile.TemporaryDirectory(prefix="metagenx-") as folder:
            path, target = Path(folder) / name, Path(folder) / "with-data.hgx"
            path.write_bytes(base64.b64decode(content))
            new = put_data(self.model, [DataRequest(path)])
            genx_file.write(new.model.file, target)
            text = base64.b64encode(target.read_bytes()).decode("ascii")
        return {"file": text, "notes": [*new.said, *new.notices]}

    def _prepare(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The file of a job with what was typed into the forms, and what the job would cost."""
        from metagenx.genx import file as genx_file

        kind, settings = asked["kind"], asked.get("settings") or {}
        model = changed(self.model, asked.get("rows") or [], fom=asked.get("fom"), settings=settings)
        check_start(model, settings)
        with tempfile.TemporaryDirectory(prefix="metagenx-") as folder:
            path = Path(folder) / "model.hgx"
            genx_file.write(model.file, path)
            plan = plan_of(kind, path, model, asked)
            return {"file": base64.b64encode(path.read_bytes()).decode("ascii"), "plan": plan}


def check_start(model: Model, settings: dict[str, Any]) -> None:
    """Say now what would only be said when the job's turn has come.

    Raises
    ------
    InputError : nothing to fit, unusable limits, a start outside them, settings with mistakes.
    """
    import numpy as np

    from metagenx.fitting import de
    from metagenx.fitting.settings import Settings

    problem = model.problem()
    chosen = Settings.from_options(model.options, **settings)
    rng = np.random.default_rng(0)
    de.begin(chosen, problem.bounds, initial=rng, moves=rng, start=problem.start, names=problem.names)


def plan_of(kind: str, path: Path, model: Model, asked: dict[str, Any]) -> dict[str, Any]:
    """What a job would do and how long it would take: what ``--dry-run --json`` prints, with ``text`` and ``seconds``.

    Raises
    ------
    InputError : an unknown kind of job, settings that do not fit.
    """
    settings, trust = asked.get("settings") or {}, model.trust
    if kind == "fit":
        from metagenx.fitting.api import planned

        return planned(
            model.problem(),
            model,
            budget=asked.get("evaluations"),
            as_in_file=bool(asked.get("as_in_file")),
            **settings,
        )
    if kind == "repeat":
        from metagenx.meta.repeat_plan import plan_repeat

        found = plan_repeat(
            path, n=asked.get("n") or 50, perturb=asked.get("perturb", 0.1), of="fitted", trust=trust,
            workers=asked.get("workers"), overrides=settings,
        )  # fmt: skip
        return found.to_json()
    if kind in ("compare", "tune"):
        from metagenx.meta.tune import plan

        experiment, overrides, trusted = experiment_of(asked, path)
        planned_run = plan(experiment, overrides=overrides, workers=asked.get("workers"), trust=trust or trusted)
        return {**vars(planned_run), "text": planned_run.line}
    raise InputError(f"{kind!r} is no kind of job", hint=f"There are {', '.join(KINDS)}.")


def experiment_of(asked: dict[str, Any], path: Path) -> tuple[Path, list[str], bool]:
    """What ``metagenx tune`` gets for a job: the experiment, ``--set``, and whether the owner's own code is in it.

    ``tests`` is an experiment in Python, which only the owner of the server can give, when he starts it.
    """
    tests = asked.get("tests")
    if tests is None:
        return path, overrides_of(asked), False
    file = path.parent / Path(tests["name"]).name
    file.write_text(tests["text"], encoding="utf-8")
    return file, [f"model.file={json.dumps(str(path.resolve()))}"], True


def overrides_of(asked: dict[str, Any]) -> list[str]:
    """What ``metagenx tune`` gets as ``--set``: the experiment's keys of a job, in their own names."""
    keys = dict(asked.get("experiment") or {})
    if asked["kind"] == "compare":
        keys = {"search_space": "schemes", "tune.searcher": "grid", **keys}
    keys.setdefault("seed", asked.get("seed", 0))
    return [f"{name}={value}" for name, value in keys.items()]


def described(error: MetagenxError) -> dict[str, Any]:
    """An error as ``--json`` prints it."""
    from metagenx.errors import ConfigError

    found: dict[str, Any] = {"kind": type(error).__name__, "message": error.what, "where": error.where}
    found |= {"hint": error.hint, "exit_code": error.exit_code}
    if isinstance(error, ConfigError):
        found["mistakes"] = [vars(mistake) for mistake in error.mistakes]
    return found
