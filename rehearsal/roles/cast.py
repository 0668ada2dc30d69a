"""Who plays which role."""

from collections.abc import Mapping

from rehearsal.player import Performance, Player, Request
from rehearsal.roles.critic import Critic
from rehearsal.roles.dialogue import say
from rehearsal.roles.evaluation import EvaluationPlanner, Summariser
from rehearsal.roles.evaluator import Evaluator
from rehearsal.roles.generator import Generator
from rehearsal.roles.photographer import Photographer
from rehearsal.roles.planner import Planner
from rehearsal.roles.publisher import Publisher
from rehearsal.roles.refiner import Refiner
from rehearsal.roles.sheet import Missing
from rehearsal.roles.stand_in import Assistant, StandIn


class Roles(Player):
    """Plays every agent by the role in the first line of its system prompt; the same request gets the same reply.

    `others` adds roles or replaces them.
    """

    def __init__(self, others: Mapping[str, Player] | None = None) -> None:
        self._players: dict[str, Player] = {
            "planner": Planner(),
            "generator": Generator(),
            "critic": Critic(),
            "refiner": Refiner(),
            "publisher": Publisher(),
            "photographer": Photographer(),
            "assistant": Assistant(),
            "evaluation-planner": EvaluationPlanner(),
            "evaluator": Evaluator(),
            "summariser": Summariser(),
            **(others or {}),
        }
        self._stand_in = StandIn()

    def reply(self, request: Request) -> Performance:
        """Let the role answer; a task it cannot read is answered in words that say what is missing."""
        player = self._players.get(request.agent, self._stand_in)
        try:
            return player.reply(request)
        except Missing as reason:
            return say(f"This is a rule-based rehearsal; the {request.agent} cannot work: {reason}.")
