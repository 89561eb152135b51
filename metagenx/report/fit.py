"""The result of one fit for programs (--json) and as a folder of files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metagenx.fitting.api import Fit


def fit_summary(fit: Fit) -> dict[str, Any]:
    """What ``metagenx fit --json`` prints."""
    result = fit.result
    parameters = [
        {
            "name": name,
            "value": float(result.values[i]),
            "error_low": float(result.error_low[i]),
            "error_high": float(result.error_high[i]),
            "at_limit": str(result.at_limit[i] or ""),
        }
        for i, name in enumerate(result.names)
    ]
    return {
        "verdict": fit.verdict,
        "reached": fit.reached,
        "fom": fit.fom,
        "seed": fit.seed,
        "evaluations": fit.evaluations,
        "seconds": fit.seconds,
        "stop": fit.stop,
        "runs": len(fit.restarts.runs),
        "runs_complete": len(fit.restarts.complete),
        "runs_in_best_minimum": fit.restarts.n_same,
        "parameters": parameters,
    }


def save_fit(fit: Fit, folder: Path, *, command: Sequence[str] = ()) -> None:
    """Write best.hgx, parameters.csv, reflectivity.csv, sld.csv, verdict.json and report.html into a folder.

    Raises
    ------
    InputError, ResourcesSpent : the folder cannot be written to.
    """
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
    write_atomically(folder / "verdict.json", to_json({**fit_summary(fit), "command": list(command)}, indent=2))
    model, best = None, None
    if fit.model is not None:
        model = fitted_model(fit.model, fit.result)
        model.save(folder / "best.hgx")
        simulations = model.simulate()
        point_foms = model.figure_of_merit().pointwise(simulations)
        write_reflectivity(folder / "reflectivity.csv", model.data, simulations, point_foms)
        write_sld(folder / "sld.csv", model.sld())
        best = Download("best.hgx", "best.hgx (best fit, opens in GenX)", (folder / "best.hgx").read_bytes())
    write_atomically(folder / "report.html", fit_page(fit, model, command=command, best=best))
