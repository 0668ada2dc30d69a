"""The report of a run, from the command line, with no server anywhere."""

import re
from pathlib import Path

import pytest

from console.errors import Exit
from tests.console.kept_run import EVIL, GOAL, REASON, KeptRun
from tests.console.test_exit_codes import DEAD
from tests.console.test_sheet import Page


class Report(Page):
    """Reads a report: also its tables, by the id of their section, and what its pictures say of themselves."""

    def __init__(self, text: str) -> None:
        self.rows: dict[str, list[list[str]]] = {}
        self.pictures: list[dict[str, str | None]] = []
        self.says: list[str] = []
        self._section = ""
        super().__init__(text)

    def handle_starttag(self, tag, attrs):
        super().handle_starttag(tag, attrs)
        found = dict(attrs)
        if tag == "section":
            self._section = found["aria-labelledby"]
        elif tag == "tr":
            self.rows.setdefault(self._section, []).append([])
        elif tag in {"td", "th"} and self._section:
            self.rows[self._section][-1].append("")
        elif tag == "svg":
            self.pictures.append(found)
        elif tag in {"title", "desc"}:
            self.says.append("")

    def handle_data(self, data):
        super().handle_data(data)
        if self._open and self._open[-1] in {"title", "desc"}:
            self.says[-1] += data
        elif {"td", "th"} & set(self._open):
            self.rows[self._section][-1][-1] += data

    def row(self, section: str, first: str) -> list[str]:
        cells = [[" ".join(cell.split()) for cell in row] for row in self.rows[section]]
        return next(row for row in cells if row[:1] == [first])


