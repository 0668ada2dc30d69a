"""Signing in at an OpenID provider: the code flow with PKCE, every token checked by the library."""

from collections.abc import Mapping, Sequence
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from httpx2 import HTTPError
from joserfc.errors import JoseError
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from desk.door import Door, within
from desk.refusals import Refused
from desk.sessions import Sessions
from desk.settings import DeskSettings
from desk.sign_in import SignIn
from workflows.models import Identity
from workflows.models.roles import ROLES

BACK = "/sign-in/openid/back"


class OpenId:
    """Sends people to the provider and takes them back."""

    def __init__(self, settings: DeskSettings, door: Door, sessions: Sessions, sign_in: SignIn) -> None:
        """Use the provider of the settings; nothing is asked of it before somebody signs in."""
        self._settings, self._door, self._sessions, self._sign_in = settings, door, sessions, sign_in
        oauth = OAuth()
        self._provider = oauth.register(
            "provider",
            client_id=settings.oidc_client,
            client_secret=settings.oidc_secret.get_secret_value() or None,
            server_metadata_url=f"{settings.oidc_issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": settings.oidc_scope, "code_challenge_method": "S256"},
        )

    def routes(self) -> list[Route]:
        """Serve both ways."""
        return [Route("/sign-in/openid", self.go), Route(BACK, self.back)]

    async def go(self, request: Request) -> Response:
        """Send somebody to the provider. State, nonce and verifier stay here, with a session of their own."""
        secret, session = await self._sessions.open()
        flow: dict[str, Any] = {}
        request.scope["session"] = flow
        try:
            answer = await self._provider.authorize_redirect(request, self._address(request))
        except (OAuthError, HTTPError, ValueError, KeyError):
            raise Refused(502, "The provider does not answer", "Signing in is not possible at the moment.") from None
        await self._sessions.leave(session, flow=flow, next=within(request.query_params.get("next", "/")))
        return self._door.seat(answer, secret)

    async def back(self, request: Request) -> Response:
        """Take somebody back, if the answer is to what was asked in this very browser."""
        session = await self._door.session(request)
        flow = dict(session.data.get("flow") or {}) if session else {}
        if session is None or not flow:
            raise Refused(400, "This sign-in was not begun here", "Open the desk and sign in again.")
        request.scope["session"] = flow
        try:
            token = await self._provider.authorize_access_token(request)
        except (OAuthError, JoseError, HTTPError, ValueError, KeyError):
            await self._sessions.end(session)
            raise Refused(403, "The provider's answer did not hold", "Sign in again.") from None
        person = identity(token.get("userinfo") or {}, self._settings)
        return await self._sign_in.let_in(session, person, within(str(session.data.get("next", "/"))))

    def _address(self, request: Request) -> str:
        base = self._settings.url or str(request.base_url).rstrip("/")
        return f"{base}{BACK}"


def identity(claims: Mapping[str, Any], settings: DeskSettings) -> Identity:
    """Read who somebody is out of verified claims; without a role that is known here, nobody.

    Raises:
        Refused: the claims name nobody, or nobody with a role.
    """
    name, role = claims.get(settings.oidc_name), claims.get(settings.oidc_role)
    if settings.oidc_name == "email" and claims.get("email_verified") is False:
        raise Refused(403, "Your address is not verified", "Verify it at the provider, then sign in again.")
    roles = [each for each in ROLES if each in _texts(role)]
    if not isinstance(name, str) or not roles:
        text = f"The provider has to name you in the claim {settings.oidc_name}, and your role in {settings.oidc_role}."
        raise Refused(403, "You have no role at this desk", text)
    try:
        return Identity(
            name=name,
            role=roles[-1],
            tenants=_texts(claims.get(settings.oidc_tenants, "default")),
            groups=_texts(claims.get(settings.oidc_groups)),
        )
    except ValidationError:
        raise Refused(
            403, "The provider's answer names nobody", f"The claim {settings.oidc_name} is not usable."
        ) from None


def _texts(claim: object) -> tuple[str, ...]:
    """Read a claim that is one text or a list of them."""
    if isinstance(claim, str):
        return tuple(part for part in claim.replace(",", " ").split() if part)
    return tuple(each for each in claim if isinstance(each, str)) if isinstance(claim, Sequence) else ()
