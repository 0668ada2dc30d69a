"""Sessions of the review desk."""

import sqlalchemy as sa
from alembic import op

from activities.database import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_sessions",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("digest", "person", "csrf", "data")),
        *(sa.Column(name, UtcDateTime(timezone=True), nullable=False) for name in ("began_at", "seen_at", "ends_at")),
        sa.PrimaryKeyConstraint("digest"),
    )
    with op.batch_alter_table("desk_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_desk_sessions_ends_at"), ["ends_at"], unique=False)


def downgrade() -> None:
    op.drop_table("desk_sessions")
