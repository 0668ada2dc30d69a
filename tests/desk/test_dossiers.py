"""What is shown of a candidate: what the question is about and nothing else, with quotes looked up where they stand."""

import pytest

from activities.assets import Assets
from activities.candidate_papers import CandidatePapers
from activities.database import Database
from activities.hiring_records import HiringRecords
from activities.hiring_tables import CandidateRow, RubricRow
from desk.dossiers import Dossiers
from tests.evaluation.files import ASKED, ROLE, evaluation
from workflows.models import Question, Scope
from workflows.models.hiring import CandidateState
from workflows.models.rubrics import Application, Paper

TEXT = "Ada Blum\n\nBaked rye bread for nine years, and nothing else was asked of her in all that time."
QUOTE = "Baked rye bread"
AT = TEXT.index(QUOTE)


class House:
    """The records and the documents of one candidate, and what the desk makes of them."""

    def __init__(self, folder):
        self.database, self.assets = Database(f"sqlite:///{folder / 'db'}"), Assets.at(folder / "assets")
        self.database.prepare()
        self.papers = CandidatePapers(self.database, self.assets)
        self.dossiers = Dossiers(HiringRecords(self.database), self.papers)

    async def enter(self, *, start=AT, **more):
        """Enter Ada with one document and an evaluation that quotes it from `start` on."""
        paper = Paper(digest=await self.assets.put(TEXT.encode()), kind="text")
        read = await self.papers.read("r", "Ada", Application(key="ada", name="Ada Blum", papers=(paper,)))
        found = evaluation(2, quote=QUOTE, document=read.seen("original")[0].id)
        look = found.compared[0].original
        place = look.finding.evidence[0].model_copy(update={"start": start, "end": start + len(QUOTE)})
        finding = look.finding.model_copy(update={"evidence": (place,)})
        compared = found.compared[0].model_copy(update={"original": look.model_copy(update={"finding": finding})})
        found = found.model_copy(update={"compared": (compared,)})
        state = CandidateState(key="ada", title="ada · Baker", evaluation=found).model_dump_json()
        rubric = RubricRow(digest=ROLE.digest, role=ROLE.id, version=ROLE.version, body=ROLE.model_dump_json())
        row = CandidateRow(
            run="r", key="ada", position=0, application="sha256:1", docket="sha256:2", rubric=ROLE.digest,
            title="ada · Baker", evaluation=found.digest, state=state, hold="", **more,
        )  # fmt: skip
        await self.database.run(lambda session: session.add_all([rubric, row]))
        return found

    async def about(self, digest, kind="candidate"):
        asked = Question(
            id="q", scope=Scope(run="r", item="ada"), title="t", reason="r", kind=kind, digest=digest, asked_at=ASKED
        )
        return await self.dossiers.of("r", "ada", asked)


@pytest.fixture
def house(tmp_path):
    found = House(tmp_path)
    yield found
    found.database.close()


async def test_a_quote_is_shown_where_it_stands_between_the_words_around_it(house):
    dossier = await house.about((await house.enter()).digest)
    (quoted,) = dossier.criteria[0].original.quotes
    assert (quoted.stands, quoted.document, quoted.page) == (True, 1, 1)
    assert quoted.before + quoted.quote + quoted.after == TEXT


async def test_a_quote_that_stands_elsewhere_than_it_says_is_shown_as_lost(house):
    dossier = await house.about((await house.enter(start=0)).digest)
    (quoted,) = dossier.criteria[0].original.quotes
    assert (quoted.stands, quoted.before, quoted.after) == (False, "", "")


@pytest.mark.parametrize("kind", ["first_view", "candidate"])
async def test_a_question_about_something_else_shows_the_documents_and_no_level(house, kind):
    await house.enter()
    dossier = await house.about("sha256:another", kind)
    assert (dossier.evaluation, dossier.criteria) == (None, ())
    assert dossier.papers[0].pages == (TEXT,)


async def test_a_question_about_money_shows_nothing_of_a_candidate(house):
    assert await house.about((await house.enter()).digest, "budget") is None


async def test_of_somebody_who_was_erased_nothing_is_shown(house):
    dossier = await house.about((await house.enter(erased_at=ASKED)).digest)
    assert (dossier.erased, dossier.evaluation, dossier.papers) == (True, None, ())
