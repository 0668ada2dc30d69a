"""One agent: what it may say, and what becomes of it."""

from rehearsal.scripts import Script, answer, call, calls

DONE = answer({"answer": "It is done."})


def assistant(*turns):
    return Script({"assistant": list(turns)})


async def test_an_agent_uses_its_tools_and_hands_in_an_answer(play):
    async with play(assistant(calls(call("look", place="the left"), call("look", place="the right")), DONE)) as stage:
        outcome = await stage.run_agent()
    assert (outcome.status, outcome.answer, outcome.spend.turns, outcome.spend.tool_calls) == (
        "complete",
        "It is done.",
        2,
        2,
    )
