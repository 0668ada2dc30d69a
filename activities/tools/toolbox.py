"""The toolbox: takes the calls of a reply, has each one checked and run, and keeps what came of it."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from temporalio import activity

from activities.assets import Assets, digest_of
from activities.effects import Effects
from activities.heartbeats import beating
from activities.pauses import Pauses
from activities.spots import Surroundings
from activities.tools.admission import Admission
from activities.tools.answers import Answer, clean, encode, refused, shown, small, too_long
from activities.tools.conditions import conditions
from activities.tools.definition import BadTool, CallLog, Context, Policy, RawCall, Tool, ToolResult
from activities.tools.dispatch import Dispatch
from activities.tools.gate import Passed, edited_call, gated, pass_gate
from activities.tools.pins import as_pinned
from activities.tools.references import References
from activities.tools.schemas import input_schema
from workflows.models import CallRuling, GatedCall, Outcome, Outcomes, ToolUse, asset_id
from workflows.ports import Tools

_LONGEST_KEY = 400


class Toolset:
    """The declared tools, by name: what an agent is pinned with."""

    def __init__(self, tools: Iterable[Tool], here: Callable[[Tool], bool] = lambda _: True) -> None:
        """Take `tools`; `here` tells which of them this process runs. All are told to agents.

        Raises:
            BadTool: two have one name, or one does not fulfil the conditions.
        """
        self._tools: dict[str, Tool] = {}
        self._here = here
        for each in tools:
            if each.name in self._tools:
                raise BadTool(f"there are two tools named {each.name}", "rename the function of one of them")
            conditions(each)
            self._tools[each.name] = each

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def run_here(self) -> Iterator[Tool]:
        """Give those that this process runs."""
        return filter(self._here, self)

    def definitions(self, names: tuple[str, ...]) -> list[dict[str, Any]]:
        """Give `{name, description, input_schema}` of the named tools, in that order; `KeyError` if unknown."""
        return [
            {"name": each.name, "description": each.description, "input_schema": input_schema(each.arguments)}
            for each in (self._tools[name] for name in names)
        ]

    def policy(self, name: str) -> Policy:
        """Give the policy of a tool; `KeyError` if unknown."""
        return self._tools[name].policy

    def among(self, names: tuple[str, ...]) -> dict[str, Tool]:
        """Give those of the named tools that there are."""
        return {name: self._tools[name] for name in names if name in self._tools}


class Toolbox(Tools):
    """Implements the port: every refusal is an outcome.

    Two things are errors, for Temporal to retry: a store that is down, and an effect that may still be in flight.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one part each for all that a call needs
        self,
        toolset: Toolset,
        world: Iterable[object],
        references: References,
        log: CallLog,
        effects: Effects,
        assets: Assets,
        around: Surroundings | None = None,
        pauses: Pauses | None = None,
    ) -> None:
        """Prove that every tool can be run; each call runs within its span, where there are surroundings `around` it.

        Without `pauses` nothing can be paused.

        Raises:
            BadTool: a dependency or the directory of a reference is missing.
        """
        self._toolset = toolset
        self._references = references
        self._log = log
        self._assets = assets
        self._around = around
        self._pauses = pauses
        self._admission = Admission(references)
        self._dispatch = Dispatch(world, effects)
        for each in toolset.run_here():
            self._dispatch.check(each)
            if missing := references.unknown_kinds(each.arguments):
                kinds = ", ".join(missing)
                fix = f"give World.open a directory for each of: {kinds}"
                raise BadTool(f"{each.name} refers to what has no directory: {kinds}", fix)

    @activity.defn(name="use_tools")
    async def use(self, use: ToolUse) -> Outcomes:
        """Check and run a batch of calls: reads side by side, everything else one after the other.

        Operators' pauses hold back everything but reads.
        """
        known = await self._known(use.pin)
        calls = {call.id: call for call in await self._log.calls(use.conversation, use.position)}
        names = [calls[call_id].tool for call_id in use.calls if call_id in calls]
        reads = all(known[name].policy.effect == "read" for name in names if name in known)

        if not reads and self._pauses and (held := await self._pauses.over(use.conversation)):
            return Outcomes(each=(), held=held)

        def answer(call_id: str) -> Awaitable[Outcome | GatedCall]:
            return self._answer(use, known, call_id, calls.get(call_id))

        async with beating():
            if reads:
                return _sorted(await asyncio.gather(*map(answer, use.calls)))
            return _sorted([await answer(call_id) for call_id in use.calls])

    async def _known(self, pin: str) -> dict[str, Tool]:
        known = self._toolset.among(await self._log.pinned_tools(pin))
        foreign = any(tool.source for tool in known.values())
        return as_pinned(known, await self._log.pinned_definitions(pin)) if foreign else known

    async def _answer(
        self, use: ToolUse, known: dict[str, Tool], call_id: str, call: RawCall | None
    ) -> Outcome | GatedCall:
        if call is None:
            lost = refused("conflict", "there is no call with this id in the message")
            return _outcome(Ran(RawCall(call_id, "", None), lost), 0.0)
        kept = await self._log.find_result(use.conversation, call_id)
        if kept is not None:
            return kept
        started = time.perf_counter()
        async with self._around.tool(use.conversation, call.id) if self._around else nullcontext():
            ran = await self._run(use, known, call)
        if isinstance(ran, GatedCall):
            return ran
        return await self._keep(use, ran, (time.perf_counter() - started) * 1_000)

    async def _run(self, use: ToolUse, known: dict[str, Tool], call: RawCall) -> "Ran | GatedCall":
        context = Context(use.scope, _key(use.key, call.id), use.grants)
        ruling = next((each for each in use.rulings if each.call_id == call.id), None)
        wanted = edited_call(call, ruling)
        admitted = await self._admission.admit(wanted, known, context)
        if isinstance(admitted, Answer):
            if ruling is None or wanted is call:
                return Ran(call, admitted)
            return _asked_again(known[call.tool], call, ruling, admitted)
        passed = pass_gate(admitted.tool, wanted, admitted.arguments, ruling)
        if not isinstance(passed, Passed):
            return passed if isinstance(passed, GatedCall) else Ran(call, passed)
        answer = await self._dispatch.run(admitted.tool, admitted.arguments, context)
        if answer.ok:
            await self._references.touch(admitted.arguments, use.scope)
        return Ran(wanted, answer, passed.by)

    async def _keep(self, use: ToolUse, ran: "Ran", milliseconds: float) -> Outcome:
        call, answer = ran.call, ran.answer
        overflow = await self._assets.put(answer.text.encode()) if too_long(answer.text) else None
        result = ToolResult(
            conversation=use.conversation,
            call_id=call.id,
            position=use.position,
            tool=clean(call.tool)[:80],
            arguments=_written(call.arguments),
            content=shown(answer.text, asset_id(overflow) if overflow else None),
            overflow=overflow,
            outcome=_outcome(ran, milliseconds),
        )
        return await self._log.put_result(result)


