"""The reviewers file: passwords are hashed, links work once, and a file that is wrong says where."""

import json
import stat
import threading
from datetime import timedelta

import pytest

from desk.reviewers import BadReviewers, Reviewers, unfit
from workflows.models import Identity

INES = Identity(name="Ines Calder", role="reviewer", tenants=("acme",), groups=("reviewers",))
PASSWORD = "fern and thread at noon"


@pytest.fixture
def reviewers(tmp_path):
    return Reviewers(tmp_path / "home" / "reviewers.json")


def test_a_file_that_is_not_there_has_nobody_in_it(reviewers):
    assert reviewers.read().reviewers == ()
    assert reviewers.check("Ines Calder", PASSWORD) is None


def test_the_password_that_was_chosen_lets_in_and_no_other_and_is_not_in_the_file(reviewers):
    assert reviewers.use(reviewers.invite(INES), PASSWORD) == INES
    assert reviewers.check("ines calder ", PASSWORD) == INES
    assert reviewers.check("Ines Calder", PASSWORD.upper()) is None
    assert reviewers.check("Omar", PASSWORD) is None
    text = reviewers.path.read_text()
    assert PASSWORD not in text
    assert "$argon2id$" in text
    assert stat.S_IMODE(reviewers.path.stat().st_mode) == 0o600


def test_a_person_without_a_password_cannot_sign_in_with_an_empty_one(reviewers):
    reviewers.invite(INES)
    assert reviewers.check("Ines Calder", "") is None


def test_a_link_works_once_and_not_without_the_password_that_it_asks_for(reviewers):
    secret = reviewers.invite(INES)
    assert secret not in reviewers.path.read_text()
    assert reviewers.use(secret) is None
    assert reviewers.use(secret, PASSWORD) == INES
    assert reviewers.use(secret, PASSWORD) is None
    assert reviewers.holder(secret) is None


def test_a_link_that_is_too_old_works_no_more(reviewers):
    assert reviewers.use(reviewers.invite(INES, choose=False, lasts=timedelta(0))) is None


def test_who_is_invited_again_keeps_the_password_and_gets_the_new_role(reviewers):
    reviewers.use(reviewers.invite(INES), PASSWORD)
    reviewers.invite(INES.model_copy(update={"role": "lead"}))
    assert reviewers.check("Ines Calder", PASSWORD).role == "lead"
    assert len(reviewers.read().reviewers) == 1


def test_who_is_taken_out_cannot_come_back(reviewers):
    reviewers.use(reviewers.invite(INES), PASSWORD)
    assert reviewers.remove("ines calder")
    assert not reviewers.remove("ines calder")
    assert reviewers.check("Ines Calder", PASSWORD) is None


def test_of_many_who_use_one_link_at_once_one_gets_in(reviewers):
    secret = reviewers.invite(INES, choose=False)
    let_in = []
    each = [threading.Thread(target=lambda: let_in.append(reviewers.use(secret))) for _ in range(8)]
    for one in each:
        one.start()
    for one in each:
        one.join()
    assert [who for who in let_in if who is not None] == [INES]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", "Invalid JSON"),
        (json.dumps({"reviewers": [{"person": {"name": "", "role": "reviewer"}}]}), "reviewers.0.person.name"),
        (json.dumps({"reviewers": [{"person": {"name": "A", "role": "king"}}]}), "reviewers.0.person.role"),
        (json.dumps({"version": 2}), "version"),
        (json.dumps({"people": []}), "people"),
    ],
)
def test_a_file_that_is_wrong_says_what_and_where(reviewers, text, where):
    reviewers.path.parent.mkdir()
    reviewers.path.write_text(text)
    with pytest.raises(BadReviewers, match=where):
        reviewers.read()


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaa", "abababababab", "Ines Calder", "x" * 201])
def test_a_password_that_anybody_would_guess_is_not_taken(password):
    assert unfit(password, "ines calder")
    assert not unfit(PASSWORD, "ines calder")
