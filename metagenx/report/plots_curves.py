"""Plots of the best fit: data, simulation and residuals; depth profiles with their band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.report.curves import Curve, Curves, Profile
from metagenx.report.page.elements import Figure, Plot, as_csv
from metagenx.report.page.style import CYCLE, GREY, RED, empty_plot, legend_below

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 20_000  # in a page; more are thinned out evenly
WIDE = 1e2  # data that span more than this are shown on a logarithmic axis


def reflectivity_figure(
    curves: Curves, *, title: str = "Data and best fit", name: str = "reflectivity"
) -> Figure | None:
    """Data with error bars, the fit, residuals below; and R·Q⁴ where Q is known."""
    shown = [curve for curve in curves.curves if curve.used] or list(curves.curves)
    if not shown or not any(len(curve.x) for curve in shown):
        return None
    quantity = "R" if curves.is_reflectivity else "y"
    plots = [Plot(f"{quantity}, log" if _is_wide(shown) else quantity, _with_residuals(curves, shown, quantity))]
    if all(curve.q is not None for curve in shown) and _is_wide(shown):
        scaled = [_times_q4(curve) for curve in shown]
        plots.append(Plot("R·Q⁴", _with_residuals(curves, scaled, "R·Q⁴ [Å⁻⁴]")))
    sets = "the data set" if len(shown) == 1 else f"{len(shown)} data sets"
    unused = len(curves.curves) - len(shown)
    shows = f"Points are {sets} with error bars, lines the best fit; below, what each point adds to the FOM"
    shows += f" ({curves.fom})." if curves.fom else "."
    shows += f" {unused} data sets that are not used are left out." if unused else ""
    return Figure(title, shows, plots, as_csv(name, _curve_table(curves)))


def _is_wide(curves: Sequence[Curve]) -> bool:
    y = np.concatenate([curve.y for curve in curves])
    positive = y[np.isfinite(y) & (y > 0)]
    return len(positive) > 0.5 * len(y) and positive.max() > WIDE * positive.min()


def _times_q4(curve: Curve) -> Curve:
    assert curve.q is not None
    factor = curve.q**4
    return Curve(
        curve.name,
        curve.used,
        curve.x,
        curve.y * factor,
        curve.error * factor,
        curve.fit * factor,
        curve.residual,
        curve.q,
    )


def _with_residuals(curves: Curves, shown: Sequence[Curve], quantity: str) -> Any:
    from bokeh.layouts import column

    is_log = _is_wide(shown)
    top = empty_plot("", quantity, height=380, y_log=is_log)
    below = empty_plot(curves.x_label, "residual", height=170, x_range=top.x_range)
    top.xaxis.major_label_text_font_size = "0px"
    top.min_border_left = below.min_border_left = 74  # both plots begin at the same place
    below.hspan(0.0, line_color=GREY, line_width=1)
    entries: list[tuple[str, list[Any]]] = []
    low, high = np.inf, -np.inf
    step = max(1, sum(len(curve.x) for curve in shown) // MOST_POINTS)
    for index, curve in enumerate(shown):
        colour = CYCLE[index % len(CYCLE)]
        x, y, error, fit, residual = (a[::step] for a in (curve.x, curve.y, curve.error, curve.fit, curve.residual))
        y, fit = (np.where(a > 0, a, np.nan) if is_log else a for a in (y, fit))
        parts = _error_bars(top, x, y, error, is_log, colour)
        parts.append(top.scatter(x, y, size=4, color=colour, alpha=0.75, line_color=None))
        line = RED if len(shown) == 1 else colour
        parts.append(top.line(x, fit, color=line, line_width=1.8))
        below.scatter(x, residual, size=3, color=colour, alpha=0.8, line_color=None)
        entries.append((curve.name or f"data set {index}", parts))
        finite = np.concatenate([y[np.isfinite(y)], fit[np.isfinite(fit)]])
        if len(finite):
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if is_log and low < high:
        top.y_range.start, top.y_range.end = 0.5 * low, 2.0 * high  # type: ignore[attr-defined]
    if len(entries) > 1:
        legend_below(top, entries, columns=2, place="above")
    return column(top, below, sizing_mode="stretch_width")


def _error_bars(plot: Any, x: Any, y: Any, error: Any, is_log: bool, colour: str) -> list[Any]:
    good = np.isfinite(y) & np.isfinite(error) & (error > 0)
    if not good.any():
        return []
    low = y[good] - error[good]
    if is_log:
        low = np.maximum(low, 1e-3 * y[good])
    return [plot.segment(x[good], low, x[good], y[good] + error[good], color=colour, alpha=0.35)]


def _curve_table(curves: Curves) -> pd.DataFrame:
    import pandas as pd

    blocks = []
    for index, curve in enumerate(curves.curves):
        columns: dict[str, Any] = {"data set": index, "name": curve.name, "used": curve.used, curves.x_label: curve.x}
        if curve.q is not None and curves.x_label != "Q [Å⁻¹]":
            columns["Q [Å⁻¹]"] = curve.q
        columns |= {"R": curve.y, "dR": curve.error, "fit": curve.fit, "residual": curve.residual}
        blocks.append(pd.DataFrame(columns))
    return pd.concat(blocks, ignore_index=True)


def profile_figure(profiles: Sequence[Profile], *, title: str = "Depth profile", name: str = "sld") -> Figure | None:
    """Scattering length density against depth, with the 68 and 95 % bands of the successful fits."""
    if not profiles:
        return None
    units = list(dict.fromkeys(profile.unit for profile in profiles))
    plots = [Plot(unit, _profile_plot([p for p in profiles if p.unit == unit], unit)) for unit in units]
    with_band = [profile for profile in profiles if profile.band is not None]
    shows = "Scattering length density against the distance from the substrate's surface, of the best fit."
    if with_band and with_band[0].band_of:
        shows += f" The bands hold 68 and 95 % of {with_band[0].band_of}: what the data leave open."
    elif with_band:
        shows += (
            f" The bands hold 68 and 95 % of {with_band[0].n_fits} fits that succeeded: how well fits agree, which is "
            "less than what the data leave open."
        )
    return Figure(title, shows, plots, as_csv(name, _profile_table(profiles)))


def _profile_plot(profiles: Sequence[Profile], unit: str) -> Any:
    plot = empty_plot("z [Å]", f"SLD [{unit}]" if unit else "SLD")
    entries: list[tuple[str, list[Any]]] = []
    for index, profile in enumerate(profiles):
        colour = CYCLE[index % len(CYCLE)]
        parts: list[Any] = []
        if profile.band is not None:
            for low, high, alpha in ((0, 3, 0.18), (1, 2, 0.32)):
                parts.append(
                    plot.varea(profile.z, profile.band[low], profile.band[high], color=colour, fill_alpha=alpha)
                )
        parts.append(plot.line(profile.z, profile.best, color=colour, line_width=1.8))
        entries.append((profile.name, parts))
    legend_below(plot, entries)
    return plot


def _profile_table(profiles: Sequence[Profile]) -> pd.DataFrame:
    import pandas as pd

    blocks = []
    for index, profile in enumerate(profiles):
        columns: dict[str, Any] = {"profile": index, "name": profile.name, "unit": profile.unit, "z [Å]": profile.z}
        columns["SLD"] = profile.best
        if profile.band is not None:
            columns |= dict(zip(("2.5 %", "16 %", "84 %", "97.5 %"), profile.band, strict=True))
        blocks.append(pd.DataFrame(columns))
    return pd.concat(blocks, ignore_index=True)
