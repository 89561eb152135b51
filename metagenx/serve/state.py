"""Everything that one server holds, and what it does with it; no HTTP here."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

from metagenx.errors import InputError, ScriptRefused
from metagenx.serve.access import Access
from metagenx.serve.answers import KINDS
from metagenx.serve.beams import Beams
from metagenx.serve.desk import Desk, Desks
from metagenx.serve.desk_process import safe_name
from metagenx.serve.dispatcher import Dispatcher
from metagenx.serve.hub import Hub
from metagenx.serve.isolation import Isolation
from metagenx.serve.jobs import FIT, Asked, Job, Jobs, new_id
from metagenx.serve.limits import Limits
from metagenx.serve.uploads import Upload, Uploads


class Server:
    """One server.

    Parameters
    ----------
    base : folder of all runs; ours is ``served`` below it.
    trust : whether the owner lets scripts outside the safe subset run, in isolation.
    """

    def __init__(
        self, base: Path, access: Access, isolation: Isolation, limits: Limits, *, cores: int, trust: bool = False
    ) -> None:
        self.base, self.access, self.isolation, self.limits, self.trust = base, access, isolation, limits, trust
        self.first: list[tuple[Upload, str, dict[str, Any]]] = []  # jobs that the owner asked for at the start
        self.uploads = Uploads(base / "served" / "files", limits)
        self.cores = cores
        self.desks = Desks(isolation, limits)
        self.hub = Hub(self.describe)
        self.beams = Beams(base, self.hub)
        self.dispatcher = Dispatcher(Jobs(base / "served" / "jobs"), isolation, limits, self.hub.heard, cores=cores)

    def may_trust(self, upload: Upload) -> bool:
        """Whether a script outside the safe subset runs: only if the owner said so, and only in isolation."""
        return self.trust and self.isolation.namespaces

    async def desk(self, upload: Upload) -> Desk:
        """The file, open; raises what is wrong with it."""
        content = self.uploads.content(upload.id)
        try:
            return await self.desks.of(upload, content, trust=self.may_trust(upload))
        except ScriptRefused as error:
            raise ScriptRefused(error.what, where=error.where, hint=self._why_refused()) from None

    def _why_refused(self) -> str:
        if self.trust:
            return f"This server could not isolate it ({self.isolation.why_not}), so it is not run."
        return (
            "This server runs scripts of the safe subset only (docs/scripts.md); its owner may start it with --trust."
        )

    async def submit(self, upload: Upload, kind: str, options: dict[str, Any], user: str) -> Job:
        """A new job in the queue.

        Raises
        ------
        InputError : a mistake in the forms, too many jobs, a script that must not run so.
        """
        if kind not in KINDS:
            raise InputError(f"{kind!r} is no kind of job", hint=f"There are {', '.join(KINDS)}.")
        trusted = self.may_trust(upload)
        if trusted and kind != FIT and await self._needs_trust(upload):
            raise InputError(
                "a script outside the safe subset runs in isolation only, and Ray cannot be isolated",
                hint=f"Fit it here, or use `metagenx {kind} --trust` yourself.",
            )
        prepared = await self.prepare(upload, kind, options)
        stem = safe_name(upload.name).rpartition(".")[0] or "model"
        asked = Asked(
            id=new_id(), kind=kind, title=f"{kind} {upload.said}"[:200], user=user, created=time.time(),
            upload=upload.id, file=f"{stem}.hgx", options=options, plan=dict(prepared.get("plan") or {}),
            trust=trusted and kind == FIT, cores=max(1, self.cores // 2) if kind == FIT else self.cores,
        )  # fmt: skip
        return self.dispatcher.add(asked, base64.b64decode(str(prepared["file"])))

    async def with_data(self, upload: Upload, data: Upload, user: str) -> tuple[Upload, list[str]]:
        """A new file: a model with other measurements in its data sets; and how they were read. Raises InputError."""
        desk = await self.desk(upload)
        content = base64.b64encode(self.uploads.content(data.id)).decode("ascii")
        found = await desk.ask({"do": "with_data", "name": data.name, "content": content})
        model = base64.b64decode(str(found["file"]))
        stem = upload.said.rpartition(".")[0] or upload.said
        with self.uploads.arriving(f"{stem} with {data.said}.hgx", len(model), user) as arrival:
            arrival.write(model)
            return arrival.done(), [str(note) for note in found["notes"]]

    async def prepare(self, upload: Upload, kind: str, options: dict[str, Any]) -> dict[str, Any]:
        """The file of a job, and its plan; raises InputError."""
        desk = await self.desk(upload)
        return await desk.ask({"do": "prepare", "asked": {**options, "kind": kind}})

    async def _needs_trust(self, upload: Upload) -> bool:
        """Whether the script leaves the safe subset."""
        desk = await self.desk(upload)
        return not (await desk.ask({"do": "safe"}))["safe"]

    def job(self, name: str) -> Job:
        """A job by its name; raises InputError if there is none."""
        try:
            return self.dispatcher.jobs[name]
        except KeyError:
            raise InputError("there is no such job (any more)") from None

    def describe(self, name: str) -> dict[str, Any] | None:
        """A job as it stands in lists; None if it is gone."""
        job = self.dispatcher.jobs.get(name)
        if job is None:
            return None
        view, asked = self.dispatcher.views[name], job.asked
        return {
            "id": name,
            "kind": asked.kind,
            "title": asked.title,
            "user": asked.user,
            "created": asked.created,
            "state": view.state,
            "verdict": view.verdict,
            "plan": {key: asked.plan.get(key) for key in ("seconds", "evaluations", "text")},
            "upload": asked.upload,
            "seed": asked.options.get("seed", 0),
            "fom": _fom_of(view),
        }


def _fom_of(view: Any) -> float | None:
    for found in (view.end.get("summary", {}), view.last):
        if isinstance(found, dict):
            value = found.get("fom", found.get("best_fom"))
            if isinstance(value, int | float):
                return float(value)
    return None
