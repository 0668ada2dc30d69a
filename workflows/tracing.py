"""Every name under which a run can be found or read: search attributes, task queues, summaries, places in traces."""

import hashlib
import re
from typing import NamedTuple, Self

from temporalio.common import SearchAttributeKey

from workflows.models import preview

STATUS = SearchAttributeKey.for_keyword("CallsheetStatus")
PIPELINE = SearchAttributeKey.for_keyword("CallsheetPipeline")
AGENT = SearchAttributeKey.for_keyword("CallsheetAgent")
RUN = SearchAttributeKey.for_keyword("CallsheetRun")
AWAITING_REVIEW = SearchAttributeKey.for_bool("CallsheetAwaitingReview")
COST_USD = SearchAttributeKey.for_float("CallsheetCostUsd")
TENANT = SearchAttributeKey.for_keyword("CallsheetTenant")
OWNER = SearchAttributeKey.for_keyword("CallsheetOwner")
QUESTION_KIND = SearchAttributeKey.for_keyword("CallsheetQuestionKind")
ASKED_AT = SearchAttributeKey.for_datetime("CallsheetAskedAt")
DUE_AT = SearchAttributeKey.for_datetime("CallsheetDueAt")

SEARCH_ATTRIBUTES = {
    STATUS.name: "Keyword",
    PIPELINE.name: "Keyword",
    AGENT.name: "Keyword",
    RUN.name: "Keyword",
    AWAITING_REVIEW.name: "Bool",
    COST_USD.name: "Double",
    TENANT.name: "Keyword",
    OWNER.name: "Keyword",
    QUESTION_KIND.name: "Keyword",
    ASKED_AT.name: "Datetime",
    DUE_AT.name: "Datetime",
}
"""What a namespace must know before the first run."""

SUMMARY = 180
"""Characters of an activity's summary; the server cuts at 400 bytes."""


RUNS = f"{PIPELINE.name} is not null and ParentWorkflowId is null"
"""Finds runs in the server's list, whoever's pipeline they are of: each names its pipeline, and is nobody's item."""
ITEMS = f"{PIPELINE.name} is not null and ParentWorkflowId is not null"


TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


_RUN = 12


class Place(NamedTuple):
    """A place in a trace: 32 and 16 hexadecimal digits; without a span above it, it is a root.

    `flags` are the two digits of whoever began the trace elsewhere; empty where it began here.
    """

    trace_id: str
    span_id: str
    flags: str = ""

    @classmethod
    def read(cls, traceparent: str) -> Self | None:
        """Read a W3C `traceparent`; None when it is none."""
        found = TRACEPARENT.fullmatch(traceparent)
        return cls(*found.groups()) if found else None

    @property
    def sampled(self) -> bool:
        """Tell whether whoever began the trace records it; one that began here is for our sampler to decide."""
        return not self.flags or bool(int(self.flags, 16) & 1)


class Ai:
    """Names of the conventions for generative AI, which are in development; their package marks all as deprecated."""

    OPERATION = "gen_ai.operation.name"
    PROVIDER = "gen_ai.provider.name"
    WORKFLOW = "gen_ai.workflow.name"
    AGENT = "gen_ai.agent.name"
    CONVERSATION = "gen_ai.conversation.id"
    REQUEST_MODEL = "gen_ai.request.model"
    MAX_TOKENS = "gen_ai.request.max_tokens"
    RESPONSE_MODEL = "gen_ai.response.model"
    RESPONSE_ID = "gen_ai.response.id"
    FINISH_REASONS = "gen_ai.response.finish_reasons"
    INPUT_TOKENS = "gen_ai.usage.input_tokens"
    OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
    REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
    CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
    CACHE_CREATION_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
    CACHE_WRITE_TOKENS = "gen_ai.usage.cache_write.input_tokens"  # its successor
    COST = "gen_ai.usage.cost"  # no convention, but what Langfuse and OpenLIT read
    TOOL = "gen_ai.tool.name"
    TOOL_CALL = "gen_ai.tool.call.id"
    TOOL_TYPE = "gen_ai.tool.type"
    SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
    INPUT_MESSAGES = "gen_ai.input.messages"
    OUTPUT_MESSAGES = "gen_ai.output.messages"
    TOOL_ARGUMENTS = "gen_ai.tool.call.arguments"
    TOOL_RESULT = "gen_ai.tool.call.result"


