"""A small world for tests of conversations: a store on a real database, and an agent with three tools."""

import json
from datetime import timedelta

from activities.conversations import ConversationStore
from activities.tools.definition import Policy, ToolResult
from workflows.models import (
    Allowance,
    Contract,
    Limits,
    Note,
    Opening,
    Outcome,
    Scope,
    TurnRequest,
)

SCOPE = Scope(run="run-1", item="tee", agent="generator")
CONTRACT = Contract(goal="Shoot the tee", constraints=("white background",), acceptance=("published",))
ALLOWANCE = Allowance(micro_usd=1_000_000, tokens=400_000, max_tokens=4_096, least_tokens=512)
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


def result(call_id, position, content, *, ok=True, tool="find_model", preview=""):
    outcome = Outcome(
        call_id=call_id, tool=tool, ok=ok, digest="sha256:0", preview=preview, milliseconds=12.0 if ok else 30.0
    )
    return ToolResult("talk-1", call_id, position, tool, json.dumps({"name": "Ama"}), content, None, outcome)


def new_store(database):
    database.prepare()
    return ConversationStore(database, Shelf())
