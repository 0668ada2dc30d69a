"""Scripts as files: YAML or JSON, for `python -m rehearsal --script FILE`.

    planner:
      - answer: {reasoning: "...", shots: [...]}
    generator:
      - fail: {status: 529, type: overloaded_error, times: 2}
      - calls:
          - {name: find_model, input: {name: Ama}}
          - {name: venue_rules, input: {profile: amazon.main}}
      - call: {name: render_shot, input: {shot: a}}
      - forever: {say: "done"}

Each turn is one name with its arguments: a mapping, or a single value for the first argument. Under the name
`compaction` stand the turns for requests that ask for a summary, whoever asks.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from rehearsal import scripts
from rehearsal.player import Performance, Player, ToolUse
from rehearsal.scripts import Repeat, Script, Turn

PLAIN: Final[Mapping[str, Callable[..., Turn | Repeat]]] = {
    "say": scripts.say,
    "refuse": scripts.refuse,
    "pause": scripts.pause,
    "overflow": scripts.overflow,
    "fail": scripts.fail,
    "stall": scripts.stall,
    "drip": scripts.drip,
    "hang_up": scripts.hang_up,
    "truncate": scripts.truncate,
    "break_off": scripts.break_off,
    "garble": scripts.garble,
    "expire": scripts.expire,
    "cancel": scripts.cancel,
}


def load_script(path: Path, else_: Player | None = None) -> Script:
    """Read a script; `else_` answers for agents that it leaves out.

    Raises:
        ValueError: a turn has no such name or arguments, or the file is no mapping of agents to turns.
    """
    parts = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    if not isinstance(parts, dict) or not all(isinstance(turns, list) for turns in parts.values()):
        raise ValueError(f"{path.name}: a script maps each agent to a list of turns")
    turns = {agent: [_named(agent, turn) for turn in listed] for agent, listed in parts.items()}
    return Script(turns, else_, compaction=turns.pop("compaction", None))


def _named(agent: str, turn: object) -> Turn | Repeat:
    try:
        return _turn(turn)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"script for '{agent}': {turn!r} is no turn ({error})") from error


def _turn(turn: Any) -> Turn | Repeat:  # noqa: ANN401 - whatever the file held
    ((name, value),) = turn.items()
    whole: Mapping[str, Callable[[Any], Turn | Repeat]] = {
        "answer": scripts.answer,
        "call": _call,
        "compacts": scripts.compacts,
        "calls": lambda several: scripts.calls(*map(_call, several)),
        "cut": lambda inner: scripts.cut(_performance(inner)),
        "forever": lambda inner: scripts.forever(_turn(inner)),
    }
    if name in whole:
        return whole[name](value)
    if isinstance(value, dict):
        return PLAIN[name](**value)
    return PLAIN[name]() if value is None else PLAIN[name](value)


def _call(value: Mapping[str, Any]) -> Performance:
    return Performance((ToolUse(value["name"], value.get("input") or {}),))


def _performance(value: object) -> Performance:
    turn = _turn(value)
    if not isinstance(turn, Performance):
        raise TypeError("only a reply can be cut")
    return turn
