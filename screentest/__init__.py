"""The screen test: a pipeline is tried before it is shown, on a real Temporal server, without a network or a bill.

    from screentest.fixtures import play, temporal_server

    async def test_a_bouquet_is_shown_to_a_person_before_it_is_made(play):
        counting = Mock(count_stems, {"tulip": 40})
        script = Script({"florist": [call("count_stems", name="tulip"), answer(Bouquet(name="Spring", stems=9))]})
        async with play(script, tools=(counting.tool,), pipelines=(Bouquets,)) as stage:
            handle = await stage.start(Bouquets.run, BouquetOrder(goal="Bouquets.", occasions=("wedding",)))
            await stage.decide(handle, "approve")
            assert await stage.outcome(handle) == [Bouquet(name="Spring", stems=9)]
            story = await stage.story(handle)
        story.used("count_stems", name="tulip")
        story.asked("Spring").decided("approve")

The model is played by a script (`rehearsal.scripts`), by rules, or by a cassette: a conversation with a real model that
was taped once. Tools are mocked by `Mock`; everything else is what runs in production.
"""

from rehearsal.scripts import Script, answer, call, calls, fail, forever, hang_up, later, refuse, say, stall, times
from screentest.cassettes import Cassette
from screentest.mocks import Mock, slow
from screentest.servers import serve
from screentest.stage import PATIENCE, Stage, staged
from screentest.stories import Story
from screentest.taping import taped

__all__ = [
    "PATIENCE",
    "Cassette",
    "Mock",
    "Script",
    "Stage",
    "Story",
    "answer",
    "call",
    "calls",
    "fail",
    "forever",
    "hang_up",
    "later",
    "refuse",
    "say",
    "serve",
    "slow",
    "staged",
    "stall",
    "taped",
    "times",
]
