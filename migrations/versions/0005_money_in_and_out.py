"""Payments in other assets, refunds, reconciliation, proofs, holds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OPEN = "status IN ('confirming', 'created', 'pending', 'underpaid')"


def _upgrade_intents() -> None:
    op.add_column("payment_intents", sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.create_unique_constraint(op.f("uq_payment_intents_number"), "payment_intents", ["number"])
    op.add_column("payment_intents", sa.Column("refunded", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("payment_intents", sa.Column("asset", sa.Text(), nullable=True))
    op.add_column("payment_intents", sa.Column("payable", sa.BigInteger(), nullable=True))
    op.add_column("payment_intents", sa.Column("received", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("payment_intents", sa.Column("charge_id", sa.Text(), nullable=True))
    op.add_column(
        "payment_intents",
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
    op.execute("UPDATE payment_intents SET asset = currency, payable = amount, received = credited")
    for column in ("asset", "payable"):
        op.alter_column("payment_intents", column, nullable=False)
    op.alter_column("payment_intents", "next_poll_at", nullable=True)
    op.execute("UPDATE payment_intents SET next_poll_at = NULL WHERE NOT (" + _OPEN + ")")  # noqa: S608 - a constant
    op.create_check_constraint(op.f("ck_payment_intents_payable_positive"), "payment_intents", "payable > 0")
    op.create_check_constraint(
        op.f("ck_payment_intents_never_more_back_than_came"), "payment_intents", "refunded BETWEEN 0 AND credited"
    )
    op.drop_index("ix_payment_intents_next_poll_at", table_name="payment_intents", postgresql_where=sa.text(_OPEN))
    op.create_index(
        "ix_payment_intents_asked",
        "payment_intents",
        ["next_poll_at"],
        postgresql_where=sa.text("next_poll_at IS NOT NULL"),
    )
    op.create_index(
        "ix_payment_intents_order_id",
        "payment_intents",
        ["order_id"],
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index("ix_payment_intents_provider_id", "payment_intents", ["provider", "id"])
    op.create_index("ix_payment_intents_user_id_id", "payment_intents", ["user_id", "id"])


def _downgrade_intents() -> None:
    op.drop_index("ix_payment_intents_user_id_id", table_name="payment_intents")
    op.drop_index("ix_payment_intents_provider_id", table_name="payment_intents")
    op.drop_index(
        "ix_payment_intents_order_id", table_name="payment_intents", postgresql_where=sa.text("order_id IS NOT NULL")
    )
    op.drop_index(
        "ix_payment_intents_asked", table_name="payment_intents", postgresql_where=sa.text("next_poll_at IS NOT NULL")
    )
    op.create_index(
        "ix_payment_intents_next_poll_at", "payment_intents", ["next_poll_at"], postgresql_where=sa.text(_OPEN)
    )
    op.drop_constraint(op.f("ck_payment_intents_never_more_back_than_came"), "payment_intents")
    op.drop_constraint(op.f("ck_payment_intents_payable_positive"), "payment_intents")
    op.execute("UPDATE payment_intents SET next_poll_at = expires_at WHERE next_poll_at IS NULL")
    op.alter_column("payment_intents", "next_poll_at", nullable=False)
    for column in ("progress", "charge_id", "received", "payable", "asset", "refunded", "number"):
        op.drop_column("payment_intents", column)


def _outcomes(*names: str) -> None:
    op.drop_constraint(op.f("ck_payment_events_outcome_known"), "payment_events")
    op.create_check_constraint(
        op.f("ck_payment_events_outcome_known"),
        "payment_events",
        "outcome IN ({})".format(", ".join(f"'{name}'" for name in names)),
    )


def upgrade() -> None:
    """Up."""
    _upgrade_intents()
    _outcomes("applied", "ignored", "unmatched", "dismissed")
    op.create_table(
        "payment_refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("intent_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payable", sa.BigInteger(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_refunds_amount_positive")),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed')", name=op.f("ck_payment_refunds_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["intent_id"], ["payment_intents.id"], name=op.f("fk_payment_refunds_intent_id_payment_intents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_refunds")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_payment_refunds_idempotency_key")),
    )
    op.create_index("ix_payment_refunds_intent_id", "payment_refunds", ["intent_id"])
    op.create_index("ix_payment_refunds_order_id", "payment_refunds", ["order_id"])
    op.create_index(
        "ix_payment_refunds_pending", "payment_refunds", ["updated_at"], postgresql_where=sa.text("status = 'pending'")
    )
    op.create_table(
        "payment_reconciliations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("differences", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_reconciliations")),
    )
    op.create_index("ix_payment_reconciliations_at", "payment_reconciliations", ["at"])
    op.create_table(
        "payment_proofs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("intent_id", sa.Uuid(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("data_key_id", sa.Uuid(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["intent_id"], ["payment_intents.id"], name=op.f("fk_payment_proofs_intent_id_payment_intents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_proofs")),
    )
    op.create_index("ix_payment_proofs_intent_id", "payment_proofs", ["intent_id"])
    op.create_index(
        "ix_payment_proofs_waiting", "payment_proofs", ["intent_id"], postgresql_where=sa.text("decided_at IS NULL")
    )
    op.create_table(
        "wallet_holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_wallet_holds_amount_positive")),
        sa.CheckConstraint("status IN ('held', 'captured', 'released')", name=op.f("ck_wallet_holds_status_known")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_wallet_holds_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_holds")),
        sa.UniqueConstraint("purpose", name=op.f("uq_wallet_holds_purpose")),
    )
    op.create_index("ix_wallet_holds_open", "wallet_holds", ["user_id"], postgresql_where=sa.text("status = 'held'"))
    op.add_column("orders", sa.Column("refunded_amount", sa.BigInteger(), server_default="0", nullable=False))
    op.create_check_constraint(
        op.f("ck_orders_never_more_back_than_paid"), "orders", "refunded_amount BETWEEN 0 AND total_amount"
    )
    op.create_table(
        "order_refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_order_refunds_amount_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_refunds_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_refunds")),
        sa.UniqueConstraint("order_id", "idempotency_key", name=op.f("uq_order_refunds_order_id_idempotency_key")),
    )


def downgrade() -> None:
    """Down."""
    op.drop_table("order_refunds")
    op.drop_constraint(op.f("ck_orders_never_more_back_than_paid"), "orders")
    op.drop_column("orders", "refunded_amount")
    op.drop_table("wallet_holds")
    op.drop_table("payment_proofs")
    op.drop_table("payment_reconciliations")
    op.drop_table("payment_refunds")
    op.execute("DELETE FROM payment_events WHERE outcome = 'dismissed'")
    _outcomes("applied", "ignored", "unmatched")
    _downgrade_intents()
