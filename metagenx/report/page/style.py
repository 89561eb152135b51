"""How plots look: colours that the colour-blind tell apart on white and on black, and quiet axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

BLUE, ORANGE, GREEN, RED, PURPLE, CYAN, OLIVE, GREY = (
    "#3a82d0", "#e08a1e", "#2a9d77", "#d2573f", "#a866b8", "#3fabc4", "#94922f", "#8a93a0",
)  # fmt: skip
CYCLE = (BLUE, ORANGE, GREEN, RED, PURPLE, CYAN, OLIVE)
LEGEND_ROW = 28  # pixels
INK = "#6b7684"  # of axes until the page's script has chosen for its background


def empty_plot(
    x_label: str,
    y_label: str,
    *,
    height: int = 340,
    x_log: bool = False,
    y_log: bool = False,
    tools: str = "pan,box_zoom,wheel_zoom,reset,save",
    **options: Any,
) -> Any:
    """A Bokeh figure in the style of the report; ``options`` are those of ``bokeh.plotting.figure``."""
    from bokeh.models import LogTicker, NoOverlap, NumeralTickFormatter
    from bokeh.plotting import figure

    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        x_axis_type="log" if x_log else "linear",
        y_axis_type="log" if y_log else "linear",
        tools=tools,
        active_drag=None,  # a finger that scrolls the page must not move the plot
        active_scroll=None,
        toolbar_location="above",
        **options,
    )
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.background_fill_color = plot.border_fill_color = plot.outline_line_color = None
    plot.min_border_right = 12
    plot.xaxis.axis_label, plot.yaxis.axis_label = x_label, y_label
    for axis in plot.axis:
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = "13px"
        axis.major_label_text_font_size = "12px"
        axis.axis_label_text_color = axis.major_label_text_color = INK
        axis.axis_line_color = axis.major_tick_line_color = INK
        axis.minor_tick_line_color = None
        axis.major_label_policy = NoOverlap()
    for axis, is_log in ((plot.xaxis, x_log), (plot.yaxis, y_log)):
        if is_log:
            axis.ticker = LogTicker(mantissas=[1, 2, 5], desired_num_ticks=7)
    for axis, label in ((plot.xaxis, x_label), (plot.yaxis, y_label)):
        if "evaluations" in label:
            axis.formatter = NumeralTickFormatter(format="0,0")
    for grid in plot.grid:
        grid.grid_line_color, grid.grid_line_alpha = GREY, 0.22
    return plot


def name_ticks(axis: Any, names: Sequence[str]) -> None:
    """Names at 0, 1, 2 … of an axis. Plain numbers below them, so that any name may stand there, and twice."""
    from bokeh.models import AllLabels

    axis.ticker = list(range(len(names)))
    axis.major_label_overrides = dict(enumerate(names))
    axis.major_label_policy = AllLabels()


def hover(plot: Any, tooltips: list[tuple[str, str]], renderers: list[Any] | None = None, **options: Any) -> None:
    """Show values under the pointer; of some of the renderers, or of all."""
    from bokeh.models import HoverTool

    # The fields are inserted as text, never as HTML: names come from files.
    plot.add_tools(HoverTool(tooltips=tooltips, renderers=renderers or "auto", **options))


def legend_below(plot: Any, entries: list[tuple[str, list[Any]]], *, columns: int = 3, place: str = "below") -> None:
    """A legend under the plot (or ``above``), so that it hides nothing; a click on an entry hides what it names."""
    from bokeh.models.annotations import Legend

    if not entries:
        return
    legend: Any = Legend(items=entries, orientation="horizontal", ncols=min(columns, len(entries)), click_policy="hide")
    legend.location = "top_left"
    legend.background_fill_color = legend.border_line_color = None
    legend.label_text_color = INK
    legend.label_text_font_size = "12px"
    legend.spacing, legend.padding, legend.margin = 12, 4, 2
    plot.add_layout(legend, place)
    plot.height += LEGEND_ROW * -(-len(entries) // columns)
