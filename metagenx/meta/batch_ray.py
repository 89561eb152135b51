"""The files of a batch on Ray: one task a file, as many at once as there are workers, chains in their order.

Tasks of Ray rather than trials of Ray Tune: every file is another problem, a trial would load all of them. A file that
kills its process is one failed answer; the others go on.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from metagenx.errors import ResourcesSpent
from metagenx.meta.batch_fit import Answer, BatchRules, Job, fit_file
from metagenx.meta.ray_session import RaySession

TRIES_AGAIN = 1  # of a file whose process died: machines are lost, memory is short for a moment
LOOK_EVERY = 0.2  # seconds


class Chain(Protocol):
    """Files that are fitted one after the other."""

    def next_job(self) -> Job | None:
        """The next file, or None at the end; answers that are known already are not asked for."""

    def take(self, answer: Answer) -> None:
        """The answer to the last job, on the disk already."""


def _fit_in_worker(rules: BatchRules, job: Job) -> Answer:
    from metagenx.genx.sandbox.deadline import end_process_when_stuck

    end_process_when_stuck(timer=False)
    return fit_file(rules, job)


def work_on_ray(
    chains: Sequence[Chain],
    rules: BatchRules,
    session: RaySession,
    *,
    write: Callable[[Answer], None],
    died: Callable[[Job, str], Answer],
    should_stop: Callable[[], bool],
) -> None:
    """Fit all chains, or as much of them as can be before ``should_stop``; what runs then is waited for.

    Parameters
    ----------
    write : stores an answer durably; called before it counts.
    died : the answer for a file whose process died, with the reason.

    Raises
    ------
    whatever ``write`` raises, and ResourcesSpent if Ray itself breaks down; running fits are cancelled then.
    """
    import ray

    task: Any = ray.remote(num_cpus=1, max_retries=TRIES_AGAIN)(_fit_in_worker)
    shared = ray.put(rules)
    ready = deque(chains)
    running: dict[Any, tuple[Chain, Job]] = {}
    try:
        while True:
            stopping = should_stop()
            while ready and len(running) < session.workers and not stopping:
                chain = ready.popleft()
                job = chain.next_job()
                if job is not None:
                    running[task.options(name=f"fit {job.name}").remote(shared, job)] = chain, job
                stopping = should_stop()
            if not running:
                return
            done, _ = ray.wait(list(running), num_returns=1, timeout=LOOK_EVERY)
            for reference in done:
                chain, job = running.pop(reference)
                answer = _answer(reference, job, died)
                write(answer)
                chain.take(answer)
                ready.append(chain)
    finally:
        for reference in running:
            with contextlib.suppress(Exception):
                ray.cancel(reference, force=True)


def _answer(reference: Any, job: Job, died: Callable[[Job, str], Answer]) -> Answer:
    import ray

    try:
        return ray.get(reference)  # type: ignore[no-any-return]
    except ray.exceptions.OutOfMemoryError:
        return died(job, "its process needed more memory than there is")
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.RaySystemError):
        return died(job, f"its process died {1 + TRIES_AGAIN} times")
    except ray.exceptions.RayTaskError as error:
        lines = str(error).strip().splitlines()
        return died(job, f"its process failed: {lines[-1] if lines else type(error).__name__}"[:500])
    except ray.exceptions.RayError as error:  # not the file's fault
        lines = str(error).strip().splitlines()
        raise ResourcesSpent(
            f"Ray broke down: {lines[0] if lines else type(error).__name__}"[:500],
            hint="What is done is kept: start the same command again and it goes on.",
        ) from error
