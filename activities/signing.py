"""Signing decisions: who decided what, about what, in which role, for one workflow, once."""

import base64
import hashlib
import json
import secrets
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from activities.database import now
from activities.keys import Keyring, key_id, own_key, written
from activities.settings import Settings
from workflows.models import Decision, Identity, Seal

_DOMAIN = b"callsheet-decision-1\n"
"""Stands before every signed message, so that a signature made for something else is never one of a decision."""


def message(decision: Decision) -> bytes:
    """Write the bytes that are signed: the whole decision as canonical JSON, its seal without the signature."""
    body = decision.model_dump(mode="json")
    if body["seal"] is not None:
        del body["seal"]["signature"]
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return _DOMAIN + text.encode("utf-8", "surrogatepass")


def is_signed(decision: Decision, keyring: Keyring) -> bool:
    """Tell whether the seal of a decision holds."""
    seal = decision.seal
    return seal is not None and keyring.verifies(seal.key, seal.signature, message(decision))


def update_id(decision: Decision) -> str | None:
    """Name the sending of a decision: the same one sent again gets the first receipt, and nobody can guess the name."""
    if decision.seal is None:
        return None
    return hashlib.sha256(message(decision) + decision.seal.signature.encode()).hexdigest()[:32]


class Signer:
    """Signs for people whom the caller has authenticated; `issuer` says who vouches: `desk`, or `starter:USER`."""

    def __init__(self, key: Ed25519PrivateKey, issuer: str) -> None:
        """Sign with `key`."""
        self._key, self._issuer = key, issuer
        self.key_id = key_id(key.public_key())
        self.public_key = written(key.public_key())

    @classmethod
    def of(cls, settings: Settings, issuer: str) -> Self:
        """Sign with the key of the settings; that of the home folder is made when there is none.

        Raises:
            BadKey: the key cannot be read, or others could read it as well.
        """
        path = Path(settings.signing_key) if settings.signing_key else None
        return cls(own_key(settings.keys, path), issuer)

    def sign(self, decision: Decision, workflow: str, who: Identity, nonce: str = "") -> Decision:
        """Seal a decision in the name of `who`, for the workflow that asks. It counts once for each `nonce`.

        A page that gives each form a nonce of its own has a form count once, however often it is sent.
        """
        seal = Seal(
            workflow=workflow,
            role=who.role,
            tenants=who.tenants,
            issuer=self._issuer,
            at=now(),
            nonce=nonce or secrets.token_hex(16),
            key=self.key_id,
        )
        sealed = decision.model_copy(update={"by": who.name, "seal": seal})
        signature = base64.b64encode(self._key.sign(message(sealed))).decode()
        return sealed.model_copy(update={"seal": seal.model_copy(update={"signature": signature})})

    def stamp(self, text: bytes) -> str:
        """Sign a text of ours, such as the head of an audit trail."""
        return base64.b64encode(self._key.sign(text)).decode()
