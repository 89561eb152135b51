"""The process of one job: ``python -m metagenx.serve.job_process FOLDER``; outlives the server.

The folder holds ``asked.json`` and ``inputs/`` (the file); everything else is written here: what
`metagenx.serve.live` says, and the results.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from metagenx.serve.confined import confine
from metagenx.serve.live import Live

Work = Callable[[Path, dict[str, Any], Live], dict[str, Any]]


def main(folder: Path) -> int:
    """Do the job; how it ended is the last line of its messages."""
    confine()
    asked = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    try:
        live = Live(folder)
    except BlockingIOError as error:
        print(error, file=sys.stderr)
        return 1
    with live:
        live.say("begun")
        live.say("end", **outcome(folder, asked, live))
    return 0


def outcome(folder: Path, asked: dict[str, Any], live: Live) -> dict[str, Any]:
    """Do the job; its end as fields: state, verdict, level, exit code, and a summary or an error."""
    from metagenx.errors import EXIT_INTERNAL, Interrupted, MetagenxError
    from metagenx.serve.answers import described

    try:
        return work_of(asked["kind"])(folder, asked, live)
    except Interrupted as error:
        return {"state": "stopped", "verdict": "stopped; it can be resumed", "level": "info", "error": described(error)}
    except MetagenxError as error:
        return {"state": "failed", "verdict": error.what, "level": "bad", "error": described(error)}
    except Exception as error:
        traceback.print_exc()
        text = f"internal error, which is our fault, not yours: {type(error).__name__}: {error}"
        return {"state": "failed", "verdict": text, "level": "bad",
                "error": {"kind": "internal", "message": text, "exit_code": EXIT_INTERNAL}}  # fmt: skip


def work_of(kind: str) -> Work:
    """The function that does a kind of job."""
    if kind == "fit":
        from metagenx.serve.job_fit import fit_job

        return fit_job
    from metagenx.serve.job_runs import runs_job

    return runs_job


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
