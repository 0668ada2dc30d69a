"""One request from its body to its reply: read, checked, played, composed and accounted for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rehearsal.bill import bill, so_far
from rehearsal.body import Body, Prompt, read_body, read_prompt
from rehearsal.cache import Clock, PromptCache, Search, marked
from rehearsal.cards import Card, by_id
from rehearsal.checks import check_output, check_prompt
from rehearsal.compaction import BETA, PROMPT, check_compaction, check_finished, summary_of
from rehearsal.delivery import Patience, events_sent
from rehearsal.errors import ApiError, outside_stream, rejected
from rehearsal.faults import ErrorEvent, HangUp, Lapse, Reject
from rehearsal.journal import Journal
from rehearsal.message_checks import check_end
from rehearsal.pictures import Pictures
from rehearsal.player import Performance, Player, Request, Summariser, Tool
from rehearsal.prefix import Piece, normal_opening, opening_pieces, tokens_in
from rehearsal.readings import Line, Readings, Terms
from rehearsal.replies import Reply, Setting, compose
from rehearsal.seals import Seal
from rehearsal.signatures import opening
from rehearsal.summaries import compose_summary


@dataclass(frozen=True)
class Call:
    """How a body arrived: under which id, on the beta path, with which beta headers, alone or in a batch."""

    request_id: str
    beta: bool = False
    betas: frozenset[str] = frozenset()
    batch: bool = False


@dataclass(frozen=True)
class Heard:
    """A prompt that passed all checks."""

    prompt: Prompt
    card: Card
    said: Mapping[str, Any]
    lines: tuple[Line, ...]
    chain: tuple[Piece, ...]

    @property
    def tokens(self) -> int:
        """The size of the prompt."""
        return sum(piece.tokens for piece in self.chain)


@dataclass(frozen=True)
class Staged:
    """A reply that may be sent, with what was rehearsed to go wrong."""

    reply: Reply
    performance: Performance
    stream: bool


class LapsedError(Exception):
    """A request of a batch that was rehearsed to never reach the model."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Stage:
    """Checks requests, asks the player, composes what it performs, and keeps account."""

    def __init__(self, player: Player, cards: Iterable[Card], clock: Clock | None, journal: Journal) -> None:
        self.cards = by_id(cards)
        self.clock = clock or (lambda: datetime.now(UTC))
        self.journal = journal
        self.patience = Patience()
        self.player = player
        self._cache = PromptCache(self.clock)
        self._pictures = Pictures()
        self._readings = Readings(self._pictures)

    def count(self, raw: Mapping[str, Any], call: Call) -> int:
        """Count the tokens of a prompt."""
        return self._heard(read_prompt(raw), raw, call).tokens

    async def perform(self, raw: Mapping[str, Any], call: Call) -> Staged:
        """Answer a request.

        Raises:
            ApiError: the request is refused, or its refusal was rehearsed.
            LapsedError: a request of a batch that does not reach the model.
        """
        body = read_body(raw)
        check_compaction(body, self._card(body.model), call.betas)
        heard = self._heard(body, raw, call)
        check_output(body, heard.card)
        request = _view(body, heard)
        self.journal.note(call.request_id, agent=request.agent)
        performance = self._asked(request)
        # Requests that wait together do not find what none of their replies has begun to write.
        search = self._cache.search(heard.chain, heard.card.least_cached)
        await self.patience.wait(performance.delay)
        _reject(performance, stream=body.stream, batch=call.batch)
        reply = _composed(performance, body, heard, search, call, request)
        self._account(reply, performance, search, call, stream=body.stream)
        return Staged(reply, performance, body.stream)

    def _account(self, reply: Reply, performance: Performance, search: Search, call: Call, *, stream: bool) -> None:
        """Bill what is sent: the whole reply, or as much of a stream as a rehearsed fault lets through."""
        sent, whole = events_sent(reply, performance.fault, stream=stream)
        if sent == 0:
            self.journal.note(call.request_id, status=0 if isinstance(performance.fault, HangUp) else 200)
            return
        self._cache.keep(search)
        usage = reply.message["usage"]
        billed = so_far(usage, sent, whole) if sent < whole else usage
        self.journal.begin(call.request_id, billed, bill(reply.message["model"], billed))

    def _heard(self, prompt: Prompt, raw: Mapping[str, Any], call: Call) -> Heard:
        card = self._card(prompt.model)
        check_prompt(prompt, card)
        said = normal_opening(raw)
        first = opening_pieces(said)
        terms = Terms(card, first[-1].key, opening(said), lenient=_lenient(said, call), summaries=BETA in call.betas)
        lines = self._readings.read(raw["messages"], terms)
        _check_end(prompt, lines)
        chain = marked((*first, *(piece for line in lines for piece in line.pieces)), said.get("cache_control"))
        said = {**said, "messages": [line.said for line in lines]}
        heard = Heard(prompt, card, said, lines, chain)
        if heard.tokens > card.max_input:
            raise ApiError(f"prompt is too long: {heard.tokens} tokens > {card.max_input} maximum")
        return heard

    def _card(self, model: str) -> Card:
        card = self.cards.get(model)
        if card is None or card.lifecycle == "retired":
            raise ApiError(f"model: {model}", type="not_found_error")
        return card

    def _asked(self, request: Request) -> Performance:
        try:
            if not request.compaction:
                return self.player.reply(request)
            written = self.player.compact(request) if isinstance(self.player, Summariser) else None
            return summary_of(request) if written is None else written
        except ApiError:
            raise
        except Exception as error:  # a player's bug must not look like an outage, which would be retried for ever
            raise ApiError(f"the player failed: {type(error).__name__}: {error}") from error


