"""Candidate evaluation: rubrics, candidates and their documents."""

import sqlalchemy as sa
from alembic import op

from activities.database import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "rubrics",
        *_texts("digest", "role", "version", "body"),
        sa.Column("frozen_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sa.UniqueConstraint("role", "version", name="one_rubric_per_version"),
    )
    op.create_table(
        "candidates",
        *_texts("run", "key", "application", "docket", "rubric", "title", "status", "evaluation", "hold"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("keep_until", sa.Date(), nullable=True),
        sa.Column("erased_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("run", "key"),
    )
    op.create_index("ix_candidates_run", "candidates", ["run", "position"], unique=False)
    op.create_table(
        "candidate_documents",
        *_texts("id", "run", "candidate", "sight", "kind", "source", "content"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_candidate_documents_candidate", "candidate_documents", ["run", "candidate"], unique=False)


def downgrade() -> None:
    for table in ("candidate_documents", "candidates", "rubrics"):
        op.drop_table(table)