class At:
    """All other attributes. A cost that others add up stands on `chat` spans only; our sums have names of our own."""

    ERROR_TYPE = "error.type"
    SESSION = "session.id"
    WORKFLOW_ID = "temporal.workflow.id"
    WORKFLOW_RUN_ID = "temporal.run.id"
    RUN = "callsheet.run"
    ITEM = "callsheet.item"
    TENANT = "callsheet.tenant"
    PIPELINE = "callsheet.pipeline"
    MARKER = "callsheet.marker"
    QUESTION = "callsheet.question"
    QUESTION_KIND = "callsheet.question.kind"
    OWNER = "callsheet.owner"
    CHOICE = "callsheet.choice"
    BY = "callsheet.by"
    STATUS = "callsheet.status"
    REQUEST_ID = "callsheet.request_id"
    ATTEMPT = "callsheet.attempt"
    CALL_KIND = "callsheet.call.kind"
    BATCHED = "callsheet.call.batched"
    REFUSAL = "callsheet.tool.refusal"
    LOGFIRE_COST = "operation.cost"
    COST_MICRO_USD = "agent.cost.usd_micros"
    COST_KNOWN = "agent.cost.known"
    COST_SOURCE = "agent.cost.source"
    TURN = "agent.turn.number"
    TURN_STOP = "agent.turn.stop"
    TURN_COST = "agent.turn.cost_usd"
    TURN_LLM_CALLS = "agent.turn.llm_calls"
    TURN_TOOL_CALLS = "agent.turn.tool_calls"
    TURN_TOOL_ERRORS = "agent.turn.tool_errors"
    TURN_TOKENS = "agent.turn.tokens"
    ENDED = "agent.ended"
    AGENT_COST = "agent.conversation.cost_usd"
    AGENT_TURNS = "agent.conversation.turns"
    AGENT_LLM_CALLS = "agent.conversation.llm_calls"
    AGENT_TOKENS = "agent.conversation.tokens"
    WORKFLOW_COST = "agent.workflow.cost_usd"
    WORKFLOW_TURNS = "agent.workflow.turns"
    WORKFLOW_TOOL_CALLS = "agent.workflow.tool_calls"
    WORKFLOW_ASKED = "agent.workflow.questions"
    HISTORY_EVENTS = "temporal.history.events"
    HISTORY_BYTES = "temporal.history.bytes"


INVOKE_WORKFLOW = "invoke_workflow"
INVOKE_AGENT = "invoke_agent"
TURN = "turn"
CHAT = "chat"
EXECUTE_TOOL = "execute_tool"
START = "start"
OPENED = "opened"
STAGE = "stage"
AWAITING_PERSON = "awaiting_person"
EVENT = "callsheet.event"
"""What the attributes of events begin with; they are named as in the log."""


def trace_id(name: str) -> str:
    """Name the trace of an invocation: the same in every worker and after every restart."""
    return hashlib.sha256(f"trace:{name}".encode()).hexdigest()[:32]


def span_id(*names: object) -> str:
    """Name a span by what it is of: what is told twice has the same name twice."""
    return hashlib.sha256("\x1f".join(("span", *map(str, names))).encode()).hexdigest()[:16]


def agent_span(conversation: str) -> str:
    """Name the span of an agent's whole conversation."""
    return span_id(INVOKE_AGENT, conversation)


def turn_span(conversation: str, turn: int) -> str:
    """Name the span of a turn; what came before the first one belongs to the agent's."""
    return span_id(TURN, conversation, turn) if turn else agent_span(conversation)


def chat_span(conversation: str, attempt: int) -> str:
    """Name the span of one attempt at a model call."""
    return span_id(CHAT, conversation, attempt)


def tool_span(conversation: str, call: str) -> str:
    """Name the span of one tool call."""
    return span_id(EXECUTE_TOOL, conversation, call)


def invocation_id(workflow_id: str, first_run_id: str) -> str:
    """Name an invocation. A run's id begins with the time, so two of one workflow id differ only towards its end."""
    return f"{workflow_id}/{first_run_id[-_RUN:]}"


def conversation_id(workflow_id: str, first_run_id: str, number: int, agent: str) -> str:
    """Name a conversation: unique for ever, and the same again after a reset."""
    return f"{workflow_id}#{first_run_id[-_RUN:]}/{number}.{agent}"


def invocation_of(conversation: str, workflow_id: str) -> str:
    """Name the invocation that a conversation belongs to; empty when it was not named by `conversation_id`."""
    ours, run = f"{workflow_id}#", conversation[len(workflow_id) + 1 :].partition("/")[0]
    return f"{workflow_id}/{run}" if conversation.startswith(ours) and len(run) == _RUN else ""


def invocation_name(workflow_type: str) -> str:
    """Name what is invoked by the type of its workflow: `ShootItem` is `shoot_item`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", workflow_type).lower()


def queue(base: str, part: str) -> str:
    """Name the task queue for one part of the work, e.g. `callsheet-model`."""
    return f"{base}-{part}"


def turn_summary(agent: str, turn: int, what: str = "") -> str:
    """Say in one line what an activity does, for the Temporal UI: `planner · turn 2 · render_shot(...)`."""
    return preview(" · ".join(part for part in (agent, f"turn {turn}", what) if part), SUMMARY)


def dollars(micro_usd: int) -> str:
    """Write micro-dollars as dollars."""
    return f"${micro_usd / 1_000_000:.4f}"


def literal(text: str) -> str:
    """Write a text as a literal of the server's list queries."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
