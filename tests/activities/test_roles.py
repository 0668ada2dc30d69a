"""The rule-based planner, publisher, assistant and whoever has no part."""

import json

import pytest

from rehearsal.player import Performance, Text
from rehearsal.roles import Roles
from rehearsal.roles.dialogue import draw
from tests.activities.roles_stage import CATALOG, Refused, Talk, output, shot, task, tool, words

LOOKUP = tool("describe_product", ["product"], product={"type": "string"})
RULES = {"background_white": {"at_least": 255}, "frame_fill": {"at_least": 0.85, "at_most": 0.97}}
LOOSE = {"background_uniform": {"at_most": 9.0}, "frame_fill": {"at_least": 0.5, "at_most": 0.8}}
BRIEF = {
    "title": "Spring capsule",
    "guidelines": {
        "brand": "Solveig",
        "palette": ["#1f2a44"],
        "backgrounds": [],
        "do": ["a warm, natural look"],
        "dont": ["hard shadows"],
    },
    "model": "Ama",
    "venues": [
        {"profile": "amazon.main", "version": "1", "views": ["front"], "rules": RULES},
        {"profile": "brand.lookbook", "version": "1", "views": ["front", "detail"], "rules": LOOSE},
    ],
    "products": [],
    "product_count": 2,
    "wanted": ["amazon.main/front", "brand.lookbook/front", "brand.lookbook/detail"],
}
ASSET = {"asset": "ast_0123456789abcdef0123"}
PLAIN = next(f"shot-{n}" for n in range(99) if draw(f"shot-{n}", "wordy", 3))
WORDY = next(f"shot-{n}" for n in range(99) if not draw(f"shot-{n}", "wordy", 3))


def plan(brief=BRIEF):
    return output(Talk("planner", task(Brief=brief)).say())


def publisher(key=PLAIN, **more):
    return Talk("publisher", task(Shot=shot(key), Artefact=ASSET), CATALOG, **more)


def test_the_plan_has_every_wanted_view_exactly_once_and_nothing_else():
    shots = [f"{each['profile']}/{each['view']}" for each in plan({**BRIEF, "wanted": BRIEF["wanted"] * 2})["shots"]]
    assert shots == BRIEF["wanted"]


def test_directions_come_from_the_brand_and_the_rules_of_the_venue():
    amazon, lookbook, detail = (each["direction"] for each in plan()["shots"])
    assert "warm" in amazon
    assert "Pure white" in amazon
    assert "0.85 to 0.97" in amazon
    assert "white" not in lookbook
    assert "hard shadows" in lookbook
    assert detail.startswith("Close detail")


def test_a_direction_keeps_to_its_600_characters_and_ends_with_a_whole_sentence():
    wordy = {**BRIEF["guidelines"], "do": [f"{n} warm {'very ' * 30}" for n in range(20)]}
    directions = [each["direction"] for each in plan({**BRIEF, "guidelines": wordy})["shots"]]
    assert all(0 < len(each) <= 600 and each.endswith(".") for each in directions)


def test_the_publisher_publishes_with_words_from_the_product_and_hands_in_the_entry():
    conversation = publisher()
    conversation.say()
    order = conversation.calls["publish_to_catalog"]
    assert order["asset"] == ASSET["asset"]
    assert order["alt_text"] == "Dress in ink navy linen, Linen wrap dress, seen from the front"
    listing = output(conversation.back(publish_to_catalog={"entry": "ent_42", "uri": "file:///x"}))
    assert listing == {"entry": "ent_42", "title": order["title"], "alt_text": order["alt_text"]}


def test_a_publisher_looks_the_product_up_once_before_it_publishes():
    conversation = Talk("publisher", task(Shot=shot(), Artefact=ASSET), (LOOKUP, *CATALOG))
    conversation.say()
    assert conversation.calls == {"describe_product": {"product": "linen-dress"}}
    conversation.back(describe_product={"product": {"id": "linen-dress"}, "guidelines": {"brand": "Solveig"}})
    assert conversation.calls["publish_to_catalog"]["title"] == "Linen wrap dress, ink navy, front"
    assert output(conversation.back(publish_to_catalog={"entry": "ent_42"}))["entry"] == "ent_42"


def test_a_publisher_whose_look_at_the_product_is_refused_publishes_all_the_same():
    conversation = Talk("publisher", task(Shot=shot(), Artefact=ASSET), (LOOKUP, *CATALOG))
    conversation.say()
    conversation.back(describe_product=Refused("product: there is no product 'linen-dress'", "nearest first: linen"))
    assert list(conversation.calls) == ["publish_to_catalog"]


