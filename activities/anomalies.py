"""Watches what is spent: a run, a turn or a minute that costs far more than usual is told once, and can pause a run."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar, cast

from sqlalchemy import select
from sqlalchemy.orm import Session
from temporalio import activity

from activities import spending
from activities.alert_tables import AlertRow
from activities.baselines import AlertRules, AnomalyKind, Excess, TurnKey, excess, sentence, without
from activities.conversation_tables import JournalRow
from activities.database import Database, first, now
from activities.messages import dumps
from activities.spending import Spent, Talk
from activities.tools.answers import small

__all__ = ["AlertRules", "Anomalies"]

K = TypeVar("K")
T = TypeVar("T")

FRESH = timedelta(seconds=5)
"""How old the comparison may be."""

FRESH_MINUTES = timedelta(minutes=5)
"""How old the median of a day's minutes may be; it is the dearest to read, and moves the least."""

QUIET = timedelta(minutes=10)
"""How long nothing is said of a pipeline's burn after an alert."""

_MOST_KEPT = 4_096


class _Kept(NamedTuple):
    at: datetime
    value: object


class _Usual(NamedTuple):
    runs: dict[str, int]
    turns: dict[TurnKey, int]
    burn: int
    minutes: list[int]


class Anomalies:
    """Compares what a conversation spends with what its pipeline usually spends.

    What is usual is kept for a few seconds in this process, so that a turn pays for little more than one short read.
    """

    def __init__(self, database: Database, rules: AlertRules, clock: Callable[[], datetime] = now) -> None:
        """Read from and raise alerts in `database`, by `rules`."""
        self._database = database
        self._rules = rules
        self._clock = clock
        self._kept: dict[tuple[str, ...], _Kept] = {}
        self._talks: dict[str, Talk] = {}
        self._noted: dict[tuple[str, str], datetime] = {}
        self._raised: dict[str, tuple[str, int]] = {}
        self._reading = asyncio.Lock()

    async def look(self, conversation: str) -> str:
        """Look at what the last call has cost.

        Returns why the run has to pause, at most 300 characters, where the rules want that; a call that is looked at
        again is told the same again. Never raises.
        """
        if self._rules.factor <= 0:
            return ""
        try:
            return await self._look(conversation)
        except Exception:  # noqa: BLE001 - the call is paid for and its reply is good: nothing here may lose it
            activity.logger.exception("cannot tell whether spending is usual", extra={"conversation": conversation})
            return ""

    async def _look(self, conversation: str) -> str:
        at = self._clock()
        talk = await self._talk(conversation, at)
        if talk is None or not talk.pipeline:  # there is nothing to compare it with
            return ""
        spent = await self._database.read(lambda session: spending.spent(session, talk))
        usual = await self._usual(talk, at)
        alerts = [_alert(talk, spent, kind, found, at) for kind, found in _findings(talk, spent, usual, self._rules)]
        texts = [alert.text for alert in alerts if await self._raise(alert)]
        return texts[0] if texts and self._rules.pause else ""

    async def _talk(self, conversation: str, at: datetime) -> Talk | None:
        if (talk := self._talks.get(conversation)) is None:
            talk = await self._database.read(lambda session: spending.talk(session, conversation))
            if talk is not None and talk.pipeline:
                await self._note_run(talk, at)
                _remember(self._talks, conversation, talk)
        return talk

    async def _note_run(self, talk: Talk, at: datetime) -> None:
        if (key := (talk.pipeline, talk.run)) not in self._noted:
            await self._database.run(lambda session: spending.note_run(session, talk, at))
            _remember(self._noted, key, at)

    async def _usual(self, talk: Talk, at: datetime) -> _Usual:
        pipeline, agent = talk.pipeline, talk.agent
        async with self._reading:  # whoever comes while it is read waits for it, and does not read it again
            return _Usual(
                await self._fresh(("runs", pipeline), at, FRESH, lambda session: spending.runs(session, pipeline)),
                await self._fresh(
                    ("turns", pipeline, agent), at, FRESH, lambda session: spending.turns(session, pipeline, agent)
                ),
                await self._fresh(("burn", pipeline), at, FRESH, lambda session: spending.burn(session, pipeline, at)),
                await self._fresh(
                    ("minutes", pipeline), at, FRESH_MINUTES, lambda session: spending.minutes(session, pipeline, at)
                ),
            )

    async def _fresh(self, key: tuple[str, ...], at: datetime, age: timedelta, read: Callable[[Session], T]) -> T:
        kept = self._kept.get(key)
        if kept is None or not timedelta() <= at - kept.at < age:
            kept = _Kept(at, await self._database.read(read))
            _remember(self._kept, key, kept)
        return cast("T", kept.value)

    async def _raise(self, alert: AlertRow) -> bool:
        """Tell of an alert unless somebody did; says whether it is the alert of this very call."""
        if alert.key not in self._raised:
            kept = await self._database.run(lambda session: _keep(session, alert))
            _remember(self._raised, alert.key, (kept.conversation, kept.turn))
        return self._raised[alert.key] == (alert.conversation, alert.turn)


def _remember(kept: dict[K, T], key: K, value: T) -> None:
    if len(kept) >= _MOST_KEPT:  # forgetting costs no more than another look into the database
        kept.clear()
    kept[key] = value


def _findings(talk: Talk, spent: Spent, usual: _Usual, rules: AlertRules) -> Iterator[tuple[AnomalyKind, Excess]]:
    """Find what is out of the ordinary, the narrowest first: it tells people most."""
    others = [cost for run, cost in usual.runs.items() if run != talk.run][: spending.RUNS]
    if found := excess(spent.turn_cost, without(usual.turns, spent.turn), rules):
        yield "turn", found
    if found := excess(spent.run_cost, others, rules):
        yield "run", found
    if found := excess(usual.burn, usual.minutes, rules):
        yield "burn", found


def _alert(talk: Talk, spent: Spent, kind: AnomalyKind, found: Excess, at: datetime) -> AlertRow:
    window = int(at.timestamp() // QUIET.total_seconds())
    return AlertRow(
        key=f"burn:{talk.pipeline}:{window}" if kind == "burn" else f"{kind}:{talk.run}",
        kind=kind,
        pipeline=talk.pipeline,
        run=talk.run,
        item=talk.item,
        agent=talk.agent,
        conversation=talk.conversation,
        turn=spent.turn[2],
        value=found.value,
        median=found.median,
        factor=found.factor,
        sample=found.sample,
        text=small(sentence(kind, found), 300, 1_200),
        at=at,
    )


def _keep(session: Session, alert: AlertRow) -> AlertRow:
    """Keep an alert and enter it in the journal, unless there is one already; returns the one that stands."""
    if alert.kind == "burn":
        same = (AlertRow.pipeline == alert.pipeline, AlertRow.kind == "burn", AlertRow.at > alert.at - QUIET)
        if (earlier := session.scalar(select(AlertRow).where(*same).limit(1))) is not None:
            return earlier
    if not first(session, alert):
        return session.get_one(AlertRow, alert.key)
    session.add(
        JournalRow(
            run=alert.run,
            item=alert.item,
            agent=alert.agent,
            conversation=alert.conversation,
            turn=alert.turn,
            action="ruling",
            data=dumps({"kind": "anomaly", **_figures(alert), "text": alert.text}),
            at=alert.at,
        )
    )
    return alert


def _figures(alert: AlertRow) -> dict[str, object]:
    figures = {name: getattr(alert, name) for name in ("value", "median", "factor", "sample")}
    return {"of": alert.kind, **figures}
