"""Adjustments by admins; vouchers, gift cards, top-up bonuses."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _adjustments() -> None:
    op.create_table(
        "wallet_adjustments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_wallet_adjustments_moves_something")),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_wallet_adjustments_reason_given")),
        sa.CheckConstraint(
            "status IN ('applied', 'refused', 'waiting')", name=op.f("ck_wallet_adjustments_status_known")
        ),
        sa.CheckConstraint(
            "status <> 'applied' OR decided_by IS DISTINCT FROM asked_by", name=op.f("ck_wallet_adjustments_two_people")
        ),
        sa.CheckConstraint(
            "(status = 'waiting') = (decided_at IS NULL)", name=op.f("ck_wallet_adjustments_decided_or_waiting")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_wallet_adjustments_user_id_users")),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_wallet_adjustments_asked_by_users")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_wallet_adjustments_decided_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_adjustments")),
        sa.UniqueConstraint("asked_by", "idempotency_key", name=op.f("uq_wallet_adjustments_asked_by_idempotency_key")),
    )
    op.create_index(
        "ix_wallet_adjustments_waiting", "wallet_adjustments", ["id"], postgresql_where=sa.text("status = 'waiting'")
    )
    op.create_index("ix_wallet_adjustments_user_id", "wallet_adjustments", ["user_id", "id"])


def upgrade() -> None:
    """Up."""
    _adjustments()


def downgrade() -> None:
    """Down."""
    op.drop_table("wallet_adjustments")
