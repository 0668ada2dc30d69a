"""Runs migrations on the connection that `Schema` hands in, or writes them down; notes which code each suits.

A migration that only adds suits all code that the one before suited. One that takes something away says which code no
longer needs it: `oldest_code = "0021"` in its module is the first migration whose code does without.
"""

from typing import Any

import sqlalchemy as sa
from alembic import context

from activities.database import Base

FIRST = "0014"
"""The migration that brings the notes."""

_NOTES = sa.table(
    "schema_versions", *(sa.column(name, sa.Text()) for name in ("revision", "oldest_code", "applied_at"))
)


def note(*, ctx: Any, step: Any, **_: Any) -> None:
    """Note a migration as it is run; part of its transaction."""
    revision = step.up_revision_id
    if revision < FIRST or (revision == FIRST and not step.is_upgrade):
        return
    ctx.execute(sa.delete(_NOTES).where(_NOTES.c.revision == revision))
    if step.is_upgrade:
        oldest = _oldest(context.script.get_revision(revision))
        ctx.execute(sa.insert(_NOTES).values(revision=revision, oldest_code=oldest, applied_at=sa.func.now()))


def _oldest(script: Any) -> str:
    while script.revision > FIRST:
        if oldest := getattr(script.module, "oldest_code", ""):
            return str(oldest)
        script = context.script.get_revision(script.down_revision)
    return FIRST


options: dict[str, Any] = {
    "target_metadata": Base.metadata,
    "render_as_batch": True,
    "compare_type": True,
    "on_version_apply": note,
    "transaction_per_migration": True,
}
if context.is_offline_mode():
    context.configure(dialect_name=context.config.attributes["dialect"], literal_binds=True, **options)
else:
    context.configure(connection=context.config.attributes["connection"], **options)
with context.begin_transaction():
    context.run_migrations()
