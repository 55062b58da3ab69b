"""Variants: a version against two admins, and the recycle bin."""

import sqlalchemy as sa
from alembic import op

revision = "0097"
down_revision = "0096"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.add_column("variants", sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column("variants", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("variants", sa.Column("archived_by", sa.Uuid(), nullable=True))
    op.add_column(
        "variants", sa.Column("archived_shown", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_check_constraint(op.f("ck_variants_archived_is_hidden"), "variants", "archived_at IS NULL OR hidden")
    op.create_index(
        "ix_variants_archived_at", "variants", ["archived_at"], postgresql_where=sa.text("archived_at IS NOT NULL")
    )


def downgrade() -> None:
    """Down."""
    op.drop_index("ix_variants_archived_at", table_name="variants")
    op.drop_constraint(op.f("ck_variants_archived_is_hidden"), "variants", type_="check")
    for column in ("archived_shown", "archived_by", "archived_at", "version"):
        op.drop_column("variants", column)
