"""One image on its way: taken, measured, judged, refined, published."""

import pytest

from activities.assets import digest_of
from activities.studio.picture import open_picture
from rehearsal.scripts import calls, forever
from tests.scenarios.shoots import (
    GREY,
    KEY,
    SILENCE,
    brief,
    cast,
    listing,
    publish,
    publishes,
    repeat_direction,
    results_in,
    said_to,
    shown,
    talks,
)


async def test_a_shot_below_the_threshold_is_taken_again_judged_again_and_published_once(play):
    async with play(cast(GREY)) as stage:
        run = await stage.produce(brief())
        (shot, item), *_ = await stage.world.catalog.items(run.id)
        critics = await talks(stage, f"{run.id}:{KEY}", "critic")
        (refiner,) = await talks(stage, f"{run.id}:{KEY}", "refiner")
        _, again = await talks(stage, f"{run.id}:{KEY}", "generator")
        entries = await stage.world.catalog.entries.of_run(run.id)
    first, second = item.attempts
    assert (run.status, run.counts, len(run.published)) == ("complete", {"published": 1}, 1)
    assert first.digest != second.digest
    assert first.missed == ("background_white",)
    assert (first.score < 80 <= second.score, second.missed) == (True, ())
    assert [talk["conversation"].rpartition("/")[2] for talk in critics] == ["2.critic", "5.critic"]
    assert [entry.digest for entry in entries] == [second.digest]
    assert '"rule":"background_white"' in said_to(refiner)
    assert "set background_light to 1.3" in said_to(again)
    assert (shot.key, item.decided_by, item.decision) == (KEY, "gate", "approve")


async def test_after_three_refinements_a_person_is_asked_once_and_nothing_is_published(play):
    async with play(cast(GREY, refiner=[forever(repeat_direction)])) as stage:
        run = await stage.produce(brief(), review=SILENCE)
        (_, item), *_ = await stage.world.catalog.items(run.id)
        notices = await stage.world.people.questions(run.id)
        entries = await stage.world.catalog.entries.of_run(run.id)
    assert [attempt.number for attempt in item.attempts] == [1, 2, 3, 4]
    assert [notice.kind for notice in notices] == ["question", "expired"]
    assert "After 4 takes it still does not pass: background_white" in notices[0].question.reason
    assert (item.status, item.publication, entries, run.status) == ("rejected", None, (), "failed")
    assert item.best == item.attempts[0]


@pytest.mark.every_store
async def test_what_is_published_are_the_very_bytes_that_passed_with_their_mark_of_origin(play):
    async with play(cast()) as stage:
        run = await stage.produce(brief())
        (_, item), *_ = await stage.world.catalog.items(run.id)
        (entry,) = await stage.world.catalog.entries.of_run(run.id)
        data = await stage.world.assets.read_published(entry.uri)
    assert digest_of(data) == item.attempts[0].digest == entry.digest == item.publication.digest
    assert open_picture(data).source_type.endswith("trainedAlgorithmicMedia")
    assert entry.source_type == open_picture(data).source_type
    assert (entry.decided_by, entry.item, run.published) == ("gate", KEY, (entry.entry,))


async def test_a_publisher_can_publish_nothing_but_what_was_cleared(play):
    failed = []

    def greedy(request):
        return publish(failed[0]) if request.turn == 1 else publishes(request) if request.turn == 2 else listing()

    def refines(request):
        failed.append(shown(request))
        return cast().reply(request)

    async with play(cast(GREY, publisher=[forever(greedy)], refiner=[forever(refines)])) as stage:
        run = await stage.produce(brief())
        (talk,) = await talks(stage, f"{run.id}:{KEY}", "publisher")
        (entry,) = await stage.world.catalog.entries.of_run(run.id)
    refused, done = results_in(talk)
    assert "has not been cleared" in refused["error"]
    assert done["asset"] == entry.asset != failed[0]


async def test_publishing_twice_makes_one_entry(play):
    def eager(request):
        asset = shown(request)
        return calls(publish(asset), publish(asset, "Another title")) if request.turn == 1 else listing()

    async with play(cast(publisher=[forever(eager)])) as stage:
        run = await stage.produce(brief())
        (talk,) = await talks(stage, f"{run.id}:{KEY}", "publisher")
        entries = await stage.world.catalog.entries.of_run(run.id)
    first, second = results_in(talk)
    assert len(entries) == len(run.published) == 1
    assert first["entry"] == second["entry"] == entries[0].entry


async def test_a_publisher_that_only_says_it_published_is_not_believed(play):
    async with play(cast(publisher=[forever(listing())])) as stage:
        run = await stage.produce(brief(), review=SILENCE)
        (_, item), *_ = await stage.world.catalog.items(run.id)
        question, *_ = await stage.world.people.questions(run.id)
    assert question.question.reason == "It could not be published: no catalog entry was recorded for this item"
    assert (item.status, item.publication, run.published) == ("rejected", None, ())


async def test_a_publisher_that_writes_too_much_corrects_itself(play):
    def wordy(request):
        text = "Dress, ink, linen, front. " * 6 if request.turn == 1 else "Dress, ink, linen, front"
        return publish(shown(request), alt_text=text) if request.turn < 3 else listing()

    async with play(cast(publisher=[forever(wordy)])) as stage:
        run = await stage.produce(brief())
        (talk,) = await talks(stage, f"{run.id}:{KEY}", "publisher")
        (entry,) = await stage.world.catalog.entries.of_run(run.id)
    refused, done = results_in(talk)
    assert "alt_text" in refused["error"]
    assert refused["hint"]
    assert (run.status, done["entry"], entry.alt_text) == ("complete", entry.entry, "Dress, ink, linen, front")
