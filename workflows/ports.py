"""What the workflows ask of the world, as abstract typed activities.

Each port is implemented by one class in `activities`; an implementing method repeats `@activity.defn(name=...)` with
the name given here. Names read as a story in the Temporal UI. One value in, one value out, all of bounded size.
"""

from abc import ABC, abstractmethod

from temporalio import activity

from workflows.models import (
    AccountQuery,
    Begun,
    Closed,
    Closing,
    Compacted,
    Cut,
    Delivery,
    Done,
    FactSheet,
    Finished,
    ItemRecord,
    Judgement,
    JudgeRequest,
    LaidOut,
    Layout,
    MeasureRequest,
    Notice,
    Opened,
    Opening,
    Outcomes,
    Page,
    PageRequest,
    Proof,
    Reply,
    RunOrder,
    Shoot,
    Standing,
    Submission,
    Tended,
    TendRequest,
    ToolUse,
    TopUp,
    TurnRequest,
    Verified,
    VerifyRequest,
)
from workflows.models.slates import SlateRound, SlateState


class Conversations(ABC):
    """The append-only store of messages."""

    @activity.defn(name="open_conversation")
    @abstractmethod
    async def open(self, opening: Opening) -> Opened:
        """Pin the agent and write the first message."""

    @activity.defn(name="close_conversation")
    @abstractmethod
    async def close(self, closing: Closing) -> Closed:
        """Record how a conversation ended; one that a ruling ended may be opened again."""


class Invocations(ABC):
    """When workflows in which agents work began, and what became of them."""

    @activity.defn(name="begin_invocation")
    @abstractmethod
    async def begin(self, begun: Begun) -> Done:
        """Keep that it began, once."""

    @activity.defn(name="finish_invocation")
    @abstractmethod
    async def finish(self, finished: Finished) -> Done:
        """Keep what became of it, once."""


class Model(ABC):
    """The language model."""

    @activity.defn(name="call_model")
    @abstractmethod
    async def call(self, request: TurnRequest) -> Reply:
        """Append this turn's user message, call the model once, store its reply."""

    @activity.defn(name="compact_conversation")
    @abstractmethod
    async def compact(self, cut: Cut) -> Compacted:
        """Shorten what the model reads from now on; the originals stay."""

    @activity.defn(name="judge_drift")
    @abstractmethod
    async def judge(self, request: JudgeRequest) -> Judgement:
        """Have the last turns judged against the contract, in a fresh context."""


class Batches(ABC):
    """Calls that can wait, handed in together at half the price."""

    @activity.defn(name="tend_batches")
    @abstractmethod
    async def tend(self, request: TendRequest) -> Tended:
        """Hand in what waits, deliver what came back, and tell the workflows that wait for it."""


class Ledger(ABC):
    """The accounts that every call is charged to, each with its cap."""

    @activity.defn(name="top_up_budget")
    @abstractmethod
    async def top_up(self, order: TopUp) -> Standing:
        """Raise a cap by a person's decision, once."""

    @activity.defn(name="read_budget")
    @abstractmethod
    async def read(self, query: AccountQuery) -> Standing:
        """Tell where an account stands; one that nobody charged yet has spent nothing."""


class Tools(ABC):
    """The tools of all agents."""

    @activity.defn(name="use_tools")
    @abstractmethod
    async def use(self, use: ToolUse) -> Outcomes:
        """Check and run a batch of calls; every refusal is an outcome, never an error."""


class People(ABC):
    """How people are told."""

    @activity.defn(name="tell_people")
    @abstractmethod
    async def tell(self, notice: Notice) -> Done:
        """Tell people, and keep what they were told."""


class Channels(ABC):
    """The ways to people. None of them is waited for."""

    @activity.defn(name="deliver_notice")
    @abstractmethod
    async def deliver(self, delivery: Delivery) -> Done:
        """Send a kept notice through a channel, and keep that it was sent."""

    @activity.defn(name="give_up_notice")
    @abstractmethod
    async def give_up(self, delivery: Delivery) -> Done:
        """Keep that it could not be sent, and why."""


class Decisions(ABC):
    """Proves who decided."""

    @activity.defn(name="verify_decision")
    @abstractmethod
    async def verify(self, submission: Submission) -> Proof:
        """Check signature, age, workflow, tenant and role of a decision, and that it was not used before."""


class Studio(ABC):
    """Measures images."""

    @activity.defn(name="measure_image")
    @abstractmethod
    async def measure(self, request: MeasureRequest) -> FactSheet:
        """Measure the stored bytes against the rules of the shot's venue."""


class Catalog(ABC):
    """Briefs, items and published entries."""

    @activity.defn(name="open_shoot")
    @abstractmethod
    async def open_shoot(self, order: RunOrder) -> Shoot:
        """Read the brief."""

    @activity.defn(name="lay_out_items")
    @abstractmethod
    async def lay_out(self, layout: Layout) -> LaidOut:
        """Turn the plan into items, once."""

    @activity.defn(name="page_items")
    @abstractmethod
    async def page(self, request: PageRequest) -> Page:
        """Read some of the items."""

    @activity.defn(name="verify_published")
    @abstractmethod
    async def verify(self, request: VerifyRequest) -> Verified:
        """Re-open what was published and prove that it is this digest with its provenance mark."""

    @activity.defn(name="record_item")
    @abstractmethod
    async def record(self, state: ItemRecord) -> Done:
        """Keep an item's final outcome."""


class Slates(ABC):
    """The runs of batches."""

    @activity.defn(name="tend_slate")
    @abstractmethod
    async def tend(self, order: SlateRound) -> SlateState:
        """Note which runs have ended, and start as many as there is room for."""

    @activity.defn(name="call_off_slate")
    @abstractmethod
    async def call_off(self, order: SlateRound) -> SlateState:
        """Cancel what runs, and see it to its end; start nothing."""
