"""Rule-based agents that read the request and react to it. They are no language model, and say so when asked."""

from rehearsal.roles.cast import Roles

__all__ = ["Roles"]
