"""Subscriptions: variants that can be had every 30 days, the charges, and what each of them became."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_RENEWALS = "fk_payment_intents_renewal_of_payment_intents"
_OPEN = sa.text("status <> 'ended'")
_STATUSES = "status IN ('awaiting_payment', 'active', 'past_due', 'cancelled', 'ended')"


def upgrade() -> None:
    """Up."""
    op.add_column("variants", sa.Column("subscription_days", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_variants_subscription_as_telegram_renews"), "variants", "subscription_days = 30"
    )
    op.add_column("payment_intents", sa.Column("subscription_id", sa.Uuid(), nullable=True))
    op.add_column("payment_intents", sa.Column("renewal_of", sa.Uuid(), nullable=True))
    op.add_column("payment_intents", sa.Column("paid_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("payment_intents", sa.Column("renews", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.create_foreign_key(op.f(_RENEWALS), "payment_intents", "payment_intents", ["renewal_of"], ["id"])
    op.create_index(
        "ix_payment_intents_renewal_of",
        "payment_intents",
        ["renewal_of"],
        postgresql_where=sa.text("renewal_of IS NOT NULL"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=True),
        sa.Column("paid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_subscriptions_amount_positive")),
        sa.CheckConstraint("charged > 0", name=op.f("ck_subscriptions_charged_positive")),
        sa.CheckConstraint(_STATUSES, name=op.f("ck_subscriptions_status_known")),
        sa.CheckConstraint(
            "status IN ('awaiting_payment', 'ended') OR (first_id IS NOT NULL AND paid_until IS NOT NULL)",
            name=op.f("ck_subscriptions_paid_once_it_runs"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_subscriptions_user_id_users")),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_subscriptions_variant_id_variants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
    )
    op.create_index("ix_subscriptions_user_id_id", "subscriptions", ["user_id", "id"])
    op.create_index(
        "uq_subscriptions_open", "subscriptions", ["user_id", "variant_id"], unique=True, postgresql_where=_OPEN
    )
    op.create_index(
        "ix_subscriptions_remind_at",
        "subscriptions",
        ["remind_at"],
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    )
    op.create_index(
        "ix_subscriptions_check_at", "subscriptions", ["check_at"], postgresql_where=sa.text("check_at IS NOT NULL")
    )
    op.create_table(
        "subscription_charges",
        sa.Column("intent_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("not_applied", sa.Text(), nullable=True),
        sa.Column("first", sa.Boolean(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("order_id IS NULL OR not_applied IS NULL", name=op.f("ck_subscription_charges_one_outcome")),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_subscription_charges_subscription_id_subscriptions"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_subscription_charges_order_id_orders")),
        sa.PrimaryKeyConstraint("intent_id", name=op.f("pk_subscription_charges")),
        sa.UniqueConstraint("order_id", name=op.f("uq_subscription_charges_order_id")),
    )
    op.create_index(
        "ix_subscription_charges_subscription_id", "subscription_charges", ["subscription_id", "paid_until"]
    )


def downgrade() -> None:
    """Down: subscriptions are forgotten, what was paid and delivered stays; later renewals become unmatched."""
    op.drop_table("subscription_charges")
    op.drop_table("subscriptions")
    op.drop_index("ix_payment_intents_renewal_of", "payment_intents")
    op.drop_constraint(op.f(_RENEWALS), "payment_intents", type_="foreignkey")
    for name in ("renews", "paid_until", "renewal_of", "subscription_id"):
        op.drop_column("payment_intents", name)
    op.drop_constraint(op.f("ck_variants_subscription_as_telegram_renews"), "variants", type_="check")
    op.drop_column("variants", "subscription_days")
