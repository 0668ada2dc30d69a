"""A whole house on a thread of its own: worker, rehearsal, stores and the desk, beside one real Temporal server.

The tests are plain: they look at the desk with a browser or a client, and ask the house for what they need.
"""

import asyncio
import contextlib
import re
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from httpx2 import Client
from pydantic import Field

from activities.tools import TOOLS
from activities.tools.definition import Arguments, tool
from desk.app import build
from desk.house import House
from desk.limits import Rate, Rates
from desk.serving import listen, server
from desk.settings import DeskSettings
from rehearsal.player import Performance
from rehearsal.scripts import answer, call, forever
from tests.scenarios import vacancies
from tests.scenarios.own_processes import PROCESSES
from tests.scenarios.shoots import INK, asked, brief, cast, judge, large_brief, repeat_direction
from tests.scenarios.stage import OWN_TOOLS, PATIENCE, Notebook, staged
from tests.scenarios.test_process import stamp
from workflows.models import Brief, Decision, Identity, ItemState, Question, ReviewPolicy
from workflows.pipelines import PIPELINES

HELP = call("escalate_to_human", reason="The door is locked.", question="Is there a key?")
DARK = "Front view, set background_light to 0.8"
PEOPLE = {
    "vera": Identity(name="Vera Holm", role="operator", groups=("reviewers",)),
    "ines": Identity(name="Ines Calder", role="reviewer", groups=("reviewers",)),
    "tomas": Identity(name="Tomas Rehn", role="reviewer", groups=("reviewers",)),
    "lena": Identity(name="Lena Ott", role="lead", groups=("leads",)),
    "nils": Identity(name="Nils Borg", role="viewer"),
    "acme": Identity(name="Ada Acme", role="lead", tenants=("acme",)),
}
"""Who may sign in here, all invented."""
OWN_PIPELINES = (*PIPELINES, *PROCESSES)
PASSWORD = "fern and thread at noon"


EASY = Rates(Rate(10_000, 0.001), Rate(10_000, 0.001), Rate(10_000, 0.001))


def players():
    """Agents that never agree, so that every shot goes to a person; what is approved is published.

    A single agent whose goal begins with `Pay` wants to pay two bills, any other one asks for a key.
    """
    return cast(DARK, critic=[forever(judge(48))], refiner=[forever(repeat_direction)], assistant=_assists)


def _assists(request):
    bills = [call("pay", to=name, dollars=40) for name in ("Fern", "Thread")]
    pays = Performance(tuple(block for bill in bills for block in bill.blocks))
    return [pays if "Pay" in request.task else HELP, answer({"answer": "It is done."})]


class Bill(Arguments):
    to: str = Field(max_length=100)
    dollars: int


@tool(effect="once", timeout=timedelta(seconds=5), approval="it is money that leaves the house")
async def pay(bill: Bill, notebook: Notebook) -> dict[str, str]:
    """Pay a bill."""
    notebook.lines.append(f"{bill.to} {bill.dollars}")
    return {"paid": bill.to}


