"""The generator: finds the model, reads the venue's rules, renders the shot and hands in the take."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rehearsal.player import Performance, Request
from rehearsal.roles.dialogue import Dialogue, Exchange, act, answer, draw, say
from rehearsal.roles.lighting import set_up
from rehearsal.roles.rig import Value
from rehearsal.roles.sheet import Sheet, Shot

TRIES: Final = 3
GUESSERS: Final = 4
"""One generator in so many guesses the model's id instead of looking it up."""

MODEL_ID: Final = re.compile(r"\bmod_\w+")


class Generator:
    """Works from results, not from memory: whatever the conversation holds decides what is done next."""

    def reply(self, request: Request) -> Performance:
        """Do the next step, or hand in the take."""
        sheet = Sheet(request.task)
        shot, direction = sheet.read("Shot", Shot), sheet.text("Direction")
        dialogue = Dialogue(request)
        rendered = dialogue.last("render_shot")
        if rendered is not None:
            return _hand_in(rendered)
        if "render_shot" not in dialogue.tools:
            return answer(asset="none", reasoning="There is no take: nothing was rendered, and I have no tools left.")
        failed = [each for each in dialogue.since("escalate_to_human") if each.tool == "render_shot"]
        if len(failed) >= TRIES:
            return _ask(dialogue, shot, failed[-1].error)
        return self._step(dialogue, shot, direction)

    def _step(self, dialogue: Dialogue, shot: Shot, direction: str) -> Performance:
        model, rules = _model(dialogue, shot.model), dialogue.of("venue_rules")
        if not dialogue.exchanges and draw(shot.key, "guess", GUESSERS) == 0:
            words = f"I render right away, with {shot.model or 'the usual model'}."
            look = dialogue.call("venue_rules", profile=shot.profile)
            return act(words, look, _render(dialogue, shot, direction, _invented(shot)))
        lookups = [
            None if rules else dialogue.call("venue_rules", profile=shot.profile),
            None if model or dialogue.of("find_model") else dialogue.call("find_model", name=shot.model or "any"),
        ]
        if any(lookups):
            return act(f"First I look up the model and the rules of {shot.profile}.", *reversed(lookups))
        words = "I correct what was refused and render again." if dialogue.of("render_shot") else "Now I render."
        return act(words, _render(dialogue, shot, direction, model or _invented(shot)))


def _render(dialogue: Dialogue, shot: Shot, direction: str, model: str) -> Any:  # noqa: ANN401 - a call, or nothing
    rules = dialogue.last("venue_rules")
    settings = set_up(shot, direction, rules.data if rules else {})
    blamed = " ".join(each.error for each in dialogue.of("render_shot"))
    taken = {name: value for name, value in settings.items() if f"settings.{name}" not in blamed}
    order = {"shot": shot.key, "model_id": model, "profile": shot.profile, "settings": _within(dialogue, taken)}
    return dialogue.call("render_shot", **order, **({"seed": settings["seed"]} if "seed" in settings else {}))


def _within(dialogue: Dialogue, settings: Mapping[str, Value]) -> dict[str, Value]:
    """Leave out parameters that the tool's schema does not have."""
    schema = dialogue.tools["render_shot"].input_schema.get("properties", {})
    known = schema.get("settings", {}).get("properties") if isinstance(schema, Mapping) else None
    return {name: value for name, value in settings.items() if name != "seed" and (not known or name in known)}


def _hand_in(rendered: Exchange) -> Performance:
    used = rendered.data.get("settings")
    dials = used if isinstance(used, Mapping) else {}
    told = ", ".join(
        f"{name} {dials[name]}" for name in ("camera_distance", "background_light", "kelvin") if name in dials
    )
    reasoning = f"Rendered as directed{f' with {told}' if told else ''}; whether it passes is for the measurements."
    return answer(asset=str(rendered.data.get("asset", "none")), reasoning=reasoning)


def _ask(dialogue: Dialogue, shot: Shot, error: str) -> Performance:
    reason = f"Rendering {shot.key} failed {TRIES} times: {error}"[:500]
    call = dialogue.call("escalate_to_human", reason=reason, question="How shall this shot be taken?")
    return act("I cannot get this shot rendered; a person has to look.", call) if call else say(reason)


def _invented(shot: Shot) -> str:
    return f"mod_{re.sub(r'[^a-z0-9]+', '_', shot.model.lower()).strip('_') or 'house'}"


def _model(dialogue: Dialogue, wanted: str) -> str | None:
    """The id to render with: by name if one is known by it, else the first that was suggested and not refused."""
    renders = dialogue.of("render_shot")
    refused = {each.input.get("model_id") for each in renders if str(each.input.get("model_id")) in each.error}
    for exchange in reversed(dialogue.of("find_model", "render_shot")):
        known = [*_named(exchange.data, wanted), *_mentioned(exchange, wanted)]
        fresh = next((each for each in known if each not in refused), None)
        if fresh is not None:
            return fresh
    return None


def _named(node: object, wanted: str) -> Iterator[str]:
    """Ids inside a result, those first that stand beside the wanted name."""
    found = [(str(each.get("name", "")), value) for each in _objects(node) for value in each.values() if _is_id(value)]
    yield from (value for name, value in sorted(found, key=lambda each: each[0].casefold() != wanted.casefold()))


def _mentioned(exchange: Exchange, wanted: str) -> Iterator[str]:
    text = exchange.text if exchange.ok else exchange.hint
    if wanted:
        yield from re.findall(rf"\b(mod_\w+)[^\w]+{re.escape(wanted)}\b", text, re.IGNORECASE)
    yield from MODEL_ID.findall(text)


def _objects(node: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        yield node
        node = list(node.values())
    for each in node if isinstance(node, list) else ():
        yield from _objects(each)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and MODEL_ID.fullmatch(value) is not None
