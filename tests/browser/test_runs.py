"""Runs at the desk: of every pipeline, with what they are made of; an operator may end one."""

import uuid

from playwright.sync_api import expect

from desk.rights import run_path
from tests.browser.household import token
from tests.scenarios.own_processes import NoteEach, Notes
from tests.scenarios.shoots import brief
from tests.scenarios.vacancies import GOOD, PLAIN


def line(page, run):
    return page.locator(".row", has_text=run)


def shown(household, guest, *runs):
    """The list, once the server has caught up with itself."""
    with household.client("vera") as program:
        household.until(lambda: all(run in program.get("/runs").text for run in runs))
    return guest("vera").go("/runs")


def test_the_list_knows_every_pipeline_also_somebodys_own_and_no_item_of_any(household, guest):
    stage = household.stage
    order, name = Notes(goal="Note the weather.", micro_usd=50_000), f"notes-{uuid.uuid4().hex[:6]}"
    household.call(stage.client.start_workflow(NoteEach.run, order, id=name, task_queue=stage.queue))
    solo = household.call(stage.start_production(brief(), kind="SoloProduction")).id
    (ada,) = household.apply({"ada": ("Ada Blum", GOOD)}, policy=PLAIN)
    vacancy = ada.partition(":")[0]
    page = shown(household, guest, name, solo, vacancy)
    for run, kind in ((name, "note each"), (solo, "solo production"), (vacancy, "candidate evaluation")):
        expect(line(page, run)).to_have_count(1)
        expect(line(page, run)).to_contain_text(kind)
    page.get_by_role("link", name=name).click()
    expect(page.get_by_text("Note the weather.")).to_be_visible()
    page = guest("vera").go(run_path(vacancy))
    expect(line(page, "ada")).to_contain_text("waits for a person")
    expect(page.locator(".score, .steps")).to_have_count(0)  # no level before a person has looked
    line(page, "ada").get_by_role("link").click()
    expect(page.locator(".requirement")).to_have_count(2)


def test_an_operator_ends_a_run_and_its_history_says_who_it_was(household, guest):
    (item,) = household.shoot()
    run = item.partition(":")[0]
    page = guest("vera").go(run_path(run))
    page.get_by_role("button", name="Cancel the run").first.click()
    page.locator("dialog[open]").get_by_role("button", name="Cancel the run").click()
    expect(page.locator(".toast")).to_contain_text("Asked to end")
    handle = household.stage.client.get_workflow_handle(run)
    household.until(lambda: household.call(handle.describe()).status.name == "CANCELED")
    history = household.call(handle.fetch_history())
    asked = [each.workflow_execution_cancel_requested_event_attributes for each in history.events]
    assert [(each.identity, each.cause) for each in asked if each.identity] == [
        ("desk:Vera Holm", "cancelled at the desk by Vera Holm")
    ]


def test_nobody_below_an_operator_ends_a_run(household):
    (item,) = household.shoot()
    run = item.partition(":")[0]
    with household.client("lena") as lead:
        page = lead.get(run_path(run)).text
        refused = lead.post(run_path(run), data={"csrf": token(page)})
    with household.client("acme") as other:
        unknown = other.post(run_path(run), data={"csrf": token(other.get("/").text)})
    assert "Cancel the run" not in page
    assert (refused.status_code, unknown.status_code) == (403, 403)
    assert household.question(item) is not None
