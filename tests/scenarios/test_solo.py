"""One agent that does it all: the gate is the same code, and nothing that it says gets it past."""

import json

import pytest

from rehearsal.roles.sheet import Sheet, Shot
from rehearsal.scripts import answer, call, forever
from tests.scenarios.shoots import (
    AMA,
    GREY,
    KEY,
    SILENCE,
    SMALL,
    asked,
    brief,
    cast,
    decide,
    ended,
    listing,
    planner,
    results_in,
    talks,
    told,
)

WHITE = {**SMALL, "background_light": 1.3}
DARK = {**SMALL, "background_light": 0.7}


def render(request, settings, **more):
    shot = Sheet(request.task).read("Shot", Shot)
    return call("render_shot", shot=shot.key, model_id=AMA, profile=shot.profile, settings=settings, **more)


def last_asset(request):
    blocks = [block for message in request.messages for block in message.of("tool_result")]
    found = [json.loads(text) for block in blocks if "asset" in (text := _text(block["content"]))]
    return next(each["asset"] for each in reversed(found) if "asset" in each)


def _text(content):
    return content if isinstance(content, str) else content[0]["text"]


def evaluate(request):
    return call("evaluate_shot", asset=last_asset(request))


def publish(request):
    text = "Dress in ink linen, front"
    return call("publish_to_catalog", asset=last_asset(request), title="Dress, ink, front", alt_text=text)


def alone(*turns):
    """A photographer who takes these turns; planner and critic are as always."""
    return cast(photographer=list(turns))


async def start(stage, **order):
    return await stage.start_production(brief(), kind="SoloProduction", **order)


@pytest.fixture
def item():
    return lambda stage, run: stage.item(run.id, KEY)


async def test_what_the_gate_lets_through_is_published_by_the_agent_itself(play):
    shots = [lambda r: render(r, WHITE), evaluate, publish, listing()]
    async with play(alone(*shots)) as stage:
        run = await start(stage)
        outcome = await ended(run)
        (_, kept), *_ = await stage.world.catalog.items(run.id)
        (entry,) = await stage.world.catalog.entries.of_run(run.id)
    assert (outcome.status, kept.status, kept.decided_by) == ("complete", "published", "gate")
    assert (entry.digest, len(kept.attempts)) == (kept.best.digest, 1)


async def test_it_cannot_publish_what_was_not_evaluated_nor_what_the_gate_refused(play):
    shots = [
        lambda r: render(r, DARK),
        publish,  # not evaluated at all
        evaluate,
        publish,  # refused by the gate
        lambda r: render(r, WHITE),
        publish,  # another take than the one that was refused, and not evaluated either
        evaluate,
        publish,
        listing(),
    ]
    async with play(alone(*shots)) as stage:
        run = await start(stage)
        outcome = await ended(run)
        (talk,) = await talks(stage, run.id, "photographer")
        (_, kept), *_ = await stage.world.catalog.items(run.id)
        entries = await stage.world.catalog.entries.of_run(run.id)
    refused = [each["error"] for each in results_in(talk) if "has not been cleared" in str(each.get("error"))]
    assert outcome.status == "complete"
    assert len(refused) == 3
    assert len(entries) == 1
    assert entries[0].digest == kept.best.digest
    assert kept.attempts[0].missed == ("background_white",)


async def test_it_is_told_what_was_measured_and_what_the_critic_says(play):
    shots = [lambda r: render(r, DARK), evaluate, lambda r: render(r, WHITE), evaluate, publish, listing()]
    async with play(alone(*shots)) as stage:
        run = await start(stage)
        await ended(run)
        (talk,) = await talks(stage, run.id, "photographer")
    said = [b["text"] for m in talk["messages"] if m["role"] == "user" for b in m["content"] if b["type"] == "text"]
    findings = [text for text in said if text.startswith("## Gate")]
    assert len(findings) == 2
    assert all(word in findings[0] for word in ("It is not cleared.", "background_white", "## Verdict"))
    assert "It is cleared: publish it." in findings[1]


async def test_when_the_takes_are_used_up_a_person_decides_and_an_approval_publishes_the_best(play, item):
    shots = [lambda r: render(r, DARK), evaluate, publish, listing()]
    approved = [publish_cleared, listing()]

    def photographer(request):
        return approved if '"passes": true' in request.task else shots

    async with play(cast(photographer=photographer)) as stage:
        run = await start(stage, refinements=0)
        question = await asked(stage, item(stage, run))
        await decide(item(stage, run), "approve", digest=question.digest)
        outcome = await ended(run)
        (entry,) = await stage.world.catalog.entries.of_run(run.id)
    assert "background_white" in question.reason
    assert (outcome.status, entry.decided_by) == ("complete", "Ines")


def publish_cleared(request):
    gate = json.loads(Sheet(request.task).text("Gate").partition("```json\n")[2].partition("\n```")[0])
    text = "Dress in ink linen, front"
    return call("publish_to_catalog", asset=gate["asset"], title="Dress, ink, front", alt_text=text)


async def test_an_agent_that_claims_to_have_published_is_not_believed(play, item):
    shots = [lambda r: render(r, WHITE), evaluate, listing("ent_of_my_own")]
    async with play(alone(*shots)) as stage:
        run = await start(stage, review=SILENCE)
        outcome = await ended(run)
        (notice, *_) = await told(stage, run.id, "question")
        entries = await stage.world.catalog.entries.of_run(run.id)
    assert (outcome.status, entries) == ("failed", ())
    assert notice.question.reason.startswith("It could not be published")


async def test_it_asks_for_a_person_where_it_cannot_go_on(play, item):
    gives_up = [call("escalate_to_human", reason="The dress has not come.")]
    async with play(cast(photographer=lambda _: gives_up)) as stage:
        run = await start(stage)
        question = await asked(stage, item(stage, run))
        await decide(item(stage, run), "reject")
        outcome = await ended(run)
    assert question.reason == "The dress has not come."
    assert outcome.status == "failed"


async def test_the_rehearsed_photographer_mends_a_dark_take_and_publishes(play):
    async with play(cast(GREY)) as stage:
        run = await start(stage)
        outcome = await ended(run)
        (_, kept), *_ = await stage.world.catalog.items(run.id)
    assert (outcome.status, kept.status) == ("complete", "published")
    assert len(kept.attempts) >= 2
    assert kept.attempts[0].missed


async def test_somebody_elses_take_is_not_evaluated(play):
    shots = [call("evaluate_shot", asset="ast_000000000000"), *[forever(answer({"title": "x"}))]]
    async with play(cast(planner=[forever(planner("Front view"))], photographer=shots)) as stage:
        run = await start(stage, review=SILENCE)
        outcome = await ended(run)
        (talk,) = await talks(stage, run.id, "photographer")
    assert outcome.status == "failed"
    assert "there is no asset" in results_in(talk)[0]["error"]
