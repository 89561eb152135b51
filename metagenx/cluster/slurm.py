"""A batch script for Slurm, around ``ray symmetric-run``: Ray on all nodes of the job for as long as the run lasts."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from metagenx.errors import InputError


@dataclass(frozen=True)
class SlurmJob:
    """What the script asks Slurm for.

    Parameters
    ----------
    hours : limit of the job; submitted again, it goes on where it was ended.
    options : further lines for Slurm, such as ``--account=physics``.
    """

    experiment: Path
    nodes: int = 2
    cpus: int = 32
    hours: float = 4.0
    partition: str | None = None
    options: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    python: str = sys.executable


def slurm_script(job: SlurmJob) -> str:
    """The script, for ``sbatch``.

    Raises
    ------
    InputError : an option that Slurm would read as something else.
    """
    for text in (*job.options, *((f"--partition={job.partition}",) if job.partition else ())):
        if not re.fullmatch(r"--?[A-Za-z][\w-]*([= ][^\n\r]+)?", text):
            raise InputError(f"{text!r} is no option of sbatch, such as --account=physics")
    minutes = max(5, round(60 * job.hours))
    lines = [f"--job-name=metagenx-{re.sub(r'[^A-Za-z0-9_.-]+', '-', job.experiment.stem)}"]
    lines += [f"--nodes={job.nodes}", "--ntasks-per-node=1", f"--cpus-per-task={job.cpus}", "--exclusive"]
    lines += [f"--time={minutes // 60:02d}:{minutes % 60:02d}:00"]
    lines += [f"--partition={job.partition}"] if job.partition else []
    options = "\n".join(f"#SBATCH {text}" for text in (*lines, *job.options))
    tune = shlex.join(["metagenx", "tune", str(job.experiment), "--where", "auto", *job.arguments])
    return _SCRIPT.format(
        options=options, folder=shlex.quote(str(Path(job.python).parent)), cpus=job.cpus, nodes=job.nodes, tune=tune
    )


_SCRIPT = """\
#!/bin/bash
{options}

# Written by `metagenx cluster slurm`. Submit it with sbatch; submitted again it goes on where it stopped.
set -euo pipefail
export PATH={folder}:$PATH

# Ray asks for a token, as everyone with an account on these nodes can reach its ports. The home folder brings it to
# all nodes. One of this job's own, readable by its owner only:
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH="${{HOME}}/.ray/slurm-${{SLURM_JOB_ID}}"
mkdir -p "$(dirname "$RAY_AUTH_TOKEN_PATH")"
(umask 077; head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n' > "$RAY_AUTH_TOKEN_PATH")
trap 'rm -f "$RAY_AUTH_TOKEN_PATH"' EXIT

export RAY_USAGE_STATS_ENABLED=0
export NUMBA_CACHE_DIR="${{TMPDIR:-/tmp}}/metagenx-kernels-${{SLURM_JOB_ID}}"    # on the node's own disk
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 20000))

# `ray symmetric-run` starts Ray on every node, the command on the first one, and ends Ray when the command has ended.
# At the limit of its time Slurm ends it all; what was done is in the journal.
srun --nodes={nodes} --ntasks={nodes} --kill-on-bad-exit=0 \\
  ray symmetric-run --address "$head:$port" --min-nodes {nodes} --num-cpus={cpus} --disable-usage-stats -- \\
  {tune}
"""
