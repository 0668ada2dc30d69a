"""The photographer, who works alone: shoots like a generator, mends like a refiner, publishes like a publisher."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from rehearsal.player import Message, Performance, Request
from rehearsal.roles.dialogue import Dialogue, Exchange, act
from rehearsal.roles.generator import Generator
from rehearsal.roles.publisher import Publisher
from rehearsal.roles.refiner import changed
from rehearsal.roles.rig import spoken, written
from rehearsal.roles.sheet import Facts, Read, Sheet, Shot

HEADING: Final = "## Gate"


class Gate(Read):
    """What the gate said of a take."""

    asset: str
    passes: bool


class Photographer:
    """Does the next step of the work that one agent has; what it may publish is not its own to say."""

    def __init__(self) -> None:
        self._generator, self._publisher = Generator(), Publisher()

    def reply(self, request: Request) -> Performance:
        """Render, put forward, mend, or publish."""
        Sheet(request.task).read("Shot", Shot)
        dialogue, found = Dialogue(request), _findings(request)
        taken = next((each for each in reversed(dialogue.since("evaluate_shot")) if _is_take(each)), None)
        if taken is not None:
            look = dialogue.call("evaluate_shot", asset=str(taken.data["asset"]))
            return act("The take is made; the gate may look at it.", look) if look else self._generator.reply(request)
        if found is None:
            return self._generator.reply(_directed(request, ""))
        gate = found.read("Gate", Gate)
        if gate.passes:
            return self._publisher.reply(_about(request, gate.asset))
        return self._generator.reply(_directed(_anew(request), _mended(dialogue, found)))


def _is_take(each: Exchange) -> bool:
    return each.tool == "render_shot" and each.ok


def _findings(request: Request) -> Sheet | None:
    """Read what the gate said last, in a message or in the task."""
    texts = [block["text"] for message in request.messages if message.role == "user" for block in message.of("text")]
    said = [text[text.index(HEADING) :] for text in texts if HEADING in text]
    return Sheet(said[-1]) if said else None


def _mended(dialogue: Dialogue, found: Sheet) -> str:
    """Say which settings answer what was missed; those of the last take are kept otherwise."""
    rendered = dialogue.last("render_shot")
    settings = rendered.data.get("settings") if rendered else None
    used = dict(settings) if isinstance(settings, Mapping) else {}
    lines = "\n".join(f"set {name} to {value}" for name, value in used.items() if value is not None)
    now = spoken(lines)
    return written({**now, **changed(found.read("Facts", Facts), now)})


def _directed(request: Request, orders: str) -> Request:
    """Add orders, and what people said, to the direction, which stands last in the task."""
    texts = [
        block["text"] for message in request.messages[1:] for block in message.of("text") if message.role == "user"
    ]
    people = "\n".join(text for text in texts if " answers: " in text)
    return _with_task(request, "\n".join(part for part in (request.task.rstrip(), orders, people) if part) + "\n")


def _about(request: Request, asset: str) -> Request:
    return _with_task(request, f'{request.task}\n## Artefact\n```json\n{{"asset": "{asset}"}}\n```\n')


def _with_task(request: Request, task: str) -> Request:
    first, *rest = request.messages
    return replace(request, messages=(replace(first, content=({"type": "text", "text": task},)), *rest))


def _anew(request: Request) -> Request:
    """Forget the takes so far, so that another one is made."""
    calls = [block for message in request.messages for block in message.of("tool_use")]
    takes = {block["id"] for block in calls if block["name"] in {"render_shot", "evaluate_shot"}}
    return replace(request, messages=tuple(_without(message, takes) for message in request.messages))


def _without(message: Message, calls: set[str]) -> Message:
    def kept(block: Mapping[str, Any]) -> bool:
        return block.get("id") not in calls and block.get("tool_use_id") not in calls

    return replace(message, content=tuple(block for block in message.content if kept(block)))
