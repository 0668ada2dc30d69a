"""Vacancies that people write: a file or a folder, with the documents beside it, handed in as a whole or not at all."""

import copy
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from activities.assets import Assets
from activities.brief_text import BriefProblems, Problem
from activities.documents.extracts import kind_of, too_large
from activities.vacancies import load_vacancy
from console.errors import Exit, Stopped
from console.orders import bad_file, read_file
from workflows.models.rubrics import Applicant, Application, Docket, Entered, HiringPolicy, Paper, Vacancy

NAME = "vacancy.yaml"


class Filed:
    """A vacancy and the documents of everybody in it, read from a disk."""

    def __init__(self, path: Path) -> None:
        """Read the vacancy at `path`, a file or a folder that holds a `vacancy.yaml`; every mistake is listed."""
        self.path = path / NAME if path.is_dir() else path
        self._data = read_file(self.path)
        try:
            self.vacancy: Vacancy = load_vacancy(self._data)
            self._documents = self._read()
        except BriefProblems as error:
            raise bad_file(self.path, error) from None

    def with_candidates(
        self, candidates: Iterable[Applicant], documents: Mapping[str, bytes], policy: HiringPolicy
    ) -> "Filed":
        """The same role for these candidates alone; `documents` are theirs, beside the files that were read."""
        other = copy.copy(self)
        other.vacancy = self.vacancy.model_copy(update={"candidates": tuple(candidates), "policy": policy})
        other._documents = {**self._documents, **documents}  # noqa: SLF001 - another of this class
        return other

    @property
    def digest(self) -> str:
        """Tell this vacancy and its documents from every other."""
        parts = [self._data, *(self._documents[name] for name in sorted(self._documents))]
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    async def hand_in(self, assets: Assets) -> str:
        """Keep everything; returns the digest of the docket, which names nobody."""
        vacancy = self.vacancy
        entered = []
        for applicant in vacancy.candidates:
            files = [self._documents[name] for name in applicant.documents]
            papers = tuple([Paper(digest=await assets.put(data), kind=kind_of(data)) for data in files])
            application = Application(
                key=applicant.key, name=applicant.name, papers=papers, notified_on=applicant.notified_on
            )
            digest = await assets.put(application.model_dump_json().encode())
            entered.append(Entered(key=applicant.key, application=digest))
        docket = Docket(
            title=vacancy.title,
            role=vacancy.role,
            policy=vacancy.policy,
            budget=vacancy.budget,
            candidates=tuple(entered),
        )
        return await assets.put(docket.model_dump_json().encode())

    def _read(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        problems: list[Problem] = []
        for at, applicant in enumerate(self.vacancy.candidates):
            for number, name in enumerate(applicant.documents):
                where = f"candidates[{at}].documents[{number}]"
                try:
                    found[name] = (self.path.parent / name).read_bytes()
                except OSError as error:
                    problems.append(Problem(where, 0, f"{name} cannot be read: {error.strerror}"))
                    continue
                if (problem := too_large(len(found[name]))) is not None:
                    problems.append(Problem(where, 0, f"{name}: {problem}"))
                elif kind_of(found[name]) == "unknown":
                    problems.append(Problem(where, 0, f"{name} is neither text, nor PDF, nor DOCX"))
        if problems:
            raise BriefProblems(problems)
        return found


def vacancies(path: Path) -> list[Path]:
    """List the vacancies at a path: itself, or one for each folder in it that holds one."""
    if path.is_file() or (path / NAME).is_file():
        return [path]
    found = sorted(each.parent for each in path.glob(f"*/{NAME}"))
    if not found:
        raise Stopped(Exit.BAD_FILE, f"there is no {NAME} in {path}, nor in a folder in it")
    return found
