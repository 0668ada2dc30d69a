"""The audit trail: whole when nothing was touched, and the first broken line is named when anything was."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from temporalio.service import RPCError, RPCStatusCode

from activities.audit import Audit, Broken, check
from activities.database import Database
from activities.keys import Keyring
from activities.people import Told
from activities.signing import Signer
from workflows.models import Decision, Identity, Notice, Question, Scope

AT = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
SIGNER = Signer(Ed25519PrivateKey.generate(), "desk")
KEYRING = Keyring([SIGNER.public_key])
VERA = Identity(name="Vera", role="lead")


def question(run="run-1", tenant="acme") -> Question:
    about = {"id": f"{run}:tee?1", "workflow": f"{run}:tee", "title": "White tee", "reason": "too dark"}
    return Question(scope=Scope(run=run, item="tee", tenant=tenant), asked_at=AT, objections=("background",), **about)


@pytest.fixture
async def told(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/house.db")
    database.prepare()
    told = Told(database)
    asked = question()
    yes = SIGNER.sign(Decision(choice="approve", by="Vera", question=asked.id, digest="sha256:aa"), "run-1:tee", VERA)
    await told.tell(Notice(kind="question", question=asked, at=AT))
    await told.viewed(asked, "Vera")
    await told.tell(Notice(kind="refused", question=asked, decision=yes, at=AT, why="UnknownKey: no key"))
    await told.tell(Notice(kind="decided", question=asked, decision=yes, at=AT))
    await told.tell(Notice(kind="expired", question=question("run-2", "fern"), at=AT))
    yield told
    database.close()


@pytest.fixture
async def trail(told):
    return await Audit(told._database).trail(SIGNER, "run-1")


async def test_a_trail_tells_every_record_of_a_run_in_order_and_holds(trail):
    entries = [json.loads(line) for line in trail]
    assert [entry["kind"] for entry in entries] == ["audit", "question", "viewed", "refused", "decided", "end"]
    assert (entries[2]["by"], entries[3]["why"]) == ("Vera", "UnknownKey: no key")
    assert (entries[3]["overrides"], entries[4]["overrides"]) == ([], ["background"])
    assert entries[4]["decision"]["seal"]["key"] == SIGNER.key_id
    whole = check(trail, KEYRING)
    assert (whole.records, whole.key) == (4, SIGNER.key_id)


@pytest.mark.parametrize(
    ("number", "change"),
    [
        (2, lambda line: line.replace("too dark", "fine")),
        (3, lambda line: line.replace("Vera", "Noor")),
        (5, lambda line: line.replace('"choice":"approve"', '"choice":"reject"')),
        (4, lambda _line: "{}"),
        (1, lambda _line: "no JSON at all"),
        (6, lambda line: line.replace('"records":4', '"records":3')),
    ],
)
async def test_the_first_line_that_was_changed_is_named(trail, number, change):
    assert change(trail[number - 1]) != trail[number - 1]
    changed = [*trail[: number - 1], change(trail[number - 1]), *trail[number:]]
    with pytest.raises(Broken) as broken:
        check(changed, KEYRING)
    assert broken.value.line == number


async def test_a_line_that_is_missing_added_or_moved_is_noticed_where_it_was(trail):
    for number, tampered in {
        3: [*trail[:2], *trail[3:]],
        4: [*trail[:3], trail[2], *trail[3:]],
        2: [trail[0], trail[2], trail[1], *trail[3:]],
        7: [*trail, trail[-1]],
    }.items():
        with pytest.raises(Broken) as broken:
            check(tampered, KEYRING)
        assert broken.value.line == number


async def test_a_trail_that_was_cut_off_or_written_anew_does_not_hold(trail, told):
    with pytest.raises(Broken, match="line 5: the end is missing"):
        check(trail[:4], KEYRING)
    stranger = Signer(Ed25519PrivateKey.generate(), "desk")
    forged = await Audit(told._database).trail(stranger, "run-1")
    with pytest.raises(Broken, match="which is not trusted here"):
        check(forged, KEYRING)
    both = Keyring([SIGNER.public_key, stranger.public_key])
    assert check(forged, both).key == stranger.key_id


async def test_a_trail_since_a_moment_has_all_runs_and_only_what_was_kept_since(told):
    audit = Audit(told._database)
    everything = [json.loads(line) for line in await audit.trail(SIGNER, since=AT)]
    assert {entry["run"] for entry in everything[1:-1]} == {"run-1", "run-2"}
    later = await audit.trail(SIGNER, since=datetime.now(UTC) + timedelta(hours=1))
    assert check(later, KEYRING).records == 0


async def test_who_serves_one_tenant_reads_its_records_alone(told):
    seen = [entry async for entry in Audit(told._database).entries(tenants=("fern",))]
    assert [(entry["tenant"], entry["kind"]) for entry in seen] == [("fern", "expired")]


async def test_a_courier_that_cannot_be_started_is_a_state_and_fails_nothing(told):
    async def unreachable(_digest):
        raise RPCError("busy", RPCStatusCode.RESOURCE_EXHAUSTED, b"")

    teller = Told(told._database, unreachable, {"reminder"})
    await teller.tell(Notice(kind="reminder", question=question(), at=AT))
    entries = [entry async for entry in Audit(told._database).entries("run-1")]
    failed = {"channel": "courier", "state": "failed", "attempts": 1, "error": "no courier: resource_exhausted"}
    assert entries[-1]["deliveries"] == [failed]


async def test_a_line_that_was_changed_with_its_hash_breaks_the_line_behind_it(trail):
    entry = json.loads(trail[2])
    del entry["hash"]
    entry["by"] = "Noor"
    text = json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    entry["hash"] = hashlib.sha256(text.encode()).hexdigest()
    with pytest.raises(Broken, match="line 4: it does not follow from the line before"):
        check([*trail[:2], json.dumps(entry), *trail[3:]], KEYRING)
