"""An index of the orders that ended unpaid, by their buyer."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_index(
        "ix_orders_ended_unpaid",
        "orders",
        ["user_id", "created_at"],
        postgresql_where=sa.text("status IN ('expired', 'cancelled')"),
    )


def downgrade() -> None:
    """Down."""
    op.drop_index("ix_orders_ended_unpaid", table_name="orders")
