"""How pages are written: one environment, everything escaped, nothing inline."""

from datetime import datetime, timedelta
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from activities.database import now
from desk.cases import standing
from desk.door import Visit
from desk.rights import label, picture_path, question_path, run_path
from desk.shelf import Shelf

STATUS_WORDS = {
    "awaiting_review": "waits for a person",
    "top_up": "top up",
    "image_production": "image production",
    "single_agent": "single agent",
}
KIND_WORDS = {
    "review": "image",
    "first_view": "first view",
    "budget": "money",
    "pause": "paused agent",
    "question": "question",
    "calls": "tool calls",
}
DONE = {
    "approve": "approved",
    "reject": "rejected",
    "revise": "sent back",
    "edit": "edited",
    "answer": "answered",
    "top_up": "topped up",
    "reassign": "handed on",
    "claim": "claimed",
    "release": "released",
}


class Pages:
    """Writes pages from `desk/templates`."""

    def __init__(self, shelf: Shelf) -> None:
        """Name static files by `shelf`."""
        self._environment = Environment(
            loader=PackageLoader("desk"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {"static": shelf.url, "now": now, "standing": standing, "label": label}
        self._environment.globals |= {
            "question_path": question_path,
            "run_path": run_path,
            "picture_path": picture_path,
        }
        self._environment.filters |= {
            "dollars": dollars,
            "ago": ago,
            "until": until,
            "when": when,
            "words": words,
            "kind": lambda name: KIND_WORDS.get(name, words(name)),
            "done": lambda choice: DONE.get(choice, words(choice)),
            "rule": rule,
            "tone": tone,
            "initials": initials,
        }

    def page(self, template: str, visit: Visit | None = None, /, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
        """Write a page, or a part of one, for somebody who is signed in or for nobody yet."""
        text = self._environment.get_template(f"{template}.html.j2").render(
            visit=visit,
            person=visit.person if visit else None,
            csrf=visit.session.csrf if visit else "",
            notice=visit.session.data.get("notice") if visit else None,
            **values,
        )
        return HTMLResponse(text, status)


def dollars(micro_usd: int) -> str:
    """Write an amount: cents always, and down to a hundredth of a cent where there is one."""
    whole, _, part = f"{micro_usd / 1_000_000:,.4f}".partition(".")
    return f"${whole}.{part.rstrip('0').ljust(2, '0')}"


def ago(moment: datetime) -> str:
    """Write how long ago something was."""
    return span(now() - moment)


def until(moment: datetime) -> str:
    """Write how long it is until something; `over` when it is past."""
    left = moment - now()
    return span(left) if left > timedelta() else "over"


def span(time: timedelta) -> str:
    """Write a length of time in its largest unit that says enough."""
    seconds = max(int(time.total_seconds()), 0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and unit != "d"):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def when(moment: datetime) -> str:
    """Write a moment."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def words(name: str) -> str:
    """Write a name of the program as words."""
    return STATUS_WORDS.get(name, name.replace("_", " "))


def rule(objection: str) -> str:
    """Name the rule of an objection, without what was measured."""
    return words(objection.partition(":")[0])


def tone(score: int | None) -> str:
    """Name the colour of a score."""
    if score is None:
        return "none"
    return "good" if score >= 80 else "fair" if score >= 60 else "poor"  # noqa: PLR2004 - the default threshold


def initials(name: str) -> str:
    """Shorten a name to at most two letters."""
    parts = [part for part in name.replace("@", " ").replace(".", " ").replace("_", " ").split() if part[:1].isalnum()]
    return "".join(part[0] for part in parts[:2]).upper() or "?"
