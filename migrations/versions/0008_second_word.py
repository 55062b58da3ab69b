"""What unmatched money was charged by; admins' words on payments by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.add_column("payment_events", sa.Column("charge_id", sa.Text(), nullable=True))
    op.create_index(
        "ix_payment_intents_charge",
        "payment_intents",
        ["provider", "charge_id"],
        postgresql_where=sa.text("charge_id IS NOT NULL"),
    )
    op.create_table(
        "payment_confirmations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("intent_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "approved_by IS DISTINCT FROM confirmed_by", name=op.f("ck_payment_confirmations_two_people")
        ),
        sa.CheckConstraint(
            "approved_by IS NULL OR applied_at IS NOT NULL", name=op.f("ck_payment_confirmations_approved_is_applied")
        ),
        sa.ForeignKeyConstraint(
            ["intent_id"], ["payment_intents.id"], name=op.f("fk_payment_confirmations_intent_id_payment_intents")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_payment_confirmations_user_id_users")),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["users.id"], name=op.f("fk_payment_confirmations_confirmed_by_users")
        ),
        sa.ForeignKeyConstraint(["approved_by"], ["users.id"], name=op.f("fk_payment_confirmations_approved_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_confirmations")),
    )
    op.create_index(
        "uq_payment_confirmations_waiting",
        "payment_confirmations",
        ["intent_id"],
        unique=True,
        postgresql_where=sa.text("applied_at IS NULL"),
    )
    op.create_index(
        "ix_payment_confirmations_alone", "payment_confirmations", ["user_id", "confirmed_by", "confirmed_at"]
    )


def downgrade() -> None:
    """Down."""
    op.drop_table("payment_confirmations")
    op.drop_index("ix_payment_intents_charge", "payment_intents")
    op.drop_column("payment_events", "charge_id")
