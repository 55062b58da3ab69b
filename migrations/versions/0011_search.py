"""Indexes by which admins find orders and payments."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_PLAIN = (
    ("ix_orders_total_amount_id", "orders", ["total_amount", "id"]),
    ("ix_order_lines_variant_id_id", "order_lines", ["variant_id", "id"]),
    ("ix_payment_intents_external_id", "payment_intents", ["external_id"]),
    ("ix_payment_intents_amount_id", "payment_intents", ["amount", "id"]),
    ("ix_payment_intents_payable_id", "payment_intents", ["payable", "id"]),
    ("ix_payment_events_external_id", "payment_events", ["external_id"]),
)


def upgrade() -> None:
    """Up."""
    for name, table, columns in _PLAIN:
        op.create_index(name, table, columns)
    op.create_index(
        "ix_payment_intents_money",
        "payment_intents",
        [sa.text("split_part(charge_id, ':', 1)")],
        postgresql_where=sa.text("charge_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Down."""
    op.drop_index("ix_payment_intents_money", table_name="payment_intents")
    for name, table, _ in _PLAIN:
        op.drop_index(name, table_name=table)
