"""The command `eval`: a suite, its figures, a comparison, and an exit code for CI."""

import json

import pytest

from console.errors import Exit

SUITE = """
name: greetings
pipeline: agent
repetitions: 3
at_once: 2
pass_rate: {rate}
cases:
  - name: polite
    order: {{goal: Say hello.}}
    expect:
      status: complete
      answer: {{contains: hello}}
  - name: terse
    order: {{goal: Say nothing.}}
    expect:
      answer: {{contains: silence}}
"""


@pytest.fixture
def suite(tmp_path):
    def write(text=SUITE, rate=0.5):
        (tmp_path / "suite.yaml").write_text(text.format(rate=rate))
        return "suite.yaml"

    return write


def test_a_suite_is_run_and_every_figure_has_its_interval(staged, suite):
    found = staged.json("eval", suite(), "--model", "claude-opus-5-5")
    figure = found["figures"]["pass-rate"]
    assert (staged.code, found["suite"], found["model"]) == (Exit.OK, "greetings", "claude-opus-5-5")
    assert (figure["value"], round(figure["low"], 3), round(figure["high"], 3)) == (0.5, 0.188, 0.812)
    assert [(trial["case"], trial["passed"]) for trial in found["trials"]] == [("polite", True)] * 3 + [
        ("terse", False)
    ] * 3
    assert found["trials"][3]["misses"] == ["answer: 'done: Say nothing.' is not something with 'silence' in it"]
    assert found["shortfalls"] == []


def test_too_few_that_pass_end_a_build_and_say_why(staged, suite):
    assert staged("eval", suite(rate=0.9), "-n", "1") == Exit.RUN_FAILED
    assert "1 of 2 trials passed; 90% must" in staged.out
    assert "✗ terse" in staged.out
    assert "polite" in staged.out


def test_it_is_compared_with_the_last_time(staged, suite):
    staged("eval", suite(SUITE.replace("greetings", "compared")))
    found = staged.json("eval", suite(SUITE.replace("greetings", "compared").replace("silence", "nothing")))
    assert found["compared_with"]
    assert (found["changes"]["pass-rate"]["value"], found["changes"]["pass-rate"]["word"]) == (0.5, "higher")
    assert found["changes"]["cost-usd"]["word"] == "no change beyond chance"
    assert json.loads(open(found["kept"]).read())["suite"] == "compared"  # noqa: SIM115, PTH123


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (SUITE.replace("pipeline: agent", "pipeline: choir"), "pipeline: String should match"),
        (SUITE.replace("repetitions: 3", "repetitons: 3"), "repetitons: Extra inputs"),
        (SUITE.replace("name: terse", "name: polite"), "two cases have one name: polite"),
        (SUITE.replace("pipeline: agent", "pipeline: production"), "production needs a brief: polite, terse"),
        (SUITE.replace("status: complete", "status: {{}}"), "cases[0].expect.status: Value error, say one of"),
        ("cases: [", "line"),
    ],
)
def test_a_suite_with_mistakes_is_refused_with_its_path_and_line(staged, suite, text, problem):
    assert staged("eval", suite(text)) == Exit.BAD_FILE
    assert problem in staged.err


def test_an_order_with_mistakes_is_named_by_its_case_before_anything_is_started(shell, suite):
    assert shell("eval", suite(SUITE.replace("goal: Say hello.", "gaol: Say hello."))) == Exit.BAD_FILE
    assert "polite: order.goal: Field required" in shell.err
    brief = "cases: [{{name: a, brief: {{title: x}}, expect: {{status: complete}}}}]"
    assert shell("eval", suite(f"name: s\npipeline: production\n{brief}")) == Exit.BAD_FILE
    assert "a: products" in shell.err


def test_a_workflow_of_ones_own_that_cannot_be_found_says_where_to_run_it(shell, suite):
    own = SUITE.replace("pipeline: agent", "pipeline: nowhere.pipeline:Bouquets")
    assert shell("eval", suite(own)) == Exit.MISSING
    assert "nowhere.pipeline:Bouquets cannot be found" in shell.err
    assert "run this where your package is" in shell.err
