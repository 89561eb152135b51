"""Search spaces of the tuner's own settings, in the form of all search spaces, with ``algorithm: tuner``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metagenx.meta import tuner_settings
from metagenx.meta.space import Point, SearchSpace
from metagenx.meta.space_file import TUNER, built_in_folder, load_space
from metagenx.meta.space_forms import Vocabulary
from metagenx.meta.tuner_settings import TunerSettings

OF_THE_TUNER = Vocabulary("tuner", "a setting of the tuner", tuner_settings.describe, tuner_settings.mistakes_in)


def load_tuner_space(name: str, folder: Path | None = None) -> SearchSpace:
    """The space that comes with metagenx, by the name ``tuner``, or a file; raises as :func:`load_space`."""
    place = str(built_in_folder() / f"{TUNER}.yaml") if name == TUNER else name
    return load_space(place, folder, OF_THE_TUNER)


def tuner_at(space: SearchSpace, point: Mapping[str, Any]) -> TunerSettings:
    """The settings at a point: those set by hand, then what is fixed, then the point."""
    return TunerSettings(**{**space.fixed, **point})


def place_of_tuner(space: SearchSpace, settings: TunerSettings) -> Point:
    """The nearest point of the space."""
    return space.clip(dataclasses.asdict(settings))
