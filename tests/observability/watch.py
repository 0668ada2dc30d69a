"""Prometheus and the Alertmanager as they are deployed, on ports and in folders of a test's own, in a faster time."""

import asyncio
import contextlib
import json
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ruamel.yaml import YAML

from console.processes import free_port
from deploy.observability import rules
from deploy.observability.clock import Clock
from deploy.observability.files import HERE, as_yaml
from screentest.servers import wait_for
from tests.observability.parts import program

DRILL = Clock(1 / 960, 7)
"""An hour is four seconds; but no window is shorter than seven, with a scrape every two."""
PATIENCE = 180
WAITS = ("group_wait", "group_interval", "repeat_interval")
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Receiver:
    """Where the Alertmanager delivers: remembers who was told what."""

    def __init__(self):
        self.told = []
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.extend((self.path.strip("/"), alert) for alert in body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def heard(self, name, status="firing"):
        """What was delivered of an alert, and to whom."""
        return [
            (to, alert) for to, alert in self.told if (alert["labels"]["alertname"], alert["status"]) == (name, status)
        ]


class Watch:
    """A Prometheus that is asked directly, and what the Alertmanager delivers."""

    def __init__(self, prometheus, receiver):
        self.url, self.receiver = prometheus, receiver

    def ask(self, query):
        """The samples of an instant query: labels and value."""
        words = urllib.parse.urlencode({"query": query})
        with DIRECTLY.open(f"{self.url}/api/v1/query?{words}", timeout=30) as answer:
            data = json.load(answer)["data"]
        results = data["result"] if data["resultType"] == "vector" else [{"metric": {}, "value": data["result"]}]
        return [(each["metric"], float(each["value"][1])) for each in results]

    def firing(self):
        """The names of the alerts that fire, but for the one that always does."""
        return {labels["alertname"] for labels, _ in self.ask('ALERTS{alertstate="firing", severity!="none"}')}

    async def told(self, name, status="firing"):
        """Wait until an alert is delivered; the last delivery, as (receiver, alert)."""
        await self.until(lambda: self.receiver.heard(name, status), f"{name} {status}")
        return self.receiver.heard(name, status)[-1]

    async def until(self, true, what):
        """Wait for something; where it does not come, say what there was in its place."""
        end = time.monotonic() + PATIENCE
        while not await asyncio.to_thread(true):
            if time.monotonic() > end:
                heard = sorted(
                    {(to, alert["labels"]["alertname"], alert["status"]) for to, alert in self.receiver.told}
                )
                raise AssertionError(f"waited in vain for {what}; firing: {self.firing()}, delivered: {heard}")
            await asyncio.sleep(0.25)


@contextlib.contextmanager
def watching(folder: Path, *targets: str):
    """Watch workers at these addresses."""
    ports = free_port(), free_port()
    receiver = Receiver()
    configure(folder, targets, ports, receiver.url)
    try:
        with (
            _running(_alertmanager(folder, ports[1]), ports[1], folder / "alertmanager.log"),
            _running(_prometheus(folder, ports[0]), ports[0], folder / "prometheus.log"),
        ):
            _wait_until_ready(f"http://127.0.0.1:{ports[0]}")
            yield Watch(f"http://127.0.0.1:{ports[0]}", receiver)
    finally:
        receiver.close()


def configure(folder, targets, ports, hook):
    """Write what is deployed to a folder: the same, with the time, the addresses and the receivers of a test."""
    (folder / "recording.rules.yml").write_text(as_yaml(rules.recording(DRILL)))
    (folder / "alerts.rules.yml").write_text(as_yaml(rules.alerts(DRILL)))
    prometheus = YAML().load(HERE / "prometheus" / "prometheus.yml")
    prometheus["global"] = {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"}
    [manager] = prometheus["alerting"]["alertmanagers"]
    manager["static_configs"] = [{"targets": [f"127.0.0.1:{ports[1]}"]}]
    jobs = {job["job_name"]: job for job in prometheus["scrape_configs"]}
    jobs["prometheus"]["static_configs"] = [{"targets": [f"127.0.0.1:{ports[0]}"]}]
    (folder / "targets").mkdir()
    YAML().dump([{"targets": list(targets)}], folder / "targets" / "workers.yml")
    (folder / "targets" / "collectors.yml").write_text("[]\n")
    YAML().dump(prometheus, folder / "prometheus.yml")
    manager = YAML().load(HERE / "alertmanager" / "alertmanager.yml")
    for route in (manager["route"], *manager["route"]["routes"]):
        route.update({name: "1s" if name != "repeat_interval" else "1h" for name in WAITS if name in route})
    for receiver in manager["receivers"]:
        receiver["webhook_configs"][0]["url"] = f"{hook}/{receiver['name']}"
    YAML().dump(manager, folder / "alertmanager.yml")


def _prometheus(folder, port):
    yield program("prometheus")
    yield f"--config.file={folder / 'prometheus.yml'}"
    yield f"--storage.tsdb.path={folder / 'series'}"
    yield f"--web.listen-address=127.0.0.1:{port}"
    # What fires before Prometheus has found the Alertmanager, which takes it 5 seconds, is sent again only after this
    # long: a minute, if it is not said.
    yield "--rules.alert.resend-delay=2s"


def _alertmanager(folder, port):
    yield program("prometheus-alertmanager")
    yield f"--config.file={folder / 'alertmanager.yml'}"
    yield f"--storage.path={folder / 'alerts'}"
    yield f"--web.listen-address=127.0.0.1:{port}"
    yield "--cluster.listen-address="


def _wait_until_ready(url):
    """It listens a while before it answers."""
    end = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(urllib.error.HTTPError), DIRECTLY.open(f"{url}/-/ready", timeout=30):
            return
        assert time.monotonic() < end, "Prometheus does not get ready"
        time.sleep(0.1)


@contextlib.contextmanager
def _running(command, port, log):
    with log.open("wb") as file:
        process = subprocess.Popen(list(command), stdout=file, stderr=file)
    try:
        wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)
