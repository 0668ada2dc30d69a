"""Who may do what: four roles, each of which may do all that the ones before it may."""

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import Field

from workflows.models.base import Value

Role = Literal["viewer", "reviewer", "lead", "operator"]
Choice = Literal["approve", "reject", "revise", "edit", "answer", "top_up", "reassign", "claim", "release"]
Deed = Choice | Literal["view", "overrule", "audit", "cancel"]

ROLES: tuple[Role, ...] = get_args(Role)
MOVES: frozenset[Choice] = frozenset({"reassign", "claim", "release"})
"""Choices that change who a question waits for, and never end it."""

RIGHTS: Mapping[Deed, Role] = {
    "view": "viewer",
    "claim": "reviewer",
    "release": "reviewer",
    "approve": "reviewer",
    "reject": "reviewer",
    "revise": "reviewer",
    "edit": "reviewer",
    "answer": "reviewer",
    "reassign": "reviewer",
    "overrule": "lead",  # decide, hand on or release what somebody else has claimed
    "audit": "lead",
    "top_up": "operator",
    "cancel": "operator",
}
"""The least role for each deed."""

EVERY_TENANT = "*"


class Identity(Value):
    """Somebody whom the desk or the starter has authenticated: a name that is theirs, what they may, and for whom.

    `tenants` may be `("*",)`. `groups` only say which questions are theirs to look at first; they give no rights.
    """

    name: str = Field(min_length=1, max_length=200)
    role: Role
    tenants: tuple[str, ...] = (EVERY_TENANT,)
    groups: tuple[str, ...] = ()

    def serves(self, tenant: str) -> bool:
        """Tell whether this tenant's questions are theirs to see and to answer."""
        return serves(self.tenants, tenant)


def needed(deed: Deed, least: Role = "viewer") -> Role:
    """Say which role a deed takes; `least` is the one that the question itself asks for."""
    return max(RIGHTS[deed], least, key=ROLES.index)


def may(role: Role, deed: Deed, least: Role = "viewer") -> bool:
    """Tell whether a role allows a deed."""
    return ROLES.index(role) >= ROLES.index(needed(deed, least))


def serves(tenants: tuple[str, ...], tenant: str) -> bool:
    """Tell whether somebody who serves `tenants` serves this one."""
    return EVERY_TENANT in tenants or tenant in tenants
