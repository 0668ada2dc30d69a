"""A small world for tests of the ledger: conversations with their chains of accounts on a real database."""

import json
from datetime import UTC, datetime, timedelta

from activities import ledger_rows
from activities.conversation_tables import ConversationRow
from activities.database import Database
from activities.ledger_accounts import Caps, read_accounts
from activities.ledger_bids import Bid, Bill
from workflows.models import Cap, Usage

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEASE = timedelta(seconds=60)
DAY, FLEET, MONTH = "tenant:acme/day/2026-11-22", "fleet/day/2026-11-22", "fleet/month/2026-11"
USAGE = Usage(input=10, output=20, thinking=5, cache_read=300, cache_write=40)


class House:
    """Does one thing in one transaction, at a moment that the test names."""

    def __init__(self, url, standard=None):
        self.database = Database(url)
        self.database.prepare()
        self.caps = Caps(standard)

    def do(self, work, *arguments, **options):
        with self.database.transaction() as session:
            return work(session, *arguments, **options)

    def talk(self, name="a", place="run-1:tee", tenant="acme", **caps):
        """Open a conversation with the caps of its agent, its item and its run; None: without one."""
        names = {"agent": f"agent:{name}", "item": f"item:{place}", "run": f"run:{place.partition(':')[0]}"}
        row = ConversationRow(
            id=name,
            pin="p",
            workflow_id="w",
            workflow_run_id="r",
            run="run-1",
            item="tee",
            agent="critic",
            tenant=tenant,
            contract="c",
            contract_digest="d",
            accounts=json.dumps(list(names.values())),
            pipeline="shoot",
        )
        opened = [Cap(account=names[level], micro_usd=cap) for level, cap in caps.items()]
        self.do(lambda session: (session.add(row), ledger_rows.open_accounts(session, opened)))

    def reserve(self, key, conversation="a", *, wanted=100, least=50, at=NOON, **changes):
        values = {"position": 1, "turn": int("".join(filter(str.isdigit, key)) or 0), "kind": "turn"}
        values |= {"model": "claude-sonnet-5-5", "source": "table/1", **changes}
        bid = Bid(key=key, conversation=conversation, wanted=wanted, least=least, **values)
        return self.do(ledger_rows.reserve, bid, self.caps, at, LEASE)

    def settle(self, held, micro_usd, *, known=True, at=NOON, **parts):
        self.do(ledger_rows.settle, held.attempt, Bill(micro_usd, known, parts.pop("usage", USAGE), **parts), at)

    def release(self, held, at=NOON):
        self.do(ledger_rows.release, held.attempt, "refused", at)

    def lose(self, held, at=NOON):
        self.do(ledger_rows.lose, held.attempt, "the stream broke", at)

    def stands(self, *names):
        """Tell what is spent and what is reserved on each account."""
        accounts = self.do(read_accounts, names, self.caps)
        return [(account.spent, account.reserved) for account in accounts.values()]
