"""Evaluations at the command line: what is refused, what the records tell, and that nobody there is no answer."""

import asyncio
import shutil

import pytest

from activities.assets import Assets
from activities.candidate_papers import CandidatePapers
from activities.database import Database
from activities.hiring import HiringDesk
from activities.hiring_tables import CandidateRow
from activities.settings import Settings
from console.ask import Terminal
from console.errors import Exit, Stopped
from console.looks import Look
from console.screen import Screen
from console.vacancies import Filed
from tests.evaluation.files import ASKED, ROLE, decision, evaluation
from tests.evaluation.writing import SAMPLES
from workflows.models import ItemRow, Question, RunState, Scope
from workflows.models.hiring import CandidateRecord, CandidateState
from workflows.models.production import Budget
from workflows.models.rubrics import Application, Docket, Entered, HiringPolicy

VACANCY = SAMPLES / "backend-engineer"
GROUPS = "candidate,sex\nada,female\nben,male\n"


@pytest.fixture
def sample(tmp_path):
    """A vacancy of one's own, to be spoilt."""
    folder = tmp_path / "vacancy"
    shutil.copytree(VACANCY, folder)
    return folder


def spoil(folder, was, is_now):
    path = folder / "vacancy.yaml"
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, is_now, 1))


async def keep(run, *, moved=0):
    """Enter a run of two candidates into the stores of the settings, as its workflows would."""
    settings = Settings()
    database, assets = Database(settings.database_url), Assets.at(settings.assets_url)
    database.prepare()
    desk = HiringDesk(database, assets, CandidatePapers(database, assets))
    people = {key: Application(key=key, name=f"{key} Blum", papers=()) for key in ("ada", "ben")}
    kept = {key: await assets.put(each.model_dump_json().encode()) for key, each in people.items()}
    entered = [Entered(key=key, application=digest) for key, digest in kept.items()]
    docket = Docket(title="Baker", role=ROLE, policy=HiringPolicy(), budget=Budget(), candidates=tuple(entered))
    digest = await assets.put(docket.model_dump_json().encode())
    rows = [
        CandidateRow(run=run, key=key, position=at, application=kept[key], docket=digest, rubric=ROLE.digest,
                     title=f"{key} · Baker", status="waiting", evaluation="", hold="")
        for at, key in enumerate(people)
    ]  # fmt: skip
    await database.run(lambda session: session.add_all(rows))
    for key, outcome in (("ada", "advance"), ("ben", "decline")):
        found = evaluation(3 if key == "ada" else 1 + moved)
        state = CandidateState(key=key, title=f"{key} · Baker", status="decided", evaluation=found, outcome=outcome)
        await desk.record(CandidateRecord(run=run, state=state))
        await desk.decide(
            decision(found, key=key, outcome=outcome).model_copy(update={"run": run, "question": f"{run}{key}"})
        )
    database.close()


@pytest.mark.parametrize(
    ("was", "is_now", "path", "says"),
    [
        ("meets_at: 2", "meets_at: 9", "role.requirements[0].meets_at", "less than or equal to 4"),
        ("[c-01/cv.pdf]", "[c-01/none.pdf]", "candidates[0].documents[0]", "No such file"),
        ("key: c-02", "key: c-01", "candidates[1].key", "given twice"),
        ("asks: Has built", "asks: As a native speaker, has built", "role.requirements[0].asks", "native speaker"),
    ],
)
def test_a_vacancy_with_a_mistake_is_refused_before_anything_is_kept(shell, sample, was, is_now, path, says, tmp_path):
    spoil(sample, was, is_now)
    told = shell.json("start", "evaluation", str(sample))
    assert shell.code == Exit.BAD_FILE
    (problem,) = [each for each in told["error"]["problems"] if each["path"] == path]
    assert says in problem["message"]
    assert not (tmp_path / "home").exists()


def test_a_document_of_a_kind_that_is_not_read_is_refused(shell, sample):
    (sample / "c-01" / "cv.pdf").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    assert shell("start", "evaluation", str(sample)) == Exit.BAD_FILE
    assert "neither text, nor PDF, nor DOCX" in shell.err


def test_a_folder_without_a_vacancy_is_refused(shell, tmp_path):
    assert shell("start", "evaluation", str(tmp_path)) == Exit.BAD_FILE
    assert "vacancy.yaml" in shell.err


def test_the_handed_in_docket_names_nobody(tmp_path):
    filed = Filed(VACANCY)
    assets = Assets.at(tmp_path / "assets")
    docket = asyncio.run(_docket(filed, assets))
    for applicant in filed.vacancy.candidates:
        assert applicant.name.encode() not in docket


async def _docket(filed, assets):
    return await assets.get(await filed.hand_in(assets))


def test_the_page_is_written_from_the_records_without_a_server(shell, tmp_path):
    asyncio.run(keep("r1"))
    (tmp_path / "groups.csv").write_text(GROUPS)
    told = shell.json("evaluation", "page", "r1", "--groups", "groups.csv")
    text = (tmp_path / told["page"]).read_text()
    assert "Baked rye bread" in text
    assert "impact ratio" in text


