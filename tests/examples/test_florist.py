"""A package of somebody's own: one tool, one agent, one pipeline, a worker, and nothing of ours edited."""

import ast

import pytest

from rehearsal.scripts import Script, answer, call
from tests.examples.own import EXAMPLES, Own, environment, mypy, said
from tests.scenarios.shoots import asked, decide, until
from workflows.models import WorkState

FLORIST = EXAMPLES / "florist"
BOUQUET = {"name": "Spring", "stems": 9}
WRONG = """
from florist.pipeline import FLORIST, Bouquet, BouquetOrder, Bouquets
from workflows.agent import Agent, Ended
from workflows.each import each


class Wrong(Bouquets):
    async def of_another_type(self) -> Ended[BouquetOrder]:
        return await self.consult(FLORIST, "A bouquet.")

    async def no_such_field(self) -> int:
        ended = await self.consult(FLORIST, "A bouquet.")
        return ended.output.petals if ended.output else 0

    async def fates_of_another_type(self) -> list[str | None]:
        return [fate.result for fate in await each(self.arrange, ["wedding"])]


NOT_A_MODEL = Agent("florist", "You are the florist of a shop.", dict)
"""


def arranges(stems: int = 9) -> Script:
    return Script({"florist": [call("count_stems", name="tulip"), answer({"name": "Spring", "stems": stems})]})


async def test_a_package_of_somebodys_own_runs_as_it_is_written(play, server, tmp_path):
    async with play(arranges(), working=False) as stage:
        own = Own.copied("florist", tmp_path, environment(stage, server))
        async with own.worker():
            ordering = own.start("order.py", "bouquets-1", "wedding", "birthday")
            handle = stage.client.get_workflow_handle("bouquets-1")
            await until(lambda: _exists(handle))
            question = await asked(stage, handle)
            state = WorkState.model_validate(await handle.query("state"))
            await decide(handle, "approve")
            printed = await said(ordering)
        found = [each.id async for each in stage.client.list_workflows("CallsheetPipeline = 'bouquets'")]
        begun = await stage.records.costs("bouquets-1")
        results = [result for talk in await stage.records.transcript("bouquets-1") for result in _results(talk)]
    assert printed == "Spring: 9 stems\nSpring: 9 stems\n"
    assert "Spring, Spring" in question.reason
    assert (state.pipeline, state.status, state.goal) == (
        "bouquets",
        "awaiting_review",
        "Bouquets of flowers that we have.",
    )
    assert (state.spend.turns, state.spend.tool_calls, state.cap_micro_usd) == (4, 2, 2_000_000)
    assert found == ["bouquets-1"]
    assert begun
    assert all('"tulip":40' in result for result in results)


async def test_what_is_handed_in_of_another_type_is_an_error_of_the_type_checker(tmp_path):
    own = Own.copied("florist", tmp_path, {})
    (own.folder / "wrong.py").write_text(WRONG)
    found = mypy(own.folder, "florist", "worker.py", "order.py", "wrong.py")
    assert [line for line in found if not line.startswith("wrong.py")] == []
    lines = [int(line.split(":")[1]) for line in found if ": error:" in line]
    wrong = [number for number, line in enumerate(WRONG.splitlines(), 1) if "return" in line or "NOT_A_MODEL" in line]
    assert lines == wrong


@pytest.mark.parametrize(("files", "most"), [(("tools", "pipeline"), 40), (("../worker",), 10)])
def test_the_tool_the_agent_and_the_pipeline_take_less_than_forty_lines_and_the_worker_ten(files, most):
    code = [ast.parse((FLORIST / "florist" / f"{name}.py").read_text()) for name in files]
    assert sum(_lines(each) for each in code) <= most


def _lines(code: ast.Module) -> int:
    """Count the lines of code: no blank ones, no docstrings, no imports."""
    skipped: set[int] = set()
    for node in ast.walk(code):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring or isinstance(node, ast.Import | ast.ImportFrom):
            skipped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    written = {line for node in ast.walk(code) if hasattr(node, "lineno") for line in (node.lineno, node.end_lineno)}
    return len(written - skipped)


async def _exists(handle) -> bool:
    try:
        await handle.describe()
    except Exception:  # noqa: BLE001 - it is being started
        return False
    return True


def _results(talk: dict) -> list[str]:
    blocks = [block for message in talk["messages"] for block in message["content"] if block["type"] == "tool_result"]
    return [str(block["content"]) for block in blocks]
