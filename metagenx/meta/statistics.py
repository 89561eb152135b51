"""The statistics of a tuning run, behind one door.

* what a success is: :mod:`~metagenx.meta.targets` (f*, right basin, hit times, scored runs)
* how long it takes: :mod:`~metagenx.meta.running_time` (ERT), :mod:`~metagenx.meta.ratios`
* what is better: :mod:`~metagenx.meta.comparison` (tests, error rate of a race, what can be detected)
* how often: :func:`~metagenx.meta.intervals.wilson`

Everything random takes a Generator. Nothing here knows files, Ray or differential evolution.
"""

from __future__ import annotations

from metagenx.meta.comparison import (
    AlphaSpending,
    ert_test,
    holm,
    log_time_differences,
    planned_standard_error,
    sign_test,
    smallest_detectable_ratio,
    wilcoxon,
)
from metagenx.meta.intervals import Interval, wilson
from metagenx.meta.ratios import (
    informative,
    log_ratio,
    mean_log_ratio_draws,
    mean_ratio_interval,
    ratio_interval,
    standard_error,
)
from metagenx.meta.running_time import ert_interval, expected_running_time, log_ert_draws
from metagenx.meta.targets import (
    BestKnown,
    Runs,
    Target,
    better,
    hit_time,
    in_pairs,
    right_basin,
    score,
)

__all__ = [
    "AlphaSpending",
    "BestKnown",
    "Interval",
    "Runs",
    "Target",
    "better",
    "ert_interval",
    "ert_test",
    "expected_running_time",
    "hit_time",
    "holm",
    "in_pairs",
    "informative",
    "log_ert_draws",
    "log_ratio",
    "log_time_differences",
    "mean_log_ratio_draws",
    "mean_ratio_interval",
    "planned_standard_error",
    "ratio_interval",
    "right_basin",
    "score",
    "sign_test",
    "smallest_detectable_ratio",
    "standard_error",
    "wilcoxon",
    "wilson",
]
