"""What the alerts on model, tools, quality and the watching itself are tried on."""

from tests.observability.rule_cases import (
    CRITIC,
    DAY,
    MODEL,
    MONEY,
    PIPELINE,
    TOOL,
    WORK,
    Case,
    called,
    calls,
    errors,
    grows,
    items,
    jumps,
    refused,
    stays,
    stops,
    tokens,
    turns,
)

SLOW = 'agent_llm_call_duration_ms_bucket{model="m", le="%s"}'
COUNT = 'agent_llm_call_duration_ms_count{model="m"}'
FIRST = 'agent_item_first_pass_total{pipeline="image_production"}'
WAITING = 'agent_questions_waiting{kind="review"}'
FAILED = 'otelcol_exporter_send_failed_spans_total{exporter="otlphttp/traces"}'
WORKER, COLLECTOR = 'up{job="callsheet", instance="w:1"}', 'up{job="collector", instance="c:1"}'

MODEL_CASES = {
    "ModelIsOverloaded": (
        Case(
            "20m",
            calls(grows(6), "billed") | calls(grows(4), "free") | errors("overloaded", grows(4)),
            MODEL,
            "40% of the calls of m were turned away",
        ),
        Case("20m", calls(grows(9)) | calls(grows(1), "free") | errors("overloaded", grows(1))),
        Case("20m", calls(grows(0.2)) | calls(grows(0.4), "free") | errors("overloaded", grows(0.4))),
    ),
    "ModelStumbles": (
        Case(
            "20m",
            calls(grows(8)) | calls(grows(2), "unknown") | errors("stream", grows(2)),
            MODEL,
            "20% of the calls of m broke",
        ),
        Case("20m", calls(grows(8)) | calls(grows(2), "free") | errors("overloaded", grows(2))),
        Case("20m", calls(grows(99)) | calls(grows(1), "unknown") | errors("stream", grows(1))),
    ),
    "ModelRejectsUs": (
        Case("21m", errors("rejected", jumps(1, after=20)), MODEL, "m rejects our calls"),
        Case("21m", errors("rejected", stays(7))),
    ),
    "ModelRefuses": (
        Case(
            "80m",
            turns(grows(10), "critic") | stops("refusal", grows(1)),
            CRITIC,
            "critic is refused 10% of its turns",
        ),
        Case("80m", turns(grows(100), "critic") | stops("refusal", grows(1))),
    ),
    "RepliesAreCutOff": (
        Case(
            "80m",
            turns(grows(4), "critic") | stops("max_tokens", grows(1)),
            CRITIC,
            "25% of the replies to critic are cut off",
        ),
        Case("80m", turns(grows(40), "critic") | stops("max_tokens", grows(1))),
    ),
    "ModelIsSlow": (
        Case(
            "40m",
            {SLOW % "60000": grows(0), SLOW % "120000": grows(10), SLOW % "+Inf": grows(10), COUNT: grows(10)},
            MODEL,
            "One in twenty calls of m takes longer than 117k ms",
        ),
        Case(
            "40m", {SLOW % "60000": grows(10), SLOW % "120000": grows(10), SLOW % "+Inf": grows(10), COUNT: grows(10)}
        ),
    ),
    "CacheCollapses": (
        Case(
            "24h45m",
            tokens("input", f"{grows(1_000, 1_440)} {grows(10_000, 60, start=1_450_000)}")
            | tokens("cache_read", f"{grows(9_000, 1_440)} 12960000x60"),
            {},
            "Only 0% of the prompts come from the cache, less than half of what is usual",
        ),
        Case("24h45m", tokens("input", grows(1_000, DAY)) | tokens("cache_read", grows(9_000, DAY))),
        Case(
            "24h45m",  # hardly anything is asked
            tokens("input", f"{grows(1_000, 1_440)} {grows(100, 60, start=1_440_100)}")
            | tokens("cache_read", f"{grows(9_000, 1_440)} 12960000x60"),
        ),
    ),
}

