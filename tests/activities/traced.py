"""A house whose spans are caught: records are written as activities write them, and what is told is looked at."""

from datetime import UTC, datetime

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id

from activities.database import Database
from activities.invocations import InvocationStore
from activities.ledger import LedgerStore
from activities.ledger_bids import Bid, Bill
from activities.paid_calls import Paid
from activities.people import Told
from activities.settings import Settings
from activities.span_watch import Spans
from activities.telemetry import Telemetry
from tests.activities.conversing import SCOPE, new_store, opening, request, result
from workflows.models import Begun, Closing, Finished, Notice, Question, Reply, Spend, Usage

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
USED = Usage(input=100, output=40, thinking=15, cache_read=300, cache_write=50)
RUN, ITEM = "run-1/00000000cafe", "run-1:tee/00000000beef"
TALK = "run-1:tee#00000000beef/1.generator"
MODEL = "claude-sonnet-5-5"


class Traced:
    """Writes records, and catches the spans that they make."""

    def __init__(self, url: str, **settings) -> None:
        self.exporter = InMemorySpanExporter()
        self.telemetry = Telemetry([self.exporter])
        self.spans = Spans(self.telemetry, Settings(**settings))
        self.database = Database(url, self.spans.hear)
        self.store, self.ledger = new_store(self.database), LedgerStore(self.database)
        self.invocations, self.people = InvocationStore(self.database), Told(self.database)
        self._pin, self._keys = "", 0

    @property
    def told(self):
        """Every span that was exported, in order; one that was exported twice is there twice."""
        self.telemetry.tracers.force_flush()
        return self.exporter.get_finished_spans()

    @property
    def names(self):
        return [span.name for span in self.told]

    def named(self, name):
        return [span for span in self.told if span.name == name]

    def one(self, name):
        (span,) = self.named(name)
        return span

    def forget(self):
        self.telemetry.tracers.force_flush()
        self.exporter.clear()

    async def begin(self, invocation=RUN, **changes):
        """Begin the run, or its item."""
        item = invocation == ITEM
        workflow = invocation.partition("/")[0]
        scope = SCOPE.model_copy(update={"item": "tee" if item else "", "agent": ""})
        values = {
            "id": invocation,
            "name": "shoot_item" if item else "image_production",
            "pipeline": "image_production",
            "scope": scope,
            "workflow_id": workflow,
            "workflow_run_id": f"first-{invocation[-12:]}",
            "parent": "run-1" if item else "",
            "at": NOON,
        }
        await self.invocations.begin(Begun(**values | changes))

    async def end(self, invocation=RUN, status="complete", **changes):
        spend = Spend(micro_usd=7_000, usage=USED, turns=2, tool_calls=1)
        values = {"id": invocation, "status": status, "spend": spend, "events": 90, "bytes": 4_000, "at": NOON}
        await self.invocations.finish(Finished(**values | changes))

    async def talk(self, conversation=TALK, **changes):
        """Open a conversation of the item."""
        self._pin = (await self.store.open(opening(conversation=conversation, **changes))).pin

    async def reserve(self, turn, kind="turn", position=1):
        self._keys += 1
        bid = {"conversation": TALK, "position": position, "turn": turn, "kind": kind, "model": MODEL}
        return await self.ledger.reserve(Bid(key=f"k{self._keys}", wanted=900, least=50, source="table/1", **bid))

    async def turn(self, head, turn, content, *, stop="end_turn", notes=(), bill=None):
        """One paid turn, as the model activity takes it; returns the head after it."""
        held = await self.reserve(turn, position=head)
        asked = request(self._pin, head, turn, conversation=TALK, notes=notes)
        draft = await self.store.draft(asked)
        reply = Reply(head=draft.position + 1, turn=turn, stop=stop, usage=USED, seconds=0.0)
        bill = bill or self.bill(stop=stop)
        return (await self.store.commit(asked, draft, content, reply, {}, paid=Paid({}, held.attempt, bill, 0.0))).head

    def bill(self, **changes):
        values = {"micro_usd": 700, "known": True, "usage": USED, "served": f"{MODEL}-of-today"}
        values |= {"request_id": "req_1", "response": "msg_1", "stop": "end_turn", "max_tokens": 4_096}
        return Bill(**values | changes)

    async def close(self, turn, kind="answered", *, ruled=False, at=NOON):
        closing = {"conversation": TALK, "scope": SCOPE, "turn": turn, "kind": kind, "ruled": ruled, "at": at}
        await self.store.close(Closing(**closing, reason="again and again"))

    async def ask(self, kind="question", decision=None, item="tee"):
        scope = SCOPE.model_copy(update={"item": item})
        asked = Question(id="run-1:tee?beef.1", scope=scope, title="Tee", reason="Is it white?", asked_at=NOON)
        await self.people.tell(Notice(kind=kind, question=asked, decision=decision, at=NOON))

    async def again(self):
        """What is exported once more from the records of the run."""
        self.forget()
        await self.database.read(lambda session: sum(self.spans.again(session, "run-1")))
        return self.told

    def shut(self):
        self.database.close()
        self.telemetry.close()


def ids(span):
    """The ids of a span: its trace, itself, its parent."""
    parent = format_span_id(span.parent.span_id) if span.parent else ""
    return format_trace_id(span.context.trace_id), format_span_id(span.context.span_id), parent


def tree(spans):
    """Who stands above whom, by name, the root first."""
    names = {ids(span)[1]: span.name for span in spans}
    return sorted((names.get(ids(span)[2], "-"), span.name) for span in spans)


async def begun(house, **settings):
    """A house in which a run, its item and the item's first conversation have begun."""
    traced = house(**settings)
    await traced.begin()
    await traced.begin(ITEM)
    await traced.talk()
    return traced


async def answer(traced, call="call_1", **more):
    kept = result(call, 1, '{"found": "Ama"}', **more)
    await traced.store.put_result(kept._replace(conversation=TALK))
