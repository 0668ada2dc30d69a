"""The toolbox checks every call before it runs, and says what is wrong in words that help."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import pytest
from pydantic import BaseModel, Field
from temporalio.testing import ActivityEnvironment

from activities.likeness import Named
from activities.tools.definition import (
    Arguments,
    Artefact,
    BadTool,
    Declined,
    Escalation,
    Policy,
    RawCall,
    tool,
)
from activities.tools.references import Directory, Ref
from activities.tools.toolbox import Toolset
from tests.activities.house import House, use_of
from workflows.models import Scope, asset_id

SOON = timedelta(seconds=5)


class Order(Arguments):
    dish: str = Field(min_length=2)
    plates: int = Field(default=1, ge=1, le=9)
    table: Annotated[str, Ref("table", owned_by="scope.run")] = "t1"
    guests: list[Annotated[str, Ref("guest")]] = []


class Clock:
    """A dependency that counts."""

    def __init__(self):
        self.ticks = 0


@tool(effect="read", timeout=SOON, quick=True)
async def look(order: Order, clock: Clock) -> dict:
    """Look at an order."""
    clock.ticks += 1
    return {"dish": order.dish, "plates": order.plates}


class Nothing(Arguments):
    pass


@tool(effect="write", timeout=SOON, queue="studio")
async def cook(order: Order, clock: Clock) -> Artefact:
    """Cook."""
    clock.ticks += 1
    return Artefact(digest="sha256:" + "ab" * 32)


@tool(effect="read", timeout=timedelta(milliseconds=20))
async def sleep(nothing: Nothing) -> dict:
    """Sleep for too long."""
    await asyncio.sleep(5)
    return {}


@tool(effect="read", timeout=SOON)
async def burn(nothing: Nothing) -> dict:
    """Fail."""
    raise RuntimeError("the pan is on fire\nand this line is nobody's business")


@tool(effect="read", timeout=SOON)
async def recite(nothing: Nothing) -> list:
    """Say far too much."""
    return ['"\\é' * 10] * 5_000


@tool(effect="read", timeout=SOON)
async def call_waiter(nothing: Nothing) -> Escalation:
    """Ask a person."""
    return Escalation("the guest is unhappy")


@tool(effect="write", timeout=SOON)
async def refuse(nothing: Nothing) -> Declined:
    """Say no."""
    return Declined("the kitchen is closed", "come back at six")


class Shelf(Directory):
    """A directory in memory."""

    def __init__(self, *names: Named, owner=None, recent=()):
        self.names, self.owner, self.used = names, owner, list(recent)

    async def owners(self, name):
        return next(((self.owner,) if self.owner else () for each in self.names if each.id == name), None)

    async def candidates(self, owner, limit):
        return self.names if owner in (None, self.owner) else ()

    async def recent(self, owner, limit):
        return [each for each in self.names if each.id in self.used][:limit]

    async def touch(self, name):
        self.used.insert(0, name)


GUESTS = (
    Named("g_7f3a", "Ama Sarpong"),
    Named("g_11bb", "Lior Venn"),
    Named("g_90cc", "Amadou Song"),
    Named("g_44dd", "Amara Spong"),
    Named("g_zz", "Zola"),
)
KITCHEN = (look, cook, sleep, burn, recite, call_waiter, refuse)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shelves():
    return {"table": Shelf(Named("t1", "window"), owner="run-1"), "guest": Shelf(*GUESTS, recent=["g_zz"])}


@pytest.fixture
def house(tmp_path, clock, shelves):
    return House(tmp_path, KITCHEN, shelves, [clock])


def told(house, call_id="c1"):
    return json.loads(house.seen(call_id))


async def test_a_sound_call_is_run_and_its_result_is_the_json_that_the_model_sees(house, clock):
    outcome = await house.use("look", {"dish": "soup"})
    assert outcome.ok
    assert clock.ticks == 1
    assert told(house) == {"dish": "soup", "plates": 1}


async def test_an_unknown_tool_is_answered_with_the_known_ones_nearest_first(house):
    outcome = await house.use("cok", {})
    assert outcome.refusal == "unknown_tool"
    assert told(house)["hint"].split(": ")[1].startswith("cook, ")
    assert "burn" in told(house)["hint"]


async def test_a_tool_that_the_agent_was_not_given_is_unknown_to_it(house, clock):
    house.log.pinned = ("burn",)
    outcome = await house.use("look", {"dish": "soup"})
    assert outcome.refusal == "unknown_tool"
    assert clock.ticks == 0


@pytest.mark.parametrize("junk", [None, [], "soup", 3, True])
async def test_arguments_that_are_no_object_are_refused_with_the_expected_schema(house, junk):
    outcome = await house.use("look", junk)
    assert outcome.refusal == "not_an_object"
    assert "dish: string" in told(house)["hint"]


async def test_every_schema_problem_is_named_with_its_path(house, clock):
    outcome = await house.use("look", {"dish": "x", "plates": 12, "salt": 1})
    assert outcome.refusal == "schema"
    parts = told(house)["error"].split("; ")
    assert [part.split(":")[0] for part in parts] == ["dish", "plates", "salt"]
    assert "plates?: integer 1..9 = 1" in told(house)["hint"]
    assert clock.ticks == 0


async def test_an_id_that_does_not_exist_comes_back_with_the_nearest_then_the_most_recent(house):
    outcome = await house.use("look", {"dish": "soup", "guests": ["g_7f3a", "AMA sarpong!"]})
    assert outcome.refusal == "reference"
    assert "guests[1]: there is no guest" in told(house)["error"]
    hint = told(house)["hint"]
    assert hint.index("g_7f3a (Ama Sarpong)") < hint.index("recently used") < hint.index("g_zz (Zola)")


async def test_an_id_of_another_owner_is_refused(house):
    other = Scope(run="run-2")
    house.log.said.append(RawCall("c1", "look", {"dish": "soup"}))
    outcome = await house.again("c1", scope=other)
    assert outcome.refusal == "owner"
    assert "does not belong to this run" in told(house)["error"]


async def test_what_a_call_referred_to_is_remembered_as_recently_used(house, shelves):
    await house.use("look", {"dish": "soup", "guests": ["g_11bb"]})
    assert shelves["guest"].used[0] == "g_11bb"


async def test_a_raising_tool_is_a_short_error_without_a_traceback(house):
    outcome = await house.use("burn", {})
    assert outcome.refusal == "raised"
    assert told(house)["error"] == "RuntimeError: the pan is on fire"


async def test_a_tool_that_takes_too_long_is_an_error_result(house):
    outcome = await house.use("sleep", {})
    assert outcome.refusal == "raised"
    assert "took longer than 0.02 s" in told(house)["error"]


async def test_a_huge_result_is_kept_whole_and_shown_by_its_head(house):
    outcome = await house.use("recite", {})
    shown = told(house)
    assert outcome.ok
    assert shown["truncated"]
    assert len(house.seen().encode()) <= 8 * 1024
    whole = await house.assets.get(house.log.results["c1"].overflow)
    assert shown["full"] == asset_id(house.log.results["c1"].overflow)
    assert shown["bytes"] == len(whole)
    assert whole.decode().startswith(shown["head"])
    assert outcome.digest == house.log.results["c1"].overflow


async def test_an_escalation_is_a_success_that_asks_for_a_person(house):
    outcome = await house.use("call_waiter", {})
    assert outcome.ok
    assert outcome.escalation == "the guest is unhappy"


async def test_a_tool_may_decline_with_a_hint(house):
    outcome = await house.use("refuse", {})
    assert not outcome.ok
    assert told(house) == {"success": False, "error": "the kitchen is closed", "hint": "come back at six"}


async def test_an_artefact_shows_its_digest_to_the_workflow_only(house):
    outcome = await house.use("cook", {"dish": "soup"})
    assert outcome.asset == "sha256:" + "ab" * 32
    assert "digest" not in told(house)


async def test_a_call_that_was_answered_is_not_run_again(house, clock):
    first = await house.use("cook", {"dish": "soup"})
    assert await house.again("c1") == first
    assert clock.ticks == 1


async def test_the_reads_of_a_batch_run_side_by_side_and_are_answered_in_order(tmp_path):
    both = asyncio.Barrier(2)

    @tool(effect="read", timeout=SOON)
    async def meet(nothing: Nothing) -> dict:
        """Wait for the other one."""
        await both.wait()
        return {}

    house = House(tmp_path, (meet,))
    house.log.said = [RawCall("a", "meet", {}), RawCall("b", "meet", {})]
    outcomes = await house.toolbox.use(use_of("a", "b"))
    assert [(each.call_id, each.ok) for each in outcomes.each] == [("a", True), ("b", True)]


async def test_a_call_id_that_is_not_in_the_message_is_answered_too(house):
    outcome = await house.again("stray")
    assert outcome.refusal == "conflict"


@pytest.mark.parametrize(("limit", "beats_at_all"), [(0.02, True), (60, False)], ids=["long", "short"])
async def test_a_tool_heartbeats_once_it_takes_long_and_a_short_one_never(tmp_path, limit, beats_at_all):
    @tool(effect="read", timeout=SOON)
    async def work(nothing: Nothing) -> dict:
        """Work."""
        await asyncio.sleep(0.05)
        return {}

    house = House(tmp_path, (work,))
    house.log.said = [RawCall("a", "work", {})]
    beats = []
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, heartbeat_timeout=timedelta(seconds=limit))
    environment.on_heartbeat = lambda *details: beats.append(details)
    outcomes = await environment.run(house.toolbox.use, use_of("a"))
    assert outcomes.each[0].ok
    assert bool(beats) == beats_at_all


def test_definitions_and_policies_are_what_an_agent_is_pinned_with():
    tools = Toolset(KITCHEN)
    [definition] = tools.definitions(("cook",))
    assert definition["name"] == "cook"
    assert definition["description"] == "Cook."
    assert definition["input_schema"]["properties"]["plates"]["maximum"] == 9
    assert tools.policy("cook") == Policy("write", False, "studio", SOON)


def test_nested_models_are_put_in_place_in_the_schema():
    class Outer(Arguments):
        order: Order

    @tool(effect="read", timeout=SOON)
    async def nest(outer: Outer) -> dict:
        """Nest."""
        return {}

    schema = Toolset([nest]).definitions(("nest",))[0]["input_schema"]
    assert "$" not in json.dumps(schema)
    assert schema["properties"]["order"]["properties"]["dish"] == {"minLength": 2, "type": "string"}


def test_a_schema_keeps_a_property_that_is_called_title():
    class Page(Arguments):
        title: str

    @tool(effect="read", timeout=SOON)
    async def write(page: Page) -> dict:
        """Write."""
        return {}

    schema = Toolset([write]).definitions(("write",))[0]["input_schema"]
    assert schema["properties"] == {"title": {"type": "string"}}


def test_two_tools_of_one_name_are_refused_at_the_start():
    with pytest.raises(BadTool, match="two tools named look"):
        Toolset([look, look])


def test_a_missing_dependency_is_refused_at_the_start(tmp_path):
    with pytest.raises(BadTool, match="cook needs a Clock"):
        House(tmp_path, (cook,), {"table": Shelf(), "guest": Shelf()})


def test_a_reference_without_a_directory_is_refused_at_the_start(tmp_path, clock):
    with pytest.raises(BadTool, match="no directory: guest, table"):
        House(tmp_path, (cook,), {}, [clock])


def test_a_reference_is_found_in_nested_models_and_lists(tmp_path):
    class Row(BaseModel):
        guest: Annotated[str, Ref("guest")] | None = None

    class Party(Arguments):
        rows: list[Row]
        seats: dict[str, Annotated[str, Ref("guest")]] = {}
        head: Annotated[str, Ref("guest")] | None = None

    @tool(effect="read", timeout=SOON)
    async def seat(party: Party) -> dict:
        """Seat a party."""
        return {}

    house = House(tmp_path, (seat,), {"guest": Shelf(*GUESTS)})
    arguments = {"rows": [{"guest": "g_zz"}, {}, {"guest": "x"}], "seats": {"a": "y"}, "head": "z"}
    outcome = asyncio.run(house.use("seat", arguments))
    assert outcome.refusal == "reference"
    assert [part.split(":")[0] for part in told(house)["error"].split("; ")] == ["rows[2].guest", "seats.a", "head"]
