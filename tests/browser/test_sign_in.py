"""Signing in: a link that works once, a password that somebody chose, and the way back to where they wanted to go."""

import re

from playwright.sync_api import expect

from tests.browser.household import PASSWORD, PEOPLE


def test_a_first_visit_chooses_a_password_and_the_next_one_uses_it(household, guest):
    person = PEOPLE["ines"].model_copy(update={"name": "Rosa Quist"})
    secret = household.house.reviewers.invite(person)
    first = guest(None)
    page = first.go(f"/in/{secret}")
    page.get_by_label("Choose a password").fill("too short"[:8])
    page.get_by_label("Once more").fill("too short"[:8])
    page.locator("form").evaluate("form => { form.noValidate = true }")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("alert")).to_contain_text("10 characters at least")
    page.get_by_label("Choose a password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    page.locator(".me summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Name")).to_be_visible()
    page.get_by_label("Name").fill("rosa quist")
    page.get_by_label("Password").fill("not this one at all")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text(re.compile("is not right"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()


def test_a_link_lets_one_person_in_and_nobody_after_them(household, guest):
    link = household.link("ines")
    for visitor, expected in ((guest(None), "Queue"), (guest(None), "This link does not work any more")):
        page = visitor.go(link.removeprefix(household.url))
        if expected == "Queue":
            page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name=expected)).to_be_visible()


def test_who_comes_by_a_message_is_led_back_to_the_question_after_the_sign_in(household, guest):
    (item,) = household.shoot()
    secret = household.house.reviewers.invite(PEOPLE["tomas"])
    household.house.reviewers.use(secret, PASSWORD)
    page = guest(None).open(item)
    page.get_by_label("Name").fill("Tomas Rehn")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("The decision")).to_contain_text("The dress, ink, front")


def test_after_the_sign_out_the_page_before_is_not_shown_again(household, guest):
    visitor = guest("ines")
    page = visitor.go("/runs")
    page.locator(".me summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Name")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Name")).to_be_visible()
