"""The run folder: everything that a run leaves on the disk, and how it goes on after a kill.

::

    folder = find_resumable(base, experiment) or RunFolder.for_experiment(base, experiment) with
    folder.lock(), folder.journal() as journal:   # a second driver stops here; a torn last line is dropped
        replay = journal.replay()                      # .records .settings .rounds .best .phases
        journal.append(FitDone(record))                # returns when it is on the disk
    write_repeats(folder.repeats, journal.replay().records, names, seed=experiment.seed)
"""

from __future__ import annotations

from metagenx.runs.answer import cautions, genx_options, how_to_type, write_settings
from metagenx.runs.events import (
    BestFound,
    Event,
    FitDone,
    Line,
    Notice,
    PhaseStarted,
    RoundDecided,
    SessionEnded,
    SessionStarted,
    SettingAdded,
)
from metagenx.runs.files import to_json, write_atomically, writing
from metagenx.runs.folder import (
    DEFAULT_BASE,
    FINISHED,
    RunFolder,
    find_resumable,
    find_run,
    latest_run,
    list_runs,
    machine,
    open_run,
    versions,
    what_changed,
)
from metagenx.runs.journal import Journal, Replay, read_journal
from metagenx.runs.lock import RunLock
from metagenx.runs.tables import (
    header,
    unit,
    write_parameters,
    write_reflectivity,
    write_repeats,
    write_sld,
    write_table,
    write_traces,
    write_trials,
)

__all__ = [
    "DEFAULT_BASE",
    "FINISHED",
    "BestFound",
    "Event",
    "FitDone",
    "Journal",
    "Line",
    "Notice",
    "PhaseStarted",
    "Replay",
    "RoundDecided",
    "RunFolder",
    "RunLock",
    "SessionEnded",
    "SessionStarted",
    "SettingAdded",
    "cautions",
    "find_resumable",
    "find_run",
    "genx_options",
    "header",
    "how_to_type",
    "latest_run",
    "list_runs",
    "machine",
    "open_run",
    "read_journal",
    "to_json",
    "unit",
    "versions",
    "what_changed",
    "write_atomically",
    "write_parameters",
    "write_reflectivity",
    "write_repeats",
    "write_settings",
    "write_sld",
    "write_table",
    "write_traces",
    "write_trials",
    "writing",
]
