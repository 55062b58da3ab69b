"""Promo codes and their uses."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_table(
        "promos",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("basis_points", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("codes", sa.BigInteger(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=True),
        sa.Column("per_person", sa.BigInteger(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("minimum", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_only", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(basis_points = 0) <> (amount IS NULL)", name=op.f("ck_promos_percent_or_amount")),
        sa.CheckConstraint("basis_points BETWEEN 0 AND 10000", name=op.f("ck_promos_percent_in_range")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_promos_amount_positive")),
        sa.CheckConstraint("scope IN ('all', 'category', 'product', 'kind')", name=op.f("ck_promos_scope_known")),
        sa.CheckConstraint("(scope = 'all') = (target = '')", name=op.f("ck_promos_target_named")),
        sa.CheckConstraint("uses > 0 AND per_person > 0", name=op.f("ck_promos_limits_positive")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_promos_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promos")),
        sa.UniqueConstraint(
            "created_by",
            "idempotency_key",
            name=op.f("uq_promos_created_by_idempotency_key"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "promo_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("promo_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=True),
        sa.Column("used", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("used >= 0 AND used <= uses", name=op.f("ck_promo_codes_never_too_often")),
        sa.ForeignKeyConstraint(["promo_id"], ["promos.id"], name=op.f("fk_promo_codes_promo_id_promos")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promo_codes")),
        sa.UniqueConstraint("key", name=op.f("uq_promo_codes_key")),
    )
    op.create_index("ix_promo_codes_promo_id", "promo_codes", ["promo_id"])
    op.create_table(
        "promo_uses",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("promo_id", sa.Uuid(), nullable=False),
        sa.Column("code_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_promo_uses_amount_positive")),
        sa.ForeignKeyConstraint(["promo_id"], ["promos.id"], name=op.f("fk_promo_uses_promo_id_promos")),
        sa.ForeignKeyConstraint(["code_id"], ["promo_codes.id"], name=op.f("fk_promo_uses_code_id_promo_codes")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_promo_uses_user_id_users")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_promo_uses")),
    )
    op.create_index("ix_promo_uses_promo_id_user_id", "promo_uses", ["promo_id", "user_id"])


def downgrade() -> None:
    """Down."""
    op.drop_table("promo_uses")
    op.drop_table("promo_codes")
    op.drop_table("promos")
