"""Settings of the desk: where it listens, how people sign in, how long they stay."""

from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class DeskSettings(BaseSettings):
    """Reads `CALLSHEET_DESK_*`; the defaults serve one machine, on its loopback, with a local reviewers file."""

    model_config = SettingsConfigDict(env_prefix="CALLSHEET_DESK_", frozen=True, extra="ignore", env_ignore_empty=True)

    host: str = Field(default="127.0.0.1", description="address to listen at")
    port: int = Field(default=8400, ge=0, le=65_535, description="port to listen at; 0 takes a free one")
    url: str = Field(default="", description="address that people's browsers use, e.g. https://desk.example.org")
    session_hours: float = Field(default=12, gt=0, le=24 * 30, description="hours after which people sign in again")
    idle_hours: float = Field(default=2, gt=0, le=24 * 30, description="hours without a click that end a session")
    oidc_issuer: str = Field(default="", description="issuer of an OpenID provider; sign-in is then there alone")
    oidc_client: str = Field(default="", description="client id at the provider")
    oidc_secret: SecretStr = Field(default=SecretStr(""), description="client secret at the provider")
    oidc_name: str = Field(default="email", min_length=1, description="claim that names a person, for good")
    oidc_role: str = Field(default="callsheet_role", min_length=1, description="claim that holds a person's role")
    oidc_scope: str = Field(default="openid email profile", pattern=r"\bopenid\b", description="what is asked for")
    oidc_tenants: str = Field(default="callsheet_tenants", min_length=1, description="claim that lists the tenants")
    oidc_groups: str = Field(default="groups", min_length=1, description="claim that lists the groups")

    @field_validator("url", "oidc_issuer")
    @classmethod
    def _whole(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment):
            raise ValueError(f"{value!r} is no address; write one such as https://desk.example.org")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.oidc_issuer and not self.oidc_client:
            raise ValueError("CALLSHEET_DESK_OIDC_ISSUER needs CALLSHEET_DESK_OIDC_CLIENT, the client id there")
        insecure = self.oidc_issuer.startswith("http://") and urlsplit(self.oidc_issuer).hostname not in LOOPBACK
        if insecure:
            raise ValueError("CALLSHEET_DESK_OIDC_ISSUER must begin with https:// unless it is on this machine")
        if self.host not in LOOPBACK and not self.url:
            raise ValueError(
                f"CALLSHEET_DESK_HOST is {self.host}, which others can reach: set CALLSHEET_DESK_URL as well"
            )
        return self

    @property
    def provider(self) -> str:
        """The name of the OpenID provider, for people; empty when there is none."""
        return urlsplit(self.oidc_issuer).hostname or ""

    @property
    def lifetime(self) -> timedelta:
        """How long a session lasts at most."""
        return timedelta(hours=self.session_hours)

    @property
    def idle(self) -> timedelta:
        """How long a session lasts without a click."""
        return timedelta(hours=self.idle_hours)

    @property
    def secure(self) -> bool:
        """Whether browsers come by https, so that cookies may insist on it."""
        return self.url.startswith("https://")

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names that a request may be addressed to; others are attempts to reach the loopback through a page."""
        own = urlsplit(self.url).hostname
        return (own, "127.0.0.1", "localhost", "::1") if own else ("127.0.0.1", "localhost", "::1")
