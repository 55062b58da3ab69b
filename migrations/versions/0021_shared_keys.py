"""Shared keys: one key that many buyers get, a number of times or without a limit."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_STATES = "'available', 'reserved', 'sold', 'removed'"


def upgrade() -> None:
    """Up."""
    op.drop_constraint(op.f("ck_stock_keys_state_known"), "stock_keys")
    op.create_check_constraint(op.f("ck_stock_keys_state_known"), "stock_keys", f"state IN ({_STATES}, 'shared')")
    op.create_table(
        "shared_keys",
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("remaining >= 0", name=op.f("ck_shared_keys_remaining_not_negative")),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_shared_keys_variant_id_variants")),
        sa.ForeignKeyConstraint(["key_id"], ["stock_keys.id"], name=op.f("fk_shared_keys_key_id_stock_keys")),
        sa.PrimaryKeyConstraint("variant_id", name=op.f("pk_shared_keys")),
    )
    op.create_table(
        "shared_key_lines",
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_shared_key_lines_quantity_positive")),
        sa.CheckConstraint("state IN ('reserved', 'sold')", name=op.f("ck_shared_key_lines_state_known")),
        sa.CheckConstraint("(state = 'sold') = (key_id IS NOT NULL)", name=op.f("ck_shared_key_lines_sold_with_a_key")),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_shared_key_lines_variant_id_variants")),
        sa.ForeignKeyConstraint(["key_id"], ["stock_keys.id"], name=op.f("fk_shared_key_lines_key_id_stock_keys")),
        sa.PrimaryKeyConstraint("order_line_id", name=op.f("pk_shared_key_lines")),
    )
    op.create_index(
        "ix_shared_key_lines_reserved", "shared_key_lines", ["variant_id"],
        postgresql_where=sa.text("state = 'reserved'"),
    )  # fmt: skip
    op.create_index(
        "ix_shared_key_lines_key_id", "shared_key_lines", ["key_id", "order_line_id"],
        postgresql_where=sa.text("key_id IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    """Down: shared keys stay in the stock, and nobody sells them."""
    op.drop_table("shared_key_lines")
    op.drop_table("shared_keys")
    op.execute("UPDATE stock_keys SET state = 'removed' WHERE state = 'shared'")
    op.drop_constraint(op.f("ck_stock_keys_state_known"), "stock_keys")
    op.create_check_constraint(op.f("ck_stock_keys_state_known"), "stock_keys", f"state IN ({_STATES})")
