"""Orders: what paid each, and the indexes of the lists that admins narrow down."""

import sqlalchemy as sa
from alembic import op

revision = "0077"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.add_column("orders", sa.Column("method", sa.Text(), nullable=True))
    op.execute("""
        UPDATE orders SET method = coalesce(
            (SELECT provider FROM payment_intents p WHERE p.order_id = orders.id AND p.credited > 0
             ORDER BY p.id DESC LIMIT 1), 'balance')
        WHERE paid_at IS NOT NULL
    """)
    op.create_index("ix_orders_created_at", "orders", ["created_at"])
    op.create_index("ix_orders_status_id", "orders", ["status", "id"])
    op.create_index("ix_orders_method_id", "orders", ["method", "id"], postgresql_where=sa.text("method IS NOT NULL"))
    op.create_index("ix_orders_refunded", "orders", ["id"], postgresql_where=sa.text("refunded_amount > 0"))
    op.create_index("ix_order_lines_variant_id_order_id", "order_lines", ["variant_id", "order_id"])
    op.create_index("ix_order_lines_by_hand", "order_lines", ["order_id"], postgresql_where=sa.text("kind = 'by_hand'"))


def downgrade() -> None:
    """Down."""
    op.drop_index("ix_order_lines_by_hand", "order_lines")
    op.drop_index("ix_order_lines_variant_id_order_id", "order_lines")
    op.drop_index("ix_orders_refunded", "orders")
    op.drop_index("ix_orders_method_id", "orders")
    op.drop_index("ix_orders_status_id", "orders")
    op.drop_index("ix_orders_created_at", "orders")
    op.drop_column("orders", "method")
