"""Calls that can wait for a batch."""

import sqlalchemy as sa
from alembic import op

from activities.database import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXTS = (
    "conversation",
    "workflow_id",
    "queue",
    "request",
    "model",
    "betas",
    "state",
    "parcel",
    "batch",
    "error",
)


def upgrade() -> None:
    op.create_table(
        "batch_calls",
        sa.Column("custom_id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in TEXTS),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("head", "turn", "max_tokens")),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("queued_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("custom_id"),
    )
    with op.batch_alter_table("batch_calls", schema=None) as batch_op:
        batch_op.create_index("ix_batch_calls_queue", ["queue", "state"], unique=False)
        batch_op.create_index("ix_batch_calls_batch", ["batch"], unique=False)


def downgrade() -> None:
    op.drop_table("batch_calls")
