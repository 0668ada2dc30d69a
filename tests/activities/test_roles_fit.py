"""What the rule-based roles hand in fits the values and the dials of the house."""

from pydantic import TypeAdapter

from activities.studio.settings import Settings
from tests.activities.roles_stage import (
    CATALOG,
    DESCRIBE,
    PROFILE,
    STUDIO,
    Talk,
    fact,
    facts,
    output,
    picture,
    shot,
    task,
)
from workflows.models import Listing, Plan, Revision, Shot, Take, Verdict

ASSET = {"asset": "ast_0123456789abcdef0123"}
MISSED = facts(fact("frame_fill", 0.7, "0.85 to 0.97 of the frame", passed=False, miss=0.15))
DIALS = {"settings": Settings(camera_distance=2.6).model_dump(mode="json"), "seed": 3_405_691_582}


def fits(kind, performance):
    return TypeAdapter(kind).validate_python(output(performance), strict=False)


def test_a_plan_fits():
    brief = {"title": "Spring", "wanted": ["amazon.main/front", "zalando.packshot/detail"]}
    assert len(fits(Plan, Talk("planner", task(Brief=brief)).say()).shots) == 2


def test_a_take_fits_and_its_settings_are_dials_of_the_studio():
    for number in range(24):
        order = shot(f"shot-{number}")
        Shot.model_validate(order)
        conversation = Talk("generator", task(Shot=order, Direction="A warm, airy and moody look."), STUDIO)
        conversation.say()
        while "render_shot" not in conversation.calls:
            conversation.back(find_model={"models": [{"id": "mod_7f3a", "name": "Ama"}]}, venue_rules=PROFILE)
        Settings.model_validate(conversation.calls["render_shot"]["settings"])
        results = {"venue_rules": PROFILE, "render_shot": {**ASSET, **DIALS}}
        assert fits(Take, conversation.back(**results)).asset == ASSET["asset"]


def test_a_verdict_fits():
    text = task(Shot=shot(), Artefact=ASSET, Facts=MISSED)
    verdict = fits(Verdict, Talk("critic", text, images=[picture()]).say())
    assert verdict.score < 80


def test_a_revision_fits_and_the_next_take_follows_it():
    verdict = {"asset": ASSET["asset"], "score": 61}
    text = task(Shot=shot(), Direction="Warm. " * 90, Artefact=ASSET, Facts=MISSED, Verdict=verdict)
    conversation = Talk("refiner", text, DESCRIBE)
    conversation.say()
    revision = fits(Revision, conversation.back(describe_asset={**ASSET, **DIALS}))

    generator = Talk("generator", task(Shot=shot(), Direction=revision.direction), STUDIO)
    generator.say()
    generator.back(find_model={"id": "mod_7f3a", "name": "Ama"}, venue_rules=PROFILE)
    order = generator.calls["render_shot"]
    assert Settings.model_validate(order["settings"]).camera_distance == 2.0
    assert order["seed"] == DIALS["seed"]


def test_a_listing_fits():
    conversation = Talk("publisher", task(Shot=shot(), Artefact=ASSET), CATALOG)
    conversation.say()
    assert fits(Listing, conversation.back(publish_to_catalog={"entry": "ent_42"})).entry == "ent_42"
