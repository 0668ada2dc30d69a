"""Settings of the desk: what cannot work is said by name, before anything is started."""

import pytest
from pydantic import ValidationError

from desk.settings import DeskSettings


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    for name in ("URL", "HOST", "PORT", "OIDC_ISSUER", "OIDC_CLIENT"):
        monkeypatch.delenv(f"CALLSHEET_DESK_{name}", raising=False)


def test_by_default_it_is_for_this_machine_alone():
    desk = DeskSettings()
    assert (desk.host, desk.secure, desk.provider) == ("127.0.0.1", False, "")
    assert set(desk.hosts) == {"127.0.0.1", "localhost", "::1"}


def test_behind_a_proxy_it_answers_to_the_public_name_as_well():
    desk = DeskSettings(host="0.0.0.0", url="https://desk.example.org/")
    assert desk.url == "https://desk.example.org"
    assert desk.secure
    assert "desk.example.org" in desk.hosts


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"host": "0.0.0.0"}, "CALLSHEET_DESK_URL"),
        ({"url": "desk.example.org"}, "no address"),
        ({"url": "ftp://desk.example.org"}, "no address"),
        ({"port": 70_000}, "less than or equal to 65535"),
        ({"session_hours": 0}, "greater than 0"),
        ({"oidc_issuer": "https://login.example.org"}, "CALLSHEET_DESK_OIDC_CLIENT"),
        ({"oidc_issuer": "http://login.example.org", "oidc_client": "desk"}, "https"),
        ({"oidc_issuer": "https://l.example.org", "oidc_client": "d", "oidc_scope": "email"}, "openid"),
    ],
)
def test_what_cannot_work_is_said(given, said):
    with pytest.raises(ValidationError, match=said):
        DeskSettings(**given)
