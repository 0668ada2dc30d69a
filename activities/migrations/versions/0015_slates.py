"""What operators pause and do to the fleet; batches of runs."""

import sqlalchemy as sa
from alembic import op

from activities.database import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, UtcDateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "pauses",
        *_texts("pipeline", "tenant"),
        sa.Column("act", sa.Integer(), nullable=False),
        *_texts("by", "reason"),
        _moment("at"),
        sa.PrimaryKeyConstraint("pipeline", "tenant"),
    )
    op.create_table(
        "fleet_acts",
        sa.Column("id", sa.Integer(), nullable=False),
        *_texts("kind", "by", "body", "key", "signature"),
        _moment("at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_fleet_acts_at", "fleet_acts", ["at"], unique=False)
    op.create_table(
        "slates",
        *_texts("name", "kind", "tenant", "by"),
        sa.Column("micro_usd", sa.BigInteger(), nullable=True),
        _moment("at"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "slate_runs",
        *_texts("slate", "input"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        *_texts("run", "place", "title", "body", "state", "error"),
        sa.Column("micro_usd", sa.BigInteger(), nullable=False),
        _moment("started_at", nullable=True),
        _moment("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("slate", "input"),
    )
    op.create_index("ix_slate_runs_state", "slate_runs", ["slate", "state", "position"], unique=False)


def downgrade() -> None:
    for table in ("slate_runs", "slates", "fleet_acts", "pauses"):
        op.drop_table(table)
