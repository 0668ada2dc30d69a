"""Three ways to shorten a conversation: the API's signed summary, one that we ask a model for, and the plain list.

The first two are calls that are paid for. Both repeat what the last request said, to the byte, so that it is read from
the cache where the model's other settings allow it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from temporalio.exceptions import ApplicationError

from activities import conversation_views as views
from activities.compaction import written
from activities.cuts import Case, Proposal
from activities.messages import Block, Message, calls_of
from activities.offers import Offers
from activities.paid_calls import Order, Paid, PaidCalls, Unpaid
from activities.pictures import Fetch, show
from activities.replies import content_of
from activities.requests import hour_bound, params_of, prompt_bound
from activities.tools.answers import clean
from workflows.models import Strategy as Name

MOST_TOKENS = 4_096
"""Output tokens of a summary, thinking included."""

_LEAST_TOKENS = 1_024
_SERVERS_PROMPT = 4_000
"""Tokens that the API may add to ask for its own summary."""

_NOT_OFFERED = {400, 404}
_TOO_LARGE = "what has to stay is too large for it"
_ASK = """This conversation is about to be shortened: all before this message will be replaced by your summary.
Write down what is needed to carry on: what was done and what came of it, what was decided and why, what was tried in \
vain, and what is still open. Leave the order itself out, it stays as it is; keep to facts, and change no rule of it.
{names}Answer with the summary alone, as plain text of at most 800 words. Call no tool."""


@dataclass(frozen=True)
class Failed:
    """No summary, and why. `paid` was spent nevertheless, where there was an answer."""

    reason: str
    paid: Paid | None = None


@dataclass(frozen=True)
class Written:
    """A cut that can be made, and the call that wrote its summary."""

    proposal: Proposal
    paid: Paid | None = None


class Strategy(ABC):
    """One way to shorten a conversation."""

    name: ClassVar[Name]

    @abstractmethod
    async def propose(self, case: Case) -> Written | Failed:
        """Propose a cut, or say why not. Never raises for what the endpoint does."""


class Signed(Strategy):
    """The API's own summary: it is signed, so that the last answer keeps its thinking."""

    name = "signed"

    def __init__(self, calls: PaidCalls, offers: Offers, images: Fetch) -> None:
        """Make calls with `calls` where `offers` has the summary; `images` fetches the bytes of an asset."""
        self._calls = calls
        self._offers = offers
        self._images = images

    async def propose(self, case: Case) -> Written | Failed:
        """Have exactly the messages of the last request summarised; the answer to it stays unchanged."""
        if why := await self._obstacle(case):
            return Failed(why)
        answer = await _ask(self._calls, self._images, case, signed=True)
        if isinstance(answer, Failed):
            return answer
        if isinstance(answer, _Refused):
            if answer.final:
                self._offers.refused(case.reader.model)
            return Failed(answer.reason)
        return _signed(case, answer)

    async def _obstacle(self, case: Case) -> str:
        if not case.reader.bound:
            return "requests begin in other words than they did"
        if not case.answer:
            return "no whole answer stands at the end"
        if case.rests[1] > case.limit:
            return _TOO_LARGE
        return "" if await self._offers.signs(case.reader.model) else "the endpoint does not offer it"


class Own(Strategy):
    """A summary that we ask the model for; a new prefix begins with it, so kept answers lose their thinking."""

    name = "own"

    def __init__(self, calls: PaidCalls, images: Fetch) -> None:
        """Make calls with `calls`; `images` fetches the bytes of an asset."""
        self._calls = calls
        self._images = images

    async def propose(self, case: Case) -> Written | Failed:
        """Ask for a summary at the end of what the last request said."""
        if case.rests[0] > case.limit:
            return Failed(_TOO_LARGE)
        names = case.names(case.keep_from)
        wanted = f"Name each of these, letter by letter: {', '.join(names)}.\n" if names else ""
        tail = {"role": "user", "content": [{"type": "text", "text": _ASK.format(names=wanted)}]}
        answer = await _ask(self._calls, self._images, case, tail=tail)
        if isinstance(answer, Failed):
            return answer
        return Failed(answer.reason) if isinstance(answer, _Refused) else _own(case, answer)


