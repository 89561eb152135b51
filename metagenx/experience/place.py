"""Where the user's experience lies, and whether he wants it kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "METAGENX_EXPERIENCE"
OFF = frozenset({"off", "no", "none", "false", "0"})


def experience_folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """The folder of the store, which need not exist; None if the user has opted out.

    ``METAGENX_EXPERIENCE`` names another folder, or says ``off``. Without it: the place for data of a user, by platform
    (``$XDG_DATA_HOME/metagenx/experience``, ``~/Library/Application Support/…``, ``%LOCALAPPDATA%\\…``).
    """
    environment = os.environ if environment is None else environment
    text = environment.get(VARIABLE, "").strip()
    if text.lower() in OFF:
        return None
    if text:
        return Path(text).expanduser()
    try:
        home = Path(environment["HOME"]) if "HOME" in environment else Path.home()
    except RuntimeError:  # a user without a home
        return None
    if sys.platform == "win32":
        base = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "metagenx" / "experience"
