"""What was tried against the ledger: every level of caps, and everything that pays. The page on money prints it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from tests.money import failures, levels, payers
from tests.money.till import Row, Till

Level = Literal["call", "agent", "item", "run", "tenant day", "fleet day", "fleet month"]
Checked = Literal["before the call", "in the reserving transaction", "at settle", "at lapse"]
WITHIN, ALL, LOWERED = "≤ cap", "= cap", "no more than it was"
AtMost = Literal["≤ cap", "= cap", "no more than it was"]


@dataclass(frozen=True)
class Case:
    """One thing that happens at the edge of a cap; `play` does it on a real database.

    `at_most` is what was spent and reserved at the worst moment. `both` cases matter on PostgreSQL as well.
    """

    level: Level
    happens: str
    checked: Checked
    at_most: AtMost
    play: Callable[[Till], Awaitable[Row]]
    both: bool = False

    def problem(self, row: Row) -> str:
        """Say what is wrong with what became of the cap; empty when nothing is."""
        reached = {WITHIN: row.spent_at_most <= row.cap, ALL: row.spent_at_most == row.cap, LOWERED: True}
        found = {
            f"overshot by {row.overshoot}": row.overshoot != 0,
            f"spent and reserved at most is not {self.at_most}": not reached[self.at_most],
            "more was billed than is booked": row.billed > row.spent,
            "more is booked than was ever reserved": row.spent > row.spent_at_most,
        }
        return "; ".join(text for text, wrong in found.items() if wrong)


BEFORE, RESERVING, SETTLE, LAPSE = "before the call", "in the reserving transaction", "at settle", "at lapse"
CASES = (
    Case(
        "call",
        "all it reads goes to the 1-hour cache, all output is used",
        BEFORE,
        ALL,
        levels.everything_is_used,
    ),
    Case(
        "call",
        "every byte that is read is a token, turn by turn",
        BEFORE,
        WITHIN,
        payers.every_byte_a_token,
    ),
    Case("agent", "one caller goes to the edge: the output shrinks", RESERVING, ALL, levels.one_caller_to_the_edge),
    Case("agent", "the floor of the output is not covered", RESERVING, WITHIN, levels.below_the_floor),
    Case("agent", "the endpoint refuses: 429, 529, 400, no connection", SETTLE, ALL, failures.refused),
    Case("agent", "the reply is lost, and the call made again, twice", SETTLE, ALL, failures.reply_lost, both=True),
    Case("agent", "one bill is booked by 16 threads", SETTLE, ALL, failures.billed_twice, both=True),
    Case("agent", "a refusal is billed, then a dearer model is asked", BEFORE, WITHIN, payers.a_dearer_model),
    Case("agent", "summaries are written until the money ends", RESERVING, ALL, payers.summaries),
    Case("item", "two agents of one item work side by side", RESERVING, ALL, levels.two_agents_of_an_item),
    Case("item", "streams end in the middle", SETTLE, ALL, failures.stream_cut),
    Case(
        "item",
        "a call that lapsed is billed after all, eight times",
        LAPSE,
        ALL,
        failures.truth_after_lapse,
        both=True,
    ),
    Case("item", "prompts cross 100k tokens, where all prices rise", BEFORE, ALL, payers.long_prompts),
    Case("run", "16 callers on four workers use it up", RESERVING, WITHIN, levels.sixteen_callers, both=True),
    Case("run", "a worker is killed in the middle of a call", LAPSE, ALL, failures.worker_killed, both=True),
    Case("run", "eight workers make the same call at once", RESERVING, ALL, failures.same_call_at_once, both=True),
    Case("run", "a call is cancelled on its way", SETTLE, ALL, failures.cancelled),
    Case("run", "a model without a price is asked, then one answers", BEFORE, ALL, failures.unknown_price),
    Case("run", "a judge looks until the money ends", RESERVING, WITHIN, payers.judges),
    Case("run", "a batch at half the price", RESERVING, ALL, payers.batches, both=True),
    Case("run", "a person tops up while callers wait", RESERVING, ALL, levels.topped_up_while_callers_wait, both=True),
    Case("tenant day", "midnight passes between reservation and bill", RESERVING, ALL, levels.midnight_passes),
    Case("tenant day", "one tenant uses up its day, another goes on", RESERVING, ALL, levels.one_of_two_tenants),
    Case(
        "fleet day",
        "16 threads of eight runs pay, fail or lose replies",
        RESERVING,
        WITHIN,
        levels.a_crowd_of_runs,
        both=True,
    ),
    Case("fleet day", "16 threads rush for money for five", RESERVING, ALL, levels.the_last_part_of_a_day, both=True),
    Case("fleet day", "the cap is lowered below what is spent", RESERVING, LOWERED, levels.lowered_below_what_is_spent),
    Case("fleet month", "day after day, to the last minute", RESERVING, ALL, levels.day_after_day),
)
