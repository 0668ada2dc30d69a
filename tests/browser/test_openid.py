"""Signing in at an OpenID provider: the claims say who somebody is, and nothing that does not hold lets anybody in."""

import time
from urllib.parse import urlsplit

import pytest

from tests.browser.household import token
from tests.browser.provider import CLIENT, Provider

GOOD = {"email": "ines@example.org", "email_verified": True, "callsheet_role": "reviewer", "groups": ["reviewers"]}


@pytest.fixture(scope="module")
def provider():
    found = Provider()
    yield found
    found.close()


@pytest.fixture(scope="module")
def desk(household, provider):
    return household.second_desk(oidc_issuer=provider.url, oidc_client=CLIENT, oidc_secret="s3cret")


@pytest.fixture
def visitor(household, desk, provider):
    provider.claims, provider.overrides, provider.signs_with = GOOD, {}, provider._key
    with household.client(None, desk) as client:
        yield client


def go(visitor, provider):
    """Begin at the desk, sign in at the provider, and come back as far as the desk's own answer."""
    away = visitor.get("/sign-in/openid?next=/runs").headers["location"]
    assert away.startswith(provider.url)
    back = visitor.get(away).headers["location"]
    return visitor.get(back)


def test_who_the_provider_vouches_for_comes_in_and_lands_where_they_wanted_to_go(visitor, provider):
    answer = go(visitor, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    page = visitor.get("/").text
    assert "ines@example.org" in page
    assert "reviewer" in page
    asked = provider.asked[-1]
    assert asked["code_challenge_method"] == "S256"
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    assert asked["redirect_uri"].endswith("/sign-in/openid/back")


def test_the_sign_in_page_leads_to_the_provider_and_takes_no_password(visitor, desk):
    page = visitor.get("/sign-in").text
    assert "/sign-in/openid" in page
    assert 'type="password"' not in page
    assert visitor.post("/sign-in", data={"csrf": "x"}).status_code == 405
    assert visitor.get("/in/anything").status_code == 404


def test_of_several_roles_the_highest_counts_and_tenants_are_those_of_the_claim(visitor, provider):
    provider.claims = {**GOOD, "callsheet_role": ["viewer", "lead", "janitor"], "callsheet_tenants": "acme fern"}
    go(visitor, provider)
    page = visitor.get("/").text
    assert "acme, fern" in page
    assert ">lead<" in page


@pytest.mark.parametrize(
    "claims",
    [
        {"callsheet_role": None},
        {"callsheet_role": "janitor"},
        {"email": None},
        {"email": ["a", "b"]},
        {"email": "x" * 300},
        {"email_verified": False},
    ],
)
def test_who_has_no_role_or_no_name_here_does_not_come_in(visitor, provider, claims):
    provider.claims = {**GOOD, **claims}
    assert go(visitor, provider).status_code == 403
    assert visitor.get("/").status_code == 303


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-client"},
        {"iss": "https://elsewhere.example"},
        {"exp": int(time.time()) - 3_600},
        {"nonce": "of another sign-in"},
    ],
)
def test_a_token_for_somebody_else_or_of_yesterday_is_refused(visitor, provider, claims):
    provider.overrides = claims
    assert go(visitor, provider).status_code == 403
    assert visitor.get("/").status_code == 303


def test_a_token_that_somebody_else_signed_is_refused(visitor, provider):
    provider.signs_with = provider.stranger
    assert go(visitor, provider).status_code == 403
    assert visitor.get("/").status_code == 303


def test_an_answer_that_was_not_asked_for_in_this_browser_is_refused(household, visitor, provider, desk):
    away = visitor.get("/sign-in/openid").headers["location"]
    back = visitor.get(away).headers["location"]
    with household.client(None, desk) as victim:
        assert victim.get(back).status_code == 400
        victim.get("/sign-in/openid")
        assert victim.get(back).status_code == 403
        assert victim.get("/").status_code == 303
    assert visitor.get(back).status_code == 303
    assert visitor.get(back).status_code == 400


def test_the_session_is_another_one_after_the_provider_than_before(household, desk, visitor, provider):
    away = visitor.get("/sign-in/openid").headers["location"]
    before = visitor.cookies["callsheet"]
    visitor.get(visitor.get(away).headers["location"])
    assert visitor.cookies["callsheet"] != before
    assert token(visitor.get("/").text)


def test_a_provider_that_is_away_is_said_plainly(household):
    url = household.second_desk(oidc_issuer="http://127.0.0.1:9", oidc_client=CLIENT)
    with household.client(None, url) as client:
        answer = client.get("/sign-in/openid")
    assert answer.status_code == 502
    assert "does not answer" in answer.text


def test_the_address_to_come_back_to_is_the_public_one(household, provider):
    url = household.second_desk(oidc_issuer=provider.url, oidc_client=CLIENT, url="https://desk.example.org")
    with household.client(None, url, headers={"host": "desk.example.org"}) as client:
        client.get(client.get("/sign-in/openid").headers["location"])
    address = urlsplit(provider.asked[-1]["redirect_uri"])
    assert (address.scheme, address.netloc) == ("https", "desk.example.org")
