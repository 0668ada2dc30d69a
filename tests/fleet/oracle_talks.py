"""Every call of a tool is answered once, every question at most once, and nobody reads another tenant's words."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from activities.catalog_rows import AssetRow, EntryRow, ShotRow
from activities.conversation_tables import ConversationRow, JournalRow, MessageRow, ToolResultRow
from activities.deciding_tables import NonceRow
from activities.effects import EffectRow
from activities.invocation_tables import InvocationRow
from activities.people import NoticeRow
from tests.fleet.evidence import Evidence
from tests.fleet.finding import Finding
from workflows.models import Notice

UNANSWERABLE = {"refusal", "broken"}
"""Replies whose calls nobody may answer: the model is never shown them again."""


def messages_are_whole(told: Evidence) -> Iterator[Finding]:
    """Each conversation has all its messages, from the task on, and ended."""
    positions: dict[str, list[int]] = defaultdict(list)
    for row in told.of(MessageRow):
        positions[row.conversation].append(row.position)
    for talk in told.of(ConversationRow):
        if (found := positions.pop(talk.id, [])) != list(range(len(found))) or not found:
            yield Finding("lost", f"{talk.id} has the messages {found}")
        if not talk.ended:
            yield Finding("lost", f"{talk.id} was opened, and never ended")
    for conversation in positions:
        yield Finding("broken", f"messages are of {conversation}, which is no conversation")


def calls_are_answered_once(told: Evidence) -> Iterator[Finding]:
    """The next message answers every call of the one before it, once; the store has one result for each."""
    asked: set[tuple[str, str]] = set()
    for conversation, rows in _by_conversation(told).items():
        waiting: list[str] = []
        for row in rows:
            content = json.loads(row.content)
            if row.role == "assistant":
                calls = _calls(row, content)
                waiting += calls
                asked |= {(conversation, call) for call in calls}
            else:
                yield from _answered(f"{conversation} {row.position}", waiting, content)
                waiting = []
    kept = Counter((row.conversation, row.call_id) for row in told.of(ToolResultRow))
    ended = {row.id: row.ended for row in told.of(ConversationRow)}
    for conversation, call in kept.keys() - asked:
        yield Finding("doubled", f"{conversation} has a result for {call}, which nobody called")
    for conversation, call in asked - kept.keys():
        if ended.get(conversation) == "answered" or (conversation, call) in _shown(told):
            yield Finding("lost", f"{conversation} called {call}, and no result is kept")


def _by_conversation(told: Evidence) -> dict[str, list[MessageRow]]:
    rows: dict[str, list[MessageRow]] = defaultdict(list)
    for row in told.of(MessageRow):
        rows[row.conversation].append(row)
    return rows


def _calls(row: MessageRow, content: Sequence[Any]) -> list[str]:
    stop = json.loads(row.record or "{}").get("stop")
    return [] if stop in UNANSWERABLE else [block["id"] for block in content if block.get("type") == "tool_use"]


def _answered(where: str, waiting: Sequence[str], content: Sequence[Any]) -> Iterator[Finding]:
    answers = Counter(block["tool_use_id"] for block in content if block.get("type") == "tool_result")
    for call in waiting:
        if not answers[call]:
            yield Finding("lost", f"{where} does not answer the call {call}")
    for call, times in answers.items():
        if times > 1 or call not in waiting:
            yield Finding(
                "doubled", f"{where} answers the call {call} {times} times, it was made {waiting.count(call)} times"
            )


def _shown(told: Evidence) -> set[tuple[str, str]]:
    """The calls whose results the model was shown."""
    return {
        (row.conversation, block["tool_use_id"])
        for row in told.of(MessageRow)
        if row.role == "user"
        for block in json.loads(row.content)
        if block.get("type") == "tool_result"
    }


def questions_are_answered_once(told: Evidence) -> Iterator[Finding]:
    """Each question was asked once and closed once, by whom a proved decision names, or by silence."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    proved = Counter((row.question, row.nonce) for row in told.of(NonceRow))
    for row in told.of(NoticeRow):
        kinds[row.question][row.kind] += 1
        if row.kind == "decided":
            decision = Notice.model_validate_json(row.body).decision
            if decision is None or decision.seal is None or not proved[row.question, decision.seal.nonce]:
                yield Finding("broken", f"{row.question} was decided by somebody who proved nothing")
    for question, told_of in kinds.items():
        closed = told_of["decided"] + told_of["expired"]
        if closed > 1:
            yield Finding("doubled", f"{question} was answered {closed} times")
        elif not closed:
            yield Finding("lost", f"{question} was never answered, and nobody waits for it")
        if told_of["question"] != 1:
            yield Finding(
                "doubled" if told_of["question"] else "lost", f"{question} was asked {told_of['question']} times"
            )


def tenants_are_apart(told: Evidence) -> Iterator[Finding]:
    """Every record is of a run that was ordered, and of that run's tenant."""
    whose = told.tenants
    for table in (ConversationRow, InvocationRow, NoticeRow):
        for row in told.of(table):
            if row.tenant != whose.get(row.run):
                yield Finding(
                    "mixed", f"{table.__tablename__}: {row.run} is {whose.get(row.run)}'s, not {row.tenant}'s"
                )
    for table in (ShotRow, AssetRow, EntryRow, EffectRow, JournalRow):
        for row in told.of(table):
            if row.run not in whose:
                yield Finding("mixed", f"{table.__tablename__}: nobody ordered {row.run}")
    for each in told.chronicles:
        if each.tenant and each.tenant != whose.get(each.workflow.partition(":")[0]):
            yield Finding("mixed", f"{each.workflow} is found under {each.tenant}")


def words_are_apart(told: Evidence) -> Iterator[Finding]:
    """What is written in one tenant's orders alone is in nobody else's conversations."""
    signs = {order.sign: order.tenant for order in told.orders if order.sign}
    talks = {row.id: row for row in told.of(ConversationRow)}
    texts = [(row.id, row.contract) for row in talks.values()]
    texts += [(row.conversation, row.content) for row in told.of(MessageRow)]
    texts += [(row.conversation, row.content) for row in told.of(ToolResultRow)]
    for conversation, text in texts:
        tenant = talks[conversation].tenant if conversation in talks else ""
        for sign, owner in signs.items():
            if owner != tenant and sign in text:
                yield Finding("mixed", f"{conversation} of {tenant} holds words of {owner}")


def pictures_are_apart(told: Evidence) -> Iterator[Finding]:
    """A conversation shows pictures that were made for its own run."""
    made = {(row.run, row.digest) for row in told.of(AssetRow)}
    runs = {row.id: row.run for row in told.of(ConversationRow)}
    for row in told.of(MessageRow):
        for block in json.loads(row.content):
            digest = (block.get("source") or {}).get("digest") if block.get("type") == "image" else None
            if digest and (runs.get(row.conversation), digest) not in made:
                yield Finding("mixed", f"{row.conversation} shows {digest[:20]}, which was not made for its run")


RULES = (
    messages_are_whole,
    calls_are_answered_once,
    questions_are_answered_once,
    tenants_are_apart,
    words_are_apart,
    pictures_are_apart,
)
