"""Somebody else's workflow, in a file of its own as the sandbox wants it."""

from temporalio import workflow


@workflow.defn
class Other:
    """Greets."""

    @workflow.run
    async def run(self, name: str) -> str:
        return f"Hello {name}"
