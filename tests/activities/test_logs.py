"""Every record becomes one JSON line of bounded size, with whose it is, and without what it must not hold."""

import io
import json
import logging
import os
import subprocess
import sys

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from temporalio import activity
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter, PayloadConverter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.assets import AssetsUnreachable
from activities.database import Database
from activities.logs import LINE, JsonLines
from activities.settings import Settings

MAIL = "ines@example.com"
HERE = {"workflow_id": "run-1:tee", "workflow_run_id": "0001", "attempt": 3, "activity_type": "call_model"}


class Log:
    """A logger of the test's own with the lines that it wrote."""

    def __init__(self, **settings):
        self._out = io.StringIO()
        self.logger = logging.Logger("temporalio.activity", logging.DEBUG)  # noqa: LOG001 - of the test's own
        handler = logging.StreamHandler(self._out)
        handler.setFormatter(JsonLines(Settings(**settings)))
        self.logger.addHandler(handler)

    @property
    def text(self):
        return self._out.getvalue()

    @property
    def line(self):
        [line] = self.text.splitlines()
        return json.loads(line)


def raised(error):
    raise error


def failed(error, log):
    try:
        raised(error)
    except Exception:
        log.logger.warning("failed", exc_info=True, extra={"__temporal_error_identifier": "ActivityFailure"})


def test_a_librarys_record_keeps_its_message_and_says_whose_it_is():
    log = Log()
    log.logger.warning("Completing activity as %s", "failed", extra={"temporal_activity": HERE})
    assert {name: value for name, value in log.line.items() if name != "timestamp"} == {
        "level": "warning",
        "logger": "temporalio.activity",
        "event": "Completing activity as failed",
        "workflow_id": "run-1:tee",
        "run_id": "0001",
        "attempt": 3,
        "data": {"activity_type": "call_model"},
    }
    assert log.line["timestamp"].endswith("+00:00")


def test_a_workflows_record_has_its_run_under_the_same_name():
    log = Log()
    log.logger.info("evicted", extra={"temporal_workflow": {"workflow_id": "run-1", "run_id": "0002", "attempt": 1}})
    assert [log.line[name] for name in ("workflow_id", "run_id", "attempt")] == ["run-1", "0002", 1]


async def test_our_own_record_inside_an_activity_says_whose_it_is_by_itself():
    log, env = Log(), ActivityEnvironment()

    async def act():
        log.logger.info("beat_failed")
        return activity.info()

    info = await env.run(act)
    assert [log.line[name] for name in ("workflow_id", "run_id")] == [info.workflow_id, info.workflow_run_id]


def test_a_line_without_a_tracer_has_no_trace_and_with_one_it_has():
    log = Log()
    log.logger.info("plain")
    assert not {"trace_id", "span_id"} & set(log.line)
    with structlog.contextvars.bound_contextvars(trace_id="0af7", span_id="b7ad"):
        traced = Log()
        traced.logger.info("traced")
    assert (traced.line["trace_id"], traced.line["span_id"]) == ("0af7", "b7ad")


@pytest.mark.parametrize("content", [False, True])
def test_a_traceback_shows_where_it_broke_and_no_secret(content):
    log = Log(log_content=content)
    failed(ValueError(f"no letter for {MAIL} with sk-ant-api03-abcdef"), log)
    traceback = log.line["data"]["traceback"]
    assert "in failed" in traceback
    assert "ValueError" in traceback
    assert ("no letter for [REDACTED]" in traceback) is content
    assert not any(word in log.text for word in ("ines", "sk-ant"))


def test_without_content_no_error_is_quoted_but_those_that_hold_none():
    log, ours = Log(), ApplicationError("model API error 529", type="anthropic.overloaded")
    ours.__cause__ = KeyError("the secret plan")
    several = [ours, ValueError("another plan")]
    failed(ExceptionGroup("two things", several), log)
    traceback = log.line["data"]["traceback"]
    assert "ApplicationError [anthropic.overloaded]: anthropic.overloaded: model API error 529" in traceback
    assert traceback.count("(what it says is content)") == 3
    assert not any(word in log.text for word in ("plan", "two things"))


