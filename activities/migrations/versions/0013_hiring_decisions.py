"""Candidate evaluation: decisions, notices and erasures, which outlive what candidates handed in."""

import sqlalchemy as sa
from alembic import op

from activities.database import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "hiring_decisions",
        sa.Column("id", serial, nullable=False),
        *_texts("run", "key", "question", "by", "body", "digest"),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("question", name="one_decision_per_question"),
    )
    op.create_index("ix_hiring_run", "hiring_decisions", ["run", "key"], unique=False)
    op.create_table(
        "candidate_notices",
        *_texts("run", "key", "kind", "text"),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("run", "key", "kind"),
    )
    op.create_table(
        "erasures",
        *_texts("run", "key", "by", "reason", "digests"),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("run", "key"),
    )


def downgrade() -> None:
    for table in ("erasures", "candidate_notices", "hiring_decisions"):
        op.drop_table(table)
