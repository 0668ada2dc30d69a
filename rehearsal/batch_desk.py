"""The endpoints of the Message Batches API."""

from typing import Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from rehearsal.batches import Batch, Batches
from rehearsal.delivery import MARK, answer
from rehearsal.errors import ApiError
from rehearsal.incoming import Guard, call_of, content_of, json_of, page

MOST_BYTES: Final = 256 * 1024 * 1024
ROOT: Final = "/v1/messages/batches"


class BatchDesk:
    """Takes batches in and hands their results out."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def routes(self, guard: Guard) -> list[Route]:
        """The routes, each behind the guard that all endpoints share."""
        return [
            Route(ROOT, guard(self._create), methods=["POST"]),
            Route(ROOT, guard(self._list)),
            Route(f"{ROOT}/{{batch}}", guard(self._retrieve)),
            Route(f"{ROOT}/{{batch}}", guard(self._delete), methods=["DELETE"]),
            Route(f"{ROOT}/{{batch}}/results", guard(self._results)),
            Route(f"{ROOT}/{{batch}}/cancel", guard(self._cancel), methods=["POST"]),
        ]

    async def _create(self, http: HttpRequest, request_id: str) -> Response:
        raw = json_of(await content_of(http, MOST_BYTES))
        batch = self._batches.create(raw, call_of(http, request_id, batch=True), dict(http.headers))
        return answer(batch.as_json(str(http.base_url)), request_id)

    async def _list(self, http: HttpRequest, request_id: str) -> Response:
        known, base = self._batches.known, str(http.base_url)
        return answer(page(http, reversed(known), lambda name: known[name].as_json(base)), request_id)

    async def _retrieve(self, http: HttpRequest, request_id: str) -> Response:
        return answer(self._found(http).as_json(str(http.base_url)), request_id)

    async def _results(self, http: HttpRequest, request_id: str) -> Response:
        batch = self._found(http)
        if batch.ended is None:
            raise ApiError(f"{batch.id} has no results yet; it is still being processed")
        headers = {"request-id": request_id, **MARK}
        return StreamingResponse(batch.lines(), media_type="application/x-jsonl", headers=headers)

    async def _cancel(self, http: HttpRequest, request_id: str) -> Response:
        batch = self._found(http)
        self._batches.cancel(batch)
        return answer(batch.as_json(str(http.base_url)), request_id)

    async def _delete(self, http: HttpRequest, request_id: str) -> Response:
        batch = self._found(http)
        if batch.ended is None:
            raise ApiError(f"{batch.id} is still being processed; cancel it first")
        del self._batches.known[batch.id]
        return answer({"id": batch.id, "type": "message_batch_deleted"}, request_id)

    def _found(self, http: HttpRequest) -> Batch:
        name = http.path_params["batch"]
        if name not in self._batches.known:
            raise ApiError(f"batch: {name}", type="not_found_error")
        return self._batches.known[name]
