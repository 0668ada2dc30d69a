"""What the desk will not do, as pages with a status: each says what happened and what to do."""


class Refused(Exception):  # noqa: N818 - it says what happened
    """A request that is not served; `title` and `text` are for the person, never with what others own."""

    def __init__(self, status: int, title: str, text: str, *, retry_after: float = 0.0) -> None:
        """Answer with `status`; `retry_after` are seconds to wait."""
        super().__init__(f"{status} {title}")
        self.status, self.title, self.text, self.retry_after = status, title, text, retry_after


class NotSignedIn(Exception):  # noqa: N818 - it says what is missing
    """The page needs somebody who is signed in."""


def not_here(what: str = "page") -> Refused:
    """Say that there is no such thing; also where there is, but for others: that it exists is theirs to know."""
    return Refused(404, f"There is no such {what}", "It may have ended, or it belongs to somebody else.")


def forbidden(needs: str) -> Refused:
    """Say which role is missing."""
    return Refused(403, "This is not yours to do", f"It needs the role {needs}. Ask whoever keeps the reviewers.")


def malformed(text: str) -> Refused:
    """Say what is wrong with a form."""
    return Refused(400, "This could not be read", text)


def too_often(seconds: float) -> Refused:
    """Say how long to wait."""
    wait = max(1, round(seconds))
    return Refused(429, "A little slower, please", f"Try again in {wait} s.", retry_after=wait)
