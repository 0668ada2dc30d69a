"""Attacks on the desk, by whoever speaks HTTP: each of them gets nowhere, and nothing has changed afterwards."""

import json
import secrets
from urllib.parse import quote

import pytest

from desk.limits import Rate, Rates
from desk.rights import picture_path, question_path
from desk.shield import LARGEST_BODY
from tests.browser.household import PASSWORD, PEOPLE, field, token
from workflows.models import Decision, Seal

TARGETS = (
    "/",
    "/queue",
    "/next",
    "/runs",
    "/runs/x",
    "/operations",
    "/questions/x",
    "/live/queue",
    "/live/questions/x",
)


@pytest.fixture(scope="module")
def item(household):
    """A question that nobody of these attackers may decide."""
    (found,) = household.shoot()
    return found


def ballot(page: str, **changes) -> dict[str, str]:
    """The form of a page, as its own button would hand it in, but for what is changed."""
    return {
        "csrf": token(page),
        "question": field(page, "question"),
        "digest": field(page, "digest"),
        "nonce": secrets.token_hex(16),
        "choice": "reject",
        "note": "",
    } | changes


def is_open(household, item) -> bool:
    return household.question(item) is not None and household.told(item, "decided") == []


@pytest.mark.parametrize("path", TARGETS)
def test_without_a_session_there_is_no_page(household, path):
    with household.client(None) as nobody:
        answer = nobody.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


def test_without_a_session_there_is_no_decision(household, item):
    with household.client("ines") as known, household.client(None) as nobody:
        form = ballot(known.get(question_path(item)).text)
        answers = [nobody.post(path, data=form) for path in (question_path(item), "/batch", "/batch/preview")]
    with household.client(None, headers={"cookie": f"callsheet={secrets.token_urlsafe(32)}"}) as guesser:
        answers.append(guesser.post(question_path(item), data=form))
    assert [answer.status_code for answer in answers] == [401, 401, 401, 401]
    assert is_open(household, item)


def test_a_viewer_cannot_decide_even_with_a_form_of_their_own_making(household, item):
    with household.client("ines") as other, household.client("nils") as viewer:
        form = ballot(other.get(question_path(item)).text) | {"csrf": token(viewer.get("/").text)}
        answer = viewer.post(question_path(item), data=form)
    assert answer.status_code == 403
    assert is_open(household, item)


def test_a_reviewer_cannot_add_money(household):
    (poor,) = household.shoot(item_usd=0.0101)
    with household.client("ines") as reviewer:
        page = reviewer.get(question_path(poor)).text
        answer = reviewer.post(question_path(poor), data=ballot(page, choice="top_up", dollars="5"))
    assert answer.status_code == 403
    assert household.question(poor).kind == "budget"


def test_what_belongs_to_another_tenant_is_not_there(household, item):
    digest = household.question(item).digest
    run = item.partition(":")[0]
    with household.client("acme") as stranger:
        form = {"csrf": token(stranger.get("/").text), "choice": "reject", "nonce": "n" * 32}
        form |= {"question": household.question(item).id, "digest": digest}
        paths = (question_path(item), f"/runs/{run}", picture_path(item, digest, "full"), f"/live{question_path(item)}")
        answers = [stranger.get(path) for path in paths] + [stranger.post(question_path(item), data=form)]
        listed = stranger.get("/").text + stranger.get("/runs").text + stranger.get("/operations").text
        preview = stranger.post("/batch/preview", data={"csrf": form["csrf"], "workflow": [item]})
    assert [answer.status_code for answer in answers] == [404] * 5
    assert preview.status_code == 404
    assert run not in listed
    assert is_open(household, item)


def test_the_tenant_of_a_question_may_see_and_decide_it(household):
    (theirs,) = household.shoot(tenant="acme")
    with household.client("acme") as client:
        page = client.get(question_path(theirs)).text
        assert theirs.partition(":")[0] in client.get("/").text
        assert client.post(question_path(theirs), data=ballot(page)).status_code == 303
    (decided,) = household.until(lambda: household.told(theirs, "decided"))
    assert decided.decision.seal.tenants == ("acme",)


def test_a_form_that_names_somebody_else_is_signed_for_who_sent_it(household):
    (own,) = household.shoot()
    with household.client("ines") as client:
        page = client.get(question_path(own)).text
        client.post(question_path(own), data=ballot(page, by="Vera Holm", role="operator", tenant="*"))
    (decided,) = household.until(lambda: household.told(own, "decided"))
    assert (decided.decision.by, decided.decision.seal.role) == ("Ines Calder", "reviewer")


def test_a_forged_decision_sent_past_the_desk_is_refused_and_shown(household, item):
    question = household.question(item)
    seal = Seal(
        workflow=item,
        role="operator",
        tenants=("*",),
        issuer="desk",
        at=question.asked_at,
        nonce="f" * 32,
        key="0" * 16,
        signature="AAAA",
    )
    forged = Decision(choice="approve", by="Vera Holm", question=question.id, digest=question.digest, seal=seal)
    handle = household.stage.client.get_workflow_handle(item)
    household.call(handle.signal("decide", forged))
    household.until(lambda: household.told(item, "refused"))
    with household.client("lena") as client:
        assert "was refused" in client.get(question_path(item)).text
    assert is_open(household, item)


