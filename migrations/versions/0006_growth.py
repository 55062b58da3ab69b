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


def _vouchers() -> None:
    op.create_table(
        "voucher_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("codes", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_voucher_batches_amount_positive")),
        sa.CheckConstraint("people > 0", name=op.f("ck_voucher_batches_for_somebody")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_voucher_batches_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher_batches")),
        sa.UniqueConstraint(
            "created_by", "idempotency_key", name=op.f("uq_voucher_batches_created_by_idempotency_key")
        ),
    )
    op.create_table(
        "vouchers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("redeemed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("redeemed BETWEEN 0 AND people", name=op.f("ck_vouchers_never_too_often")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["voucher_batches.id"], name=op.f("fk_vouchers_batch_id_voucher_batches")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vouchers")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_vouchers_fingerprint")),
    )
    op.create_index("ix_vouchers_batch_id", "vouchers", ["batch_id"])
    op.create_table(
        "voucher_redemptions",
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_voucher_redemptions_user_id_users")),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["vouchers.id"], name=op.f("fk_voucher_redemptions_voucher_id_vouchers")
        ),
        sa.PrimaryKeyConstraint("voucher_id", "user_id", name=op.f("pk_voucher_redemptions")),
    )


def _gift_cards() -> None:
    op.create_table(
        "gift_cards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("data_key_id", sa.Uuid(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("redeemed_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'active') = (closed_at IS NULL)", name=op.f("ck_gift_cards_closed_or_active")),
        sa.CheckConstraint(
            "(status = 'active') = (data_key_id IS NOT NULL)", name=op.f("ck_gift_cards_sealed_while_active")
        ),
        sa.CheckConstraint(
            "(status = 'redeemed') = (redeemed_by IS NOT NULL)", name=op.f("ck_gift_cards_redeemed_by_somebody")
        ),
        sa.CheckConstraint("status IN ('active', 'redeemed', 'taken_back')", name=op.f("ck_gift_cards_status_known")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_gift_cards_amount_positive")),
        sa.ForeignKeyConstraint(["buyer_id"], ["users.id"], name=op.f("fk_gift_cards_buyer_id_users")),
        sa.ForeignKeyConstraint(["redeemed_by"], ["users.id"], name=op.f("fk_gift_cards_redeemed_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_cards")),
        sa.UniqueConstraint("buyer_id", "idempotency_key", name=op.f("uq_gift_cards_buyer_id_idempotency_key")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_gift_cards_fingerprint")),
    )
    op.create_index("ix_gift_cards_buyer_id", "gift_cards", ["buyer_id", "id"])


def _bonuses() -> None:
    op.create_table(
        "bonus_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("minimum", sa.BigInteger(), nullable=False),
        sa.Column("basis_points", sa.BigInteger(), nullable=True),
        sa.Column("fixed", sa.BigInteger(), nullable=True),
        sa.Column("maximum", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_only", sa.Boolean(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(basis_points IS NULL) <> (fixed IS NULL)", name=op.f("ck_bonus_rules_percent_or_fixed")),
        sa.CheckConstraint("basis_points BETWEEN 1 AND 10000", name=op.f("ck_bonus_rules_percent_in_range")),
        sa.CheckConstraint("minimum > 0", name=op.f("ck_bonus_rules_minimum_positive")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_bonus_rules_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bonus_rules")),
    )
    op.create_table(
        "top_up_bonuses",
        sa.Column("intent_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("first_only", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("claimed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("taken", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "taken BETWEEN 0 AND claimed AND claimed <= granted",
            name=op.f("ck_top_up_bonuses_never_more_back_than_given"),
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["bonus_rules.id"], name=op.f("fk_top_up_bonuses_rule_id_bonus_rules")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_top_up_bonuses_user_id_users")),
        sa.PrimaryKeyConstraint("intent_id", name=op.f("pk_top_up_bonuses")),
    )
    op.create_index("ix_top_up_bonuses_rule_id", "top_up_bonuses", ["rule_id"])
    op.create_index(
        "uq_top_up_bonuses_first", "top_up_bonuses", ["user_id"], unique=True, postgresql_where=sa.text("first_only")
    )


def upgrade() -> None:
    """Up."""
    _adjustments()
    _vouchers()
    _gift_cards()
    _bonuses()


def downgrade() -> None:
    """Down."""
    op.drop_table("top_up_bonuses")
    op.drop_table("bonus_rules")
    op.drop_table("gift_cards")
    op.drop_table("voucher_redemptions")
    op.drop_table("vouchers")
    op.drop_table("voucher_batches")
    op.drop_table("wallet_adjustments")
