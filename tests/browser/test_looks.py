"""How the desk looks: on every screen, in light and dark, for everybody; nothing from elsewhere, nothing inline."""

import pytest
from playwright.sync_api import expect

from desk.rights import question_path, run_path

LOOKS = {"light": {}, "dark": {"scheme": "dark"}, "telephone": {"width": 360, "height": 740}}


@pytest.fixture(scope="session")
def shown(household):
    """One of everything: an image with two takes, one decided, an agent that asks, one that wants money to pay."""
    (item,) = household.shoot(refinements=1)
    (decided,) = household.shoot()
    household.decide(decided, "reject", note="not this one")
    household.ended(decided)
    asks, pays = household.agent("Find the way."), household.agent("Pay the bills.")
    pages = ["/", "/runs", "/operations", run_path(item.partition(":")[0]), run_path(asks)]
    return [*pages, *(question_path(each) for each in (item, decided, asks, pays))]


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_fits_its_screen_and_axe_finds_nothing_on_it(guest, shown, look):
    visitor = guest("lena", **LOOKS[look])
    found = {}
    for path in shown:
        visitor.go(path)
        wide = ["wider than the screen"] if visitor.overflows() else []
        if problems := [*visitor.violations(), *wide]:
            found[path] = problems
    assert found == {}


def test_the_sign_in_and_every_dialog_pass_axe_too(household, guest, shown):
    nobody = guest(None)
    nobody.go("/sign-in")
    found = nobody.violations()
    visitor = guest("vera")
    item = next(path for path in shown if "questions" in path)
    page = visitor.go(item)
    for key in ("a", "v", "e", "?"):
        page.keyboard.press(key)
        expect(page.locator("dialog[open]")).to_be_visible()
        page.wait_for_timeout(300)  # the dialog fades in, and half-seen text has no contrast
        found += visitor.violations()
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
    assert found == []


def test_a_page_asks_nobody_else_for_anything(household, guest, shown):
    visitor = guest("vera")
    for path in shown:
        visitor.go(path)
    assert [url for url in visitor.asked_for if not url.startswith((household.url, "data:"))] == []


def test_two_takes_lie_under_one_slider_and_their_facts_follow(guest, shown):
    page = guest("vera").go(next(path for path in shown if "questions" in path))
    page.get_by_role("button", name="Compare").click()
    slider = page.get_by_label("How much of each take is shown")
    clip = "document.querySelector('[data-other]').style.clipPath"
    before = page.evaluate(clip)
    slider.fill("20")
    assert page.evaluate(clip) != before
    page.get_by_role("button", name="Compare").click()
    expect(slider).to_be_hidden()
    page.locator("[data-take='1']").click()
    expect(page.locator("[data-evidence='1']")).to_be_visible()
    expect(page.locator("[data-evidence='2']")).to_be_hidden()


def test_the_image_is_zoomed_to_its_own_pixels_and_back(guest, shown):
    page = guest("vera").go(next(path for path in shown if "questions" in path))
    image = page.locator("[data-main]")
    page.keyboard.press("+")
    expect(page.locator("[data-zoomed]")).to_have_text("150 %")
    expect(image).to_have_attribute("src", image.get_attribute("data-full"))
    page.keyboard.press("0")
    expect(page.locator("[data-zoomed]")).to_have_text("fit")


def test_filters_narrow_the_queue_without_leaving_the_page(household, guest, shown):
    page = guest("vera").go("/")
    page.get_by_label("Kind").select_option("question")
    expect(page.locator("[data-row]").first).to_contain_text("question")
    expect(page.locator("[data-row][data-kind=review]")).to_have_count(0)
    page.get_by_label("Search").fill("no such words")
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()
