"""Ray's jobs API: hand a run over to a cluster, follow its log, take it back. Ray itself is imported here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

from metagenx.cluster.messages import line
from metagenx.errors import InputError, ResourcesSpent
from metagenx.meta.ray_token import ensure_token, token_file

# The interpreter that Ray runs in is not on the PATH of a job; the first of these that knows metagenx is taken.
_DRIVER = (
    'for p in "$METAGENX_PYTHON" ~/venv/bin/python python3 python; do '
    'if [ -n "$p" ] && "$p" -c "import metagenx.cluster.driver" 2>/dev/null; '
    'then exec "$p" -u -m metagenx.cluster.driver; fi; done; '
    "echo '{complaint}'; exit 2"
)
_NOT_THERE = {
    "kind": "InputError",
    "what": "metagenx is not installed on the head of the cluster",
    "hint": "pip install metagenx there, in the environment that Ray runs in",
    "exit_code": 2,
}
ENDED = ("STOPPED", "SUCCEEDED", "FAILED")
QUIET_SECONDS = 20.0  # without a line of the log for so long, the job is asked for


class Jobs:
    """The jobs of one cluster.

    Parameters
    ----------
    address : of its dashboard, such as ``http://127.0.0.1:8265``.

    Raises
    ------
    InputError : nothing answers there, it wants another token, or runs another Ray.
    """

    def __init__(self, address: str) -> None:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        ensure_token()
        from ray.exceptions import RayError
        from ray.job_submission import JobSubmissionClient

        for name in ("ray", "ray.dashboard.modules.dashboard_sdk", "ray._private.runtime_env.packaging"):
            logging.getLogger(name).setLevel(logging.WARNING)

        self.address = address
        try:
            with contextlib.redirect_stdout(None):
                self._client: Any = JobSubmissionClient(address)
            self.ray_version = self._ray_version()
        except (ConnectionError, RuntimeError, ValueError, RayError) as error:
            raise InputError(
                f"no Ray dashboard answers at {address}: {_first_line(error)}",
                hint=f"Is the cluster up? Its token belongs into {token_file()} (chmod 600).",
            ) from error
        self._check_version()

    def _ray_version(self) -> str:
        answer = self._client._do_request("GET", "/api/version")
        if answer.status_code in (401, 403):
            raise RuntimeError("it does not know our token")
        return str(answer.json().get("ray_version", ""))

    def _check_version(self) -> None:
        import ray

        if self.ray_version != ray.__version__:
            raise InputError(
                f"the cluster at {self.address} runs Ray {self.ray_version}, here is {ray.__version__}",
                hint=f'Mend it here, pip install "ray[default,tune]=={self.ray_version}", or there: metagenx cluster '
                "up puts the version of this machine on all nodes.",
            )

    def submit(self, submission_id: str, package: Path, metadata: dict[str, str]) -> None:
        """Start the driver with a packed run; raises InputError if the cluster refuses it."""
        try:
            self._client.submit_job(
                entrypoint=_DRIVER.replace("{complaint}", line({"error": _NOT_THERE}).strip()),
                submission_id=submission_id,
                runtime_env={"working_dir": str(package)},
                metadata=metadata,
                entrypoint_num_cpus=0,
            )
        except (RuntimeError, ValueError, ConnectionError) as error:
            raise InputError(f"the cluster does not take the run: {_first_line(error)}") from error

    def status(self, submission_id: str) -> str | None:
        """PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED; None if the cluster knows no such job.

        Raises
        ------
        ConnectionError : the cluster does not answer.
        """
        try:
            return str(self._client.get_job_status(submission_id).value)
        except RuntimeError as error:
            if "does not exist" in str(error) or "404" in str(error):
                return None
            raise ConnectionError(_first_line(error)) from error

    def list(self) -> list[dict[str, Any]]:
        """Our jobs: submission id, status, and what they were handed over with."""
        found = []
        for job in self._client.list_jobs():
            if (job.submission_id or "").startswith("metagenx-"):
                found.append({"job": job.submission_id, "status": str(job.status.value), **(job.metadata or {})})
        return found

    def why(self, submission_id: str) -> str:
        """What Ray says about how a job ended."""
        with contextlib.suppress(Exception):
            return str(self._client.get_job_info(submission_id).message or "")
        return ""

    def stop(self, submission_id: str) -> None:
        """End a job; nothing happens if it has ended."""
        with contextlib.suppress(RuntimeError, ConnectionError):
            self._client.stop_job(submission_id)

    def lines(self, submission_id: str, *, patience: float = 120.0) -> Iterator[str | None]:
        """The log of a job from its beginning, line by line; None when there is nothing new for a while.

        A connection that breaks is made again, and what was read before is read again. Ends with the job.

        Raises
        ------
        ResourcesSpent : the cluster has not answered for ``patience`` seconds.
        """
        broken_since: float | None = None
        while True:
            try:
                for text in self._tail(submission_id):
                    broken_since = None
                    yield text
                if self.status(submission_id) in (*ENDED, None):
                    return
            except (ConnectionError, OSError, RuntimeError) as error:
                broken_since = broken_since or time.monotonic()
                if time.monotonic() - broken_since > patience:
                    raise ResourcesSpent(
                        f"the cluster at {self.address} does not answer any more: {_first_line(error)}",
                        hint="What has come home is kept. If the cluster lives, metagenx attach picks the run up "
                        "again; if not, the same command on another goes on from here.",
                    ) from error
            yield None
            time.sleep(2.0)

    def _tail(self, submission_id: str) -> Iterator[str | None]:
        """One connection's worth of the log; the asynchronous client of Ray runs in a thread."""
        queue: Queue[str | BaseException | None] = Queue(maxsize=10_000)

        async def read() -> None:
            async for text in self._client.tail_job_logs(submission_id):
                queue.put(text)

        def work() -> None:
            try:
                asyncio.run(read())
                queue.put(None)
            except BaseException as error:
                queue.put(error)

        Thread(target=work, name="metagenx-log", daemon=True).start()
        rest = ""
        while True:
            try:
                found = queue.get(timeout=1.0)
            except Empty:
                yield None
                continue
            if found is None:
                break
            if isinstance(found, BaseException):
                raise ConnectionError(_first_line(found)) from found
            *whole, rest = (rest + found).split("\n")
            yield from whole
        if rest:
            yield rest


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
