"""A rehearsal server and the provider's own client, talking to each other."""

import base64
from contextlib import asynccontextmanager
from io import BytesIO

from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient
from PIL import Image

from rehearsal.scripts import Script
from rehearsal.server import Rehearsal

MODEL = "claude-opus-5-5"
OLDER = "claude-opus-5"
SYSTEM = "You are the critic of a catalog image production."
TOOLS = [{"name": "look", "description": "Look.", "input_schema": {"type": "object", "properties": {}}}]


def critic(*turns):
    """A script for the one agent of these tests."""
    return Script({"critic": list(turns)})


def prompt(*messages, **more):
    """The arguments of a call."""
    said = list(messages) or [user("Judge this.")]
    return {"model": MODEL, "max_tokens": 2000, "system": SYSTEM, "messages": said, **more}


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


def use(name, *, tool="look"):
    return {"type": "tool_use", "id": name, "name": tool, "input": {}}


def result(name, content="seen"):
    return {"type": "tool_result", "tool_use_id": name, "content": content}


def picture(width, height, kind="png", media_type=None):
    """An image block."""
    content = BytesIO()
    Image.new("RGB", (width, height), "#c0ffee").save(content, kind)
    data = base64.b64encode(content.getvalue()).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": media_type or f"image/{kind}", "data": data}}


@asynccontextmanager
async def rehearsed(player, **options):
    """Run a server with a client that never retries."""
    async with (
        Rehearsal(player, **options) as server,
        # Certificates are not read on loopback, which saves each test a tenth of a second.
        DefaultAsyncHttpxClient(verify=False) as http,
        AsyncAnthropic(api_key="sk-rehearsal", base_url=server.url, max_retries=0, http_client=http) as client,
    ):
        yield server, client


async def streamed(client, **arguments):
    """Stream a reply: all raw events, and the message that the client makes of them."""
    async with client.messages.stream(**arguments) as stream:
        events = [event async for event in stream]
        return events, await stream.get_final_message()
