"""Runs that have spent money, in the ledger of a home folder."""

import asyncio
import json
from pathlib import Path

from activities.conversation_tables import ConversationRow
from activities.database import Database
from activities.ledger import LedgerStore
from activities.ledger_rows import Bid, Bill, open_accounts
from activities.settings import Settings
from workflows.models import AccountQuery, Cap, Standing, Usage

USED = Usage(input=1_000, output=500, thinking=200, cache_read=6_000, cache_write=3_000)
"""The tokens of every turn."""


class Spending:
    """Spends as runs do: every agent's calls are charged to the agent, the item and the run."""

    def __init__(self, home: Path) -> None:
        self.database = Database(Settings(home=home).database_url)
        self.database.prepare()
        self.ledger = LedgerStore(self.database)

    def agent(
        self, name: str, *, cap: int, spends: int, holds: int = 0, tenant: str = "acme", contract: str = ""
    ) -> str:
        """Open the agent `RUN[:ITEM]/NAME`; its turn is billed, its compaction is under way. Returns its account."""
        workflow, _, agent = name.partition("/")
        run, _, item = workflow.partition(":")
        conversation = f"{workflow}#0123/1.{agent}"
        chain = [f"agent:{conversation}", *([f"item:{workflow}"] if item else []), f"run:{run}"]
        row = ConversationRow(
            id=conversation,
            pin="p",
            workflow_id=workflow,
            workflow_run_id="r",
            run=run,
            item=item,
            agent=agent,
            tenant=tenant,
            contract=contract,
            contract_digest="",
            accounts=json.dumps(chain),
        )
        with self.database.transaction() as session:
            session.add(row)
            open_accounts(session, [Cap(account=account, micro_usd=cap) for account in chain])
        asyncio.run(self._spend(conversation, spends, holds))
        return chain[0]

    def standing(self, account: str) -> Standing:
        return asyncio.run(self.ledger.read(AccountQuery(account=account)))

    async def _spend(self, conversation: str, spends: int, holds: int) -> None:
        for turn, amount in enumerate((spends, holds)):
            if amount:
                bid = Bid(
                    key=f"{conversation}{turn}",
                    conversation=conversation,
                    position=turn,
                    turn=turn,
                    kind="compaction" if turn else "turn",
                    model="claude-sonnet-5-5",
                    wanted=amount,
                    least=amount,
                    source="table",
                )
                held = await self.ledger.reserve(bid)
                if not turn:
                    await self.ledger.settle(held.attempt, Bill(spends, known=True, usage=USED))
