"""Table of the review desk's sessions: a browser holds a secret, the house what it stands for."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from activities.database import Base, UtcDateTime


class SessionRow(Base):
    """One session. `digest` is of the secret in the cookie, so that a copy of the table signs nobody in.

    `person` is JSON of who it is, empty before the sign-in; `data` is JSON of what one page leaves for the next.
    """

    __tablename__ = "desk_sessions"

    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    person: Mapped[str] = mapped_column(Text)
    csrf: Mapped[str] = mapped_column(Text)
    data: Mapped[str] = mapped_column(Text)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
