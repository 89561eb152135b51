"""Is everything in order here? What `metagenx doctor` finds out."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

# Room that a tuning run may need, and memory below which Ray gets into trouble.
_DISK_BYTES = 1 * 2**30
_MEMORY_BYTES = 2 * 2**30
_PACKAGES = ("ray", "numpy", "scipy", "numba", "pandas", "h5py", "pydantic", "bokeh")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is in order, what it is, and what to do if it is not."""

    what: str
    ok: bool
    text: str
    hint: str = ""

    def __str__(self) -> str:
        mark = "ok " if self.ok else "!! "
        return f"{mark} {self.what:<12} {self.text}" + (f"\n    {self.hint}" if self.hint and not self.ok else "")


def examine(*, warm: bool = False, say: Callable[[str], None] = lambda text: None) -> list[Finding]:
    """Look at everything that a run needs.

    Parameters
    ----------
    warm : compile the kernels of a fit now.
    say : hears what takes long.
    """
    findings = [*_python(), *_machine(), _tables()]
    if warm:
        from metagenx.genx.warm_up import warm_up_all
        from metagenx.physics.warm_up import warm_up

        say("compiling the kernels of all libraries …")
        warm_up(spin_flip=True, by_the_book=True)
        warm_up_all(say)
    findings.append(_kernels())
    findings.append(_ray())
    return findings


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 11), version, "metagenx needs Python 3.11 or newer.")
    missing = []
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    hint = f"pip install {' '.join(missing)}"
    yield Finding("packages", not missing, ", ".join(found) + "".join(f", {name} missing" for name in missing), hint)


def _machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding("cores", True, f"{cores} that may be used")
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        memory = None
    if memory is not None:
        text = f"{memory / 2**30:.1f} GiB free"
        yield Finding("memory", memory >= _MEMORY_BYTES, text, "Ray needs about 2 GiB: close other programs.")
    for what, folder in (("this folder", Path.cwd()), ("temporary", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free
        writable = os.access(folder, os.W_OK)
        text = f"{folder}: {free / 2**30:.1f} GiB free" + ("" if writable else ", not writable")
        yield Finding(what, writable and free >= _DISK_BYTES, text, "Free some space, or work in another folder.")


def _tables() -> Finding:
    from metagenx.genx.models.scattering_lengths import fresh_databases

    try:
        databases = fresh_databases()
        iron, silicon = complex(databases["fp"].Fe), complex(databases["bc"].Si)  # type: ignore[attr-defined]
    except Exception as error:  # whatever is wrong with the tables is a finding
        return Finding("tables", False, str(error), "Install metagenx again: its tables are part of the package.")
    return Finding("tables", True, f"scattering lengths: fp.Fe {iron:.4g}, bc.Si {silicon.real:.4g} fm")


def _kernels() -> Finding:
    """Compile, or load from the cache, all that a fit of a multilayer needs."""
    import numpy as np

    import metagenx
    from metagenx.genx.data import DataList, DataSet
    from metagenx.genx.file import GenxFile, Row
    from metagenx.physics.kernel_cache import folder_to_write

    x = np.linspace(0.1, 5.0, 50)
    table = [Row("Film.setD", 100.0, True, 50.0, 150.0)]
    begun = time.perf_counter()
    for restype in ("no conv", "fast conv", "full conv and varying res."):
        data = DataList([DataSet("", x, np.full_like(x, 1e-3), np.full_like(x, 1e-4))])
        file = GenxFile(script=_SCRIPT.format(restype=restype), table=table, data=data)
        problem = metagenx.Model(file).problem()
        problem.evaluate(np.linspace(60.0, 140.0, 50)[:, None])
    seconds = time.perf_counter() - begun
    folder = folder_to_write()
    place = f"kept in {folder}" if folder else "which cannot be kept anywhere: set NUMBA_CACHE_DIR"
    hint = f"The population path is not in use: {problem.why_not}"
    return Finding("kernels", problem.path == "population", f"compiled or loaded in {seconds:.1f} s, {place}", hint)


_SCRIPT = """\
import models.spec_nx as model
from models.utils import fp
inst = model.Instrument(probe='x-ray', wavelength=1.54, coords='2θ', restype='{restype}', footype='gauss beam')
Amb = model.Layer()
Film = model.Layer(d=100.0, dens=0.085, f=fp.Fe, sigma=3.0)
Sub = model.Layer(dens=0.05, f=fp.Si, sigma=3.0)
stack = model.Stack(Layers=[Film], Repetitions=2)
sample = model.Sample(Stacks=[stack], Ambient=Amb, Substrate=Sub)
def Sim(data):
    return [sample.SimSpecular(data[0].x, inst)]
"""


def _ray() -> Finding:
    """Start Ray as a run would, and stop it again."""
    from metagenx.errors import MetagenxError
    from metagenx.meta.ray_session import ray_session

    begun = time.perf_counter()
    try:
        with ray_session(1, dashboard=False):
            seconds = time.perf_counter() - begun
    except MetagenxError as error:
        return Finding("Ray", False, error.what, error.hint or "")
    return Finding("Ray", True, f"started on this machine in {seconds:.1f} s")
