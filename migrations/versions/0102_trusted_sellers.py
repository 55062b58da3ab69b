"""Trusted sellers: whom the shop vouches for, and what it says of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_table(
        "trusted_sellers",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("about", postgresql.JSONB(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_trusted_sellers_user_id_users")),
        sa.ForeignKeyConstraint(["added_by"], ["users.id"], name=op.f("fk_trusted_sellers_added_by_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_trusted_sellers")),
    )


def downgrade() -> None:
    """Down."""
    op.drop_table("trusted_sellers")
