"""Channels to people. What is sent is a view of the kept notice, and what became of sending it is kept as well."""

import json
from collections.abc import Iterable
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session
from temporalio import activity

from activities.database import Database, now
from activities.deciding_tables import DeliveryRow
from activities.errors import permanent
from activities.messages_to_people import Message, message
from activities.people import NoticeRow
from workflows.models import Delivery, Done, Notice, NoticeKind, preview
from workflows.ports import Channels

TOLD: frozenset[NoticeKind] = frozenset(
    {"question", "reminder", "moved", "reassigned", "held", "decided", "expired", "refused"}
)
"""What people are sent; who has claimed what, or looked, is only kept."""


class Undeliverable(Exception):  # noqa: N818 - named by what happened
    """A channel refuses for good; sending it again would change nothing. The text holds no secret."""


class Channel(Protocol):
    """One way to people."""

    @property
    def name(self) -> str:
        """Name it, for the record."""
        ...

    async def send(self, message: Message) -> None:
        """Send a message; raises `Undeliverable` for good, any other exception for now."""
        ...


class ChannelDesk(Channels):
    """Implements the port: reads the notice, sends it, and keeps how that went."""

    def __init__(self, database: Database, channels: Iterable[Channel], desk_url: str = "") -> None:
        """Send through `channels`; messages link to the desk at `desk_url`, where there is one."""
        self._database = database
        self._channels = {channel.name: channel for channel in channels}
        self._desk = desk_url

    @activity.defn(name="deliver_notice")
    async def deliver(self, delivery: Delivery) -> Done:
        """Send a kept notice through a channel. A failure is kept, and Temporal tries again."""
        channel = self._channels.get(delivery.channel)
        if channel is None:
            raise permanent("ChannelUnknown", f"this worker has no channel {delivery.channel}")
        if await self._database.read(lambda session: _is_sent(session, delivery)):
            return Done(at=now())
        row = await self._database.read(
            lambda session: session.scalar(select(NoticeRow).where(NoticeRow.digest == delivery.notice))
        )
        if row is None:
            raise permanent("NoticeUnknown", f"no notice {delivery.notice}")
        try:
            await channel.send(message(delivery.notice, Notice.model_validate_json(row.body), self._desk))
        except Exception as error:
            await self._keep(delivery, "trying", _words(error))
            if isinstance(error, Undeliverable):
                raise permanent("Undeliverable", str(error)) from None
            raise
        await self._keep(delivery, "sent")
        return Done(at=now())

    @activity.defn(name="give_up_notice")
    async def give_up(self, delivery: Delivery) -> Done:
        """Keep that a notice could not be sent; the run goes on as if it had been."""
        await self._keep(delivery, "failed", delivery.error)
        return Done(at=now())

    async def deliveries(self, notice: str = "") -> tuple[DeliveryRow, ...]:
        """Read what became of sending a notice, or of all that was not sent."""
        query = select(DeliveryRow).order_by(DeliveryRow.at, DeliveryRow.notice, DeliveryRow.channel)
        query = query.where(DeliveryRow.notice == notice) if notice else query.where(DeliveryRow.state != "sent")
        return tuple(await self._database.read(lambda session: session.scalars(query).all()))

    async def _keep(self, delivery: Delivery, state: str, error: str = "") -> None:
        tries = int(state != "failed")  # to give up is no further attempt

        def work(session: Session) -> None:
            row = session.get(DeliveryRow, (delivery.notice, delivery.channel))
            if row is None:
                row = DeliveryRow(notice=delivery.notice, channel=delivery.channel, attempts=0)
                session.add(row)
            row.state, row.error, row.at = state, error, now()
            row.attempts += tries

        await self._database.run(work)


def _is_sent(session: Session, delivery: Delivery) -> bool:
    row = session.get(DeliveryRow, (delivery.notice, delivery.channel))
    return row is not None and row.state == "sent"


def _words(error: Exception) -> str:
    return preview(json.dumps(str(error), ensure_ascii=False)[1:-1] or type(error).__name__)
