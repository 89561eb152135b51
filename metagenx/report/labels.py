"""How settings are called where people read them."""

from __future__ import annotations

from metagenx.fitting.schemes import SCHEMES
from metagenx.fitting.settings import Settings

_KNOWN = {
    "file": "file",
    "shipped": "file, run as GenX does",
    "genx3": "genx3 (GenX's defaults)",
    "auto": "auto (metagenx fit)",
}


def setting_label(name: str) -> str:
    """A short name: ``file``, ``GenX's defaults``, ``s012``."""
    return _KNOWN.get(name, name)


def setting_text(settings: Settings, n_dim: int) -> str:
    """What a setting is, in a few words: ``jade_best · km 0.52 · kr 0.91 · population 72``."""
    words = [settings.create_trial]
    if settings.create_trial in SCHEMES:  # the others have neither
        words += [f"km {settings.km:.3g}", f"kr {settings.kr:.3g}"]
    words.append(f"population {settings.population_size(n_dim)}")
    limit = settings.evaluation_limit(n_dim)
    if limit is not None:
        words.append(f"cutoff {limit}")
    if settings.population_reduction and settings.shrinks:
        words.append("shrinking")
    if settings.polish != "none":
        words.append(f"polish {settings.polish}" + (f", {settings.jumps} jumps" if settings.jumps else ""))
    if settings.use_luby:
        words.append("growing patience")
    return " · ".join(words)
