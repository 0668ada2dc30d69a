"""Calls that can wait, and what is said when their replies are there."""

from workflows.models.base import Value


class Arrival(Value):
    """Signals that the reply of a batched call is in the store."""

    conversation: str
    head: int


class TendRequest(Value):
    """Asks for one round of the batch desk: hand in what waits, look after what is out, deliver what came back."""

    submit: bool = True


class Tended(Value):
    """What is left after a round: calls that wait to be handed in, and calls that are out."""

    waiting: int
    out: int
