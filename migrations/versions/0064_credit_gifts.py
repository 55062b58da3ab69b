"""The reading room: credits that admins give to people."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_table(
        "credit_gifts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.CheckConstraint("credits BETWEEN 1 AND 1000", name=op.f("ck_credit_gifts_credits_in_range")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_credit_gifts_user_id_users")),
        sa.ForeignKeyConstraint(["given_by"], ["users.id"], name=op.f("fk_credit_gifts_given_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_gifts")),
    )
    op.create_index(
        "uq_credit_gifts_key", "credit_gifts", ["given_by", "idempotency_key"], unique=True,
        postgresql_nulls_not_distinct=True,
    )  # fmt: skip
    op.create_index("ix_credit_gifts_given_at", "credit_gifts", ["given_at"])
    op.create_index("ix_credit_gifts_user_id", "credit_gifts", ["user_id"])


def downgrade() -> None:
    """Down."""
    op.drop_table("credit_gifts")