def test_rates_are_shown_and_exported(shell, tmp_path):
    asyncio.run(keep("r1"))
    (tmp_path / "groups.csv").write_text(GROUPS)
    told = shell.json("evaluation", "rates", "r1", "--groups", "groups.csv", "--out", "rates.csv")
    selected = told[0]["rates"]
    assert [(rate["group"], rate["rate"], rate["flagged"]) for rate in selected] == [
        ("female", 1.0, False),
        ("male", 0.0, True),
    ]
    assert (tmp_path / "rates.csv").read_text().startswith("measure,category,group")
    assert shell("evaluation", "rates", "r1", "--groups", "groups.csv") == Exit.OK
    assert "below 0.80" in shell.out


def test_rates_without_groups_or_with_a_bad_file_are_refused(shell, tmp_path):
    asyncio.run(keep("r1"))
    assert shell("evaluation", "rates", "r1") == Exit.USAGE
    (tmp_path / "groups.csv").write_text("nothing\n")
    assert shell("evaluation", "rates", "r1", "--groups", "groups.csv") == Exit.BAD_FILE
    assert shell("evaluation", "rates", "r1", "--groups", "none.csv") == Exit.BAD_FILE


def test_two_runs_are_compared(shell):
    asyncio.run(keep("r1"))
    asyncio.run(keep("r2", moved=1))
    told = shell.json("evaluation", "compare", "r1", "r2")
    assert (told["unmoved"], told["widest"]) == (1, 25)
    assert shell("evaluation", "compare", "r1", "r2") == Exit.OK
    assert "1 of 2 came to the very same" in shell.out


def test_notices_are_printed_and_name_nobody(shell):
    asyncio.run(keep("r1"))
    assert shell("evaluation", "notices", "r1") == Exit.OK
    assert "Ines decided this" in shell.out
    assert "ada Blum" not in shell.out


def test_an_unknown_run_is_an_unknown_id(shell):
    for words in (
        ("evaluation", "page", "none"),
        ("evaluation", "notices", "none"),
        ("evaluation", "hold", "none:ada", "--reason", "x"),
    ):
        assert shell(*words) == Exit.UNKNOWN_ID


def test_what_is_to_be_erased_has_to_be_named(shell):
    assert shell("erase") == Exit.USAGE
    assert shell("erase", "r1") == Exit.USAGE
    assert shell("erase", "r1:ada", "--due") == Exit.USAGE


def test_a_hold_is_set_and_released(shell):
    asyncio.run(keep("r1"))
    assert shell("evaluation", "hold", "r1:ada", "--reason", "a claim") == Exit.OK
    assert "held: a claim" in shell.out
    assert shell("evaluation", "release", "r1:ada") == Exit.OK


class OneQuestion:
    """A run with one candidate who waits."""

    def __init__(self) -> None:
        self.sent = []

    async def question(self, workflow):
        if workflow != "r1:ada":
            return None  # the run itself asks nothing
        return Question(
            id="q1", scope=Scope(run="r1", item="ada"), title="ada · Baker", reason="meets", digest="sha256:0",
            options=("approve", "reject"), asked_at=ASKED, fallback="hold", needs_note=True,
        )  # fmt: skip

    async def look(self, workflow):
        return Look(id=workflow, type="EvaluateCandidate", running=True, execution="running")

    async def decide(self, _workflow, decision):
        self.sent.append(decision)
        raise Stopped(Exit.CONFLICT, "enough for this test")


def terminal(runs, lines, *, yes=False):
    given = iter(lines)

    async def read_line():
        try:
            return next(given)
        except StopIteration:
            raise EOFError from None

    async def where(_key, _digest):
        return VACANCY

    return Terminal(runs, Screen(), where, by="Ines", yes=yes, read_line=read_line)


SEEN = Look(
    id="r1", type="CandidateEvaluation", running=True, execution="running",
    run=RunState(id="r1", pipeline="candidate_evaluation", status="awaiting_review", started_at=ASKED,
                 items=(ItemRow(key="ada", status="awaiting_review"),)),
)  # fmt: skip


async def test_nobody_at_the_terminal_turns_nobody_down():
    runs = OneQuestion()
    with pytest.raises(Stopped, match="waits for a person") as stopped:
        await terminal(runs, []).answer(SEEN, lambda: None)
    assert stopped.value.code == Exit.CONFLICT
    assert runs.sent == []


async def test_a_person_is_asked_why_until_they_say():
    runs = OneQuestion()
    await terminal(runs, ["r", "", " ", "no bread"]).answer(SEEN, lambda: None)
    (sent,) = runs.sent
    assert (sent.choice, sent.note, sent.by) == ("reject", "no bread", "Ines")


async def test_yes_turns_nobody_down():
    runs = OneQuestion()
    await terminal(runs, [], yes=True).answer(SEEN, lambda: None)
    (sent,) = runs.sent
    assert (sent.choice, sent.by) == ("approve", "a demo stand-in (--yes)")  # and not in the name of whoever typed it
    assert "without a look" in sent.note