def _check_end(prompt: Prompt, lines: tuple[Line, ...]) -> None:
    asked = lines[-1].asked if lines else ()
    if prompt.compaction is not None and isinstance(prompt, Body):
        check_finished(tuple(line.shape for line in lines), asked)
    elif not lines:
        raise ApiError("messages: at least one message is required")
    elif prompt.compaction is None:
        check_end(len(lines) - 1, lines[-1].shape, asked)


def _lenient(said: Mapping[str, Any], call: Call) -> bool:
    rules = (said.get("thinking") or {}).get("block_binding") or {}
    behavior = rules.get("prefix_mismatch_behavior") or ("drop_block" if call.batch else "error")
    return bool(behavior == "drop_block")


def _view(body: Body, heard: Heard) -> Request:
    shape = body.output_config.format
    summary = heard.lines[-1].end.summary
    return Request(
        model=body.model,
        system="\n\n".join(block.text for block in body.system),
        messages=tuple(line.message for line in heard.lines),
        max_tokens=body.max_tokens,
        tools=tuple(Tool(tool.name, tool.description, tool.input_schema) for tool in body.tools),
        schema=shape.schema_ if shape else None,
        effort=body.output_config.effort,
        body=heard.said,
        compaction=body.compaction is not None,
        summarized=summary.task if summary else None,
        earlier=summary.turns if summary else 0,
    )


def _composed(
    performance: Performance, body: Body, heard: Heard, search: Search, call: Call, request: Request
) -> Reply:
    end = heard.lines[-1].end
    setting = Setting(
        body,
        heard.card,
        binding=end.lineage[0],
        counted=search.counted,
        dropped=tuple(dropped for line in heard.lines for dropped in line.dropped),
        after_tools=any(block.type == "tool_result" for block in heard.lines[-1].shape.content),
        beta=call.beta,
        batch=call.batch,
    )
    if body.compaction is None:
        return compose(performance, setting)
    told = tokens_in((body.compaction.instructions or "").strip() or PROMPT)
    counted = replace(search.counted, input=search.counted.input + told)
    ends = end.lineage if heard.card.binds_thinking else ()
    said = opening(heard.said)
    seal = Seal(said, ends, heard.lines[-1].shape.role, request.task, request.turn - 1)
    return compose_summary(performance, replace(setting, counted=counted), seal)


def _reject(performance: Performance, *, stream: bool, batch: bool) -> None:
    if isinstance(performance.fault, Reject):
        raise rejected(performance.fault)
    if isinstance(performance.fault, ErrorEvent) and not stream:
        raise outside_stream(performance.fault)
    if isinstance(performance.fault, Lapse):
        if batch:
            raise LapsedError(performance.fault.kind)
        raise ApiError(f"rehearsed: only a request in a batch can be {performance.fault.kind}")
