"""Which prefixes of the prompt cache are warm."""

import sqlalchemy as sa
from alembic import op

from activities.database import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "warm_prefixes",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("warming_until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("warm_until", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("prefix"),
    )


def downgrade() -> None:
    op.drop_table("warm_prefixes")
