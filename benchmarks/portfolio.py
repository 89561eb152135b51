"""What a portfolio learned on the other families is worth on one that it has not seen.

The portfolio is learned anew from all measured families but one, chooses a setting for that one by its features, and
the setting's expected running time there, as measured, is compared with that of GenX's default (below 1 is better) and
of a common file's settings (0.6, 0.6, 4.2 per parameter). No new runs are made; intervals are of 2,000 resamplings of
the measured runs.

    python benchmarks/portfolio.py            --quick takes 200 resamplings
"""

from __future__ import annotations

from collections.abc import Sequence

import measure
import numpy as np

from metagenx.fitting.streams import stream
from metagenx.meta.measured_table import MeasuredRuns
from metagenx.meta.portfolio import DEFAULT, learn, shapes_of_families
from metagenx.meta.portfolio_choice import settings_text
from metagenx.meta.space_experience import rows_of_tables

FILE = "file"


def ratio(
    rows: Sequence[MeasuredRuns], setting: str, other: str, rng: np.random.Generator, n: int
) -> tuple[float, float, float]:
    """Geometric mean over the samples of ERT with one setting by ERT with another, and its 95 % interval."""
    if setting == other:
        return 1.0, 1.0, 1.0

    def log_times(name: str) -> np.ndarray:
        found = np.zeros(n + 1)
        own = [row for row in rows if row.setting == name]
        for row in own:
            runs = len(row.costs)
            picked = np.vstack([np.arange(runs), rng.integers(runs, size=(n, runs))])
            hits = np.maximum(row.hits[picked].sum(axis=1), 0.5)  # none: twice all that was spent
            found += np.log10(row.costs[picked].sum(axis=1) / hits) / len(own)
        return found

    drawn = 10.0 ** (log_times(setting) - log_times(other))
    low, high = np.percentile(drawn[1:], [2.5, 97.5])
    return float(drawn[0]), float(low), float(high)


def main() -> None:
    options = measure.arguments(__doc__ or "")
    families = rows_of_tables()
    shapes = shapes_of_families(list(families))
    results, body, missed = [], [], []
    for family, rows in sorted(families.items()):
        portfolio = learn({name: own for name, own in families.items() if name != family}, shapes)
        number = portfolio.choose(shapes[family])
        member = None if number is None else portfolio.members[number]
        rng = stream(0, "portfolio", family)
        n = 200 if options.quick else 2000
        setting = DEFAULT if member is None else member.name
        pairs = {other: ratio(rows, setting if member else other, other, rng, n) for other in (DEFAULT, FILE)}
        runs = sum(len(row.costs) for row in rows if row.setting == setting)
        result = {"family": family, "chosen": None if member is None else dict(member.values), "runs": runs, **pairs}
        results.append({**result, "learned from": portfolio.runs})
        text = "nothing alike: the file's stay" if member is None else settings_text(member.values)
        shown = [f"{value:.2f} [{low:.2f}, {high:.2f}]" for value, low, high in pairs.values()]
        body.append([family, f"{portfolio.runs:,}", text, str(runs), *shown])
        if pairs[DEFAULT][1] > 1.0:
            missed.append(f"{family}: significantly worse than the default")
    print(measure.machine())
    header = ["family left out", "learned from runs", "chosen", "its runs there", "ERT / default's", "ERT / file's"]
    print(measure.table(header, body))
    for other in (DEFAULT, FILE):
        mean = 10.0 ** np.mean([np.log10(result[other][0]) for result in results])
        print(f"geometric mean over the families, ERT / {other}'s: {mean:.2f}")
    measure.finish(options, {"families": results}, missed)


if __name__ == "__main__":
    main()
