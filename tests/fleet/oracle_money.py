"""Every dollar stands in the books once, on every account above it, and no cap is passed."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC

from activities.conversation_tables import ConversationRow, MessageRow
from activities.ledger_tables import AccountRow, AttemptRow
from rehearsal.journal import Entry
from tests.fleet.evidence import Evidence
from tests.fleet.finding import Finding, twice

ENDED = {"billed", "free", "unknown"}


def nothing_is_reserved(told: Evidence) -> Iterator[Finding]:
    """No attempt is open, and no account holds money for one."""
    for row in told.of(AttemptRow):
        if row.state not in ENDED:
            yield Finding("lost", f"the attempt {row.id} of {row.conversation} is still {row.state}")
    for account in told.of(AccountRow):
        if account.reserved:
            yield Finding("lost", f"{account.name} still holds {account.reserved} micro-dollars")


def accounts_are_their_attempts(told: Evidence) -> Iterator[Finding]:
    """What an account has spent is what its attempts count, no more and no less."""
    counted: dict[str, int] = defaultdict(int)
    for row in told.of(AttemptRow):
        for name in json.loads(row.accounts):
            counted[name] += row.micro_usd
    for account in told.of(AccountRow):
        if (booked := counted.pop(account.name, 0)) != account.spent:
            kind = "doubled" if account.spent > booked else "lost"
            yield Finding(kind, f"{account.name} has spent {account.spent}, its attempts count {booked}")
    for name in counted:
        yield Finding("lost", f"attempts were charged to {name}, which is no account")


def attempts_are_charged_at_every_level(told: Evidence) -> Iterator[Finding]:
    """Each attempt stands on its agent's, item's, run's, tenant's and fleet's accounts."""
    talks = {row.id: row for row in told.of(ConversationRow)}
    for row in told.of(AttemptRow):
        if (talk := talks.get(row.conversation)) is None:
            yield Finding("lost", f"the attempt {row.id} is of {row.conversation}, which is no conversation")
            continue
        day = row.started_at.astimezone(UTC).date().isoformat()
        wanted = {
            f"run:{talk.run}",
            f"agent:{talk.id}",
            f"tenant:{talk.tenant}/day/{day}",
            f"fleet/day/{day}",
            f"fleet/month/{day[:7]}",
        }
        wanted |= {f"item:{talk.run}:{talk.item}"} if talk.item else set()
        charged = json.loads(row.accounts)
        if missing := wanted - set(charged):
            yield Finding("lost", f"the attempt {row.id} is not charged to {', '.join(sorted(missing))}")
        for name in set(charged) - wanted:
            yield Finding("mixed", f"the attempt {row.id} of {talk.id} is charged to {name}")


def caps_are_kept(told: Evidence) -> Iterator[Finding]:
    """No account passed its cap, at any level; the cap of a day or a month may be that of its rule."""
    own = {row.name: row.cap for row in told.of(AccountRow)}
    for row in told.of(AccountRow):
        rule = row.name.rpartition("/")[0] if row.name.startswith(("tenant:", "fleet/")) else ""
        standard = "tenant/day" if rule.startswith("tenant:") else rule
        caps = (row.cap, own.get(rule), told.caps.get(standard))
        cap = next((each for each in caps if each is not None), None)
        if cap is not None and row.spent + row.reserved > cap:
            yield Finding("over cap", f"{row.name} has spent {row.spent} of {cap}")


def replies_are_paid_once(told: Evidence) -> Iterator[Finding]:
    """Each kept reply is of one billed attempt, each billed turn is a kept reply, and no turn was paid twice."""
    attempts = {row.id: row for row in told.of(AttemptRow)}
    replies = [row for row in told.of(MessageRow) if row.role == "assistant"]
    for row in replies:
        paid = attempts.get(row.attempt) if row.attempt is not None else None
        if paid is None or (paid.conversation, paid.turn) != (row.conversation, row.turn):
            yield Finding("lost", f"the reply {row.conversation} {row.position} was kept, and not paid for")
        elif paid.state != "billed":
            yield Finding(
                "broken", f"the reply {row.conversation} {row.position} was kept, its call counts as {paid.state}"
            )
    for number in twice(row.attempt for row in replies if row.attempt is not None):
        yield Finding("doubled", f"the attempt {number} stands for two replies")
    billed = [row for row in attempts.values() if row.state == "billed" and row.kind == "turn"]
    for conversation, position, turn in twice((row.conversation, row.position, row.turn) for row in billed):
        yield Finding("doubled", f"the turn {turn} of {conversation} at {position} was paid twice")
    kept = {row.attempt for row in replies}
    for row in billed:
        if row.id not in kept:
            yield Finding("lost", f"the attempt {row.id} of {row.conversation} was paid for, and its reply is not kept")


def books_are_the_endpoints(told: Evidence) -> Iterator[Finding]:
    """What we booked for a request is what the endpoint bills for it; what it bills besides is covered.

    A reply whose receiver died was billed, and nobody could write it down: its attempt counts at what it had reserved.
    """
    bills = {entry.request_id: entry for entry in told.bills}
    billed = [row for row in told.of(AttemptRow) if row.state == "billed"]
    for row in billed:
        entry = bills.pop(row.request_id, None)
        if entry is None:
            yield Finding("doubled", f"the attempt {row.id} is booked under {row.request_id}, which is no other bill")
        elif (entry.micro_usd or 0) != row.micro_usd:
            yield Finding("broken", f"the attempt {row.id} is booked with {row.micro_usd}, billed {entry.micro_usd}")
    yield from _covered(told, [entry for entry in bills.values() if entry.began])


def _covered(told: Evidence, left: list[Entry]) -> Iterator[Finding]:
    unknown = [row for row in told.of(AttemptRow) if row.state == "unknown"]
    owed, covered = sum(entry.micro_usd or 0 for entry in left), sum(row.micro_usd for row in unknown)
    if len(left) > len(unknown) or owed > covered:
        yield Finding("lost", f"{len(left)} replies for {owed} were billed, {len(unknown)} attempts cover {covered}")


RULES = (
    nothing_is_reserved,
    accounts_are_their_attempts,
    attempts_are_charged_at_every_level,
    caps_are_kept,
    replies_are_paid_once,
    books_are_the_endpoints,
)
