"""Damage of all kinds: bits and bytes, lengths and addresses, members of archives, lines, words, numbers, markup."""

from __future__ import annotations

import io
import random
import re
import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from byte_damage import damaged_bytes

NUMBERS = (
    b"nan", b"inf", b"-inf", b"1e999", b"-0", b"1e-320", b"1,5", b"1_000", b"0x1p3", b"--1", b"1e", b".", b"1.2.3", b"",
    b"9" * 400, b"1" + b"0" * 5000, "１２".encode(), b"True", b"None", b"1e5000000000", b"1;2", b"*", b"1/0",
)  # fmt: skip
WORDS = (
    b"&a [*a, *a]", b"!!python/object/apply:os.system [id]", b"{{}}", b"- - - - -", b"*unknown", b"<<: *x", b"? [",
    b"<!DOCTYPE a [<!ENTITY b 'bbbb'>]>", b"&lol;", b"<![CDATA[", b"</scan>", b"<a>" * 300, b"\x00", b"\xff\xfe",
    b"\xef\xbb\xbf", b"#" * 100, b'"', b"'", b"\\", b"%s%s%n", b"{0.__class__}", b"__import__('os')", b"lambda: 0",
    b"y.__class__", b"x[::0]", b"ones(10**9)", b"((((((((", b"\r", b"\t", b"\n" * 50, b";", b",", b"# data_set: 0",
    b"*RAS_INT_START", b"#S 2", b"#L", b"#N 99",
)  # fmt: skip
BOMBS = (
    b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: &d [*c, *c]\n",
    b"[" * 3000,
    b"1 " * 20_000,
    b"(" * 3000,
)
_NUMBER = re.compile(rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")


def mutated(name: str, content: bytes, rng: random.Random) -> bytes:
    """A damaged copy of a file; how it is damaged depends on its kind, and on chance."""
    if not content:
        return rng.randbytes(20)
    if content.startswith(b"PK") and rng.random() < 0.7:
        return _archive(content, rng)
    if is_text(content):
        return _text(content, rng) if rng.random() < 0.8 else damaged_bytes(content, rng)
    if rng.random() < 0.15 and (script := content.find(b"import")) > 0:
        return _inside(content, script, rng)
    return damaged_bytes(content, rng)


def is_text(content: bytes) -> bool:
    """Whether a file is text."""
    return b"\0" not in content[:4000] and not content.startswith(b"PK")


def _inside(content: bytes, start: int, rng: random.Random) -> bytes:
    """A word or number of a text inside a binary file exchanged for another of the same length or less."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 2, 5))):
        at = min(len(changed) - 1, start + rng.randrange(1200))
        word = rng.choice((*WORDS, *NUMBERS))[:40]
        changed[at : at + len(word)] = word
    return bytes(changed[: len(content)])


def _text(content: bytes, rng: random.Random) -> bytes:
    """Lines, words and numbers removed, doubled, exchanged, replaced."""
    if rng.random() < 0.05:
        return content[: rng.randrange(len(content))]
    lines = content.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at, kind = rng.randrange(len(lines)), rng.random()
        line = lines[at]
        if kind < 0.35:
            numbers = list(_NUMBER.finditer(line))
            if numbers:
                number = rng.choice(numbers)
                lines[at] = line[: number.start()] + rng.choice(NUMBERS) + line[number.end() :]
        elif kind < 0.6:
            place = rng.randrange(len(line) + 1)
            lines[at] = line[:place] + rng.choice(WORDS) + line[place + rng.choice((0, 0, 1, 5)) :]
        elif kind < 0.7:
            del lines[at]
            lines = lines or [b""]
        elif kind < 0.8:
            lines.insert(rng.randrange(len(lines) + 1), line)
        elif kind < 0.88:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind < 0.92:
            old, new = rng.choice(((b" ", b","), (b".", b","), (b";", b"\t"), (b" ", b""), (b"#", b"%"), (b":", b"=")))
            lines = [each.replace(old, new) for each in lines]
        elif kind < 0.94:
            lines.insert(at, rng.choice(BOMBS))
        elif kind < 0.96:
            return b"\n".join(lines).decode("latin-1").encode("utf-16")
        else:
            lines[at] = damaged_bytes(line, rng) if line else rng.randbytes(8)
    return b"\n".join(lines)


def _archive(content: bytes, rng: random.Random) -> bytes:
    """A zip with a member damaged, renamed, missing, doubled or far too long."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:
        return damaged_bytes(content, rng)
    at, kind = rng.randrange(len(members)), rng.random()
    name, inner = members[at]
    if kind < 0.75 and inner:
        members[at] = (name, mutated(name, inner, rng))
    elif kind < 0.82:
        del members[at]
    elif kind < 0.88:
        members[at] = (rng.choice(("../outside", "/absolute", "data/", "SCRIPT", "a" * 300, "\u2028")), inner)
    elif kind < 0.94:
        members.append((name, rng.choice(members)[1]))
    elif kind < 0.96:
        members[at] = (name, bytes(40 * 2**20))
    else:
        members.append(("more.xml", inner))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, inner in members:
                archive.writestr(name, inner)
    return stream.getvalue()
