"""Alerts on the model: overloaded, stumbling, refusing us, refusing the work, slow, or paid for twice."""

from deploy.observability.clock import Clock
from deploy.observability.promql import grown, quantile
from deploy.observability.rules.records import TROUBLE
from deploy.observability.rules.values import Alert, Group

CROWDED = "rate_limit|overloaded"
WAITS = (
    "Calls are made again after what the endpoint asks for, so runs wait in plain sight and nothing is lost. "
    "`starter.py top` says `waits for the model endpoint`; the log has `error` entries with the kind."
)


def group(clock: Clock) -> Group:
    """Make the alerts."""
    made = [*_errors(clock), *_stops(clock), _slow(clock), _cache(clock)]
    return Group("callsheet-model", clock.pause("30s"), made)


def _errors(clock: Clock) -> list[Alert]:
    others = "|".join(kind for kind in TROUBLE.split("|") if kind not in CROWDED.split("|"))
    return [
        Alert(
            "ModelIsOverloaded",
            _error_share(clock, CROWDED, 0.2),
            clock.pause("5m"),
            "page",
            "{{ $value | humanizePercentage }} of the calls of {{ $labels.model }} were turned away",
            f"{WAITS} If it lasts: give agents a fallback model, or lower CALLSHEET_MODEL_RATE below the "
            "provider's limit.",
        ),
        Alert(
            "ModelStumbles",
            _error_share(clock, others, 0.1),
            clock.pause("5m"),
            "page",
            "{{ $value | humanizePercentage }} of the calls of {{ $labels.model }} broke",
            f"{WAITS} Look at the provider's status page, then at the way there: proxies, timeouts, certificates.",
        ),
        Alert(
            "ModelRejectsUs",
            'sum by (model) (callsheet:llm_errors:increase10m{kind="rejected"}) > 0',
            clock.pause("0s"),
            "page",
            "{{ $labels.model }} rejects our calls",
            "This is no fault that goes away: a wrong key, no credit, a model that is not there any more, or a request "
            "that the endpoint does not take. The `error` entry in the log says which; agents halt and ask a person.",
        ),
    ]


def _error_share(clock: Clock, kinds: str, most: float) -> str:
    errors = f'sum by (model) (callsheet:llm_errors:increase10m{{kind=~"{kinds}"}})'
    calls = "sum by (model) (callsheet:llm_calls:increase10m)"
    return f"{errors} / ({calls} >= {clock.volume(10)}) > {most}"


def _stops(clock: Clock) -> list[Alert]:
    return [
        Alert(
            "ModelRefuses",
            _stop_share(clock, "refusal", 0.02),
            clock.pause("10m"),
            "ticket",
            "{{ $labels.agent_name }} is refused {{ $value | humanizePercentage }} of its turns",
            "`starter.py transcript ID` shows what was asked. Briefs of one tenant, or one product, are mostly behind "
            "it. A fallback model is asked where an agent has one.",
        ),
        Alert(
            "RepliesAreCutOff",
            _stop_share(clock, "max_tokens", 0.1),
            clock.pause("10m"),
            "ticket",
            "{{ $value | humanizePercentage }} of the replies to {{ $labels.agent_name }} are cut off",
            "Its limit of output tokens is too low for what it is to say, or it is near its cap, where the output "
            "shrinks. docs/guards.md says how to choose limits.",
        ),
    ]


def _stop_share(clock: Clock, stop: str, most: float) -> str:
    stops = f'sum by (agent_name) (callsheet:llm_stops:increase1h{{stop="{stop}"}})'
    return f"{stops} / (callsheet:turns:increase1h >= {clock.volume(20)}) > {most}"


def _slow(clock: Clock) -> Alert:
    calls = grown(clock, "agent_llm_call_duration_ms_count", "15m", "model")
    p95 = quantile(0.95, grown(clock, "agent_llm_call_duration_ms_bucket", "15m", "model, le"))
    return Alert(
        "ModelIsSlow",
        f"{p95} > 60000 and on (model) ({calls} >= {clock.volume(20)})",
        clock.pause("15m"),
        "ticket",
        "One in twenty calls of {{ $labels.model }} takes longer than {{ $value | humanize }} ms",
        "Long outputs, high effort, or an endpoint under load: the spans `chat` have tokens and times side by side.",
    )


def _cache(clock: Clock) -> Alert:
    sent = 'sum(callsheet:llm_tokens:increase30m{type=~"input|cache_read|cache_write"})'
    return Alert(
        "CacheCollapses",
        f"callsheet:cache_hit:ratio30m < 0.5 * callsheet:cache_hit:ratio24h and callsheet:cache_hit:ratio24h > 0.2 "
        f"and on () ({sent} >= {clock.volume(50_000)})",
        clock.pause("10m"),
        "ticket",
        "Only {{ $value | humanizePercentage }} of the prompts come from the cache, less than half of what is usual",
        "Each prompt token then costs up to ten times as much. Something changes the prefix: a prompt or a tool that "
        "was edited, a date in a prompt, tools in another order; a ruling `prefix_changed` in the log names the agent. "
        "Pauses longer than the cache lives do it as well.",
    )
