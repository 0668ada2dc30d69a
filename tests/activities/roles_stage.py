"""A conversation with the rule-based roles, held over the public seam: requests in, performances out."""

import base64
import io
import json

from PIL import Image

from rehearsal.player import Message, Request, Text, Tool, ToolUse
from rehearsal.roles import Roles

DIALS = (
    *("camera_distance", "offset_x", "offset_y", "key_light", "fill_light", "background_light", "kelvin"),
    *("iso", "exposure", "focus", "shadow", "width", "height", "quality"),
)
WORDS = {"backdrop": {"type": "string"}, "format": {"enum": ["jpeg", "png"]}}
SETTINGS = {name: {"type": "number"} for name in DIALS} | WORDS


def tool(name, required=(), /, **properties):
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return Tool(name, f"{name} does what it says.", schema)


STUDIO = (
    tool("find_model", ["name"], name={"type": "string"}),
    tool("venue_rules", ["profile"], profile={"type": "string"}),
    tool(
        "render_shot",
        ["shot", "model_id", "profile"],
        shot={"type": "string"},
        model_id={"type": "string"},
        profile={"type": "string"},
        settings={"type": "object", "properties": SETTINGS},
        seed={"type": "integer"},
    ),
    tool("escalate_to_human", ["reason"], reason={"type": "string"}),
)
DESCRIBE = (tool("describe_asset", ["asset"], asset={"type": "string"}),)
CATALOG = (
    tool(
        "publish_to_catalog",
        ["asset", "title", "alt_text"],
        asset={"type": "string"},
        title={"type": "string"},
        alt_text={"type": "string", "maxLength": 125},
    ),
    STUDIO[-1],
)
PROFILE = {
    "id": "amazon.main",
    "version": "2026-11",
    "rules": {"size": {"longest_at_least": 1600}, "frame_fill": {"at_least": 0.85, "at_most": 0.97}},
    "advised": {
        "width": 2000,
        "height": 2000,
        "camera_distance": 1.92,
        "kelvin": 5500,
        "format": "jpeg",
        "quality": 92,
    },
}


def shot(key="amazon-main-front-linen-dress-ink-navy", view="front", model="Ama"):
    colour = {"name": "ink navy", "hex": "#1f2a44"}
    product = {"id": "linen-dress", "title": "Linen wrap dress", "garment": "dress", "fabric": "linen"}
    return {
        "key": key,
        "title": f"Linen wrap dress, ink navy, {view}",
        "product": {**product, "colours": [colour]},
        "colour": colour,
        "profile": "amazon.main",
        "view": view,
        "direction": "",
        "model": model,
    }


def fact(rule, measured, wanted, *, passed=True, miss=0.0, unit="", required=True):
    return {
        "rule": rule,
        "measured": measured,
        "wanted": wanted,
        "passed": passed,
        "miss": miss,
        "unit": unit,
        "required": required,
    }


def facts(*found):
    return {"digest": "sha256:" + "a" * 64, "profile": "amazon.main", "version": "2026-11", "facts": list(found)}


def task(**sections):
    """Sections in the order given; text stays text, anything else becomes a json block."""
    parts = []
    for name, value in {"Contract": "Goal: catalog images", **sections}.items():
        body = value if isinstance(value, str) else f"```json\n{json.dumps(value)}\n```"
        parts.append(f"## {name}\n\n{body}")
    return "\n\n".join(parts)


def picture(width=200, height=200):
    data = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(data, "JPEG")
    source = {"type": "base64", "media_type": "image/jpeg", "data": base64.b64encode(data.getvalue()).decode()}
    return {"type": "image", "source": source}


class Talk:
    """One conversation: `say` lets the role reply, `back` gives it results and hears its next reply."""

    def __init__(self, role, text, tools=(), images=(), schema=None, body=None, roles=None):
        self._system = f"You are the {role} of a catalog image production.\nBe brief."
        self._messages = [Message("user", (*images, {"type": "text", "text": text}))]
        self._tools, self._schema, self._body = tuple(tools), schema, body or {}
        self._roles = roles or Roles()
        self._calls = []

    def say(self):
        request = Request(
            model="rehearsal",
            system=self._system,
            messages=tuple(self._messages),
            max_tokens=4096,
            tools=self._tools,
            schema=self._schema,
            body=self._body,
        )
        performance = self._roles.reply(request)
        content = []
        self._calls = []
        for number, block in enumerate(performance.blocks):
            if isinstance(block, ToolUse):
                name = f"toolu_{len(self._messages)}_{number}"
                self._calls.append((name, block))
                content.append({"type": "tool_use", "id": name, "name": block.name, "input": block.input})
            else:
                content.append({"type": "text", "text": block.text})
        self._messages.append(Message("assistant", tuple(content)))
        return performance

    def back(self, *notes, **results):
        """Answer every open call: by tool name, with a value, or with a `Refused`."""
        blocks = [_result(name, results[call.name]) for name, call in self._calls]
        blocks += [{"type": "text", "text": note} for note in notes]
        self._messages.append(Message("user", tuple(blocks)))
        return self.say()

    @property
    def calls(self):
        """The open calls, by tool name."""
        return {call.name: call.input for _, call in self._calls}


class Refused:
    """An error result."""

    def __init__(self, error, hint=""):
        self.content = json.dumps({"success": False, "error": error, "hint": hint})


def _result(name, value):
    if isinstance(value, Refused):
        return {"type": "tool_result", "tool_use_id": name, "content": value.content, "is_error": True}
    return {"type": "tool_result", "tool_use_id": name, "content": [{"type": "text", "text": json.dumps(value)}]}


def words(performance):
    return "".join(block.text for block in performance.blocks if isinstance(block, Text))


def output(performance):
    return json.loads(words(performance))
