"""What a candidate handed in and what was said of it leaves the house, for good; the decision and the digests stay."""

import asyncio
from datetime import timedelta

import pytest
from obstore.store import from_url
from sqlalchemy import select, update
from temporalio.service import RPCError

from activities.assets import digest_of
from activities.conversation_tables import ConversationRow, MessageRow
from activities.database import now
from activities.erasure import GONE, Eraser
from activities.hiring_records import HiringRecords
from activities.hiring_tables import CandidateRow, ErasureRow
from activities.tables import TABLES
from console.reproduced import reproduced
from rehearsal.roles import Roles
from tests.scenarios.shoots import until
from tests.scenarios.stage import PATIENCE
from tests.scenarios.vacancies import GOOD, candidate, decide, ended, evaluated, history_of, open_vacancy, shown
from workflows.models.hiring import Erased, ErasureOrder

TELLING = f"Adalbertina Blumenthal\n\n{GOOD}\n\nSeventeen marzipan hedgehogs were sold on a Thursday."
SAID = (b"Adalbertina", b"marzipan hedgehogs", b"Baked sourdough and baguettes")


async def decided(stage, text=TELLING, key="ada"):
    run = await open_vacancy(stage, {key: ("Adalbertina Blumenthal", text)})
    await shown(stage, run, key)
    await decide(stage, run, key, note="Bread speaks.")
    await ended(run)
    return run


async def erase(stage, run, key="ada", name="1", **more) -> Erased:
    return await asyncio.wait_for(
        stage.client.execute_workflow(
            "CandidateErasure",
            ErasureOrder(run=run.id, key=key, by="Vera", **more),
            id=f"erase:{run.id}:{key}:{name}",
            task_queue=stage.queue,
            result_type=Erased,
        ),
        PATIENCE,
    )


def kept_by(stage) -> bytes:
    """Everything that lies in a home: the database, its log, the assets; or every row and object elsewhere."""
    settings = stage.world.settings
    files = [path.read_bytes() for path in sorted(settings.home.rglob("*")) if path.is_file()]
    if settings.database:
        files += [str(value).encode() for value in stage.world.database.look(_values)]
    if settings.assets:
        store = from_url(settings.assets)
        files += [bytes(store.get(each["path"]).bytes()) for page in store.list() for each in page]
    return b"\n".join(files)


def _values(session):
    return [value for table in TABLES.sorted_tables for row in session.execute(select(table)) for value in row]


async def test_nothing_that_a_candidate_said_is_left_in_any_file_of_the_house(play):
    async with play(Roles()) as stage:
        run = await decided(stage)
        before = kept_by(stage)
        assert all(words in before for words in SAID)
        erased = await erase(stage, run)
        left = kept_by(stage)
    assert [words for words in SAID if words in left] == []
    assert erased.messages > 10
    assert len(erased.assets) == 4  # the application, the file, and both copies of its text
    assert erased.workflows == 1


@pytest.mark.every_store
async def test_the_decision_and_the_digests_stay(play):
    async with play(Roles()) as stage:
        run = await decided(stage)
        records = HiringRecords(stage.world.database)
        (before,) = await records.of_run(run.id)
        await erase(stage, run, reason="the candidate asked")
        (after,) = await records.of_run(run.id)
        tombstone = await stage.world.database.read(lambda session: session.get(ErasureRow, (run.id, "ada")))
    assert after.decision == before.decision
    assert after.decision.justification == "Bread speaks."
    assert (after.state, after.evaluation) == (None, before.evaluation)
    assert (tombstone.by, tombstone.reason) == ("Vera", "the candidate asked")
    assert digest_of(TELLING.encode()) in tombstone.digests
    assert before.evaluation in tombstone.digests


async def test_trace_cost_and_transcript_still_work_and_show_nothing(play):
    async with play(Roles()) as stage:
        run = await decided(stage)
        cost = await stage.records.costs(run.id)
        await erase(stage, run)
        entries = await stage.records.entries(f"{run.id}:ada")
        transcript = str(await stage.records.transcript(f"{run.id}:ada"))
        assert await stage.records.costs(run.id) == cost
    assert {entry["action"] for entry in entries} >= {"llm_call", "tool_result", "approval"}
    assert "sourdough" not in str(entries) + transcript
    assert GONE in transcript


