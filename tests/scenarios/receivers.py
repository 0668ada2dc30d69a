"""Receivers on loopback: an HTTP server and a mail server that take what they are sent, or refuse it as told."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Inbox:
    """What came, and what is answered: the next of `answers`, then 200 for ever."""

    def __init__(self, *answers: int) -> None:
        self._answers = list(answers)
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def events(self, kind: str) -> list[dict]:
        """The posts of one kind, as they were accepted or not."""
        read = [json.loads(body) for _, body in self.posts]
        return [each for each in read if each.get("type") == f"review.{kind}"]

    async def serve(self, reader, writer) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")[1:]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines) if name}
            self.posts.append((headers, await reader.readexactly(int(headers.get("content-length", 0)))))
            status = self._answers.pop(0) if self._answers else 200
            writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()


class MailHouse:
    """Letters that came. The next of `answers` is said to each letter, then 250 for ever."""

    def __init__(self, *answers: int) -> None:
        self._answers = list(answers)
        self.letters: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def serve(self, reader, writer) -> None:
        with contextlib.suppress(ConnectionError):
            await self._say(writer, 220)
            while line := (await reader.readline()).decode().strip().upper():
                if line.startswith("QUIT"):
                    break
                if line.startswith("DATA"):
                    await self._say(writer, 354)
                    letter = (await reader.readuntil(b"\r\n.\r\n")).decode()
                    status = self._answers.pop(0) if self._answers else 250
                    self.letters += [letter] if status == 250 else []
                    await self._say(writer, status)
                else:
                    await self._say(writer, 250)
        writer.close()

    async def _say(self, writer, code: int) -> None:
        writer.write(f"{code} so be it\r\n".encode())
        await writer.drain()


@asynccontextmanager
async def listening(receiver) -> AsyncIterator[None]:
    """Have a receiver listen on a free port of its own."""
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield
