"""The demo of candidate evaluation: from invented vacancies to decided candidates, on this machine alone."""

import asyncio
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape

from activities.assets import segment
from activities.connection import connect_to
from console import views
from console.ask import Terminal
from console.candidate_view import candidates
from console.demo_stage import OUT, DemoStage
from console.evaluation import begin, write_page
from console.follow import follow, verdict
from console.looks import EVALUATION, Look
from console.runs import Runs
from console.session import runs_of
from console.stack import Running
from console.stores import Stores
from console.vacancies import Filed, vacancies
from workflows.models.rubrics import Application

SAMPLES = Path("samples/evaluation")
GROUPS = "groups.csv"
ENDINGS = {"text": "txt", "pdf": "pdf", "docx": "docx"}
INVENTED = "The vacancies and everybody in them are invented."
UNSEEN = "--yes: every candidate goes on unseen, for show. No reviewer may do that, and nobody is turned down by it."


class EvaluationDemo(DemoStage):
    """Runs the vacancies of a folder, one after the other, and leaves a page for each."""

    async def run(self, path: Path, own_id: str) -> int:
        """Run what is at `path`; returns the worst exit code."""
        filed = [Filed(each) for each in vacancies(path)]  # before anything is started

        async def work(stores: Stores, running: Running) -> int:
            if _is_sample(path):
                self.say(f"[dim]{INVENTED}")
            if self.yes:
                self.say(f"[yellow]{UNSEEN}")
            runs = runs_of(await connect_to(running.address), self.settings)
            ids = [own_id and f"{own_id}-{number}" if len(filed) > 1 else own_id for number in range(1, len(filed) + 1)]
            results = [
                await self._evaluate(stores, running, runs, each, name) for each, name in zip(filed, ids, strict=True)
            ]
            self._farewell(running, results)
            return max(code for code, _, _ in results)

        return await self.staged(work)

    async def _evaluate(
        self, stores: Stores, running: Running, runs: Runs, filed: Filed, own_id: str
    ) -> tuple[int, Look, Path]:
        run = await begin(stores, runs, filed, own_id, self.settings.model, self.screen)
        self.say(f"Run [bold]{run}[/]   [dim]{self.page_of(running, run)}")
        review = Review(stores, run, OUT / segment(run), running.model, filed)
        terminal = Terminal(runs, self.screen, review.show, by=self.by, yes=self.yes)
        seen = await self.kept(run, follow(runs, run, self.screen, terminal.answer))
        page = await review.page()
        self.say(candidates([file.state for file in await stores.hiring.of_run(run) if file.state]))
        return int(verdict(seen)), seen, page

    def _farewell(self, running: Running, results: list[tuple[int, Look, Path]]) -> None:
        data: list[dict[str, Any]] = [
            {"id": seen.id, "status": seen.status, "model": running.model, "page": str(page), "state": seen.run}
            for _, seen, page in results
        ]
        parts: list[RenderableType] = []
        for _, seen, page in results:
            parts += ["", views.look(seen), f"[bold]Evaluation page[/]  {escape(str(page))}"]
        self.screen.show({"pipeline": EVALUATION, "runs": data}, Group(*parts))


class Review:
    """What a person is shown: first the documents alone, then the page with everything that was found."""

    def __init__(self, stores: Stores, run: str, folder: Path, model: str, filed: Filed) -> None:
        """Write into `folder`."""
        self._stores, self._run, self._folder = stores, run, folder
        self._model, self._filed = model, filed

    async def show(self, key: str, digest: str) -> Path:
        """Write what a question is about, and say where it lies."""
        file = next(each for each in await self._stores.hiring.of_run(self._run) if each.key == key)
        if file.evaluation == digest:
            return Path(f"{await self.page()}#{key}")
        folder = self._folder / "documents" / segment(key)
        application = Application.model_validate_json(await self._stores.assets.get(file.application))
        for number, paper in enumerate(application.papers, 1):
            data = await self._stores.assets.get(paper.digest)
            await asyncio.to_thread(_write, folder / f"{number}.{ENDINGS.get(paper.kind, 'bin')}", data)
        return folder

    async def page(self) -> Path:
        """Write the page of the run."""
        page, groups = self._folder / "evaluation.html", self._filed.path.parent / GROUPS
        named, sample = groups if groups.is_file() else None, _is_sample(self._filed.path)
        await write_page(self._stores, self._run, page, model=self._model, groups=named, sample=sample)
        return page


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _is_sample(path: Path) -> bool:
    return SAMPLES.parts[-1] in path.parts and SAMPLES.parts[0] in path.parts
