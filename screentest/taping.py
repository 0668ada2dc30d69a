"""Taping: a client whose conversations are kept as a cassette, while a real model replies."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

from activities.redaction import Redactor
from rehearsal.player import ROLE
from screentest.cassettes import Reply, Tape, prompt_of, steady, task_of, write_tape

MESSAGES = "/v1/messages"
ASKED = 200
LONGEST = 1_000_000


@asynccontextmanager
async def taped(path: Path, client: AsyncAnthropic, secrets: Iterable[str] = ()) -> AsyncIterator[AsyncAnthropic]:
    """Tape what a client is told, and write the cassette at the end of the block.

        async with taped(Path("spring.json"), AsyncAnthropic()) as model, play(Script({}), model=model) as stage:
            ...

    Only whole replies are kept: errors are not, and what is handed in as a batch is not. `secrets` are further regular
    expressions of what must not be in the file.
    """
    microphone = Microphone(httpx2.AsyncHTTPTransport(), Redactor(secrets))
    async with DefaultAsyncHttpxClient(transport=microphone) as http:
        yield client.with_options(http_client=http)
    write_tape(path, Tape(replies=tuple(microphone.replies)))


class Microphone(httpx2.AsyncBaseTransport):
    """Hears what passes between a client and the endpoint."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, redactor: Redactor) -> None:
        """Pass everything on to `transport`."""
        self._transport, self._redactor = transport, redactor
        self.replies: list[Reply] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass a request on, and listen to its reply."""
        response = await self._transport.handle_async_request(request)
        if request.method != "POST" or request.url.path != MESSAGES or response.status_code != httpx2.codes.OK:
            return response
        body = json.loads(await request.aread())
        heard = _Heard(response.stream, lambda data: self._keep(body, data))
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=heard,
            extensions=response.extensions,
            request=request,
        )

    async def aclose(self) -> None:
        """Close what is behind it."""
        await self._transport.aclose()

    def _keep(self, body: dict[str, Any], data: bytes) -> None:
        if (message := whole(data)) is None:
            return
        system = body.get("system") or ""
        text = system if isinstance(system, str) else "\n".join(block.get("text", "") for block in system)
        role = ROLE.match(text)
        said = [each for each in body["messages"] if each["role"] == "assistant"]
        self.replies.append(
            Reply(
                agent=role.group(1).lower() if role else "",
                turn=1 + len(said),
                prompt=prompt_of(body),
                task=task_of(body),
                asked=self._redactor.text(steady(_last_words(body)))[:ASKED],
                model=message["model"],
                content=tuple(self._clean(block) for block in message["content"]),
                stop_reason=message["stop_reason"],
                usage=_counted(message["usage"]),
            )
        )

    def _clean(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, str):
            return self._redactor.text(value, LONGEST)
        if isinstance(value, dict):
            # A signature is of no use to anybody else, and would be checked against words that were changed.
            return {name: self._clean(each) for name, each in value.items() if name not in {"signature", "citations"}}
        return [self._clean(each) for each in value] if isinstance(value, list) else value


class _Heard(httpx2.AsyncByteStream):
    """A stream that is overheard to its end."""

    def __init__(self, stream: Any, done: Any) -> None:  # noqa: ANN401 - the library's stream; a callable
        self._stream, self._done = stream, done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = []
        async for part in self._stream:
            parts.append(part)
            yield part
        self._done(b"".join(parts))

    async def aclose(self) -> None:
        await self._stream.aclose()


def whole(data: bytes) -> dict[str, Any] | None:
    """Put the events of a stream together to the message that they tell; None when it broke off."""
    message: dict[str, Any] | None = None
    ended = False
    for event in _events(data):
        match event["type"]:
            case "message_start":
                message = event["message"]
            case "content_block_start" if message is not None:
                message["content"].append({**event["content_block"]})
            case "content_block_delta" if message is not None:
                _add(message["content"][event["index"]], event["delta"])
            case "message_delta" if message is not None:
                message |= event["delta"]
                message["usage"] |= event.get("usage") or {}
            case "message_stop":
                ended = True
            case _:
                pass
    if message is None or not ended:
        return None
    message["content"] = [_parsed(block) for block in message["content"]]
    return message


def _events(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.decode("utf-8", "replace").splitlines():
        if line.startswith("data:"):
            yield json.loads(line[5:])


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("text", "thinking", "partial_json"):
        if name in delta:
            block[name] = block.get(name, "") + delta[name]


def _parsed(block: dict[str, Any]) -> dict[str, Any]:
    written = block.pop("partial_json", "")
    return {**block, "input": json.loads(written)} if written else block


def _counted(usage: dict[str, Any]) -> dict[str, Any]:
    """Keep the counts of tokens, so that a test costs what the real one did."""
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return {name: usage[name] for name in names if isinstance(usage.get(name), int)}


def _last_words(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    texts = (
        [content] if isinstance(content, str) else [str(block.get("text") or block.get("content")) for block in content]
    )
    return " ".join(texts)
