"""Alerts on tools: calls that were refused before they ran, ids that were made up, tools that fail."""

from deploy.observability.clock import Clock
from deploy.observability.rules.values import Alert, Group

MADE_UP = "reference|owner|unknown_tool"
CALLS = "sum by (tool_name) (callsheet:tool_calls:increase1h)"


def group(clock: Clock) -> Group:
    """Make the alerts."""
    return Group("callsheet-tools", clock.pause("30s"), [*_refusals(clock), *_failures(clock)])


def _refusals(clock: Clock) -> list[Alert]:
    return [
        Alert(
            "ArgumentsAreWrong",
            _refused(clock, "not_an_object|schema", 0.15),
            clock.pause("10m"),
            "ticket",
            "{{ $value | humanizePercentage }} of the calls of {{ $labels.tool_name }} do not fit its schema",
            "Nothing wrong was run: agents get the schema back and try again, which costs turns. "
            "`starter.py trace RUN` has the arguments. The tool's description or its schema is not clear enough, or "
            "the model was changed.",
        ),
        Alert(
            "IdsAreMadeUp",
            _refused(clock, MADE_UP, 0.1),
            clock.pause("10m"),
            "ticket",
            "{{ $value | humanizePercentage }} of the calls of {{ $labels.tool_name }} name what does not exist",
            "Nothing wrong was run: agents get the nearest ids back. `starter.py trace RUN` has the ids. The agent "
            "mostly lacks a tool to look them up, or was told of ids that are gone.",
        ),
    ]


def _refused(clock: Clock, kinds: str, most: float) -> str:
    refused = f'sum by (tool_name) (callsheet:tool_refusals:increase1h{{refusal=~"{kinds}"}})'
    return f"{refused} / ({CALLS} >= {clock.volume(10)}) > {most}"


def _failures(clock: Clock) -> list[Alert]:
    raised = 'sum by (tool_name) (callsheet:tool_refusals:increase1h{refusal="raised"})'
    unknown = 'sum by (tool_name) (callsheet:tool_refusals:increase1h{refusal="unknown_outcome"})'
    return [
        Alert(
            "ToolFails",
            f"{raised} / ({CALLS} >= {clock.volume(5)}) > 0.1",
            clock.pause("5m"),
            "page",
            "{{ $value | humanizePercentage }} of the calls of {{ $labels.tool_name }} raised an error",
            "The log has the traceback under the event of the tool, without what it was called with. What is behind "
            "the tool is away, or the tool is broken.",
        ),
        Alert(
            "EffectIsUnknown",
            f"{unknown} > 0",
            clock.pause("0s"),
            "ticket",
            "Nobody knows whether a call of {{ $labels.tool_name }} took effect, and a person is asked",
            "A worker died, or an answer was lost, in the middle of a tool that must not run twice. Look in the system "
            "behind the tool under the idempotency key of the trace, then answer the question.",
        ),
    ]
