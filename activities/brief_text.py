"""Brief text: YAML or JSON with the line of every value, and no trick that YAML can play."""

import json
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MOST_NODES = 200_000
MOST_DEPTH = 40

Path = tuple[str | int, ...]

_KINDS = ("null", "bool", "int", "float", "str", "timestamp")


class Problem(NamedTuple):
    """What is wrong with a brief, and where. `line` counts from 1; 0 means the whole file."""

    path: str
    line: int
    message: str


class BriefProblems(Exception):  # noqa: N818 - it is a list of problems
    """A brief that cannot be used, with every problem found."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems in the order of their lines."""
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        lines = [f"line {each.line}: {each.path}: {each.message}" for each in self.problems]
        super().__init__("; ".join(lines))


class Written(NamedTuple):
    """What a file says, and on which line each value stands."""

    value: Any
    lines: dict[Path, int]
    problems: list[Problem]

    def line(self, path: Path) -> int:
        """Give the line of a value, or of the nearest value around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


def read(data: bytes, most_bytes: int) -> Written:
    """Read YAML or JSON.

    Raises:
        BriefProblems: the bytes are not text of a bearable size, or not YAML.
    """
    if len(data) > most_bytes:
        raise _whole(f"the file has {len(data):,} bytes; at most {most_bytes:,} are read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BriefProblems([Problem("file", line, "the file is not UTF-8 text")]) from None
    if "\x00" in text:
        raise _whole("the file has a NUL character; it is not text")
    return _fast(text) or _slow(text)


def dotted(path: Path) -> str:
    """Write a path as people read it, e.g. `products[0].id`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "brief"


def _fast(text: str) -> Written | None:
    """Read sound JSON at the speed of JSON; its lines are looked up only when something is wrong."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return Written(json.loads(text, object_pairs_hook=_without_twins), {}, [])
    except (ValueError, RecursionError):
        return None


def _slow(text: str) -> Written:
    try:
        node = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise BriefProblems([Problem("file", line, f"not YAML: {error.problem or error.context}")]) from None
    except (YAMLError, RecursionError, ValueError) as error:
        raise _whole(f"not YAML: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from None
    if node is None:
        raise _whole("the file is empty")
    reader = _Reader()
    return Written(reader.value(node, ()), reader.lines, reader.problems)


def with_lines(data: bytes) -> Written:
    """Read again, the slow way, to learn the lines."""
    return _slow(data.decode("utf-8-sig"))


class _Reader:
    """Turns YAML nodes into plain values; repeats of an anchor count as often as they are used."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self._nodes = 0

    def value(self, node: Node, path: Path) -> Any:  # noqa: ANN401 - any YAML
        self._nodes += 1
        if self._nodes > MOST_NODES or len(path) > MOST_DEPTH:
            raise _whole("the file is nested too deeply, or grows too large through its anchors")
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(each, (*path, number)) for number, each in enumerate(node.value)]
        return self._scalar(node, path) if isinstance(node, ScalarNode) else None

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name = name_node.value if isinstance(name_node, ScalarNode) else "?"
            at = (*path, name)
            if name in found:
                first = self.lines.get(at, 0)
                line = name_node.start_mark.line + 1
                self.problems.append(Problem(dotted(at), line, f"is given twice, first on line {first}"))
                continue
            self.lines[at] = name_node.start_mark.line + 1
            found[name] = self.value(value_node, at)
        return found

    def _scalar(self, node: ScalarNode, path: Path) -> Any:  # noqa: ANN401
        kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
        text: str = node.value
        if kind not in _KINDS:
            self.problems.append(Problem(dotted(path), node.start_mark.line + 1, f"the tag {kind[:60]} is not read"))
            return text
        try:
            return _plain(kind, text)
        except ValueError:
            return text


def _plain(kind: str, text: str) -> Any:  # noqa: ANN401
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text, 0)
    return float(text) if kind == "float" else text


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _whole(message: str) -> BriefProblems:
    return BriefProblems([Problem("file", 0, message)])
