"""The model port on Claude: one turn of a conversation is one paid call, and is paid for once."""

import time
from typing import Any

import anthropic
from temporalio import activity

from activities.attempts import Settled
from activities.claude import CallFailedError, Claude
from activities.conversations import ConversationStore
from activities.drafts import Draft
from activities.heartbeats import beating
from activities.messages import mark_long_turn, size_of, tool_definitions
from activities.pictures import Fetch, Shown, show
from activities.pricing import SOURCE, Prices
from activities.replies import content_of, read, usage_of
from activities.tools.answers import small
from workflows.models import Reply, Stop, TurnRequest
from workflows.ports import Model

_BYTES_PER_TOKEN = 2
_OVERHEAD = 600
_NO_EFFORT = ("claude-haiku-4-5", "claude-sonnet-4-5")
_NO_ADAPTIVE_THINKING = (*_NO_EFFORT, "claude-opus-4-5")


class ClaudeModel(Model):
    """Calls Claude, or any server that speaks its Messages API."""

    def __init__(
        self,
        client: anthropic.AsyncAnthropic,
        store: ConversationStore,
        prices: Prices,
        images: Fetch,
        beat_seconds: float = 10.0,
    ) -> None:
        """Call through `client`; `images` fetches the bytes of an asset by its digest.

        A heartbeat is sent every `beat_seconds`, because a model can think in silence for minutes.
        """
        self._claude = Claude(client)
        self._store = store
        self._prices = prices
        self._images = images
        self._beat = beat_seconds

    @activity.defn(name="call_model")
    async def call(self, request: TurnRequest) -> Reply:
        """Append this turn's user message, call the model once, store its reply.

        Raises `ApplicationError`: retryable when the endpoint or the way to it failed, permanent when credentials,
        the model's name or our own records are wrong. All else is a reply.
        """
        async with beating(self._beat):
            if (paid := await self._store.find_reply(request)) is not None:
                return paid
            draft = await self._store.draft(request)
            return await self._afford(request, draft)

    async def _afford(self, request: TurnRequest, draft: Draft) -> Reply:
        """Make the call fit the allowance, or say that it does not.

        Without a call nothing is written, so that the next request may say something else at the same place.
        """
        model = draft.pin["model"]
        spent = await self._store.attempts.spent(request)
        if not self._prices.knows(model):
            return _unanswered(request, "rejected", f"no price is known for the model {model}", spent)
        shown = await show(draft.messages, self._images)
        prompt = _prompt_tokens(draft, shown)
        cap = self._prices.fit(model, prompt, request.allowance, spent)
        if cap is None:
            text = f"a call with about {prompt} tokens to read costs more than is left"
            return _unanswered(request, "over_budget", text, spent)
        reserved = self._prices.worst_case(model, prompt, cap)
        return await self._pay(request, draft, _params(request, draft, shown, cap), reserved)

    async def _pay(self, request: TurnRequest, draft: Draft, params: dict[str, Any], reserved: int) -> Reply:
        attempts, began = self._store.attempts, time.monotonic()
        spent = await attempts.spent(request)
        attempt = await attempts.begin(request, params["model"], reserved, SOURCE)
        try:
            message = await self._claude.ask(params)
        except CallFailedError as failed:
            state: Settled = "unknown" if failed.billed else "free"
            await attempts.settle(attempt, state, error=failed.error.message)
            if failed.stop is None:
                raise failed.error from None
            return _unanswered(request, failed.stop, failed.text, spent)
        cost = self._prices.cost_of(message, params["model"])
        paid = cost.micro_usd if cost.known else reserved
        kept = await self._keep(request, draft, message, spent + paid, time.monotonic() - began)
        await attempts.settle(
            attempt, "billed" if cost.known else "unknown", micro_usd=paid, request_id=message["request_id"]
        )
        return kept

    async def _keep(
        self, request: TurnRequest, draft: Draft, message: dict[str, Any], micro_usd: int, seconds: float
    ) -> Reply:
        reading, usage = read(message, draft.pin, draft.used), usage_of(message)
        reply = Reply(
            head=draft.position + 1,
            turn=request.turn,
            stop=reading.stop,
            calls=reading.calls,
            output=reading.output,
            text=reading.text,
            usage=usage,
            micro_usd=micro_usd,
            context=usage.prompt + usage.output,
            model=small(str(message.get("model") or ""), 100, 200),
            request_id=small(message["request_id"], 100, 200),
            seconds=round(seconds, 3),
        )
        return await self._store.commit(request, draft, content_of(message), reply, reading.unrun)


def _params(request: TurnRequest, draft: Draft, shown: Shown, cap: int) -> dict[str, Any]:
    """Write the request. All but its tail is the same in every turn, so that it is read from the cache."""
    pin = draft.pin
    params: dict[str, Any] = {
        "model": pin["model"],
        "max_tokens": cap,
        "messages": mark_long_turn(shown.messages),
        "cache_control": {"type": "ephemeral"},
        "service_tier": "standard_only",  # other tiers have no price in our table
    }
    if pin["instructions"].strip():
        hour = {"type": "ephemeral", "ttl": "1h"}
        params["system"] = [{"type": "text", "text": pin["instructions"], "cache_control": hour}]
    if pin["tools"]:
        params["tools"] = tool_definitions(pin)
        if request.without_tools:  # taking the tools away would change the prefix, and orphan the calls in it
            params["tool_choice"] = {"type": "none"}
    config = {} if pin["model"].startswith(_NO_EFFORT) else {"effort": pin["effort"]}
    if pin["format"] is not None:
        config["format"] = {"type": "json_schema", "schema": pin["format"]}
    if config:
        params["output_config"] = config
    if not pin["model"].startswith(_NO_ADAPTIVE_THINKING):
        params["thinking"] = {"type": "adaptive"}
    return params


def _prompt_tokens(draft: Draft, shown: Shown) -> int:
    """Bound the prompt: what the API counted of it before, and half a token for every byte since."""
    fresh = size_of(draft.messages[draft.since :])
    if draft.known:
        return draft.known + -(-fresh // _BYTES_PER_TOKEN)
    pinned = size_of([draft.pin["instructions"], tool_definitions(draft.pin), draft.pin["format"]])
    return -(-(fresh + pinned) // _BYTES_PER_TOKEN) + shown.tokens + _OVERHEAD


def _unanswered(request: TurnRequest, stop: Stop, text: str, spent: int) -> Reply:
    return Reply(
        head=request.head,
        turn=request.turn,
        stop=stop,
        text=small(text, 300, 1_200),
        micro_usd=spent,
    )
