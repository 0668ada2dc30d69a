"""A small world for tests of conversations: a store on a real database, and an agent with three tools."""

import json
from datetime import timedelta

import anthropic
import httpx2

from activities.compactor import Compactor
from activities.conversations import ConversationStore
from activities.ledger import LedgerStore
from activities.offers import Offers
from activities.paid_calls import PaidCalls
from activities.pricing import Prices
from activities.tools.definition import Policy, ToolResult
from workflows.models import (
    Allowance,
    Contract,
    Cut,
    Limits,
    Note,
    Opening,
    Outcome,
    Reply,
    Scope,
    TurnRequest,
)

SCOPE = Scope(run="run-1", item="tee", agent="generator")
CONTRACT = Contract(goal="Shoot the tee", constraints=("white background",), acceptance=("published",))
ALLOWANCE = Allowance(tokens=400_000, max_tokens=4_096, least_tokens=512)
SCHEMA = {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "integer"}}, "required": ["z"]}


class Shelf:
    """Stands where the toolset stands: three tools with their policies."""

    policies = {
        "render_shot": Policy("write", False, "studio", timedelta(seconds=90)),
        "find_model": Policy("read", True, "tools", timedelta(seconds=30)),
        "publish": Policy("once", False, "tools", timedelta(seconds=30)),
    }

    def definitions(self, names):
        return [
            {"name": name, "description": f"{name}.", "input_schema": {"type": "object"}}
            for name in names
            if self.policies[name]
        ]

    def policy(self, name):
        return self.policies[name]


def opening(**changes):
    values = {
        "conversation": "talk-1",
        "scope": SCOPE,
        "agent": "generator",
        "instructions": "You are the generator of a catalog image production.",
        "output_schema": SCHEMA,
        "tools": ("render_shot", "find_model", "publish"),
        "model": "claude-sonnet-5-5",
        "limits": Limits(),
        "contract": CONTRACT,
        "task": f"## Contract\n\n{CONTRACT.text()}\n\n## Shot\n\ntee",
        "workflow_id": "run-1:tee",
        "workflow_run_id": "0001",
    }
    return Opening(**{**values, **changes})


def request(pin, head, turn, **changes):
    values = {"conversation": "talk-1", "scope": SCOPE, "pin": pin, "head": head, "turn": turn, "allowance": ALLOWANCE}
    return TurnRequest(**{**values, **changes})


def note(text, kind="remind"):
    return Note(kind=kind, text=text)


def use(call_id, name="find_model", **arguments):
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def say(text):
    return {"type": "text", "text": text}


def think(text):
    return {"type": "thinking", "thinking": text, "signature": "c2ln"}


def result(call_id, position, content, *, ok=True, tool="find_model", preview="", asset=None):
    outcome = Outcome(
        call_id=call_id,
        tool=tool,
        ok=ok,
        digest="sha256:0",
        preview=preview,
        asset=asset,
        milliseconds=12.0 if ok else 30.0,
    )
    return ToolResult("talk-1", call_id, position, tool, json.dumps({"name": "Ama"}), content, None, outcome)


def new_store(database):
    database.prepare()
    return ConversationStore(database, Shelf())


async def take_turn(store, pin, head, turn, content, *, context=1_000, stop="end_turn", **changes):
    """One turn as the model activity takes it; returns the head after it."""
    asked = request(pin, head, turn, **changes)
    draft = await store.draft(asked)
    reply = Reply(head=draft.position + 1, turn=turn, stop=stop, context=context)
    return (await store.commit(asked, draft, content, reply, {})).head


async def talk_for(store, turns, *, size=400, first=1, pin="", head=1, context=1_000, **changes):
    """A conversation of `turns` turns with a tool call each."""
    pin = pin or (await store.open(opening(**changes))).pin
    for turn in range(first, first + turns):
        content = [think("hm"), use(f"call_{turn}", name="Ama")]
        head = await take_turn(store, pin, head, turn, content, stop="tool_use", context=context)
        found = f'{{"found":"mod_{turn}","text":"{"x" * size}"}}'
        await store.put_result(result(f"call_{turn}", head - 1, found))
    return pin, head


def cut_at(head, turn, **changes):
    return Cut(**{"conversation": "talk-1", "scope": SCOPE, "head": head, "turn": turn, **changes})


def nothing_offered(request):
    """An endpoint that has no summaries of its own, and refuses to write one."""
    error = {"type": "not_found_error" if request.method == "GET" else "invalid_request_error", "message": "no"}
    return httpx2.Response(404 if request.method == "GET" else 400, json={"type": "error", "error": error})


async def no_images(digest):
    raise FileNotFoundError(digest)


def new_client(endpoint):
    """The provider's client on a scripted endpoint."""
    http = anthropic.DefaultAsyncHttpxClient(transport=httpx2.MockTransport(endpoint))
    return anthropic.AsyncAnthropic(api_key="x", http_client=http, base_url="http://model.test", max_retries=0)


def new_compactor(database, endpoint=nothing_offered, images=no_images):
    """The compactor on a scripted endpoint; by default only its plain strategy can succeed."""
    client = new_client(endpoint)
    calls = PaidCalls(client, LedgerStore(database), Prices(), patience=timedelta())
    return Compactor(database, calls, Offers(client), images)