def test_without_content_a_failure_that_came_over_the_wire_is_not_quoted():
    log, failure, wire, payload_converter = Log(), Failure(), DefaultFailureConverter(), PayloadConverter.default
    wire.to_failure(RuntimeError("the secret plan"), payload_converter, failure)
    failed(wire.from_failure(failure, payload_converter), log)
    assert "ApplicationError [RuntimeError]: (what it says is content)" in log.line["data"]["traceback"]
    assert "plan" not in log.text


def test_what_a_database_could_not_do_is_quoted_without_the_values():
    log = Log()
    database, values = Database("sqlite://"), {"said": "the plan"}
    with pytest.raises(OperationalError) as broken, database.transaction() as session:
        session.execute(text("INSERT INTO nowhere VALUES (:said)"), values)
    failed(broken.value, log)
    assert "no such table: nowhere" in log.line["data"]["traceback"]
    assert "the plan" not in log.text


def test_what_a_store_of_assets_could_not_do_is_quoted():
    log = Log()
    failed(AssetsUnreachable("the store of assets does not serve: no route"), log)
    assert "AssetsUnreachable: the store of assets does not serve: no route" in log.line["data"]["traceback"]


def test_a_long_traceback_keeps_its_end():
    def fall(depth):
        return fall(depth - 1) * 2 if depth else 1 // 0

    log = Log(log_content=True)
    try:
        fall(200)
    except ZeroDivisionError:
        log.logger.exception("fell")
    assert log.line["data"]["traceback"].strip().endswith("ZeroDivisionError: integer division or modulo by zero")


@pytest.mark.parametrize("content", [False, True])
def test_a_line_is_never_longer_than_it_may_be(content):
    log = Log(log_content=content)
    wide = {f"{'k' * 90}{number}": ["\x00" * 3_000] * 300 for number in range(300)}
    log.logger.info(
        "\x01" * 9_000, extra={"data": {"tool_output": wide, "kind": "\x02" * 9_000}, "agent_name": "é" * 9_000}
    )
    assert len(log.text.encode()) <= LINE
    assert log.line["agent_name"].startswith("é")


def test_a_record_that_cannot_be_formatted_is_told_without_what_it_says():
    class Hostile:
        def __str__(self):
            raise RuntimeError(MAIL)

    log = Log()
    log.logger.info("%d of %s", MAIL, "x")
    assert log.line["event"] == "a record could not be formatted: TypeError"
    other = Log(log_content=True)
    other.logger.info("odd", extra={"thing": Hostile()})
    assert other.line["event"] == "a record could not be formatted: RuntimeError"
    assert "ines" not in log.text + other.text


def test_without_content_what_a_record_carries_besides_is_left_out_unless_it_is_harmless():
    log = Log()
    log.logger.info("batch_ended", extra={"batch": "b_1", "troubles": 2, "words": "the plan"})
    assert log.line["data"] == {"batch": "b_1", "troubles": 2}


def test_what_ends_a_process_is_a_line_too():
    said = "from activities.logs import log_as_json; log_as_json(); said = 'plan'; raise RuntimeError(said)"
    ended = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=False, timeout=120)
    [line] = map(json.loads, ended.stderr.splitlines())
    assert (ended.returncode, line["level"], line["event"]) == (1, "critical", "the process ends")
    assert line["data"]["traceback"].endswith("RuntimeError: (what it says is content)")


@pytest.mark.parametrize(("level", "said"), [("debug", ["ours", "theirs"]), ("info", ["theirs"]), ("error", [])])
def test_a_low_level_is_for_our_own_records_only_because_libraries_would_log_what_they_send(level, said):
    code = (
        "import logging; from activities.logs import log_as_json; log_as_json();"
        "logging.getLogger('callsheet.x').debug('ours'); logging.getLogger('temporalio').debug('a payload');"
        "logging.getLogger('anthropic').info('a prompt'); logging.getLogger('temporalio').info('theirs')"
    )
    environ = {**os.environ, "CALLSHEET_LOG_LEVEL": level, "ANTHROPIC_LOG": "debug"}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120, env=environ
    )
    assert [json.loads(line)["event"] for line in ended.stderr.splitlines()] == said
