"""One turn of a conversation: what is asked of the model and the tools, and what comes back."""

from datetime import datetime, timedelta
from typing import Literal

from workflows.models.base import Small, Value
from workflows.models.money import Allowance, Purse, Usage

Effect = Literal["read", "write", "once"]
Effort = Literal["low", "medium", "high", "xhigh", "max"]
NoteKind = Literal["task", "remind", "nudge", "repair", "person", "cut_off", "last_turn", "funded", "gate"]
Patience = Literal["now", "batch"]
Stop = Literal[
    "end_turn",  # finished (also stop_sequence)
    "tool_use",  # calls to answer
    "max_tokens",  # cut off: its calls are never run
    "pause_turn",  # append unchanged and call again
    "refusal",  # HTTP 200, never retried blindly
    "context_exceeded",  # the prompt no longer fits the window
    "over_budget",  # not called: an account of the ledger does not cover what the call could cost
    "queued",  # not called yet: it waits for a batch, and a signal will say that the reply is there
    "held",  # not called: operators paused this work; `text` says who and why
    "broken",  # no or an unknown stop reason: execute nothing
    "rejected",  # the endpoint refused the request for good, or was away for too long; `text` says why
]


class Scope(Small):
    """For whom something is done: the ids that every record, span and log line carries."""

    run: str
    item: str = ""
    agent: str = ""
    tenant: str = "default"


class Contract(Value):
    """What was ordered. Held by the workflow, repeated word for word, never summarised."""

    goal: str
    constraints: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()

    def text(self) -> str:
        """Write the contract out, always in the same words."""
        parts = [f"Goal: {self.goal}"]
        parts += [f"Constraint: {line}" for line in self.constraints]
        parts += [f"Accepted when: {line}" for line in self.acceptance]
        return "\n".join(parts)


class Note(Value):
    """Text that the workflow adds at the tail of the conversation, and why."""

    kind: NoteKind
    text: str


class TurnRequest(Small):
    """Asks for the model's next message. Of constant size: messages stay in the store.

    The user message of this turn is written at position `head` (the results of all open calls first, then `notes`), the
    reply at the next one; both first writer wins. With `head == 1` or `resume` no user message is written. Open calls
    that have no result are answered with `interrupted` as an error; empty means that there must be none. `model` is
    asked instead of the pinned one, where the conversation fell back. With `gives_way` another one may be asked after
    it, so that no long delay is waited for.
    """

    conversation: str
    scope: Scope
    pin: str
    head: int
    turn: int
    notes: tuple[Note, ...] = ()
    resume: bool = False
    interrupted: str = ""
    without_tools: bool = False
    allowance: Allowance
    model: str = ""
    gives_way: bool = False
    patience: Patience = "now"


class Call(Small):
    """A tool call of a reply. Arguments stay in the store; digests are of canonical JSON, cut to 80 bits.

    `shape` is the digest with the jitter of arguments folded (case, white space, numbers rounded). Policy fields come
    from the pinned agent: an unknown tool is a quick read, because the toolbox will only refuse it.
    """

    id: str
    tool: str
    digest: str
    shape: str
    preview: str
    effect: Effect = "read"
    quick: bool = False
    queue: str = "tools"
    timeout: timedelta = timedelta(seconds=30)


class Reply(Small):
    """What the model answered, as a small record; the message itself is in the store.

    `output` is the text of a finished reply, at most 32 KiB (an over-long one is cut and will not parse); `text` is a
    preview. `context` is the number of tokens the conversation now holds. `micro_usd` includes failed attempts of this
    turn as far as they are known. `alert` asks for a pause because of what was spent. `seconds` is the wall time of the
    call.
    """

    head: int
    turn: int
    stop: Stop
    calls: tuple[Call, ...] = ()
    output: str | None = None
    text: str = ""
    usage: Usage = Usage()
    micro_usd: int = 0
    context: int = 0
    model: str = ""
    request_id: str = ""
    seconds: float = 0.0
    purse: Purse = Purse()
    alert: str = ""

    @property
    def held(self) -> str:
        """Say why the call was not made, where operators paused this work."""
        return self.text or self.stop if self.stop == "held" else ""


Refusal = Literal[
    "unknown_tool",
    "not_an_object",
    "schema",
    "reference",
    "owner",
    "permission",
    "conflict",
    "raised",
    "unknown_outcome",
    "approval",  # a person did not agree to it
]


class Outcome(Small):
    """What became of one tool call, as a small record; the result itself is in the store.

    `digest` is of the result's text. `asset` is the digest (`sha256:...`) of an artefact that the tool made.
    `escalation` is set when the tool asked for a person. `refusal` says at which check a refused call stopped.
    `agreed_by` is the person who agreed to it, where somebody had to.
    """

    call_id: str
    tool: str
    ok: bool
    digest: str
    preview: str
    hint: str = ""
    refusal: Refusal | None = None
    asset: str | None = None
    escalation: str | None = None
    milliseconds: float = 0.0
    agreed_by: str = ""


class GatedCall(Small):
    """A call that waits until a person agrees: exactly what would run, and why they are asked.

    `arguments` is the whole of it as canonical JSON, `digest` is of that text.
    """

    call_id: str
    tool: str
    arguments: str
    digest: str
    why: str


class CallRuling(Small):
    """What a person said to a gated call. `digest` is of the arguments that they saw; `edited` ones run instead."""

    call_id: str
    agreed: bool
    by: str
    digest: str = ""
    note: str = ""
    edited: str = ""


class Outcomes(Value):
    """The outcomes of one batch of calls, in the order of the calls; `gated` ones have none yet.

    `held` says that none of them ran, because operators paused this work: who and why.
    """

    each: tuple[Outcome, ...]
    gated: tuple[GatedCall, ...] = ()
    held: str = ""


class ToolUse(Small):
    """Runs a batch of calls of one reply: several reads, or a single write or once tool.

    `position` is that of the assistant message. `key` is the idempotency key of the batch, built from the
    conversation's name; a call's key is `key:call_id`. `grants` are asset ids that the gate or a person has cleared,
    `rulings` what people said to calls that needed it.
    """

    conversation: str
    scope: Scope
    pin: str
    position: int
    calls: tuple[str, ...]
    key: str
    grants: tuple[str, ...] = ()
    rulings: tuple[CallRuling, ...] = ()


class Done(Value):
    """An activity that has nothing else to say."""

    at: datetime | None = None
