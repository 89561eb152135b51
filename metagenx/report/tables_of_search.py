"""Tables of the search: the best of each scheme, and settings paired with the baseline on common seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metagenx.meta import statistics
from metagenx.meta.records import setting_order
from metagenx.meta.statistics import Runs
from metagenx.report.labels import setting_label
from metagenx.report.numbers import whole
from metagenx.report.page.elements import Table, as_csv
from metagenx.report.plots_slices import score_text, search_scores

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

FEWEST_PAIRS = 5
MOST_COMPARED = 20


def scheme_table(evidence: Evidence) -> Table | None:
    """The best setting of each scheme in the search; None if only one scheme was tried."""
    import pandas as pd

    scores = sorted(search_scores(evidence), key=lambda score: score.rank)
    schemes = [evidence.settings[score.setting].create_trial for score in scores]
    if len(set(schemes)) < 2:
        return None
    rows, data = [], []
    for scheme in dict.fromkeys(schemes):  # in the order of their best setting
        best = scores[schemes.index(scheme)]
        tried = schemes.count(scheme)
        success = f"{best.successes} of {best.fits}"
        rows.append(
            [scheme, str(tried), setting_label(best.setting), success, score_text(best), evidence.what(best.setting)]
        )
        data.append([scheme, tried, best.setting, best.successes, best.fits, best.time, best.censored])
    shows = (
        f"Of {whole(len(scores))} settings in the search, the best of each scheme by expected evaluations. Few fits "
        "each, so luck is in these figures."
    )
    names = ["scheme", "settings", "best", "successes", "fits", "expected evaluations", "only a bound"]
    columns = ["scheme", "tried", "best of them", "successes", evidence.goal.measure, "what it is"]
    table = as_csv("schemes", pd.DataFrame(data, columns=names))
    return Table("Schemes", shows, columns, rows, frozenset({0}), table)


def paired_table(evidence: Evidence, baseline: str) -> Table | None:
    """Each setting against the baseline on the seeds that both have fitted: Wilcoxon, adjusted after Holm."""
    import pandas as pd

    phase = "validation" if len(evidence.names_in("validation")) > 2 else "search"
    found = []
    for name in evidence.names_in(phase):
        differences = _differences(evidence, baseline, name, phase)
        if name != baseline and len(differences) >= FEWEST_PAIRS:
            found.append((name, differences, statistics.wilcoxon(differences)))
    if not found:
        return None
    found.sort(key=lambda item: (-float(np.median(item[1])), setting_order(item[0])))
    adjusted = statistics.holm([p for _, _, p in found])
    rows, data = [], []
    for (name, differences, p), holm in zip(found, adjusted, strict=True):
        won, lost = int((differences > 0).sum()), int((differences < 0).sum())
        effect = (won - lost) / max(1, won + lost)
        gain = float(np.median(differences))
        shown = f"{np.exp(gain):.2g}×" if np.isfinite(gain) else "only it succeeds" if gain > 0 else "it mostly fails"
        numbers = [f"{won} : {lost}", f"{effect:+.2f}".replace("-", "−"), f"{p:.2g}", f"{holm:.2g}"]
        rows.append([setting_label(name), shown, *numbers, evidence.what(name)])
        data.append([name, np.exp(np.clip(gain, -700, 700)), won, lost, effect, p, holm, evidence.what(name)])
    shows = (
        f"Fits of the {phase} with the same seed as one of “{setting_label(baseline)}”: how much sooner they reach "
        "the target (median), how often they win, (won − lost)/(won + lost), and the p value of Wilcoxon's signed-rank "
        f"test, also after Holm's adjustment for {len(found)} pairs. Pairs without a success say nothing."
    )
    names = ["setting", "median ratio of times", "won", "lost", "effect", "p", "p Holm", "what"]
    columns = ["settings", "typical gain in time", "won : lost", "effect", "p", "p (Holm)", "what it is"]
    return Table(
        "Paired with the baseline",
        shows,
        columns,
        rows[:MOST_COMPARED],
        frozenset(i for i, p in enumerate(adjusted) if p <= 0.05),
        as_csv("paired", pd.DataFrame(data, columns=names)),
        folded=len(rows) > 8,
    )


def _differences(evidence: Evidence, baseline: str, name: str, phase: str) -> np.ndarray:
    """Log time differences of all samples together, above 0 where the setting was faster than the baseline."""
    ours, theirs = _runs(evidence, baseline, phase), _runs(evidence, name, phase)
    parts = [statistics.log_time_differences(ours[s], theirs[s]) for s in ours if s in theirs]
    return np.concatenate(parts) if parts else np.empty(0)


def _runs(evidence: Evidence, setting: str, phase: str) -> dict[str, Runs]:
    records = evidence.of_setting(setting, phase)
    return {
        sample: statistics.score([r for r in records if r.sample == sample], known, evidence.target)
        for sample, known in evidence.best.items()
        if any(record.sample == sample for record in records)
    }
