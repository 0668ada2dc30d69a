"""What Temporal's core logs comes out as everything else does: as JSON, and never on standard output."""

import json
import logging

from temporalio import activity
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import Worker

from activities.engine_metrics import core_logs
from activities.logs import JsonLines
from activities.settings import Settings
from tests.scenarios.shoots import until


@activity.defn
async def nothing() -> None:
    """Do nothing."""


async def test_a_record_of_the_core_is_a_json_line_and_standard_output_stays_ours(server, caplog, capfd):
    caplog.set_level(logging.DEBUG, "temporalio.core")
    runtime = Runtime(telemetry=TelemetryConfig(logging=core_logs("DEBUG")))
    client = await Client.connect(server, runtime=runtime)
    async with Worker(client, task_queue="core-logs", activities=[nothing]):
        pass
    await until(lambda: _logged(caplog))
    lines = [json.loads(JsonLines(Settings()).format(record)) for record in caplog.records]
    core = [line for line in lines if line["logger"] == "temporalio.core"]
    assert core
    assert all("could not be formatted" not in line["event"] and "temporal_log" not in str(line) for line in core)
    assert capfd.readouterr().out == ""


async def _logged(caplog):
    return any(record.name == "temporalio.core" for record in caplog.records)
