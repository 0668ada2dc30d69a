"""The errors that remain: what is neither a value for an agent nor a question to a person.

    ApplicationError
    |- anthropic.*              the endpoint, by its error code, or `connection`, `timeout`,
    |                           `truncated_stream`, `garbled_stream`
    |- model.unexpected         our own mistake in calling the endpoint
    |- AttemptUnknown           an attempt at a call that the ledger never held money for
    |- AssetMissing             an image that a message refers to is not in the store
    |- ConversationUnknown      a conversation or pin that was never opened
    |- ConversationDamaged      the first message is no longer what was ordered
    |- NoCandidate              a candidate that is not there, or was erased
    |- NoVacancy                a vacancy that is not in the store
    |- PairingBroken            a call without its result, or the other way round
    |- ReplyNotKept             a batched reply that could not be kept yet; the next round tries again
    |- RubricChanged            another rubric was frozen under this version
    |- UnknownAccount           a cap to be raised on an account that is not there, or has none
    `- UnknownTool              an agent is declared with a tool that is not there

Permanent ones are marked as such where they are raised; Temporal retries the others.
"""

from temporalio.exceptions import ApplicationError


def permanent(kind: str, text: str) -> ApplicationError:
    """Make an error that no retry can heal. `text` must hold no content of a conversation."""
    return ApplicationError(text, type=kind, non_retryable=True)
