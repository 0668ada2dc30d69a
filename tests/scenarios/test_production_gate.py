"""The gate cannot be talked past: code decides what may be published, from facts and a verdict for those very bytes."""

from rehearsal.scripts import answer, forever
from tests.scenarios.shoots import (
    GREY,
    KEY,
    SILENCE,
    brief,
    cast,
    judge,
    photograph,
    render,
    said_to,
    talks,
    told,
    verdict,
)

ELSEWHERE = "ast_00000000000000000000"


async def test_a_critic_that_praises_a_broken_rule_is_corrected_and_then_a_person_is_asked(play):
    async with play(cast(GREY, critic=[forever(judge(95))])) as stage:
        run = await stage.produce(brief(), review=SILENCE)
        (_, item), *_ = await stage.world.catalog.items(run.id)
        (critic,) = await talks(stage, f"{run.id}:{KEY}", "critic")
        (question,) = await told(stage, run.id, "question")
        entries = await stage.world.catalog.entries.of_run(run.id)
    assert "a score of 95 contradicts the facts, which miss background_white" in said_to(critic)
    asked = question.question
    assert asked.reason.startswith("The critic gave no verdict: the output did not fit after 1 correction")
    assert (asked.digest, asked.facts.missed[0].rule, asked.verdict) == (
        item.best.digest,
        "background_white",
        None,
    )
    assert (item.status, item.verdict, entries) == ("rejected", None, ())


async def test_a_high_score_does_not_outweigh_a_broken_rule(play):
    async with play(cast(GREY, critic=[forever(judge(100, rules=60))])) as stage:
        run = await stage.produce(brief(), review=SILENCE, refinements=0)
        (_, item), *_ = await stage.world.catalog.items(run.id)
        (question,) = await told(stage, run.id, "question")
        entries = await stage.world.catalog.entries.of_run(run.id)
    assert question.question.reason.startswith("After 1 take it still does not pass: background_white")
    assert (item.status, item.best.score, entries) == ("rejected", 92, ())


async def test_a_verdict_about_another_picture_counts_for_nothing(play):
    async with play(cast(critic=[verdict(ELSEWHERE, 95), judge(88)])) as stage:
        run = await stage.produce(brief())
        (_, item), *_ = await stage.world.catalog.items(run.id)
        (critic,) = await talks(stage, f"{run.id}:{KEY}", "critic")
    assert f"not {ELSEWHERE}" in said_to(critic)
    assert (item.status, item.verdict.score, item.best.score) == ("published", 88, 88)


async def test_praise_below_the_threshold_publishes_nothing_even_when_every_fact_is_met(play):
    async with play(cast(critic=[forever(judge(79))])) as stage:
        run = await stage.produce(brief(), review=SILENCE, refinements=0)
        (_, item), *_ = await stage.world.catalog.items(run.id)
        (question,) = await told(stage, run.id, "question")
    assert question.question.reason.endswith("score 79 is below 80")
    assert (item.status, item.best.missed, run.published) == ("rejected", (), ())


async def test_a_generator_can_hand_in_only_what_it_made_in_this_conversation(play):
    async with play(cast(generator=[answer({"asset": ELSEWHERE}), render, photograph])) as stage:
        run = await stage.produce(brief())
        (generator,) = await talks(stage, f"{run.id}:{KEY}", "generator")
    assert f"'{ELSEWHERE}' was not made in this conversation" in said_to(generator)
    assert run.status == "complete"
