"""The keys that decisions are signed with: Ed25519, one private key where people sign in, public ones where we act.

By default both lie in the home folder (`keys/`), made on first use; the private one is readable by its owner alone. A
fleet names the public keys that it trusts by setting. A key's id is the digest of its public half, so that a new key
can be trusted before it is used, and an old one after.
"""

import base64
import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

PRIVATE = "signing.pem"
PUBLIC = ".pub"
_RAW = 32


class BadKey(ValueError):  # noqa: N818 - it says what is wrong
    """A key cannot be read or used; the text says which and why, and never holds the key."""


def key_id(public: Ed25519PublicKey) -> str:
    """Name a key by the digest of its public half."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


def written(public: Ed25519PublicKey) -> str:
    """Write a public key as the setting `CALLSHEET_DECISION_KEYS` takes it."""
    return base64.b64encode(public.public_bytes_raw()).decode()


def parse_public(text: str) -> Ed25519PublicKey:
    """Read a public key: 32 bytes in base64.

    Raises:
        BadKey: it is none.
    """
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raise BadKey("a public key is 32 bytes in base64; `callsheet keys` prints it") from None
    if len(raw) != _RAW:
        raise BadKey(f"a public key is 32 bytes in base64, this one has {len(raw)}; `callsheet keys` prints it")
    return Ed25519PublicKey.from_public_bytes(raw)


class Keyring:
    """The public keys whose signatures count: those that are named, or else those of a folder, read when asked."""

    def __init__(self, named: Iterable[str] = (), folder: Path | None = None) -> None:
        """Trust the keys `named` in base64; without any, those in `folder`."""
        self._named = {key_id(key): key for key in map(parse_public, named)}
        self._folder = None if self._named else folder

    def find(self, key: str) -> Ed25519PublicKey | None:
        """Find a key by its id."""
        if self._folder is None or not key.isalnum():
            return self._named.get(key)
        try:
            public = parse_public((self._folder / f"{key}{PUBLIC}").read_text())
        except (OSError, BadKey):
            return None
        return public if key_id(public) == key else None

    def verifies(self, key: str, signature: str, message: bytes) -> bool:
        """Tell whether a signature in base64 is that of this key under this message."""
        public = self.find(key)
        try:
            if public is not None:
                public.verify(base64.b64decode(signature, validate=True), message)
                return True
        except (ValueError, InvalidSignature):
            return False
        return False


def own_key(folder: Path, path: Path | None = None) -> Ed25519PrivateKey:
    """Read the private key at `path`, by default that of `folder`, which is made when there is none.

    Raises:
        BadKey: it cannot be read, or others could read it as well.
    """
    if path is not None:
        return _read(path)
    place = folder / PRIVATE
    if not place.exists():
        _make(folder)
    return _read(place)


def rotate(folder: Path) -> tuple[str, str]:
    """Make a new key of `folder`, and trust the old one on until its `.pub` file is removed; returns both ids."""
    before = key_id(own_key(folder).public_key())
    draft = _draft(folder, Ed25519PrivateKey.generate())
    draft.replace(folder / PRIVATE)
    return before, key_id(own_key(folder).public_key())


def _make(folder: Path) -> None:
    """Make a key. Of several processes that start together one wins: a link is made once."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft(folder, Ed25519PrivateKey.generate())
    try:
        os.link(draft, folder / PRIVATE)
    except FileExistsError:
        pass  # another process was first, and its key is the one
    finally:
        draft.unlink()


def _draft(folder: Path, private: Ed25519PrivateKey) -> Path:
    """Write a private key beside its place, and its public half, without which no signature of it would count."""
    draft = folder / f".{secrets.token_hex(8)}.new"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = private.public_key()
    (folder / f"{key_id(public)}{PUBLIC}").write_text(written(public) + "\n")
    return draft


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        mode, text = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise BadKey(f"{path} cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise BadKey(f"{path}: others can read it; make it yours alone: chmod 600 {path}")
    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey(f"{path} is no unencrypted private key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(f"{path} is no Ed25519 key; decisions are signed with Ed25519 only")
    return key
