"""From a form to a decision that is signed for the person who handed it in."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple, get_args

from temporalio.client import RPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from activities.deciding import Deciding, NotTaken
from activities.settings import MICRO
from desk.forms import Form
from desk.limits import Limiter
from desk.refusals import malformed, too_often
from workflows.models import Choice, Decision, Identity, Receipt

LONGEST_NOTE = 4_000
LONGEST_EDIT = 16_000
LONGEST_ENTRY = 4_000
MOST_DOLLARS = 1_000_000
AMOUNT = re.compile(r"\$?(\d{1,10}(?:\.\d{1,6})?)", re.ASCII)
CONFLICTS = {
    "AlreadyDecided",
    "TooLate",
    "StaleQuestion",
    "NoQuestion",
    "Claimed",
    "NotClaimed",
    "Replayed",
    "Ended",
}
UNPROVED = {
    "Unsigned",
    "UnknownKey",
    "BadSignature",
    "Expired",
    "WrongWorkflow",
    "WrongTenant",
    "RoleMissing",
    "Unbound",
}
TITLES = {
    "AlreadyDecided": "Somebody was first",
    "TooLate": "Too late",
    "StaleQuestion": "What you saw is not what is asked any more",
    "NoQuestion": "Nothing is being asked any more",
    "Replayed": "This was handed in before",
    "Ended": "Nothing is being asked any more",
    "Claimed": "Somebody else has claimed this",
    "RoleMissing": "This is not yours to decide",
    "NotTogether": "This is decided alone",
    "Unreachable": "Nobody could take the decision",
}


class Ballot(NamedTuple):
    """A decision as a form gives it, and the nonce that makes it count once."""

    decision: Decision
    nonce: str


class Outcome(NamedTuple):
    """What became of a decision: a receipt, or why there is none."""

    receipt: Receipt | None
    type: str = ""
    text: str = ""

    @property
    def status(self) -> int:
        """Name the status of the page that tells it."""
        if self.receipt is not None:
            return 200
        if self.type in CONFLICTS:
            return 409
        if self.type == "Unreachable":
            return 503
        return 403 if self.type in UNPROVED else 422

    @property
    def title(self) -> str:
        """Say it in a few words."""
        return TITLES.get(self.type, "This was not taken")


class Decider:
    """Sends decisions in the name of whoever is signed in; the form's own word for who that is does not exist."""

    def __init__(self, deciding: Deciding, limiter: Limiter) -> None:
        """Sign and send by `deciding`."""
        self._deciding, self._limiter = deciding, limiter

    async def decide(self, workflow: str, ballot: Ballot, who: Identity) -> Outcome:
        """Send one decision.

        Raises:
            Refused: too many in too short a time.
        """
        if wait := self._limiter.wait(who.name):
            raise too_often(wait)
        try:
            return Outcome(await self._deciding.send(workflow, ballot.decision, who, nonce=ballot.nonce))
        except NotTaken as error:
            return Outcome(None, error.type, str(error))
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return Outcome(None, "NoQuestion", "It has ended meanwhile.")
            return Outcome(None, "Unreachable", "No worker answers. Nothing was decided: try again in a moment.")
        except RPCTimeoutOrCancelledError:
            text = "No worker answered in time. It may still be taken: look again before you decide once more."
            return Outcome(None, "Unreachable", text)


def read_ballot(form: Form, who: Identity) -> Ballot:
    """Read a decision about one question out of a form.

    Raises:
        Refused: it is none.
    """
    return _ballot(form, who, {name: form.one(name, 1_200) for name in ("question", "digest", "nonce", "call")})


def read_entry(form: Form, who: Identity, entry: str) -> tuple[str, Ballot]:
    """Read a decision about one of several questions; an entry names workflow, question, digest and nonce.

    Raises:
        Refused: it is none.
    """
    try:
        workflow, question, digest, nonce = map(str, json.loads(entry[:LONGEST_ENTRY]))
    except (ValueError, TypeError):
        raise malformed("An entry of the batch is damaged.") from None
    return workflow, _ballot(form, who, {"question": question, "digest": digest, "nonce": nonce, "call": ""})


def _ballot(form: Form, who: Identity, about: Mapping[str, str]) -> Ballot:
    choice = form.one("choice")
    if choice not in get_args(Choice):
        raise malformed(f"{choice[:40]!r} is no decision.")
    if not about["question"] or not about["digest"]:
        raise malformed("The form does not say what was shown.")
    if not 16 <= len(about["nonce"]) <= 100:  # noqa: PLR2004 - what a seal takes
        raise malformed("The form has no number of its own.")
    return Ballot(
        Decision(
            choice=choice,
            by=who.name,
            note=form.one("note", LONGEST_NOTE),
            question=about["question"][:1_200],
            digest=about["digest"][:100],
            to=form.one("to") if choice == "reassign" else "",
            call=about["call"][:200],
            edited=form.one("edited", LONGEST_EDIT) if choice == "edit" else "",
            micro_usd=micro(form.one("dollars")) if choice == "top_up" else 0,
        ),
        about["nonce"],
    )


def micro(text: str) -> int:
    """Read dollars as people write them.

    Raises:
        Refused: it is no such amount.
    """
    found = AMOUNT.fullmatch(text.strip() or "0")
    dollars = Decimal(found[1]) if found else Decimal(-1)
    if not 0 <= dollars <= MOST_DOLLARS:
        raise malformed(f"{text[:40]!r} is no amount; write dollars such as 0.50, a million at most")
    return int(dollars * MICRO)