def test_a_form_that_is_handed_in_twice_counts_once(household):
    (own,) = household.shoot()
    with household.client("ines") as client:
        page = client.get(question_path(own)).text
        form = ballot(page, choice="claim")
        answers = [client.post(question_path(own), data=form).status_code for _ in range(3)]
        assert "handed in before" in client.post(question_path(own), data=form).text
    assert answers == [303, 409, 409]
    assert len(household.told(own, "claimed")) == 1


def test_a_decision_that_was_taken_cannot_be_replayed_about_the_next_question(household):
    (own,) = household.shoot()
    with household.client("ines") as client:
        first = ballot(client.get(question_path(own)).text, choice="revise", note="brighter")
        client.post(question_path(own), data=first)
        household.until(lambda: household.told(own, "decided"))
        after = household.until(lambda: household.question(own))
        again = {**first, "question": after.id, "digest": after.digest, "choice": "approve"}
        answers = [client.post(question_path(own), data=form) for form in (first, again)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert household.question(own).id == after.id
    assert len(household.told(own, "decided")) == 1


@pytest.mark.parametrize("word", ["", "guessed", "another session's"])
def test_a_form_without_this_sessions_secret_is_refused(household, item, word):
    with household.client("ines") as client, household.client("ines") as other:
        page = client.get(question_path(item)).text
        csrf = token(other.get("/").text) if word.startswith("another") else word
        answer = client.post(question_path(item), data=ballot(page, csrf=csrf))
    assert answer.status_code == 403
    assert is_open(household, item)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}],
)
def test_a_form_that_another_site_sends_is_refused(household, item, headers):
    with household.client("ines") as client:
        page = client.get(question_path(item)).text
        answer = client.post(question_path(item), data=ballot(page), headers=headers)
    assert answer.status_code == 403
    assert is_open(household, item)


def test_the_desk_answers_to_its_own_names_only(household):
    with household.client("ines") as client:
        assert client.get("/", headers={"host": "evil.example"}).status_code == 421
        assert client.get("/healthz", headers={"host": "10.1.2.3:8400"}).json() == {"alive": True}


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fpyproject.toml",
        "/static//etc/passwd",
        "/static/desk.css%00.js",
        "/static/",
    ],
)
def test_the_shelf_has_no_way_out(household, path):
    with household.client("ines") as client:
        assert client.get(path).status_code == 404


def test_a_picture_is_only_to_be_had_with_a_run_that_it_was_made_for(household, item):
    (other,) = household.shoot("tee")
    digest, strange = household.question(item).digest, household.question(other).digest
    with household.client("ines") as client:
        good = client.get(picture_path(item, digest, "small"))
        tries = [
            picture_path(item, strange, "small"),
            picture_path("../../etc:passwd", digest, "small"),
            picture_path(item, "sha256:../../../callsheet.db", "full"),
            picture_path(item, digest, "huge"),
            f"/pictures/{digest}/..%2f..%2fkeys%2fsigning.pem?of={quote(item)}",
        ]
        answers = [client.get(path).status_code for path in tries]
    assert answers == [404] * 5
    assert good.headers["content-type"] == "image/jpeg"
    assert good.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "immutable" in good.headers["cache-control"]
    assert "private" in good.headers["cache-control"]


def test_a_body_that_is_too_large_is_not_read(household, item):
    with household.client("ines") as client:
        page = client.get(question_path(item)).text
        whole = client.post(question_path(item), data=ballot(page, note="x" * LARGEST_BODY))
        kind = {"content-type": "application/x-www-form-urlencoded"}
        parts = (b"a" * 8_192 for _ in range(20))  # in parts, so that no header says how long it is
        streamed = client.post(question_path(item), content=parts, headers=kind)
        note = client.post(question_path(item), data=ballot(page, note="x" * 4_001))
    assert [whole.status_code, streamed.status_code, note.status_code] == [413, 413, 400]
    assert is_open(household, item)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"choice": "explode"}, 400),
        ({"digest": ""}, 400),
        ({"nonce": "short"}, 400),
        ({"choice": "top_up", "dollars": "1e9"}, 400),
        ({"choice": "top_up", "dollars": "NaN"}, 400),
        ({"note": "bell \x07"}, 400),
        ({"choice": "revise", "note": "  "}, 422),
        ({"choice": "reassign", "to": ""}, 422),
        ({"digest": "sha256:" + "1" * 64}, 409),
        ({"question": "another?1"}, 409),
    ],
)
def test_a_form_with_a_field_that_makes_no_sense_says_so(household, item, changes, status):
    with household.client("vera") as client:
        page = client.get(question_path(item)).text
        answer = client.post(question_path(item), data=ballot(page, **changes))
    assert answer.status_code == status
    assert is_open(household, item)


