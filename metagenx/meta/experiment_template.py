"""What ``metagenx init FILE`` writes: an experiment with every key, its default, and what it does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metagenx.fitting.schemes import OWN_SCHEMES
from metagenx.meta.experiment_schema import (
    DEFAULT_EVALUATIONS,
    DEFAULT_HELD_OUT,
    DEFAULT_SEED,
    DEFAULT_SPACE,
    DEFAULT_TWINS,
)


@dataclass(frozen=True)
class ModelSummary:
    """What the comments of the experiment say about its model.

    ``file`` is the path as it is to stand in the YAML file; ``settings`` are the solver options of the file
    in GenX's names.
    """

    file: str
    fom: str
    n_parameters: int
    n_points: int
    settings: Mapping[str, Any]

    @property
    def settings_line(self) -> str:
        """The settings in the file in one line, e.g. ``best_1_bin, km 0.6, kr 0.6, population 50``."""
        s = self.settings
        scheme, km, kr = (s.get(name, "?") for name in ("create_trial", "km", "kr"))
        if scheme in OWN_SCHEMES:
            return f"{scheme}, with the population of its paper"
        population = f"{s['pop_mult']} x parameters" if s.get("use_pop_mult") else s.get("pop_size", "?")
        return f"{scheme}, km {km}, kr {kr}, population {population}"


def experiment_template(summary: ModelSummary) -> str:
    """The text of a commented experiment for a model; it loads as it is, with all defaults."""
    words = {
        "file": json.dumps(summary.file, ensure_ascii=False),
        "fom": _one_line(summary.fom),
        "parameters": summary.n_parameters,
        "points": summary.n_points,
        "settings": _one_line(summary.settings_line),
        "space": DEFAULT_SPACE,
        "seed": DEFAULT_SEED,
        "twins": DEFAULT_TWINS,
        "held_out": DEFAULT_HELD_OUT,
        "evaluations": f"{DEFAULT_EVALUATIONS:_}",
    }
    return _TEMPLATE.format(**words)


def _one_line(text: object) -> str:
    """Text for a comment: whatever a file holds, it ends no comment."""
    return " ".join(str(text).split())


_TEMPLATE = """\
# Which settings of differential evolution fit this sample fastest and most reliably?
#
#     metagenx tune THIS_FILE             search, validate, report; started again it resumes
#     metagenx tune THIS_FILE --dry-run   what it would do and how long it would take
#
# The model has {parameters} fitted parameters and {points} points, figure of merit {fom}.
# Settings in the file: {settings}.
# Every key below shows its default; only model.file has none.
version: 1

model:
  file: {file}            # .hgx or .gx, straight from the GenX GUI; relative to this file
  # files: [a.hgx, b.hgx]         # or several samples that one setting should serve
  fom: keep                       # figure of merit: keep (the file's), or diff, log, sqrt, chi2bars ...

samples:                          # on what settings are compared: your measurement, always, and
  twins:                          # simulated ones: same structure, other true parameters, noise as in your data
    search: {twins}                     # that the search sees
    held_out: {held_out}                   # that only the answer is tested on

baseline: file                    # compare with: file (its own settings) or genx3 (GenX's defaults)

search_space: {space}             # what may be tried: auto (defines itself: metagenx space THIS_FILE), de-core,
                                  # strategies, schemes, de-full, or a file of yours

test:                             # what "robust" means
  repeats: 60                     # fits of a setting in the search, at the most; losers stop long before
  start:
    perturb: 10 %                 # start values are moved by up to this much before each fit
    of: fitted                    # rows that move; all (fixed rows too, as in 2014) is for metagenx repeat only
    clip: true                    # stay inside the limits
  success:
    fom_within: 1 %               # within this of the best FOM known ...
    of: best_known                # ... and the same minimum: parameters agree within three error bars
    # fom_below: 0.046            # or simply: FOM below this
  # max_evaluations: 40k          # longest fit; else as the settings say

tune:
  goal: expected_cost             # FOM evaluations until a restarted fit has succeeded; or time, success_rate,
                                  # fom_at_budget (both need test.max_evaluations), pareto
  searcher: random                # random, sobol, racing, de, lus, grid; tpe (pip install 'metagenx[tpe]');
                                  # of Ray Tune: ray:optuna, ray:hyperopt, ray:nevergrad ...
  trials: 60                      # settings to try
  # rounds: 3                     # in so many cohorts, later ones nearer to the best; else as it fits
  racing: on                      # stop settings that clearly lose
  validate: 200                   # fits on fresh seeds for the winner and the baseline, at the end

seed: {seed}                        # one number reproduces everything, on one core or a thousand

budget:                           # whichever ends first; a spent budget can be resumed
  evaluations: {evaluations}         # FOM evaluations of the whole run
  # hours: 2

run:                              # changes no number
  workers: auto                   # one for each core, or how many
  where: local                    # local, or auto: a Ray cluster that runs already
"""
