"""What to measure, said in Python: which settings, how many fits of each, and what is recorded of every fit.

    metagenx tune --tests=experiments/example_tests.py --trust
    metagenx tune my_film.hgx --tests=experiments/example_tests.py --trust

All three names below are optional. The fits are in repeats.csv, with the columns of record(); change record() and start
the same command again, and the table is made anew without a fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# The keys of an experiment (film.yaml shows all of them); mistakes are told with their lines here.
experiment = {
    "model": {"file": "film.hgx"},  # relative to this file
    "samples": {"twins": {"search": 0, "held_out": 0}},  # the one measurement, as in 2014
    "test": {"repeats": 12, "start": {"perturb": "10 %"}},  # fits of each setting
    "tune": {"racing": False, "validate": 40},  # no setting is stopped early
    "budget": {"evaluations": 1_500_000},
}


def settings() -> Iterator[dict[str, Any]]:
    """The settings to compare with those in the file, in GenX's names."""
    for scheme in ("best_1_bin", "rand_1_bin", "simplex_best_1_bin"):
        for members_per_parameter in (2, 4):
            yield {"create_trial": scheme, "km": 0.7, "kr": 0.7, "pop_mult": members_per_parameter}


def record(fit: Any) -> dict[str, Any]:
    """Further columns of repeats.csv; ``fit`` has fom, values, settings, trace, success, model … (README.md)."""
    half = [evaluations for evaluations, fom in fit.trace if fom <= 2.0 * fit.fom]
    return {
        "evaluations to twice the FOM": half[0] if half else None,
        "population": fit.settings.population_size(len(fit.values)),
    }
