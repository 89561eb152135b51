"""The programs that peers.py compares, each in a process of its own that answers when it is asked."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure
import numpy as np

_HERE = Path(__file__).parent


def processor_seconds(call: Callable[[], Any]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


class Program:
    """A process that reads a line of JSON and answers with one."""

    def __init__(self, python: Path, script: str) -> None:
        self._process = subprocess.Popen(
            [str(python), str(_HERE / script)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.greeting = self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args[1]} ended before its answer")  # type: ignore[index]
        return json.loads(line)

    def ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._answer()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


class GenxKernels(Program):
    """GenX's own simulations of a sample."""

    def curves(self, case: dict[str, Any]) -> np.ndarray:
        found = np.array(self.ask(case=case))
        self.seconds(3)
        return found

    def seconds(self, calls: int) -> float:
        """Per curve, without what a call costs that has one point."""
        return float(self.ask(calls=calls) - self.ask(calls=calls, points=1))


class SlabPrograms(Program):
    """refnx and refl1d."""

    def curves(self, case: dict[str, Any], library: str) -> np.ndarray:
        self._case = case
        return np.array(self.ask(case=case, library=library))

    def seconds(self, library: str, calls: int) -> float:
        """Per curve, without what a call costs that has one point."""
        self.ask(case=self._case, library=library)
        return float(self.ask(calls=calls) - self.ask(calls=calls, points=1))


def genx_interpreter() -> Path | None:
    from genx_environment import GenxMissing, genx_python

    try:
        return genx_python()
    except GenxMissing as missing:
        print(f"GenX is not timed: {missing}")
        return None


def find_genx() -> GenxKernels | None:
    python = genx_interpreter()
    return GenxKernels(python, "genx_kernels.py") if python else None


def find_peers() -> SlabPrograms | None:
    from peer_environment import PeersMissing, peers_python

    try:
        return SlabPrograms(peers_python(), "peer_kernels.py")
    except PeersMissing as missing:
        print(f"refnx and refl1d are not timed: {missing}")
        return None


class GenxFit:
    """GenX's command line, fitting a file; it waits between the rounds."""

    def __init__(self, python: Path, file: Path, generations: int, *, remembered: bool) -> None:
        from_genx, to_us = os.pipe()
        from_us, to_genx = os.pipe()
        self._folder = tempfile.TemporaryDirectory()
        environment = {
            **os.environ,
            "PYTHONPATH": str(_HERE / "genx_clock"),
            "METAGENX_CLOCK_GENERATIONS": str(generations),
            "METAGENX_CLOCK_TO": str(to_us),
            "METAGENX_CLOCK_FROM": str(from_us),
            "METAGENX_CLOCK_STACK": "remembered" if remembered else "asked",
        }
        command = [str(python), "-m", "genx.run", "--run", "--nb1", "--no-curses", "--mgen", "1000000"]
        self._process = subprocess.Popen(
            [*command, str(file), str(Path(self._folder.name) / "out.hgx")],
            env=environment, pass_fds=(to_us, from_us),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_us)
        os.close(from_us)
        self._answers, self._go = os.fdopen(from_genx), to_genx
        self.foms = [self._answer()["fom"]]

    def _answer(self) -> dict[str, float]:
        line = self._answers.readline()
        if not line:
            raise SystemExit("GenX ended before the end of its fit")
        found: dict[str, float] = json.loads(line)
        return found

    def seconds(self) -> float:
        """Processor seconds per generation, over the next round."""
        os.write(self._go, b"g")
        found = self._answer()
        self.foms.append(found["fom"])
        return found["seconds"]

    def close(self) -> None:
        os.close(self._go)
        self._process.wait(timeout=60)
        self._answers.close()
        self._folder.cleanup()


class OurFit:
    """Our fit of a file, with the settings in it."""

    def __init__(self, file: Path) -> None:
        import metagenx

        model = metagenx.load(file)
        self._problem = model.problem()
        self._settings = metagenx.Settings.from_options(model.options)
        self.path = self._problem.path
        self.population = self._settings.population_size(len(self._problem.names))

    def seconds(self, generations: int) -> float:
        """Processor seconds per evaluation of a fit over some generations."""
        from metagenx.fitting.run import run_fit

        settings = self._settings.replace(use_max_generations=True, max_generations=generations)
        start = time.process_time()
        result = run_fit(self._problem, settings, initial=np.random.default_rng(1), moves=np.random.default_rng(2))
        return (time.process_time() - start) / result.evaluations


assert measure  # the threads of all processes are settled before numpy is imported
