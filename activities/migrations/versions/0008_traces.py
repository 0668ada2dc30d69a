"""What spans tell of a call, how far a conversation had come when it ended, and whether its trace is sampled."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("max_tokens", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("stop", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("response", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("attempt", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended_turn", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("invocations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("trace_flags", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("invocations", schema=None) as batch_op:
        batch_op.drop_column("trace_flags")
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.drop_column("ended_turn")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_column("attempt")
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        for name in ("response", "stop", "max_tokens"):
            batch_op.drop_column(name)