TOOL_CASES = {
    "ArgumentsAreWrong": (
        Case(
            "80m",
            called(grows(3)) | called(grows(1), "refused") | refused("schema", grows(1)),
            TOOL,
            "25% of the calls of render_shot do not fit its schema",
        ),
        Case("80m", called(grows(19)) | called(grows(1), "refused") | refused("schema", grows(1))),
    ),
    "IdsAreMadeUp": (
        Case(
            "80m",
            called(grows(3)) | called(grows(1), "refused") | refused("reference", grows(1)),
            TOOL,
            "25% of the calls of render_shot name what does not exist",
        ),
        Case("80m", called(grows(3)) | called(grows(1), "refused") | refused("schema", grows(1))),
        Case("80m", called(stays(3)) | called("0x30 2x60", "refused") | refused("reference", "0x30 2x60")),
    ),
    "ToolFails": (
        Case(
            "80m",
            called(grows(3)) | called(grows(1), "refused") | refused("raised", grows(1)),
            TOOL,
            "25% of the calls of render_shot raised an error",
        ),
        Case("80m", called(grows(99)) | called(grows(1), "refused") | refused("raised", grows(1))),
    ),
    "EffectIsUnknown": (
        Case(
            "81m",
            refused("unknown_outcome", jumps(1, after=80)),
            TOOL,
            "Nobody knows whether a call of render_shot took effect, and a person is asked",
        ),
        Case("81m", refused("schema", jumps(1, after=80))),
    ),
}

QUALITY_CASES = {
    "FirstPassYieldFalls": (
        Case(
            "24h40m",
            items(grows(1, DAY)) | {FIRST: grows(0.2, DAY)},
            PIPELINE,
            "Only 20% of the items of image_production pass at the first take",
        ),
        Case(
            "24h40m", items(grows(1, DAY)), PIPELINE, "Only 0% of the items of image_production pass at the first take"
        ),
        Case("24h40m", items(grows(1, DAY)) | {FIRST: grows(0.6, DAY)}),
        Case("24h40m", items(stays(5, DAY)) | {FIRST: stays(0, DAY)}),
    ),
    "ItemsAreLost": (
        Case(
            "24h40m",
            items(grows(3, DAY)) | items(grows(1, DAY), "rejected"),
            PIPELINE,
            "25% of the items of image_production end without being published",
        ),
        Case("24h40m", items(grows(19, DAY)) | items(grows(1, DAY), "rejected")),
    ),
}

WATCHING = {
    "NoWorkerIsSeen": (
        Case("5m", {WORKER: stays(0)}, {}, "No worker has answered a scrape for two minutes"),
        Case("5m", {'up{job="prometheus"}': stays(1)}, {}, "No worker has answered a scrape for two minutes"),
        Case("5m", {WORKER: stays(1), 'up{job="callsheet", instance="w:2"}': stays(0)}),
    ),
    "WorkerIsDown": (
        Case(
            "10m",
            {WORKER: stays(0)},
            {"job": "callsheet", "instance": "w:1"},
            "The worker w:1 does not answer a scrape",
        ),
        Case("10m", {WORKER: stays(1)}),
    ),
    "CollectorIsDown": (
        Case(
            "10m",
            {COLLECTOR: stays(0)},
            {"job": "collector", "instance": "c:1"},
            "The collector c:1 does not answer a scrape",
        ),
        Case("10m", {COLLECTOR: stays(1)}),
        Case("10m", {WORKER: stays(1)}),  # nobody said that there is one
    ),
    "TelemetryIsDropped": (
        Case(
            "20m",
            {FAILED: grows(5)},
            {"exporter": "otlphttp/traces"},
            "The collector cannot hand on what it got to otlphttp/traces",
        ),
        Case("20m", {FAILED: stays(5)}),
    ),
    "RecordsAreNotRead": (
        Case("10m", {WORKER: stays(1)}, {}, "Workers answer, but tell nothing of what runs"),
        Case("10m", {WORKER: stays(1), WAITING: stays(0)}),
        Case("10m", {WORKER: stays(0)}),  # NoWorkerIsSeen says it
    ),
    "Watchdog": (Case("1m", {}, {}, "Always fires"),),
}

CASES = MONEY | WORK | MODEL_CASES | TOOL_CASES | QUALITY_CASES | WATCHING
