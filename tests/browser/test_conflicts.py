"""Two people, one question: the first counts, and the second is told who, what and when."""

import re
from datetime import timedelta

from playwright.sync_api import expect

from workflows.models import ReviewPolicy


def open_dialog(page, label):
    page.get_by_label("The decision").get_by_role("button", name=re.compile(f"^{label}")).click()
    return page.locator("dialog[open]")


def test_of_two_browsers_the_first_decides_and_the_second_is_told_who_and_when(household, guest):
    (item,) = household.shoot()
    first, second = guest("ines").open(item), guest("tomas").open(item)
    mine, yours = open_dialog(first, "Reject"), open_dialog(second, "Approve")
    mine.get_by_role("button", name="Reject").click()
    household.until(lambda: household.told(item, "decided"))
    yours.get_by_role("button", name="Approve").click()
    alert = second.get_by_role("alert").filter(has_text="Somebody was first")
    expect(alert).to_contain_text(re.compile(r"Ines Calder chose reject at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"))
    expect(second.get_by_text("Rejected by Ines Calder")).to_be_visible()
    assert len(household.told(item, "decided")) == 1


def test_a_question_that_has_expired_takes_no_decision_any_more(household, guest):
    (item,) = household.shoot(review=ReviewPolicy(reminders=(), deadline=timedelta(seconds=20)))
    page = guest("vera").open(item)
    dialog = open_dialog(page, "Approve")
    household.until(lambda: household.told(item, "expired"))
    dialog.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert").filter(has_text="Too late")).to_be_visible()
    expect(page.get_by_text("Nobody answered in time").first).to_be_visible()
    assert household.ended(item).status == "rejected"


def test_a_decision_about_another_digest_than_the_one_asked_about_is_void(household, guest):
    (item,) = household.shoot()
    page = guest("vera").open(item)
    dialog = open_dialog(page, "Approve")
    other = "sha256:" + "0" * 64
    dialog.locator("input[name=digest]").evaluate("(field, digest) => { field.value = digest }", other)
    dialog.get_by_role("button", name="Approve").click()
    alert = page.get_by_role("alert").filter(has_text="not what is asked any more")
    expect(alert).to_contain_text("Void")
    assert household.question(item) is not None
    assert household.told(item, "decided") == []


def test_a_decision_about_the_take_before_does_not_count_for_the_new_one(household, guest):
    (item,) = household.shoot()
    page = guest("vera").open(item)
    dialog = open_dialog(page, "Approve")
    before = household.question(item)
    household.decide(item, "revise", note="set background_light to 1.0")
    after = household.until(lambda: household.question(item))
    dialog.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert").filter(has_text="Lena Ott chose revise")).to_be_visible()
    assert household.question(item).id == after.id != before.id


def test_a_page_that_is_looked_at_follows_what_others_do(household, guest):
    (item,) = household.shoot()
    page = guest("ines").open(item)
    household.decide(item, "claim")
    expect(page.get_by_text("Lena Ott has claimed this")).to_be_visible()
    household.decide(item, "release")
    expect(page.get_by_role("button", name="Approve")).to_be_visible()


def test_the_queue_grows_and_shrinks_by_itself(household, guest):
    (known,) = household.shoot()
    page = guest("ines").go("/?owner=night-shift")
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()
    household.decide(known, "reassign", to="night-shift")
    expect(page.locator("[data-row]")).to_have_count(1)
    household.decide(known, "reject")
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()


def test_who_looked_is_kept_for_the_audit(household, guest):
    (item,) = household.shoot()
    guest("nils").open(item)
    (viewed,) = household.told(item, "viewed")
    assert (viewed.by, viewed.question.id) == ("Nils Borg", household.question(item).id)


def test_a_viewer_may_look_but_is_offered_no_decision(household, guest):
    (item,) = household.shoot()
    page = guest("nils").open(item)
    expect(page.get_by_text("You may look, but not decide here.")).to_be_visible()
    expect(page.locator("form[method=post]").filter(has=page.locator("[name=choice]"))).to_have_count(0)
