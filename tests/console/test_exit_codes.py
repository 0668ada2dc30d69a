import subprocess
import sys
from pathlib import Path

import pytest

from console.errors import Exit

BRIEF = """\
title: Two tees
products:
  - id: tee
    title: Tee
    garment: tee
    fabric: cotton
    colours: [{name: ink, hex: "#101828"}]
guidelines: {brand: Plain}
venues:
  - {profile: amazon.main, views: [front]}
"""
DEAD = "127.0.0.1:1"


def test_without_a_command_it_says_how_to_get_help(shell):
    assert shell() == Exit.USAGE
    assert "callsheet --help" in shell.err


def test_the_help_documents_every_exit_code(shell):
    assert shell("--help") == Exit.OK
    text = " ".join(shell.out.split())
    assert all(f"{code.value} " in text for code in Exit)
    assert "unknown id" in text


def test_a_misspelt_command_is_wrong_usage_and_names_the_nearest(shell):
    assert shell("statsu", "x") == Exit.USAGE
    assert "status" in shell.err


def test_a_file_that_is_not_there_is_a_bad_file(shell):
    assert shell("start", "production", "nowhere.yaml") == Exit.BAD_FILE
    assert "nowhere.yaml" in shell.err


def test_every_mistake_of_a_brief_is_named_with_path_and_line(shell):
    Path("bad.yaml").write_text(BRIEF.replace("amazon.main", "amazon.mian").replace("cotton", "coton"))
    assert shell("start", "production", "bad.yaml") == Exit.BAD_FILE
    assert "line 6: products[0].fabric" in shell.err
    assert "line 10: venues[0].profile" in shell.err
    assert "amazon.main" in shell.err


def test_the_mistakes_of_a_brief_are_data_for_a_program(shell):
    Path("bad.yaml").write_text(BRIEF.replace("title: Two tees\n", ""))
    error = shell.json("demo", "bad.yaml")["error"]
    assert (shell.code, error["code"], error["kind"]) == (3, 3, "bad_file")
    assert any("title" in problem["path"] for problem in error["problems"])
    assert all({"path", "line", "message"} <= set(problem) for problem in error["problems"])


def test_a_demo_with_a_bad_brief_starts_nothing(shell):
    Path("bad.yaml").write_text("title: [")
    assert shell("demo", "bad.yaml") == Exit.BAD_FILE
    assert not Path("home/stack.json").exists()
    assert not Path("home/temporal.db").exists()


def test_an_order_for_an_agent_with_an_unknown_field_is_a_bad_file(shell):
    Path("order.yaml").write_text("goal: count to three\ntool: [find_model]\n")
    assert shell("start", "agent", "order.yaml") == Exit.BAD_FILE
    assert "line 2: tool: is not known here" in shell.err


def test_an_order_for_an_agent_that_history_could_not_hold_is_a_bad_file(shell):
    Path("order.yaml").write_text(f"goal: {'on and ' * 4_000}on\n")
    assert shell("start", "agent", "order.yaml") == Exit.BAD_FILE
    assert "goal" in shell.err
    assert "20000" in shell.err.replace(",", "")


@pytest.mark.parametrize(
    "words",
    [
        ("status", "any"),
        ("watch", "any"),
        ("pending",),
        ("approve", "any"),
        ("reject", "any", "--json"),
        ("revise", "any", "--note", "lighter"),
        ("reassign", "any", "--to", "mo"),
        ("cancel", "any"),
    ],
)
def test_a_server_that_is_down_is_said_in_one_line(shell, monkeypatch, words):
    monkeypatch.setenv("TEMPORAL_ADDRESS", DEAD)
    assert shell(*words) == Exit.UNREACHABLE
    said = shell.out + shell.err
    assert DEAD in said
    assert "Traceback" not in said
    assert "--json" in words or said.count("\n") == 1


