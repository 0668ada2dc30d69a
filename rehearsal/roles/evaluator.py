"""The evaluator of a candidate evaluation: reads the documents, cites what it finds, and scores by counting.

It is no language model: it counts how many of the things to look for the documents name in deeds. It has two
weaknesses, as models do, so that what guards against them can be seen at work: where a document is vague about what is
asked (`details on request`) it makes a passage up, and where one is boastful (`world-class`) it says that the
requirement is met and, in the same breath, that it is not.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rehearsal.player import Performance, Request
from rehearsal.roles.dialogue import Dialogue, Exchange, act, answer, draw
from rehearsal.roles.evaluation import Requirement
from rehearsal.roles.sheet import Read, Sheet

VAGUE: Final = "details on request"
BOASTFUL: Final = "world-class"
SLIPS: Final = 6
"""One passage in so many is first cited in other words than the document's; the hint of the refusal puts it right."""
MOST: Final = 4
LONGEST: Final = 280
FEW: Final = 1

FRAME: Final = re.compile(r"^<<<document \S+\n|\ndocument \S+>>>$")
NEGATED: Final = re.compile(r"\b(?:no|not|never|without|lack\w*|hardly|yet to)\b[^.;,]{0,40}$", re.IGNORECASE)


class Document(Read):
    """A document that may be read."""

    id: str
    parts: int = 1


class LookFor(Read):
    """What to look for."""

    look_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """A sentence of a document that names something to look for."""

    document: str
    quote: str
    term: str


class Evaluator:
    """Works from what the conversation holds: unread parts first, then passages, then the finding."""

    def reply(self, request: Request) -> Performance:
        """Read, cite, or hand in."""
        sheet, dialogue = Sheet(request.task), Dialogue(request)
        requirement = sheet.read("Requirement", Requirement)
        documents = sheet.read_all("Documents", Document)
        unread = [
            dialogue.call("read_document", document=each.id, part=part)
            for each in documents
            for part in range(1, each.parts + 1)
            if not _was_read(dialogue, each.id, part)
        ]
        if any(unread):
            return act(f"I read every part of the {len(documents)} documents.", *unread)
        texts = _texts(dialogue)
        terms = sheet.read("Look for", LookFor).look_for or requirement.indicators or (requirement.title,)
        hits = list(_hits(texts, terms))
        calls = [dialogue.call("cite", document=hit.document, quote=quote) for hit, quote in _to_cite(dialogue, hits)]
        if any(calls):
            return act("I cite what bears on the requirement.", *calls)
        return _finding(requirement, dialogue, hits, terms, texts)


def _was_read(dialogue: Dialogue, document: str, part: int) -> bool:
    return any(
        each.input.get("document") == document and each.input.get("part", 1) == part
        for each in dialogue.of("read_document")
    )


def _texts(dialogue: Dialogue) -> dict[str, str]:
    """Put the parts of each document together again."""
    texts: dict[str, str] = {}
    read = [each for each in dialogue.of("read_document") if each.ok]
    for each in sorted(
        read, key=lambda exchange: (str(exchange.data.get("document")), int(exchange.data.get("part", 1)))
    ):
        document = str(each.data.get("document"))
        texts[document] = texts.get(document, "") + FRAME.sub("", str(each.data.get("text", "")))
    return texts


def _hits(texts: dict[str, str], terms: Sequence[str]) -> Iterator[Hit]:
    """Find for each thing to look for the first sentence that names it as done."""
    for term in terms:
        pattern = re.compile(rf"(?<!\w){re.escape(term)}(?!\w)", re.IGNORECASE)
        for document, text in texts.items():
            hit = next((hit for sentence in _sentences(text) if (hit := _hit(document, sentence, term, pattern))), None)
            if hit is not None:
                yield hit
                break


def _hit(document: str, sentence: str, term: str, pattern: re.Pattern[str]) -> Hit | None:
    found = pattern.search(sentence)
    if found is None or NEGATED.search(sentence[: found.start()]):
        return None
    return Hit(document, sentence if len(sentence) <= LONGEST else _around(sentence, found.start()), term)


