"""A person decides in a real browser, each way there is."""

import re

from playwright.sync_api import expect


def choose(page, label: str, note: str = "", confirm: str = "") -> None:
    page.get_by_label("The decision").get_by_role("button", name=re.compile(f"^{label}")).click()
    dialog = page.locator("dialog[open]")
    if note:
        dialog.locator("textarea[name=note]").fill(note)
    dialog.get_by_role("button", name=confirm or label, exact=False).last.click()


def test_a_newcomer_signs_in_by_the_link_and_approves_the_oldest_question(household, guest):
    (item,) = household.shoot()
    page = guest("vera").page
    page.get_by_label("Search").fill(item.partition(":")[0])
    expect(page.locator("[data-row]")).to_have_count(1)
    page.get_by_role("link", name="The dress, ink, front").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("The dress")
    choose(page, "Approve", "fine for the web")
    expect(page.locator(".toast")).to_contain_text("Approved:")
    (decided,) = household.until(lambda: household.told(item, "decided"))
    assert (decided.decision.by, decided.decision.note) == ("Vera Holm", "fine for the web")
    assert decided.decision.seal.issuer == "desk"
    assert decided.decision.digest == decided.question.digest


def test_a_rejection_ends_the_item_without_publishing_it(household, guest):
    (item,) = household.shoot()
    page = guest("ines").open(item)
    choose(page, "Reject", "the hem is cut off")
    household.until(lambda: household.told(item, "decided"))
    assert household.ended(item).status == "rejected"


def test_a_revision_goes_back_with_its_note_and_is_asked_about_again(household, guest):
    (item,) = household.shoot()
    before = household.question(item)
    page = guest("ines").open(item)
    choose(page, "Revise", "set background_light to 1.0")
    household.until(lambda: household.told(item, "decided"))
    after = household.until(lambda: household.question(item))
    assert after.id != before.id
    assert len(after.tries) == 2


def test_an_edited_instruction_is_what_runs(household, guest):
    (item,) = household.shoot()
    page = guest("ines").open(item)
    page.get_by_label("The decision").get_by_role("button", name="Edit").click()
    dialog = page.locator("dialog[open]")
    assert dialog.locator("textarea[name=edited]").input_value() == household.question(item).instruction
    dialog.locator("textarea[name=edited]").fill("Front view, set background_light to 1.1")
    dialog.get_by_role("button", name="Edit").click()
    household.until(lambda: household.told(item, "decided"))
    after = household.until(lambda: household.question(item))
    assert after.tries[-1].attempt.direction == "Front view, set background_light to 1.1"


def test_a_question_is_claimed_released_and_handed_on(household, guest):
    (item,) = household.shoot()
    page = guest("ines").open(item)
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_label("The decision")).to_contain_text("by you")
    other = guest("tomas").open(item)
    expect(other.get_by_label("The decision")).to_contain_text("Ines Calder has claimed this")
    expect(other.get_by_role("button", name="Approve")).to_have_count(0)
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("button", name="Claim")).to_be_visible()
    page.get_by_role("button", name="Hand on").click()
    page.get_by_label("To a person or a group").fill("leads")
    page.locator("dialog[open]").get_by_role("button", name="Hand on").click()
    expect(page.get_by_label("The decision")).to_contain_text("leads")
    assert household.question(item).owner == "leads"


def test_money_is_added_by_somebody_who_may(household, guest):
    (item,) = household.shoot(item_usd=0.0101)
    assert household.question(item).kind == "budget"
    viewer = guest("ines").open(item)
    expect(viewer.get_by_label("The decision").get_by_role("button", name="Add money")).to_have_count(0)
    page = guest("vera").open(item)
    page.get_by_label("The decision").get_by_role("button", name="Add money").click()
    page.get_by_label("Dollars to add").fill("0.25")
    page.locator("dialog[open]").get_by_role("button", name="Add money").click()
    (decided,) = household.until(lambda: household.told(item, "decided"))
    assert decided.decision.micro_usd == 250_000


def test_everything_can_be_done_by_the_keyboard(household, guest):
    first, second = household.shoot("dress", "tee")
    page = guest("vera").open(first)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("r")
    expect(page.get_by_role("dialog", name="Reject")).to_be_visible()
    page.keyboard.press("Enter")
    household.until(lambda: household.told(first, "decided"))
    page.goto(f"{household.url}/?run={second.partition(':')[0]}")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/questions/**")
    page.keyboard.press("v")
    expect(page.get_by_role("dialog", name="Revise")).to_be_visible()
    page.keyboard.type("brighter")
    expect(page.locator("dialog[open] textarea[name=note]")).to_have_value("brighter")


def test_several_of_a_kind_are_looked_at_and_decided_together(household, guest):
    items = household.shoot("dress", "tee", "shirt")
    page = guest("lena").go(f"/?run={items[0].partition(':')[0]}")
    for box in page.locator("[data-row] input[type=checkbox]").all():
        box.check()
    page.get_by_role("button", name="Look at them together").click()
    expect(page.locator(".sheet img")).to_have_count(3)
    page.locator(".sheet input[type=checkbox]").nth(2).uncheck()
    page.get_by_label("Note").fill("seen on the sheet")
    page.get_by_role("button", name="Reject all checked").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 of 2 rejected")
    told = [household.told(item, "decided") for item in items]
    assert sorted(len(each) for each in told) == [0, 1, 1]
    nonces = {each[0].decision.seal.nonce for each in told if each}
    assert len(nonces) == 2
