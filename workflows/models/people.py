"""What people answer, how it is proved, and what is kept of it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from workflows.models.base import Value
from workflows.models.questions import Question
from workflows.models.roles import Choice, Role

NoticeKind = Literal[
    "question",  # somebody is asked; the one notice that holds the whole evidence
    "reminder",  # an owner is reminded
    "moved",  # nobody answered in time, and the next of the chain is asked
    "claimed",
    "released",
    "reassigned",
    "answered",  # one of several calls is decided, others are still open
    "decided",  # a person has decided
    "held",  # nobody has answered in time, and it is waited on
    "expired",  # nobody has, and the declared fallback applies
    "conflict",  # an answer that came second, too late, or to something else
    "refused",  # an answer that is not proved: forged, replayed, too old, without the right
    "viewed",  # somebody has looked; kept by the desk
]


class Seal(Value):
    """Who decided, proved: made by the desk or the starter for somebody whom they authenticated.

    `signature` is Ed25519 over the whole decision and this seal without it (`activities/signing.py`), by the key `key`.
    `issuer` says who vouches for the name, e.g. `desk` or `starter:USER`. `nonce` makes the decision count once.
    """

    workflow: str = Field(max_length=1_200)
    role: Role
    tenants: tuple[Annotated[str, Field(max_length=200)], ...] = Field(max_length=200)
    issuer: str = Field(max_length=200)
    at: datetime
    nonce: str = Field(min_length=16, max_length=100)
    key: str = Field(max_length=64)
    signature: str = Field(default="", max_length=200)


class Decision(Value):
    """A person's answer, or their move.

    `question` and `digest` say what was answered: a sealed decision names both, in one without a seal empty means the
    open one. `call` names one of several calls; empty means all that are open, or that there are none. `edited` is what
    runs instead: an instruction, or the arguments of the call as JSON.
    """

    choice: Choice
    by: str = Field(min_length=1, max_length=200)
    note: str = Field(default="", max_length=4_000)
    question: str = Field(default="", max_length=1_200)
    digest: str = Field(default="", max_length=100)
    to: str = Field(default="", max_length=200, description="new owner, for `reassign`")
    call: str = Field(default="", max_length=200)
    edited: str = Field(default="", max_length=16_000, description="what runs instead, for `edit`")
    micro_usd: int = Field(
        default=0, ge=0, le=10**12, description="for `top_up`: dollars x 1,000,000; 0: it was raised already"
    )
    seal: Seal | None = None

    @property
    def role(self) -> Role:
        """The role of the decider. A decision without a seal is only heard in development mode, as an operator's."""
        return self.seal.role if self.seal else "operator"


class Receipt(Value):
    """Tells the decider that the answer was taken. `overrides` are the rules that it goes against."""

    question: str
    choice: Choice
    by: str
    at: datetime
    call: str = ""
    overrides: tuple[str, ...] = ()


class Notice(Value):
    """Something people are to be told, and that is kept.

    `decision` is there where somebody answered. `by` is who looked, `why` says what was wrong with an answer, as
    `Type: words`.
    """

    kind: NoticeKind
    question: Question
    decision: Decision | None = None
    at: datetime
    by: str = ""
    why: str = ""


class Submission(Value):
    """A decision as a workflow got it, to be proved before anything is done. `key` names this arrival of it."""

    workflow: str
    tenant: str
    least: Role
    decision: Decision
    at: datetime
    key: str


class Proof(Value):
    """Whether a decision is what it says; `refusal` is the type of what is wrong, empty when nothing is."""

    refusal: str = ""
    text: str = ""


class Delivery(Value):
    """Sends a kept notice through a channel; `error` says why that was given up."""

    notice: str
    channel: str
    error: str = ""


class Errand(Value):
    """Has a kept notice carried through these channels."""

    notice: str
    channels: tuple[str, ...]
