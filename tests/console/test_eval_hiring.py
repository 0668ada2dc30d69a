"""What an eval reads of candidates: what a person would be shown, checked against the guards and the documents."""

import pytest

from console.evals.hiring import shown
from tests.evaluation.files import ROLE, evaluation, file
from tests.evaluation.writing import SAMPLES

SUITE = """
name: bakers
pipeline: evaluation
cases:
  - name: all
    vacancy: {vacancy}
    only: [{only}]
    expect: {{decided: 0}}
"""


def test_levels_of_both_readings_doubts_and_how_far_totals_lie_apart_are_shown():
    files = [file("r", evaluation(3, redacted=1, flag="disagreement"), key="a"), file("r", evaluation(4), key="b")]
    found = shown(ROLE, files, [0, 2])
    first, second = found["candidates"]["a"], found["candidates"]["b"]
    assert (first["flags"], first["doubts"], first["standing"], second["doubts"]) == (["disagreement"], 1, "open", 0)
    assert (first["requirements"]["baking"]["moved"], second["requirements"]["baking"]["moved"]) == (2, 0)
    assert (found["spread"], second["unfounded"]) == (25, 2)


def test_a_level_that_contradicts_its_verdict_is_counted():
    sound = evaluation(3)
    look = sound.compared[0].original
    wrong = look.finding.model_copy(update={"verdict": "not_met"})
    compared = sound.compared[0].model_copy(update={"original": look.model_copy(update={"finding": wrong})})
    broken = sound.model_copy(update={"compared": (compared,)})
    told = shown(ROLE, [file("r", sound, key="a"), file("r", broken, key="b")], [0, 0])["candidates"]
    assert (told["a"]["inconsistent"], told["b"]["inconsistent"]) == (0, 1)


def test_without_a_total_for_everybody_there_is_no_spread():
    files = [file("r", evaluation(3), key="a"), file("r", evaluation(None), key="b")]
    found = shown(ROLE, files, [0, 0])
    assert found["spread"] is None
    assert found["candidates"]["b"]["requirements"]["baking"]["level"] is None


@pytest.mark.parametrize(
    ("vacancy", "only", "says"),
    [("nowhere", "c-01", "nowhere"), ("{samples}/backend-engineer", "c-99", "there is no candidate c-99")],
)
def test_a_case_about_nobody_is_refused_before_anything_is_started(shell, tmp_path, vacancy, only, says):
    (tmp_path / "suite.yaml").write_text(SUITE.format(vacancy=vacancy.format(samples=SAMPLES.resolve()), only=only))
    assert shell("eval", "suite.yaml") != 0
    assert says in shell.err
