"""The store of conversations: append-only, verbatim, first writer wins."""

import json
from collections.abc import Collection, Mapping
from typing import Any

import anthropic
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from temporalio import activity

from activities import drafts, ledger_rows
from activities.conversation_tables import ConversationRow, JournalRow, MessageRow, PinRow, ToolResultRow
from activities.conversation_views import conversation_row
from activities.database import Database, first, now
from activities.drafts import Draft
from activities.errors import permanent
from activities.ledger_rows import Caps
from activities.messages import calls_of, digest_of, dumps
from activities.paid_calls import Paid
from activities.requests import baseline, prefix_of
from activities.tools.answers import clean
from activities.tools.definition import RawCall, Tooling, ToolResult
from workflows.models import Closed, Closing, Opened, Opening, Outcome, Purse, Reply, Scope, TurnRequest
from workflows.ports import Conversations

PIN = len("sha256:") + 32
"""Characters of a pin's digest: 128 bits tell pins apart, and every turn's history holds it twice."""

_SAME = ("run", "item", "agent", "conversation", "turn", "action", "data")


class ConversationStore(Conversations):
    """Implements the port, and is what the model activity and the toolbox read and write."""

    def __init__(self, database: Database, tooling: Tooling, caps: Caps | None = None) -> None:
        """Keep conversations in `database`; `tooling` describes the tools that agents are pinned with.

        `caps` are the standard ones of the ledger.
        """
        self._database = database
        self._tooling = tooling
        self._caps = caps or Caps()

    @activity.defn(name="open_conversation")
    async def open(self, opening: Opening) -> Opened:
        """Pin the agent, write the first message and open the accounts; harmless when done twice."""
        body = self._pin(opening)
        pin = PinRow(digest=digest_of(dumps(body))[:PIN], body=dumps(body))
        row, message = _conversation(opening, pin.digest), _task(opening)

        def work(session: Session) -> Opened:
            first(session, pin)
            if first(session, row):
                first(session, message)
                ledger_rows.open_accounts(session, opening.caps)
            kept = conversation_row(session, row.id)
            task = session.get_one(MessageRow, (row.id, 0))
            pinned = json.loads(session.get_one(PinRow, kept.pin).body)
            context = baseline(pinned, [{"role": "user", "content": json.loads(task.content)}])
            return Opened(conversation=kept.id, pin=kept.pin, context=context)

        return await self._database.run(work)

    def _pin(self, opening: Opening) -> dict[str, Any]:
        try:
            definitions = self._tooling.definitions(tuple(sorted(set(opening.tools))))
        except KeyError as error:
            raise permanent("UnknownTool", f"agent {opening.agent} has an unknown tool: {error.args[0]}") from None
        pin = {
            "agent": opening.agent,
            "instructions": clean(opening.instructions),
            "model": opening.model,
            "effort": opening.effort,
            "limits": opening.limits.model_dump(mode="json"),
            "format": anthropic.transform_schema(opening.output_schema) if opening.output_schema else None,
            "tools": [{**each, **self._policy(each["name"])} for each in definitions],
        }
        return {**pin, "prefix": prefix_of(pin)}

    def _policy(self, tool: str) -> dict[str, Any]:
        rule = self._tooling.policy(tool)
        seconds = rule.timeout.total_seconds()
        return {"effect": rule.effect, "quick": rule.quick, "queue": rule.queue, "seconds": seconds}

    @activity.defn(name="close_conversation")
    async def close(self, closing: Closing) -> Closed:
        """Record how a conversation ended, in the journal where a ruling ended it, and tell what it came to."""
        if closing.ruled:
            data = {"kind": closing.kind, "reason": closing.reason}
            await self.journal(closing.scope, "ruling", data, conversation=closing.conversation, turn=closing.turn)
        return Closed(purse=await self._database.run(lambda session: self._put_away(session, closing)))

    def _put_away(self, session: Session, closing: Closing) -> Purse:
        kept = session.get(ConversationRow, closing.conversation)
        if kept is not None and (kept.ended, kept.ended_at) != (closing.kind, closing.at):
            kept.ended, kept.ended_at, kept.ended_turn = closing.kind, closing.at, closing.turn
        return ledger_rows.purse(session, closing.conversation, self._caps, now())

    async def journal(
        self, scope: Scope, action: str, data: dict[str, Any], *, conversation: str = "", turn: int = 0
    ) -> None:
        """Keep something that happened outside the messages: a ruling, an approval, an error. The same once only."""
        row = JournalRow(
            run=scope.run,
            item=scope.item,
            agent=scope.agent,
            conversation=conversation,
            turn=turn,
            action=action,
            data=dumps(data),
        )
        same = [getattr(JournalRow, name) == getattr(row, name) for name in _SAME]

        def work(session: Session) -> None:
            if not session.scalar(select(func.count()).select_from(JournalRow).where(*same)):
                session.add(row)

        await self._database.run(work)

    async def find_reply(self, request: TurnRequest) -> Reply | None:
        """Find the reply that was paid for already."""
        key = (request.conversation, drafts.reply_position(request))
        row = await self._database.read(lambda session: session.get(MessageRow, key))
        return Reply.model_validate_json(row.record) if row is not None and row.record else None

    async def draft(self, request: TurnRequest) -> Draft:
        """Compose the request: open calls are answered first, then come the notes."""
        if request.interrupted:
            await self._database.run(lambda session: drafts.interrupt(session, request))
        return await self._database.read(lambda session: drafts.compose(session, request))

    async def used_ids(self, conversation: str, ids: Collection[str]) -> frozenset[str]:
        """Find which of these call ids were used before in the conversation: they must not come again."""
        here = (ToolResultRow.conversation == conversation, ToolResultRow.call_id.in_(list(map(clean, ids))))
        query = select(ToolResultRow.call_id).where(*here)
        return frozenset(await self._database.read(lambda session: session.scalars(query).all()))

    async def commit(
        self,
        request: TurnRequest,
        draft: Draft,
        content: list[Any],
        reply: Reply,
        unrun: Mapping[str, str],
        *,
        paid: Paid | None = None,
        needs: int = 0,
    ) -> Reply:
        """Append this turn's messages, first writer wins, and settle its bill; returns the reply that is kept.

        `unrun` are calls that will never run, each with the reason: they are answered at once. `needs` is what the
        next call has to reserve at least. Also the bill of a reply that is not kept is settled: it was paid.
        """

        def work(session: Session) -> Reply:
            rows = drafts.turn_rows(request, draft, content, reply)
            rows[0].attempt = paid.attempt if paid is not None else None
            won = first(session, rows[0])
            if paid is not None:
                ledger_rows.settle(session, paid.attempt, paid.bill, now())
            if not won:
                kept = session.get_one(MessageRow, (request.conversation, draft.position))
                return Reply.model_validate_json(kept.record or reply.model_dump_json())
            charged = self._charged(session, request, reply, needs)
            rows[0].record = charged.model_dump_json()
            session.add_all(rows[1:])
            for call in calls_of(content):
                if call.id in unrun:
                    first(session, drafts.unrun_row(request, draft.position, call, unrun[call.id]))
            return charged

        return await self._database.run(work)

    def _charged(self, session: Session, request: TurnRequest, reply: Reply, needs: int) -> Reply:
        spent = ledger_rows.spent_in_turn(session, request.conversation, request.head, request.turn)
        purse = ledger_rows.purse(session, request.conversation, self._caps, now(), needs)
        return reply.model_copy(update={"micro_usd": spent, "purse": purse})

    async def pinned_tools(self, pin: str) -> tuple[str, ...]:
        """Name the tools of the pinned agent; empty when the pin is unknown."""
        row = await self._database.read(lambda session: session.get(PinRow, pin))
        return tuple(tool["name"] for tool in json.loads(row.body)["tools"]) if row is not None else ()

    async def pinned_definitions(self, pin: str) -> Mapping[str, Mapping[str, Any]]:
        """Give what the pinned agent was told of its tools, by name."""
        row = await self._database.read(lambda session: session.get(PinRow, pin))
        return {tool["name"]: tool for tool in json.loads(row.body)["tools"]} if row is not None else {}

    async def calls(self, conversation: str, position: int) -> tuple[RawCall, ...]:
        """Read the calls of the assistant message at `position`, in order; empty when there is none."""
        row = await self._database.read(lambda session: session.get(MessageRow, (conversation, position)))
        return calls_of(json.loads(row.content)) if row is not None and row.role == "assistant" else ()

    async def find_result(self, conversation: str, call_id: str) -> Outcome | None:
        """Find what became of a call, if it was answered."""
        row = await self._database.read(lambda session: session.get(ToolResultRow, (conversation, call_id)))
        return Outcome.model_validate_json(row.outcome) if row is not None else None

    async def put_result(self, result: ToolResult) -> Outcome:
        """Keep a result, first writer wins; returns the outcome that is kept."""

        def work(session: Session) -> Outcome:
            message = session.get(MessageRow, (result.conversation, result.position))
            if first(session, drafts.result_row(result, message.turn if message is not None else 0)):
                return result.outcome
            kept = session.get_one(ToolResultRow, (result.conversation, result.call_id))
            return Outcome.model_validate_json(kept.outcome)

        return await self._database.run(work)


def _conversation(opening: Opening, pin: str) -> ConversationRow:
    contract = clean(opening.contract.text())
    return ConversationRow(
        id=opening.conversation,
        pin=pin,
        workflow_id=opening.workflow_id,
        workflow_run_id=opening.workflow_run_id,
        run=opening.scope.run,
        item=opening.scope.item,
        agent=opening.agent,
        tenant=opening.scope.tenant,
        contract=contract,
        contract_digest=digest_of(contract),
        accounts=dumps([cap.account for cap in opening.caps]),
        pipeline=opening.pipeline,
    )


def _task(opening: Opening) -> MessageRow:
    contract, task = clean(opening.contract.text()), clean(opening.task)
    if contract not in task:  # it has to survive every cut, and only this message does
        task = f"## Contract\n\n{contract}\n\n{task}"
    images = [{"type": "image", "source": {"type": "asset", "digest": digest}} for digest in opening.images]
    content = dumps([{"type": "text", "text": task}, *images])
    return MessageRow(
        conversation=opening.conversation,
        position=0,
        role="user",
        content=content,
        digest=digest_of(content),
        turn=0,
    )
