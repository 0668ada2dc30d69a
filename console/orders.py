"""Orders that people write: read from a file, with every mistake named by path and line."""

from pathlib import Path

from pydantic import ValidationError

from activities.brief_text import BriefProblems, Problem, Written, dotted, read
from activities.brief_text import Path as Place
from activities.briefs import MOST_BYTES, load_brief, misfits
from activities.database import now
from activities.studio.profiles import Profiles
from console.errors import Exit, Stopped
from workflows.models import AgentOrder, Brief, ReviewPolicy, WrittenReview


def read_file(path: Path) -> bytes:
    """Read a file that a person named."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Stopped(Exit.BAD_FILE, f"there is no file {path}") from None
    except IsADirectoryError:
        raise Stopped(Exit.BAD_FILE, f"{path} is a folder") from None
    except OSError as error:
        raise Stopped(Exit.BAD_FILE, f"{path} cannot be read: {error.strerror}") from None


def read_brief(path: Path, profiles: Profiles) -> tuple[bytes, Brief]:
    """Read a brief; its bytes are what is kept."""
    data = read_file(path)
    try:
        return data, load_brief(data, profiles, today=now().date())
    except BriefProblems as error:
        raise bad_file(path, error) from None


def read_agent_order(path: Path) -> AgentOrder:
    """Read the order for a single agent, in YAML or JSON."""
    try:
        return agent_order(read_file(path))
    except BriefProblems as error:
        raise bad_file(path, error) from None


def agent_order(data: bytes) -> AgentOrder:
    """Read the order for a single agent.

    Raises:
        BriefProblems: it cannot be used; every problem is listed with its path and line.
    """
    written = read(data, MOST_BYTES)
    fields = written.value if isinstance(written.value, dict) else {}
    problems = list(written.problems)
    known = [name for name in AgentOrder.model_fields if name not in {"talk", "docket", "caps"}]  # those are our own
    hint = f"is not known here; known are {', '.join(known)}"
    problems += [Problem(name, written.line((name,)), hint) for name in fields if name not in known]
    return _order(written, problems)


def bad_file(path: Path, error: BriefProblems) -> Stopped:
    """Say what is wrong with a file."""
    problems = [{"path": each.path, "line": each.line, "message": each.message} for each in error.problems]
    number = f"{len(problems)} mistakes" if len(problems) > 1 else "a mistake"
    return Stopped(Exit.BAD_FILE, f"{path} has {number}", problems)


def _order(written: Written, problems: list[Problem]) -> AgentOrder:
    fields = dict(written.value) if isinstance(written.value, dict) else written.value
    if isinstance(fields, dict) and "review" in fields:
        fields["review"], wrong = _review(fields["review"])
        problems += [Problem(dotted(path), written.line(path), text) for path, text in wrong]
    try:
        order = AgentOrder.model_validate(fields)
    except ValidationError as error:
        problems += [Problem(dotted(path), written.line(path), text) for path, text in misfits(error)]
        raise BriefProblems(problems) from None
    if problems:
        raise BriefProblems(problems)
    return order


def _review(value: object) -> tuple[ReviewPolicy, list[tuple[Place, str]]]:
    """Read who is asked: as strictly as in a brief, because a misspelt deadline would silently be the standard one."""
    try:
        return WrittenReview.model_validate(value).policy(), []
    except ValidationError as error:
        return ReviewPolicy(), list(misfits(error, ("review",)))
