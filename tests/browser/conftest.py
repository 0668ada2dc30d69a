"""One server, one house with its desk, and one browser for all tests of the desk."""

import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from console.processes import free_port
from screentest.servers import serve
from tests.browser.household import Household
from tests.browser.looking import FLAGS, Guest

expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def household(tmp_path_factory):
    """The house."""
    port, folder = free_port(), tmp_path_factory.mktemp("household")
    with serve(port, folder / "temporal.db"):
        found = Household(f"127.0.0.1:{port}", folder / "home")
        yield found
        found.close()


@pytest.fixture(scope="package")
def browser():
    """Debian's Chromium, without a screen. A test of the desk never passes by for want of it.

    It ends with the tests of this folder: while it runs there is a loop on this thread, and no async test beside it.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing, and the desk is tested in a real browser: apt-get install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def guest(household, browser):
    """Let somebody in: `guest("ines")`, on a telephone with `width=360`, in the dark with `scheme="dark"`."""
    guests = []

    def let_in(who="vera", **look) -> Guest:
        guests.append(Guest(household, browser, who, **look))
        return guests[-1]

    yield let_in
    for each in guests:
        each.leave()
