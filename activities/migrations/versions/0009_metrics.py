"""Indexes that the gauges of the fleet are read by."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_invocations_ended", "invocations", ["ended_at", "name", "tenant", "asked"]),
    ("ix_invocations_item", "invocations", ["run", "item"]),
    ("ix_invocations_parent", "invocations", ["parent", "ended_at"]),
    ("ix_conversations_item", "conversations", ["run", "item"]),
    ("ix_notices_item", "notices", ["run", "item"]),
)


def upgrade() -> None:
    op.drop_index("ix_invocations_name", table_name="invocations")
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns, unique=False)


def downgrade() -> None:
    for name, table, _ in INDEXES:
        op.drop_index(name, table_name=table)
    op.create_index("ix_invocations_name", "invocations", ["name", "ended_at"], unique=False)
