"""The kind of goods of an order's line, as it was when it was bought."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up: what was sold so far were unique keys."""
    op.add_column("order_lines", sa.Column("kind", sa.Text(), nullable=False, server_default=sa.text("'unique_keys'")))


def downgrade() -> None:
    """Down."""
    op.drop_column("order_lines", "kind")
