"""The audit trail of deciding, and the keys that it and every decision are signed with."""

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from activities.audit import Audit, Broken, check
from activities.database import now
from activities.keys import Keyring, rotate
from activities.settings import Settings
from activities.signing import Signer
from console.errors import Exit, Stopped
from console.orders import read_file
from console.screen import Screen
from console.session import AsJson, finish, me
from console.stores import Stores

About = Annotated[str, typer.Argument(metavar="[RUN]", help="A run or an agent; nothing: all, with --since.")]
Since = Annotated[str, typer.Option("--since", metavar="WHEN", help="A date, a moment in ISO 8601, or an age like 7d.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write here; default: the screen.")]
Verify = Annotated[Path | None, typer.Option("--verify", metavar="FILE", help="Check a trail that was written before.")]
Rotate = Annotated[
    bool, typer.Option("--rotate", help="Make a new key; the old one still counts, until its file is gone.")
]

AGES = {"h": timedelta(hours=1), "d": timedelta(days=1)}


def add(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(audit)
    app.command()(keys)


def audit(run: About = "", since: Since = "", out: Out = None, verify: Verify = None, as_json: AsJson = False) -> None:
    """Write all that people were asked, saw and decided, as JSON lines that hold each other; or check such a file."""
    screen, settings = Screen(as_json=as_json), Settings()
    if verify is not None:
        return _check(verify, settings, screen)
    if not run and not since:
        raise Stopped(Exit.USAGE, "name a run, or say --since when, e.g. --since 7d")
    moment = _moment(since) if since else None

    async def work() -> None:
        with Stores(settings) as stores:
            lines = await Audit(stores.database).trail(Signer.of(settings, f"starter:{me()}"), run, moment)
        _write(lines, run, out, screen)

    return finish(work())


def keys(rotate_now: Rotate = False, as_json: AsJson = False) -> None:
    """Show the key that decisions are signed with here, as the workers of a fleet have to know it."""
    screen, settings = Screen(as_json=as_json), Settings()
    if rotate_now and settings.signing_key:
        raise Stopped(Exit.USAGE, "CALLSHEET_SIGNING_KEY names a key of yours; put a new one there yourself")
    before = rotate(settings.keys)[0] if rotate_now else ""
    signer = Signer.of(settings, f"starter:{me()}")
    data = {"key": signer.key_id, "public_key": signer.public_key, "before": before}
    lines = f"Key {signer.key_id}\nCALLSHEET_DECISION_KEYS={signer.public_key}"
    if before:
        lines += f"\nThe key {before} is trusted until {settings.keys / before}.pub is removed."
    screen.show(data, lines)


def _check(path: Path, settings: Settings, screen: Screen) -> None:
    text = read_file(path).decode("utf-8", "replace")
    try:
        whole = check(text.splitlines(), Keyring(settings.decision_keys, settings.keys))
    except Broken as error:
        raise Stopped(Exit.BAD_FILE, f"{path} does not hold: {error}") from None
    screen.show(
        {"records": whole.records, "key": whole.key}, f"{path} holds: {whole.records} records, key {whole.key}."
    )


def _write(lines: list[str], run: str, out: Path | None, screen: Screen) -> None:
    records = len(lines) - 2  # but for the head and the end
    if run and not records:
        raise Stopped(Exit.UNKNOWN_ID, f"nobody was asked anything in {run}, or there is no such run")
    if out is None:
        sys.stdout.write("\n".join(lines) + "\n")
        return None
    try:
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise Stopped(Exit.USAGE, f"{out} cannot be written: {error.strerror}") from None
    return screen.show({"records": records, "file": str(out)}, f"{records} records: {out}")


def _moment(text: str) -> datetime:
    if age := re.fullmatch(r"(\d{1,5})([hd])", text.strip()):
        return now() - int(age[1]) * AGES[age[2]]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        hint = "write a date, a moment in ISO 8601, or an age like 7d"
        raise Stopped(Exit.USAGE, f"--since {text[:40]!r}: {hint}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
