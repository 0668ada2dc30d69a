"""Small shoots: briefs of a few images, and agents that do exactly what a scenario needs."""

import asyncio
import json
from datetime import timedelta

from activities.catalog import model_id
from rehearsal.player import Performance, Request
from rehearsal.roles import Roles
from rehearsal.roles.dialogue import Dialogue
from rehearsal.roles.rig import spoken
from rehearsal.roles.sheet import Artefact, Sheet, Shot
from rehearsal.scripts import Script, answer, call, forever, refuse
from tests.scenarios.signing import seal
from tests.scenarios.stage import PATIENCE
from workflows.models import Brief, Decision, Notice, Question, Receipt, ReviewPolicy, RunState

AMA = model_id("Ama Sarpong")
VENUE = "google.merchant"  # takes the smallest pictures, so that they are rendered and measured in half a second
SMALL = {"width": 520, "height": 520, "camera_distance": 2.1, "background_light": 1.3, "shadow": 0.0}
WHITE = "Front view, set background_light to 1.3"
GREY = "Front view, set background_light to 0.7"
INK, BRICK = {"name": "ink", "hex": "#1f2a44"}, {"name": "brick", "hex": "#a8452e"}
KEY = "google-merchant-front-dress-ink"
SILENCE = ReviewPolicy(reminders=(), deadline=timedelta(0))
"""Nobody is waited for: whatever goes to a person is rejected at once."""


def brief(*garments: str, colours=(INK,), views=("front",), run_usd: float = 5.0, item_usd: float = 0.5) -> Brief:
    """One image for each garment (by default a dress), colour and view."""
    products = [
        {"id": name, "title": f"The {name}", "garment": name, "fabric": "linen", "colours": colours}
        for name in garments or ("dress",)
    ]
    return large_brief(products, views, run_usd, item_usd)


def large_brief(products, views=("front",), run_usd: float = 5.0, item_usd: float = 0.5) -> Brief:
    return Brief.model_validate(
        {
            "title": "A small shoot",
            "model": "Ama",
            "products": products,
            "guidelines": {"brand": "Fern & Thread"},
            "venues": [{"profile": VENUE, "views": views}],
            "budget": {"run_usd": run_usd, "item_usd": item_usd},
        }
    )


def cast(direction: str = WHITE, **parts) -> Script:
    """Agents that produce what the plan's direction says; `parts` are scripted, the others play by their rules."""
    everyone = {"planner": [forever(planner(direction))], "generator": [forever(photograph)], **parts}
    return Script(everyone, else_=Roles())


def plan(*wanted: str, direction: str = WHITE) -> Performance:
    names = [name.rpartition("/") for name in wanted]
    shots = [{"profile": profile, "view": view, "direction": direction} for profile, _, view in names]
    return answer({"reasoning": "One line for each view.", "shots": shots})


def planner(direction: str):
    def reply(request: Request) -> Performance:
        return plan(*section_of(request, "Brief")["wanted"], direction=direction)

    return reply


def photograph(request: Request) -> Performance:
    """Render small what the direction says, then hand it in."""
    taken = Dialogue(request).last("render_shot")
    return answer({"asset": taken.data["asset"]}) if taken else render(request)


def render(request: Request) -> Performance:
    sheet = Sheet(request.task)
    shot, said = sheet.read("Shot", Shot), spoken(sheet.text("Direction"))
    seed = said.pop("seed", None)
    order = {"shot": shot.key, "model_id": AMA, "profile": shot.profile, "settings": {**SMALL, **said}}
    return call("render_shot", **order, **({} if seed is None else {"seed": seed}))


def give_up_unless(*keys: str):
    """Photograph the shots with these keys, and refuse all others."""

    def reply(request: Request) -> Performance:
        return photograph(request) if Sheet(request.task).read("Shot", Shot).key in keys else refuse()

    return reply


def repeat_direction(request: Request) -> Performance:
    """Refine nothing: the same light again, a little to the side, so that each take has bytes of its own."""
    direction = Sheet(request.task).text("Direction")
    step = spoken(direction).get("offset_x", 0.0) + 0.01
    return answer({"reasoning": "Once more.", "direction": f"{direction}\nset offset_x to {step:.2f}"})


def judge(score: int, rules: int | None = None):
    """Give the same score for everything but the rules, whatever was measured."""

    def reply(request: Request) -> Performance:
        return verdict(shown(request), score, rules)

    return reply


def verdict(asset: str, score: int, rules: int | None = None) -> Performance:
    scores = dict.fromkeys(("rules", "colour", "framing", "light", "finish"), score)
    scores["rules"] = score if rules is None else rules
    each = [{"name": name, "evidence": "as seen", "reasoning": "as said", "score": scores[name]} for name in scores]
    mean = (2 * sum(scores.values()) + 5) // 10
    return answer({"asset": asset, "criteria": each, "problems": [], "score": mean})


def publish(asset: str, title: str = "Dress, ink, front", alt_text: str = "Dress in ink linen, front") -> Performance:
    return call("publish_to_catalog", asset=asset, title=title, alt_text=alt_text)


def publishes(request: Request) -> Performance:
    return publish(shown(request))


def listing(entry: str = "ent_of_nothing") -> Performance:
    return answer({"entry": entry, "title": "Dress, ink, front", "alt_text": "Dress in ink linen, front"})


def shown(request: Request) -> str:
    """The asset id in the task."""
    return Sheet(request.task).read("Artefact", Artefact).asset


def section_of(request: Request, heading: str):
    """The JSON under a heading of the task."""
    return json.loads(Sheet(request.task).text(heading).removeprefix("```json").removesuffix("```"))


async def asked(stage, handle) -> Question:
    return Question.model_validate(await stage.until_asked(handle))


async def decide(handle, choice: str, by: str = "Ines", **more) -> Receipt:
    decision = Decision(choice=choice, by=by, **more)
    return await handle.execute_update("decide", await seal(handle, decision), result_type=Receipt)


async def ended(handle):
    return await asyncio.wait_for(handle.result(), PATIENCE)


async def state_of(handle) -> RunState:
    return await handle.query("state", result_type=RunState)


async def until(true, patience=PATIENCE) -> None:
    """Wait until an async question is answered with yes."""
    async with asyncio.timeout(patience):
        while not await true():  # noqa: ASYNC110 - what is waited for happens on a server
            await asyncio.sleep(0.1)


async def told(stage, run: str, kind: str) -> list[Notice]:
    return [notice for notice in await stage.world.people.questions(run) if notice.kind == kind]


async def talks(stage, of: str, agent: str) -> list[dict]:
    """The conversations of one agent, oldest first."""
    return [talk for talk in await stage.records.transcript(of) if talk["agent"] == agent]


def said_to(talk: dict) -> str:
    """Every text the agent was given in a conversation."""
    blocks = [block for message in talk["messages"] if message["role"] == "user" for block in message["content"]]
    return "\n".join(block["text"] for block in blocks if block["type"] == "text")


def results_in(talk: dict) -> list[dict]:
    """Every tool result of a conversation, as JSON."""
    blocks = [block for message in talk["messages"] for block in message["content"] if block["type"] == "tool_result"]
    texts = [block["content"] for block in blocks]
    return [json.loads(text if isinstance(text, str) else text[0]["text"]) for text in texts]
