"""Reads a report as a browser would: elements, texts, scripts, downloads."""

from __future__ import annotations

import base64
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd

_NEVER_CLOSED = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """A parsed page.

    Attributes
    ----------
    tags : (name, attributes) of all elements. texts : all text outside scripts and styles.
    scripts : (attributes, content). sections : ids in order. tables : of rows of cells, by title.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.sections: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._open: list[str] = []
        self._heading = ""
        self._inside: dict[str, str | None] = {}
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag in _NEVER_CLOSED:
            return
        self._open.append(tag)
        if tag == "script":
            self._inside = attributes
            self.scripts.append((attributes, ""))
        if tag == "section":
            self.sections.append(str(attributes["id"]))
        if tag in ("h2", "h3", "summary"):
            self._heading = ""
        if tag == "table":
            self.tables[self._heading] = []
        if tag == "tr":
            self.tables[self._heading].append([])
        if tag in ("td", "th"):
            self.tables[self._heading][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1] == tag, f"</{tag}> inside <{self._open[-1]}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        within = self._open[-1] if self._open else ""
        if within == "script":
            attributes, before = self.scripts[-1]
            self.scripts[-1] = (attributes, before + data)
        elif within != "style":
            self.texts.append(data)
            if within in ("h2", "h3", "summary"):
                self._heading += data
            if {"td", "th"} & set(self._open):
                self.tables[self._heading][-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def plots(self) -> dict[str, Any]:
        """Bokeh's description of every plot."""
        return json.loads(next(text for attributes, text in self.scripts if attributes.get("id") == "plots"))

    def download(self, name: str) -> bytes:
        """Content of a file that the page offers."""
        for tag, attributes in self.tags:
            if tag == "a" and attributes.get("download") == name:
                return base64.b64decode(str(attributes["href"]).partition("base64,")[2], validate=True)
        raise AssertionError(f"{name} is not offered")

    def csv(self, name: str) -> pd.DataFrame:
        return pd.read_csv(io.BytesIO(self.download(name)))
