"""A conversation as a whole: opened, shortened, judged, closed."""

from datetime import datetime
from typing import Any, Literal

from workflows.models.base import Small, Value
from workflows.models.money import Cap, Limits, Purse
from workflows.models.turns import Contract, Effort, Scope


class Opening(Value):
    """Opens a conversation: pins the agent and writes the first message.

    `images` are digests of assets that are shown with the task. `output_schema` is the JSON schema of the agent's
    output type. `conversation` is unique and chosen by the workflow; opening it twice is harmless. `caps` are the
    accounts that its calls are charged to, the nearest first; those of tenant and fleet come on top.
    """

    conversation: str
    scope: Scope
    agent: str
    instructions: str
    output_schema: dict[str, Any]
    tools: tuple[str, ...] = ()
    model: str
    effort: Effort = "medium"
    limits: Limits
    contract: Contract
    task: str
    images: tuple[str, ...] = ()
    workflow_id: str
    workflow_run_id: str
    pipeline: str = ""
    caps: tuple[Cap, ...] = ()


class Opened(Value):
    """The pinned agent's digest and how many messages the conversation holds (1: the task).

    `context` estimates the tokens of what has to stay in every request: instructions, tools and task.
    """

    conversation: str
    pin: str
    head: int = 1
    context: int = 0


class Cut(Value):
    """Compacts a conversation: message 0 and the last `keep` messages stay, the middle becomes a summary.

    It has to fit 40 % of `window` tokens afterwards. `model` is the one that the conversation fell back to, if it did.
    """

    conversation: str
    scope: Scope
    head: int
    turn: int
    keep: int = 6
    window: int = 200_000
    model: str = ""


Strategy = Literal["signed", "own", "plain", "none"]


class Compacted(Value):
    """What a cut did. `context` is the estimated number of tokens left; `dropped` counts messages.

    `strategy` wrote the summary: the API's signed one, a model's of our own, the plain list of results, or none, where
    nothing could be gained. `tried` says why the ones before it failed. `held` says that no cut was tried, because
    operators paused this work.
    """

    dropped: int
    context: int
    summary_digest: str
    contract_digest: str
    strategy: Strategy = "plain"
    tried: str = ""
    purse: Purse = Purse()
    held: str = ""


class JudgeRequest(Value):
    """Asks a judge in a fresh context whether the last `turns` turns still serve the contract."""

    conversation: str
    scope: Scope
    head: int
    turn: int
    turns: int
    model: str = ""


class Judgement(Value):
    """What the judge found. `score` is 0 to 100; a judge that could not be asked finds nothing: it never drifts.

    `held` says that nobody was asked, because operators paused this work.
    """

    drifts: bool = False
    score: int = 100
    reason: str = ""
    purse: Purse = Purse()
    held: str = ""


class Closed(Value):
    """What a conversation came to in money, the attempts included that never got a reply."""

    purse: Purse = Purse()


class Closing(Small):
    """Records how a conversation ended; `ruled` tells that a guard ended it, and not the agent."""

    conversation: str
    scope: Scope
    turn: int
    kind: str
    reason: str = ""
    ruled: bool = False
    at: datetime | None = None
