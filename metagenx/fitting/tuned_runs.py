"""One run of restarted settings that stand for themselves: what the trials of a tuning run are made of.

A single fit has the strategy ``auto`` around its settings. Here the settings say everything, polish, jumps and patience
included, so that each of them can be searched.
"""

from __future__ import annotations

from metagenx.fitting.auto import Strategy, improver, longer_run
from metagenx.fitting.problem import Problem
from metagenx.fitting.run import Improve
from metagenx.fitting.settings import Settings


def settings_of_run(settings: Settings, run: int) -> Settings:
    """The settings of run 0, 1, …: more patient by the Luby sequence if they say so."""
    return settings.replace(**longer_run(settings, run)) if settings.use_luby else settings


def improver_of_run(problem: Problem, settings: Settings, run: int) -> Improve | None:
    """What polishes run 0, 1, … of these settings; None if nothing does, or nothing is known of the problem's data."""
    if settings.polish == "none":
        return None
    return improver(problem, Strategy().with_settings(settings), run)
