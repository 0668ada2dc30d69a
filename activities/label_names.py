"""Names as labels: how many there can be is bounded, whatever a model invents or a pipeline makes up."""

from collections.abc import Callable, Collection, Iterable

UNKNOWN = "unknown"
OTHER = "other"

MOST = 50
"""Names of one sort that become labels; those that come later are `other`."""


class Names:
    """Turns names into labels. A tool or a model that is not of this world is `unknown`."""

    def __init__(self, tools: Iterable[str], is_model: Callable[[str], bool], most: int = MOST) -> None:
        """Know `tools` by name and the models for which `is_model` holds."""
        self.tools = frozenset(tools)
        self._is_model = is_model
        self._most = most
        self._agents: set[str] = set()
        self._pipelines: set[str] = set()
        self._models: set[str] = set()

    def tool(self, name: str) -> str:
        """Name a tool."""
        return name if name in self.tools else UNKNOWN

    def model(self, name: str) -> str:
        """Name a model, as it was asked for; what the endpoint says of itself is never a label."""
        if name in self._models or self._is_model(name):
            return self._one_of(self._models, name)
        return UNKNOWN

    def agent(self, name: str) -> str:
        """Name an agent, or the kind of a workflow with agents."""
        return self._one_of(self._agents, name)

    def pipeline(self, name: str) -> str:
        """Name a pipeline."""
        return self._one_of(self._pipelines, name)

    def _one_of(self, known: set[str], name: str) -> str:
        if not name:
            return UNKNOWN
        if name not in known and len(known) < self._most:
            known.add(name)
        return name if name in known else OTHER


def among(known: Collection[str], name: object) -> str:
    """Name one of a closed set; whatever is not in it is `other`."""
    return name if isinstance(name, str) and name in known else OTHER
