"""Tables of where fits ended: the best values with both kinds of spread, and the minima that were found."""

from __future__ import annotations

import numpy as np

from metagenx.report.ends import Ends
from metagenx.report.numbers import percent, whole, with_error, worse_by
from metagenx.report.page.elements import Table, as_csv

MOST_MINIMA = 12


def parameter_table(ends: Ends) -> Table:
    """The best values with both kinds of spread, and which of them sit at a limit."""
    import pandas as pd

    good = ends.values[ends.succeeded]
    low, high = np.quantile(good, [0.16, 0.84], axis=0) if len(good) > 1 else np.full((2, len(ends.names)), np.nan)
    rows, data = [], []
    for i, (name, unit, limit) in enumerate(zip(ends.names, ends.units, ends.at_limit, strict=True)):
        best, (minus, plus) = float(ends.best[i]), ends.errors[i]
        error = max(minus, plus)
        spread = high[i] - low[i]
        lopsided = np.isfinite(error) and abs(minus - plus) > 0.02 * error
        bar = f"−{minus:.2g} +{plus:.2g}" if lopsided else f"±{error:.2g}" if np.isfinite(error) else "unknown"
        rows.append(
            [
                name,
                with_error(best, error),
                bar,
                f"{spread / 2:.2g}" if np.isfinite(spread) else "",
                unit,
                f"{ends.bounds[i, 0]:g}",
                f"{ends.bounds[i, 1]:g}",
                _limit_text(ends, i, limit),
            ]
        )
        data.append([name, best, minus, plus, low[i], high[i], *ends.bounds[i], unit, limit])
    columns = ["parameter", "value", "error", "half spread of fits", "unit", "min", "max", ""]
    shows = "Error: from the values met with a FOM up to 5 % above the best, as GenX does it."
    if len(good) > 1:
        shows += f" Half spread: half the distance from the 16 % to the 84 % quantile of {whole(len(good))} good fits."
    names = ["parameter", "value", "-error", "+error", "16 %", "84 %", "min", "max", "unit", "at limit"]
    strong = frozenset(i for i, limit in enumerate(ends.at_limit) if limit)
    return Table("Best values", shows, columns, rows, strong, as_csv("parameters", pd.DataFrame(data, columns=names)))


def _limit_text(ends: Ends, i: int, limit: str) -> str:
    low, high = ends.bounds[i]
    if ends.best[i] < low or ends.best[i] > high:  # a fit whose settings do not keep to the limits
        return "below its min" if ends.best[i] < low else "above its max"
    return f"at its {limit}" if limit else ""


def minima_table(ends: Ends) -> Table:
    """The minima that fits found: FOM, how much worse, how often."""
    import pandas as pd

    n = len(ends.values) + ends.n_failed
    shared = ends.shared[:MOST_MINIMA]
    rows, data = [], []
    for place, number in enumerate(shared, start=1):
        minimum = ends.minima[number]
        worse = minimum.fom / ends.minima[0].fom - 1 if ends.minima[0].fom > 0 else float("nan")
        fits = len(minimum.repeats)
        rows.append(
            [
                "best" if number == 0 else str(place),
                f"{minimum.fom:.6g}",
                "" if number == 0 or not np.isfinite(worse) else worse_by(worse),
                str(fits),
                percent(fits / n),
            ]
        )
        data.append([place, minimum.fom, worse, fits, fits / n, *minimum.values])
    alone = sum(len(minimum.repeats) for i, minimum in enumerate(ends.minima) if i not in shared)
    if alone:
        rows.append(["elsewhere", "", "", str(alone), percent(alone / n)])
    if ends.n_failed:
        rows.append(["failed", "", "", str(ends.n_failed), percent(ends.n_failed / n)])
    table = pd.DataFrame(data, columns=["minimum", "FOM", "worse by", "fits", "share", *ends.names])
    columns = ["minimum", "FOM", "worse", "fits", "share"]
    return Table("Minima found", minima_sentence(ends), columns, rows, frozenset({0}), as_csv("minima", table))


def minima_sentence(ends: Ends) -> str:
    """What the minima mean, in a sentence."""
    n = len(ends.values) + ends.n_failed
    best = len(ends.minima[0].repeats)
    text = f"{whole(best)} of {whole(n)} fits end in the best minimum"
    others = [ends.minima[i] for i in ends.shared if i > 0]
    if others and ends.minima[0].fom > 0:
        second = max(others, key=lambda minimum: len(minimum.repeats))
        worse = second.fom / ends.minima[0].fom - 1
        text += f"; {len(second.repeats)} of {whole(n)} end in a second minimum"
        text += f", {worse_by(worse)} worse" if worse < 1 else f" with {worse_by(worse)} its FOM"
    return text + ". Fits belong together if their FOMs differ by at most 1 % and their parameters by 3 error bars."
