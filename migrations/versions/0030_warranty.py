"""Warranty: how long each variant has one, claims of buyers, and batches that are stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_STATES = "'available', 'reserved', 'sold', 'removed', 'shared'"
_NEW_STATES = "'available', 'reserved', 'sold', 'faulty', 'stopped', 'removed', 'shared'"
_UNSOLD = sa.text("state IN ('available', 'stopped')")
_IN_REVIEW = sa.text("status = 'in_review'")


def upgrade() -> None:
    """Up. The product page has promised a warranty without an end: variants and lines from before have 30 days."""
    op.add_column("variants", sa.Column("warranty_days", sa.BigInteger(), server_default=sa.text("30"), nullable=False))
    op.create_check_constraint(op.f("ck_variants_warranty_not_negative"), "variants", "warranty_days >= 0")
    op.add_column(
        "order_lines", sa.Column("warranty_days", sa.BigInteger(), server_default=sa.text("30"), nullable=False)
    )
    op.alter_column("order_lines", "warranty_days", server_default=sa.text("0"))
    op.add_column("stock_batches", sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True))
    _check_states(_NEW_STATES, "'reserved', 'sold', 'faulty'")
    op.create_index("ix_stock_keys_unsold", "stock_keys", ["batch_id", "state", "position"], postgresql_where=_UNSOLD)
    op.create_table(
        "warranty_claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_warranty_claims_quantity_positive")),
        sa.CheckConstraint(
            "status IN ('in_review', 'replaced', 'refunded', 'rejected')",
            name=op.f("ck_warranty_claims_status_known"),
        ),
        sa.CheckConstraint(
            "(status = 'in_review') = (decided_at IS NULL)", name=op.f("ck_warranty_claims_decided_at_its_time")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_warranty_claims_order_id_orders")),
        sa.ForeignKeyConstraint(["line_id"], ["order_lines.id"], name=op.f("fk_warranty_claims_line_id_order_lines")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_warranty_claims_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warranty_claims")),
        sa.UniqueConstraint("order_id", "idempotency_key", name=op.f("uq_warranty_claims_order_id_idempotency_key")),
    )
    op.create_index(
        "uq_warranty_claims_open", "warranty_claims", ["line_id", "item_id"], unique=True, postgresql_where=_IN_REVIEW
    )
    op.create_index("ix_warranty_claims_user_id_created_at", "warranty_claims", ["user_id", "created_at"])
    op.create_index("ix_warranty_claims_in_review", "warranty_claims", ["id"], postgresql_where=_IN_REVIEW)


def downgrade() -> None:
    """Down: faulty keys are sold ones again, and keys of stopped batches are removed rather than sold."""
    op.drop_table("warranty_claims")
    op.drop_index("ix_stock_keys_unsold", "stock_keys")
    op.execute("UPDATE stock_keys SET state = 'sold' WHERE state = 'faulty'")
    op.execute("UPDATE stock_keys SET state = 'removed' WHERE state = 'stopped'")
    _check_states(_STATES, "'reserved', 'sold'")
    op.drop_column("stock_batches", "stopped_at")
    op.drop_column("order_lines", "warranty_days")
    op.drop_constraint(op.f("ck_variants_warranty_not_negative"), "variants")
    op.drop_column("variants", "warranty_days")


def _check_states(known: str, taken: str) -> None:
    for name in ("state_known", "taken_for_a_line"):
        op.drop_constraint(op.f(f"ck_stock_keys_{name}"), "stock_keys")
    op.create_check_constraint(op.f("ck_stock_keys_state_known"), "stock_keys", f"state IN ({known})")
    op.create_check_constraint(
        op.f("ck_stock_keys_taken_for_a_line"), "stock_keys", f"(state IN ({taken})) = (order_line_id IS NOT NULL)"
    )
