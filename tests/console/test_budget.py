"""Money at the command line: seen, capped, raised; and who waits for it goes on."""

from datetime import timedelta
from pathlib import Path

import pytest

from activities.database import now
from console.errors import Exit
from tests.console.spending import Spending
from tests.console.test_exit_codes import DEAD
from tests.console.test_runs import settled, start

DOLLAR = 1_000_000


@pytest.fixture
def spending(shell, tmp_path) -> Spending:
    """A ledger in the shell's home."""
    return Spending(tmp_path / "home")


@pytest.fixture
def staged_spending(staged, stage) -> Spending:
    """The ledger of the home whose stack runs."""
    return Spending(stage[0])


@pytest.fixture
def offline(shell, monkeypatch):
    """A shell whose server is away."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", DEAD)
    return shell


def accounts(told):
    return [(each["account"], each["depth"]) for each in told["accounts"]]


def test_without_a_name_fleet_tenants_and_the_dearest_runs_of_today_are_shown(shell, spending):
    spending.agent("cheap/planner", cap=DOLLAR, spends=1_000)
    spending.agent("dear:tee/critic", cap=DOLLAR, spends=250_000, tenant="zeta")
    told = shell.json("budget", "show")
    day, month = f"{now():%Y-%m-%d}", f"{now():%Y-%m}"
    names = [f"fleet/day/{day}", f"fleet/month/{month}", f"tenant:acme/day/{day}", f"tenant:zeta/day/{day}"]
    assert [name for name, _ in accounts(told)] == names
    assert [each["spent_micro_usd"] for each in told["accounts"]] == [251_000, 251_000, 1_000, 250_000]
    runs = [(each["account"], each["today_micro_usd"]) for each in told["runs"]]
    assert runs == [("run:dear", 250_000), ("run:cheap", 1_000)]
    assert shell("budget", "show") == Exit.OK
    assert "run:dear" in shell.out


def test_at_most_twenty_runs_are_shown(shell, spending):
    for number in range(22):
        spending.agent(f"run-{number}/planner", cap=DOLLAR, spends=number + 1)
    runs = shell.json("budget", "show")["runs"]
    assert [each["account"] for each in runs[:2]] == ["run:run-21", "run:run-20"]
    assert len(runs) == 20


def test_a_run_is_shown_with_its_items_and_agents_below_it_the_dearest_first(shell, spending):
    planner = spending.agent("shoot/planner", cap=DOLLAR, spends=5_000)
    critic = spending.agent("shoot:tee/critic", cap=DOLLAR, spends=20_000, holds=30_000)
    maker = spending.agent("shoot:tee/generator", cap=DOLLAR, spends=50_000)
    spending.agent("another/planner", cap=DOLLAR, spends=1_000)
    told = shell.json("budget", "show", "shoot")
    assert accounts(told) == [("run:shoot", 0), ("item:shoot:tee", 1), (maker, 2), (critic, 2), (planner, 1)]
    assert told["accounts"][0] == {
        "account": "run:shoot",
        "depth": 0,
        "cap_micro_usd": DOLLAR,
        "spent_micro_usd": 75_000,
        "reserved_micro_usd": 30_000,
        "left_micro_usd": 895_000,
        "used": 0.105,
    }
    shell("budget", "show", "shoot")
    row = next(line.split() for line in shell.out.splitlines() if line.startswith("run:shoot"))
    assert row == ["run:shoot", "$1.0000", "$0.0750", "$0.0300", "$0.8950", "10%"]
    assert "\n  item:shoot:tee " in shell.out
    assert f"\n    {critic} " in shell.out


def test_an_item_an_agent_a_tenant_and_the_fleet_are_shown_alone(shell, spending):
    critic = spending.agent("shoot:tee/critic", cap=DOLLAR, spends=20_000)
    assert accounts(shell.json("budget", "show", "shoot:tee")) == [("item:shoot:tee", 0), (critic, 1)]
    assert accounts(shell.json("budget", "show", critic)) == [(critic, 0)]
    tenant = shell.json("budget", "show", "tenant:acme")["accounts"]
    assert [(each["account"], each["spent_micro_usd"]) for each in tenant] == [
        (f"tenant:acme/day/{now():%Y-%m-%d}", 20_000)
    ]
    assert len(shell.json("budget", "show", "fleet")["accounts"]) == 2


def test_what_a_run_cost_is_what_its_account_says_calls_of_every_kind_included(shell, spending):
    spending.agent("shoot/planner", cap=DOLLAR, spends=5_000)
    spending.agent("shoot:tee/critic", cap=DOLLAR, spends=20_000, holds=30_000)
    told = shell.json("cost", "shoot")
    standing = spending.standing("run:shoot")
    assert told["total"]["micro_usd"] == standing.spent + standing.reserved == 55_000
    assert (told["by_item"]["tee"]["calls"], told["by_item"]["tee"]["unknown"]) == (2, 1)


@pytest.mark.parametrize(
    "words", [("show", "nobody"), ("show", "nobody:tee"), ("set", "run:nobody", "5"), ("top-up", "agent:x#1/1.y", "5")]
)
def test_an_account_that_no_run_has_is_an_unknown_id(shell, words):
    assert shell("budget", *words) == Exit.UNKNOWN_ID
    assert "there is no account" in shell.err


@pytest.mark.parametrize("name", ["fleet", "fleet/year", "fleet/day/2026-02-30", "item:lonely", "run:", ":", "x:"])
def test_a_name_that_no_account_can_have_is_wrong_usage_that_names_the_forms(shell, name):
    assert shell("budget", "set", name, "5") == Exit.USAGE
    assert "tenant:NAME/day" in shell.err


@pytest.mark.parametrize("text", ["5,00", "-5", "1.2345678", "five", "1e3", "", "$", "\u0665", "NaN", "1000001"])
def test_a_wrong_amount_is_wrong_usage_that_says_what_is_right(shell, text):
    assert shell("budget", "set", "fleet/day", text) == Exit.USAGE
    assert "write dollars like 5, 5.00 or $0.25, with at most 6 decimals" in shell.err
    assert "or none" in shell.err
    assert shell("budget", "top-up", "fleet/day", text) == Exit.USAGE
    assert "or none" not in shell.err


@pytest.mark.parametrize(
    ("text", "micro_usd"), [("5", 5 * DOLLAR), ("5.00", 5 * DOLLAR), ("$5", 5 * DOLLAR), ("0.000001", 1), ("0", 0)]
)
def test_an_amount_is_kept_to_the_micro_dollar(shell, text, micro_usd):
    assert shell.json("budget", "set", "fleet/day", text)["cap_micro_usd"] == micro_usd


def test_setting_a_cap_says_what_it_was_and_applies_from_the_next_call_on(shell, spending):
    spending.agent("shoot/planner", cap=2 * DOLLAR, spends=500_000)
    assert shell("budget", "set", "shoot", "5", "--by", "ines", "--note", "more shots") == Exit.OK
    assert "run:shoot: the cap is $5.0000, was $2.0000." in shell.out
    assert "$0.5000 spent, $4.5000 left" in shell.out
    assert spending.standing("run:shoot").cap == 5 * DOLLAR


def test_a_cap_below_what_is_spent_is_set_and_said_to_stop_all_spending(shell, spending):
    spending.agent("shoot/planner", cap=2 * DOLLAR, spends=500_000)
    assert shell("budget", "set", "run:shoot", "0.25") == Exit.OK
    assert "All of it is spent already: nothing more is spent until the cap is raised." in shell.out
    told = shell.json("budget", "set", "run:shoot", "0.2")
    assert (told["was_micro_usd"], told["spent_up"], told["left_micro_usd"]) == (250_000, True, 0)


def test_a_rule_counts_for_the_day_and_without_one_the_setting_counts_again(shell, monkeypatch):
    monkeypatch.setenv("CALLSHEET_FLEET_DAY_USD", "2.50")
    told = shell.json("budget", "set", "fleet/day", "7")
    today = f"fleet/day/{now():%Y-%m-%d}"
    assert (told["was_micro_usd"], told["charged"], told["left_micro_usd"]) == (2_500_000, today, 7 * DOLLAR)
    assert shell.json("budget", "set", "fleet/day", "none")["cap_micro_usd"] == 2_500_000
    assert shell.json("budget", "show", "fleet")["accounts"][0]["cap_micro_usd"] == 2_500_000


def test_a_top_up_without_a_server_raises_the_cap_and_says_that_nobody_was_told(offline, spending):
    spending.agent("shoot/planner", cap=2 * DOLLAR, spends=500_000)
    assert offline("budget", "top-up", "shoot", "1.50") == Exit.UNREACHABLE
    assert "the cap is $3.5000, was $2.0000" in offline.out
    assert f"Nobody was told: no Temporal server answers at {DEAD}" in offline.out
    assert "to tell them later: callsheet budget top-up shoot 0" in offline.out
    told = offline.json("budget", "top-up", "shoot", "1")
    assert (offline.code, told["cap_micro_usd"], told["told"]) == (Exit.UNREACHABLE, 4_500_000, [])
    assert DEAD in told["problem"]
    assert spending.standing("run:shoot").cap == 4_500_000


def test_what_has_no_cap_cannot_be_raised(offline):
    assert offline("budget", "top-up", "fleet/month", "1") == Exit.CONFLICT
    assert "has no cap" in offline.err


def test_nobody_signs_with_a_name_that_stands_for_no_person(offline):
    for name in ("gate", "deadline"):
        assert offline("budget", "top-up", "fleet/day", "1", "--by", name) == Exit.USAGE
    assert offline("budget", "top-up", "fleet/day", "1", "--by", "x" * 201) == Exit.USAGE


def test_a_top_up_lets_go_on_who_waited_for_that_account_and_nobody_else(staged, staged_spending):
    staged_spending.agent("funded:poor/critic", cap=DOLLAR, spends=990_000)
    staged_spending.agent("funded:needy/critic", cap=DOLLAR, spends=1_000)
    settled(staged, start(staged, "funded", "Poor Needy Tee"), items=3)
    assert staged("budget", "top-up", "funded", "0.50", "--by", "ines", "--note", "go on") == Exit.OK
    assert "funded:poor goes on." in staged.out
    state = {row["key"]: row["status"] for row in staged.json("status", "funded")["run"]["items"]}
    assert (state["needy"], state["tee"]) == ("awaiting_review", "awaiting_review")
    poor = staged.json("status", "funded:poor")["item"]
    assert (poor["status"], poor["decided_by"], poor["note"]) == ("published", "ines", "0 go on")
    told = staged.json("budget", "top-up", "funded:needy", "1")
    assert (staged.code, told["told"]) == (Exit.OK, ["funded:needy"])
    staged("approve", "funded")
    assert staged("watch", "funded") == Exit.OK


def test_a_run_that_asks_for_itself_goes_on_too(staged, staged_spending):
    staged_spending.agent("broke/planner", cap=DOLLAR, spends=1_000)
    start(staged, "broke", "Broke")
    while not (told := staged.json("budget", "top-up", "broke", "0")["told"]):
        pass
    assert told == ["broke"]
    assert staged("watch", "broke") == Exit.OK


def test_a_top_up_of_a_rule_reaches_who_asked_on_an_earlier_day(staged):
    settled(staged, start(staged, "overnight", "Late"))
    today = f"fleet/day/{now():%Y-%m-%d}"
    staged("budget", "set", today, "3")
    told = staged.json("budget", "top-up", "fleet/day", "1")
    assert (told["account"], told["cap_micro_usd"], told["told"]) == (today, 4 * DOLLAR, ["overnight:late"])
    staged("budget", "set", today, "none")


def test_a_day_of_its_own_reaches_only_who_asked_about_that_day(staged):
    settled(staged, start(staged, "dated", "Late"))
    tomorrow = f"fleet/day/{now() + timedelta(days=1):%Y-%m-%d}"
    staged("budget", "set", tomorrow, "3")
    assert staged.json("budget", "top-up", tomorrow, "1")["told"] == []
    assert staged("reject", "dated") == Exit.OK


def test_what_is_still_too_little_is_said_with_what_is_needed(staged, staged_spending):
    staged_spending.agent("short:poor/critic", cap=DOLLAR, spends=DOLLAR)
    settled(staged, start(staged, "short", "Poor"))
    assert staged("budget", "top-up", "short", "0.01") == Exit.OK
    assert "short:poor needs at least $0.0300, and will ask again." in staged.out


def test_zero_raises_nothing_and_tells_those_that_wait(staged, staged_spending):
    staged_spending.agent("retold:poor/critic", cap=DOLLAR, spends=1_000)
    settled(staged, start(staged, "retold", "Poor"))
    told = staged.json("budget", "top-up", "retold", "0")
    assert (staged.code, told["cap_micro_usd"], told["told"]) == (Exit.OK, DOLLAR, ["retold:poor"])
    assert staged("budget", "top-up", "retold", "0") == Exit.OK
    assert "Nobody waited for this money." in staged.out


def test_a_question_about_money_is_listed_with_what_is_needed_and_where(staged):
    settled(staged, start(staged, "asks-money", "Poor"))
    found = {}
    for _ in range(100):  # the list of the server may lag a moment behind
        if "asks-money:poor" not in found:
            found = {each["id"]: each for each in staged.json("pending")}
    assert found["asks-money:poor"]["question"]["kind"] == "budget"
    staged("pending")
    assert "needs at least $0.0300 more on run:asks-money: the call needs more" in " ".join(staged.out.split())
    assert staged("reject", "asks-money") == Exit.OK


def test_what_an_item_waits_for_is_shown(staged):
    settled(staged, start(staged, "waits", "Slow"))
    assert staged("status", "waits:slow") == Exit.OK
    assert "the model endpoint, for 3 min so far" in staged.out
    staged("approve", "waits")
    staged("watch", "waits")


def test_patience_and_fallbacks_come_from_the_command_line_before_the_order(staged):
    Path("order.yaml").write_text("goal: count\npatience: batch\nfallbacks: [claude-haiku-5-5]\n")
    kept = staged.json("start", "agent", "order.yaml", "--id", "as-written", "--wait")
    assert kept["agent"]["reason"] == "batch claude-haiku-5-5"
    words = ("--patience", "now", "--fallback", "claude-opus-5-5", "--fallback", "claude-sonnet-5")
    given = staged.json("start", "agent", "order.yaml", "--id", "as-given", "--wait", *words)
    assert given["agent"]["reason"] == "now claude-opus-5-5 claude-sonnet-5"
    assert staged("start", "agent", "order.yaml", "--patience", "never") == Exit.USAGE
