"""Bytes of a file changed at random, mostly near its structure."""

from __future__ import annotations

import random

LANDMARKS = (b"TREE", b"SNOD", b"HEAP", b"GCOL", b"OHDR", b"\x89HDF", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05", b"numpy")
INTEGERS = (0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """Cut off, or with some bits, bytes, numbers or pieces changed, mostly near the file's structure."""
    changed = bytearray(content)
    if rng.random() < 0.06:
        return bytes(changed[: rng.randrange(len(changed))])
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        near = places(content, rng.choice(LANDMARKS)) if rng.random() < 0.6 else []
        at = rng.choice(near) + rng.randrange(200) if near else rng.randrange(len(changed))
        at = min(at, len(changed) - 1)
        kind = rng.random()
        if kind < 0.3:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind < 0.6:
            changed[at] = rng.choice((0, 1, 2, 3, 4, 0x2E, 0x52, 0x62, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind < 0.8:
            size = rng.choice((2, 4, 8))
            number = rng.choice((*INTEGERS, rng.randrange(len(content)), len(content)))
            changed[at : at + size] = (number % 2 ** (8 * size)).to_bytes(size, "little")
        else:
            source, length = rng.randrange(len(changed)), rng.randrange(1, 64)
            changed[at : at + length] = changed[source : source + length]
    return bytes(changed)


def places(content: bytes, landmark: bytes) -> list[int]:
    """Where the landmark stands."""
    found, at = [], content.find(landmark)
    while at >= 0 and len(found) < 500:
        found.append(at)
        at = content.find(landmark, at + 1)
    return found
