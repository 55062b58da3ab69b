"""The back office's home: sales by day from an index alone, new people by day."""

from alembic import op
from sqlalchemy import text

revision = "0090"
down_revision = "0087"
branch_labels = None
depends_on = None

_PAID = text("paid_at IS NOT NULL")


def upgrade() -> None:
    """Up."""
    op.drop_index("ix_orders_paid_at", table_name="orders")
    op.create_index(
        "ix_orders_paid_at", "orders", ["paid_at"],
        postgresql_include=["total_amount", "refunded_amount", "currency"], postgresql_where=_PAID,
    )  # fmt: skip
    op.create_index("ix_users_created_at", "users", ["created_at"])


def downgrade() -> None:
    """Down."""
    op.drop_index("ix_users_created_at", table_name="users")
    op.drop_index("ix_orders_paid_at", table_name="orders")
    op.create_index("ix_orders_paid_at", "orders", ["paid_at"], postgresql_where=_PAID)