@pytest.fixture
def kept(shell, tmp_path, monkeypatch) -> KeptRun:
    """Records in the shell's home; no server answers."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", DEAD)
    return KeptRun(tmp_path / "home")


def read(shell, run: str) -> Report:
    path = Path(shell.json("report", run)["report"])
    assert shell.code == Exit.OK
    return Report(path.read_text())


def dollars(micro_usd: int) -> str:
    return f"${micro_usd / 1_000_000:.4f}"


def test_it_lies_where_the_run_keeps_its_pages_or_where_it_is_wanted(shell, kept):
    kept.production("spring")
    assert shell("report", "spring") == Exit.OK
    assert shell.out == "out/spring/report.html\n"
    assert Path("out/spring/report.html").is_file()
    assert shell("report", "spring", "--out", "elsewhere/page.html") == Exit.OK
    assert Path("elsewhere/page.html").is_file()


@pytest.mark.parametrize("run", ["nobody", "spring:nothing", "../up"])
def test_an_unknown_id_is_said_and_nothing_is_written(shell, kept, run):
    kept.production("spring")
    assert shell("report", run) == Exit.UNKNOWN_ID
    assert "nothing is recorded" in shell.err
    assert not Path("out").exists()


def test_the_figures_are_those_of_the_cost_command(shell, kept):
    kept.production("spring")
    kept.failed_attempt("spring:refined#0123/1.critic", "the line broke")
    page, cost = read(shell, "spring"), shell.json("cost", "spring")
    assert cost["total"]["micro_usd"] == 72_000
    for name, each in cost["by_agent"].items():
        assert page.row("cost", name)[2].split()[0] == dollars(each["micro_usd"])
        assert page.row("cost", name)[4] == str(each["calls"])
    assert page.row("cost", "claude-sonnet-5-5")[2] == "$0.0720 1 of unknown cost"
    assert page.row("cost", "Linen dress, ink, front overridden")[2:] == ["$0.0200", "28%", "1"]
    assert page.row("cost", "the run itself")[2] == "$0.0050"
    assert "$0.0720 of $1.0000" in " ".join(page.words.split())


def test_tokens_are_told_by_class_with_the_part_that_came_from_the_cache(shell, kept):
    kept.production("spring")
    page = read(shell, "spring")
    usage = shell.json("cost", "spring")["total"]["usage"]
    for name in ("input", "output", "cache_read", "cache_write"):
        assert page.row("tokens", name.replace("_", " "))[1] == f"{usage[name]:,}"
    assert page.row("tokens", "of the output: thinking")[1] == "800"
    assert "60.0% of what models read came from the cache" in page.words


def test_tools_are_told_with_errors_average_and_the_p95_that_the_trace_knows_too(shell, kept):
    kept.production("spring")
    summary = shell.json("trace", "spring", "--summary")
    assert summary == [{"tool": "render_shot", "calls": 20, "errors": 1, "average_ms": 10.5, "p95_ms": 19.0}]
    assert read(shell, "spring").row("tools", "render_shot") == ["render_shot", "20", "1", "10 ms", "19 ms"]


def test_the_p95_of_one_call_is_that_call(shell, kept):
    kept.agent("alone", output="x")
    kept.tool("alone", "assistant", "find_model", 7.5)
    assert shell.json("trace", "alone", "--summary")[0]["p95_ms"] == 7.5


def test_scores_are_plotted_take_by_take_and_stand_in_a_table(shell, kept):
    kept.production("spring")
    page = read(shell, "spring")
    assert page.row("scores", "Linen dress, ink, front refined")[1:] == ["1", "58", "background white"]
    assert ["Linen dress, ink, front refined", "2", "92", "-"] in page.rows["scores"]
    assert "take 1: score 58, missed background white; take 2: score 92. Threshold 80." in page.says


def test_a_decision_is_told_with_who_when_and_what(shell, kept):
    kept.production("spring")
    page = read(shell, "spring")
    row = next(row for row in page.rows["asked"] if "ines" in row[-1])
    assert REASON in row[1]
    assert row[2] == "reviewers"
    words = " ".join(row[3].split())
    assert words.startswith("approve by ines: “the white is the product”")
    assert words.endswith("after 3 min 20 s")
    assert "decided by ines" in page.words


def test_rulings_errors_and_failed_items_are_told(shell, kept):
    kept.production("spring")
    kept.failed_attempt("spring:refined#0123/1.critic", "the line broke")
    page = read(shell, "spring")
    rulings = [[cell.strip() for cell in row[2:]] for row in page.rows["rulings"]]
    assert ["loop", "render_shot again Linen dress, ink, front"] in rulings
    assert any(row[0] == "compact" and "dropped 3" in row[1] for row in rulings)
    errors = " ".join(cell for row in page.rows["errors"] for cell in row)
    assert "the studio fell over" in errors
    assert "the line broke" in errors
    assert page.row("lost", "Linen dress, ink, front failed")[1:] == ["failed", "the studio did not answer"]


def test_the_head_tells_status_goal_tenant_and_what_was_published(shell, kept):
    kept.production("spring")
    words = " ".join(read(shell, "spring").words.split())
    assert GOAL in words
    assert "Partial" in words
    assert "tenant acme" in words
    assert "Published 2 of 3 items" in words


def test_a_run_whose_question_is_open_waits_for_a_person(shell, kept):
    kept.production("spring")
    kept.asked("spring", "failed", "what now?")
    page = read(shell, "spring")
    assert "Waits for a person" in page.words
    assert any(row[-1].strip() == "open" for row in page.rows["asked"])


def test_every_picture_has_a_title_and_a_description_or_is_left_out_of_reading(shell, kept):
    kept.production("spring")
    page = read(shell, "spring")
    read_aloud = [picture for picture in page.pictures if picture.get("aria-hidden") != "true"]
    assert len(read_aloud) == 1 + 2 + 1  # the timeline, two plots, the tokens
    assert all(picture["role"] == "img" for picture in read_aloud)
    assert {"Timeline", "Tokens by class"} <= set(page.says)


def test_every_call_tool_and_wait_has_a_bar_that_says_what_it_was(shell, kept):
    kept.production("spring")
    says = read(shell, "spring").says
    assert any("critic · turn 0 · claude-sonnet-5-5 · $0.0310" in each for each in says)
    assert any("render_shot: no such model" in each for each in says)
    assert any(each.startswith("waits for reviewers") and each.endswith("3 min 20 s") for each in says)


def test_the_page_needs_nothing_from_outside_and_runs_nothing(shell, kept):
    kept.production("spring")
    page = read(shell, "spring")
    text = Path("out/spring/report.html").read_text()
    assert "script" not in page.tags
    assert page.links == []
    assert re.search(r"https?://|//cdn|@import|url\(|\son\w+=", text) is None
    assert "prefers-color-scheme: dark" in text


def test_a_product_that_is_called_like_markup_is_shown_as_text(shell, kept):
    kept.production("spring", title=EVIL, note=EVIL)
    page = read(shell, "spring")
    text = Path("out/spring/report.html").read_text()
    assert "script" not in page.tags
    assert "<script" not in text
    assert page.row("cost", f"{EVIL} refined")
    assert any(EVIL in each for each in page.says)
    assert EVIL in " ".join(cell for row in page.rows["asked"] for cell in row)
    assert EVIL in " ".join(cell for row in page.rows["rulings"] for cell in row)


def test_one_item_is_reported_alone(shell, kept):
    kept.production("spring")
    page = read(shell, "spring:refined")
    assert [row[0] for row in page.rows["cost"] if row[0] in {"planner", "critic", "generator"}] == [
        "critic",
        "generator",
    ]
    assert "asked" not in page.rows
    assert "Published 1 of 1 item" in " ".join(page.words.split())
    assert len([path for path in Path("out").iterdir() if path.name.startswith("spring_refined-")]) == 1


def test_an_agent_is_reported_with_what_it_handed_in(shell, kept):
    kept.agent("counter", output="one, two, <b>three</b>")
    words = " ".join(read(shell, "counter").words.split())
    assert "Complete" in words
    assert "one, two, <b>three</b>" in words
    assert "Published" not in words


def test_an_answer_is_taken_out_of_its_json(shell, kept):
    kept.agent("counter", output='{"answer": "three"}')
    assert "Handed in three" in " ".join(read(shell, "counter").words.split())


def test_an_agent_without_an_answer_is_unfinished(shell, kept):
    kept.agent("counter", output=None)
    assert "Unfinished" in read(shell, "counter").words
