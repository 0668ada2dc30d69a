"""An endpoint that takes what it can get, and keeps its own books by a price list that the house has no part in."""

import asyncio
import json

import httpx2

from rehearsal.bill import bill
from tests.activities.endpoint import events as events_of
from tests.activities.endpoint import failure, message, sse

SIGNED = {"type": "compaction", "content": "All was said.", "signature": "c2ln"}
JUDGED = json.dumps({"evidence": [], "reasoning": "It serves.", "score": 90, "drifts": False})


class Greedy:
    """Writes to the cache all that it reads, and as much output as it may; `billed` is what that costs.

    `script` says how the first calls end, all others end well; `share` is the part of the output cap that is used, in
    turns. `prompt` is what it reads, of which `hour` tokens go to the 1 h cache; a function tells them by the request.
    """

    def __init__(self, *script, prompt=1_000, hour=0, share=(1.0,), text=JUDGED):
        self.script, self.share, self.text = list(script), share, text
        self.prompt, self.hour = prompt, hour
        self.bodies, self.billed = [], 0
        self.hangs = asyncio.Event()

    def __call__(self, request):
        if request.method == "GET":
            offered = {"compaction": {"supported": True, "summarize": {"supported": True}}}
            return httpx2.Response(200, json={"id": "m", "type": "model", "capabilities": offered})
        self.bodies.append(json.loads(request.content))
        how = self.script.pop(0) if self.script else "reply"
        return getattr(self, f"_{how}")(self.bodies[-1])

    @property
    def rooms(self):
        """The output caps of all calls."""
        return [body["max_tokens"] for body in self.bodies]

    def usage(self, body):
        prompt, hour = (each(body) if callable(each) else each for each in (self.prompt, self.hour))
        share = self.share[(len(self.bodies) - 1) % len(self.share)]
        return {
            "input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": prompt,
            "cache_creation": {"ephemeral_1h_input_tokens": hour, "ephemeral_5m_input_tokens": prompt - hour},
            "output_tokens": int(body["max_tokens"] * share),
        }

    def charge(self, body):
        usage = self.usage(body)
        self.billed += bill(body["model"], usage)
        return usage

    def _reply(self, body, stop="end_turn", model=""):
        usage = self.charge(body)
        signs = "compaction" in body
        block = SIGNED if signs else {"type": "text", "text": self.text}
        return message(block, usage=usage, stop_reason="compaction" if signs else stop, model=model or body["model"])

    def _refuses(self, body):
        return self._reply(body, stop="refusal")

    def _nameless(self, body):
        """Another model answers, which no price list knows."""
        return self._reply(body, model="claude-unheard-of")

    def _lost(self, body):
        self.charge(body)
        raise httpx2.ReadError("lost")

    def _cut(self, body):
        return sse(list(events_of([{"type": "text", "text": "half"}], usage=self.charge(body)))[:-2])

    def _hang(self, body):
        self.charge(body)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=self._silence())

    async def _silence(self):
        self.hangs.set()
        await asyncio.Event().wait()
        yield b""

    def _busy(self, body):
        return failure(429, "rate_limit_error")

    def _overloaded(self, body):
        return failure(529, "overloaded_error")

    def _wrong(self, body):
        return failure(400, "invalid_request_error")

    def _down(self, body):
        raise httpx2.ConnectError("refused")