def test_a_program_gets_errors_as_json_on_stdout(shell, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", DEAD)
    error = shell.json("status", "any")["error"]
    assert error["kind"] == "unreachable"
    assert shell.err == ""


@pytest.mark.parametrize("command", ["trace", "transcript", "cost"])
def test_records_of_an_unknown_run_are_an_unknown_id(shell, command):
    assert shell(command, "nobody") == Exit.UNKNOWN_ID
    assert "nobody" in shell.err


def test_a_wrong_setting_is_named_by_its_variable(shell, monkeypatch):
    monkeypatch.setenv("CALLSHEET_PLACES", "gpu=1,kitchen")
    assert shell("status", "any") == Exit.MISSING
    assert "CALLSHEET_PLACES" in shell.err
    assert "kitchen" in shell.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TENANT_DAY_USD", "-1"),
        ("FLEET_DAY_USD", "0"),
        ("FLEET_DAY_USD", "1.1234567"),
        ("FLEET_MONTH_USD", "NaN"),
        ("FLEET_MONTH_USD", "1000001"),
        ("ALERT_FACTOR", "1"),
        ("ALERT_SAMPLE", "2"),
        ("ALERT_PAUSE", "perhaps"),
        ("MODEL_RATE", "inf"),
        ("TENANT_RATE", "0"),
        ("BATCH_WINDOW", "-1"),
    ],
)
def test_a_wrong_setting_for_money_is_named_in_one_line(shell, monkeypatch, name, value):
    monkeypatch.setenv(f"CALLSHEET_{name}", value)
    assert shell("budget", "show") == Exit.MISSING
    assert shell.err.startswith(f"callsheet: CALLSHEET_{name}: ")
    assert shell.err.count("\n") == 1


def test_a_store_of_assets_that_there_is_not_is_named_in_one_line(shell, monkeypatch):
    monkeypatch.setenv("CALLSHEET_ASSETS", "ftp://host/folder")
    assert shell("trace", "any") == Exit.MISSING
    assert "no store of assets at ftp://" in shell.err
    assert shell.err.count("\n") == 1


def test_an_id_that_cannot_name_a_folder_is_wrong_usage(shell):
    Path("good.yaml").write_text(BRIEF)
    assert shell("start", "production", "good.yaml", "--id", "../up") == Exit.USAGE


def test_what_nobody_foresaw_is_one_line_and_a_log_file(shell, monkeypatch):
    monkeypatch.setenv("CALLSHEET_HOME", "/dev/null/home")
    assert shell("trace", "any") == Exit.UNEXPECTED
    assert shell.err.count("\n") == 1
    monkeypatch.setenv("CALLSHEET_HOME", "fresh")
    Path("fresh/callsheet.db").mkdir(parents=True)
    assert shell("trace", "any") == Exit.MISSING


def test_the_doctor_finds_the_parts_and_says_that_no_server_runs(shell, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", DEAD)
    found = {each["part"]: each for each in shell.json("doctor")}
    assert shell.code == Exit.OK
    assert found["temporal"]["state"] == "ok"
    assert found["model"]["state"] == "note"
    assert found["server"]["state"] == "note"
    assert DEAD in found["server"]["detail"]


def test_the_doctor_knows_the_caps_the_alerts_and_the_rates(shell, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", DEAD)
    found = {each["part"]: each for each in shell.json("doctor")}
    assert (found["caps"]["state"], "CALLSHEET_FLEET_DAY_USD" in found["caps"]["detail"]) == ("note", True)
    for name, value in {"FLEET_DAY_USD": "50", "MODEL_RATE": "4", "ALERT_PAUSE": "true", "BATCH_WINDOW": "5"}.items():
        monkeypatch.setenv(f"CALLSHEET_{name}", value)
    found = {each["part"]: each for each in shell.json("doctor")}
    assert (found["caps"]["state"], found["caps"]["detail"]) == ("ok", "fleet/day $50.0000")
    assert "waits for a person" in found["alerts"]["detail"]
    assert found["calls"]["detail"] == "4 a second for all; batches are gathered for 5 s"


def test_the_doctor_fails_when_the_database_cannot_be_opened(shell, monkeypatch):
    monkeypatch.setenv("CALLSHEET_DATABASE", "sqlite:////dev/null/nothing.db")
    assert shell("doctor") == Exit.MISSING


def test_the_version_is_printed(shell):
    assert shell.json("version")["version"]


def test_the_process_ends_with_the_exit_code_and_no_traceback(tmp_path, monkeypatch):
    monkeypatch.setenv("CALLSHEET_HOME", str(tmp_path))
    command = [sys.executable, "starter.py", "start", "production", "nowhere.yaml"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == Exit.BAD_FILE
    assert ended.stderr == "callsheet: there is no file nowhere.yaml\n"


def test_leaving_flushes_and_skips_the_interpreters_shutdown():
    code = "import atexit; from activities.leave import leave; atexit.register(print, 'late'); print('said'); leave(7)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (7, "said\n")
