"""Headline and sections → one HTML file: styles, scripts, figures and their data inside, nothing from a network.

Everything that comes from files is text: the template escapes it, figures carry it as JSON, and a content security
policy lets no script run but the two of the page itself.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from metagenx import __version__
from metagenx.report.page.elements import Download, Downloads, Figure, Headline, Lines, Note, Section, Table

_HERE = Path(__file__).parent


def render(headline: Headline, sections: Sequence[Section], *, title: str, downloads: Sequence[Download] = ()) -> str:
    """The page as text.

    Parameters
    ----------
    title : of the browser's tab.
    downloads : offered below the headline.
    """
    shown = [section for section in sections if section.elements]
    items: dict[str, Any] = {}
    script = (_HERE / "report.js").read_text(encoding="utf-8")
    library = _bokeh()
    return str(
        _template().render(
            title=title,
            headline=headline,
            downloads=downloads,
            sections=shown,
            place=lambda plot: _place(items, plot),
            items=lambda: _embedded(items),
            style=(_HERE / "report.css").read_text(encoding="utf-8"),
            script=script,
            library=library,
            policy=_policy(library, script),
            version=__version__,
        )
    )


def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    kinds = {Note: "note", Lines: "lines", Downloads: "downloads", Table: "table", Figure: "figure"}
    environment.filters["kind"] = lambda element: kinds[type(element)]
    environment.filters["numeric"] = _is_numeric
    return environment.get_template("report.html.j2")


def _is_numeric(text: str) -> bool:
    return text[:1].isdigit() or text[:2].strip("+−-. ").isdigit()


def _place(items: dict[str, Any], plot: Any) -> str:
    """Remember a plot; the name of the place that it is drawn at."""
    name = f"plot-{len(items) + 1}"
    items[name] = plot
    return name


def _embedded(items: dict[str, Any]) -> str:
    """All plots as JSON that can stand inside a script element."""
    from bokeh.core.json_encoder import serialize_json
    from bokeh.embed import json_item

    text = serialize_json({name: json_item(plot) for name, plot in items.items()})
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


@cache
def _bokeh() -> str:
    """BokehJS, without the widgets and the mathematics that the report does not use."""
    from bokeh.resources import Resources

    return "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw)


def _policy(*scripts: str) -> str:
    """Only these scripts may run, and nothing may be loaded from anywhere."""
    digests = (hashlib.sha256(script.encode("utf-8")).digest() for script in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
