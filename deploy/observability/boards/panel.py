"""Draws a panel: one builder for each kind, and what all of them have."""

from collections.abc import Callable, Mapping

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models import prometheus as source

from deploy.observability.boards.values import Kind, Panel, Query

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${source}")
INTERVAL = "1m"
"""No point of a graph stands for less: a rate needs several scrapes."""
LOW, HIGH = 4, 8
"""Heights of what is one number, and of what is a picture."""

Builder = stat.Panel | timeseries.Panel | bargauge.Panel | table.Panel | heatmap.Panel


def draw(panel: Panel) -> Builder:
    """Draw it."""
    drawn = PAINTERS[panel.kind]()
    drawn.title(panel.title).description(panel.about).datasource(SOURCE).interval(INTERVAL)
    drawn.span(panel.wide).height(LOW if panel.kind == "stat" else HIGH)
    for number, query in enumerate(panel.queries):
        drawn.with_target(_target(query, chr(ord("A") + number), panel.kind))
    if not isinstance(drawn, heatmap.Panel):
        drawn.unit(panel.unit).thresholds(_thresholds(panel))
        if panel.most is not None:
            drawn.min(0).max(panel.most)
    if isinstance(drawn, timeseries.Panel) and panel.steps:
        drawn.thresholds_style(common.GraphThresholdsStyleConfig().mode(looks.GraphThresholdsStyleMode.DASHED))
    if isinstance(drawn, table.Panel):
        _columns(drawn, panel)
    return drawn


def _target(query: Query, ref: str, kind: Kind) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).ref_id(ref).datasource(SOURCE)
    target.legend_format("__auto" if kind == "table" else query.name or "{{le}}")
    if kind == "table":
        return target.instant().format(source.PromQueryFormat.TABLE)
    if kind in {"stat", "bargauge"}:
        return target.instant()
    return target.range().format(
        source.PromQueryFormat.HEATMAP if kind == "heatmap" else source.PromQueryFormat.TIME_SERIES
    )


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    """Colour by the steps; without them, all is green."""
    first, middle, last = ("red", "yellow", "green") if panel.falls else ("green", "yellow", "red")
    steps = [model.Threshold(None, first if panel.steps else "green")]
    if panel.steps:
        steps += [model.Threshold(panel.steps[0], middle), model.Threshold(panel.steps[1], last)]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def _columns(drawn: table.Panel, panel: Panel) -> None:
    """Join the queries by their labels, one column each, and name the columns."""
    names = {f"Value #{chr(ord('A') + number)}": query.name for number, query in enumerate(panel.queries)}
    if len(panel.queries) == 1:
        names = {"Value": panel.queries[0].name}
    drawn.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    tidy = {"excludeByName": {"Time": True}, "renameByName": names}
    drawn.with_transformation(model.DataTransformerConfig(id_val="organize", options=tidy))


def _stat() -> stat.Panel:
    drawn = stat.Panel().color_mode(looks.BigValueColorMode.VALUE).graph_mode(looks.BigValueGraphMode.NONE)
    return drawn.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _graph() -> timeseries.Panel:
    legend = common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST).show_legend(show_legend=True)
    tooltip = common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING)
    drawn = timeseries.Panel().legend(legend.placement(looks.LegendPlacement.BOTTOM)).tooltip(tooltip)
    return drawn.axis_soft_min(0).show_points(looks.VisibilityMode.NEVER)


def _lines() -> timeseries.Panel:
    return _graph().draw_style(looks.GraphDrawStyle.LINE).fill_opacity(0).line_width(2)


def _stack() -> timeseries.Panel:
    return _graph().draw_style(looks.GraphDrawStyle.LINE).fill_opacity(40).stacking(_stacked())


def _bars() -> timeseries.Panel:
    return _graph().draw_style(looks.GraphDrawStyle.BARS).fill_opacity(80).stacking(_stacked())


def _stacked() -> common.StackingConfig:
    return common.StackingConfig().mode(looks.StackingMode.NORMAL)


def _bargauge() -> bargauge.Panel:
    drawn = bargauge.Panel().orientation(looks.VizOrientation.HORIZONTAL)
    drawn.display_mode(looks.BarGaugeDisplayMode.BASIC).value_mode(looks.BarGaugeValueMode.TEXT)
    return drawn.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _table() -> table.Panel:
    return table.Panel().align(looks.FieldTextAlignment.AUTO)


def _heatmap() -> heatmap.Panel:
    colours = heatmap.HeatmapColorOptions().mode(heat.HeatmapColorMode.SCHEME).scheme("Blues")
    return heatmap.Panel().calculate(calculate=False).color(colours)


PAINTERS: Mapping[Kind, Callable[[], Builder]] = {
    "stat": _stat,
    "lines": _lines,
    "stack": _stack,
    "bars": _bars,
    "bargauge": _bargauge,
    "table": _table,
    "heatmap": _heatmap,
}
