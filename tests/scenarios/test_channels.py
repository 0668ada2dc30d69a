"""Telling people by webhook, Slack and mail: what cannot be sent is kept as such, and no run goes on or stops by it."""

import base64
import email
import email.policy
import hashlib
import hmac
import json

import pytest
from sqlalchemy import select

from activities.deciding_tables import DeliveryRow
from rehearsal.scripts import call
from tests.scenarios.agents import DONE, assistant, decide, ended
from tests.scenarios.receivers import Inbox, MailHouse, listening
from tests.scenarios.shoots import until

HELP = call("escalate_to_human", reason="The <door> is locked & barred.", question="Is there a key?")
SECRET = "an invented secret"
DESK = "https://desk.example/review"
FROM_TO = {"mail_from": "callsheet@example.org", "mail_to": ("reviewers@example.org", "leads@example.org")}


async def decided(stage):
    """Ask a question, have it answered, and return the workflow."""
    handle = await stage.start_agent()
    await stage.until_asked(handle)
    await decide(handle, "answer", "The key is under the mat.")
    assert (await ended(handle)).status == "complete"
    return handle


async def deliveries(stage, *states):
    rows = await stage.world.database.read(lambda session: session.scalars(select(DeliveryRow)).all())
    return [row for row in rows if not states or row.state in states]


async def _reached(stage, states, number):
    return len(await deliveries(stage, *states)) >= number


async def test_a_webhook_is_signed_tried_again_and_known_by_its_id(play):
    inbox = Inbox(503, 429)
    async with listening(inbox):
        settings = {"webhook_url": inbox.url, "webhook_secret": SECRET, "desk_url": DESK}
        async with play(assistant(HELP, DONE), settings=settings) as stage:
            handle = await decided(stage)
            await until(lambda: _reached(stage, {"sent"}, 2))
            rows = {row.notice: row for row in await deliveries(stage)}
            records = await stage.world.people.questions(handle.id)
    for headers, body in inbox.posts:
        stamp, notice = headers["webhook-timestamp"], headers["webhook-id"]
        expected = hmac.new(SECRET.encode(), f"{notice}.{stamp}.".encode() + body, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
        assert headers["idempotency-key"] == notice
    sent = {headers["webhook-id"] for headers, _ in inbox.posts}
    assert (len(inbox.posts), sent == set(rows), sum(row.attempts for row in rows.values())) == (4, True, 4)
    (question, *_), (answer, *_) = inbox.events("question"), inbox.events("decided")
    assert question["data"]["link"] == f"{DESK}/questions/{handle.id}"
    assert question["data"]["question"]["id"] == records[0].question.id
    said = answer["data"]["decision"]
    assert (said["by"], said["note"], "seal" in said) == ("Vera", "The key is under the mat.", False)


async def test_slack_shows_the_record_with_a_link_and_no_markup_of_anybodys(play):
    inbox = Inbox()
    async with (
        listening(inbox),
        play(assistant(HELP, DONE), settings={"slack_url": inbox.url, "desk_url": DESK}) as stage,
    ):
        handle = await decided(stage)
        await until(lambda: _reached(stage, {"sent"}, 2))
    texts = [json.loads(body)["blocks"][0]["text"]["text"] for _, body in inbox.posts]
    asks = next(text for text in texts if "Please decide" in text)
    assert "The &lt;door&gt; is locked &amp; barred." in asks
    assert f"<{DESK}/questions/{handle.id}|Open the review desk>" in asks
    assert any("Vera chose answer: The key is under the mat." in text for text in texts)


async def test_mails_about_one_question_form_a_thread_and_a_busy_server_is_asked_again(play):
    house = MailHouse(451)
    async with listening(house):
        settings = {"smtp_url": house.url, "desk_url": DESK, **FROM_TO}
        async with play(assistant(HELP, DONE), settings=settings) as stage:
            handle = await decided(stage)
            await until(lambda: _reached(stage, {"sent"}, 2))
            attempts = sorted(row.attempts for row in await deliveries(stage))
    letters = [email.message_from_string(text, policy=email.policy.default) for text in house.letters]
    assert {letter["Subject"].partition(":")[0] for letter in letters} == {"Please decide", "Decided"}
    assert {letter["To"] for letter in letters} == {"reviewers@example.org, leads@example.org"}
    assert len({letter["References"] for letter in letters}) == 1
    assert len({letter["Message-ID"] for letter in letters}) == 2
    assert all(f"{DESK}/questions/{handle.id}" in letter.get_content() for letter in letters)
    assert attempts == [1, 2]


@pytest.mark.parametrize("kind", ["webhook", "mail"])
async def test_what_a_receiver_refuses_for_good_is_kept_as_failed_and_holds_nothing_up(play, kind):
    inbox, house = Inbox(*([410] * 9)), MailHouse(*([554] * 9))
    async with listening(inbox), listening(house):
        webhook = {"webhook_url": inbox.url, "webhook_secret": SECRET}
        settings = webhook if kind == "webhook" else {"smtp_url": house.url, **FROM_TO}
        async with play(assistant(HELP, DONE), settings=settings) as stage:
            await decided(stage)
            await until(lambda: _reached(stage, {"failed"}, 2))
            rows = await deliveries(stage)
    assert {(row.channel, row.state, row.attempts) for row in rows} == {(kind, "failed", 1)}
    assert all(("410" if kind == "webhook" else "554") in row.error for row in rows)


async def test_a_channel_that_is_down_holds_up_neither_the_run_nor_the_other_channel(play):
    inbox, silent = Inbox(), Inbox()
    async with listening(silent):
        port = silent.port
    async with listening(inbox):
        settings = {"slack_url": inbox.url, "webhook_url": f"http://127.0.0.1:{port}/hook?key=s3cret"}
        async with play(assistant(HELP, DONE), settings={**settings, "webhook_secret": SECRET}) as stage:
            await decided(stage)
            await until(lambda: _reached(stage, {"sent"}, 2))
            await until(lambda: _reached(stage, {"trying"}, 2))
            trying = await deliveries(stage, "trying")
    assert {row.channel for row in trying} == {"webhook"}
    assert all(row.error == "webhook cannot be reached: ConnectError" for row in trying)


async def test_without_channels_nobody_is_sent_anything_and_everything_is_kept(play):
    async with play(assistant(HELP, DONE)) as stage:
        handle = await decided(stage)
        assert await deliveries(stage) == []
        assert [each.kind for each in await stage.world.people.questions(handle.id)] == ["question", "decided"]
