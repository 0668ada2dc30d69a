"""Faults that are planted in what a sound fleet left behind, one at a time, each with what has to be found."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from activities.database import Database
from tests.fleet.evidence import Chronicle, Evidence, read_rows
from tests.fleet.finding import Finding

CALL = "(SELECT call_id FROM tool_results ORDER BY conversation, call_id LIMIT 1)"
REPLY = "role = 'assistant' AND position = 1"


class Fault(NamedTuple):
    """What is done to the books, or to the rest of the evidence, and the finding that it has to lead to."""

    name: str
    kind: str
    words: str
    sql: str = ""
    change: Callable[[Evidence], Evidence] | None = None

    def fits(self, finding: Finding) -> bool:
        """Tell whether this is what has to be found."""
        return finding.kind == self.kind and self.words in finding.what


def plant(fault: Fault, told: Evidence, books: Path, folder: Path) -> Evidence:
    """Plant a fault in a copy of the books, or in the rest."""
    if fault.change is not None:
        return fault.change(told)
    copy = Path(shutil.copy(books, folder / "planted.db"))
    with sqlite3.connect(copy) as connection:
        assert connection.execute(fault.sql).rowcount > 0, f"{fault.name}: nothing was planted"
    connection.close()
    database = Database(f"sqlite:///{copy}")
    try:
        return replace(told, rows=read_rows(database))
    finally:
        database.close()


def again(table: str, where: str, **changes: str) -> str:
    """SQL that writes rows of a table once more, with some columns changed."""
    columns = COLUMNS[table]
    values = ", ".join(changes.get(name, name) for name in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE {where}"


COLUMNS = {
    "items": ("run", "key", "position", "shot", "state"),
    "tool_results": (
        "conversation",
        "call_id",
        "position",
        "turn",
        "tool",
        "arguments",
        "content",
        "outcome",
        "created_at",
    ),
    "notices": ("digest", "kind", "question", "run", "item", "tenant", "body", "told_at"),
    "attempts": (
        *("key", "conversation", "position", "turn", "kind", "model", "served", "state", "reserved", "micro_usd"),
        *("accounts", "source", "request_id", "error", "started_at", "expires_at"),
    ),
    "invocations": (
        *("id", "name", "pipeline", "run", "item", "tenant", "parent", "workflow_id", "workflow_run_id"),
        *("trace_id", "span_id", "parent_span_id", "started_at", "ended_at", "status", "micro_usd", "turns"),
        *("tool_calls", "asked", "events", "bytes"),
    ),
}


def histories(change: Callable[[Chronicle], Chronicle | None], of: str = "ShootItem") -> Callable[[Evidence], Evidence]:
    """Change the first history of a type; None takes it out."""

    def work(told: Evidence) -> Evidence:
        first = next(each for each in told.chronicles if each.type == of)
        put = change(first)
        rest = [each for each in told.chronicles if each is not first]
        return replace(told, chronicles=rest if put is None else [*rest, put])

    return work


def one_more(change: Callable[[Chronicle], Chronicle], of: str = "ShootItem") -> Callable[[Evidence], Evidence]:
    """Put a changed copy of a history beside it."""
    return lambda told: replace(
        told, chronicles=[*told.chronicles, change(next(each for each in told.chronicles if each.type == of))]
    )


def published(change: Callable[[dict[str, str]], Any]) -> Callable[[Evidence], Evidence]:
    """Change what lies at the published places."""

    def work(told: Evidence) -> Evidence:
        places = dict(told.shelf.published)
        change(places)
        return replace(told, shelf=told.shelf._replace(published=places))

    return work


WORK = (
    Fault("an item without an outcome", "lost", "has no outcome", "UPDATE items SET state = NULL"),
    Fault("an item that is gone", "lost", "has 0 of 1 items", "DELETE FROM items"),
    Fault("an item too many", "doubled", "has 2 of 1 items", again("items", "1", key="key || '-again'")),
    Fault("an item worked on twice", "doubled", "by 2 workflows", change=one_more(lambda one: one._replace(first="x"))),
    Fault("an item nobody worked on", "lost", "was never worked on", change=histories(lambda _: None)),
    Fault(
        "work on no item",
        "doubled",
        "is no item",
        change=one_more(lambda one: one._replace(workflow=f"{one.workflow}-x")),
    ),
    Fault(
        "another outcome kept", "broken", "something else", "UPDATE items SET state = json_set(state, '$.note', 'x')"
    ),
    Fault("a run that never began", "lost", "never began", change=histories(lambda _: None, "ImageProduction")),
    Fault(
        "a run begun twice",
        "doubled",
        "begun 2 times",
        change=one_more(lambda one: one._replace(first="x"), "SingleAgent"),
    ),
    Fault(
        "a run without an outcome",
        "lost",
        "no outcome",
        change=histories(lambda one: one._replace(result={}), "SingleAgent"),
    ),
    Fault(
        "a workflow that still runs", "lost", "still runs", change=histories(lambda one: one._replace(status="RUNNING"))
    ),
    Fault("a workflow that failed", "broken", "ended as", change=histories(lambda one: one._replace(status="FAILED"))),
    Fault(
        "another code's history",
        "broken",
        "NON_DETERMINISTIC",
        change=histories(lambda one: one._replace(troubles=("NON_DETERMINISTIC_ERROR: x",))),
    ),
    Fault("an entry without its effect", "broken", "without a record", "DELETE FROM effects"),
    Fault("an effect of another item", "broken", "without a record", "UPDATE effects SET item = 'other'"),
    Fault("an effect without its entry", "lost", "no entry is there", "DELETE FROM entries"),
    Fault("an effect left open", "broken", "nobody knows", "UPDATE effects SET status = 'pending'"),
    Fault("an outcome without its entry", "lost", "has no entry", "DELETE FROM entries"),
    Fault(
        "an entry against the outcome",
        "doubled",
        "outcome is not that",
        "UPDATE items SET state = json_set(state, '$.publication', NULL)",
    ),
    Fault(
        "an entry below the threshold",
        "broken",
        "past the gate",
        change=lambda told: replace(told, orders=[order._replace(threshold=101) for order in told.orders]),
    ),
    Fault(
        "an entry that nobody measured",
        "broken",
        "past the gate",
        "UPDATE items SET state = json_set(state, '$.facts', NULL)",
    ),
    Fault("an entry that nobody approved", "broken", "past the gate", "DELETE FROM notices WHERE kind = 'decided'"),
    Fault("an entry of other bytes", "broken", "past the gate", "UPDATE entries SET digest = 'sha256:0'"),
    Fault("an entry cleared by another", "broken", "was cleared by", "UPDATE entries SET decided_by = 'Mallory'"),
    Fault("nothing at a published place", "lost", "nothing lies at", change=published(dict.clear)),
    Fault(
        "other bytes at a place",
        "broken",
        "other bytes lie",
        change=published(lambda places: places.update(dict.fromkeys(places, "sha256:0"))),
    ),
    Fault(
        "published, and in no catalog",
        "doubled",
        "is no entry's",
        change=published(lambda places: places.update({"published/x/y.jpg": "sha256:0"})),
    ),
    Fault(
        "bytes that are gone",
        "lost",
        "cannot be read",
        change=lambda told: replace(told, shelf=told.shelf._replace(held=frozenset())),
    ),
    Fault("an invocation left open", "lost", "has no end", "UPDATE invocations SET status = ''"),
    Fault("an invocation that is gone", "lost", "left 0 invocations", "DELETE FROM invocations WHERE item != ''"),
    Fault(
        "an invocation's parent is gone",
        "lost",
        "a parent that left none",
        "UPDATE invocations SET parent = 'x' WHERE item != ''",
    ),
    Fault(
        "an invocation too many",
        "doubled",
        "left 2 invocations",
        again("invocations", "item != ''", id="id || 'x'", started_at="started_at"),
    ),
)

LEVELS = ("agent:", "item:", "run:", "tenant:", "fleet/day/", "fleet/month/")


def over_cap() -> Iterator[Fault]:
    """A cap passed, at each level."""
    for level in LEVELS:
        sql = f"UPDATE accounts SET cap = spent - 1 WHERE name LIKE '{level}%' AND spent > 0"
        yield Fault(f"a cap of {level}", "over cap", f"{level}", sql)
    for rule in ("tenant/day", "fleet/day", "fleet/month"):
        yield Fault(
            f"the standard cap of {rule}",
            "over cap",
            rule.partition("/")[0],
            change=lambda told, rule=rule: replace(told, caps={rule: 1}),
        )
    row = "INSERT INTO accounts (name, cap, spent, reserved, created_at)"
    row += " VALUES ('tenant:tenant-0/day', 1, 0, 0, '2026-11-20')"
    yield Fault("the cap of a rule", "over cap", "tenant:tenant-0/day/", row)


MONEY = (
    *over_cap(),
    Fault("an attempt left open", "lost", "is still open", "UPDATE attempts SET state = 'open' WHERE id = 1"),
    Fault("money still held", "lost", "still holds", "UPDATE accounts SET reserved = 5 WHERE name LIKE 'run:%'"),
    Fault(
        "an account that counts too much",
        "doubled",
        "its attempts count",
        "UPDATE accounts SET spent = spent + 1 WHERE name LIKE 'fleet/day%'",
    ),
    Fault(
        "an account that counts too little",
        "lost",
        "its attempts count",
        "UPDATE accounts SET spent = spent - 1 WHERE name LIKE 'run:%'",
    ),
    Fault("an account that is gone", "lost", "is no account", "DELETE FROM accounts WHERE name LIKE 'tenant:%'"),
    Fault(
        "a level left out",
        "lost",
        "is not charged to run:",
        "UPDATE attempts SET accounts = json_remove(accounts, '$[1]') WHERE conversation LIKE 'greedy-%'",
    ),
    Fault(
        "another tenant charged",
        "mixed",
        "is charged to",
        "UPDATE attempts SET accounts = replace(accounts, 'tenant-0', 'tenant-1')",
    ),
    Fault("an attempt of nobody", "lost", "is no conversation", "UPDATE attempts SET conversation = 'x' WHERE id = 1"),
    Fault("a reply nobody paid", "lost", "not paid for", f"UPDATE messages SET attempt = NULL WHERE {REPLY}"),
    Fault("a reply of a free call", "broken", "counts as free", "UPDATE attempts SET state = 'free'"),
    Fault("two replies of one attempt", "doubled", "two replies", f"UPDATE messages SET attempt = 1 WHERE {REPLY}"),
    Fault("a turn paid twice", "doubled", "was paid twice", again("attempts", "id = 1", key="key || 'x'")),
    Fault("a paid reply that is gone", "lost", "its reply is not kept", f"DELETE FROM messages WHERE {REPLY}"),
    Fault(
        "another price than billed",
        "broken",
        "is booked with",
        "UPDATE attempts SET micro_usd = micro_usd + 1 WHERE id = 1",
    ),
    Fault(
        "a booking without a bill",
        "doubled",
        "is no other bill",
        change=lambda told: replace(told, bills=told.bills[1:]),
    ),
    Fault(
        "one bill booked twice",
        "doubled",
        "is no other bill",
        "UPDATE attempts SET request_id = (SELECT max(request_id) FROM attempts)",
    ),
    Fault("a bill that nobody booked", "lost", "attempts cover", "DELETE FROM attempts WHERE id = 1"),
)

TALKS = (
    Fault("a message that is gone", "lost", "has the messages", "DELETE FROM messages WHERE position = 1"),
    Fault("a talk without messages", "lost", "has the messages []", "DELETE FROM messages"),
    Fault(
        "messages of no talk", "broken", "is no conversation", "UPDATE messages SET conversation = conversation || 'x'"
    ),
    Fault("a talk that never ended", "lost", "never ended", "UPDATE conversations SET ended = ''"),
    Fault("a call without a result", "lost", "no result is kept", f"DELETE FROM tool_results WHERE call_id = {CALL}"),
    Fault(
        "a result without a call",
        "doubled",
        "nobody called",
        again("tool_results", f"call_id = {CALL}", call_id="call_id || 'x'"),
    ),
    Fault(
        "a call answered by nothing",
        "lost",
        "does not answer",
        'UPDATE messages SET content = \'[{"type": "text", "text": "x"}]\' WHERE role = \'user\' AND position > 0',
    ),
    Fault(
        "a call answered twice",
        "doubled",
        "2 times",
        "UPDATE messages SET content = json_insert(content, '$[#]', json_extract(content, '$[0]')) WHERE role = 'user'"
        " AND position > 0",
    ),
    Fault(
        "a question answered twice",
        "doubled",
        "was answered 2 times",
        again("notices", "kind = 'decided'", digest="digest || 'x'"),
    ),
    Fault(
        "a question asked twice",
        "doubled",
        "was asked 2 times",
        again("notices", "kind = 'question'", digest="digest || 'x'"),
    ),
    Fault("a question nobody answered", "lost", "was never answered", "DELETE FROM notices WHERE kind = 'decided'"),
    Fault("a decision nobody proved", "broken", "proved nothing", "DELETE FROM decision_nonces"),
    Fault(
        "a talk of another tenant",
        "mixed",
        "conversations: ",
        "UPDATE conversations SET tenant = 'tenant-1' WHERE tenant = 'tenant-0'",
    ),
    Fault("a notice for another tenant", "mixed", "notices: ", "UPDATE notices SET tenant = 'tenant-9'"),
    Fault("an invocation of another tenant", "mixed", "invocations: ", "UPDATE invocations SET tenant = 'tenant-9'"),
    Fault(
        "a picture of nobody's run",
        "mixed",
        "assets: nobody ordered",
        "UPDATE assets SET run = 'x' WHERE run LIKE 'asked-%'",
    ),
    Fault(
        "a workflow found by another tenant",
        "mixed",
        "is found under",
        change=histories(lambda one: one._replace(tenant="tenant-9")),
    ),
    Fault(
        "another tenant's words",
        "mixed",
        "holds words of",
        "UPDATE messages SET content = replace(content, 'Maison-000-aaaa', 'Maison-001-bbbb')",
    ),
    Fault(
        "another run's picture",
        "mixed",
        "was not made for its run",
        "UPDATE assets SET digest = 'sha256:1' WHERE run LIKE 'asked-%'",
    ),
)

FAULTS = (*WORK, *MONEY, *TALKS)
