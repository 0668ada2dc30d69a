"""Pools: the parts of the work, each a task queue of its own, so that each scales, and is limited, on its own.

Four are always there. A tool that needs a GPU or a licence names a further one: `@tool(..., queue="gpu")`.
"""

from collections.abc import Iterable, Mapping, Sequence

from activities.settings import Settings
from activities.tools.definition import BadTool, Tool

POOLS = ("workflows", "model", "tools", "studio")
PLACES = {"workflows": 100, "model": 50, "tools": 20, "studio": 2}
"""How many activities of each pool run at once in one process; the studio's keep a core busy each."""
OTHERS = 20
"""Places of a pool that a tool names."""


class UnknownPool(ValueError):  # noqa: N818 - says what is wrong, as its neighbours do
    """A setting names a pool that is none of the four, and that no tool names either."""


def pools_of(tools: Iterable[Tool]) -> tuple[str, ...]:
    """List the pools there are with these tools.

    Raises:
        BadTool: a tool names a pool where no tools run, or it would not run where it says.
    """
    own: dict[str, None] = {}
    for each in tools:
        name = each.policy.queue
        if name in {"workflows", "model"}:
            fix = 'leave queue out, or name a pool of its own, e.g. queue="gpu"'
            raise BadTool(f"{each.name}: no tools run in the pool {name}", fix)
        if name not in POOLS and each.policy.quick:
            problem = f"{each.name}: what is quick runs in whichever worker asks for it, not in the pool {name}"
            raise BadTool(problem, "leave quick out, or queue")
        if name not in POOLS:
            own[name] = None
    return (*POOLS, *sorted(own))


def runs_in(tool: Tool, served: Sequence[str]) -> bool:
    """Tell whether a worker of these pools runs a tool: only then it needs what the tool needs."""
    quick = tool.policy.quick and tool.policy.effect == "read"
    return tool.policy.queue in served or (quick and "workflows" in served)


def served_by(settings: Settings, pools: Sequence[str]) -> tuple[str, ...]:
    """Say which of the pools a worker with these settings serves: those that are named, or all.

    Raises:
        UnknownPool: a setting names one that there is not, or a rate for the queue of the workflows.
    """
    for name, named in (("QUEUES", settings.queues), ("PLACES", settings.places), ("RATES", settings.rates)):
        known(f"CALLSHEET_{name}", named, pools)
    if "workflows" in settings.rates:
        raise UnknownPool("CALLSHEET_RATES: the pool workflows can have no rate, because eager activities pass it by")
    return settings.queues or tuple(pools)


def known(variable: str, named: Iterable[str], pools: Sequence[str]) -> None:
    """Check the pools that a setting names.

    Raises:
        UnknownPool: there is no such pool.
    """
    if unknown := [name for name in named if name not in pools]:
        raise UnknownPool(f"{variable}: unknown {', '.join(unknown)}; known are {', '.join(pools)}")


def places(pool: str, chosen: Mapping[str, int]) -> int:
    """Say how many activities of a pool run at once in one process."""
    return chosen.get(pool, PLACES.get(pool, OTHERS))
