"""Keys and signatures: made once, readable by their owner alone, rotated without a gap; and settings that are wrong."""

import multiprocessing
import os
import stat
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from activities.database import Database
from activities.keys import PRIVATE, BadKey, Keyring, key_id, own_key, parse_public, rotate, written
from activities.sending import channels_of
from activities.settings import Settings
from activities.signing import Signer, is_signed, message, update_id
from activities.verifying import Verifier
from workflows.models import Decision, Identity, Submission

VERA = Identity(name="Vera", role="reviewer", tenants=("acme",))
YES = Decision(choice="approve", by="somebody", question="item?1", digest="sha256:aa", note="fine — schön ✓")


def pem(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make(folder):
    own_key(folder)


def test_a_key_is_made_on_first_use_and_is_its_owners_alone(tmp_path):
    folder = tmp_path / "home" / "keys"
    key = own_key(folder)
    assert pem(own_key(folder)) == pem(key)
    assert stat.S_IMODE((folder / PRIVATE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(each.name for each in folder.iterdir()) == sorted([PRIVATE, f"{key_id(key.public_key())}.pub"])


def test_of_processes_that_start_together_one_makes_the_key(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=make, args=(tmp_path,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert Keyring(folder=tmp_path).find(key_id(own_key(tmp_path).public_key())) is not None


def test_a_key_that_others_can_read_is_refused(tmp_path):
    own_key(tmp_path)
    (tmp_path / PRIVATE).chmod(0o640)
    with pytest.raises(BadKey, match="others can read it; make it yours alone: chmod 600"):
        own_key(tmp_path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no unencrypted private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no unencrypted private key in PEM"),
        (pem(generate_private_key(SECP256R1())), "no Ed25519 key"),
    ],
)
def test_a_file_that_holds_no_key_of_ours_is_named_without_its_content(tmp_path, content, why):
    path = tmp_path / "mine.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(BadKey, match=why) as refused:
        own_key(tmp_path, path)
    assert "AAAA" not in str(refused.value)


def test_a_key_file_that_is_not_there_is_not_made_in_its_place(tmp_path):
    with pytest.raises(BadKey, match="cannot be read: No such file"):
        own_key(tmp_path, tmp_path / "missing.pem")
    assert list(tmp_path.iterdir()) == []


def test_a_rotated_key_signs_and_the_old_one_counts_until_its_file_is_gone(tmp_path):
    settings = Settings(home=tmp_path)
    old = Signer.of(settings, "desk").sign(YES, "item", VERA)
    before, after = rotate(settings.keys)
    new = Signer.of(settings, "desk").sign(YES, "item", VERA)
    keyring = Keyring(folder=settings.keys)
    assert (old.seal.key, new.seal.key) == (before, after)
    assert is_signed(old, keyring)
    assert is_signed(new, keyring)
    (settings.keys / f"{before}.pub").unlink()
    assert not is_signed(old, keyring)
    assert is_signed(new, keyring)


def test_named_keys_count_and_those_of_the_folder_do_not(tmp_path):
    here, fleet = own_key(tmp_path).public_key(), Ed25519PrivateKey.generate().public_key()
    keyring = Keyring([written(fleet)], tmp_path)
    assert keyring.find(key_id(fleet)) is not None
    assert keyring.find(key_id(here)) is None


@pytest.mark.parametrize("text", ["", "not base64!", "c2hvcnQ=", "A" * 44])
def test_what_is_no_public_key_is_refused_with_what_would_be_one(text):
    with pytest.raises(BadKey, match="32 bytes in base64"):
        parse_public(text)


def test_a_key_id_is_no_way_out_of_the_folder(tmp_path):
    (tmp_path / "evil.pub").write_text(written(Ed25519PrivateKey.generate().public_key()))
    keyring = Keyring(folder=tmp_path / "keys")
    assert keyring.find("../evil") is None
    assert Keyring(folder=tmp_path).find("evil") is None  # its name is not the digest of its content


@pytest.mark.parametrize(
    "change",
    [
        {"choice": "reject"},
        {"by": "Noor"},
        {"note": "fine - schön"},
        {"question": "item?2"},
        {"digest": "sha256:ab"},
        {"to": "x"},
        {"call": "c1"},
        {"edited": "x"},
        {"micro_usd": 1},
    ],
)
def test_a_signature_covers_every_word_of_the_decision(change):
    signer = Signer(Ed25519PrivateKey.generate(), "desk")
    keyring = Keyring([signer.public_key])
    signed = signer.sign(YES, "item", VERA)
    assert is_signed(signed, keyring)
    assert not is_signed(signed.model_copy(update=change), keyring)


@pytest.mark.parametrize(
    "change",
    [
        {"workflow": "other"},
        {"role": "operator"},
        {"tenants": ("*",)},
        {"issuer": "starter:x"},
        {"at": datetime(2030, 1, 1, tzinfo=UTC)},
        {"nonce": "x" * 32},
        {"signature": ""},
        {"signature": "bm90IGl0"},
        {"signature": "~"},
    ],
)
def test_a_signature_covers_who_signed_for_what_when_and_in_which_role(change):
    signer = Signer(Ed25519PrivateKey.generate(), "desk")
    signed = signer.sign(YES, "item", VERA)
    forged = signed.model_copy(update={"seal": signed.seal.model_copy(update=change)})
    assert not is_signed(forged, Keyring([signer.public_key]))


def test_a_signed_decision_survives_the_wire_byte_for_byte():
    signed = Signer(Ed25519PrivateKey.generate(), "desk").sign(YES, "item", VERA)
    again = Decision.model_validate_json(signed.model_dump_json())
    assert (message(again), update_id(again)) == (message(signed), update_id(signed))
    assert (signed.by, signed.seal.role, signed.seal.tenants) == ("Vera", "reviewer", ("acme",))


async def test_the_proof_is_the_same_when_its_activity_is_tried_again(tmp_path):
    signer = Signer(Ed25519PrivateKey.generate(), "desk")
    database = Database(f"sqlite:///{tmp_path}/house.db")
    database.prepare()
    verifier = Verifier(database, Keyring([signer.public_key]))
    signed = signer.sign(YES, "item", VERA)
    about = {"workflow": "item", "tenant": "acme", "least": "reviewer", "decision": signed, "at": signed.seal.at}
    first = [await verifier.verify(Submission(**about, key="run:1")) for _ in range(2)]
    other = await verifier.verify(Submission(**about, key="run:2"))
    database.close()
    assert [each.refusal for each in (*first, other)] == ["", "", "Replayed"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"webhook_url": "https://x.example", "webhook_secret": "short"}, "CALLSHEET_WEBHOOK_SECRET"),
        ({"webhook_url": "https://x.example", "webhook_secret": "whsec_!"}, "CALLSHEET_WEBHOOK_SECRET"),
        ({"webhook_url": "ftp://x.example", "webhook_secret": "s" * 16}, "CALLSHEET_WEBHOOK_URL"),
        ({"slack_url": "hooks.example/services/T0"}, "CALLSHEET_SLACK_URL"),
        ({"smtp_url": "smtp://mail.example"}, "CALLSHEET_MAIL_FROM"),
        ({"smtp_url": "mail.example", "mail_from": "a@b.example", "mail_to": ("c@d.example",)}, "CALLSHEET_SMTP_URL"),
        ({"desk_url": "desk.example"}, "CALLSHEET_DESK_URL"),
    ],
)
def test_a_channel_that_is_half_configured_is_named_by_its_variable(given, named):
    with pytest.raises(ValueError, match=named) as refused:
        channels_of(Settings(**given))
    assert "x.example" not in str(refused.value)


def test_channels_are_those_that_are_configured():
    mail = {"smtp_url": "smtps://u:p@mail.example", "mail_from": "a@b.example", "mail_to": ("c@d.example",)}
    web = {"webhook_url": "https://x.example", "webhook_secret": "s" * 16, "slack_url": "https://y.example"}
    assert [each.name for each in channels_of(Settings(**mail, **web))] == ["webhook", "slack", "mail"]
    assert channels_of(Settings()) == ()


def test_the_home_folder_may_hold_keys_of_nobody_else(tmp_path, monkeypatch):
    monkeypatch.setenv("CALLSHEET_HOME", str(tmp_path))
    previous = os.umask(0)
    try:
        own_key(Settings().keys)
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "keys" / PRIVATE).stat().st_mode) == 0o600
