"""Which channels there are by the settings, and how a notice is handed to the courier that carries it."""

import base64
import contextlib
from collections.abc import Sequence
from urllib.parse import urlsplit

from temporalio import activity
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.channels import Channel
from activities.channels_http import Slack, Webhook
from activities.channels_mail import Mail
from activities.settings import Settings
from workflows.models import Errand


class Couriers:
    """Starts a courier for each notice, through the Temporal client of the worker that runs the activity."""

    def __init__(self, channels: Sequence[str]) -> None:
        """Have every notice carried through these channels."""
        self._channels = tuple(channels)

    async def __call__(self, digest: str) -> None:
        """Start a courier, once for each notice."""
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await activity.client().start_workflow(
                "Courier",
                Errand(notice=digest, channels=self._channels),
                id=f"notice-{digest[:40]}",
                task_queue=activity.info().task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )


def channels_of(settings: Settings) -> tuple[Channel, ...]:
    """Build the channels that are configured; the log always has everything.

    Raises:
        ValueError: one is half configured, or an address is none; the text names the variable, never its value.
    """
    found: list[Channel] = []
    if url := settings.webhook_url.get_secret_value():
        secret = settings.webhook_secret.get_secret_value()
        if not _is_secret(secret):
            raise ValueError("CALLSHEET_WEBHOOK_SECRET: set at least 16 characters, or whsec_ and base64 of them")
        found.append(Webhook(_address("CALLSHEET_WEBHOOK_URL", url, "http", "https"), secret))
    if url := settings.slack_url.get_secret_value():
        found.append(Slack(_address("CALLSHEET_SLACK_URL", url, "http", "https")))
    if url := settings.smtp_url.get_secret_value():
        if not settings.mail_from or not settings.mail_to:
            raise ValueError(
                "CALLSHEET_MAIL_FROM and CALLSHEET_MAIL_TO: set both, to send mail through CALLSHEET_SMTP_URL"
            )
        url = _address("CALLSHEET_SMTP_URL", url, "smtp", "smtps")
        found.append(Mail(url, settings.mail_from, settings.mail_to))
    if settings.desk_url:
        _address("CALLSHEET_DESK_URL", settings.desk_url, "http", "https")
    return tuple(found)


def _address(name: str, url: str, *schemes: str) -> str:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{name}: it must begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and name a host"
        )
    return url


def _is_secret(secret: str) -> bool:
    whole = secret.removeprefix("whsec_")
    if whole == secret:
        return len(secret) >= _LEAST
    try:
        return len(base64.b64decode(whole, validate=True)) >= _LEAST
    except ValueError:
        return False


_LEAST = 16
"""Characters or bytes of a secret."""
