"""The channel by e-mail: SMTP, with TLS from the start (`smtps://`) or by STARTTLS (`smtp://`)."""

import asyncio
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from activities.channels import Undeliverable
from activities.messages_to_people import Message

TIMEOUT = 20.0
_PERMANENT = 500


class Mail:
    """Sends each message as a mail of its own; those about one question form a thread."""

    name = "mail"

    def __init__(self, url: str, sender: str, to: Sequence[str]) -> None:
        """Send through `url` (`smtp://user:password@host:587`) from `sender` to all of `to`."""
        parts = urlsplit(url)
        self._tls, self._host = parts.scheme == "smtps", parts.hostname or ""
        self._port = parts.port or (465 if self._tls else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender, self._to = sender, tuple(to)

    async def send(self, message: Message) -> None:
        """Send a message; on a thread, because the library waits."""
        await asyncio.to_thread(self._send, self._letter(message))

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage()
        letter["Subject"], letter["From"], letter["To"] = message.subject, self._sender, ", ".join(self._to)
        letter["Date"] = format_datetime(message.notice.at)
        letter["Message-ID"] = f"<{message.id.removeprefix('sha256:')[:40]}@callsheet>"
        letter["References"] = letter["In-Reply-To"] = f"<{message.thread}@callsheet>"
        letter["Auto-Submitted"] = "auto-generated"
        link = (f"Decide at the review desk: {message.link}",) if message.link else ()
        letter.set_content("\n\n".join((*message.lines, *link)) + "\n")
        return letter

    def _send(self, letter: EmailMessage) -> None:
        try:
            with self._server() as server:
                server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            worst = min(code for code, _ in error.recipients.values())
            raise self._trouble(worst, "refuses every recipient") from None
        except smtplib.SMTPResponseException as error:
            raise self._trouble(error.smtp_code, f"answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise ConnectionError(f"mail: {self._host} does not serve: {type(error).__name__}") from None

    def _server(self) -> smtplib.SMTP:
        safe = ssl.create_default_context()
        if self._tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT, context=safe)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT)
        server.ehlo()
        if not self._tls and server.has_extn("starttls"):
            server.starttls(context=safe)
            server.ehlo()
        elif not self._tls and self._user:
            server.close()
            raise Undeliverable(f"mail: {self._host} offers no STARTTLS, and a password is not sent in the clear")
        if self._user:
            server.login(self._user, self._password)
        return server

    def _trouble(self, code: int, what: str) -> Exception:
        text = f"mail: {self._host} {what}"
        return Undeliverable(text) if code >= _PERMANENT else ConnectionError(text)