FORGETS = 400
"""Seconds: a server deletes a history once its queues have acknowledged the end, and looks ever more rarely."""


@pytest.mark.begin_with
async def test_the_history_of_the_workflow_goes_as_well(play):
    async with play(Roles()) as stage:
        run = await decided(stage)
        handle = candidate(stage, run, "ada")
        assert b"Baked sourdough" in await history_of(handle)
        await erase(stage, run)

        async def gone():
            try:
                await handle.describe()
            except RPCError:
                return True
            return False

        await until(gone, FORGETS)
        assert b"Baked sourdough" not in await history_of(run)


async def test_erasing_twice_is_harmless(play):
    async with play(Roles()) as stage:
        run = await decided(stage)
        first = await erase(stage, run)
        second = await erase(stage, run, name="2")
    assert (second.messages, second.assets, second.at) == (first.messages, first.assets, first.at)


async def test_a_legal_hold_stops_it_until_it_is_released(play):
    async with play(Roles()) as stage:
        run = await decided(stage)
        eraser = Eraser(stage.world.database, stage.world.assets)
        assert await eraser.hold(run.id, "ada", "a claim was filed")
        assert (await erase(stage, run)).refused == "there is a legal hold: a claim was filed"
        assert (await HiringRecords(stage.world.database).of_run(run.id))[0].state is not None
        assert await eraser.hold(run.id, "ada", "")
        assert (await erase(stage, run, name="2")).refused == ""


async def test_nobody_is_erased_while_the_evaluation_is_under_way(play):
    async with play(Roles()) as stage:
        run, _ = await evaluated(stage, TELLING)
        assert "still under way" in (await erase(stage, run)).refused


async def test_what_another_candidate_handed_in_as_well_stays_with_them(play):
    letter = b"The same letter of reference: marzipan."
    async with play(Roles()) as stage:
        people = {"ada": ("Ada Blum", GOOD, letter), "ben": ("Ben Blum", GOOD + " Twice.", letter)}
        run = await open_vacancy(stage, people)
        for key in people:
            await shown(stage, run, key)
            await decide(stage, run, key)
        await ended(run)
        erased = await erase(stage, run)
        assert digest_of(letter) not in erased.assets
        assert await stage.world.assets.get(digest_of(letter)) == letter
        await erase(stage, run, key="ben")
        with pytest.raises(FileNotFoundError):
            await stage.world.assets.get(digest_of(letter))


async def test_whose_time_is_over_is_due_and_nobody_else(play):
    async with play(Roles()) as stage:
        run = await decided(stage)
        eraser = Eraser(stage.world.database, stage.world.assets)
        assert await eraser.due() == ()
        past = update(CandidateRow).values(keep_until=now().date() - timedelta(days=1))
        await stage.world.database.run(lambda session: session.execute(past))
        assert await eraser.due() == ((run.id, "ada"),)
        await eraser.hold(run.id, "ada", "a claim was filed")
        assert await eraser.due() == ()


async def test_the_digests_of_messages_still_prove_what_was_said(play):
    async with play(Roles()) as stage:
        run = await decided(stage)

        def digests(session):
            query = select(MessageRow.digest).join(ConversationRow, ConversationRow.id == MessageRow.conversation)
            return session.scalars(query.where(ConversationRow.item == "ada").order_by(MessageRow.digest)).all()

        before = await stage.world.database.read(digests)
        await erase(stage, run)
        assert await stage.world.database.read(digests) == before


async def test_the_same_input_twice_comes_to_the_same_and_what_moves_is_named(play):
    async with play(Roles()) as stage:
        first, second = [await decided(stage) for _ in range(2)]
        records = HiringRecords(stage.world.database)
        found = reproduced(await records.of_run(first.id), await records.of_run(second.id))
    assert (found.unmoved, found.widest, found.same_rubric) == (1, 0, True)
    assert found.candidates[0].same_input
