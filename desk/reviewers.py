"""The local reviewers file: who may sign in where there is no OpenID provider. Written by us alone, read by anybody."""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from activities.database import now
from workflows.models import Identity

T = TypeVar("T")

SHORTEST = 10
"""Characters that a password has at least."""
LONGEST = 200
LINK_LASTS = timedelta(hours=24)


class BadReviewers(Exception):  # noqa: N818 - it says what is wrong with the file
    """The reviewers file cannot be used."""


class Link(BaseModel):
    """A link that works once. `digest` is of its secret; with `choose`, a password is chosen on the way in."""

    model_config = ConfigDict(frozen=True)

    digest: str
    ends_at: datetime
    choose: bool = True


class Reviewer(BaseModel):
    """One person of the file, the hash of their password, and the links that wait to be used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: Identity
    password: str = ""
    links: tuple[Link, ...] = ()


class Book(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    reviewers: tuple[Reviewer, ...] = Field(default=(), max_length=10_000)

    def find(self, name: str) -> Reviewer | None:
        """Find a person, whatever the case of the letters."""
        folded = name.strip().casefold()
        return next((each for each in self.reviewers if each.person.name.casefold() == folded), None)

    def holder(self, secret: str) -> tuple[Reviewer, Link] | None:
        """Find whose link this is, unless it has ended."""
        digest, at = _digest(secret), now()
        for each in self.reviewers:
            for link in each.links:
                if secrets.compare_digest(link.digest, digest) and link.ends_at > at:
                    return each, link
        return None

    def having(self, reviewer: Reviewer) -> "Book":
        """Put a person in, in the place of the one with the same name."""
        found = self.find(reviewer.person.name)
        others = tuple(each for each in self.reviewers if each is not found)
        return self.model_copy(update={"reviewers": (*others, reviewer)})


class Reviewers:
    """Reads and changes the file at `path`; only its owner may read it."""

    def __init__(self, path: Path) -> None:
        """Use the file at `path`, which need not be there."""
        self._path = path
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex(16))
        self._known: tuple[tuple[int, int, int], Book] | None = None

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self._path

    def read(self) -> Book:
        """Read the file; one that is not there has nobody in it.

        Raises:
            BadReviewers: it is not such a file.
        """
        try:
            return Book.model_validate_json(self._path.read_text())
        except FileNotFoundError:
            return Book()
        except (OSError, UnicodeDecodeError) as error:
            raise BadReviewers(f"{self._path} cannot be read: {error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise BadReviewers(f"{self._path}: {where}: {first['msg']}") from None

    def current(self, name: str) -> Identity | None:
        """Say who somebody is by the file as it is now, read when it has changed; None: they were taken out."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
        if self._known is None or self._known[0] != state:
            self._known = (state, self.read())
        reviewer = self._known[1].find(name)
        return reviewer.person if reviewer else None

    def check(self, name: str, password: str) -> Identity | None:
        """Check a password. It takes as long for somebody who is not there."""
        found = self.read().find(name)
        known = found.password if found and found.password else self._nobody
        right = self._fits(known, password)
        return found.person if found and found.password and right else None

    def invite(self, person: Identity, *, choose: bool = True, lasts: timedelta = LINK_LASTS) -> str:
        """Enter a person, or renew who they are; returns the secret of a link that lets them in once."""
        secret = secrets.token_urlsafe(24)
        link = Link(digest=_digest(secret), ends_at=now() + lasts, choose=choose)

        def enter(book: Book) -> tuple[Book, None]:
            known = book.find(person.name) or Reviewer(person=person)
            living = tuple(each for each in known.links if each.ends_at > now())
            entered = known.model_copy(update={"person": person, "links": (*living, link)})
            return book.having(entered), None

        self._change(enter)
        return secret

    def remove(self, name: str) -> bool:
        """Take a person out; tells whether they were there."""

        def leave(book: Book) -> tuple[Book, bool]:
            found = book.find(name)
            others = tuple(each for each in book.reviewers if each is not found)
            return book.model_copy(update={"reviewers": others}), found is not None

        return self._change(leave)

    def holder(self, secret: str) -> tuple[Identity, bool] | None:
        """Say whose link this is and whether a password is chosen with it; it is not used up by that."""
        held = self.read().holder(secret)
        return (held[0].person, held[1].choose) if held else None

    def use(self, secret: str, password: str = "") -> Identity | None:
        """Use a link up; the first one who comes gets in. A password replaces the one before."""
        hashed = self._hasher.hash(password) if password else ""

        def enter(book: Book) -> tuple[Book, Identity | None]:
            held = book.holder(secret)
            if held is None or (held[1].choose and not hashed):
                return book, None
            reviewer, link = held
            left = tuple(each for each in reviewer.links if each.digest != link.digest)
            entered = reviewer.model_copy(update={"links": left, "password": hashed or reviewer.password})
            return book.having(entered), reviewer.person

        return self._change(enter)

    def _fits(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False

    def _change(self, change: Callable[[Book], tuple[Book, T]]) -> T:
        """Change the file; whoever else wants to waits, and a reader sees the old one or the new one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            book, result = change(self.read())
            draft = self._path.with_suffix(".new")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(book.model_dump_json(indent=2))
            draft.replace(self._path)
        return result


def unfit(password: str, name: str) -> str:
    """Say why a password cannot be chosen; empty when it can."""
    if len(password) < SHORTEST:
        return f"A password has {SHORTEST} characters at least."
    if len(password) > LONGEST:
        return f"A password has {LONGEST} characters at most."
    if len(set(password)) <= 3 or password.casefold() == name.casefold():  # noqa: PLR2004 - aaaa, abab
        return "This password is too easy to guess."
    return ""


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