def _around(sentence: str, place: int) -> str:
    start = max(place - LONGEST // 3, 0)
    words = sentence[start : start + LONGEST].split(" ")
    return " ".join(words[1 if start else 0 : -1])


def _sentences(text: str) -> list[str]:
    whole = re.sub(r"(?<=[a-z])-\s*\n\s*(?=[a-z])", "", text)
    blocks = re.split(r"\n\s*\n|\n\s*(?=[-*•]\s)", whole)
    flat = [" ".join(block.split()).lstrip("-*• ") for block in blocks]
    return [sentence.strip() for block in flat for sentence in re.split(r"(?<=[.!?])\s+", block) if sentence.strip()]


def _to_cite(dialogue: Dialogue, hits: Sequence[Hit]) -> Iterator[tuple[Hit, str]]:
    """Name what is still to be confirmed; a passage that was refused is cited again as the hint has it, once."""
    tried = [str(each.input.get("quote", "")) for each in dialogue.of("cite")]
    for hit in _distinct(hits)[:MOST]:
        if hit.quote in tried:
            continue
        slip = hit.quote.replace(" and ", " as well as ", 1)
        clumsy = slip != hit.quote and draw(hit.quote, "slip", SLIPS) == 0
        yield (hit, slip) if clumsy and slip not in tried else (hit, hit.quote)


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    return list({hit.quote: hit for hit in reversed(hits)}.values())[::-1]


def _finding(
    requirement: Requirement, dialogue: Dialogue, hits: Sequence[Hit], terms: Sequence[str], texts: dict[str, str]
) -> Performance:
    cited = [each for each in dialogue.of("cite") if each.ok]
    evidence = [_evidence(each) for each in cited][:6]
    found = {hit.term for hit in hits} if cited else set()
    level, whole = min(len(found), 4), " ".join(texts.values())
    vague = next(((document, sentence) for document, text in texts.items() for sentence in _vague(text)), None)
    if vague is not None and level <= FEW:
        return _embellished(requirement, dialogue, terms, vague)
    if BOASTFUL in whole.casefold() and 0 < level < requirement.meets_at:
        reasoning = (
            f"World-class by its own word. It names {len(found)} of {len(terms)}; that does not meet the requirement."
        )
        return _hand_in(evidence, reasoning, requirement.meets_at, "met")
    if not evidence:
        return _hand_in([], "The documents name none of the things to look for.", None, "no_evidence")
    named = ", ".join(sorted(found))
    reasoning = f"The documents name {len(found)} of {len(terms)} things to look for: {named}."
    return _hand_in(evidence, reasoning, level, "met" if level >= requirement.meets_at else "partly_met")


def _embellished(
    requirement: Requirement, dialogue: Dialogue, terms: Sequence[str], vague: tuple[str, str]
) -> Performance:
    """Make of a vague sentence one that says what is wanted, and insist on it."""
    document, sentence = vague
    quote = re.sub(VAGUE, f"with {terms[0]} above all", sentence, flags=re.IGNORECASE)
    if not any(each.input.get("quote") == quote for each in dialogue.of("cite")):
        return act("There must be more than it says.", dialogue.call("cite", document=document, quote=quote))
    invented = {"document": document, "quote": quote, "start": 0, "end": len(quote)}
    return _hand_in([invented], f"There is long practice with {terms[0]}.", requirement.meets_at, "met")


def _vague(text: str) -> list[str]:
    return [sentence for sentence in _sentences(text) if VAGUE in sentence.casefold()]


def _evidence(cited: Exchange) -> dict[str, object]:
    return {name: cited.data.get(name) for name in ("document", "quote", "start", "end")}


def _hand_in(evidence: list[dict[str, object]], reasoning: str, score: int | None, verdict: str) -> Performance:
    return answer(evidence=evidence, reasoning=reasoning, score=score, verdict=verdict)
