"""An office with a batch desk: a model, a back office, and a provider of their own."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from temporalio.testing import ActivityEnvironment

from activities.batch_rounds import BatchRounds
from activities.batch_tables import BatchCallRow
from activities.batches import BatchDesk
from activities.conversations import ConversationStore
from activities.database import Database
from activities.ledger_tables import AttemptRow
from tests.activities.conversing import Shelf, new_client, new_store, opening, request
from tests.activities.endpoint import new_calls, new_model, run
from tests.activities.provider import Provider
from workflows.models import Cap, TendRequest

PRICE = (900 * 2 + 100 * 10) // 2


class Word:
    """Stands where the messenger stands: who was told what."""

    def __init__(self):
        self.called, self.told, self.deaf = [], [], set()

    async def call_desk(self, queue):
        self.called.append(queue)

    async def tell(self, workflow_id, arrival):
        if workflow_id in self.deaf:
            raise ConnectionError
        self.told.append((workflow_id, arrival.conversation, arrival.head))


class Office:
    """A model with a batch desk, on a provider of its own."""

    def __init__(self, url, most=None):
        self.database = Database(url)
        self.store = new_store(self.database)
        self.provider, self.word = Provider(), Word()
        calls = new_calls(self.provider, self.database)
        self.ledger = calls.ledger
        desk = BatchDesk(self.database, calls, self.word, timedelta())
        self.model = new_model(self.provider, self.database, calls=calls, desk=desk)
        store = ConversationStore(self.database, Shelf())
        self.rounds = BatchRounds(desk, new_client(self.provider), store, self.model, most)

    async def talk(self, name="talk-1", **changes):
        caps = (Cap(account=f"agent:{name}", micro_usd=changes.pop("cap", 10_000_000)),)
        pin = (await self.store.open(opening(conversation=name, caps=caps, **changes))).pin
        return request(pin, 1, 1, conversation=name, patience="batch")

    async def call(self, asked, workflow="run-1:tee"):
        return await run(self.model, asked, task_queue="house-model", workflow_id=workflow)

    async def tend(self, **order):
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, task_queue="house")
        return await environment.run(self.rounds.tend, TendRequest(**order))

    def rows(self, table=BatchCallRow):
        with self.database.transaction() as session:
            return list(session.scalars(select(table).order_by(table.conversation)))

    def states(self):
        return [row.state for row in self.rows()]

    def attempts(self):
        return [(row.state, row.micro_usd) for row in self.rows(AttemptRow)]

    def age(self, by):
        """Let the hand-in of all calls be longer ago."""
        with self.database.transaction() as session:
            for row in session.scalars(select(BatchCallRow).where(BatchCallRow.submitted_at.is_not(None))):
                row.submitted_at -= by

    async def stands(self, name="talk-1"):
        (account,) = await self.ledger.accounts(f"agent:{name}")
        return account.spent, account.reserved
