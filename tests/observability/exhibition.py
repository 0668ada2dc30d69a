"""A short day of the house with everything in it: work that goes well, work that does not, and people who step in."""

import asyncio
import re
from dataclasses import replace

from rehearsal.roles import Roles
from rehearsal.scripts import Script, call, cut, fail, forever, refuse, say
from tests.scenarios.agents import DONE, decide, ended, spends
from tests.scenarios.shoots import GREY, WHITE, asked, brief, photograph, planner, repeat_direction
from tests.scenarios.shoots import decide as answer_item
from workflows.models import Limits

TOOLS = ("find_model", "render_shot", "escalate_to_human")
ORDER = {"shot": "a", "model_id": "mod_made_up", "profile": "amazon.main", "settings": {}}
LOOK = call("find_model", name="Ama")
SETTINGS = {
    "CALLSHEET_FLEET_DAY_USD": "5",
    "CALLSHEET_FLEET_MONTH_USD": "20",
    "CALLSHEET_TENANT_DAY_USD": "5",
    "CALLSHEET_ALERT_SAMPLE": "3",
}


def plans(request):
    """Every tee is grey, and does not pass; every dress is white, and does."""
    return planner(GREY if "The tee" in request.task else WHITE)(request)


def names(request):
    return replace(call("find_model", name=f"Model {request.turn}"), delay=0.2)


GOALS = {
    "well": [LOOK, DONE],
    "loop": [forever(LOOK)],
    "busy": [fail(529, "overloaded_error", retry_after=0.1), fail(500, "api_error"), DONE],
    "dream": [call("render_shot", **ORDER), call("fly"), call("find_model"), DONE],
    "refused": [forever(refuse("cyber", "I will not."))],
    "cut": [forever(cut(say("A long story without an end.")))],
    "poor": [forever(spends(900, names))],
}
LATER = {
    "dear": [names, names, names, names, spends(4_000, names), DONE],
    "last": [*[names] * 8, DONE],
}


def player():
    """Everybody who plays."""
    parts = {
        "assistant": lambda request: (GOALS | LATER)[re.search(r"Goal: (\w+)", request.task).group(1)],
        "planner": [forever(plans)],
        "generator": [forever(photograph)],
        "refiner": [forever(repeat_direction)],
    }
    return Script(parts, else_=Roles())


async def take_place(stage):
    """Let it all happen, to its end."""
    await asyncio.gather(_shoot(stage), _override(stage), *(_agent(stage, goal) for goal in GOALS))
    await stage.run_agent("dear", tools=TOOLS)  # once there is something usual to compare it with
    await stage.run_agent("last", tools=TOOLS)  # so that the figures that come last are seen as well


async def _shoot(stage):
    await ended(await stage.start_production(brief("dress")))


async def _override(stage):
    run = await stage.start_production(brief("tee"), refinements=1)
    item = stage.item(run.id, "google-merchant-front-tee-ink")
    question = await asked(stage, item)
    await answer_item(item, "approve", digest=question.digest, note="the grey is wanted")
    await ended(run)


async def _agent(stage, goal):
    limits = Limits(micro_usd=30_000) if goal == "poor" else Limits()
    handle = await stage.start_agent(goal, tools=TOOLS, limits=limits)
    if goal in {"loop", "refused", "cut", "poor"}:
        question = await stage.until_asked(handle)
        await asyncio.sleep(2)
        await decide(handle, "reject", question=question["id"])
    await ended(handle)
