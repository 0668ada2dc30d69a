"""Questions that are not about an image: an agent asks freely, and tool calls wait for somebody's word."""

from playwright.sync_api import expect

from desk.rights import question_path


def test_an_agents_free_question_is_answered_in_words(household, guest):
    agent = household.agent("Find the way.")
    page = guest("ines").open(agent)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Is there a key?").first).to_be_visible()
    page.get_by_role("button", name="Answer").first.click()
    page.get_by_label("Your answer").fill("Under the mat.")
    page.locator("dialog[open]").get_by_role("button", name="Answer").click()
    (decided,) = household.until(lambda: household.told(agent, "decided"))
    assert (decided.decision.choice, decided.decision.note) == ("answer", "Under the mat.")


def test_of_two_calls_one_is_allowed_and_one_is_refused_each_by_its_own_digest(household, guest):
    agent = household.agent("Pay the bills.")
    page = guest("lena").open(agent)
    expect(page.locator(".call")).to_have_count(2)
    expect(page.locator(".call").first).to_contain_text('"dollars":40')
    page.locator(".call").first.get_by_role("button", name="Allow this one").click()
    expect(page.locator(".toast")).to_contain_text("Approved")
    page.locator(".call").nth(1).get_by_role("button", name="Refuse this one").click()
    household.until(lambda: household.question(agent) is None)
    household.until(lambda: "Fern 40" in household.stage.notebook.lines)
    assert "Thread 40" not in household.stage.notebook.lines


def test_edited_arguments_of_a_call_are_what_runs(household, guest):
    agent = household.agent("Pay the bills, but less.")
    page = guest("lena").open(agent)
    call = page.locator(".call").first
    call.get_by_text("Edit the arguments").click()
    call.locator("textarea").fill('{"to": "Fern", "dollars": 7}')
    call.get_by_role("button", name="Run this").click()
    page.wait_for_url(f"**{question_path(agent)}")
    page.locator(".call").nth(1).get_by_role("button", name="Refuse this one").click()
    household.until(lambda: "Fern 7" in household.stage.notebook.lines)
