"""The publisher: writes title and alt text from the product's data, and publishes what was cleared."""

import re
from typing import Final

from rehearsal.player import Performance, Request
from rehearsal.roles.dialogue import Dialogue, Exchange, act, answer, draw, say
from rehearsal.roles.sheet import Artefact, Sheet, Shot

ALT_TEXT: Final = 125
TITLE: Final = 150
TRIES: Final = 3
WORDY: Final = 3
"""One publisher in so many writes too much at first."""

GARMENTS: Final = {"tee": "T-shirt"}
VIEWS: Final = {
    "front": "seen from the front",
    "back": "seen from the back",
    "side": "seen from the side",
    "detail": "close detail of neck and fabric",
}
ABOUT_WORDS: Final = re.compile(r"(?:^|; )(?:alt_text|title)\b")


class Publisher:
    """Looks the product up, publishes once; a refusal about words is corrected, any other is a person's matter."""

    def reply(self, request: Request) -> Performance:
        """Look the product up, publish, or hand in what was published."""
        sheet = Sheet(request.task)
        shot, artefact = sheet.read("Shot", Shot), sheet.read("Artefact", Artefact)
        dialogue = Dialogue(request)
        published = dialogue.last("publish_to_catalog")
        if published is not None:
            return _hand_in(published, shot)
        look = None if dialogue.of("describe_product") else dialogue.call("describe_product", product=shot.product.id)
        if look is not None:
            return act("First I look up the product and the guidelines of its brand.", look)
        failed = [each for each in dialogue.since("escalate_to_human") if each.tool == "publish_to_catalog"]
        hopeless = next((each for each in failed if not ABOUT_WORDS.search(each.error)), None)
        if hopeless is not None or len(failed) >= TRIES:
            return _ask(dialogue, shot, (hopeless or failed[-1]).error)
        return _publish(dialogue, artefact.asset, shot, wordy=not failed)


def title(shot: Shot) -> str:
    """The entry's title: product and colour, then the view."""
    name = shot.product.title or shot.title or _garment(shot)
    return f"{name}, {shot.colour.name}, {shot.view}"[:TITLE]


def alt_text(shot: Shot) -> str:
    """What is to be seen: product type first, then colour, fabric and view, from the product's data only."""
    what = f"{_garment(shot)} in {shot.colour.name} {shot.product.fabric}".strip()
    view = VIEWS.get(shot.view, f"{shot.view} view")
    news = set(shot.product.title.lower().split()) - set(what.lower().split())
    long = f"{what}, {shot.product.title}, {view}" if news else f"{what}, {view}"
    return next((text for text in (long, f"{what}, {view}") if len(text) <= ALT_TEXT), what[:ALT_TEXT])


def _publish(dialogue: Dialogue, asset: str, shot: Shot, *, wordy: bool) -> Performance:
    text = alt_text(shot)
    if wordy and draw(shot.key, "wordy", WORDY) == 0:
        text = (
            f"{text}. It hangs straight and is evenly lit against a plain background, as the whole collection is shown."
        )
    call = dialogue.call("publish_to_catalog", asset=asset, title=title(shot), alt_text=text)
    if call is None:
        return _without_tools(shot)
    return act("The take was cleared; I publish it with words from the product's data.", call)


def _hand_in(published: Exchange, shot: Shot) -> Performance:
    entry = published.data.get("entry") or published.data.get("id") or ""
    return answer(entry=str(entry), title=title(shot), alt_text=alt_text(shot))


def _ask(dialogue: Dialogue, shot: Shot, error: str) -> Performance:
    reason = f"I could not publish {shot.key}: {error}"[:500]
    call = dialogue.call("escalate_to_human", reason=reason, question="May this take be published?")
    return act("Publishing was refused; a person has to look.", call) if call else say(reason)


def _without_tools(shot: Shot) -> Performance:
    return answer(entry="none", title=title(shot), alt_text=alt_text(shot))


def _garment(shot: Shot) -> str:
    return GARMENTS.get(shot.product.garment, shot.product.garment.capitalize())
