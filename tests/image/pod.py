"""A process in the image as a pod has it: read-only root, no capabilities, user 10001, and it is process 1."""

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Self

SCRIPT = """
set -eu
root=$1 home=$2; shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$root/tmp"
mount --bind "$home" "$root/var/lib/callsheet"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec /usr/sbin/chroot --userspec=10001:10001 "$root" \
  /usr/bin/setpriv --no-new-privs --bounding-set=-all --inh-caps=-all \
  /bin/sh -c 'cd /var/lib/callsheet && exec "$@"' sh "$@"
"""
"""The network is this machine's, and so is the kernel's view of memory: no control group bounds it."""
USER = 10001


class Pod:
    """The mounted image with one home folder. `environ` is the image's own."""

    def __init__(self, root: Path, home: Path, environ: dict[str, str]) -> None:
        self._root, self.home, self._environ = root, home, environ
        home.mkdir(parents=True, exist_ok=True)
        os.chown(home, USER, USER)

    def run(self, *command: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            self._command(command),
            env=self._environ | environ,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def start(self, *command: str, **environ: str) -> "Running":
        """Start a command that serves."""
        return Running(self._command(command), self._environ | environ)

    def _command(self, command: tuple[str, ...]) -> list[str]:
        shell = ["/bin/sh", "-c", SCRIPT, "pod", str(self._root), str(self.home)]
        return ["/usr/bin/unshare", "--mount", "--pid", "--fork", "--kill-child", *shell, *command]


class Running:
    """A process that serves; a context that ends it."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        self.lines: list[str] = []
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()  # what it started goes with it
        self.process.wait(timeout=30)
        self._reader.join(timeout=10)

    def wait_for(self, text: str, seconds: float = 180) -> str:
        """Wait for a line with this text; it names what was said instead."""
        with self._said:
            self._said.wait_for(lambda: self._line(text) or self.process.poll() is not None, seconds)
        found = self._line(text)
        assert found, f"{text!r} was not said, but: {self.lines[-5:]}"
        return found

    def terminate(self) -> int:
        """Send SIGTERM to the process itself, which is number 1 where it lives; returns its exit code."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)
        return self.process.wait(timeout=60)

    def _line(self, text: str) -> str:
        return next((line for line in self.lines if text in line), "")

    def _read(self) -> None:
        for line in self.process.stdout or ():
            with self._said:
                self.lines.append(line.rstrip())
                self._said.notify_all()
        with self._said:
            self._said.notify_all()
