"""What "better" means: which cost a fit counts with, and how that is called.

All goals but one compare the expected cost of a success, ERT: the cost of all fits, successful or not, divided by the
number of successes. They differ in what a fit costs. So one test, one kind of interval and one race serve all of them.

==================  =====================================================  =================================
goal                a fit costs                                            what is compared
==================  =====================================================  =================================
``expected_cost``   FOM evaluations until it succeeds or ends              evaluations for one success
``time``            milliseconds of computing until then                   time for one success
``success_rate``    1                                                      fits for one success, 1/rate
``pareto``          as ``expected_cost``; all that were confirmed are      evaluations for one success; and who
                    validated                                              is on the front
``fom_at_budget``   its final FOM, in units of the best known              mean final FOM
==================  =====================================================  =================================

``success_rate`` and ``fom_at_budget`` compare fits of equal length, so they need ``test.max_evaluations``. Seconds
differ from machine to machine: a run with the goal ``time`` is repeated to the last digit only from its journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EXPECTED_COST, TIME, SUCCESS_RATE, PARETO, FOM_AT_BUDGET = (
    "expected_cost", "time", "success_rate", "pareto", "fom_at_budget",
)  # fmt: skip
AT_EQUAL_LENGTH = frozenset({SUCCESS_RATE, FOM_AT_BUDGET})


@dataclass(frozen=True)
class Goal:
    """How a goal is called.

    Parameters
    ----------
    measure : what is compared, smaller is better; a column or an axis.
    gain : what a ratio above 1 means, after "1.5x".
    """

    name: str
    measure: str
    gain: str


GOALS: Mapping[str, Goal] = {
    goal.name: goal
    for goal in (
        Goal(EXPECTED_COST, "evaluations for one success", "fewer evaluations per success"),
        Goal(TIME, "milliseconds for one success", "less time per success"),
        Goal(SUCCESS_RATE, "fits for one success", "fewer fits per success"),
        Goal(PARETO, "evaluations for one success", "fewer evaluations per success"),
        Goal(FOM_AT_BUDGET, "mean final FOM / best known", "lower mean FOM at the budget"),
    )
}
