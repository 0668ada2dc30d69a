"""The ledger: accounts, caps, and attempts that name what they are charged to."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TOKENS = ("input", "output", "thinking", "cache_read", "write_5m", "write_1h")
TEXTS = {"kind": "turn", "pipeline": "", "served": "", "accounts": "[]"}

_attempts = sa.table(
    "attempts",
    *(sa.column(name) for name in ("id", "conversation", "turn", "state", "served", "model")),
    *(sa.column(name) for name in TOKENS),
)
_messages = sa.table("messages", sa.column("conversation"), sa.column("turn"), sa.column("record"))


def upgrade() -> None:
    _accounts()
    _cap_changes()
    _widen_attempts()
    _fill_attempts()
    _require_attempts()
    _widen_conversations()


def downgrade() -> None:
    with op.batch_alter_table("cuts", schema=None) as batch_op:
        for name in ("block", "tried", "strategy"):
            batch_op.drop_column(name)
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_column("model")
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        for name in ("pipeline", "accounts"):
            batch_op.drop_column(name)
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index("ix_attempts_state")
        batch_op.drop_constraint("one_attempt_per_key", type_="unique")
        for name in ("key", *TEXTS, *TOKENS, "batch", "expires_at"):
            batch_op.drop_column(name)
    op.drop_table("cap_changes")
    op.drop_table("accounts")


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _cap_changes() -> None:
    op.create_table(
        "cap_changes",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=True),
        sa.Column("after", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", "account"),
    )
    with op.batch_alter_table("cap_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cap_changes_account"), ["account"], unique=False)


def _widen_attempts() -> None:
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key", sa.Text(), nullable=True))
        for name, default in TEXTS.items():
            batch_op.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=default))
        for name in TOKENS:
            batch_op.add_column(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("batch", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))


def _fill_attempts() -> None:
    """Give old attempts what new ones have. Their tokens stood in the replies, which did not split cache writes."""
    op.execute("UPDATE attempts SET key = 'attempt:' || id, expires_at = started_at")
    op.execute("UPDATE attempts SET micro_usd = reserved WHERE state = 'unknown'")
    if op.get_context().as_sql:
        return  # what is written down is for an empty database: it has no replies
    connection = op.get_bind()
    replies = sa.select(_messages).where(_messages.c.record.is_not(None))
    for conversation, turn, record in connection.execute(replies).all():
        reply = json.loads(record)
        usage = reply.get("usage") or {}
        tokens = {name: usage.get("cache_write" if name == "write_5m" else name, 0) for name in TOKENS}
        answered = (
            sa.select(sa.func.max(_attempts.c.id))
            .where(_attempts.c.conversation == conversation, _attempts.c.turn == turn, _attempts.c.state != "free")
            .scalar_subquery()
        )
        change = sa.update(_attempts).where(_attempts.c.id == answered)
        connection.execute(change.values(served=reply.get("model") or "", **tokens))


def _require_attempts() -> None:
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.alter_column("key", existing_type=sa.Text(), nullable=False)
        batch_op.alter_column("expires_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.create_unique_constraint("one_attempt_per_key", ["key"])
        batch_op.create_index("ix_attempts_state", ["state", "expires_at"], unique=False)


def _widen_conversations() -> None:
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("accounts", sa.Text(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("pipeline", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("model", sa.Text(), nullable=True))
    with op.batch_alter_table("cuts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("strategy", sa.Text(), nullable=False, server_default="plain"))
        batch_op.add_column(sa.Column("tried", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("block", sa.Text(), nullable=True))