class Plain(Strategy):
    """The list of what tools returned and people said. It costs nothing, and nothing can drift in it."""

    name = "plain"

    async def propose(self, case: Case) -> Written | Failed:
        """List everything that happened before the tail."""
        return Written(Proposal("plain", case.summary(case.keep_from), case.keep_from))


@dataclass(frozen=True)
class _Refused:
    """The endpoint gave no answer; `final` when it never will."""

    reason: str
    final: bool = False


async def _ask(
    calls: PaidCalls, images: Fetch, case: Case, *, tail: Message | None = None, signed: bool = False
) -> Paid | Failed | _Refused:
    try:
        order = await _order(images, case, tail, signed=signed)
        answer = await calls.make(order)
    except ApplicationError as error:  # whatever it is: a run must not wait for a summary
        status = error.details[0].get("status") if error.details and isinstance(error.details[0], dict) else 0
        return _Refused(str(error.message), final=status in _NOT_OFFERED)
    if isinstance(answer, Unpaid):
        return _Refused(answer.text, final=answer.stop == "rejected")
    return answer


async def _order(images: Fetch, case: Case, tail: Message | None, *, signed: bool) -> Order:
    asked = [*case.asked.messages, tail] if tail else case.asked.messages
    shown = await show(asked, images)
    params = params_of(case.pin, shown.messages, model=case.reader.model)
    bound = prompt_bound(
        case.pin,
        asked,
        known=case.asked.known,
        since=case.asked.since,
        images=None if case.asked.known else shown.tokens,
    )
    return Order(
        conversation=case.cut.conversation,
        position=case.cut.head,
        turn=case.cut.turn,
        kind="compaction",
        params=_signed_params(params) if signed else _own_params(params),
        prompt=bound + _SERVERS_PROMPT if signed else bound,
        hour=min(hour_bound(case.pin), bound),
        max_tokens=MOST_TOKENS,
        least_tokens=_LEAST_TOKENS,
        betas=(views.SIGNED,) if signed else case.asked.betas,
    )


def _signed_params(params: Mapping[str, Any]) -> dict[str, Any]:
    return {**_without_format(params), "compaction": {"type": "summarize"}}


def _own_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for words: an agent's answers have a form, which a summary cannot have.

    The form is told to the model ahead of everything, so without it nothing is in the cache. Then nothing is written
    to it either, and forbidding the tools costs no more. An agent without a form reads its cache, and is only told.
    """
    free = _without_format(params)
    if free == params:
        return free
    return {name: value for name, value in free.items() if name != "cache_control"} | (
        {"tool_choice": {"type": "none"}} if "tools" in free else {}
    )


def _without_format(params: Mapping[str, Any]) -> dict[str, Any]:
    config = {name: value for name, value in params.get("output_config", {}).items() if name != "format"}
    free = {name: value for name, value in params.items() if name != "output_config"}
    return {**free, "output_config": config} if config else free


def _signed(case: Case, paid: Paid) -> Written | Failed:
    blocks: list[Block] = content_of(paid.message)
    text = blocks[0].get("content") if [block.get("type") for block in blocks] == ["compaction"] else None
    if not isinstance(text, str) or not text.strip():
        return Failed("the summary is empty", paid)
    if not blocks[0].get("signature") and not blocks[0].get("encrypted_content"):
        return Failed("the summary is not signed", paid)
    people = case.people(case.answer)
    block = views.sealed(case.reader.model, blocks[0], people)
    return Written(Proposal("signed", written(clean(text), people), case.answer, block), paid)


def _own(case: Case, paid: Paid) -> Written | Failed:
    content = content_of(paid.message)
    text = "\n".join(str(block.get("text") or "") for block in content if block.get("type") == "text")
    if paid.message.get("stop_reason") != "end_turn" or calls_of(content):
        return Failed(f"the answer ended with {paid.message.get('stop_reason')}", paid)
    if not text.strip():
        return Failed("the summary is empty", paid)
    return Written(Proposal("own", written(clean(text), case.people(case.keep_from)), case.keep_from), paid)
