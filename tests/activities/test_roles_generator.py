"""The rule-based generator, in whole dialogues."""

import pytest

from rehearsal.roles.dialogue import draw
from tests.activities.roles_stage import PROFILE, STUDIO, Refused, Talk, output, shot, task, words

MODEL = {"id": "mod_7f3a", "name": "Ama", "height": 178}
MADE = {"asset": "ast_0123456789abcdef0123", "width": 2000, "height": 2000, "settings": {"kelvin": 5500}}


def key_where(purpose, sides, side):
    return next(key for key in (f"shot-{n}" for n in range(500)) if draw(key, purpose, sides) == side)


CAREFUL = next(k for k in (f"shot-{n}" for n in range(500)) if draw(k, "guess", 4) and draw(k, "manner", 8) < 4)
WARM = next(k for k in (f"shot-{n}" for n in range(500)) if draw(k, "guess", 4) and draw(k, "manner", 8) == 4)
GUESSER = key_where("guess", 4, 0)


def talk(key=CAREFUL, direction="Front view, clean and evenly lit.", tools=STUDIO, **more):
    return Talk("generator", task(Shot=shot(key), Direction=direction), tools, **more)


def test_it_looks_up_model_and_rules_side_by_side_then_renders_then_hands_in_the_take():
    conversation = talk()
    conversation.say()
    assert conversation.calls == {"find_model": {"name": "Ama"}, "venue_rules": {"profile": "amazon.main"}}

    conversation.back(find_model={"models": [{"id": "mod_bbbb", "name": "Noor"}, MODEL]}, venue_rules=PROFILE)
    order = conversation.calls["render_shot"]
    assert (order["shot"], order["model_id"], order["profile"]) == (CAREFUL, "mod_7f3a", "amazon.main")
    assert (order["settings"]["width"], order["settings"]["height"]) == (2000, 2000)

    take = output(conversation.back(render_shot=MADE))
    assert take["asset"] == MADE["asset"]
    assert take["reasoning"]


def test_a_guesser_is_refused_and_corrects_the_model_from_the_hint_in_the_next_turn():
    conversation = talk(GUESSER)
    conversation.say()
    assert conversation.calls["render_shot"]["model_id"] == "mod_ama"

    hint = "model_id: nearest first: mod_99aa (Amadou), mod_7f3a (Ama); recently used: mod_1234 (Noor)"
    refusal = Refused("model_id: there is no model 'mod_ama'", hint)
    conversation.back(venue_rules=PROFILE, render_shot=refusal)

    assert set(conversation.calls) == {"render_shot"}
    assert conversation.calls["render_shot"]["model_id"] == "mod_7f3a"
    assert conversation.calls["render_shot"]["settings"]["width"] == 2000


def test_a_refused_suggestion_is_not_tried_again():
    conversation = talk(GUESSER)
    conversation.say()
    nearest = "model_id: nearest first: mod_99aa (Bea), mod_1234 (Noor)"
    conversation.back(venue_rules=PROFILE, render_shot=Refused("model_id: there is no model 'mod_ama'", nearest))
    assert conversation.calls["render_shot"]["model_id"] == "mod_99aa"
    conversation.back(render_shot=Refused("model_id: there is no model 'mod_99aa'", nearest))
    assert conversation.calls["render_shot"]["model_id"] == "mod_1234"


def test_about_one_shot_in_four_is_guessed():
    guessed = sum(draw(f"amazon-main-front-{n}", "guess", 4) == 0 for n in range(400))
    assert 70 <= guessed <= 130


def test_an_unknown_model_name_is_answered_with_what_the_hint_suggests():
    conversation = talk()
    conversation.say()
    refusal = Refused("name: there is no model 'Ama'", "recently used: mod_1234 (Noor)")
    conversation.back(find_model=refusal, venue_rules=PROFILE)
    assert conversation.calls["render_shot"]["model_id"] == "mod_1234"


def test_set_lines_in_the_direction_are_followed_to_the_letter():
    direction = "Front view, warm look.\nset camera_distance to 1.93\nset kelvin to 5500\n- set backdrop to #f0f0f0."
    conversation = talk(WARM, direction)
    conversation.say()
    conversation.back(find_model=MODEL, venue_rules=PROFILE)
    settings = conversation.calls["render_shot"]["settings"]
    assert (settings["camera_distance"], settings["kelvin"], settings["backdrop"]) == (1.93, 5500, "#f0f0f0")


def test_an_order_inside_a_persons_sentence_counts_and_stands_above_earlier_lines():
    conversation = talk(
        direction="Front view.\nset kelvin to 5500\nA person asks: please set kelvin to 5200, thank you."
    )
    conversation.say()
    conversation.back(find_model=MODEL, venue_rules=PROFILE)
    assert conversation.calls["render_shot"]["settings"]["kelvin"] == 5200


def test_a_setting_out_of_bounds_is_brought_inside_and_nonsense_is_left_out():
    conversation = talk(direction="set kelvin to 99000\nset focus to very-sharp\nset halo to 3")
    conversation.say()
    conversation.back(find_model=MODEL, venue_rules=PROFILE)
    settings = conversation.calls["render_shot"]["settings"]
    assert settings["kelvin"] == 9000
    assert settings["focus"] == 1.0
    assert "halo" not in settings


def test_half_of_the_first_takes_follow_the_mood_and_half_the_rules():
    seen = []
    for key in (CAREFUL, WARM):
        conversation = talk(key, "Give it the warm look of the brand.")
        conversation.say()
        conversation.back(find_model=MODEL, venue_rules=PROFILE)
        seen.append(conversation.calls["render_shot"]["settings"])
    careful, moody = seen
    assert careful["kelvin"] == 5500
    assert moody["kelvin"] < 5000
    assert moody["camera_distance"] > careful["camera_distance"]


def test_a_setting_that_the_tool_blames_is_left_to_its_default():
    conversation = talk()
    conversation.say()
    conversation.back(find_model=MODEL, venue_rules=PROFILE)
    conversation.back(render_shot=Refused("settings.quality: Input should be less than or equal to 90"))
    assert "quality" not in conversation.calls["render_shot"]["settings"]


def test_after_three_failed_renders_a_person_is_asked():
    conversation = talk()
    conversation.say()
    conversation.back(find_model=MODEL, venue_rules=PROFILE)
    for _ in range(3):
        assert "render_shot" in conversation.calls
        conversation.back(render_shot=Refused("TimeoutError: the studio did not answer"))
    assert set(conversation.calls) == {"escalate_to_human"}
    assert "TimeoutError" in conversation.calls["escalate_to_human"]["reason"]


def test_reminders_and_repair_notes_after_the_results_change_nothing():
    conversation = talk()
    conversation.say()
    conversation.back("Goal: catalog images", find_model=MODEL, venue_rules=PROFILE)
    first = conversation.back(render_shot=MADE)
    again = conversation.back("Your output did not fit: asset: Field required")
    assert output(first) == output(again)


def test_without_tools_it_hands_in_what_it_has():
    silent = talk(body={"tool_choice": {"type": "none"}})
    assert output(silent.say())["asset"] == "none"


@pytest.mark.parametrize("text", ["## Contract\n\nGoal: x", "## Shot\n\n```json\n{]\n```", "", "## Shot\n\nno block"])
def test_a_task_without_a_readable_shot_is_answered_in_words(text):
    assert "`## Shot`" in words(Talk("generator", text, STUDIO).say())


def test_the_same_conversation_gets_the_same_reply():
    assert talk().say() == talk().say()
