"""What all benchmarks share: the machine's name, interleaved rounds, a table, `--json`, `--check`, `--quick`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# One thread per process, also in the libraries below numpy: set before anything imports them.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("METAGENX_SHARED", ROOT.parent / "shared"))
sys.path.insert(0, str(ROOT / "tests" / "compat"))


def machine() -> str:
    """Processor, cores and Python, in one line."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"


def pin() -> None:
    """Keep this process on the last core, so that ratios within a run compare like with like."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def arguments(description: str, *extra: tuple[str, dict[str, Any]]) -> argparse.Namespace:
    """The command line of every benchmark."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small: a minute or less")
    parser.add_argument("--json", action="store_true", help="print one line of JSON, last")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a figure misses its aim")
    for name, options in extra:
        parser.add_argument(name, **options)
    return parser.parse_args()


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table that is also Markdown."""
    widths = [max(len(str(r[i])) for r in [header, *rows]) for i in range(len(header))]
    lines = ["| " + " | ".join(str(c).ljust(w) for c, w in zip(r, widths, strict=True)) + " |" for r in [header, *rows]]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def finish(options: argparse.Namespace, results: dict[str, Any], missed: Sequence[str]) -> None:
    """Print what missed its aim and the line of JSON, and leave with the exit code that says so."""
    for line in missed:
        print(f"missed: {line}")
    if options.json:
        print(json.dumps({"machine": machine(), **results, "missed": list(missed)}))
    sys.exit(1 if options.check and missed else 0)
