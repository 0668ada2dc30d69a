"""The names of the ledger's accounts, as people may write them."""

from datetime import datetime
from typing import NamedTuple

from activities.ledger_accounts import current, is_known_form, is_rule, rule_of
from console.errors import Exit, Stopped

FORMS = "a run (ID), an item (RUN:ITEM), agent:CONVERSATION, batch:NAME, tenant:NAME/day, fleet/day or fleet/month"
PERIODS = ("fleet/", "tenant:")
BATCH = "batch:"
NEAR = ("agent:", "item:", "run:", BATCH)


class Account(NamedTuple):
    """One account, by its name in the ledger."""

    name: str

    @property
    def of_period(self) -> bool:
        """Whether it is of a tenant or of the fleet: those have one account for each day or month, and a rule."""
        return self.name.startswith(PERIODS)

    @property
    def run(self) -> str:
        """The run that it belongs to; empty when it belongs to a batch, to a tenant or to the fleet.

        A conversation is named after its workflow, and an item's workflow after its run: `RUN:ITEM#.../1.critic`.
        """
        return (
            ""
            if self.of_period or self.name.startswith(BATCH)
            else self.name.partition(":")[2].partition("#")[0].partition(":")[0]
        )

    def at(self, moment: datetime) -> "Account":
        """Name the account that is charged at that moment."""
        return Account(current(self.name, moment))

    def covers(self, asked: str) -> bool:
        """Tell whether money here helps whoever asked about the account `asked`.

        A rule covers all its periods: who asked yesterday, and still waits, is charged to today's account next.
        """
        return asked == self.name or (is_rule(self.name) and rule_of(asked) == self.name)


def account(name: str) -> Account:
    """Find which account is meant: by the ledger's own name, or by the id of a run or an item.

    Raises:
        Stopped: no account can be called so.
    """
    if name.startswith("tenant:") and not is_known_form(name):
        name += "/day"  # a tenant has no other
    elif not name.startswith((*PERIODS, *NEAR)) and name != "fleet":
        name = f"item:{name}" if ":" in name else f"run:{name}"
    if not is_known_form(name):
        raise Stopped(Exit.USAGE, f"no account is called {name}; there are: {FORMS}")
    return Account(name)
