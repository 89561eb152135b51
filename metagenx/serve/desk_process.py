"""The confined process behind an open file: ``python -m metagenx.serve.desk_process``.

It reads one line of JSON, ``{"name", "bytes", "trust"}``, and the bytes of the file, then a question a line, and
writes an answer a line. Whatever a script prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from metagenx.serve.confined import confine


def main() -> None:
    """Serve until stdin ends."""
    confine()
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    from metagenx.genx.sandbox.deadline import end_process_when_stuck
    from metagenx.serve.answers import Answers, described
    from metagenx.serve.plain import to_json

    def say(answer: dict[str, Any]) -> None:
        answers.write(to_json(answer).encode("utf-8") + b"\n")
        answers.flush()

    _warm()
    say({"ready": True})
    header = questions.readline()
    if not header:
        return
    end_process_when_stuck(timer=False)
    with tempfile.TemporaryDirectory(prefix="metagenx-") as folder:
        from metagenx.errors import MetagenxError

        asked = json.loads(header)
        path = Path(folder) / safe_name(asked["name"])
        path.write_bytes(questions.read(asked["bytes"]))
        try:
            desk = Answers(path, trust=asked["trust"])
        except MetagenxError as error:
            say({"error": described(error)})
            return
        say({"open": True})
        for line in questions:
            say(desk.answer(json.loads(line)))


def safe_name(name: str) -> str:
    """The last part of a file's name, of harmless characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    stem, dot, ending = last.rpartition(".")
    stem, ending = (stem, ending) if dot else (last, "")
    stem = re.sub(r"[^\w+-]+", "_", stem).strip("_-")[:80] or "file"
    ending = re.sub(r"[^A-Za-z0-9]+", "", ending)[:8]
    return f"{stem}.{ending}" if ending else stem


def _warm() -> None:
    """Import what every file needs, while nobody waits for it."""
    import metagenx.fitting.api
    import metagenx.genx.audit
    import metagenx.genx.models.spec_nx
    import metagenx.genx.population
    import metagenx.report.curves  # noqa: F401
    from metagenx.physics.warm_up import warm_up

    warm_up()


if __name__ == "__main__":
    main()
    sys.stdout.flush()
