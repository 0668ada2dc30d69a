"""Channels over HTTP: a signed webhook, as the Standard Webhooks specification has it, and Slack's incoming webhook."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import httpx2

from activities.channels import Undeliverable
from activities.database import now
from activities.messages_to_people import Message

TIMEOUT = 15.0
AGAIN = {408, 425, 429}
"""Refusals that another attempt may heal; so may every 5xx."""


class Webhook:
    """Posts every message as JSON, signed with a shared secret; a receiver drops what it has seen by `webhook-id`."""

    name = "webhook"

    def __init__(self, url: str, secret: str) -> None:
        """Post to `url`; `secret` is any text, or `whsec_` with base64 behind it."""
        self._url = url
        whole = secret.removeprefix("whsec_")
        self._secret = base64.b64decode(whole) if whole != secret else secret.encode()

    async def send(self, message: Message) -> None:
        """Post a message."""
        body = json.dumps(_event(message), ensure_ascii=False, separators=(",", ":")).encode()
        stamp = str(int(now().timestamp()))
        signed = f"{message.id}.{stamp}.".encode() + body
        signature = base64.b64encode(hmac.new(self._secret, signed, hashlib.sha256).digest()).decode()
        headers = {"webhook-id": message.id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}
        await _post(self.name, self._url, body, {**headers, "idempotency-key": message.id})


class Slack:
    """Posts a message with a link; it has no buttons, so that none can be left over after a decision elsewhere."""

    name = "slack"

    def __init__(self, url: str) -> None:
        """Post to an incoming webhook; its `url` is a secret."""
        self._url = url

    async def send(self, message: Message) -> None:
        """Post a message."""
        text = "\n".join(_slack(line) for line in message.lines)
        link = f"\n<{message.link}|Open the review desk>" if message.link else ""
        section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{_slack(message.subject)}*\n{text}{link}"}}
        body = json.dumps({"text": _slack(message.subject), "blocks": [section]}, ensure_ascii=False).encode()
        await _post(self.name, self._url, body, {})


async def _post(name: str, url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Post JSON; what the receiver says to it is not kept, and its address is not in any error: it may be a secret."""
    headers = {"content-type": "application/json; charset=utf-8", "user-agent": "callsheet", **headers}
    async with httpx2.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client:
        try:
            status = (await client.post(url, content=body, headers=headers)).status_code
        except httpx2.HTTPError as error:
            raise ConnectionError(f"{name} cannot be reached: {type(error).__name__}") from None
    if httpx2.codes.is_success(status):
        return
    if status in AGAIN or httpx2.codes.is_server_error(status):
        raise ConnectionError(f"{name} answered {status}")
    raise Undeliverable(f"{name} answered {status}; it will not take this message")


def _event(message: Message) -> dict[str, Any]:
    """Write what a program needs: the notice without the proof of its decision, and what people would read."""
    notice = message.notice
    decision = notice.decision.model_dump(mode="json", exclude={"seal"}) if notice.decision else None
    return {
        "type": f"review.{notice.kind}",
        "timestamp": notice.at.isoformat(),
        "data": {
            "workflow": notice.question.workflow,
            "question": notice.question.card().model_dump(mode="json"),
            "decision": decision,
            "why": notice.why,
            "subject": message.subject,
            "lines": message.lines,
            "link": message.link,
        },
    }


def _slack(text: str) -> str:
    """Take the power out of the three characters that Slack reads as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
