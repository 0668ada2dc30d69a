"""What one page leaves for the next: a line about what was just done, read once."""

from dataclasses import replace
from typing import Literal

from desk.door import Visit
from desk.sessions import Session, Sessions

Tone = Literal["good", "fair", "poor"]


class Noticeboard:
    """Keeps the line with the session."""

    def __init__(self, sessions: Sessions) -> None:
        """Keep it in `sessions`."""
        self._sessions = sessions

    async def leave(self, session: Session, tone: Tone, title: str, text: str = "", href: str = "") -> None:
        """Leave a line; `href` leads to what it is about."""
        line = {"tone": tone, "title": title, "text": text[:300], "href": href, "link": "Look at it"}
        await self._sessions.leave(session, notice=line)

    async def read(self, visit: Visit) -> Visit:
        """Take the line off the board; the visit that is returned still has it."""
        if "notice" in visit.session.data:
            await self._sessions.leave(visit.session, notice=None)
        return replace(visit)
