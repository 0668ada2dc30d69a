"""Settings: the handful of values that are Callsheet's own. All others are the libraries' environment variables."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from activities.health import split

MICRO = 1_000_000
"""Micro-dollars in a dollar."""

Dollars = Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=6)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Places = Annotated[int, Field(ge=1, le=10_000)]
Weight = Annotated[float, Field(ge=0.001, le=1_000, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Reads `CALLSHEET_*` from the environment; what is not set has a default that works on one machine."""

    model_config = SettingsConfigDict(env_prefix="CALLSHEET_", frozen=True, extra="ignore", env_ignore_empty=True)

    home: Path = Field(default=Path(".callsheet"), description="folder of everything that is kept here")
    database: str = Field(default="", description="SQLAlchemy URL; default: SQLite in the home folder")
    migrate: bool = Field(default=True, description="whether whoever starts also brings the schema up to date")
    assets: str = Field(default="", description="folder or object store URL; default: a folder in the home folder")
    task_queue: str = Field(default="callsheet", min_length=1, description="queue of the workflows")
    queues: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="which pools a worker serves; default: all that there are"
    )
    places: Annotated[Mapping[str, Places], NoDecode] = Field(
        default={}, description="activities of a pool that run at once in one process, e.g. gpu=1,model=80"
    )
    rates: Annotated[Mapping[str, Rate], NoDecode] = Field(
        default={}, description="activities of a pool that start in a second, over all workers, e.g. tools=20"
    )
    tenant_weights: Annotated[Mapping[str, Weight], NoDecode] = Field(
        default={}, description="turns that a tenant gets where others get one, e.g. acme=5,trial=0.5"
    )
    model: str = Field(default="claude-sonnet-5-5", min_length=1, description="model of agents that name none")
    tenant_day_usd: Dollars | None = Field(default=None, description="dollars that one tenant may spend in a UTC day")
    fleet_day_usd: Dollars | None = Field(default=None, description="dollars that all may spend in a UTC day")
    fleet_month_usd: Dollars | None = Field(default=None, description="dollars that all may spend in a UTC month")
    alert_factor: float = Field(
        default=5.0,
        gt=1,
        allow_inf_nan=False,
        description="alert when a turn, run or minute costs so many times the usual",
    )
    alert_sample: int = Field(default=20, ge=3, description="how many amounts it takes to know what is usual")
    alert_pause: bool = Field(default=False, description="whether an alert also stops the agent until a person answers")
    model_rate: Rate | None = Field(default=None, description="model calls per second, over all workers")
    tenant_rate: Rate | None = Field(default=None, description="model calls per second for each tenant")
    batch_window: float = Field(
        default=60.0, ge=0, allow_inf_nan=False, description="seconds for which patient calls are gathered to a batch"
    )

    health: str = Field(default="", description="HOST:PORT at which a worker answers probes; default: nowhere")

    signing_key: str = Field(default="", description="file of the key that decisions are signed with; default: our own")
    decision_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="public keys whose decisions count; default: those in the home folder"
    )
    decision_seconds: float = Field(
        default=900.0, gt=0, allow_inf_nan=False, description="seconds after which a signed decision is too old"
    )
    trust_signals: bool = Field(
        default=False, description="development only: whether decisions without a signature count"
    )
    desk_url: str = Field(default="", description="where the review desk is reached, for links in messages")
    webhook_url: SecretStr = Field(default=SecretStr(""), description="where questions and decisions are posted")
    webhook_secret: SecretStr = Field(default=SecretStr(""), description="what those posts are signed with")
    slack_url: SecretStr = Field(default=SecretStr(""), description="incoming webhook of Slack")
    smtp_url: SecretStr = Field(default=SecretStr(""), description="mail server, smtp://user:password@host:587")
    mail_from: str = Field(default="", description="sender of mails")
    mail_to: Annotated[tuple[str, ...], NoDecode] = Field(default=(), description="who gets mails")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least that is logged"
    )
    log_content: bool = Field(
        default=False, description="whether logs hold what models, tools and people say, redacted and cut"
    )
    log_redact: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="further regular expressions of what logs must not hold"
    )

    trace_content: bool = Field(
        default=False, description="whether spans hold what models, tools and people say, redacted and cut"
    )
    trace_dialect: Literal["", "openinference", "langfuse"] = Field(
        default="", description="whose further attributes spans have, where a backend needs its own"
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("log_redact", mode="before")
    @classmethod
    def _patterns(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in re.split(r",(?!\d*\})", value) if part.strip())  # {2,3} is one pattern

    @field_validator("log_redact")
    @classmethod
    def _compile(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for number, pattern in enumerate(value, 1):
            try:
                empty = re.compile(pattern).search("") is not None
            except re.error as error:
                raise ValueError(f"pattern {number} is no regular expression: {error}") from None
            if empty:
                raise ValueError(f"pattern {number} matches nothing at all, and so everywhere")
        return value

    @field_validator("queues", "decision_keys", "mail_to", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("health")
    @classmethod
    def _place(cls, value: str) -> str:
        if value:
            split(value)
        return value

    @field_validator("places", "rates", "tenant_weights", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if wrong := [
            name.strip() for name, equals, number in pairs if not (name.strip() and equals and number.strip())
        ]:
            raise ValueError(
                f"{wrong[0]!r} is no NAME=NUMBER; write pairs with commas between them, e.g. model=5,tools=20"
            )
        return {name.strip(): number.strip() for name, _, number in pairs}

    @property
    def database_url(self) -> str:
        """Where the stores live."""
        return self.database or f"sqlite:///{self.home / 'callsheet.db'}"

    @property
    def assets_url(self) -> str:
        """Where the bytes live."""
        return self.assets or str(self.home / "assets")

    @property
    def keys(self) -> Path:
        """Where the keys lie that decisions are signed with."""
        return self.home / "keys"

    @property
    def caps(self) -> Mapping[str, int]:
        """The standard caps in micro-dollars, by `tenant/day`, `fleet/day` and `fleet/month`; unset ones are absent."""
        named = {
            "tenant/day": self.tenant_day_usd,
            "fleet/day": self.fleet_day_usd,
            "fleet/month": self.fleet_month_usd,
        }
        return {name: int(dollars * MICRO) for name, dollars in named.items() if dollars is not None}

    def pools(self, others: Iterable[str]) -> tuple[str, ...]:
        """List all pools that are named here, after `others`."""
        return tuple(dict.fromkeys((*others, *self.queues, *self.places, *self.rates)))

    @property
    def pool_rates(self) -> Mapping[str, float]:
        """How many activities of each pool start in a second; `model_rate` is that of the pool `model`."""
        return {**self.rates, **({"model": self.model_rate} if self.model_rate else {})}

    @property
    def logs(self) -> Path:
        """Where processes write their logs."""
        return self.home / "logs"