def test_a_wordy_publisher_is_refused_and_shortens():
    conversation = publisher(WORDY)
    conversation.say()
    assert len(conversation.calls["publish_to_catalog"]["alt_text"]) > 125
    refusal = Refused("alt_text: String should have at most 125 characters", "publish_to_catalog expects {...}")
    conversation.back(publish_to_catalog=refusal)
    assert len(conversation.calls["publish_to_catalog"]["alt_text"]) <= 125
    listing = output(conversation.back(publish_to_catalog={"entry": "ent_7"}))
    assert listing["entry"] == "ent_7"
    assert len(listing["alt_text"]) <= 125


def test_alt_texts_are_short_and_differ_by_view():
    texts = set()
    for view in ("front", "back", "side", "detail"):
        order = shot(PLAIN, view)
        order["product"]["title"] = "A very long name of a wrap dress " * 3
        conversation = Talk("publisher", task(Shot=order, Artefact=ASSET), CATALOG)
        conversation.say()
        texts.add(conversation.calls["publish_to_catalog"]["alt_text"])
    assert len(texts) == 4
    assert all(len(text) <= 125 and "image of" not in text for text in texts)


@pytest.mark.parametrize(
    "error",
    [
        "asset: 'ast_0123456789abcdef0123' has not been cleared for publish_to_catalog",
        "whether the entry was made is not known",
    ],
)
def test_a_refusal_that_is_not_about_words_goes_to_a_person(error):
    conversation = publisher()
    conversation.say()
    conversation.back(publish_to_catalog=Refused(error))
    assert error in conversation.calls["escalate_to_human"]["reason"]


def test_a_publisher_without_tools_says_that_there_is_no_entry():
    assert output(publisher(body={"tool_choice": {"type": "none"}}).say())["entry"] == "none"


def test_the_assistant_looks_around_once_and_answers_from_what_it_saw():
    tools = [tool("list_things"), tool("find_thing", ["name"], name={"type": "string"}), tool("publish_all")]
    conversation = Talk("assistant", task(), tools)
    conversation.say()
    assert conversation.calls == {"list_things": {}}
    reply = conversation.back("a reminder", list_things={"things": ["a hat"]})
    assert "a hat" in words(reply)
    assert "Goal: catalog images" in words(reply)
    assert not conversation.calls


def test_an_unknown_role_fills_the_output_schema_with_the_least_and_says_it_is_not_rehearsed():
    schema = {
        "type": "object",
        "required": ["reason", "score", "level", "notes", "person", "sure"],
        "properties": {
            "reason": {"type": "string"},
            "score": {"type": "integer", "minimum": 1},
            "level": {"enum": ["low", "high"]},
            "notes": {"type": "array", "minItems": 2, "items": {"type": "string", "maxLength": 3}},
            "person": {"$ref": "#/$defs/Person"},
            "sure": {"type": "boolean"},
            "extra": {"type": "string"},
        },
        "$defs": {
            "Person": {
                "type": "object",
                "required": ["name", "born"],
                "properties": {"name": {"anyOf": [{"type": "string"}]}, "born": {"type": "string", "format": "date"}},
            }
        },
    }
    assert output(Talk("archivist", "Evaluate.", schema=schema).say()) == {
        "reason": "not rehearsed",
        "score": 1,
        "level": "low",
        "notes": ["not", "not"],
        "person": {"name": "not rehearsed", "born": "1970-01-01"},
        "sure": False,
    }


def test_an_unknown_role_without_a_schema_says_so():
    assert "I have no role for juggler" in words(Talk("juggler", "Juggle.").say())


def test_a_role_can_be_replaced():
    class Echo:
        def reply(self, request):
            return Performance((Text(request.task),))

    request_seen = []

    class Spy(Echo):
        def reply(self, request):
            request_seen.append(request)
            return super().reply(request)

    conversation = Talk("planner", "Plan.", roles=Roles({"planner": Spy()}))
    assert words(conversation.say()) == "Plan."
    assert request_seen[0].agent == "planner"


@pytest.mark.parametrize("role", ["planner", "generator", "critic", "refiner", "publisher"])
@pytest.mark.parametrize("text", ["", "Do something.", "## Brief\n\n```json\n[]\n```\n\n## Shot\n\n```json\n7\n```"])
def test_a_task_that_cannot_be_read_is_answered_in_words_that_name_what_is_missing(role, text):
    reply = words(Talk(role, text, CATALOG).say())
    assert "rule-based rehearsal" in reply
    assert role in reply
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply)
