"""What the endpoint offers for a model, asked once."""

import anthropic

from activities.conversation_views import SIGNED

_SECONDS = 10.0


class Offers:
    """Remembers which models write signed summaries on demand."""

    def __init__(self, client: anthropic.AsyncAnthropic) -> None:
        """Ask through `client`; a question is free, and never waits long."""
        self._client = client.with_options(max_retries=0, timeout=_SECONDS)
        self._known: dict[str, bool] = {}

    async def signs(self, model: str) -> bool:
        """Tell whether a model writes signed summaries; if nobody answers, it does not for now."""
        if model not in self._known:
            try:
                info = await self._client.beta.models.retrieve(model, betas=[SIGNED])
                offered = info.capabilities.compaction if info.capabilities else None
                self._known[model] = bool(offered and offered.summarize.supported)
            except (anthropic.BadRequestError, anthropic.NotFoundError):
                self._known[model] = False
            except Exception:  # noqa: BLE001 - an endpoint that answers anything else offers nothing that we can use
                return False
        return self._known[model]

    def refused(self, model: str) -> None:
        """Remember that the endpoint refused one, whatever it had said before."""
        self._known[model] = False
