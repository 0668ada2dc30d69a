"""The model port on Claude: one turn of a conversation is one paid call, and is paid for once."""

from datetime import timedelta
from typing import Any, Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.anomalies import Anomalies
from activities.compactor import Compactor
from activities.conversations import ConversationStore
from activities.drafts import Draft
from activities.endings import to_its_end
from activities.heartbeats import beating
from activities.judge import DriftJudge
from activities.messages import calls_of
from activities.paid_calls import Order, Paid, PaidCalls, Unpaid
from activities.pauses import Pauses
from activities.pictures import Fetch, show
from activities.replies import content_of, read
from activities.requests import hour_bound, is_worth_warming, params_of, prefix_of, prompt_bound
from activities.tools.answers import small
from activities.usage import context_of
from activities.warmth import Warmth
from workflows.models import AccountQuery, Compacted, Cut, Judgement, JudgeRequest, Purse, Reply, TurnRequest
from workflows.ports import Model

LONG = timedelta(minutes=1)
"""A longer delay is not waited for where another model may be asked."""


class BatchDesk(Protocol):
    """Takes calls that can wait, to hand them in together at half the price."""

    async def queue(self, request: TurnRequest, order: Order, draft: Draft) -> Reply | Unpaid | None:
        """Keep an order until it is handed in, and say `queued`, or why it is refused; None: make the call now.

        Whoever brings the reply keeps it with `ClaudeModel.keep`; the same request finds it from then on.
        """


