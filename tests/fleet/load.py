"""A load of several tenants: shoots that pass, are refined, or go to people; agents that work, and greedy ones."""

import random
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from temporalio.client import Client, WorkflowHandle

from activities.assets import Assets
from rehearsal.player import Performance, Player, Request
from rehearsal.roles import Roles
from rehearsal.scripts import Script, answer, call, fail, forever, hang_up, later, truncate
from tests.fleet.evidence import Ordered
from tests.scenarios.shoots import GREY, WHITE, brief, photograph, plan, section_of
from workflows.models import AgentOrder, AgentOutcome, Limits, RunOrder, RunState, Value

ODDS = 1 / 10
"""How many requests of the model go wrong on their way."""
FAULTS = (
    fail(529, "overloaded_error").turn,
    fail(429, "rate_limit_error", retry_after=0.2).turn,
    hang_up(after=0),
    hang_up(after=4),
    truncate(after=4),
)
LOOKS = 4
"""Tool calls of an agent that works."""
TIGHT = 60_000
"""Micro-dollars a day for the tenant that wants more: several agents run into it side by side."""
GREEDY_TOKENS = 900
PATIENT, QUICK = 3.0, 0.3
"""Seconds that a reply takes at most."""
KINDS = ("plain", "refined", "asked", "agent", "agent")


class Cast(Player):
    """All agents of the load. At random something goes wrong on the way of a reply; the patient work until `calm`."""

    def __init__(self, odds: float, seed: int) -> None:
        self._odds, self._seed = odds, seed
        self._asked: Counter[str] = Counter()
        parts = {"planner": [forever(_plan)], "generator": [forever(photograph)], "assistant": [forever(self._work)]}
        self._script = Script(parts, else_=Roles())
        self.faults = 0
        self.calm = False

    def reply(self, request: Request) -> Performance:
        """Throw the dice of this conversation and of how often it has asked, however conversations overlap."""
        self._asked[request.conversation] += 1
        dice = random.Random(f"{self._seed}:{request.conversation}:{self._asked[request.conversation]}")
        if dice.random() < self._odds:
            self.faults += 1
            fault = dice.choice(FAULTS)
            return fault if isinstance(fault, Performance) else fault(request)
        slowness = PATIENT if "patient" in request.task else QUICK
        return later(dice.uniform(slowness / 2, slowness), self._script.reply(request))

    def _work(self, request: Request) -> Performance:
        greedy, patient = "greedy" in request.task, "patient" in request.task
        done = self.calm if patient else request.turn > LOOKS and not greedy
        if done or request.body.get("tool_choice") == {"type": "none"}:
            return answer({"answer": "Seen."})
        turn = call("venue_rules", profile=f"venue.{request.turn}")
        return replace(turn, usage={"output_tokens": min(GREEDY_TOKENS, request.max_tokens)}) if greedy else turn


def _plan(request: Request) -> Performance:
    told = section_of(request, "Brief")
    return plan(*told["wanted"], direction=WHITE if "plain" in told["title"] else GREY)


class Start(NamedTuple):
    """One workflow to be started: a `patient` one works through all trouble, a `late` one begins after it."""

    ordered: Ordered
    kind: str
    order: Value
    result: type[Any]
    patient: bool = False
    late: bool = False

    async def begin(self, client: Client, queue: str) -> WorkflowHandle[Any, Any]:
        """Start it."""
        name = self.ordered.workflow
        return await client.start_workflow(self.kind, self.order, id=name, task_queue=queue, result_type=self.result)


async def load(assets: Assets, tenants: int, runs: int, kinds: Sequence[str] = KINDS) -> list[Start]:
    """Order so many runs for each tenant, the tenants in turn: the first one patient, the last third late.

    All runs of the last tenant are greedy.
    """
    starts = []
    for number in range(runs):
        for name, sign in signs(tenants):
            kind = "greedy" if name == f"tenant-{tenants - 1}" else kinds[number % len(kinds)] if number else "patient"
            start = await _start(assets, name, sign, kind, number)
            starts.append(start._replace(patient=kind == "patient", late=number >= runs - runs // 3))
    return starts


def signs(tenants: int) -> Iterator[tuple[str, str]]:
    """Name the tenants, and a word that stands in the orders of each alone."""
    for number in range(tenants):
        yield f"tenant-{number}", f"Maison-{number:03d}-{'abcdefghij'[number % 10] * 4}"


async def _start(assets: Assets, tenant: str, sign: str, kind: str, number: int) -> Start:
    name = f"{kind}-{number}-{tenant}-{uuid.uuid4().hex[:6]}"
    if kind in {"agent", "greedy", "patient"}:
        limits = Limits(micro_usd=1_000_000, tokens=10**9, max_tokens=2_048, turns=1_000, tool_calls=1_000)
        agent = AgentOrder(
            goal=f"Look around for {sign}; be {kind}.", tools=("venue_rules",), tenant=tenant, limits=limits
        )
        return Start(Ordered(name, tenant, sign=sign), "SingleAgent", agent, AgentOutcome)
    garments = ("dress", "tee") if kind == "plain" else ("dress",)
    shoot = _brief(f"A {kind} shoot", sign, garments)
    digest = await assets.put(shoot.encode())
    run = RunOrder(brief=digest, title=f"A {kind} shoot", tenant=tenant, refinements=0 if kind == "asked" else 3)
    return Start(Ordered(name, tenant, len(garments), sign=sign), "ImageProduction", run, RunState)


def _brief(title: str, brand: str, garments: Sequence[str]) -> str:
    small = brief(*garments)
    guidelines = small.guidelines.model_copy(update={"brand": brand})
    return small.model_copy(update={"title": title, "guidelines": guidelines}).model_dump_json()
