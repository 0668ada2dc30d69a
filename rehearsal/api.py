"""The endpoints of the Messages API."""

from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from rehearsal.batch_desk import BatchDesk
from rehearsal.batches import Batches
from rehearsal.compaction import BETA
from rehearsal.delivery import Delivery, answer, refusal
from rehearsal.errors import ApiError, rejected
from rehearsal.faults import Reject
from rehearsal.incoming import Endpoint, Guarded, betas_of, call_of, check_headers, content_of, json_of, page
from rehearsal.journal import Entry
from rehearsal.stage import Stage

CLOSED: Final = 499
"""The status of an answer that nobody hears."""
KIND: Final = "rule-based stand-in, no language model"


class Api:
    """Takes requests in, and sends what the stage performs."""

    def __init__(self, stage: Stage, batch_delay: float) -> None:
        self.outage: Reject | None = None
        self.journal = stage.journal
        self._stage = stage
        self._batches = Batches(stage, self._next_id, batch_delay)
        self._served = 0
        self.app = Starlette(routes=self._routes(), exception_handlers={404: self._nowhere, 405: self._nowhere})

    async def close(self) -> None:
        """End all waits, and all work on batches."""
        self._stage.patience.end()
        await self._batches.close()

    def _routes(self) -> list[Route]:
        return [
            Route("/v1/messages", self._guarded(self._messages), methods=["POST"]),
            Route("/v1/messages/count_tokens", self._guarded(self._count), methods=["POST"]),
            *BatchDesk(self._batches).routes(self._guarded),
            Route("/v1/models", self._guarded(self._models)),
            Route("/v1/models/{model}", self._guarded(self._model)),
            Route("/rehearsal", self._about),
        ]

    def _guarded(self, endpoint: Endpoint) -> Guarded:
        """Give the request its id, check the key, and turn refusals into answers."""

        async def guarded(http: HttpRequest) -> Response:
            request_id = self._next_id()
            try:
                check_headers(http)
                if endpoint != self._messages:  # which writes down first whom it turns away
                    self._check_open()
                return await endpoint(http, request_id)
            except ApiError as error:
                return refusal(error, request_id)
            except ClientDisconnect:  # whoever asked was killed in the middle of it: nobody is there to be answered
                return Response(status_code=CLOSED)

        return guarded

    def _check_open(self) -> None:
        if self.outage is not None:
            raise rejected(self.outage)

    async def _messages(self, http: HttpRequest, request_id: str) -> Response:
        content = await content_of(http)
        raw = json_of(content)
        self.journal.open(Entry(self._stage.clock(), request_id, content, dict(http.headers)))
        try:
            self._check_open()
            staged = await self._stage.perform(raw, call_of(http, request_id))
        except ApiError as error:
            self.journal.note(request_id, status=error.status, error=error.message)
            raise
        return Delivery(
            staged.reply,
            staged.performance.fault,
            request_id,
            stream=staged.stream,
            patience=self._stage.patience,
            finished=lambda: self.journal.note(request_id, finished=True),
        )

    async def _count(self, http: HttpRequest, request_id: str) -> Response:
        raw = json_of(await content_of(http))
        return answer({"input_tokens": self._stage.count(raw, call_of(http, request_id))}, request_id)

    async def _models(self, http: HttpRequest, request_id: str) -> Response:
        cards, beta = self._stage.cards, BETA in betas_of(http)
        return answer(page(http, cards, lambda name: cards[name].as_json(beta=beta)), request_id)

    async def _model(self, http: HttpRequest, request_id: str) -> Response:
        model, cards = http.path_params["model"], self._stage.cards
        if model not in cards:
            raise ApiError(f"model: {model}", type="not_found_error")
        return answer(cards[model].as_json(beta=BETA in betas_of(http)), request_id)

    async def _about(self, _http: HttpRequest) -> Response:
        about = {
            "kind": KIND,
            "player": type(self._stage.player).__name__,
            "models": list(self._stage.cards),
            "usage": vars(self.journal.usage),
            "micro_usd": self.journal.known_bill,
        }
        return answer(about, self._next_id())

    async def _nowhere(self, http: HttpRequest, _error: Exception) -> Response:
        return refusal(ApiError(f"Not found: {http.method} {http.url.path}", type="not_found_error"), self._next_id())

    def _next_id(self) -> str:
        self._served += 1
        return f"req_{self._served:024d}"
