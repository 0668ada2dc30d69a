"""Signed decisions that count once, what was sent to people, and whose tenant a notice is."""

import sqlalchemy as sa
from alembic import op

from activities.database import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decision_nonces",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("nonce", "arrival", "workflow", "question", "by")),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("nonce"),
    )
    op.create_table(
        "deliveries",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("notice", "channel", "state", "error")),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("notice", "channel"),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index("ix_deliveries_state", ["state", "at"], unique=False)
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tenant", sa.Text(), nullable=False, server_default="default"))
        batch_op.create_index("ix_notices_told_at", ["told_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_index("ix_notices_told_at")
        batch_op.drop_column("tenant")
    op.drop_table("deliveries")
    op.drop_table("decision_nonces")
