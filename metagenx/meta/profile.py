"""Tuner profiles: the tuner's own settings as a YAML file; some come with metagenx.

::

    version: 1
    description: what it is for
    settings: {searcher: racing, growth: 3}     # the rest as set by hand
    evidence: {…}                               # where it comes from; kept, not read

``metagenx tune --profile NAME|FILE`` uses one; ``metagenx metatune`` makes one. What the experiment says itself
(``tune.searcher``, ``tune.trials``, ``tune.rounds``) goes before the profile.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metagenx.errors import InputError
from metagenx.meta.mistakes import Mistakes
from metagenx.meta.tuner_settings import TunerSettings, describe, mistakes_in
from metagenx.meta.yaml_lines import KeyPath, read_yaml

HAND_MADE = "hand-made"
DEFAULT = "default"
KEYS = ("version", "name", "description", "settings", "evidence")
FOLDER = Path(__file__).resolve().parent / "profiles"


@dataclass(frozen=True)
class Profile:
    """A tuner: its settings, and where they come from."""

    name: str
    settings: TunerSettings
    description: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values, all settings written out: in the form of the file."""
        return {
            "version": 1,
            "name": self.name,
            "description": self.description,
            "settings": dataclasses.asdict(self.settings),
            **({"evidence": dict(self.evidence)} if self.evidence else {}),
        }

    def write(self, path: Path) -> None:
        """Write the file that :func:`load_profile` reads."""
        import yaml

        text = yaml.safe_dump(self.to_json(), sort_keys=False, allow_unicode=True, width=110)
        path.write_text(text, encoding="utf-8")


def built_in_profiles() -> dict[str, Path]:
    """Name → file of the profiles that come with metagenx."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def load_profile(name: str, folder: Path | None = None) -> Profile:
    """A profile by its name, or from a file; relative paths start from ``folder``.

    Raises
    ------
    InputError : there is no such profile.
    ConfigError : mistakes, all listed with their lines.
    """
    built_in = built_in_profiles()
    path = (folder or Path.cwd()) / Path(name).expanduser()
    if name in built_in:
        path = built_in[name]
    elif not path.is_file():
        close = difflib.get_close_matches(Path(name).stem, built_in, n=1)
        raise InputError(
            f"there is no tuner profile {name}",
            hint=f"Built in are {', '.join(built_in)}." + (f" Did you mean {close[0]}?" if close else ""),
        )
    document = read_yaml(path)
    mistakes = Mistakes(document)
    found = profile_from(document.data, mistakes, (), path.stem)
    if mistakes or found is None:
        raise mistakes.error()
    return found


def profile_from(data: Mapping[str, Any], mistakes: Mistakes, path: KeyPath, name: str) -> Profile | None:
    """The profile in a mapping that stands at ``path`` of a document; None if mistakes were noted."""
    n_before = len(mistakes.found)
    for key in data:
        if key not in KEYS:
            mistakes.unknown((*path, str(key)), str(key), KEYS, "is an unknown key")
    if data.get("version", 1) != 1:
        mistakes.add((*path, "version"), f"is {data['version']}; this metagenx knows version 1")
    for key, kind in (("settings", dict), ("evidence", dict), ("name", str), ("description", str)):
        if data.get(key) is not None and not isinstance(data[key], kind):
            mistakes.add((*path, key), "must be text" if kind is str else 'must consist of "name: value" lines')
    settings = data.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    for mistake in mistakes_in(settings):
        mistakes.add((*path, "settings", mistake.path), mistake.message, mistake.suggestion)
    if len(mistakes.found) > n_before:
        return None
    known = {option.name: settings[option.name] for option in describe() if option.name in settings}
    return Profile(
        str(data.get("name") or name), TunerSettings(**known), data.get("description") or "", data.get("evidence") or {}
    )
