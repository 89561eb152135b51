"""Search spaces of the tuner's own settings, in the form of all search spaces, with ``algorithm: tuner``.

``search_space: auto`` is the one that comes with metagenx as a superset, in which a box defines and refines itself by
the rules of all automatic spaces (:mod:`~metagenx.meta.space_changes`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metagenx.meta import tuner_settings
from metagenx.meta.box import Box
from metagenx.meta.space import Point, SearchSpace
from metagenx.meta.space_changes import Change
from metagenx.meta.space_file import TUNER, built_in_folder, load_space
from metagenx.meta.space_forms import Vocabulary
from metagenx.meta.tuner_settings import TunerSettings

AUTO = "auto"
FIRST_WIDTH = 0.6  # of the superset, around what was set by hand
OF_THE_TUNER = Vocabulary("tuner", "a setting of the tuner", tuner_settings.describe, tuner_settings.mistakes_in)


def load_tuner_space(name: str, folder: Path | None = None) -> SearchSpace:
    """The space that comes with metagenx, ``tuner`` or as a superset ``auto``, or a file; raises as load_space."""
    place = str(built_in_folder() / f"{TUNER}.yaml") if name in (TUNER, AUTO) else name
    space = load_space(place, folder, OF_THE_TUNER)
    return dataclasses.replace(space, automatic=True) if name == AUTO else space


def tuner_at(space: SearchSpace, point: Mapping[str, Any]) -> TunerSettings:
    """The settings at a point: those set by hand, then what is fixed, then the point."""
    return TunerSettings(**{**space.fixed, **point})


def place_of_tuner(space: SearchSpace, settings: TunerSettings) -> Point:
    """The nearest point of the space."""
    return space.clip(dataclasses.asdict(settings))


def first_box(space: SearchSpace) -> tuple[Box, list[Change]]:
    """Where profiles are searched first, and why: around what was set by hand, all choices alive."""
    box, changes = Box.whole(space), []
    values = dataclasses.asdict(TunerSettings())
    for name in box.ranges:
        parameter = space.parameters[name]
        centre = parameter.encode(parameter.clip(values[name]))
        low = min(max(centre - 0.5 * FIRST_WIDTH, 0.0), 1.0 - FIRST_WIDTH)
        found = box.with_range(name, low, low + FIRST_WIDTH)
        if found.form(name) != box.form(name):
            reason = f"around {values[name]:g}, which was set by hand"
            changes.append(Change("define", name, box.form(name), found.form(name), reason))
            box = found
    return box, changes
