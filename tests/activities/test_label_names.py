"""However many names a model invents or a pipeline makes up, there are only so many labels."""

from activities.label_names import MOST, Names, among
from activities.pricing import MODELS, Prices


def names(most=MOST):
    return Names(("find_model", "render_shot"), Prices().knows, most)


def test_a_tool_of_this_world_keeps_its_name_and_any_other_is_unknown():
    known = names()
    assert [known.tool(name) for name in ("find_model", "find_mode1", "", "x" * 80)] == [
        "find_model",
        *("unknown",) * 3,
    ]


def test_a_model_with_a_price_keeps_its_name_and_any_other_is_unknown():
    known = names()
    assert known.model("claude-sonnet-5-5") == "claude-sonnet-5-5"
    assert {known.model(f"claude-invented-{number}") for number in range(500)} == {"unknown"}
    assert {known.model(name) for name in MODELS} == set(MODELS)


def test_dated_models_agents_and_pipelines_beyond_the_most_share_one_label():
    known = names(most=3)
    for name in (known.agent, known.pipeline, lambda each: known.model(f"claude-sonnet-5-5-{each[5:]}")):
        labels = [name(f"name-{20260000 + number}") for number in range(40)]
        assert len(set(labels)) == 4
        assert set(labels[3:]) == {"other"}
        assert name("name-20260001") == labels[1] != "other"


def test_what_has_no_name_is_unknown_and_what_is_not_of_a_closed_set_is_other():
    assert names().agent("") == "unknown"
    assert [among({"a", "b"}, each) for each in ("a", "c", None, ["a"], 7)] == ["a", *("other",) * 4]
