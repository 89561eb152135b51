"""The result of one fit for programs (--json) and as a folder of files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.fitting.error_bars import ERROR_COLUMN

if TYPE_CHECKING:
    from metagenx.fitting.api import Fit
    from metagenx.fitting.mcmc import Posterior
    from metagenx.fitting.profile_likelihood import Profile


def fit_summary(fit: Fit, profiles: Sequence[Profile] = (), posterior: Posterior | None = None) -> dict[str, Any]:
    """What ``metagenx fit --json`` prints; ``error_low`` and ``error_high`` are those of ``error_kind``."""
    result = fit.result
    parameters = [
        {
            "name": name,
            "value": float(result.values[i]),
            "error_low": float(result.error_low[i]),
            "error_high": float(result.error_high[i]),
            "error_kind": ERROR_COLUMN,
            "errors": fit.error_bars.of_parameter(i),
            "at_limit": str(result.at_limit[i] or ""),
        }
        for i, name in enumerate(result.names)
    ]
    return {
        "verdict": fit.verdict,
        "reached": fit.reached,
        "fom": fit.fom,
        "seed": fit.seed,
        "settings_from": None if fit.settings_from is None else dict(fit.settings_from),
        "evaluations": fit.evaluations,
        "evaluations_in_vain": fit.restarts.in_vain,
        "seconds": fit.seconds,
        "cores": fit.restarts.cores,
        "stop": fit.stop,
        "runs": len(fit.restarts.runs),
        "runs_complete": len(fit.restarts.complete),
        "runs_in_best_minimum": fit.restarts.n_same,
        "parameters": parameters,
        "error_bars": fit.error_bars.to_json(),
        "profiles": [profile.to_json() for profile in profiles],
        "mcmc": None if posterior is None else posterior.to_json(),
    }


def fit_text(fit: Fit, profiles: Sequence[Profile] = (), posterior: Posterior | None = None) -> str:
    """The verdict, what is to be known of the error bars, and what else was asked for."""
    lines = [fit.verdict, *(f"! {note}" for note in fit.error_bars.notes)]
    if fit.settings_from is not None:
        lines.append(str(fit.settings_from["sentence"]))
    for profile in profiles:
        ends = ", ".join(
            f"{100 * level:.0f} %: {low:.6g} to {high:.6g}" for level, (low, high) in profile.intervals.items()
        )
        lines += [f"profile of {profile.name}: {profile.best:.6g}; {ends}", *(f"! {note}" for note in profile.notes)]
    if posterior is not None:
        count = f"{len(posterior.samples):,}".replace(",", " ")
        lines += [f"MCMC, {count} draws:", posterior.table.to_string(index=False, float_format=lambda x: f"{x:.6g}")]
        lines += [f"! {note}" for note in posterior.notes]
    return "\n".join(lines)


def fit_table(fit: Fit) -> dict[str, Sequence[Any]]:
    """The table for a terminal, column by column: value, three kinds of error bar side by side, limits.

    No DataFrame: pandas would be a good part of the time in which a small fit is over.
    """
    bars = fit.error_bars
    columns: dict[str, Sequence[Any]] = {"name": fit.names, "value": fit.values.tolist()}
    columns["covariance 68 %"] = [offsets_text(*pair) for pair in zip(*bars.offsets("covariance"), strict=True)]
    columns["FOM level"] = [offsets_text(*pair) for pair in zip(*bars.offsets("FOM level"), strict=True)]
    if bars.n_runs > 1:
        columns[f"spread, {bars.n_runs} runs"] = [
            offsets_text(*pair) for pair in zip(*bars.offsets("spread"), strict=True)
        ]
    low, high = fit.result.bounds.T.tolist()
    columns |= {"min": low, "max": high, "at limit": fit.result.at_limit}
    return columns


def offsets_text(low: float, high: float) -> str:
    """``±0.12``, ``−0.1 +0.3``, ``infinite`` for a parameter that the data do not fix, ``-`` where unknown."""
    if math.isnan(low) or math.isnan(high):
        return "-"
    if math.isinf(low) or math.isinf(high):
        return "infinite"
    if abs(high + low) <= 0.02 * max(high, -low, 0.0):
        return f"±{high:.2g}"
    return f"−{abs(low):.2g} +{high:.2g}"


def save_fit(
    fit: Fit,
    folder: Path,
    *,
    command: Sequence[str] = (),
    profiles: Sequence[Profile] = (),
    posterior: Posterior | None = None,
    errors: str = ERROR_COLUMN,
) -> None:
    """Write best.hgx, its tables (.csv), verdict.json and report.html into a folder.

    Raises
    ------
    InputError, ResourcesSpent : the folder cannot be written to.
    """
    import pandas as pd

    from metagenx.errors import InputError
    from metagenx.fitting.api import fitted_model
    from metagenx.report.fit_page import fit_page
    from metagenx.report.page.elements import Download
    from metagenx.runs.files import to_json, write_atomically
    from metagenx.runs.tables import write_reflectivity, write_sld, write_table

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder cannot be made: {error.strerror}", where=str(folder)) from None
    write_table(folder / "parameters.csv", fit.table)
    write_atomically(
        folder / "verdict.json", to_json({**fit_summary(fit, profiles, posterior), "command": list(command)}, indent=2)
    )
    write_table(folder / "correlations.csv", fit.correlations.rename_axis("parameter").reset_index())
    if posterior is not None:
        draws = pd.DataFrame(posterior.samples, columns=list(posterior.names))
        write_table(folder / "mcmc.csv", draws)
    model, best = None, None
    if fit.model is not None:
        model = fitted_model(fit.model, fit.result, bars=fit.error_bars, errors=errors)
        model.save(folder / "best.hgx")
        simulations = model.simulate()
        point_foms = model.figure_of_merit().pointwise(simulations)
        write_reflectivity(folder / "reflectivity.csv", model.data, simulations, point_foms)
        write_sld(folder / "sld.csv", model.sld())
        best = Download("best.hgx", "best.hgx (best fit, opens in GenX)", (folder / "best.hgx").read_bytes())
    page = fit_page(fit, model, command=command, best=best, profiles=profiles, posterior=posterior)
    write_atomically(folder / "report.html", page)
