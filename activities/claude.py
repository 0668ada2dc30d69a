"""One streamed call of the Messages API: gathers the reply verbatim and classifies what can go wrong, once."""

import json
import math
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, cast

import anthropic
import httpx2
from anthropic.types import RawMessageStreamEvent
from temporalio.exceptions import ApplicationError

from activities.messages import Block
from activities.retry_delays import delay
from activities.tools.answers import small

_RETRYABLE_EVENTS = {"overloaded_error", "api_error", "timeout_error", "rate_limit_error"}
_FATAL_CODES = {"contract_spend_limit_reached", "enforced_spend_limit_reached"}
_REFUSED_CONTENT = {400, 413, 422}
_TOO_LARGE = 413
_OK = 400
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_GARBLED = (ValueError, TypeError, KeyError, AttributeError, IndexError, AssertionError, RuntimeError)


Began = Callable[[], Awaitable[None]]
"""Told once that the reply has begun: from then on what was sent can be read from the cache."""


class CallFailedError(Exception):
    """A call without a reply.

    `stop` is set where the endpoint refused what the conversation holds: a value for the agent, not an error. `billed`
    tells whether tokens may have been billed.
    """

    def __init__(
        self, error: ApplicationError, *, billed: bool, stop: Literal["rejected", "context_exceeded"] | None = None
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.billed = billed
        self.stop = stop
        self.text = ""


class Claude:
    """A client of the Messages API that never retries by itself."""

    def __init__(self, client: anthropic.AsyncAnthropic) -> None:
        """Call through `client`; its own retries are switched off, because Temporal's policy owns them."""
        self._client = client.with_options(max_retries=0)

    async def ask(
        self, params: Mapping[str, Any], began: Began | None = None, betas: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Send one request and wait for the whole reply, as the API sent it, with its `request_id`.

        With `betas` the beta endpoint is called: only it tells what the iterations inside a call used. Raises
        `CallFailedError`, without the SDK's error as its cause: that one quotes the conversation.
        """
        gathered = Gathering()
        try:
            async with await self._send(params, betas) as stream:
                await _gather(stream, gathered, began)
                request_id = stream.response.headers.get("request-id", "")
        except Exception as error:  # noqa: BLE001 - the one place that classifies; a cancellation passes
            raise classify(error, started=gathered.started) from None
        return {**gathered.message(), "request_id": request_id}

    async def _send(self, params: Mapping[str, Any], betas: Sequence[str]) -> Any:  # noqa: ANN401 - either stream
        if betas:
            create = cast("Any", self._client.beta.messages.create)
            return await create(**params, betas=list(betas), stream=True)
        return await cast("Any", self._client.messages.create)(**params, stream=True)


class Gathering:
    """Gathers the events of a stream into the message, changing nothing that the API sent."""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, Block] = {}
        self._inputs: dict[int, str] = {}
        self.started = False
        self.complete = False

    def take(self, event: dict[str, Any]) -> None:
        """Take one event; unknown kinds say nothing about the message."""
        kind = event.get("type")
        if kind == "message_start":
            self._message, self.started = dict(event["message"]), True
        elif kind == "content_block_start":
            self._blocks[int(event["index"])] = dict(event["content_block"])
        elif kind == "content_block_delta":
            self._extend(int(event["index"]), event["delta"])
        elif kind == "message_delta":
            self._message.update(event["delta"])
            counted = {name: count for name, count in (event.get("usage") or {}).items() if count is not None}
            self._message["usage"] = {**(self._message.get("usage") or {}), **counted}
        elif kind == "message_stop":
            self.complete = True

    def _extend(self, index: int, delta: dict[str, Any]) -> None:
        block, kind = self._blocks[index], delta.get("type")
        if kind == "text_delta":
            block["text"] = (block.get("text") or "") + delta["text"]
        elif kind == "thinking_delta":
            block["thinking"] = (block.get("thinking") or "") + delta["thinking"]
        elif kind == "signature_delta":
            block["signature"] = delta["signature"]
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        elif kind == "compaction_delta":  # comes once and whole, and goes back to the API as it came
            block.update({name: value for name, value in delta.items() if name != "type"})
        elif kind == "input_json_delta":
            self._inputs[index] = self._inputs.get(index, "") + delta["partial_json"]

    def message(self) -> dict[str, Any]:
        """Give the whole message. Input that is no JSON stays the text it is: the toolbox will say so to the model."""
        for index, text in self._inputs.items():
            if text:
                self._blocks[index]["input"] = _parsed(text)
        return {**self._message, "content": [self._blocks[index] for index in sorted(self._blocks)]}


def _parsed(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):
        return text


def _no_number(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


async def _gather(
    stream: AsyncIterable[RawMessageStreamEvent], gathered: Gathering, began: Began | None = None
) -> None:
    try:
        async for event in stream:
            told = gathered.started
            gathered.take(event.to_dict(warnings=False))
            if began is not None and gathered.started and not told:
                await began()
    except _GARBLED as error:
        raise ApplicationError(
            f"the stream was garbled: {type(error).__name__}", type="anthropic.garbled_stream"
        ) from None
    if not gathered.complete or not gathered.started:  # a stream that just ends raises nothing
        raise ApplicationError("the stream ended early", type="anthropic.truncated_stream")


def classify(error: Exception, *, started: bool) -> CallFailedError:
    """Say once and for all what an error means; `started` tells whether a reply had begun."""
    if isinstance(error, ApplicationError):
        return CallFailedError(error, billed=True)
    if isinstance(error, anthropic.APIStatusError):
        return _status_error(error, started=started)
    if isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException):
        sent = not isinstance(error, _NOT_SENT) and not isinstance(error.__cause__, _NOT_SENT)
        return CallFailedError(ApplicationError("model API timeout", type="anthropic.timeout"), billed=sent)
    if isinstance(error, anthropic.APIConnectionError | httpx2.RequestError):
        sent = not isinstance(error, _NOT_SENT) and not isinstance(error.__cause__, _NOT_SENT)
        lost = ApplicationError("model API connection failed", type="anthropic.connection")
        return CallFailedError(lost, billed=sent)
    ours = ApplicationError(f"unexpected {type(error).__name__}", type="model.unexpected", non_retryable=True)
    return CallFailedError(ours, billed=started)


def _status_error(error: anthropic.APIStatusError, *, started: bool) -> CallFailedError:
    status, kind = error.status_code, small(str(error.error_code or error.type or ""), 60, 120)
    kind = kind or f"http_{status}"
    retry = _is_retryable(error, kind)
    failed = CallFailedError(
        ApplicationError(
            f"model API error {status} {kind}",
            {"status": status, "request_id": error.request_id},
            type=f"anthropic.{kind}",
            non_retryable=not retry,
            next_retry_delay=delay(error.response.headers) if retry else None,
        ),
        billed=status < _OK and started,
    )
    if not retry and status in _REFUSED_CONTENT:
        said = str(error.api_message or "")
        # The one place that reads an error's words: no code tells an over-long prompt from a wrong one.
        too_long = status == _TOO_LARGE or "prompt is too long" in said.lower()
        failed.stop = "context_exceeded" if too_long else "rejected"
        failed.text = small(f"{kind}: {said}", 300, 1_200)
    return failed


def _is_retryable(error: anthropic.APIStatusError, kind: str) -> bool:
    status, hint = error.status_code, error.response.headers.get("x-should-retry")
    if kind in _FATAL_CODES:
        return False
    if status < _OK:  # an `error` event inside a stream that began with 200
        return error.type in _RETRYABLE_EVENTS
    if hint in {"true", "false"}:
        return bool(hint == "true")
    return status in {408, 409, 429} or status >= 500  # noqa: PLR2004 - the classes of HTTP
