"""Somebody with a browser: opens pages, and complains about whatever the browser complains about."""

from pathlib import Path
from urllib.parse import quote

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
AXE = Path(__file__).parent / "axe" / "axe-4.14.1.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


class Guest:
    """A person with a browser of their own."""

    def __init__(self, household, browser, who="vera", *, width=1280, height=860, scheme="light") -> None:
        self._url = household.url
        self._context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self._context.set_default_timeout(15_000)
        self.page = self._context.new_page()
        self.complaints: list[str] = []
        self.asked_for: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked_for.append(request.url))
        if who is not None:
            self.page.goto(household.link(who))
            self.page.get_by_role("button", name="Sign in").click()
            self.page.wait_for_url(f"{self._url}/")

    def _heard(self, message) -> None:
        if message.type in {"error", "warning"} and "status of 4" not in message.text:
            self.complaints.append(message.text)

    def open(self, workflow: str):
        """Open a question."""
        return self.go(f"/questions/{quote(workflow, safe='')}")

    def go(self, path: str):
        """Open a page of the desk."""
        self.page.goto(f"{self._url}{path}", wait_until="load")
        return self.page

    def violations(self) -> list[str]:
        """What axe finds on the page as it is, against WCAG 2.2 AA."""
        # By the debugger, not by a script tag: the page's own policy would refuse it, as it should.
        self.page.evaluate(f"() => {{ {AXE.read_text()} }}")
        options = {"runOnly": {"type": "tag", "values": RULES}}
        found = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    def overflows(self) -> bool:
        """Whether the page is wider than the screen."""
        return self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")

    def leave(self) -> None:
        """Close the browser; what it complained about fails the test."""
        self.page.goto("about:blank")  # ends the stream of events first: a page that still listens is not always closed
        self._context.close()
        assert self.complaints == []
