"""Stories: what happened, told by the durable records, and sentences that hold true of it or show it whole."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Self

from activities.records import CostLine, LogEntry

MICRO = 1_000_000


class Story:
    """What happened in one run, item or agent. Every assertion returns the story, so that they can be strung together.

        story.used("find_model", times=1, name="Ama").never_used("publish_to_catalog").asked("does not pass")

    One that does not hold raises an `AssertionError` that tells the whole story.
    """

    def __init__(self, of: str, entries: Sequence[LogEntry], costs: Sequence[CostLine]) -> None:
        """Tell what happened in `of`."""
        self.of, self.entries, self.costs = of, tuple(entries), tuple(costs)

    @property
    def micro_usd(self) -> int:
        """What it cost."""
        return sum(line["micro_usd"] for line in self.costs)

    def used(self, tool: str, times: int | None = None, **arguments: Any) -> Self:  # noqa: ANN401 - any arguments
        """A tool was called with these arguments, among others: so often, or at least once."""
        found = [
            data["tool_input"]
            for data in self._of("tool_call", tool_name=tool)
            if isinstance(data["tool_input"], dict) and arguments.items() <= data["tool_input"].items()
        ]
        wanted = f"{tool}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"
        how_often = "at least once" if times is None else f"{times} times"
        holds = bool(found) if times is None else len(found) == times
        return self._hold(holds, f"{wanted} to be called {how_often}; it was called {len(found)} times")

    def never_used(self, tool: str) -> Self:
        """A tool was not called at all."""
        return self.used(tool, times=0)

    def refused(self, tool: str, refusal: str = "", hint: str = "") -> Self:
        """A call of a tool was refused, at this check, with this hint among its words."""
        found = [
            data
            for data in self._of("tool_result", tool_name=tool)
            if "error" in data and refusal in {"", data.get("refusal")} and hint in str(data["tool_output"])
        ]
        return self._hold(bool(found), f"a call of {tool} to be refused {refusal or 'at some check'} {hint}")

    def asked(self, words: str = "") -> Self:
        """A person was asked something with these words in it."""
        texts = [str(data["text"]) for data in self._of("approval", kind="question")]
        return self._hold(any(words in text for text in texts), f"a person to be asked about {words!r}; asked: {texts}")

    def asked_nobody(self) -> Self:
        """No person was asked anything."""
        texts = [str(data["text"]) for data in self._of("approval", kind="question")]
        return self._hold(not texts, f"nobody to be asked; asked: {texts}")

    def decided(self, choice: str, by: str = "") -> Self:
        """A person, or this one, made this choice."""
        found = [(data["choice"], data["by"]) for data in self._of("approval") if "choice" in data]
        holds = any(choice == chosen and by in {"", name} for chosen, name in found)
        return self._hold(holds, f"{by or 'somebody'} to choose {choice}; chosen: {found}")

    def ruled(self, kind: str) -> Self:
        """A guard ruled so: `nudge`, `remind`, `compact`, `last_turn`, or the kind of a halt."""
        kinds = [str(data.get("kind")) for data in self._of("ruling")]
        return self._hold(kind in kinds, f"a guard to rule {kind}; rulings: {kinds}")

    def handed_in(self, words: str) -> Self:
        """An agent handed in an output with these words in it."""
        texts = [str(data["text"]) for data in self._of("final_output")]
        return self._hold(any(words in text for text in texts), f"{words!r} to be handed in; handed in: {texts}")

    def cost_at_most(self, dollars: float) -> Self:
        """All of it, failed attempts included, cost no more than this."""
        return self._hold(
            self.micro_usd <= dollars * MICRO, f"at most ${dollars:.4f}; it cost ${self.micro_usd / MICRO:.4f}"
        )

    def turns(self, agent: str) -> int:
        """Count the turns that an agent took."""
        return sum(entry["action"] == "llm_call" and entry["agent_name"] == agent for entry in self.entries)

    def __str__(self) -> str:
        return "\n".join([f"The story of {self.of}:", *map(_line, self.entries)])

    def _of(self, action: str, **data: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - fields of an entry
        fits: Callable[[dict[str, Any]], bool] = lambda found: data.items() <= found.items()  # noqa: E731
        return [entry["data"] for entry in self.entries if entry["action"] == action and fits(entry["data"])]

    def _hold(self, holds: bool, expected: str) -> Self:
        if not holds:
            raise AssertionError(f"Expected {expected}.\n\n{self}")
        return self


def _line(entry: LogEntry) -> str:
    who = f"{entry['agent_name']} · turn {entry['turn']}" if entry["turn"] else entry["agent_name"]
    shown = {name: value for name, value in entry["data"].items() if name not in {"token_usage", "request_id"}}
    data = json.dumps(shown, default=str, ensure_ascii=False)[:300]
    return f"  {who or entry['workflow_id']:24} {entry['action']:13} {data}"
