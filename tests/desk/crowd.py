"""Many questions that wait: workflows that stand in the server's list as those that ask do. No worker is needed."""

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, Interceptor, OutboundInterceptor
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from workflows.models import QuestionCard
from workflows.tracing import ASKED_AT, AWAITING_REVIEW, OWNER, PIPELINE, QUESTION_KIND, RUN, TENANT

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
AT_ONCE = 40


def card(number: int, **more) -> QuestionCard:
    """The card of one of them: each was asked a minute after the one before."""
    about = {
        "id": f"run-{number % 7}:item-{number}?1",
        "kind": "review" if number % 5 else "budget",
        "title": f"Linen dress {number}, front",
        "reason": "After 4 takes it still does not pass: background_white",
        "digest": f"sha256:{number:064x}",
        "owner": "leads" if number % 10 == 0 else "reviewers",
        "asked_at": BEGAN + timedelta(minutes=number),
        "tenant": "acme" if number % 4 == 0 else "default",
        "run": f"run-{number % 7}",
        "item": f"item-{number}",
        "missed": ("background_white", "clipping"),
        "score": 54,
        "attempts": 4,
    }
    return QuestionCard.model_validate(about | more)


async def gather(client: Client, number: int, **more) -> None:
    """Have so many wait, in no order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def wait(each: int) -> None:
        asked = card(each, **more)
        found_by = (
            (AWAITING_REVIEW, True),
            (TENANT, asked.tenant),
            (OWNER, asked.owner),
            (QUESTION_KIND, asked.kind),
            (RUN, asked.run),
            (PIPELINE, "image_production"),
            (ASKED_AT, asked.asked_at),
        )
        async with places:
            await client.start_workflow(
                "ShootItem",
                id=f"{asked.run}:{asked.item}",
                task_queue="nobody",
                memo={"question": asked.model_dump(mode="json")},
                search_attributes=TypedSearchAttributes([SearchAttributePair(*pair) for pair in found_by]),
            )

    await asyncio.gather(*(wait(each) for each in sorted(range(number), key=lambda each: each * 7_919 % number)))


class Counted(Interceptor):
    """Counts what the server is asked."""

    def __init__(self) -> None:
        self.lists = self.counts = self.others = 0

    def intercept_client(self, next):  # noqa: A002 - the SDK's own name
        return _Counting(next, self)


class _Counting(OutboundInterceptor):
    def __init__(self, following, counted) -> None:
        super().__init__(following)
        self._counted = counted

    def list_workflows(self, input):  # noqa: A002 - the SDK's own name
        self._counted.lists += 1
        return super().list_workflows(input)

    async def count_workflows(self, input):  # noqa: A002 - the SDK's own name
        self._counted.counts += 1
        return await super().count_workflows(input)

    async def query_workflow(self, input):  # noqa: A002 - the SDK's own name
        self._counted.others += 1
        return await super().query_workflow(input)

    async def describe_workflow(self, input):  # noqa: A002 - the SDK's own name
        self._counted.others += 1
        return await super().describe_workflow(input)
