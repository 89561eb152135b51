"""Fuzz all readers: 100,000 mutated files by one command, or coverage-guided by atheris.

    python benchmarks/fuzz_readers.py                     100,000 mutations in two watched processes
    python benchmarks/fuzz_readers.py -n 5000 --seed 7    fewer, others
    python benchmarks/fuzz_readers.py --shared FOLDER     mutations of the model files in a folder too
    python benchmarks/fuzz_readers.py --atheris -n 200000 coverage-guided (pip install atheris; Python 3.11 to 3.13)

Every file gives a clear error or a correct model within 10 s and 1 GiB, and runs nothing of its own; anything else is a
bug: it is printed, and kept in tests/fuzz/seeds if it comes from a file of ours. Exit code 1 if there is any.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FUZZ = Path(__file__).resolve().parents[1] / "tests" / "fuzz"
sys.path.insert(0, str(FUZZ))


def by_mutation(count: int, seed: int, workers: int, shared: Path | None) -> int:
    """Mutations of the corpus, shared out among child processes; the same numbers give the same files."""
    from fuzz_corpus import corpus, shared_files
    from fuzz_harness import Report, fuzz, mutations

    files: Mapping[str, bytes] = corpus() | (shared_files(shared) if shared else {})
    print(f"{count} mutations of {len(files)} files, seed {seed}, {workers} processes", flush=True)

    def part(first: int) -> Report:
        return fuzz(mutations(seed, count, files, first, workers), keep=True)

    with ThreadPoolExecutor(workers) as pool:
        reports = list(pool.map(part, range(workers)))
    whole = Report(seconds=max(r.seconds for r in reports), slowest=max(r.slowest for r in reports))
    for report in reports:
        whole.counts += report.counts
        whole.bugs += report.bugs
        whole.restarts += report.restarts
    print(whole.text)
    outcomes = {kind: sum(n for key, n in whole.counts.items() if key.endswith(kind)) for kind in ("read", "refused")}
    print(f"{outcomes['read']} read, {outcomes['refused']} refused, {len(whole.bugs)} bugs")
    return 1 if whole.bugs else 0


def by_coverage(count: int, seed: int) -> int:
    """Coverage-guided mutations of the corpus in this process; ends at the first bug, which it writes down."""
    try:
        import atheris
    except ImportError:
        print("atheris is not installed: pip install atheris (Linux, Python 3.11 to 3.13)", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["metagenx.genx", "orsopy"]):
        from metagenx.errors import InputError
        from metagenx.genx import file, gx, hgx, inert_pickle, loaders  # noqa: F401
    from fuzz_child import Tripwire, examine, import_everything, limit_memory
    from fuzz_corpus import CANARY, corpus

    suffixes = sorted({Path(name).suffix for name in corpus()})
    folder = Path(tempfile.mkdtemp(prefix="metagenx-atheris-"))
    (folder / "corpus").mkdir()
    for name, content in corpus().items():
        first = bytes([suffixes.index(Path(name).suffix)])
        (folder / "corpus" / name).write_bytes(first + content)
        path = folder / name
        path.write_bytes(content)
        with contextlib.suppress(InputError):
            examine(path)  # imports and compiles everything before the tripwire is armed
    CANARY.unlink(missing_ok=True)
    import_everything()
    limit_memory()
    tripwire = Tripwire()

    def one(content: bytes) -> None:
        """The first byte chooses the kind of file."""
        if not content:
            return
        path = folder / f"fuzzed{suffixes[content[0] % len(suffixes)]}"
        path.write_bytes(content[1:])
        tripwire.heard, tripwire.armed = "", True
        try:
            with contextlib.suppress(InputError):
                examine(path)
        finally:
            tripwire.armed = False
        if tripwire.heard or CANARY.exists():
            raise RuntimeError(f"foreign code: {tripwire.heard or CANARY}")

    options = [f"-runs={count}", f"-seed={seed + 1}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=60000"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", str(folder / "corpus")], one)
    atheris.Fuzz()
    return 0


def main() -> int:
    """Parse, run, say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=100_000, help="how many files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shared", type=Path, help="a folder of model files to be mutated too")
    parser.add_argument("--atheris", action="store_true", help="coverage-guided")
    options = parser.parse_args()
    if options.atheris:
        return by_coverage(options.n, options.seed)
    return by_mutation(options.n, options.seed, options.workers, options.shared)


if __name__ == "__main__":
    sys.exit(main())
