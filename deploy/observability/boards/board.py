"""Draws a dashboard: the variables, the rows, the links between dashboards, a number for every panel."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from deploy.observability.boards.panel import SOURCE
from deploy.observability.boards.panel import draw as draw_panel
from deploy.observability.boards.values import Board, Row

TAG = "callsheet"
EVERYTHING = ".*"


def draw(board: Board) -> build.Dashboard:
    """Draw it."""
    drawn = (
        build.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags([TAG])
        .time("now-6h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(_to_the_others())
        .annotation(_alerts())
    )
    agents, pipelines = "agent_turns_total", "agent_workflows_started_total"
    drawn.with_variable(_source()).with_variable(_choice("agent", "Agent", agents))
    drawn.with_variable(_choice("pipeline", "Pipeline", pipelines)).with_variable(_window())
    number = 1
    for row in board.rows:
        number = _row(drawn, row, number)
    return drawn


def _row(drawn: build.Dashboard, row: Row, number: int) -> int:
    drawn.with_row(build.Row(row.title).id(number))
    for offset, panel in enumerate(row.panels, 1):
        drawn.with_panel(draw_panel(panel).id(number + offset))
    return number + len(row.panels) + 1


def _to_the_others() -> build.DashboardLink:
    link = build.DashboardLink("Callsheet").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(as_dropdown=False).keep_time(keep_time=True).include_vars(include_vars=True)


def _alerts() -> build.AnnotationQuery:
    """Mark when alerts fired, on every graph."""
    marks = build.AnnotationQuery().name("Alerts").enable(enable=True).icon_color("red").datasource(SOURCE)
    return marks.expr('ALERTS{alertstate="firing", severity=~"page|ticket"}')


def _source() -> build.DatasourceVariable:
    return build.DatasourceVariable("source").label("Prometheus").type("prometheus")


def _choice(name: str, label: str, metric: str) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(f"label_values({metric}, agent_name)")
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(EVERYTHING)
        .current(model.VariableOption(selected=True, text="All", value="$__all"))
    )


def _window() -> build.IntervalVariable:
    """Say over how long medians and means are taken: what happens rarely needs hours."""
    usual = model.VariableOption(selected=True, text="1h", value="1h")
    return build.IntervalVariable("window").label("Medians over").values("5m,15m,1h,6h,24h").current(usual)
