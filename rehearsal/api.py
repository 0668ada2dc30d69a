"""The endpoints of the Messages API."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from rehearsal.body import Body, Prompt, read_body, read_prompt
from rehearsal.cache import Clock, PromptCache, Search, marked
from rehearsal.cards import Card, by_id
from rehearsal.checks import check_output, check_prompt
from rehearsal.delivery import Delivery, Patience, answer, refusal
from rehearsal.errors import ApiError, outside_stream, rejected
from rehearsal.faults import ErrorEvent, HangUp, Reject
from rehearsal.journal import Entry, Journal
from rehearsal.pictures import Pictures
from rehearsal.player import Message, Performance, Player, Request, Tool
from rehearsal.prefix import Piece, normal, pieces
from rehearsal.replies import Setting, compose
from rehearsal.signatures import binding, check_signatures

MOST_BYTES: Final = 32 * 1024 * 1024
KIND: Final = "rule-based stand-in, no language model"
Endpoint = Callable[[HttpRequest, str], Awaitable[Response]]


class Api:
    """Checks requests, asks the player, and sends what it performs."""

    def __init__(self, player: Player, *, cards: Iterable[Card], clock: Clock | None, remembered: int) -> None:
        self.journal = Journal(remembered)
        self._clock = clock or (lambda: datetime.now(UTC))
        self._player = player
        self._cards = by_id(cards)
        self._cache = PromptCache(self._clock)
        self._pictures = Pictures()
        self._patience = Patience()
        self._served = 0
        self.app = Starlette(routes=self._routes(), exception_handlers={404: self._nowhere, 405: self._nowhere})

    def close(self) -> None:
        """End all waits."""
        self._patience.end()

    def _routes(self) -> list[Route]:
        return [
            Route("/v1/messages", self._guarded(self._messages), methods=["POST"]),
            Route("/v1/messages/count_tokens", self._guarded(self._count), methods=["POST"]),
            Route("/v1/models", self._guarded(self._models)),
            Route("/v1/models/{model}", self._guarded(self._model)),
            Route("/rehearsal", self._about),
        ]

    def _guarded(self, endpoint: Endpoint) -> Callable[[HttpRequest], Awaitable[Response]]:
        """Give the request its id, check the key, and turn refusals into answers."""

        async def guarded(request: HttpRequest) -> Response:
            request_id = self._next_id()
            try:
                _check_headers(request)
                return await endpoint(request, request_id)
            except ApiError as error:
                return refusal(error, request_id)

        return guarded

    async def _messages(self, http: HttpRequest, request_id: str) -> Response:
        raw = await _json(http)
        self.journal.open(Entry(self._clock(), request_id, raw, dict(http.headers)))
        try:
            return await self._perform(raw, request_id)
        except ApiError as error:
            self.journal.note(request_id, status=error.status, error=error.message)
            raise

    async def _perform(self, raw: Mapping[str, Any], request_id: str) -> Response:
        body = read_body(raw)
        said = normal(raw)
        card, chain = self._checked(body, said)
        check_output(body, card)
        dropped = check_signatures(said, card)
        request = _view(body, said)
        self.journal.note(request_id, agent=request.agent)
        performance = self._asked(request)
        await self._patience.wait(performance.delay)
        _reject(performance, stream=body.stream)
        search = self._cache.search(chain, card.least_cached)
        reply = compose(performance, Setting(body, card, binding(said), search.counted, dropped))
        if performance.fault != HangUp(after=0):
            self._begin(search, request_id, reply.message["usage"])
        return Delivery(
            reply,
            performance.fault,
            request_id,
            stream=body.stream,
            patience=self._patience,
            finished=lambda: self.journal.note(request_id, finished=True),
        )

    def _asked(self, request: Request) -> Performance:
        try:
            return self._player.reply(request)
        except ApiError:
            raise
        except Exception as error:  # a player's bug must not look like an outage, which would be retried for ever
            raise ApiError(f"the player failed: {type(error).__name__}: {error}") from error

    def _begin(self, search: Search, request_id: str, usage: Mapping[str, Any]) -> None:
        self._cache.keep(search)
        self.journal.begin(request_id, usage)

    def _checked(self, prompt: Prompt, said: Mapping[str, Any]) -> tuple[Card, tuple[Piece, ...]]:
        card = self._card(prompt.model)
        check_prompt(prompt, card)
        self._pictures.check(prompt)
        chain = marked(pieces(said, self._pictures.tokens), said.get("cache_control"))
        total = sum(piece.tokens for piece in chain)
        if total > card.max_input:
            raise ApiError(f"prompt is too long: {total} tokens > {card.max_input} maximum")
        return card, chain

    def _card(self, model: str) -> Card:
        card = self._cards.get(model)
        if card is None or card.lifecycle == "retired":
            raise ApiError(f"model: {model}", type="not_found_error")
        return card

    async def _count(self, http: HttpRequest, request_id: str) -> Response:
        raw = await _json(http)
        _, chain = self._checked(read_prompt(raw), normal(raw))
        return answer({"input_tokens": sum(piece.tokens for piece in chain)}, request_id)

    async def _models(self, http: HttpRequest, request_id: str) -> Response:
        names = list(self._cards)
        after, limit = http.query_params.get("after_id"), int(http.query_params.get("limit", "20"))
        start = names.index(after) + 1 if after in names else 0
        page = names[start : start + limit]
        listing = {
            "data": [self._cards[name].as_json() for name in page],
            "has_more": start + limit < len(names),
            "first_id": page[0] if page else None,
            "last_id": page[-1] if page else None,
        }
        return answer(listing, request_id)

    async def _model(self, http: HttpRequest, request_id: str) -> Response:
        model = http.path_params["model"]
        if model not in self._cards:
            raise ApiError(f"model: {model}", type="not_found_error")
        return answer(self._cards[model].as_json(), request_id)

    async def _about(self, _http: HttpRequest) -> Response:
        used = vars(self.journal.usage)
        about = {"kind": KIND, "player": type(self._player).__name__, "models": list(self._cards), "usage": used}
        return answer(about, self._next_id())

    async def _nowhere(self, http: HttpRequest, _error: Exception) -> Response:
        return refusal(ApiError(f"Not found: {http.method} {http.url.path}", type="not_found_error"), self._next_id())

    def _next_id(self) -> str:
        self._served += 1
        return f"req_{self._served:024d}"


def _check_headers(http: HttpRequest) -> None:
    bearer = http.headers.get("authorization", "").lower().removeprefix("bearer").strip()
    if not (bearer or http.headers.get("x-api-key")):
        raise ApiError("x-api-key header is required", type="authentication_error")
    if "anthropic-version" not in http.headers:
        raise ApiError("anthropic-version: header is required")


async def _json(http: HttpRequest) -> dict[str, Any]:
    content = await http.body()
    if len(content) > MOST_BYTES:
        raise ApiError("Request exceeds the maximum size", type="request_too_large")
    try:
        raw = json.loads(content)
    except ValueError as error:
        raise ApiError(f"The request body is not valid JSON: {error}") from None
    if not isinstance(raw, dict):
        raise ApiError("Input should be an object")
    return raw


def _view(body: Body, said: Mapping[str, Any]) -> Request:
    shape = body.output_config.format
    return Request(
        model=body.model,
        system="\n\n".join(block.text for block in body.system),
        messages=tuple(Message(message["role"], tuple(message["content"])) for message in said["messages"]),
        max_tokens=body.max_tokens,
        tools=tuple(Tool(tool.name, tool.description, tool.input_schema) for tool in body.tools),
        schema=shape.schema_ if shape else None,
        effort=body.output_config.effort,
        body=said,
    )


def _reject(performance: Performance, *, stream: bool) -> None:
    if isinstance(performance.fault, Reject):
        raise rejected(performance.fault)
    if isinstance(performance.fault, ErrorEvent) and not stream:
        raise outside_stream(performance.fault)
