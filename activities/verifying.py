"""Proving decisions: who signed, when, for which workflow and tenant, in which role, and that it is not used again."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from sqlalchemy.orm import Session
from temporalio import activity

from activities.database import Database, first
from activities.deciding_tables import NonceRow
from activities.keys import Keyring
from activities.signing import is_signed
from workflows.models import MOVES, Decision, Proof, Seal, Submission
from workflows.models.roles import may, needed, serves
from workflows.ports import Decisions

SKEW = timedelta(minutes=1)
"""By how much the clock of a signer may be ahead of ours."""

Found = Iterator[tuple[bool, str, str]]


class Verifier(Decisions):
    """Implements the port. Without a valid signature nothing is done, except in development mode."""

    def __init__(self, database: Database, keyring: Keyring, *, seconds: float = 900.0, trusting: bool = False) -> None:
        """Trust the keys of `keyring` for so many seconds after the signature.

        `trusting` is the development mode: a decision without a seal counts as it is. A seal that is there has to hold.
        """
        self._database, self._keyring = database, keyring
        self._age, self._trusting = timedelta(seconds=seconds), trusting

    @activity.defn(name="verify_decision")
    async def verify(self, submission: Submission) -> Proof:
        """Check a decision; whatever is wrong with it is a value, and the first thing that is wrong is named."""
        decision = submission.decision
        if decision.seal is None:
            return Proof() if self._trusting else Proof(refusal="Unsigned", text=_UNSIGNED)
        for wrong, kind, text in self._checks(submission, decision, decision.seal):
            if wrong:
                return Proof(refusal=kind, text=text)
        if not await self._database.run(_first_use(submission, decision.seal)):
            return Proof(refusal="Replayed", text="This very decision was sent before; it counts once.")
        return Proof()

    def _checks(self, submission: Submission, decision: Decision, seal: Seal) -> Found:
        known = self._keyring.find(seal.key) is not None
        yield not known, "UnknownKey", f"No key {seal.key!r} is trusted here; see CALLSHEET_DECISION_KEYS."
        broken = "The signature does not hold: this is not what was signed."
        yield not is_signed(decision, self._keyring), "BadSignature", broken
        elsewhere = f"This was signed for {seal.workflow}, not for {submission.workflow}."
        yield seal.workflow != submission.workflow, "WrongWorkflow", elsewhere
        yield from self._age_of(submission, seal)
        stranger = f"{decision.by} does not decide for the tenant {submission.tenant}."
        yield not serves(seal.tenants, submission.tenant), "WrongTenant", stranger
        takes, allowed = needed(decision.choice, submission.least), may(seal.role, decision.choice, submission.least)
        yield not allowed, "RoleMissing", f"{decision.choice} takes the role {takes}; {decision.by} is a {seal.role}."
        unbound = "A signed decision says which question it answers, and the digest of what was shown."
        bound = decision.question and (decision.digest or decision.choice in MOVES)
        yield not bound, "Unbound", unbound

    def _age_of(self, submission: Submission, seal: Seal) -> Found:
        late = f"It was signed at {seal.at:%Y-%m-%d %H:%M:%S} UTC, more than {self._age} before it came; decide again."
        yield submission.at - seal.at > self._age, "Expired", late
        yield seal.at - submission.at > SKEW, "Expired", "It was signed in the future: compare the clocks."


_UNSIGNED = (
    "A decision counts only when the desk or the command line has signed it for somebody who signed in; "
    "CALLSHEET_TRUST_SIGNALS=1 takes names as given, for development."
)


def _first_use(submission: Submission, seal: Seal) -> Callable[[Session], bool]:
    """Keep a nonce; a retry of this very proof finds it, and is no replay."""
    row = NonceRow(
        nonce=seal.nonce,
        arrival=f"{submission.workflow}:{submission.key}",
        workflow=submission.workflow,
        question=submission.decision.question,
        by=submission.decision.by,
    )

    def work(session: Session) -> bool:
        return first(session, row) or session.get_one(NonceRow, seal.nonce).arrival == row.arrival

    return work