class Household:
    """What the tests ask of the house."""

    def __init__(self, server: str, home: Path) -> None:
        self.home, self._server = home, server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._stack = contextlib.AsyncExitStack()
        self.passwords: set[str] = set()
        self.call(self._open())

    def call(self, work):
        """Have the house do something, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE + 60)

    def close(self) -> None:
        self.call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _open(self) -> None:
        player = players()
        self.stage = await self._stack.enter_async_context(
            staged(
                self._server,
                self.home,
                player,
                tools=(*TOOLS, *OWN_TOOLS, pay, stamp),
                pipelines=OWN_PIPELINES,
                settings={"decision_keys": ()},
            )
        )
        self.house, self.url = await self._serve(DeskSettings(port=0, session_hours=1), EASY)

    async def _serve(self, desk: DeskSettings, rates: Rates):
        listener = listen(desk)
        house = House.open(self.stage.client, self.stage.world.settings, desk, rates)
        serving = server(build(house))
        task = asyncio.create_task(serving.serve(sockets=[listener]))
        self._stack.push_async_callback(self._stop, serving, task, house)
        return house, f"http://127.0.0.1:{listener.getsockname()[1]}"

    def second_desk(self, rates=None, **settings) -> str:
        """Serve another desk of this house, with settings of its own."""
        return self.call(self._serve(DeskSettings(port=0, **settings), rates or EASY))[1]

    async def _stop(self, serving, task, house) -> None:
        serving.should_exit = True
        await task
        house.close()

    async def _close(self) -> None:
        await self._stack.aclose()

    def link(self, who: str = "vera", **more) -> str:
        """A link that lets somebody in once."""
        person = PEOPLE[who].model_copy(update=more)
        secret = self.house.reviewers.invite(person, choose=False)
        return f"{self.url}/in/{secret}"

    @contextlib.contextmanager
    def client(self, who: str | None = "vera", url: str = "", **more) -> Iterator[Client]:
        """A program that is signed in, without a browser; `None` is nobody."""
        with Client(base_url=url or self.url, timeout=60, trust_env=False, **more) as client:
            if who is not None:
                path = self.link(who).removeprefix(self.url)
                page = client.get(path)
                assert client.post(path, data={"csrf": token(page.text)}).status_code == 303
            yield client

    def shoot(self, *garments: str, tenant: str = "default", refinements: int = 0, review=None, **more) -> list[str]:
        """Start a run, and wait until every shot of it is asked about; returns the workflows that ask."""
        return self.call(self._shoot(garments or ("dress",), tenant, refinements, review, more))

    async def _shoot(self, garments, tenant, refinements, review, more) -> list[str]:
        order = {"tenant": tenant, "refinements": refinements, "review": review or ReviewPolicy()}
        return await self._shoot_all(brief(*garments, **more), **order)

    async def _shoot_all(self, wanted: Brief, **order) -> list[str]:
        handle = await self.stage.start_production(wanted, **{"refinements": 0, **order})
        items = [f"{handle.id}:google-merchant-front-{product.id}-ink" for product in wanted.products]
        for item in items:
            await asked(self.stage, self.stage.client.get_workflow_handle(item))
        return items

    def shoot_products(self, products, **more) -> list[str]:
        """Start a run of these products, each in one colour, and wait until every shot is asked about."""
        return self.call(self._shoot_all(large_brief([{**each, "colours": [INK]} for each in products]), **more))

    def agent(self, goal: str, **order) -> str:
        """Start a single agent, and wait until it asks; returns its workflow."""
        return self.call(self._agent(goal, order))

    async def _agent(self, goal, order) -> str:
        handle = await self.stage.start_agent(f"{goal} {uuid.uuid4()}", tools=("escalate_to_human", "pay"), **order)
        await self.stage.until_asked(handle)
        return handle.id

    def apply(self, documents, **vacancy) -> list[str]:
        """Have people apply, `key: (name, text, ...)`, and wait until somebody is asked about each of them."""
        return self.call(self._apply(documents, vacancy))

    async def _apply(self, documents, vacancy) -> list[str]:
        run = await vacancies.open_vacancy(self.stage, documents, **vacancy)
        for key in documents:
            await vacancies.shown(self.stage, run, key)
        return [f"{run.id}:{key}" for key in documents]

    def question(self, workflow: str) -> Question | None:
        return self.call(self.house.deciding.question(workflow))

    def decide(self, workflow: str, choice: str, who: str = "lena", **more):
        """Decide as somebody else, somewhere else."""
        return self.call(self._decide(workflow, choice, PEOPLE[who], more))

    async def _decide(self, workflow, choice, who, more):
        question = await self.house.deciding.question(workflow)
        about = {"question": question.id, "digest": question.digest, **more}
        return await self.house.deciding.send(workflow, Decision(choice=choice, by=who.name, **about), who)

    def ended(self, workflow: str) -> ItemState:
        """What became of an item, once it has ended."""
        run, _, item = workflow.partition(":")
        return self.call(self._result(self.stage.item(run, item)))

    async def _result(self, handle):
        return await asyncio.wait_for(handle.result(), PATIENCE)

    def told(self, workflow: str, *kinds: str):
        """What was kept about a workflow's questions."""
        run, _, item = workflow.partition(":")
        notices = self.call(self.stage.world.people.questions(run))
        return [each for each in notices if each.question.scope.item == item and each.kind in kinds]

    def until(self, true, seconds: float = 30):
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not (found := true()):
            assert time.monotonic() < end, "it did not become so"
            time.sleep(0.1)
        return found


def token(page: str) -> str:
    """The secret word of a page's forms."""
    return re.search(r'name="csrf" value="([^"]+)"', page)[1]


def field(page: str, name: str) -> str:
    """A hidden field of a page."""
    return re.search(rf'name="{name}" value="([^"]*)"', page)[1]