def test_a_body_that_is_no_form_is_refused(household, item):
    with household.client("vera") as client:
        page = client.get(question_path(item)).text
        as_json = client.post(question_path(item), content=json.dumps(ballot(page)))
        twice = client.post(question_path(item), data={**ballot(page), "choice": ["reject", "approve"]})
    assert [as_json.status_code, twice.status_code] == [400, 400]
    assert is_open(household, item)


SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def test_a_script_in_a_note_or_in_a_products_name_is_only_text(household, guest):
    products = [{"id": "dress", "title": SCRIPT[:100], "garment": "dress", "fabric": "linen"}]
    (own,) = household.shoot_products(products)
    visitor = guest("lena")
    page = visitor.open(own)
    heard = []
    page.on("dialog", lambda dialog: (heard.append(dialog.message), dialog.dismiss()))
    assert SCRIPT[:30] in page.get_by_role("heading", level=1).inner_text()
    household.decide(own, "reject", note=SCRIPT)
    household.ended(own)
    for path in (question_path(own), f"/runs/{own.partition(':')[0]}", "/", "/?search=%3Cscript%3E", "/operations"):
        visitor.go(path)
    assert SCRIPT in visitor.open(own).content().replace("&lt;", "<").replace("&gt;", ">")
    assert page.locator("main script, main img[src=x]").count() == 0
    assert heard == []


def test_every_answer_carries_the_headers_and_nothing_inline_is_served(household, item):
    with household.client("vera") as client:
        pages = ("/", question_path(item), "/runs", "/operations", "/none", "/static/desk.js", "/sign-in", "/healthz")
        answers = [client.get(path) for path in pages] + [client.post("/"), client.request("DELETE", "/runs")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "server" not in answer.headers
        for inline in (" style=", "<style", "<script>", " onclick=", " onload=", "javascript:"):
            assert inline not in answer.text or answer.url.path.startswith("/static/")


def test_the_session_cookie_is_not_for_scripts_and_changes_at_the_sign_in(household):
    with household.client(None) as client:
        path = household.link("ines").removeprefix(household.url)
        page = client.get(path)
        before = client.cookies["callsheet"]
        answer = client.post(path, data={"csrf": token(page.text)})
        cookie = answer.headers["set-cookie"]
        after = client.cookies["callsheet"]
    with household.client(None, headers={"cookie": f"callsheet={before}"}) as client:
        stale = client.get("/")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert before != after
    assert stale.status_code == 303


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(household):
    url = household.second_desk(url="https://desk.example.org")
    with household.client(None, url) as client:
        answer = client.get("/sign-in", headers={"host": "desk.example.org"})
    assert answer.headers["set-cookie"].startswith("__Host-callsheet=")
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_a_session_that_was_ended_is_worth_nothing(household):
    with household.client("ines") as client:
        cookie, page = client.cookies["callsheet"], client.get("/").text
        assert client.post("/sign-out", data={"csrf": token(page)}).status_code == 303
    with household.client(None, headers={"cookie": f"callsheet={cookie}"}) as client:
        assert client.get("/").status_code == 303


def test_who_is_taken_out_or_loses_a_role_loses_it_at_once(household):
    reviewers, person = household.house.reviewers, PEOPLE["lena"].model_copy(update={"name": "Rosa Quist"})
    path = f"/in/{reviewers.invite(person, choose=False)}"
    with household.client(None) as client:
        client.post(path, data={"csrf": token(client.get(path).text)})
        assert ">lead<" in client.get("/").text
        reviewers.invite(person.model_copy(update={"role": "viewer"}))
        assert ">viewer<" in client.get("/").text
        reviewers.remove("Rosa Quist")
        assert client.get("/").status_code == 303


def test_passwords_cannot_be_tried_without_end(household):
    few = Rates(knocks=Rate(1_000, 0.01), passwords=Rate(3, 600), decisions=Rate(100, 1))
    url = household.second_desk(few)
    household.house.reviewers.use(household.house.reviewers.invite(PEOPLE["lena"]), PASSWORD)
    with household.client(None, url) as client:
        form = {"csrf": token(client.get("/sign-in").text), "name": "Lena Ott"}
        answers = [client.post("/sign-in", data={**form, "password": f"wrong {turn}"}) for turn in range(4)]
        right = client.post("/sign-in", data={**form, "password": PASSWORD})
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert right.status_code == 429
    assert int(right.headers["retry-after"]) > 0


def test_decisions_cannot_be_sent_without_end(household, item):
    few = Rates(knocks=Rate(1_000, 0.01), passwords=Rate(9, 1), decisions=Rate(2, 600))
    url = household.second_desk(few)
    with household.client("ines", url) as client:
        page = client.get(question_path(item)).text
        wrong = {"digest": "sha256:" + "2" * 64}
        answers = [client.post(question_path(item), data=ballot(page, **wrong)).status_code for _ in range(3)]
    assert answers == [409, 409, 429]
    assert is_open(household, item)


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_the_way_back_after_the_sign_in_stays_at_this_desk(household, target):
    with household.client("ines") as client:
        assert client.get("/sign-in", params={"next": target}).headers["location"] == "/"
