"""Random streams made from content: what is computed decides the numbers, never the order of arrival.

A stream is ``SeedSequence(seed, spawn_key=words)``, where the eight 32-bit words are the SHA-256 of the
canonical JSON of its purpose and content. Fixed width keeps two contents from ever meeting in one key.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

from metagenx.errors import InputError


def stream(seed: int, purpose: str, *content: str | int) -> np.random.Generator:
    """The generator for a purpose and its content, e.g. ``stream(7, "bootstrap", "s003")``."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"the seed is {seed!r}, it must be an integer ≥ 0")
    numbered = [int(item) if isinstance(item, int | np.integer) else item for item in content]
    text = json.dumps([purpose, *numbered], ensure_ascii=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode("ascii")).digest()
    words = tuple(int(word) for word in np.frombuffer(digest, dtype=">u4"))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(int(seed), spawn_key=words)))


def initial_stream(seed: int, sample: str, repeat: int) -> np.random.Generator:
    """Initial population of a fit; the same for all settings."""
    return stream(seed, "initial population", sample, repeat)


def moves_stream(seed: int, setting_hash: str, sample: str, repeat: int) -> np.random.Generator:
    """Moves of a fit: indices, crossover, re-drawn parameters."""
    return stream(seed, "moves", setting_hash, sample, repeat)


def start_stream(seed: int, sample: str, repeat: int) -> np.random.Generator:
    """Perturbed start values of a repeat; the same for all settings."""
    return stream(seed, "start", sample, repeat)


def twin_stream(seed: int, file_hash: str, twin: int) -> np.random.Generator:
    """True parameters of a simulated twin of a measurement."""
    return stream(seed, "twin", file_hash, twin)


def noise_stream(seed: int, file_hash: str, twin: int) -> np.random.Generator:
    """Counting noise of a twin."""
    return stream(seed, "noise", file_hash, twin)


def proposal_stream(seed: int, round: int) -> np.random.Generator:
    """Settings proposed in one round of a search."""
    return stream(seed, "proposals", round)