class Ran(NamedTuple):
    """A call as it ran, edited or not, what came of it, and who agreed to it, where somebody had to."""

    call: RawCall
    answer: Answer
    by: str = ""


def _sorted(answers: Sequence[Outcome | GatedCall]) -> Outcomes:
    return Outcomes(
        each=tuple(each for each in answers if isinstance(each, Outcome)),
        gated=tuple(each for each in answers if isinstance(each, GatedCall)),
    )


def _asked_again(tool: Tool, call: RawCall, ruling: CallRuling, problem: Answer) -> Ran | GatedCall:
    """Have a person asked again whose edit does not fit: the model has done nothing wrong."""
    asked = gated(tool, call, call.arguments, f"what {ruling.by} edited does not fit: {problem.preview[:400]}")
    return asked if isinstance(asked, GatedCall) else Ran(call, asked)


def _outcome(ran: Ran, milliseconds: float) -> Outcome:
    call, answer = ran.call, ran.answer
    return Outcome(
        call_id=call.id,
        tool=small(call.tool, 64, 128),
        ok=answer.ok,
        digest=digest_of(answer.text.encode()),
        preview=small(answer.preview, 200, 400),
        hint=small(answer.hint, 300, 400),
        refusal=answer.refusal,
        asset=answer.asset,
        escalation=None if answer.escalation is None else small(answer.escalation, 300, 400),
        milliseconds=round(milliseconds, 1),
        agreed_by=ran.by,
    )


def _key(batch: str, call_id: str) -> str:
    """Name one call's effect; an over-long name is folded, because the store's keys are bounded."""
    key = f"{batch}:{call_id}"
    return key if len(key) <= _LONGEST_KEY else f"sha256:{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"


def _written(arguments: Any) -> str:  # noqa: ANN401 - whatever the model wrote
    try:
        return encode(arguments)
    except (TypeError, ValueError, RecursionError):
        return '"(cannot be written as JSON)"'