class ClaudeModel(Model):
    """Calls Claude, or any server that speaks its Messages API."""

    def __init__(  # noqa: PLR0913, PLR0917 - one part each for all that a turn needs
        self,
        store: ConversationStore,
        calls: PaidCalls,
        images: Fetch,
        compactor: Compactor,
        judge: DriftJudge,
        anomalies: Anomalies,
        warmth: Warmth,
        beat_seconds: float = 10.0,
        desk: BatchDesk | None = None,
        pauses: Pauses | None = None,
    ) -> None:
        """Call through `calls`; `images` fetches the bytes of an asset by its digest.

        A heartbeat is sent every `beat_seconds`, because a model can think in silence for minutes. Without a `desk` a
        call that could wait is made at once, and without `pauses` nothing can be paused.
        """
        self._store = store
        self._calls = calls
        self._images = images
        self._compactor = compactor
        self._judge = judge
        self._anomalies = anomalies
        self._warmth = warmth
        self._beat = beat_seconds
        self._desk = desk
        self._pauses = pauses

    @activity.defn(name="call_model")
    async def call(self, request: TurnRequest) -> Reply:
        """Append this turn's user message, call the model once, store its reply.

        Raises `ApplicationError`: retryable when the endpoint or the way to it failed, permanent when credentials,
        the model's name or our own records are wrong. All else is a reply; without a call nothing is written, so that
        the next request may say something else at the same place.
        """
        async with beating(self._beat):
            reply = await self._store.find_reply(request)
            if reply is None and (held := await self._held(request.conversation)):
                return Reply(head=request.head, turn=request.turn, stop="held", text=held)
            reply = reply or await self._take_turn_or_give_way(request)
            if reply.head == request.head:  # nothing was said, so there is nothing new to look at
                return reply
            return reply.model_copy(update={"alert": await self._anomalies.look(request.conversation)})

    @activity.defn(name="compact_conversation")
    async def compact(self, cut: Cut) -> Compacted:
        """Shorten what the model reads from now on; the originals stay."""
        async with beating(self._beat):
            if held := await self._held(cut.conversation):
                return Compacted(
                    dropped=0, context=0, summary_digest="", contract_digest="", strategy="none", held=held
                )
            return await self._compactor.compact(cut)

    @activity.defn(name="judge_drift")
    async def judge(self, request: JudgeRequest) -> Judgement:
        """Have the last turns judged against the contract, in a fresh context."""
        async with beating(self._beat):
            held = await self._held(request.conversation)
            return Judgement(held=held) if held else await self._judge.judge(request)

    async def order(self, request: TurnRequest, draft: Draft) -> Order:
        """Write the request of a draft, and bound what it takes."""
        pin, shown = draft.pin, await show(draft.messages, self._images)
        prompt = prompt_bound(pin, draft.messages, known=draft.known, since=draft.since, images=shown.tokens)
        return Order(
            conversation=request.conversation,
            position=request.head,
            turn=request.turn,
            kind="turn",
            params=params_of(pin, shown.messages, model=draft.model, without_tools=request.without_tools),
            prompt=prompt,
            hour=min(hour_bound(pin), prompt),
            max_tokens=min(request.allowance.max_tokens, request.allowance.tokens - prompt),
            least_tokens=_least(request),
            betas=draft.betas,
        )

    async def keep(self, request: TurnRequest, draft: Draft, paid: Paid) -> Reply:
        """Store a reply that was paid for and settle its bill, in one transaction; returns the reply that is kept."""
        return await to_its_end(self._keep(request, draft, paid))

    async def _held(self, conversation: str) -> str:
        return await self._pauses.over(conversation) if self._pauses else ""

    async def _take_turn_or_give_way(self, request: TurnRequest) -> Reply:
        """Take a turn; where the endpoint wants to be left alone for long, another model may answer sooner."""
        try:
            return await self._take_turn(request)
        except ApplicationError as error:
            if request.gives_way and (error.next_retry_delay or timedelta()) > LONG:
                raise ApplicationError(error.message, *error.details, type=error.type, non_retryable=True) from None
            raise

    async def _take_turn(self, request: TurnRequest) -> Reply:
        draft = await self._store.draft(request)
        await self._compare_prefix(request, draft)
        order = await self.order(request, draft)
        answer = await self._answer(request, draft, order)
        if isinstance(answer, Paid):
            return await self.keep(request, draft, answer)
        return await self._unanswered(request, order, answer) if isinstance(answer, Unpaid) else answer

    async def _answer(self, request: TurnRequest, draft: Draft, order: Order) -> Paid | Unpaid | Reply:
        if order.max_tokens < _least(request):
            text = (
                f"a call with up to {order.prompt} tokens to read needs more than the {request.allowance.tokens} left"
            )
            return Unpaid("over_budget", text)
        queued = None
        if self._desk is not None and request.patience == "batch":
            queued = await self._desk.queue(request, order, draft)
        return await self._pay(request, draft, order) if queued is None else queued

    async def _pay(self, request: TurnRequest, draft: Draft, order: Order) -> Paid | Unpaid:
        """Make the call; of many that begin with the same prefix one goes ahead and writes it to the cache."""
        if not is_worth_warming(draft.pin):
            return await self._calls.make(order)
        prefix = prefix_of(draft.pin, draft.model)
        if request.head > 1:  # its conversation has warmed it
            return await self._calls.make(order, self._warmth.begun(prefix))
        async with self._warmth.behind(prefix) as began:
            return await self._calls.make(order, began)

    async def _keep(self, request: TurnRequest, draft: Draft, paid: Paid) -> Reply:
        message, content = paid.message, content_of(paid.message)
        used = await self._store.used_ids(request.conversation, [call.id for call in calls_of(content)])
        reading, context = read(message, draft.pin, used), context_of(message)
        reply = Reply(
            head=draft.position + 1,
            turn=request.turn,
            stop=reading.stop,
            calls=reading.calls,
            output=reading.output,
            text=reading.text,
            usage=paid.bill.usage,
            context=context,
            model=small(str(message.get("model") or ""), 100, 200),
            request_id=small(paid.bill.request_id, 100, 200),
            seconds=round(paid.seconds, 3),
        )
        needs = self._needs(request, draft.model, context, min(hour_bound(draft.pin), context))
        return await self._store.commit(request, draft, content, reply, reading.unrun, paid=paid, needs=needs)

    async def _unanswered(self, request: TurnRequest, order: Order, unpaid: Unpaid) -> Reply:
        needs = self._needs(request, order.model, order.prompt, order.hour)
        return Reply(
            head=request.head,
            turn=request.turn,
            stop=unpaid.stop,
            text=small(unpaid.text, 300, 1_200),
            purse=await self._purse(request.conversation, unpaid.account, needs),
        )

    async def _purse(self, conversation: str, account: str, needs: int) -> Purse:
        """Read the purse; where an account refused the call, what that one can still reserve is what is left.

        That was too little, whatever others have given back to it in the meantime.
        """
        purse = await self._calls.ledger.purse(conversation, needs)
        if not account:
            return purse
        standing = await self._calls.ledger.read(AccountQuery(account=account))
        left = needs if standing.left is None else standing.left
        return purse.model_copy(update={"account": account, "left": min(left, max(needs - 1, 0))})

    def _needs(self, request: TurnRequest, model: str, prompt: int, hour: int) -> int:
        """Say what a call with so much to read has to reserve at least."""
        prices = self._calls.prices
        return prices.worst_case(model, prompt, _least(request), hour=hour) if prices.knows(model) else 0

    async def _compare_prefix(self, request: TurnRequest, draft: Draft) -> None:
        """Tell when this build writes another prefix than the one that the conversation began with.

        The cache of all earlier turns is lost, and with it thinking that models bind to it. The conversation goes on:
        a deploy must not end what is under way.
        """
        before, after = draft.pin.get("prefix"), prefix_of(draft.pin)
        if before in {None, after}:
            return
        data: dict[str, Any] = {"kind": "prefix_changed", "before": before, "after": after}
        await self._store.journal(request.scope, "ruling", data, conversation=request.conversation)


def _least(request: TurnRequest) -> int:
    return min(request.allowance.least_tokens, request.allowance.max_tokens)
