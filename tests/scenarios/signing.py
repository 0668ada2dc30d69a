"""Who decides in scenarios: invented people, and the key that every stage trusts. It is made anew for each test run."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from activities.deciding import Deciding
from activities.signing import Signer
from workflows.models import Decision, Identity, Question, Receipt

DESK = Signer(Ed25519PrivateKey.generate(), "desk")
STRANGER = Signer(Ed25519PrivateKey.generate(), "desk")
"""Signs well, with a key that nobody trusts."""


def person(name="Vera", role="operator", **more) -> Identity:
    return Identity(name=name, role=role, **more)


async def seal(handle, decision: Decision, who: Identity | None = None, signer=DESK, nonce="") -> Decision:
    """Sign a decision as the desk does: bound to the open question, unless it says itself what was shown."""
    question = await handle.query("question", result_type=Question)
    if question is not None:
        shown = {call.call_id: call.digest for call in question.calls}.get(decision.call, question.digest)
        about = {"question": decision.question or question.id, "digest": decision.digest or shown}
        decision = decision.model_copy(update=about)
    elif (last := await handle.query("last_answer", result_type=Receipt)) is not None:
        about = {"question": decision.question or last.question, "digest": decision.digest or "sha256:seen"}
        decision = decision.model_copy(update=about)
    return signer.sign(decision, handle.id, who or person(decision.by), nonce)


def desk(stage, signer=DESK) -> Deciding:
    """The desk's way to the server of a stage."""
    return Deciding(stage.client, signer)
