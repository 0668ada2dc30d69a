"""A finished production in the records of a home folder: what its workflows would have left behind."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

from activities.catalog_rows import ShotRow
from activities.conversation_tables import CutRow, JournalRow, MessageRow, ToolResultRow
from activities.database import Base, now
from activities.ledger import LedgerStore
from activities.ledger_rows import Bid
from activities.people import Told
from tests.console import shoot
from tests.console.spending import Spending
from workflows.models import Decision, ItemState, Notice, Outcome, Question, Reply, Scope, Usage

GOAL = "Produce catalog images for the shoot 'Spring'"
DOLLAR = 1_000_000
EVIL = "<script>alert(1)</script>"
REASON = "After 1 take it still does not pass: background_white"


class KeptRun:
    """Writes the records of runs."""

    def __init__(self, home: Path) -> None:
        self.spending = Spending(home)
        self._told = Told(self.spending.database)

    def production(self, run: str, *, title: str = "Linen dress, ink, front", note: str = "the white is the product"):
        """Leave a run with a refined, an overridden and a failed item."""
        self._agent(f"{run}/planner", spends=5_000)
        for item, agent, spends in (
            ("refined", "generator", 12_000),
            ("refined", "critic", 31_000),
            ("overridden", "critic", 20_000),
        ):
            self._agent(f"{run}:{item}/{agent}", spends=spends)
        items = (shoot.refined(), shoot.overridden(note=note), shoot.failed())
        self.keep(*(self._shot(run, place, item, title) for place, item in enumerate(items)))
        for number in range(20):
            at = now() - timedelta(minutes=9) + timedelta(seconds=9 * number)
            self.tool(f"{run}:refined", "generator", "render_shot", number + 1, ok=number > 0, at=at)
        self.decided(run, "overridden", title, note)
        scope = {"run": run, "item": "refined", "agent": "generator", "turn": 2}
        self.keep(
            JournalRow(
                **scope, action="ruling", data=json.dumps({"kind": "loop", "reason": f"render_shot again {title}"})
            ),
            JournalRow(**scope, action="error", data=json.dumps({"error": f"the studio fell over {title}"})),
            CutRow(
                conversation=f"{run}:refined#0123/1.generator",
                position=9,
                keep_from=4,
                summary="s",
                contract_digest="d",
                context=150_000,
                turn=3,
            ),
        )

    def agent(self, run: str, output: str | None) -> None:
        """Leave a single agent that handed something in, or did not."""
        self._agent(f"{run}/assistant", spends=9_000)
        reply = Reply(head=1, turn=1, stop="end_turn", output=output, usage=Usage(output=5))
        self.keep(
            MessageRow(
                conversation=f"{run}#0123/1.assistant",
                position=1,
                role="assistant",
                content="[]",
                digest="d",
                turn=1,
                record=reply.model_dump_json(),
            )
        )

    def failed_attempt(self, conversation: str, error: str) -> None:
        """Add a call that nobody knows the cost of."""
        asyncio.run(self._lose(self.spending.ledger, conversation, error))

    def tool(self, workflow: str, agent: str, name: str, milliseconds: float, *, ok=True, at: datetime | None = None):
        """Add one call of a tool."""
        call = f"toolu_{name}_{milliseconds}"
        said = "fine" if ok else "no such model"
        outcome = Outcome(call_id=call, tool=name, ok=ok, digest="d", preview=said, milliseconds=milliseconds)
        self.keep(
            ToolResultRow(
                conversation=f"{workflow}#0123/1.{agent}",
                call_id=call,
                position=2,
                turn=1,
                tool=name,
                arguments="{}",
                content="{}",
                outcome=outcome.model_dump_json(),
                created_at=at or now(),
            )
        )

    def asked(self, run: str, item: str, title: str) -> Question:
        """Add a question that is open."""
        question = Question(
            id=f"{run}:{item}?1",
            scope=Scope(run=run, item=item),
            title=title,
            reason=REASON,
            asked_at=now() - timedelta(minutes=5),
        )
        asyncio.run(self._told.tell(Notice(kind="question", question=question, at=question.asked_at)))
        return question

    def decided(self, run: str, item: str, title: str, note: str) -> None:
        """Add a question and its answer."""
        question = self.asked(run, item, title)
        decision = Decision(choice="approve", by="ines", note=note)
        at = question.asked_at + timedelta(minutes=3, seconds=20)
        asyncio.run(self._told.tell(Notice(kind="decided", question=question, decision=decision, at=at)))

    def keep(self, *rows: Base) -> None:
        """Write rows."""
        with self.spending.database.transaction() as session:
            session.add_all(rows)

    def _agent(self, name: str, spends: int) -> None:
        self.spending.agent(name, cap=DOLLAR, spends=spends, contract=f"Goal: {GOAL}\nConstraint: Brand: Plain")

    def _shot(self, run: str, place: int, item: ItemState, title: str) -> ShotRow:
        shot = shoot.shot(item.key, title=f"{title} {item.key}")
        return ShotRow(run=run, key=item.key, position=place, shot=shot.model_dump_json(), state=item.model_dump_json())

    async def _lose(self, ledger: LedgerStore, conversation: str, error: str) -> None:
        bid = Bid(
            key=f"{conversation}lost",
            conversation=conversation,
            position=7,
            turn=7,
            kind="turn",
            model="claude-sonnet-5-5",
            wanted=4_000,
            least=4_000,
            source="table",
        )
        await ledger.lose((await ledger.reserve(bid)).attempt, error)
