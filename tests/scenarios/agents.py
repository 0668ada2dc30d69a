"""What scenarios with a single agent share: its scripts, raw replies, and how to read what the model was sent."""

import asyncio
import json
import re

from temporalio.api.enums.v1 import EventType

from rehearsal.scripts import Script, answer, garble
from tests.scenarios.signing import seal
from tests.scenarios.stage import PATIENCE
from workflows.models import Decision

DONE = answer({"answer": "It is done."})
USAGE = {"input_tokens": 900, "output_tokens": 100}


def assistant(*turns):
    """A script for the one agent."""
    return Script({"assistant": list(turns)})


def by_goal(**turns):
    """A script for several agents on one stage, told apart by their goals."""
    return Script({"assistant": lambda request: turns[re.search(r"Goal: (\w+)", request.task).group(1)]})


def wire(*blocks, stop="end_turn", usage=USAGE):
    """A reply of any blocks, sent as they are; the input of a call may be text that is no JSON."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5", "content": []}
    events = [{"type": "message_start", "message": {**message, "stop_reason": None, "usage": USAGE}}]
    for index, block in enumerate(blocks):
        events += _block(index, block)
    events += [{"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage}, {"type": "message_stop"}]
    lines = "\n\n".join(f"event: {event['type']}\ndata: {json.dumps(event)}" for event in events)
    # A garbled answer is sent as it is, behind the head of its first event.
    return garble(lines.removeprefix("event: message_start\ndata: "))


def _block(index, block):
    given = block.get("input") if isinstance(block, dict) else None
    started = {**block, "input": {}} if isinstance(given, str) else block
    yield {"type": "content_block_start", "index": index, "content_block": started}
    if isinstance(given, str):
        delta = {"type": "input_json_delta", "partial_json": given}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def tool_use(name, given, call_id):
    """A call as it stands on the wire."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}


def spends(tokens, turn):
    """A turn that bills so many tokens of output, or all that it may."""

    def play(request):
        played = turn(request) if callable(turn) else turn
        return type(played)(played.blocks, usage={"output_tokens": min(tokens, request.max_tokens)})

    return play


def bodies(stage):
    """The requests that the model was sent."""
    return [entry.body for entry in stage.rehearsal.requests]


def results(body):
    """The tool results in the last message of a request: call id, content as JSON, error or not."""
    return [
        (block["tool_use_id"], json.loads(_text(block["content"])), block.get("is_error", False))
        for block in body["messages"][-1]["content"]
        if block["type"] == "tool_result"
    ]


def _text(content):
    return content if isinstance(content, str) else content[0]["text"]


def last_words(body):
    """The texts in the last message of a request."""
    return [block["text"] for block in body["messages"][-1]["content"] if block["type"] == "text"]


async def decide(handle, choice, note="", **more):
    """Answer the open question as a person at the desk does."""
    decision = Decision(choice=choice, by="Vera", note=note, **more)
    return await handle.execute_update("decide", await seal(handle, decision))


async def asked_again(stage, handle, earlier):
    """Wait for the question after this one."""
    while (question := await stage.until_asked(handle))["id"] == earlier["id"]:  # noqa: ASYNC110 - the server's, not ours
        await asyncio.sleep(0.05)
    return question


async def ended(handle):
    """Wait for the outcome."""
    return await asyncio.wait_for(handle.result(), PATIENCE)


async def halted(stage, handle):
    """Wait until a person is asked, end the run, and return why they were asked."""
    question = await stage.until_asked(handle)
    await decide(handle, "reject", question=question["id"])
    outcome = await ended(handle)
    assert outcome.status == "failed"
    return question["reason"]


async def count(handle, kind):
    """Count the events of one kind in a workflow's history."""
    number = EventType.Value(f"EVENT_TYPE_{kind}")
    return sum([1 async for event in handle.fetch_history_events() if event.event_type == number])


async def failures(handle):
    """Name the errors of attempts at activities, also of those that succeeded in the end."""
    started = [
        event.activity_task_started_event_attributes.last_failure
        async for event in handle.fetch_history_events()
        if event.HasField("activity_task_started_event_attributes")
    ]
    return [each.application_failure_info.type or each.message for each in started if each.ByteSize()]
