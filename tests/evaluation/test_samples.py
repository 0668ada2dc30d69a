"""The samples that ship: what they are made from, and what is planted in them."""

import pytest

from activities.documents.__main__ import read
from activities.documents.extracts import Unreadable
from activities.documents.signs import orders
from activities.vacancies import load_vacancy
from tests.evaluation.writing import SAMPLES, sources, written

VACANCIES = sorted(SAMPLES.glob("*/vacancy.yaml"))
EVERY = [(vacancy.parent, source) for vacancy in VACANCIES for source in sources(vacancy.parent)]


@pytest.mark.parametrize(("folder", "source"), EVERY, ids=[source["file"] for _, source in EVERY])
def test_a_shipped_document_is_what_its_source_makes(folder, source):
    shipped = (folder / source["file"]).read_bytes()
    if source.get("encrypted"):
        with pytest.raises(Unreadable, match="encrypted"):
            read(shipped)
    else:
        assert shipped == written(source)


def test_there_are_two_roles_and_enough_candidates_in_every_kind_of_file():
    vacancies = [load_vacancy(path.read_bytes()) for path in VACANCIES]
    documents = [name for vacancy in vacancies for each in vacancy.candidates for name in each.documents]
    assert len(vacancies) == 2
    assert sum(len(vacancy.candidates) for vacancy in vacancies) >= 12
    assert {name.rpartition(".")[2] for name in documents} == {"txt", "pdf", "docx"}


def test_every_document_of_a_vacancy_has_a_source():
    for path in VACANCIES:
        named = {name for each in load_vacancy(path.read_bytes()).candidates for name in each.documents}
        assert named == {source["file"] for source in sources(path.parent)}


def test_what_is_hidden_is_found_and_nothing_is_found_where_nothing_is():
    for folder, source in EVERY:
        if source.get("encrypted"):
            continue
        found = read((folder / source["file"]).read_bytes())
        hidden = " ".join(source.get("hidden", "").split())
        assert bool(found.hidden) == bool(hidden), source["file"]
        assert not hidden or hidden in found.hidden[0]
        assert bool(orders(found.text)) == ("Attention AI" in source["text"]), source["file"]
