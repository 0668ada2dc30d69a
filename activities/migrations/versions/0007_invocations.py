"""Invocations, and how conversations ended."""

import sqlalchemy as sa
from alembic import op

from activities.database import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXTS = (
    *("id", "name", "pipeline", "run", "item", "tenant", "parent", "workflow_id", "workflow_run_id"),
    *("trace_id", "span_id", "parent_span_id", "status"),
)


def upgrade() -> None:
    op.create_table(
        "invocations",
        *(sa.Column(name, sa.Text(), nullable=False) for name in TEXTS),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("micro_usd", "bytes")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("turns", "tool_calls", "asked", "events")),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("invocations", schema=None) as batch_op:
        batch_op.create_index("ix_invocations_name", ["name", "ended_at"], unique=False)
        batch_op.create_index("ix_invocations_workflow", ["workflow_id", "started_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_invocations_run"), ["run"], unique=False)
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.drop_column("ended_at")
        batch_op.drop_column("ended")
    op.drop_table("invocations")
