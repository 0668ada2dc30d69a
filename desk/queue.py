"""What waits for people, oldest first, as the server's list tells it. Nothing is kept here."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Self, get_args
from urllib.parse import urlencode

from temporalio.client import Client

from activities.database import now
from activities.deciding import Deciding, Waiting, of_tenants
from workflows.models import Identity, Value
from workflows.models.questions import QuestionKind
from workflows.tracing import ASKED_AT, OWNER, PIPELINE, QUESTION_KIND, RUN, literal

MOST = 1_000
"""Questions that are read at once. The server's list has no order, so beyond it the oldest are found by counting."""
PER_PAGE = 40
HALVINGS = 24
"""Enough to find a minute within a century."""
LONGEST = timedelta(days=3_650)
PATIENCE = timedelta(seconds=10)
Age = Literal["", "1h", "4h", "24h", "72h"]
AGES: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "24h": timedelta(hours=24),
    "72h": timedelta(hours=72),
}


class Filters(Value):
    """What is looked for; what is empty does not matter. `mine` keeps to what waits for this person."""

    pipeline: str = ""
    run: str = ""
    kind: QuestionKind | Literal[""] = ""
    owner: str = ""
    age: Age = ""
    search: str = ""
    mine: bool = False

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Read them from an address; what makes no sense there is left out."""
        kind, age = fields.get("kind", ""), fields.get("age", "")
        return cls(
            pipeline=fields.get("pipeline", "")[:100],
            run=fields.get("run", "")[:200],
            kind=kind if kind in get_args(QuestionKind) else "",
            owner=fields.get("owner", "")[:200],
            age=age if age in AGES else "",
            search=fields.get("search", "").strip()[:200],
            mine=fields.get("mine", "") == "1",
        )

    def address(self, **more: object) -> str:
        """Write them as an address."""
        kept = {name: value for name, value in self.model_dump().items() if value}
        kept |= {"mine": 1} if self.mine else {}
        return urlencode({**kept, **{name: value for name, value in more.items() if value}})

    def query(self, at: datetime) -> str:
        """Write the part of them that the server answers."""
        named = ((PIPELINE, self.pipeline), (RUN, self.run), (QUESTION_KIND, self.kind), (OWNER, self.owner))
        parts = [f"{key.name} = {literal(text)}" for key, text in named if text]
        if self.age:
            parts.append(f"{ASKED_AT.name} < {_moment(at - AGES[self.age])}")
        return " and ".join(parts)

    def fits(self, each: Waiting, who: Identity) -> bool:
        """Tell whether a question is meant, as far as the server cannot say."""
        card = each.card
        if self.mine and card.claimed_by != who.name and (card.claimed_by or card.owner not in {who.name, *who.groups}):
            return False
        found = f"{card.title} {card.reason} {each.workflow} {card.owner} {card.claimed_by}".casefold()
        return all(word in found for word in self.search.casefold().split())

    @property
    def any(self) -> bool:
        """Tell whether anything is looked for."""
        return bool(self.address())


class Listed(Value):
    """One page of the queue. `total` counts all that wait; `found` those that fit, of the oldest if it is `cut`."""

    rows: tuple[Waiting, ...]
    page: int
    pages: int
    found: int
    total: int
    owners: tuple[str, ...]
    runs: tuple[str, ...]
    cut: bool = False


class Queue:
    """Lists what waits."""

    def __init__(self, client: Client, deciding: Deciding, most: int = MOST) -> None:
        """Count through `client`, list through `deciding`, and look through the `most` oldest."""
        self._client, self._deciding, self._most = client, deciding, most

    async def page(self, filters: Filters, who: Identity, page: int = 1) -> Listed:
        """List one page, oldest question first."""
        total, found = await self._oldest(filters, who)
        fitting = [each for each in found if filters.fits(each, who)]
        pages = max(-(-len(fitting) // PER_PAGE), 1)
        page = min(max(page, 1), pages)
        return Listed(
            rows=tuple(fitting[(page - 1) * PER_PAGE : page * PER_PAGE]),
            page=page,
            pages=pages,
            found=len(fitting),
            total=total,
            owners=_names(each.card.owner for each in found),
            runs=_names(each.card.run for each in found),
            cut=total > self._most,
        )

    async def following(self, filters: Filters, who: Identity, after: str = "") -> str:
        """Name the next workflow to look at: the oldest behind `after` that nobody else holds, else the oldest."""
        _, found = await self._oldest(filters, who)
        free = [
            each.workflow
            for each in found
            if filters.fits(each, who) and each.card.claimed_by in {"", who.name} and each.workflow != after
        ]
        behind = _behind([each.workflow for each in found], after)
        return next((workflow for workflow in free if workflow in behind), next(iter(free), ""))

    async def every(self, filters: Filters, who: Identity) -> list[Waiting]:
        """List the oldest that fit, as many as are read at once."""
        _, found = await self._oldest(filters, who)
        return [each for each in found if filters.fits(each, who)]

    async def pulse(self, who_sees: Sequence[str]) -> str:
        """Say in a word what waits now; another word means that something changed."""
        found = [each async for each in self._deciding.waiting(of_tenants(tuple(who_sees)), limit=self._most)]
        told = sorted((each.workflow, each.card.id, each.card.owner, each.card.claimed_by) for each in found)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:12]

    async def _oldest(self, filters: Filters, who: Identity) -> tuple[int, list[Waiting]]:
        parts = (of_tenants(who.tenants), filters.query(now()))
        query = " and ".join(part for part in parts if part)
        total = await self._count(query)
        if total > self._most:
            query = await self._narrowed(query)
        found = [each async for each in self._deciding.waiting(query, limit=self._most) if who.serves(each.card.tenant)]
        return total, sorted(found, key=lambda each: (each.card.asked_at, each.workflow))

    async def _narrowed(self, query: str) -> str:
        """Find the moment before which nearly as many questions were asked as are read at once."""
        early, late = now() - LONGEST, now()
        for _ in range(HALVINGS):
            middle = early + (late - early) / 2
            counted = await self._count(_before(query, middle))
            if counted > self._most:
                late = middle
            else:
                early = middle
                if counted > self._most * 3 // 4:
                    break
        return _before(query, early)

    async def _count(self, query: str) -> int:
        whole = "CallsheetAwaitingReview = true and ExecutionStatus = 'Running'" + (f" and ({query})" if query else "")
        return (await self._client.count_workflows(whole, rpc_timeout=PATIENCE)).count


def _before(query: str, moment: datetime) -> str:
    return (f"({query}) and " if query else "") + f"{ASKED_AT.name} < {_moment(moment)}"


def _behind(workflows: Sequence[str], after: str) -> frozenset[str]:
    return frozenset(workflows[workflows.index(after) + 1 :]) if after in workflows else frozenset()


def _names(each: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in each if name}))


def _moment(at: datetime) -> str:
    return literal(at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
