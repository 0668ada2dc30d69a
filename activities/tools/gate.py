"""The gate before calls that a person has to agree to: what they saw is what runs, or nothing does."""

import hashlib
import json
from typing import Any, NamedTuple

from pydantic import BaseModel

from activities.tools.answers import Answer, clean, refused
from activities.tools.definition import RawCall, Tool
from workflows.models import CallRuling, GatedCall

SHOWN_WHOLE = 16_000
"""Bytes of arguments that a person can be shown: nobody agrees to what they cannot read, and history is bounded."""


class Passed(NamedTuple):
    """A call that may run, and who agreed to it, if somebody had to."""

    by: str = ""


def edited_call(call: RawCall, ruling: CallRuling | None) -> RawCall:
    """Put the arguments that a person edited in the place of the model's; what is no JSON is no object either."""
    if ruling is None or not ruling.agreed or not ruling.edited:
        return call
    try:
        return call._replace(arguments=json.loads(ruling.edited))
    except (ValueError, RecursionError):
        return call._replace(arguments=ruling.edited)


def pass_gate(
    tool: Tool, call: RawCall, arguments: BaseModel, ruling: CallRuling | None
) -> Passed | Answer | GatedCall:
    """Let a call pass, refuse it, or have a person asked.

    A ruling only holds for the very arguments that its person saw: when these are others, they are asked again.
    """
    why = _why(tool, arguments)
    if not why:
        return Passed(ruling.by if ruling is not None else "")
    if ruling is not None and not ruling.agreed:
        said = f": {ruling.note}" if ruling.note else ""
        hint = "do not make this call again as it is; find another way, or ask a person what to do instead"
        return refused("approval", f"{ruling.by} did not agree to this call{said}", hint)
    asked = gated(tool, call, arguments, why)
    if isinstance(asked, Answer) or ruling is None:
        return asked
    if ruling.edited or ruling.digest == asked.digest:
        return Passed(ruling.by)
    return asked.model_copy(update={"why": f"the arguments are not those that {ruling.by} saw; look again. {why}"})


def gated(tool: Tool, call: RawCall, arguments: Any, why: str) -> GatedCall | Answer:  # noqa: ANN401 - also misfits
    """Write down what would run, word for word."""
    plain = arguments.model_dump(mode="json") if isinstance(arguments, BaseModel) else arguments
    text = clean(json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str))
    if (size := len(text.encode())) > SHOWN_WHOLE:
        error = f"a person has to agree to {tool.name}, and nobody reads {size} bytes of arguments"
        return refused("approval", error, f"make a call with less: {SHOWN_WHOLE} bytes at most")
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    return GatedCall(call_id=call.id, tool=tool.name, arguments=text, digest=digest, why=why)


def _why(tool: Tool, arguments: BaseModel) -> str:
    if isinstance(tool.approval, str):
        return tool.approval
    try:
        return tool.approval(arguments) or ""
    except Exception as error:  # noqa: BLE001 - when in doubt, somebody looks
        return f"whether this needs a person could not be told: {type(error).__name__}"
