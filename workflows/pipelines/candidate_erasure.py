"""Erasing a candidate: durable, because half an erasure is none, and harmless when it is done again."""

from temporalio import workflow

from workflows.evaluation_calls import erase_candidate, erase_histories
from workflows.models.hiring import Erased, ErasureOrder


@workflow.defn(name="CandidateErasure")
class CandidateErasure:
    """Empties the stores, then the histories; what may not be erased is refused before anything is touched."""

    @workflow.run
    async def run(self, order: ErasureOrder) -> Erased:
        """Erase, and say what went."""
        erased = await erase_candidate(order)
        if erased.refused:
            return erased
        histories = await erase_histories(order)
        return erased.model_copy(update={"workflows": histories.workflows})
