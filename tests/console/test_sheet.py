import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from console.bundle import Bundle, Produced, Production
from console.sheet import Frame, render
from tests.console import shoot

VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Reads a page: its text, its links, and whether every tag is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.alts: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        found = dict(attrs)
        self.links += [found[name] for name in ("src", "href") if name in found]
        if tag == "img":
            self.alts.append(found["alt"])
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.words += data + " "


@pytest.fixture
async def folder(tmp_path) -> Path:
    """What a run with a refined, an overridden and a failed item leaves behind."""
    items = (shoot.refined(), shoot.overridden(), shoot.failed())
    published = {item.publication.uri: shoot.TAKES[item.publication.digest] for item in items if item.publication}

    async def asset(digest: str) -> bytes:
        return shoot.TAKES[digest]

    async def at(uri: str) -> bytes:
        return published[uri]

    production = Production(
        state=shoot.state(),
        items=tuple(Produced(shot=shoot.shot(item.key), state=item) for item in items),
        model="rule-based rehearsal, no language model",
        brief="briefs/spring.yaml",
    )
    sheet = await Bundle(tmp_path / "out" / "run", asset, at).write(production)
    return sheet.parent


def read(folder: Path) -> Page:
    return Page((folder / "contact-sheet.html").read_text())


def test_the_page_is_whole_and_needs_nothing_from_outside(folder):
    text = (folder / "contact-sheet.html").read_text()
    page = read(folder)
    assert "script" not in page.tags
    assert re.search(r"https?://|//cdn|@import|url\(", text) is None


def test_every_link_leads_to_a_file_in_the_folder(folder):
    links = [link for link in read(folder).links if not link.startswith("#")]
    assert len(links) > 6
    assert [link for link in links if not (folder / link).is_file()] == []


def test_every_take_is_kept_as_it_was_and_named_by_item_and_number(folder):
    kept = {path.name: path.read_bytes() for path in (folder / "images").iterdir()}
    assert kept == {
        "refined-1.jpg": shoot.TAKES[shoot.FIRST],
        "refined-2.jpg": shoot.TAKES[shoot.SECOND],
        "overridden-1.png": shoot.TAKES[shoot.THIRD],
    }


def test_published_files_lie_apart(folder):
    assert sorted(path.name for path in (folder / "published").iterdir()) == ["overridden.png", "refined.jpg"]


def test_pictures_on_the_sheet_are_small(folder):
    for path in (folder / "sheet").iterdir():
        with Image.open(path) as image:
            assert max(image.size) <= 960, path


def test_the_head_counts_what_was_published_refined_and_asked(folder):
    words = " ".join(read(folder).words.split())
    assert "Published 2 of 3" in words
    assert "Refined 1 3 takes" in words
    assert "Decided by a person 1" in words
    assert "$0.1234 of $5.0000" in words
    assert "rule-based rehearsal, no language model" in words


def test_an_override_names_the_person_the_rule_and_the_note(folder):
    words = " ".join(read(folder).words.split())
    assert "ines decided: approve, against background white. “the white is the product”" in words


def test_measurements_show_what_was_wanted_and_by_how_much_it_was_missed(folder):
    words = " ".join(read(folder).words.split())
    assert "background white 251.2 levels 255 in every channel 3.75 levels" in words
    assert "1 of 2 rules pass" in words


def test_an_item_without_an_image_says_why(folder):
    words = " ".join(read(folder).words.split())
    assert "No image was made" in words
    assert "the studio did not answer" in words


def test_every_image_has_a_text_of_its_own(folder):
    assert all(read(folder).alts)


def test_what_a_model_or_a_person_writes_is_never_markup():
    evil = "<script>alert(1)</script>"
    item = shoot.overridden(note=evil).model_copy(update={"verdict": shoot.verdict(shoot.THIRD, 61, evidence=evil)})
    page = render(shoot.state(), [Frame(shot=shoot.shot("x", title=evil), state=item)], model=evil)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4


def test_a_run_without_items_still_has_a_page():
    failed = shoot.state().model_copy(update={"status": "failed", "errors": ("the planner gave no plan",)})
    assert "the planner gave no plan" in Page(render(failed, [], model="m")).words


def test_the_record_holds_items_and_where_their_files_lie(folder):
    record = json.loads((folder / "run.json").read_text())
    assert (record["id"], record["status"], record["model"]) == (
        "spring-7f3a",
        "partial",
        "rule-based rehearsal, no language model",
    )
    first = record["items"][0]
    assert first["images"] == {"1": "images/refined-1.jpg", "2": "images/refined-2.jpg"}
    assert (folder / first["published_file"]).is_file()
