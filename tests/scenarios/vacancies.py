"""Small vacancies: candidates in a sentence or two, and people who decide about them."""

import asyncio
import uuid

from activities.assets import Assets
from rehearsal.roles import Roles
from rehearsal.roles.dialogue import Dialogue
from rehearsal.scripts import Script, answer
from tests.scenarios.signing import seal
from tests.scenarios.stage import PATIENCE
from workflows.models import Decision, Receipt, RunState
from workflows.models.hiring import CandidateState, EvaluationOrder
from workflows.models.rubrics import Application, Docket, Entered, Paper, Role

ANCHORS = ["Shows that it is not there.", "Has seen it.", "Does it.", "Does it well.", "Teaches it."]


def requirement(name, *indicators, **more):
    return {
        "id": name,
        "title": name.replace("-", " ").capitalize(),
        "asks": f"Has {name.replace('-', ' ')}.",
        "anchors": ANCHORS,
        "indicators": indicators,
        **more,
    }


BAKING = requirement("baking", "sourdough", "baguettes", "ovens", "night shifts", must_have=True, weight=3)
SERVING = requirement("serving", "customers", "till", "orders")


def role(*requirements, threshold=50, **more) -> Role:
    fields = {"id": "baker", "version": "1", "title": "Baker", "summary": "Bakes and sells bread.", **more}
    return Role.model_validate({**fields, "threshold": threshold, "requirements": requirements or (BAKING, SERVING)})


GOOD = "Baked sourdough and baguettes in wood-fired ovens for ten years.\n\nServed customers and kept the till."
PLAIN = {"first_view": False}


async def file(assets: Assets, documents, *, of: Role | None = None, policy=PLAIN, usd=(5.0, 1.0)) -> str:
    """Keep a vacancy for candidates `key: (name, bytes or text, ...)`; returns its docket."""
    entered = []
    for key, (name, *papers) in documents.items():
        data = [each.encode() if isinstance(each, str) else each for each in papers]
        kept = tuple([Paper(digest=await assets.put(each), kind="unknown") for each in data])
        application = Application(key=key, name=name, papers=kept)
        entered.append(Entered(key=key, application=await assets.put(application.model_dump_json().encode())))
    budget = {"run_usd": usd[0], "item_usd": usd[1]}
    fields = {"title": "Baker", "role": of or role(), "policy": policy, "budget": budget, "candidates": entered}
    return await assets.put(Docket.model_validate(fields).model_dump_json().encode())


async def open_vacancy(stage, documents, **more):
    order = EvaluationOrder(docket=await file(stage.world.assets, documents, **more), title="Baker")
    return await start(stage, order)


async def start(stage, order):
    return await stage.client.start_workflow(
        "CandidateEvaluation",
        order,
        id=f"vacancy-{uuid.uuid4().hex[:8]}",
        task_queue=stage.queue,
        result_type=RunState,
    )


def candidate(stage, run, key):
    return stage.client.get_workflow_handle(f"{run.id}:{key}", result_type=None)


async def shown(stage, run, key) -> CandidateState:
    """Wait until a person is asked about a candidate, and read what they are shown."""
    handle = candidate(stage, run, key)
    await stage.until_asked(handle)
    return await handle.query("state", result_type=CandidateState)


async def evaluated(stage, text, **more):
    """Evaluate one candidate up to the question, and read what a person is shown."""
    run = await open_vacancy(stage, {"ada": ("Ada Blum", text)}, **more)
    return run, await shown(stage, run, "ada")


async def decide(stage, run, key, choice="approve", note="I read everything.", by="Ines", **more) -> Receipt:
    handle, decision = candidate(stage, run, key), Decision(choice=choice, by=by, note=note, **more)
    return await handle.execute_update("decide", await seal(handle, decision), result_type=Receipt)


async def ended(run) -> RunState:
    return await asyncio.wait_for(run.result(), PATIENCE)


async def history_of(handle) -> bytes:
    """Every byte of a workflow's history; as JSON its payloads would be unreadable."""
    return b"\n".join([event.SerializeToString() async for event in handle.fetch_history_events()])


def kinds(state: CandidateState) -> list[str]:
    return [flag.kind for flag in state.evaluation.flags]


def evaluators(*turns) -> Script:
    """A cast whose evaluators are scripted; planner and summariser play by their rules."""
    return Script({"evaluator": list(turns)}, else_=Roles())


def finding(score, verdict, evidence=(), reasoning="As cited."):
    return answer({"evidence": list(evidence), "reasoning": reasoning, "score": score, "verdict": verdict})


def cited(request):
    """The passages that `cite` confirmed so far in a conversation."""
    fields = ("document", "quote", "start", "end")
    return [{name: each.data[name] for name in fields} for each in Dialogue(request).of("cite") if each.ok]
