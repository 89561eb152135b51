"""Bounded memory of how a run went."""

from __future__ import annotations

import numpy as np

TRACE_LIMIT = 4096
LOG_LIMIT = 100_000


def thinned_trace(trace: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """The improvements (evaluations, best FOM), halved when there are more than 4096.

    The smallest improvements go. A target that only a lost one had reached appears to be reached at the next
    one: later than it was, never earlier. First and last stay.
    """
    if len(trace) <= TRACE_LIMIT:
        return trace
    foms = np.array([fom for _, fom in trace])
    gain = np.concatenate([[np.inf], foms[:-1] - foms[1:]])
    gain[-1] = np.inf
    kept = np.sort(np.argsort(-gain, kind="stable")[: TRACE_LIMIT // 2])
    return [trace[i] for i in kept]


def thinned_log(fom_log: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Rows (generation, best FOM), every second one dropped beyond 100 000; first and last stay."""
    if len(fom_log) <= LOG_LIMIT:
        return fom_log
    return [fom_log[0], *fom_log[1:-1:2], fom_log[-1]]
