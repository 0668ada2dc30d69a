"""Finds whose a row is, and remembers it: none of it ever changes."""

from collections.abc import Callable, Hashable
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from activities.conversation_tables import ConversationRow
from activities.invocation_tables import InvocationRow

K = TypeVar("K", bound=Hashable)

_MOST_KNOWN = 4_096


class RowOwners:
    """Looks names up in the session that it was given last; what is not there has no name."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._agents: dict[str, str] = {}
        self._invocations: dict[tuple[str, str], str] = {}
        self._pipelines: dict[str, str] = {}

    def look_in(self, session: Session) -> None:
        """Look things up in `session` from now on."""
        self._session = session

    def agent(self, conversation: str) -> str:
        """Name the agent of a conversation."""
        return self._known(self._agents, conversation, self._find_agent)

    def invocation(self, run: str, item: str) -> str:
        """Name the latest invocation that works on an item, or on a run."""
        return self._known(self._invocations, (run, item), self._find_invocation)

    def pipeline(self, run: str) -> str:
        """Name the pipeline of a run."""
        return self._known(self._pipelines, run, self._find_pipeline)

    def _known(self, kept: dict[K, str], key: K, find: Callable[[Session, K], str | None]) -> str:
        if key not in kept:
            name = find(self._session, key) if self._session is not None else None
            if name is None:  # it may be there later
                return ""
            if len(kept) >= _MOST_KNOWN:  # forgetting costs no more than another look
                kept.clear()
            kept[key] = name
        return kept[key]

    @staticmethod
    def _find_agent(session: Session, conversation: str) -> str | None:
        return session.scalar(select(ConversationRow.agent).where(ConversationRow.id == conversation))

    @staticmethod
    def _find_invocation(session: Session, key: tuple[str, str]) -> str | None:
        run, item = key
        here = (InvocationRow.run == run, InvocationRow.item == item)
        latest = InvocationRow.started_at.desc()
        return session.scalar(select(InvocationRow.name).where(*here).order_by(latest).limit(1))

    @staticmethod
    def _find_pipeline(session: Session, run: str) -> str | None:
        return session.scalar(select(InvocationRow.pipeline).where(InvocationRow.run == run).limit(1))
