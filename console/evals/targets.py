"""Targets: how a case becomes an order for its pipeline. Nobody is waited for: what goes to a person is rejected."""

import importlib
import inspect
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError
from temporalio.client import WorkflowHandle

from activities.assets import Assets
from activities.brief_text import BriefProblems, dotted
from activities.briefs import load_brief
from activities.database import now
from activities.studio.profiles import Profiles
from console.errors import Exit, Stopped
from console.evals.hiring import Vacancies
from console.evals.suites import Case, Suite
from console.looks import AGENT, EVALUATION, PRODUCTION, SOLO
from workflows.models import AgentOrder, ReviewPolicy, RunOrder
from workflows.models.hiring import EvaluationOrder

NOBODY = ReviewPolicy(reminders=(), deadline=timedelta(0))

Ordered = Callable[[Case], Awaitable[BaseModel]]


Outcome = Callable[[WorkflowHandle[Any, Any]], Awaitable[Any]]


async def _result(handle: WorkflowHandle[Any, Any]) -> Any:  # noqa: ANN401 - any outcome
    return await handle.result()


@dataclass(frozen=True)
class Target:
    """A workflow that cases are run against. `own`: only a worker of somebody's own can serve it.

    `outcome` waits for what is judged: the workflow's result, unless something else is.
    """

    workflow: Any
    order: Ordered
    own: bool = False
    outcome: Outcome = _result


def target(suite: Suite, model: str, assets: Assets, profiles: Profiles, vacancies: Vacancies) -> Target:
    """Find the workflow of a suite, and check every case's order before anything is started.

    Raises:
        Stopped: there is no such workflow, or an order does not fit.
    """
    if suite.pipeline in {"production", "solo"}:
        kind = PRODUCTION if suite.pipeline == "production" else SOLO

        async def produced(case: Case) -> BaseModel:
            data = _brief(case, profiles)
            return _fit(case, RunOrder, model, {"brief": await assets.put(data), "title": case.name})

        for case in suite.cases:
            _brief(case, profiles)
            _fit(case, RunOrder, model, {"brief": "", "title": case.name})
        return Target(kind, produced)
    if suite.pipeline == "evaluation":
        return _evaluation(suite, model, vacancies)
    workflow, kind_of_order = (AGENT, AgentOrder) if suite.pipeline == "agent" else _own(suite.pipeline)

    async def ordered(case: Case) -> BaseModel:
        return _fit(case, kind_of_order, model)

    for case in suite.cases:
        _fit(case, kind_of_order, model)
    return Target(workflow, ordered, own=suite.pipeline != "agent")


def _evaluation(suite: Suite, model: str, vacancies: Vacancies) -> Target:
    async def handed_in(case: Case) -> BaseModel:
        return _fit(case, EvaluationOrder, model, {"docket": await vacancies.hand_in(case), "title": case.name})

    for case in suite.cases:
        vacancies.read(case)
        _fit(case, EvaluationOrder, model, {"docket": "", "title": case.name})
    return Target(EVALUATION, handed_in, outcome=vacancies.outcome)


def _brief(case: Case, profiles: Profiles) -> bytes:
    data = json.dumps(case.brief).encode()
    try:
        load_brief(data, profiles, today=now().date())
    except BriefProblems as error:
        problems = [{"path": f"{case.name}: {each.path}", "message": each.message} for each in error.problems]
        raise Stopped(Exit.BAD_FILE, f"the brief of {case.name} has mistakes", problems) from None
    return data


def _fit(case: Case, kind: type[BaseModel], model: str, more: dict[str, Any] | None = None) -> BaseModel:
    given = {**case.order, **(more or {}), "review": NOBODY}
    try:
        return kind.model_validate({**given, "model": model} if model else given)
    except ValidationError as error:
        problems = [{"path": f"{case.name}: order.{dotted(e['loc'])}", "message": e["msg"]} for e in error.errors()]
        raise Stopped(Exit.BAD_FILE, f"the order of {case.name} has mistakes", problems) from None


def _own(path: str) -> tuple[Any, type[BaseModel]]:
    module, _, name = path.partition(":")
    if "" not in sys.path:  # an installed command does not look where it is run
        sys.path.insert(0, "")
    try:
        run = getattr(importlib.import_module(module), name).run
    except (ImportError, AttributeError) as error:
        raise Stopped(Exit.MISSING, f"{path} cannot be found: {error}; run this where your package is") from None
    kinds = list(get_type_hints(run).values()) if inspect.isfunction(run) else []
    if not kinds or not (isinstance(kinds[0], type) and issubclass(kinds[0], BaseModel)):
        raise Stopped(Exit.BAD_FILE, f"{path}.run must take one order, a pydantic model, with its type written down")
    return run, kinds[0]
