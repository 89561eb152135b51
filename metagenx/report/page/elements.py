"""What a page is made of: sections of notes, tables and figures; plain data, no HTML."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Download:
    """A file inside the page."""

    name: str
    label: str
    content: bytes
    kind: str = "application/octet-stream"

    @property
    def uri(self) -> str:
        """The file as a ``data:`` address."""
        return f"data:{self.kind};base64,{base64.b64encode(self.content).decode('ascii')}"


def as_csv(name: str, table: pd.DataFrame) -> Download:
    """A table as a CSV download: UTF-8, decimal points, all digits."""
    content = table.to_csv(index=False, lineterminator="\n").encode("utf-8")
    return Download(f"{name}.csv", "data", content, "text/csv;charset=utf-8")


@dataclass(frozen=True)
class Note:
    """A paragraph; ``kind`` is ``plain``, ``good``, ``warning``."""

    text: str
    kind: str = "plain"


@dataclass(frozen=True)
class Lines:
    """Short lines to copy or to read down; ``code`` sets them in a typewriter face."""

    title: str
    lines: Sequence[str]
    code: bool = False


@dataclass(frozen=True)
class Downloads:
    """A row of buttons that give files."""

    files: Sequence[Download]


@dataclass(frozen=True)
class Table:
    """A table of texts; a text that looks like a number stands right.

    Parameters
    ----------
    shows : what the table says, in a sentence.
    strong : numbers of the rows that matter most.
    data : the same with all its digits.
    folded : shown only when asked for.
    """

    title: str
    shows: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    strong: frozenset[int] = frozenset()
    data: Download | None = None
    folded: bool = False


@dataclass(frozen=True)
class Plot:
    """One plot of a figure: its name, if there are several, and the Bokeh model."""

    name: str
    model: Any


@dataclass(frozen=True)
class Figure:
    """Plots that belong together.

    Parameters
    ----------
    shows : what it shows, in a sentence.
    plots : one, or several that are looked at one at a time (``tabs``) or side by side (``grid``).
    """

    title: str
    shows: str
    plots: Sequence[Plot]
    data: Download | None = None
    layout: str = "tabs"


Element = Note | Lines | Downloads | Table | Figure


@dataclass(frozen=True)
class Section:
    """A part of the page; one without elements is left out."""

    key: str
    title: str
    elements: Sequence[Element]


@dataclass(frozen=True)
class Headline:
    """The top of the page: the answer first.

    Parameters
    ----------
    kicker : what this is, in a few words.
    title : the answer in a sentence.
    subtitle : what stands behind it.
    state : a word or two, such as ``finished``; ``mood`` is ``good``, ``warning`` or ``plain``.
    numbers : (number, what it is), the few that matter.
    """

    kicker: str
    title: str
    subtitle: str
    state: str
    mood: str = "plain"
    numbers: Sequence[tuple[str, str]] = field(default_factory=tuple)
