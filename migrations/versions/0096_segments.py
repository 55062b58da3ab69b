"""Segments: filters of people under a name."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0096"
down_revision = "0095"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Up."""
    op.create_table(
        "segments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filter", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("updated_at", _AT, nullable=False),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 60", name=op.f("ck_segments_name_short")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_segments_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segments")),
    )
    op.create_index("uq_segments_owner_id_name", "segments", ["owner_id", sa.text("lower(name)")], unique=True)
    op.create_index("ix_segments_shared", "segments", ["id"], postgresql_where=sa.text("shared"))


def downgrade() -> None:
    """Down."""
    op.drop_table("segments")
